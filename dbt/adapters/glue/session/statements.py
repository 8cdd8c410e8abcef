"""Glue statements: run one, poll for its end, tell a dead session from a bad statement."""

import itertools
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.clients import call
from dbt.adapters.glue.exceptions import (
    CatalogError,
    ProtocolError,
    SessionError,
    StatementCancelled,
    StatementTimeout,
)
from dbt.adapters.glue.retries import Budget
from dbt.adapters.glue.session.lifecycle import USABLE
from dbt.adapters.glue.session.loss import session_lost
from dbt.adapters.glue.session.spec import REQUEST_ORIGIN

# The states of botocore's StatementState in which nothing changes any more; CANCELLING is not one.
# TIMEOUT is not in the model, but has been seen.
TERMINAL = frozenset({"AVAILABLE", "CANCELLED", "ERROR", "TIMEOUT"})
UNDER_WAY = frozenset({"WAITING", "RUNNING", "CANCELLING"})
# Output.Status, in the kernel's lower case (botocore's model says StatementState).
OUTPUT_OK, OUTPUT_ERROR = ("ok", "available"), ("error", "cancelled")
# Said of a session that is over; all but the first of a statement that is unknown or refused, too.
SAID_OF_THE_LOST = (
    *("IllegalSessionStateException", "EntityNotFoundException"),
    *("InvalidInputException", "ValidationException"),
)
FIRST_POLL = 0.02
# The next look comes after this part of the time that has passed: that much later at most.
POLL_GROWTH = 0.4
# The first look comes at this part of the time that statements took lately.
EARLY, FIRST_LOOK_AT_MOST = 0.7, 0.6
LATELY = 3
# A call that has not got through after this time fails, however often it was tried: what runs in
# the session is worth more patience than a number of attempts.
RETRY_FOR = 120.0


@dataclass(frozen=True)
class Output:
    """What a statement that became AVAILABLE printed, or the Python exception it ended in."""

    statement_id: str
    ok: bool
    text: str
    error_name: str
    error_value: str
    traceback: str


class Durations:
    """How long statements of a session took lately, in seconds, as far as looks at them tell.

    Looks at growing intervals from the first moment on were 8 to 13 a statement of 0.3 to 1.2 s;
    beginning where one is likely to end, it is 2 to 4, and the end is seen as soon (simulated with
    lognormal durations).
    """

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=LATELY)

    def first_look(self) -> float:
        if not self._seen:
            return 0.0
        usual = sorted(self._seen)[len(self._seen) // 2]
        return min(EARLY * usual, FIRST_LOOK_AT_MOST)

    def took(self, seconds: float, looks: int) -> None:
        """One that had ended at the first look may have ended long before."""
        self._seen.append(seconds if looks > 1 else seconds / 2)


class StatementClient:
    """Runs statements in one session. Thread-safe as boto3 clients are.

    Raises SessionLost when the session is gone, SessionError when Glue could not run the
    statement, StatementCancelled, StatementTimeout, AccessDenied, CatalogError; ProtocolError for
    an answer that says nothing that we know. Calls are repeated for RETRY_FOR seconds.
    """

    def __init__(
        self,
        glue: Any,
        session_id: str,
        *,
        poll_cap: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._glue = glue
        self.session_id = session_id
        self._poll_cap = poll_cap
        self._durations = Durations()
        self._clock = clock
        self._sleep = sleep

    def submit(self, code: str, retry_for: float = RETRY_FOR) -> int:
        """RunStatement; returns the statement's id without waiting for it."""
        answer = self._call(
            "RunStatement", self._glue.run_statement, retry_for=retry_for, Code=code
        )
        return answer["Id"]

    def run(self, code: str, quiet: float = 0.0) -> Output:
        """RunStatement, then GetStatement until it has ended.

        quiet: seconds for which nothing has happened; the longer, the rarer the looks.
        """
        return self.wait(self.submit(code), quiet)

    def wait(self, statement_id: int, quiet: float = 0.0) -> Output:
        started = self._clock()
        pause = max(self._pause(quiet), min(self._durations.first_look(), self._poll_cap))
        for looks in itertools.count(1):
            self._sleep(pause)
            answer = self._call("GetStatement", self._glue.get_statement, Id=statement_id)
            statement = answer["Statement"]
            if statement.get("State") in TERMINAL:
                self._durations.took(self._clock() - started, looks)
                return self._ended(str(statement_id), statement)
            if statement.get("State") not in UNDER_WAY:
                raise self._unknown(str(statement_id), f"state {statement.get('State')!r}")
            pause = self._pause(quiet + self._clock() - started) * random.uniform(0.85, 1.15)
        raise AssertionError("count ends never")

    def _pause(self, passed: float) -> float:
        return max(FIRST_POLL, min(self._poll_cap, passed * POLL_GROWTH))

    def _ended(self, statement_id: str, statement: dict[str, Any]) -> Output:
        state, output = statement["State"], statement.get("Output") or {}
        where: dict[str, Any] = {"session_id": self.session_id, "statement_id": statement_id}
        value = output.get("ErrorValue") or ""
        if state == "CANCELLED":
            raise StatementCancelled(value or "The Glue statement was cancelled.", **where)
        if state == "TIMEOUT":
            raise StatementTimeout(value or "The Glue statement timed out.", **where)
        if state == "ERROR":
            self._raise_if_lost(value or "The Glue statement ended in state ERROR.")
            raise SessionError(
                value or "Glue could not run the statement: it ended in state ERROR.", **where
            )
        status = str(output.get("Status", "")).lower()
        if status not in (*OUTPUT_OK, *OUTPUT_ERROR):
            raise self._unknown(statement_id, f"output {str(output)[:500]}")
        return Output(
            statement_id=statement_id,
            ok=status in OUTPUT_OK,
            text=(output.get("Data") or {}).get("TextPlain") or "",
            error_name=output.get("ErrorName") or "",
            error_value=value,
            traceback="".join(output.get("Traceback") or ()),
        )

    def _unknown(self, statement_id: str, what: str) -> ProtocolError:
        return ProtocolError(
            f"Glue tells of the statement what this version of dbt-glue does not know: {what}",
            hint="Whether it ran is not known. A newer version of dbt-glue may know.",
            session_id=self.session_id,
            statement_id=statement_id,
        )

    def _call(
        self,
        operation: str,
        fn: Callable[..., Any],
        *,
        retry_for: float = RETRY_FOR,
        **request: Any,
    ) -> Any:
        request.update(SessionId=self.session_id, RequestOrigin=REQUEST_ORIGIN)
        budget = Budget(None, retry_for, self._clock, self._sleep)
        try:
            return call(operation, fn, budget=budget, **request)
        except CatalogError as error:
            error.add_context(session_id=self.session_id)
            if error.code in SAID_OF_THE_LOST:
                self._raise_if_lost(error.message, error)
            raise

    def _raise_if_lost(self, message: str, cause: CatalogError | None = None) -> None:
        """cause: what a call was answered; without one, a statement has ended badly."""
        state: dict[str, Any] = {}
        try:
            state = call("GetSession", self._glue.get_session, Id=self.session_id)["Session"]
        except CatalogError as error:
            if error.code != "EntityNotFoundException":
                raise
        over = cause is not None and cause.code == "IllegalSessionStateException"
        if over or state.get("Status") not in USABLE:
            refused = cause is not None and cause.operation == "RunStatement" and not cause.unsure
            raise session_lost(message, self.session_id, state, begun=not refused) from cause
