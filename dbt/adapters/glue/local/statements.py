"""Statements of one session: a serial queue with Livy's states.

WAITING ─→ RUNNING ─→ AVAILABLE            (a Python error, too: Output.Status is "error")
   │          ├─────→ CANCELLING ─→ CANCELLED
   │          └─────→ CANCELLED | ERROR    (the session ended, its process died)
   └────────→ CANCELLED
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import EntityNotFoundException

RETAINED = 100
CANCEL_DEADLINE = 30.0  # seconds after which CANCELLING becomes CANCELLED, whatever still runs

_TRANSITIONS = {
    "WAITING": {"RUNNING", "CANCELLED"},
    "RUNNING": {"AVAILABLE", "CANCELLING", "CANCELLED", "ERROR"},
    "CANCELLING": {"CANCELLED", "ERROR"},
}


@dataclass
class Statement:
    """One statement; times are epoch seconds of the session's clock."""

    id: int
    code: str
    state: str = "WAITING"
    progress: float = 0.0
    started: float | None = None
    completed: float | None = None
    cancelled: float | None = None
    output: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        return self.state not in _TRANSITIONS

    def move(self, state: str) -> None:
        if state not in _TRANSITIONS.get(self.state, ()):
            raise AssertionError(f"statement {self.id}: {self.state} cannot become {state}")
        self.state = state

    def to_api(self) -> dict[str, Any]:
        """Glue's `Statement`; StartedOn and CompletedOn are epoch milliseconds, 0 when not yet."""
        answer: dict[str, Any] = {
            "Id": self.id,
            "Code": self.code,
            "State": self.state,
            "Progress": self.progress,
            "StartedOn": _milliseconds(self.started),
            "CompletedOn": _milliseconds(self.completed),
        }
        if self.output is not None:
            answer["Output"] = self.output
        return answer


class StatementQueue:
    """Runs one statement at a time through `execute`; the caller holds the session's lock.

    `cap` gives the number of characters of output that are kept (None: all); AWS does not
    document its own limit.
    """

    def __init__(
        self,
        execute: Callable[[int, str], None],
        cancel: Callable[[int], None],
        clock: Callable[[], float],
        cap: Callable[[], int | None],
    ) -> None:
        self._execute = execute
        self._cancel = cancel
        self._clock = clock
        self._cap = cap
        self._statements: dict[int, Statement] = {}
        self._next_id = 0
        self._occupant: Statement | None = None  # what the kernel works on, even if CANCELLED
        self.finished = 0

    @property
    def occupied(self) -> bool:
        return self._occupant is not None

    def get(self, statement_id: int) -> Statement:
        """Raises EntityNotFoundException; only the latest 100 statements are kept."""
        statement = self._statements.get(statement_id)
        if statement is None:
            raise EntityNotFoundException(f"Statement {statement_id} not found")
        return statement

    def all(self) -> list[Statement]:
        return list(self._statements.values())

    def submit(self, code: str) -> Statement:
        statement = Statement(self._next_id, code)
        self._next_id += 1
        self._statements[statement.id] = statement
        self._forget_oldest()
        self._start_next()
        return statement

    def cancel(self, statement_id: int) -> None:
        """Does nothing to a statement that has ended or is being cancelled."""
        statement = self.get(statement_id)
        if statement.state == "WAITING":
            self._end(statement, "CANCELLED")
        elif statement.state == "RUNNING":
            statement.move("CANCELLING")
            statement.cancelled = self._clock()
            self._cancel(statement.id)

    def tick(self) -> None:
        """Gives up on a cancelled statement that does not end; it still blocks the queue."""
        for statement in self._statements.values():
            if statement.state == "CANCELLING" and statement.cancelled is not None:
                if self._clock() - statement.cancelled >= CANCEL_DEADLINE:
                    self._end(statement, "CANCELLED")

    def on_progress(self, statement_id: int, progress: float) -> None:
        statement = self._occupant
        if statement is not None and statement.id == statement_id and not statement.ended:
            statement.progress = progress

    def on_result(self, result: dict[str, Any]) -> None:
        """A `result` event of repl.py: ends the statement and starts the next."""
        statement = self._occupant
        if statement is None or statement.id != result["id"]:
            raise AssertionError(f"a result of statement {result['id']}, which does not run")
        self._occupant = None
        self.finished += 1
        if not statement.ended:
            statement.output = self._output(statement.id, result)
            self._end(statement, "CANCELLED" if statement.state == "CANCELLING" else "AVAILABLE")
        self._start_next()

    def end_all(self, running: str) -> None:
        """The session is over: what ran becomes `running`, what waited is cancelled."""
        self._occupant = None
        for statement in self._statements.values():
            if not statement.ended:
                self._end(statement, "CANCELLED" if statement.state == "WAITING" else running)

    def _start_next(self) -> None:
        if self._occupant is not None:
            return
        waiting = (s for s in self._statements.values() if s.state == "WAITING")
        statement = next(waiting, None)
        if statement is not None:
            statement.move("RUNNING")
            statement.started = self._clock()
            self._occupant = statement
            self._execute(statement.id, statement.code)

    def _end(self, statement: Statement, state: str) -> None:
        statement.move(state)
        statement.completed = self._clock()
        if state == "AVAILABLE":
            statement.progress = 1.0

    def _forget_oldest(self) -> None:
        surplus = len(self._statements) - RETAINED
        ended = [s.id for s in self._statements.values() if s.ended]
        for statement_id in ended[: max(surplus, 0)]:
            del self._statements[statement_id]

    def _output(self, statement_id: int, result: dict[str, Any]) -> dict[str, Any]:
        if result["status"] == "ok":
            return {
                "Data": {"TextPlain": result["text"][: self._cap()]},
                "ExecutionCount": statement_id,
                "Status": "ok",
            }
        return {
            "ExecutionCount": statement_id,
            "Status": "error",
            "ErrorName": result["ename"],
            "ErrorValue": result["evalue"],
            "Traceback": result["traceback"],
        }


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else int(seconds * 1000)
