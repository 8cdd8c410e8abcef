"""Signals in child processes of tests."""

import os
import signal
import subprocess


def as_in_a_terminal() -> None:
    """For preexec_fn: a runner under nohup, or in the background, has its children ignore some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def in_a_session_of_its_own() -> None:
    """For preexec_fn: `as_in_a_terminal`, and `processes_of` finds what the child starts."""
    os.setsid()
    as_in_a_terminal()


def processes_of(session: int) -> list[str]:
    """The processes of a child that was started `in_a_session_of_its_own`, by its pid."""
    listed = subprocess.run(
        ["ps", "-eo", "sess=,pid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    return [" ".join(row[1:]) for row in rows if int(row[0]) == session and row[2][0] != "Z"]
