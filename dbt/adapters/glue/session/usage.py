"""What a run took of Glue: sessions, DPU-hours, and where the time went."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class Stopwatch:
    """The time in which at least one thread was inside, in seconds. Not thread-safe by itself."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._inside = 0
        self._since = 0.0
        self._total = 0.0

    def enter(self) -> None:
        if self._inside == 0:
            self._since = self._clock()
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self._total += self._clock() - self._since

    @property
    def seconds(self) -> float:
        return self._total + (self._clock() - self._since if self._inside else 0.0)


@dataclass(eq=False)
class _Session:
    size: str  # "2 × G.1X"; "" where Glue does not tell
    created: bool
    provisioning: float  # seconds
    since: float  # when it became ready, or was attached to
    dpu_seconds: float | None  # at that moment
    busy: Stopwatch
    until: float | None = None
    kept: bool = False
    taken: float | None = None  # DPU-seconds of this run


class RunUsage:
    """Thread-safe. State is GetSession's Session; DPUSeconds there is ExecutionTime × MaxCapacity
    (botocore, glue service model)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, list[_Session]] = {}  # one made anew is another one
        self._waiting = Stopwatch(clock)
        self._busy = Stopwatch(clock)
        self._statements = 0

    def usable(
        self, session_id: str, state: Mapping[str, Any], *, created: bool, seconds: float
    ) -> None:
        """A session has become usable; seconds: how long that took."""
        workers, kind = state.get("NumberOfWorkers"), state.get("WorkerType")
        session = _Session(
            size=f"{workers} × {kind}" if workers and kind else "",
            created=created,
            provisioning=seconds,
            since=self._clock(),
            dpu_seconds=0.0 if created else state.get("DPUSeconds"),
            busy=Stopwatch(self._clock),
        )
        with self._lock:
            same = self._sessions.setdefault(session_id, [])
            if same and same[-1].until is None:
                same[-1].until = session.since  # it was lost
            same.append(session)

    def left(self, session_id: str, state: Mapping[str, Any], *, kept: bool) -> None:
        """A session was stopped, or is kept for the next run; state {} if it is not known."""
        with self._lock:
            session = self._sessions[session_id][-1]
            session.until, session.kept = self._clock(), kept
            total = state.get("DPUSeconds")
            if total is not None and session.dpu_seconds is not None:
                session.taken = total - session.dpu_seconds

    @contextmanager
    def statement(self, session_id: str) -> Iterator[None]:
        """Around one statement, from its submission to its result."""
        with self._lock:
            self._statements += 1
            watches = [self._busy, *(s.busy for s in self._sessions.get(session_id, [])[-1:])]
            for watch in watches:
                watch.enter()
        try:
            yield
        finally:
            with self._lock:
                for watch in watches:
                    watch.leave()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a thread's wait for a session."""
        with self._lock:
            self._waiting.enter()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.leave()

    def summary(self) -> str | None:
        """One line for the end of a run; None if it had no session."""
        with self._lock:
            sessions = [session for same in self._sessions.values() for session in same]
            if not sessions:
                return None
            created = [session for session in sessions if session.created]
            now = self._clock()
            idle = sum((s.until or now) - s.since - s.busy.seconds for s in sessions)
            parts = [f"{_sessions(sessions)}{_dpu_hours(sessions)}"]
            waited = f"waited {self._waiting.seconds:.1f} s for"
            if created:
                spent = sum(session.provisioning for session in created)
                waited = f"provisioning {spent:.1f} s ({waited})"
            parts += [
                waited if created else f"{waited} a session",
                f"{_counted(self._statements, 'statement')}, in Spark {self._busy.seconds:.1f} s",
                f"idle {max(0.0, idle):.1f} s",
            ]
            return "; ".join(parts)


def _sessions(sessions: list[_Session]) -> str:
    sizes = Counter(session.size for session in sessions)
    told = ", ".join(
        size if count == 1 else f"{count} of {size}" for size, count in sizes.items() if size
    )
    kept = sum(session.kept for session in sessions)
    notes = [told] if told else []
    if kept:
        notes.append("kept for the next run" if kept == len(sessions) else f"{kept} kept")
    return _counted(len(sessions), "session") + (f" ({', '.join(notes)})" if notes else "")


def _dpu_hours(sessions: list[_Session]) -> str:
    taken = [session.taken for session in sessions if session.taken is not None]
    if not taken:
        return ""
    unknown = len(sessions) - len(taken)
    rest = f" and those of {_counted(unknown, 'session')} that Glue did not tell" if unknown else ""
    return f", {sum(taken) / 3600:.3f} DPU-hours{rest}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
