"""A statement's result as the agate table that dbt holds, typed by Spark's types."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbt.adapters.glue.session.result import Result

if TYPE_CHECKING:
    import agate

INTEGERS = frozenset({"tinyint", "smallint", "int", "bigint"})
NUMBERS = frozenset({"float", "double"})


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
