"""Results as Spark Connect gives them (a schema, Arrow batches), in the terms of result.py.

Imported when a Spark Connect session is used: it needs pyarrow and pyspark.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from dbt.adapters.glue.exceptions import ProtocolError
from dbt.adapters.glue.session.result import ResultColumn, hashable
from dbt.adapters.glue.session.runtime.values import session_zone

NAMES = {
    "null": "void",
    "byte": "tinyint",
    "short": "smallint",
    "integer": "int",
    "long": "bigint",
    "calendar_interval": "interval",
}
INTERVALS = frozenset({"calendar_interval", "year_month_interval", "day_time_interval"})
DAY_TIME = ("day", "hour", "minute", "second")
YEAR_MONTH = ("year", "month")
EPOCH = datetime(1970, 1, 1)
EPOCH_DAY = EPOCH.toordinal()
SURROGATES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
EPOCH_IN_UTC = EPOCH.replace(tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
# Between them a time has its offset from UTC in Python, whatever that is.
FIRST_OFFSET = (datetime(1, 1, 2) - EPOCH) // MICROSECOND
LAST_OFFSET = (datetime(9999, 12, 31) - EPOCH) // MICROSECOND
UTC = (None, "UTC", "Etc/UTC")
# What Spark has a value for, and Python none: a year above 9999, a time zone that is not known.
NO_VALUE = (ValueError, OverflowError, LookupError, pa.ArrowException)


@dataclass(frozen=True)
class Field:
    """as_text: Arrow has no such type, or pyarrow no such value: Spark has to cast it to string."""

    column: ResultColumn
    as_text: bool


class AsText(Exception):
    """The result has types that Arrow or pyarrow lacks; fields tells which."""

    def __init__(self, fields: list[Field]) -> None:
        super().__init__("the result has columns to be cast to string")
        self.fields = fields


def fields_of(schema: Any) -> list[Field]:
    """The fields of a schema as Spark Connect's protocol has it (spark.connect.DataType)."""
    return [
        Field(ResultColumn(f.name, simple_type(f.data_type)), _has_interval(f.data_type))
        for f in schema.struct.fields
    ]


def simple_type(kind: Any) -> str:
    """Spark's simpleString of a spark.connect.DataType."""
    name = kind.WhichOneof("kind")
    value = getattr(kind, name)
    if name == "decimal":
        return f"decimal({value.precision},{value.scale})"
    if name in ("char", "var_char"):
        return f"{name.replace('_', '')}({value.length})"
    if name == "array":
        return f"array<{simple_type(value.element_type)}>"
    if name == "map":
        return f"map<{simple_type(value.key_type)},{simple_type(value.value_type)}>"
    if name == "struct":
        return f"struct<{','.join(f'{f.name}:{simple_type(f.data_type)}' for f in value.fields)}>"
    if name == "year_month_interval":
        return _interval(value, YEAR_MONTH)
    if name == "day_time_interval":
        return _interval(value, DAY_TIME)
    if name == "udt":
        return simple_type(value.sql_type)
    return NAMES.get(name, name)


def rows_of(batches: Iterable[Any]) -> list[tuple]:
    """The rows of Arrow record batches; columns are told by position, since names may repeat.

    Raises ProtocolError for what Python has no value for.
    """
    rows: list[tuple] = []
    for batch in batches:
        columns = []
        for number, array in enumerate(batch.columns, start=1):
            try:
                columns.append(values_of(array))
            except NO_VALUE as error:
                raise ProtocolError(
                    f"Python has no value for one in column {number} of the result, of type "
                    f"{array.type}: {error}",
                    hint="Cast the column to string.",
                ) from error
        rows.extend(zip(*columns, strict=True))
    return rows


def values_of(array: Any) -> list:
    """The values of a column, as Result has them.

    Arrow makes decimals, dates and timestamps out of scalars, ten times slower than out of texts
    and numbers.
    """
    kind = array.type
    if pa.types.is_decimal(kind):
        return _each(Decimal, array.cast(pa.string()).to_pylist())
    if pa.types.is_date32(kind):
        return _each(_date, array.cast(pa.int32()).to_pylist())
    if pa.types.is_timestamp(kind):
        microseconds = array.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).to_pylist()
        return _each(_timestamp if kind.tz in UTC else _zoned(kind.tz), microseconds)
    if pa.types.is_string(kind):
        return _texts(array)
    if pa.types.is_map(kind):
        keys = map(hashable, values_of(array.keys))
        pairs = list(zip(keys, values_of(array.items), strict=True))
        return _parts(array, lambda start, end: dict(pairs[start:end]))
    if pa.types.is_list(kind):
        inner = values_of(array.values)
        return _parts(array, lambda start, end: inner[start:end])
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        fields = [values_of(array.field(index)) for index in range(len(names))]
        return [
            {name: field[row] for name, field in zip(names, fields, strict=True)} if ok else None
            for row, ok in enumerate(array.is_valid().to_pylist())
        ]
    return array.to_pylist()


