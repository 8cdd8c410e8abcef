"""Ticket: one statement of a dbt thread, from its submission to its result."""

import copy
import re
from collections.abc import Callable
from typing import Any

from dbt.adapters.glue.clients import call
from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    SessionLost,
    StatementCancelled,
    StatementError,
    spark_message,
)
from dbt.adapters.glue.retries import Budget
from dbt.adapters.glue.session.exchange import unpack
from dbt.adapters.glue.session.loss import LOST_HINT
from dbt.adapters.glue.session.result import Printed, Result, ResultColumn, decode_columns

DELETIONS = 3  # attempts: whoever reads results has others waiting for theirs

DEAD_DRIVER = re.compile(
    r"Py4JNetworkError|stopped SparkContext|SparkContext (has been|was) shut ?down"
    r"|SparkContext is stopping|Answer from Java side is empty"
)


# Spark's error class at the head of a message.
ERROR_CLASS = re.compile(r"(?:[\w.$]+: )?\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]")
# These say nothing of the cause, and do not repeat the query.
WRAPPERS = frozenset({"WRITING_JOB_ABORTED", "TASK_WRITE_FAILED"})


def error_class_of(message: str) -> str | None:
    """The error class that a message of Spark begins with."""
    found = ERROR_CLASS.match(message.lstrip())
    return found[1] if found else None


def own_words(message: str) -> str:
    """What an error says itself, without the query and the plan, which its message may repeat.

    An error with a class is told by that alone.
    """
    first, *rest = spark_message(message).partition("\n== SQL ==")[0].strip().split("\n")
    causes = [line for line in rest if line.startswith("Caused by: ")]
    error_class = error_class_of(first)
    if error_class is None:
        return "\n".join([first, *causes])
    return "\n".join([error_class, *causes]) if error_class in WRAPPERS else error_class


def driver_is_dead(message: str, name: str = "") -> bool:
    """An error says that Spark's driver has gone, and every later statement will fail.

    name: of its Python class.
    """
    return bool(DEAD_DRIVER.search(name) or DEAD_DRIVER.search(own_words(message)))


def copy_error(error: GlueError, *, begun: bool | None = None) -> GlueError:
    """A copy that one thread may raise and add context to; begun is for a SessionLost."""
    twin = copy.copy(error)
    twin.context = dict(error.context)
    twin.__cause__ = error.__cause__
    if begun is not None and isinstance(twin, SessionLost):
        twin.begun = begun
    return twin


class Ticket:
    """carried: an exchange with it was begun; sent: the session has it; done: it has ended."""

    def __init__(
        self,
        request: dict[str, Any],
        tag: str | None,
        thread: int,
        clock: Callable[[], float],
    ) -> None:
        self.id: str = request["id"]
        self.request = request
        self.tag = tag
        self.thread = thread
        self.carried = self.sent = self.done = False
        self.statement_id: str | None = None
        self.lost: SessionLost | None = None
        self._clock = clock
        self._started = clock()
        self._seconds = 0.0
        self._parts: list[str] = []
        self.received = 0
        self._answer: dict[str, Any] = {}
        self._error: GlueError | None = None

    def take(self, part: dict[str, Any], s3: Callable[[], Any] | None) -> bool:
        """Takes a result, or a part of one; True when it is complete."""
        try:
            if "s3" in part:
                self._answer = unpack(_fetch(part["s3"], s3))
                return True
            if part["at"] != self.received:
                return False
            self._parts.append(part["data"])
            self.received += len(part["data"])
            if self.received < part["size"]:
                return False
            self._answer = unpack("".join(self._parts))
        except GlueError as error:
            self._error = error
        return True

    def finish(self) -> None:
        self._seconds = self._clock() - self._started
        self.done = True
        error = self._answer.get("error")
        if error and not error["cancelled"] and driver_is_dead(error["message"], error["name"]):
            self._error = self.lost = SessionLost(error["message"], hint=LOST_HINT)

    def fail(self, error: GlueError) -> None:
        self._error = error
        self.finish()

    def result(self, session_id: str) -> Result:
        answer = self._checked(session_id)
        return Result(
            columns=[ResultColumn(name, kind) for name, kind in answer["columns"]],
            rows=decode_columns(answer["values"], answer["codecs"]),
            row_count=answer["row_count"],
            session_id=session_id,
            statement_id=self.statement_id,
            seconds=self._seconds,
        )

    def printed(self, session_id: str) -> Printed:
        return Printed(self._checked(session_id)["printed"], self.statement_id)

    def _checked(self, session_id: str) -> dict[str, Any]:
        where = {"session_id": session_id, "statement_id": self.statement_id}
        if self._error is not None:
            raise self._error.add_context(**where)
        error = self._answer.get("error")
        if error is None:
            return self._answer
        if error["cancelled"]:
            raise StatementCancelled(error["message"], **where)
        message = spark_message(error["message"])
        if self.request["kind"] == "python":
            message = f"{error['name']}: {message}\n{error['traceback'] or ''}".rstrip()
        raise StatementError(
            message,
            error_name=error["name"],
            error_class=error["error_class"],
            sqlstate=error["sqlstate"],
            traceback=error["traceback"],
            **where,
        )


def _fetch(address: str, s3: Callable[[], Any] | None) -> str:
    """A result that the session put to S3. Whoever took it calls `discard`."""
    if s3 is None:
        raise ProtocolError(f"The session put a result at {address}, and there is no S3 client.")
    bucket, key = _place(address)

    def read(**place: str) -> dict[str, Any]:
        answer = s3().get_object(**place)
        return {**answer, "Body": answer["Body"].read()}

    body: bytes = call("GetObject", read, Bucket=bucket, Key=key)["Body"]
    return body.decode("ascii")


def discard(address: str, s3: Callable[[], Any] | None) -> None:
    """Deletes a result that the session put to S3."""
    if s3 is not None:
        bucket, key = _place(address)
        few = Budget(DELETIONS)
        call("DeleteObject", s3().delete_object, budget=few, Bucket=bucket, Key=key)


def _place(address: str) -> tuple[str, str]:
    bucket, _, key = address.split("://", 1)[1].partition("/")
    return bucket, key
