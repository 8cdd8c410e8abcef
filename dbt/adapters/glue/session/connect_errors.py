"""What a failed Spark Connect call says, as our errors.

Spark 3.5 sends the outermost exception's message, at most 2048 characters of it, and, if
`spark.sql.pyspark.jvmStacktrace.enabled` is set, the Java stack trace, which names the causes
(ErrorUtils of spark-connect 3.5.7). Out of the trace comes what a Livy session would have said:
the rules are those of `runtime/errors.py`, and of pyspark's own conversion of Java exceptions.

Imported when a Spark Connect session is used: it needs grpc and pyspark.
"""

import functools
import json
import re
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pyspark
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    StatementCancelled,
    StatementError,
    parse_spark_message,
)
from dbt.adapters.glue.session.loss import session_lost
from dbt.adapters.glue.session.runtime.errors import OUTCOME, ROOT_LENGTH
from dbt.adapters.glue.session.ticket import driver_is_dead, own_words

CANCELLED = re.compile(r"OPERATION_CANCELED|cancelled part of cancelled job")
# "Job aborted due to stage failure: … Lost task 0.0 in stage 4.0 (TID 4) (host): <cause>"
TASK_FAILURE = re.compile(r"^Job aborted due to stage failure: .*?\(TID \d+\) \([^)]*\): ", re.S)
# These say nothing of the cause.
WRAPPER = re.compile(
    r"^\w+(\.\w+)*: (Exception thrown in awaitResult:|Job aborted)|TASK_WRITE_FAILED"
)
WRAPPER_HINT = (
    "The cause of this error was too long to come through Spark Connect: it is in the session's "
    "log, and a run with `session_type: livy` shows it."
)
STACK = re.compile(r"(\n\s+at [^\n]*|\n\s*\.\.\. \d+ more|\n+Driver stacktrace:)+")
# Where the frames of an exception begin, behind its message, which is the user's SQL too.
FRAMES = re.compile(r"\n\t(at [^\s(]+\(|\.\.\. \d+ |Suppressed: )|\nDriver stacktrace:")
# Those that pyspark knows, in its order; it shows their own message, and of all others a cause's.
KNOWN = (
    "org.apache.spark.sql.catalyst.parser.ParseException",
    "org.apache.spark.sql.AnalysisException",
    "org.apache.spark.sql.streaming.StreamingQueryException",
    "org.apache.spark.sql.execution.QueryExecutionException",
    "java.lang.NumberFormatException",
    "java.lang.IllegalArgumentException",
    "java.lang.ArithmeticException",
    "java.lang.UnsupportedOperationException",
    "java.lang.ArrayIndexOutOfBoundsException",
    "java.time.DateTimeException",
    "org.apache.spark.SparkRuntimeException",
    "org.apache.spark.SparkUpgradeException",
)


class Told(NamedTuple):
    """message is what Livy would say; name, of the exception, is None if Spark did not answer."""

    message: str
    name: str | None
    hint: str | None = None


class Cause(NamedTuple):
    java_class: str
    message: str

    def __str__(self) -> str:
        if self.message.startswith("["):
            return self.message
        return f"{self.java_class}: {self.message}" if self.message else self.java_class


def status_of(error: Any) -> Any:
    """The google.rpc.Status that Spark sent with a failed call (a grpc.RpcError), or None."""
    try:
        return rpc_status.from_call(error)
    except ValueError:
        # gRPC's word for a call that was cancelled here while Spark's error was on its way: the
        # code is one's, the status the other's
        return None


