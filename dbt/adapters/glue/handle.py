"""What dbt holds of a connection: a handle, a cursor, a response. None of them does I/O to open."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbt.adapters.contracts.connection import AdapterResponse

from dbt.adapters.glue.exceptions import NotImplementedByGlue, StatementCancelled
from dbt.adapters.glue.session.result import Result
from dbt.adapters.glue.session.transport import Transport

if TYPE_CHECKING:
    import agate

INTEGERS = frozenset({"tinyint", "smallint", "int", "bigint"})
NUMBERS = frozenset({"float", "double"})


@dataclass
class GlueAdapterResponse(AdapterResponse):
    """seconds: from submission to the last byte of the result."""

    session_id: str | None = None
    statement_id: str | None = None
    seconds: float | None = None


class GlueHandle:
    """The connection of one dbt thread; the session behind it is found at the first statement.

    find_transport waits for the session of the node that this thread is at, while the function
    that it is given says True.
    """

    def __init__(
        self,
        name: Callable[[], str],
        find_transport: Callable[[Callable[[], bool]], Transport],
    ) -> None:
        self._name = name
        self._find_transport = find_transport
        self._busy: AbstractContextManager[None] | None = None
        self._busy_with: Transport | None = None
        self._running: tuple[Transport, str] | None = None
        self._cancelled = False

    def cursor(self) -> "GlueCursor":
        return GlueCursor(self)

    def execute(self, sql: str, *, fetch: bool, limit: int | None) -> Result:
        with self._statement() as (transport, tag):
            return transport.execute(sql, fetch=fetch, limit=limit, tag=tag)

    def run_python(self, code: str) -> Result:
        """Runs Python; what it printed is the result's one value, in the column `output`."""
        with self._statement() as (transport, tag):
            printed = transport.run_python(code, tag=tag)
        return Result([], [(printed,)], None, transport.session_id, None, 0.0)

    @contextmanager
    def _statement(self) -> Iterator[tuple[Transport, str]]:
        transport, tag = self._transport(), self._name()
        self._running = (transport, tag)
        try:
            if self._cancelled:
                raise StatementCancelled("The connection was cancelled.")
            yield transport, tag
        finally:
            self._running = None

    def cancel(self) -> None:
        """Cancels what this connection runs, and lets it run nothing more; from any thread.

        dbt cancels all connections when the run is to end, and then waits for their threads.
        """
        self._cancelled = True
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

    def _transport(self) -> Transport:
        transport = self._find_transport(lambda: not self._cancelled)
        self.be_busy(transport)
        return transport


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


def agate_table(result: Result, limit: int | None = None) -> "agate.Table":
    """The result as dbt's table, typed by Spark's types, not guessed from values.

    Arrays, maps and structs become JSON text, binary becomes hexadecimal text.
    """
    import agate
    from dbt_common.clients.agate_helper import Integer

    types: list[Any] = []
    converters: list[Callable[[Any], Any] | None] = []
    for column in result.columns:
        kind = column.type.partition("(")[0].partition("<")[0]
        converters.append(None)
        if kind in INTEGERS:
            types.append(Integer())
        elif kind in NUMBERS or kind == "decimal":
            types.append(agate.Number())
        elif kind == "boolean":
            types.append(agate.Boolean())
        elif kind == "date":
            types.append(agate.Date())
        elif kind.startswith("timestamp"):
            types.append(agate.DateTime())
        else:
            types.append(agate.Text(null_values=(), cast_nulls=False))
            converters[-1] = as_text
    rows = [
        [
            value if convert is None or value is None else convert(value)
            for value, convert in zip(row, converters, strict=True)
        ]
        for row in (result.rows if limit is None else result.rows[:limit])
    ]
    return agate.Table(rows, unique_names([c.name for c in result.columns]), types)


def unique_names(names: list[str]) -> list[str]:
    """dbt's rule for columns of the same name: the second `a` is `a_2`."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def as_text(value: Any) -> str:
    """A value of a type that dbt's tables lack, as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """The value in JSON's terms: dates ISO, decimals and binary as text, tuples as lists."""
    if isinstance(value, dict):
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.hex() if isinstance(value, bytes) else value


def _key(key: Any) -> str:
    plain = _plain(key)
    return plain if isinstance(plain, str) else json.dumps(plain)
