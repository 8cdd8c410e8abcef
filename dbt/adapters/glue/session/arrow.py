"""Results as Spark Connect gives them (a schema, Arrow batches), in the terms of result.py.

Imported when a Spark Connect session is used: it needs pyarrow and pyspark.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from dbt.adapters.glue.exceptions import ProtocolError
from dbt.adapters.glue.session.result import ResultColumn, hashable

Decode = Callable[[Any], Any]

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
UTC = (None, "UTC", "Etc/UTC")


@dataclass(frozen=True)
class Field:
    """decode turns a value of pyarrow into one of Result; None: it is one already.

    as_text: Arrow has no such type, or pyarrow no such value: Spark has to cast it to string.
    """

    column: ResultColumn
    decode: Decode | None
    as_text: bool


def fields_of(schema: Any) -> list[Field]:
    """The fields of a schema as Spark Connect's protocol has it (spark.connect.DataType)."""
    return [
        Field(ResultColumn(f.name, simple_type(f.data_type)), _decoder(f.data_type), _text(f))
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


def rows_of(batches: Iterable[Any], fields: list[Field]) -> list[tuple]:
    """The rows of Arrow record batches; columns are told by position, since names may repeat."""
    rows: list[tuple] = []
    for batch in batches:
        columns = [
            values_of(array, None if field.as_text else field.decode)
            for array, field in zip(batch.columns, fields, strict=True)
        ]
        rows.extend(zip(*columns, strict=True))
    return rows


def values_of(array: Any, decode: Decode | None) -> list:
    """The values of a column.

    Arrow makes decimals, dates and timestamps out of scalars, ten times slower than out of texts
    and numbers.
    """
    kind = array.type
    if pa.types.is_decimal(kind):
        array, decode = array.cast(pa.string()), Decimal
    elif pa.types.is_date32(kind):
        array, decode = array.cast(pa.int32()), _date
    elif pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz in UTC:
        array, decode = array.cast(pa.int64()), _timestamp
    try:
        values = array.to_pylist()
    except UnicodeDecodeError:  # of bytes that were cast to string
        values = _readable(array.cast(_in_bytes(kind)).to_pylist())
    if decode is None:
        return values
    return [None if value is None else decode(value) for value in values]


def _in_bytes(kind: Any) -> Any:
    """A type of Arrow with binary in the place of strings."""
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_map(kind):
        return pa.map_(_in_bytes(kind.key_type), _in_bytes(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_in_bytes(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _in_bytes(field.type)) for field in kind])
    return kind


def _readable(value: Any) -> Any:
    """Bytes as the text that Spark itself shows of them: java.lang.String has one U+FFFD for a
    surrogate, Python three."""
    if isinstance(value, bytes):
        return SURROGATES.sub("\ufffd".encode(), value).decode("utf-8", "replace")
    if isinstance(value, dict):
        return {name: _readable(inner) for name, inner in value.items()}
    return type(value)(map(_readable, value)) if isinstance(value, (list, tuple)) else value


def command_result(data: bytes) -> tuple[list[Field], list[tuple]]:
    """What a command (SHOW, MERGE …) returned: Arrow's stream format, with Arrow's own schema."""
    if not data:
        return [], []
    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    fields = [
        Field(
            ResultColumn(field.name, field.dataType.simpleString()), _decoder_of(kind.type), False
        )
        for field, kind in zip(from_arrow_schema(table.schema).fields, table.schema, strict=True)
    ]
    return fields, rows_of(table.to_batches(), fields) if fields else []


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


def _text(field: Any) -> bool:
    return _has_interval(field.data_type)


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


def _naive(value: Any) -> Any:
    """pyarrow gives a timestamp in the session's time zone; Result has it without the zone."""
    return value.replace(tzinfo=None)


def _decoder(kind: Any) -> Decode | None:
    name = kind.WhichOneof("kind")
    if name == "timestamp":
        return _naive
    if name == "array":
        return _list_decoder(_decoder(kind.array.element_type))
    if name == "map":
        return _map_decoder(_decoder(kind.map.key_type), _decoder(kind.map.value_type))
    if name == "struct":
        return _struct_decoder({f.name: _decoder(f.data_type) for f in kind.struct.fields})
    return _decoder(kind.udt.sql_type) if name == "udt" else None


def _decoder_of(kind: Any) -> Decode | None:
    """The same for a type of Arrow."""
    if pa.types.is_timestamp(kind):
        return _naive
    if pa.types.is_map(kind):
        return _map_decoder(_decoder_of(kind.key_type), _decoder_of(kind.item_type))
    if pa.types.is_list(kind):
        return _list_decoder(_decoder_of(kind.value_type))
    if pa.types.is_struct(kind):
        return _struct_decoder({field.name: _decoder_of(field.type) for field in kind})
    return None


def _nullable(decode: Decode | None) -> Decode:
    if decode is None:
        return lambda value: value
    return lambda value: None if value is None else decode(value)


def _list_decoder(element: Decode | None) -> Decode | None:
    if element is None:
        return None
    decode = _nullable(element)
    return lambda values: [decode(value) for value in values]


def _map_decoder(key: Decode | None, value: Decode | None) -> Decode:
    decode_key, decode_value = _nullable(key), _nullable(value)
    return lambda pairs: {hashable(decode_key(k)): decode_value(v) for k, v in pairs}


def _struct_decoder(fields: dict[str, Decode | None]) -> Decode | None:
    if not any(fields.values()):
        return None
    decoders = {name: _nullable(decode) for name, decode in fields.items()}
    return lambda value: {name: decoders[name](inner) for name, inner in value.items()}
