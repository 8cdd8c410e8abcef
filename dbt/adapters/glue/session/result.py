"""Result: named, typed columns and rows of Python values."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class ResultColumn:
    """A column; type is Spark's simpleString: "decimal(10,2)", "array<int>"."""

    name: str
    type: str


@dataclass
class Result:
    """What a statement returned.

    Values: bool, int, float, Decimal, str, bytes, date, datetime, list (array), dict (map,
    struct), None. Timestamps are naive, in the session's time zone (UTC on Glue, unless set).
    Intervals are Spark's text; a variant is JSON text. row_count is None where Spark does not
    tell one. seconds: from submission to the last byte. statement_id: the Glue statement that
    brought the result.
    """

    columns: list[ResultColumn]
    rows: list[tuple]
    row_count: int | None
    session_id: str
    statement_id: str | None
    seconds: float


class Printed(str):
    """What Python printed. statement_id: as of a Result, or the tag of its operations in Spark."""

    statement_id: str | None

    def __new__(cls, text: str, statement_id: str | None) -> "Printed":
        printed = super().__new__(cls, text)
        printed.statement_id = statement_id
        return printed


def decode_columns(columns: list, codecs: list) -> list[tuple]:
    """Rows out of columns as the dispatcher encodes them (session/runtime/values.py, `codec`)."""
    if not columns:
        return []
    for index, decode in enumerate(_decoder(codec) for codec in codecs):
        if decode is not None:
            columns[index] = [None if value is None else decode(value) for value in columns[index]]
    return list(zip(*columns, strict=True))


def _decoder(codec: Any) -> Callable[[Any], Any] | None:
    """The function that decodes one non-null value; None for a value that JSON carries as is."""
    if codec is None:
        return None
    if isinstance(codec, str):
        return SCALARS[codec]
    kind, *inner = codec
    if kind == "array":
        return _array_decoder(inner[0])
    if kind == "map":
        return _map_decoder(inner[0], inner[1])
    if kind == "struct":
        return _struct_decoder(inner[0], inner[1])
    raise ValueError(f"unknown codec {codec!r}")


def _nullable(codec: Any) -> Callable[[Any], Any]:
    decode = _decoder(codec)
    if decode is None:
        return lambda value: value
    return lambda value: None if value is None else decode(value)


def _array_decoder(element: Any) -> Callable[[Any], Any]:
    decode = _nullable(element)
    return lambda values: [decode(value) for value in values]


def _map_decoder(key: Any, value: Any) -> Callable[[Any], Any]:
    decode_key, decode_value = _nullable(key), _nullable(value)
    return lambda pairs: {hashable(decode_key(k)): decode_value(v) for k, v in pairs}


def _struct_decoder(names: list[str], codecs: list) -> Callable[[Any], Any]:
    decoders = [_nullable(codec) for codec in codecs]
    return lambda values: {
        name: decode(value) for name, decode, value in zip(names, decoders, values, strict=True)
    }


def hashable(key: Any) -> Any:
    """Spark allows arrays and structs as map keys; Python's dict does not."""
    if isinstance(key, list):
        return tuple(hashable(item) for item in key)
    if isinstance(key, dict):
        return tuple((name, hashable(value)) for name, value in key.items())
    return key


SCALARS: dict[str, Callable[[Any], Any]] = {
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "binary": base64.b64decode,
    "timestamp_ntz": datetime.fromisoformat,
    "json": str,
}
