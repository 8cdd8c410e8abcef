"""Faults: what becomes of the next calls of a caller, for tests and rehearsals.

POST /_faults takes `{"caller": ACCESS_KEY, "faults": {OPERATION: [KIND, COUNT, SECONDS]}}`: the
next COUNT calls of the operation that are signed with this access key meet the fault. The caller
"*" stands for all; SECONDS is of `slow` alone. It replaces what this caller had, and is answered by
`{"met": {OPERATION: NUMBER}}`: how many calls have met that.
The operation "connect:stream" is not waited for: answers of Spark Connect that are under way to
this caller break off at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .errors import InternalServiceException, ThrottlingException

EVERYONE = "*"
STREAM = "connect:stream"
# kind -> what it is; `done` kinds let the operation happen first
KINDS = {
    "throttled": "refused as throttled",
    "failed": "refused with HTTP 500",
    "reset": "the connection is reset, and nothing is done",
    "lost": "the operation is done, and the connection is reset in place of the answer",
    "slow": "it is done after some seconds",
    "cut": "it is done, and the answer ends half way",
    "html": "a proxy's page with status 200 in place of the answer, and nothing is done",
}
PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>"
    b"<body>The proxy wants you to sign in.</body></html>\n"
)


@dataclass
class Fault:
    """One rule; left is the number of calls that it is still for, met of those that it was for."""

    kind: str
    left: int
    seconds: float = 0.0
    met: int = 0


class Intercepted(Exception):
    """The operation is not done: `kind` reset or html."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"asked for by a fault: {KINDS[kind]}")
        self.kind = kind


class Faults:
    """The rules of all callers, and which call this thread is at. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, dict[str, Fault]] = {}
        self._streams: dict[Callable[[], object], str] = {}
        self._here = threading.local()

    def ask(self, request: Any) -> dict[str, int]:
        """Takes the content of POST /_faults; operation -> how many calls met what was asked
        before. Raises ValueError, and then changes nothing."""
        if not isinstance(request, Mapping) or not isinstance(request.get("caller"), str):
            raise ValueError('faults: expected {"caller": an access key or "*", "faults": {…}}')
        rules = request.get("faults", {})
        if not isinstance(rules, Mapping):
            raise ValueError("faults: expected {operation: [kind, count, seconds]}")
        checked = {name: _rule(name, value) for name, value in rules.items()}
        with self._lock:
            before = self._rules.get(request["caller"], {})
            self._rules[request["caller"]] = checked
            broken = [end for end, of in self._streams.items() if of == request["caller"]]
        for end in broken if STREAM in checked else ():
            end()
        if STREAM in checked:
            checked[STREAM].met = len(broken)
        return {operation: fault.met for operation, fault in before.items()}

    @contextmanager
    def stream(self, caller: str, end: Callable[[], object]) -> Iterator[None]:
        """Answers are under way to the caller, which `end` breaks off."""
        with self._lock:
            self._streams[end] = caller
        try:
            yield
        finally:
            with self._lock:
                del self._streams[end]

    @contextmanager
    def calling(self, caller: str) -> Iterator[None]:
        """This thread serves a call of this access key."""
        self._here.caller, self._here.spoiled = caller, None
        try:
            yield
        finally:
            self._here.caller = self._here.spoiled = None

    @property
    def caller(self) -> str:
        """The access key of the call that this thread serves; empty outside of one."""
        return getattr(self._here, "caller", None) or ""

    @property
    def spoiled(self) -> str | None:
        """What is to become of this call's answer: lost, cut or nothing."""
        return getattr(self._here, "spoiled", None)

    def meet(self, operation: str) -> tuple[float, Exception | None]:
        """Seconds to wait, and the error, of this call: an ApiError or Intercepted."""
        with self._lock:
            fault = self._taken(self.caller, operation) or self._taken(EVERYONE, operation)
        if fault is None:
            return 0.0, None
        if fault.kind in ("lost", "cut"):
            self._here.spoiled = fault.kind
        return fault.seconds, _error(fault.kind)

    def _taken(self, caller: str, operation: str) -> Fault | None:
        fault = self._rules.get(caller, {}).get(operation)
        if fault is None or fault.left <= 0:
            return None
        fault.left -= 1
        fault.met += 1
        return fault


def _rule(operation: str, value: Any) -> Fault:
    kind, count, *rest = value if isinstance(value, list) and len(value) in (2, 3) else (None, 0)
    seconds = rest[0] if rest else 0
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in (count, seconds))
    if kind not in KINDS or not numbers or count < 0 or seconds < 0:
        raise ValueError(
            f"faults: {operation} does not take {value!r}, but [kind, count, seconds]; kinds are "
            f"{', '.join(KINDS)}"
        )
    return Fault(kind, int(count), float(seconds))


def _error(kind: str) -> Exception | None:
    if kind == "throttled":
        return ThrottlingException("Rate exceeded")
    if kind == "failed":
        return InternalServiceException("Asked for by a fault: HTTP 500")
    return Intercepted(kind) if kind in ("reset", "html") else None
