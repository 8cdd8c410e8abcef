"""One dbt command, measured: time, memory, API calls, and the sessions it is billed for."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.stand import Stand

MINIMUM_BILLED = 60.0  # seconds per session (AWS Glue pricing page)
GRACE = 30.0  # seconds between the interrupt and the kill of a command that took too long
LEAST_FREE = 2**30  # bytes; 16 Sparks could take the whole machine
LINES_KEPT = 15
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Process:
    """How a command went.

    memory: the most it held, in bytes. least_free: of the machine's memory, in bytes, while it
    ran. stopped: why it was stopped, with code None.
    """

    code: int | None
    seconds: float
    cpu_seconds: float
    memory: int
    least_free: int
    output: str
    stopped: str = ""


def run(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], output: Path, limit: float
) -> Process:
    """Runs `command`, its output into the file `output`.

    It is stopped after `limit` seconds, or when the machine has less than LEAST_FREE left.
    """
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watch = _Watch(process, limit)
        status, usage = watch.wait()
    return Process(
        code=None if watch.stopped else os.waitstatus_to_exitcode(status),
        seconds=time.monotonic() - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss * 1024,
        least_free=watch.least_free,
        output=_COLOUR.sub("", output.read_text(errors="replace")),
        stopped=watch.stopped,
    )


class _Watch:
    """Waits for a process, and stops it if it must be."""

    def __init__(self, process: "subprocess.Popen[bytes]", limit: float) -> None:
        self.stopped = ""
        self.least_free = free_memory()
        self._process = process
        self._limit = limit
        self._deadline = time.monotonic() + limit

    def wait(self) -> tuple[int, Any]:
        """(status, usage) of wait4, which tells the memory of this one child."""
        try:
            return self._wait()
        except BaseException:  # Ctrl-C reaches us only: the command has a session of its own
            os.killpg(self._process.pid, signal.SIGKILL)
            raise

    def _wait(self) -> tuple[int, Any]:
        signals = iter((signal.SIGINT, signal.SIGKILL))
        while True:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return status, usage
            if self._must_stop():
                os.killpg(self._process.pid, next(signals, signal.SIGKILL))
                self._deadline = time.monotonic() + GRACE
            time.sleep(0.02)

    def _must_stop(self) -> bool:
        self.least_free = min(self.least_free, free_memory())
        late = time.monotonic() > self._deadline
        if not self.stopped:
            if self.least_free < LEAST_FREE:
                self.stopped = f"stopped, with {self.least_free / 2**30:.1f} GiB of memory left"
            elif late:
                self.stopped = f"stopped after {self._limit:.0f} s"
            return bool(self.stopped)
        return late


def free_memory() -> int:
    """What Linux could hand out without swapping, in bytes; elsewhere, what there is."""
    info = Path("/proc/meminfo")
    if not info.exists():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    line = next(line for line in info.read_text().splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def billing(
    sessions: Sequence[Mapping[str, Any]], started: float, ended: float
) -> dict[str, float | int]:
    """What the sessions of a run that lasted from `started` to `ended` (epoch seconds) cost.

    seconds: of all sessions together, from CreatedOn until CompletedOn (as ExecutionTime counts),
    or until the run ended; of a session that was there before, only those of the run. billed: the
    same with the 1-minute minimum of each new session. dpu_seconds: like seconds, times DPUs.
    left_seconds: what the idle timeout of sessions that were left running adds.
    """
    total: dict[str, float | int] = {
        "sessions": 0,
        "attached": 0,
        "seconds": 0.0,
        "billed": 0.0,
        "dpu_seconds": 0.0,
        "left": 0,
        "left_seconds": 0.0,
    }
    for session in sessions:
        created = _epoch(session["CreatedOn"])
        completed = _epoch(session["CompletedOn"]) if "CompletedOn" in session else None
        if created > ended or (completed is not None and completed < started):
            continue
        attached = created < started
        until = min(ended, completed) if completed is not None else ended
        seconds = until - max(created, started)
        total["sessions"] += 1
        total["attached"] += attached
        total["seconds"] += seconds
        total["billed"] += seconds if attached else max(seconds, MINIMUM_BILLED)
        total["dpu_seconds"] += seconds * session["MaxCapacity"]
        if completed is None and session["Status"] != "STOPPING":
            total["left"] += 1
            total["left_seconds"] += session["IdleTimeout"] * 60.0
    return {name: round(value, 2) for name, value in total.items()}


def _epoch(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def statements(calls: Mapping[str, int]) -> int:
    """What was sent to sessions to run, whichever way."""
    return calls.get("RunStatement", 0) + calls.get("connect:ExecutePlan", 0)


def by_service(calls: Mapping[str, int]) -> dict[str, int]:
    """API calls of Glue (and STS, Lake Formation), Spark Connect and S3."""
    counted = Counter({"glue": 0, "connect": 0, "s3": 0})
    for operation, number in calls.items():
        service, _, rest = operation.partition(":")
        counted[service if rest else "glue"] += number
    return dict(counted)


def node_states(target: Path) -> dict[str, int]:
    """How many nodes ended in which state, by run_results.json; {} where there is none."""
    results = target / "run_results.json"
    if not results.exists():
        return {}
    return dict(Counter(item["status"] for item in json.loads(results.read_text())["results"]))


def measured(stand: Stand, process: Process, started: float, target: Path) -> dict[str, Any]:
    """The process with what the stand counted, as it is kept in a result file."""
    ended = started + process.seconds
    stats = stand.stats()
    states = node_states(target)
    return {
        "status": {None: "stopped", 0: "ok"}.get(process.code, "failed"),
        "seconds": round(process.seconds, 2),
        "cpu_seconds": round(process.cpu_seconds, 2),
        "stopped": process.stopped,
        "memory_mb": round(process.memory / 1e6),
        "least_free_mb": round(process.least_free / 1e6),
        "nodes": states,
        "calls": dict(sorted(stats["calls"].items())),
        "by_service": by_service(stats["calls"]),
        "statements": statements(stats["calls"]),
        "bytes": stats["bytes"],
        "billing": billing(stand.sessions(), started, ended),
        "said": process.output.strip().splitlines()[-LINES_KEPT:],
    }
