"""What dbt holds of a connection: a handle, a cursor, a response. None of them does I/O to open."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.exceptions import FailedToConnectError
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dbt.adapters.glue.commit_conflicts import outlast
from dbt.adapters.glue.exceptions import (
    GlueError,
    NotImplementedByGlue,
    SessionError,
    StatementCancelled,
    StatementError,
)
from dbt.adapters.glue.session.result import Result
from dbt.adapters.glue.session.transport import Transport
from dbt.adapters.glue.sql_text import refuse_half_characters

FindTransport = Callable[[Callable[[], bool]], Transport]


@contextmanager
def translated() -> Iterator[None]:
    """Our errors as dbt's: the message once; dbt itself puts the node before it."""
    try:
        yield
    except StatementError as error:
        raise DbtDatabaseError(str(error)) from error
    except SessionError as error:
        raise FailedToConnectError(str(error)) from error
    except GlueError as error:
        raise DbtRuntimeError(str(error)) from error


@dataclass
class GlueAdapterResponse(AdapterResponse):
    """seconds: from submission to the last byte of the result."""

    session_id: str | None = None
    statement_id: str | None = None
    seconds: float | None = None


class GlueHandle:
    """The connection of one dbt thread; the session behind it is found at the first statement.

    find_transport waits for the session of the node that this thread is at, while the function
    that it is given says True; find_python_transport, for the session that runs its Python.
    measured is entered around each statement, with the session's id.
    """

    def __init__(
        self,
        name: Callable[[], str],
        find_transport: FindTransport,
        find_python_transport: FindTransport,
        measured: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._name = name
        self._find_transport = find_transport
        self._find_python_transport = find_python_transport
        self._measured = measured
        self._busy: AbstractContextManager[None] | None = None
        self._busy_with: Transport | None = None
        self._running: tuple[Transport, str] | None = None
        # Names repeat: the batches of a microbatch model have that of the model.
        self._id = uuid.uuid4().hex
        self.cancelled = False

    def keeping_to(self, find: FindTransport) -> "GlueHandle":
        """A handle of the same connection, whose SQL and Python both run where `find` says."""
        return GlueHandle(self._name, find, find, self._measured)

    def wait(self) -> str:
        """Waits for the session of its SQL; returns the session's id."""
        return self._find_transport(lambda: not self.cancelled).session_id

    @property
    def session_id(self) -> str | None:
        """The session of the last statement; None before the first, and after `close`."""
        return None if self._busy_with is None else self._busy_with.session_id

    def _tag(self) -> str:
        return f"{self._name()} {self._id}"

    def cursor(self) -> "GlueCursor":
        return GlueCursor(self)

    def execute(self, sql: str, *, fetch: bool, limit: int | None) -> Result:
        """Runs one statement; again where the table format refused its commit."""

        refuse_half_characters(sql)

        def once() -> Result:
            with self._statement(self._find_transport) as (transport, tag):
                return transport.execute(sql, fetch=fetch, limit=limit, tag=tag)

        return outlast(sql, once)

    def run_python(self, code: str, with_sql: bool = False) -> Result:
        """Runs Python; what it printed is the result's one value, in the column `output`.

        with_sql: in the Spark session that `execute` uses.
        """
        refuse_half_characters(code)
        find = self._find_transport if with_sql else self._find_python_transport
        with self._statement(find) as (transport, tag):
            started = time.monotonic()
            printed = transport.run_python(code, tag=tag)
            seconds = time.monotonic() - started
        where = transport.session_id, printed.statement_id
        return Result([], [(printed,)], None, *where, seconds)

    @contextmanager
    def _statement(self, find: FindTransport) -> Iterator[tuple[Transport, str]]:
        transport, tag = find(lambda: not self.cancelled), self._tag()
        self.be_busy(transport)
        self._running = (transport, tag)
        try:
            if self.cancelled:
                raise StatementCancelled("The connection was cancelled.")
            with self._measured(transport.session_id):
                yield transport, tag
        finally:
            self._running = None

    def clean_up(self, sql: str) -> bool:
        """Runs SQL where the last statement ran; False where that session has gone, or after
        `cancel`: no session is made for it."""
        transport = self._busy_with
        if self.cancelled or transport is None or transport.lost is not None:
            return False
        transport.execute(sql, tag=self._tag())
        return True

    def cancel(self) -> None:
        """Cancels what this connection runs, and lets it run nothing more; from any thread.

        dbt cancels all connections when the run is to end, and then waits for their threads.
        """
        self.cancelled = True
        running = self._running
        if running is not None:
            transport, tag = running
            transport.cancel(tag)

    def be_busy(self, transport: Transport) -> None:
        """Tells the transport that this thread is at work, until `close`."""
        if self._busy_with is not transport:
            self.close()
            self._busy = transport.busy()
            self._busy.__enter__()
            self._busy_with = transport

    def close(self) -> None:
        busy, self._busy, self._busy_with = self._busy, None, None
        if busy is not None:
            busy.__exit__(None, None, None)

    def rollback(self) -> None:
        """Spark has no transactions."""


class GlueCursor:
    """A DB-API cursor over one result, as far as dbt and its test suite use one."""

    def __init__(self, handle: GlueHandle) -> None:
        self._handle = handle
        self.result: Result | None = None
        self._position = 0

    def execute(
        self, sql: str, bindings: Any = None, *, fetch: bool = True, limit: int | None = None
    ) -> None:
        if bindings:
            raise NotImplementedByGlue(
                "Glue statements take no bindings", hint="Write the values into the SQL text."
            )
        self.result = self._handle.execute(sql, fetch=fetch, limit=limit)
        self._position = 0

    def run_python(self, code: str) -> None:
        self.result = self._handle.run_python(code)
        self._position = 0

    @property
    def description(self) -> list[tuple] | None:
        """Name and Spark type of each column, in DB-API's seven fields."""
        if self.result is None or not self.result.columns:
            return None
        return [(c.name, c.type, None, None, None, None, True) for c in self.result.columns]

    def fetchall(self) -> list[tuple]:
        return self.fetchmany(None)

    def fetchmany(self, size: int | None = None) -> list[tuple]:
        rows = self.result.rows if self.result else []
        end = len(rows) if size is None else min(self._position + size, len(rows))
        taken, self._position = rows[self._position : end], end
        return taken

    def fetchone(self) -> tuple | None:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def close(self) -> None:
        self.result = None


def response_of(cursor: GlueCursor) -> GlueAdapterResponse:
    """What dbt logs and keeps in run_results.json of a statement."""
    result = cursor.result
    if result is None:
        return GlueAdapterResponse(_message="OK")
    rows = result.row_count
    return GlueAdapterResponse(
        _message="OK" if rows is None else f"OK {rows}",
        code="OK",
        rows_affected=rows,
        query_id=result.statement_id,
        session_id=result.session_id,
        statement_id=result.statement_id,
        seconds=round(result.seconds, 3),
    )