def told_by(error: Any) -> Told:
    """Spark Connect's answer to a failed call (a grpc.RpcError)."""
    status = status_of(error)
    if status is None:
        return Told(error.details() or str(error), None)
    info = error_info(status)
    if info is None:
        return Told(status.message, None)
    classes = json.loads(info.metadata.get("classes", "[]"))
    known = next((name for name in KNOWN if name in classes), None)
    name = (known or info.reason).rpartition(".")[2]
    trace = info.metadata.get("stackTrace", "")
    chain = causes(trace)
    if len(chain) > 1 or chain and not trace.endswith("..."):  # so Spark marks what it has cut
        message = _from_chain(chain, status.message, known is not None)
    else:
        message = _from_message(status.message, info.reason, known is not None)
    untold = WRAPPER.search(message) and "\nCaused by: " not in message
    return Told(message, name, WRAPPER_HINT if untold else None)


def error_info(status: Any) -> Any:
    """The google.rpc.ErrorInfo of a status; Spark puts one into each of its own errors."""
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            return info
    return None


def glue_error(error: Any, session_id: str, operation_id: str | None) -> GlueError:
    """A grpc.RpcError as StatementError, StatementCancelled or SessionLost."""
    where: dict[str, Any] = {"session_id": session_id, "statement_id": operation_id}
    told = told_by(error)
    if CANCELLED.search(own_words(told.message)):
        return StatementCancelled(told.message, **where)
    if driver_is_dead(told.message):
        return session_lost(told.message, session_id)
    if told.name is not None:
        error_class = parse_spark_message(told.message).error_class
        return StatementError(
            told.message,
            error_name=told.name,
            sqlstate=sqlstate_of(error_class),
            hint=told.hint,
            **where,
        )
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        told_so = f"The session does not answer: {told.message}"
        return session_lost(told_so, session_id, code="UNAVAILABLE")
    return ProtocolError(f"{error.code().name}: {told.message}", code=error.code().name, **where)


def causes(trace: str) -> list[Cause]:
    """The exceptions of a Java stack trace, outermost first.

    A message may hold a trace of its own: "Job aborted" has that of the failed task.
    """
    found = []
    for part in re.split(r"(?:^|\n)Caused by: ", trace):
        end = FRAMES.search(part)
        text = part[: end.start()] if end else part
        java_class, _, message = text.partition(": ")
        if re.fullmatch(r"[\w$]+(\.[\w$]+)+", java_class.strip()):
            found.append(Cause(java_class.strip(), message))
    return found


def _from_chain(chain: list[Cause], message: str, known: bool) -> str:
    outcomes = [cause for cause in chain if OUTCOME.match(cause.java_class)]
    if known:
        # Spark has cut the one, or we the other.
        message = max(message, chain[0].message, key=len)
    else:
        telling = [cause for cause in chain if re.match(r"\[[A-Z_.0-9]+\]", cause.message)]
        message = str([*telling, *outcomes, chain[-1]][0])
    for cause in (*outcomes[:1], chain[-1]):
        text = str(cause).strip()[:ROOT_LENGTH]
        told = text.split("\n")[0].split(": ", 1)[-1]
        if told not in message:
            message = f"{message}\nCaused by: {text}"
    return message.strip()


def _from_message(message: str, java_class: str, known: bool) -> str:
    """Without stacks; a failed task's own exception in place of "Job aborted"."""
    inner = TASK_FAILURE.sub("", message)
    text = STACK.sub("", inner).strip()
    told = re.findall(r"^Caused by: (.+)$", text, re.M)
    if inner != message and told:
        return told[-1]
    if inner != message or known or text.startswith("["):
        return text
    return f"{java_class}: {text}"


def sqlstate_of(error_class: str | None) -> str | None:
    """The SQLSTATE of one of Spark's own error classes ("TABLE_OR_VIEW_NOT_FOUND": "42P01")."""
    return None if error_class is None else _sqlstates().get(error_class.partition(".")[0])


@functools.cache
def _sqlstates() -> dict[str, str]:
    """By error class, as pyspark's jars list them; empty for a pyspark that brings no jars."""
    jars = Path(pyspark.__file__).with_name("jars").glob("spark-common-utils_*.jar")
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            listed = json.loads(archive.read("error/error-classes.json"))
        return {name: entry["sqlState"] for name, entry in listed.items() if "sqlState" in entry}
    return {}
