"""Signals in child processes of tests."""

import signal


def as_in_a_terminal() -> None:
    """For preexec_fn: a runner under nohup, or in the background, has its children ignore some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
