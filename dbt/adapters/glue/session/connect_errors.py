"""What a failed Spark Connect call says, as our errors.

Imported when a Spark Connect session is used: it needs grpc.
"""

import json
import re
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    StatementCancelled,
    StatementError,
)
from dbt.adapters.glue.session.connect_endpoint import lost
from dbt.adapters.glue.session.ticket import driver_is_dead

CANCELLED = re.compile(r"OPERATION_CANCELED|cancelled part of cancelled job")
# "Job aborted due to stage failure: … Lost task 0.0 in stage 4.0 (TID 4) (host): <cause>"
TASK_FAILURE = re.compile(r"^Job aborted due to stage failure: .*?\(TID \d+\) \([^)]*\): ", re.S)
# Spark 3.5 sends the outermost exception alone, and these say nothing of the cause.
WRAPPER = re.compile(
    r"^\w+(\.\w+)*: (Exception thrown in awaitResult:|Job aborted)|TASK_WRITE_FAILED"
)
WRAPPER_HINT = (
    "Spark Connect leaves the cause of this error out: it is in the session's log, and a run with "
    "`session_type: livy` shows it."
)
STACK = re.compile(r"(\n\s+at [^\n]*|\n\s*\.\.\. \d+ more|\n+Driver stacktrace:)+")


class Told(NamedTuple):
    """message is Spark's own; java_class, without its package, is None if Spark did not answer."""

    message: str
    java_class: str | None


def told_by(error: Any) -> Told:
    """Spark Connect's answer to a failed call (a grpc.RpcError)."""
    status = rpc_status.from_call(error)
    if status is None:
        return Told(error.details() or str(error), None)
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            classes = json.loads(info.metadata.get("classes", "[]"))
            said = _spark_says(status.message, info.reason, classes)
            return Told(said, info.reason.rpartition(".")[2])
    return Told(status.message, None)


def glue_error(error: Any, session_id: str, operation_id: str | None) -> GlueError:
    """A grpc.RpcError as StatementError, StatementCancelled or SessionLost."""
    where: dict[str, Any] = {"session_id": session_id, "statement_id": operation_id}
    told = told_by(error)
    if CANCELLED.search(told.message):
        return StatementCancelled(told.message, **where)
    if driver_is_dead(told.message):
        return lost(told.message, session_id)
    if told.java_class is not None:
        hint = WRAPPER_HINT if WRAPPER.search(told.message) else None
        return StatementError(told.message, error_name=told.java_class, hint=hint, **where)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return lost(f"The session does not answer: {told.message}", session_id, "UNAVAILABLE")
    return ProtocolError(f"{error.code().name}: {told.message}", code=error.code().name, **where)


def _spark_says(message: str, java_class: str, classes: list[str]) -> str:
    """Without stacks; a failed task's own exception in place of "Job aborted"."""
    inner = TASK_FAILURE.sub("", message)
    text = STACK.sub("", inner).strip()
    causes = re.findall(r"^Caused by: (.+)$", text, re.M)
    if inner != message and causes:
        return causes[-1]
    known = any(name.endswith((".AnalysisException", ".ParseException")) for name in classes)
    if inner != message or known or text.startswith("["):
        return text
    return f"{java_class}: {text}"
