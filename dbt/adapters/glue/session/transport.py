"""Transport: how SQL and Python get into a session and results out of it."""

from contextlib import AbstractContextManager
from typing import Protocol

from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.session.result import Printed, Result


class Transport(Protocol):
    """One session, shared by all threads. Every method may be called from any thread.

    execute and run_python raise StatementError (StatementCancelled, StatementTimeout) when the
    statement failed, SessionLost when the session died under it, ProtocolError when the answer
    was no answer.
    """

    session_id: str
    session_type: str  # "livy" or "spark_connect"
    lost: GlueError | None  # why it cannot be used any more

    def execute(
        self, sql: str, *, fetch: bool = True, limit: int | None = None, tag: str | None = None
    ) -> Result:
        """Runs one SQL statement and waits for its end.

        fetch=False runs a query to its end and brings no rows; limit bounds the rows in Spark.
        """
        ...

    def run_python(self, code: str, *, tag: str | None = None) -> Printed:
        """Runs Python with `spark` set; returns what it printed.

        A Livy session runs it on its driver. For a Spark Connect session it runs in this process.
        """
        ...

    def cancel(self, tag: str) -> None:
        """Cancels what runs or waits under this tag, and what comes under it later: whoever waits
        or comes gets StatementCancelled."""
        ...

    def busy(self) -> AbstractContextManager[None]:
        """Says that this thread is at work and may soon call execute or run_python."""
        ...


class PooledTransport(Transport, Protocol):
    """What the pool asks of a transport besides."""

    def start(self) -> None:
        """Makes a session ready for the first SQL."""
        ...

    def close(self) -> None:
        """Whoever waits gets a SessionError; the session is left alone."""
        ...

    def cancel_left(self) -> None:
        """After close, in a session that lives on: cancels what it may still be running."""
        ...
