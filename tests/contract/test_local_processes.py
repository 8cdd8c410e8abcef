"""The processes of local Glue: none outlives the server, however that ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from dbt.adapters.glue.local import launcher

pytestmark = pytest.mark.slow

SESSION = {
    "Role": "arn:aws:iam::123456789012:role/r",
    "Command": {"Name": "glueetl", "PythonVersion": "3"},
    "GlueVersion": "5.1",
}


def processes_below(pid: int) -> set[int]:
    """A process and all that it has started, while it lives."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, added = set[int](), {pid}
    while added:
        found |= added
        added = {child for child, parent in parents if parent in added} - found
    return found


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_spark_listening(pid: int) -> bool:
    """Whether it is a Spark that has opened its port, of which its shell is to learn by a file."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        opened = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return False
    is_spark = "spark.deploy.SparkSubmit" in command and "spark.launcher.Main" not in command
    return is_spark and any(file.startswith("socket:") for file in opened)


def told(line: str) -> None:
    """Progress is not looked at."""


def ready(glue: Any, name: str) -> bool:
    return glue.get_session(Id=name)["Session"]["Status"] == "READY"


def test_nothing_outlives_a_killed_server_and_the_next_start_works(tmp_path: Path) -> None:
    local = launcher.ensure_running(tmp_path, report=told, idle_exit=600.0, driver_memory="1g")
    try:
        glue = local.client("glue")
        glue.create_database(DatabaseInput={"Name": "kept"})
        for name, kind in (("ready", "LIVY"), ("connect", "SPARK_CONNECT")):
            glue.create_session(Id=name, SessionType=kind, **SESSION)
        for name in ("ready", "connect"):
            wait_until(lambda name=name: ready(glue, name), 120, f"session {name}")
        before = processes_below(local.pid)
        glue.create_session(Id="starting", **SESSION)
        wait_until(lambda: processes_below(local.pid) - before, 60, "a third session starts")
        running = processes_below(local.pid)
        assert len(running) >= 1 + 1 + 2 + 2 + 1  # server, metastore, sessions with their JVMs
        os.kill(local.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, running)), 60, "they end by themselves")
        status = subprocess.run(
            [sys.executable, "-m", "dbt.adapters.glue.cli", "local", "status", "--dir", tmp_path],
            capture_output=True,
            text=True,
        )
        assert (status.returncode, status.stdout) == (1, f"no local Glue runs on {tmp_path}\n")
        again = launcher.ensure_running(tmp_path, report=told, idle_exit=600.0)
        assert again.pid != local.pid
        glue = again.client("glue")
        assert glue.get_database(Name="kept")["Database"]["Name"] == "kept"
        assert glue.list_sessions()["Sessions"] == []
        assert list((tmp_path / "sessions").glob("*")) == []
    finally:
        launcher.stop(tmp_path)
    assert launcher.status(tmp_path) is None


def test_no_spark_outlives_a_shell_that_is_killed_while_it_starts(tmp_path: Path) -> None:
    local = launcher.ensure_running(tmp_path, report=told, idle_exit=600.0, driver_memory="1g")
    try:
        glue = local.client("glue")
        glue.create_session(Id="first", **SESSION)  # starts the metastore
        wait_until(lambda: ready(glue, "first"), 120, "the first session")
        before = processes_below(local.pid)
        glue.create_session(Id="starting", **SESSION)
        wait_until(
            lambda: any(map(is_spark_listening, processes_below(local.pid) - before)), 60, "Spark"
        )
        started = processes_below(local.pid) - before
        os.kill(min(started), signal.SIGKILL)
        wait_until(lambda: not any(map(alive, started)), 30, "Spark ends too")
    finally:
        launcher.stop(tmp_path)