def _each(decode: Callable[[Any], Any], values: list) -> list:
    return [None if value is None else decode(value) for value in values]


def _parts(array: Any, part: Callable[[int, int], Any]) -> list:
    """A value for each list or map, which are parts of one array that has all their elements."""
    offsets = array.offsets.to_pylist()
    there = array.is_valid().to_pylist()
    return [
        part(start, end) if ok else None
        for ok, start, end in zip(there, offsets, offsets[1:], strict=False)
    ]


def _texts(array: Any) -> list:
    try:
        return array.to_pylist()
    except UnicodeDecodeError:  # of bytes that were cast to string
        return _each(_readable, array.cast(pa.binary()).to_pylist())


def _readable(value: bytes) -> str:
    """Bytes as the text that Spark itself shows of them: java.lang.String has one U+FFFD for a
    surrogate, Python three."""
    return SURROGATES.sub("\ufffd".encode(), value).decode("utf-8", "replace")


def command_result(data: bytes) -> tuple[list[Field], list[tuple]]:
    """What a command (SHOW, MERGE …) returned: Arrow's stream format, with Arrow's own schema."""
    if not data:
        return [], []
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    fields = [
        Field(ResultColumn(field.name, field.dataType.simpleString()), False)
        for field in from_arrow_schema(table.schema).fields
    ]
    return fields, rows_of(table.to_batches()) if fields else []


def read_batch(batch: Any) -> list[Any]:
    """An ArrowBatch of the protocol. Raises ProtocolError where it is broken."""
    try:
        with pa.ipc.open_stream(batch.data) as reader:
            found = list(reader)
    except (pa.ArrowException, OSError) as error:
        raise ProtocolError(f"Spark's answer is no Arrow stream: {error}") from error
    count = sum(part.num_rows for part in found)
    if count != batch.row_count:
        raise ProtocolError(f"Spark's answer has {count} rows where it says {batch.row_count}.")
    return found


def _interval(value: Any, units: tuple[str, ...]) -> str:
    start = value.start_field if value.HasField("start_field") else 0
    end = value.end_field if value.HasField("end_field") else len(units) - 1
    first, last = units[start], units[end]
    return f"interval {first}" if first == last else f"interval {first} to {last}"


def _has_interval(kind: Any) -> bool:
    name = kind.WhichOneof("kind")
    if name == "array":
        return _has_interval(kind.array.element_type)
    if name == "map":
        return _has_interval(kind.map.key_type) or _has_interval(kind.map.value_type)
    if name == "struct":
        return any(_has_interval(field.data_type) for field in kind.struct.fields)
    return name in INTERVALS


def _date(days: int) -> date:
    return date.fromordinal(EPOCH_DAY + days)


def _timestamp(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _zoned(name: str) -> Callable[[int], datetime]:
    """Out of microseconds since the epoch, the time that a clock in the session's zone shows."""
    zone: tzinfo = session_zone(name)

    def shown(microseconds: int) -> datetime:
        # The last hours of Python's years are past them in UTC, and its first hours before them.
        inside = min(max(microseconds, FIRST_OFFSET), LAST_OFFSET)
        offset = (EPOCH_IN_UTC + timedelta(microseconds=inside)).astimezone(zone).utcoffset()
        return _timestamp(microseconds + (offset or timedelta()) // MICROSECOND)

    return shown


class Answer:
    """What the stream of one operation has brought so far."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.batches: list[Any] = []
        self.relation: Any = None

    def take(self, part: Any) -> None:
        if part.HasField("schema"):
            self.fields = fields_of(part.schema)
            if any(item.as_text for item in self.fields):
                raise AsText(self.fields)
        if part.HasField("arrow_batch"):
            self.batches += read_batch(part.arrow_batch)
        if part.HasField("sql_command_result"):
            self.relation = part.sql_command_result.relation


def affected(fields: list[Field], rows: list[tuple]) -> int | None:
    """Rows that a command changed: Delta answers INSERT, MERGE … with a table of counts."""
    names = [item.column.name for item in fields]
    if "num_affected_rows" not in names:
        return len(rows)
    count = rows[0][names.index("num_affected_rows")] if rows else None
    return count if count is not None and count >= 0 else None  # -1: Delta does not know
