"""The errors of dbt-glue. Of ours only `explained` and `masking` are imported here, and nothing
of dbt.

GlueError                          every error of ours
├─ ConfigurationError              a profile or model config that cannot work
│  └─ NotOwned                     data that dbt must not delete
│     └─ HoldsOthers               … since another table or database lies there
├─ CatalogError                    a call to AWS failed: .operation, .code (AWS's error code)
│  └─ AccessDenied                 … for want of a permission
├─ SessionError                    a session could not be made, reached or kept
│  ├─ ProvisioningTimeout          it was not ready in time
│  ├─ SessionFailed                AWS refused or failed to make it
│  └─ SessionLost                  it died under a statement
├─ StatementError                  the session answered: this statement failed
│  ├─ StatementCancelled           … because someone cancelled it
│  └─ StatementTimeout             … because it took too long
├─ ProtocolError                   an answer that could not be understood
└─ NotImplementedByGlue            what cannot be done here, and the way out

`str(error)` is Spark's or AWS's own message, whole, then the context in parentheses
(session, statement, node, operation, code, how often it was tried), then the hint: that of where
the error was made, else what explained/ says of such an error, else none.
"""

import re
from typing import Any, Literal, NamedTuple

from dbt.adapters.glue.explained.model import Explanation, Shown
from dbt.adapters.glue.explained.table import explanation_of
from dbt.adapters.glue.masking import scrubbed

CONTEXT_WORDS = {
    "session_id": "session",
    "statement_id": "statement",
    "node": "node",
    "operation": "operation",
    "code": "code",
    "tried": "tried",
    "outcome": "outcome",
}
# What a failed call of AWS says of itself: retries.py has their meaning.
Fault = Literal["refused", "unknown"]


class GlueError(Exception):
    """Base of all errors.

    `context` may hold session_id, statement_id, node, operation, code, tried ("11 times in 48 s")
    and outcome ("unknown": it may have been done); what is not known is absent.
    `retryable` says that the same request may succeed when repeated. `explanation` is the table's
    entry for such an error, or None; `hint` is its text where none was given.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, retryable: bool = False, **context: Any
    ) -> None:
        message = scrubbed(message)
        super().__init__(message)
        self.message = message
        self.context: dict[str, Any] = {}
        self.add_context(**context)
        self.explanation: Explanation | None = explanation_of(self._shown())
        self.retryable = retryable or bool(self.explanation and self.explanation.retryable)
        self.hint = scrubbed(hint or (self.explanation.text if self.explanation else "")) or None

    def _shown(self) -> Shown:
        return Shown(self.message, self.context.get("code"), self.context.get("operation"))

    def add_context(self, **context: Any) -> "GlueError":
        """Adds what was not known where the error was made; what is known stays. Returns self."""
        for key, value in context.items():
            if value is not None:
                self.context.setdefault(key, value)
        return self

    def __str__(self) -> str:
        known = [
            f"{word} {self.context[key]}"
            for key, word in CONTEXT_WORDS.items()
            if key in self.context
        ]
        lines = [self.message]
        if known:
            lines.append(f"({', '.join(known)})")
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        return "\n".join(lines)


class ConfigurationError(GlueError):
    """A profile or model config that cannot work."""


class NotOwned(ConfigurationError):
    """Data that dbt must not delete."""


class HoldsOthers(NotOwned):
    """Data among which another table or database lies."""


class CatalogError(GlueError):
    """A call to AWS failed. `operation` is AWS's ("GetTable"), `code` AWS's error code.

    fault: whether AWS did it (retries.py). unsure: this attempt, or one before it, may have been
    done. retry_after: seconds that AWS asks to wait. unreached: nobody answered at the address.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        code: str | None = None,
        fault: Fault | None = None,
        retry_after: float | None = None,
        unreached: bool = False,
        **rest: Any,
    ) -> None:
        super().__init__(message, operation=operation, code=code, **rest)
        self.operation = operation
        self.code = code
        self.fault = fault
        self.unsure = fault == "unknown"
        self.retry_after = retry_after
        self.unreached = unreached
        self.retryable = self.retryable or fault is not None


class AccessDenied(CatalogError):
    """A call to AWS failed for want of a permission."""


class SessionError(GlueError):
    """A session could not be made, reached or kept."""


class ProvisioningTimeout(SessionError):
    """A session was not ready within session_provisioning_timeout_in_seconds."""


class SessionFailed(SessionError):
    """AWS refused to make the session, or it failed while it started."""


class SessionLost(SessionError):
    """The session died, or was stopped, under a statement.

    begun: whether the statement may have run; False: it never reached the session.
    """

    begun = True


class StatementError(GlueError):
    """The session answered: this statement failed.

    error_class: Spark's, without parameters ("TABLE_OR_VIEW_NOT_FOUND"), sqlstate: "42P01",
    line: 1-based line in the SQL, each None when Spark did not say. error_name is the Python
    class ("AnalysisException"). traceback: the trace as the session gave it, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        error_name: str | None = None,
        error_class: str | None = None,
        sqlstate: str | None = None,
        traceback: str | None = None,
        **rest: Any,
    ) -> None:
        found = parse_spark_message(message)
        self.error_name = error_name
        self.error_class = error_class or found.error_class
        self.sqlstate = sqlstate or found.sqlstate
        self.line = found.line
        self.position = found.position
        self.traceback = traceback
        super().__init__(message, **rest)

    def _shown(self) -> Shown:
        return Shown(self.message, error_class=self.error_class)


class StatementCancelled(StatementError):
    """Someone cancelled the statement."""


class StatementTimeout(StatementError):
    """The statement took longer than it was allowed."""


class ProtocolError(GlueError):
    """An answer that could not be understood."""


class NotImplementedByGlue(GlueError):
    """What cannot be done here; the message names the way out."""


class SparkMessage(NamedTuple):
    error_class: str | None
    sqlstate: str | None
    line: int | None
    position: int | None


def parse_spark_message(text: str) -> SparkMessage:
    """Error class, SQLSTATE and place out of the text of a Spark exception.

    "[PARSE_SYNTAX_ERROR] Syntax error … SQLSTATE: 42601 (line 2, pos 7)"; Spark 3.3 writes
    "(line 2, pos 7)" after the text, later ones also "; line 2 pos 7".
    """
    error_class = re.search(r"\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]", text)
    sqlstate = re.search(r"SQLSTATE:\s*([0-9A-Z]{5})\b", text)
    place = re.search(r"\bline (\d+),? pos(?:ition)? (\d+)", text)
    return SparkMessage(
        error_class.group(1) if error_class else None,
        sqlstate.group(1) if sqlstate else None,
        int(place.group(1)) if place else None,
        int(place.group(2)) if place else None,
    )


def spark_message(value: str, traceback: str = "") -> str:
    """What Spark said, out of a Python exception's text and traceback.

    Py4JJavaError says "An error occurred while calling o89.toString" and hides the cause below a
    Java stack: its cause is the first line with an error class, else the last "Caused by".
    """
    text = value.split("\nJVM stacktrace:")[0].strip()
    hidden = not text or text.startswith("An error occurred while calling ")
    if not hidden:
        return text
    lines = [line.strip() for line in f"{value}\n{traceback}".splitlines()]
    causes = [
        re.sub(r"^(Caused by: |: )", "", line)
        for line in lines
        if line.startswith(("Caused by: ", ": "))
    ]
    classed = [cause for cause in causes if parse_spark_message(cause).error_class]
    if classed:
        return classed[0]
    return causes[-1] if causes else (text or traceback.strip())
