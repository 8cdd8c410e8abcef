"""A statement's result as the agate table that dbt holds, typed by Spark's types."""

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbt.adapters.glue.session.result import Result

if TYPE_CHECKING:
    import agate

INTEGERS = frozenset({"tinyint", "smallint", "int", "bigint"})
NUMBERS = frozenset({"float", "double", "decimal"})


@dataclass(frozen=True)
class ColumnKind:
    """An agate data type. kept: the Python types of values that it takes as they are; all others
    go through cast."""

    data_type: Any
    kept: frozenset[type]
    cast: Callable[[Any], Any]


def agate_table(result: Result, limit: int | None = None) -> "agate.Table":
    """The result as dbt's table, typed by Spark's types, not guessed from values.

    Arrays, maps and structs become JSON text, binary becomes hexadecimal text.
    """
    import agate

    names = agate.utils.deduplicate(
        unique_names([column.name for column in result.columns]), column_names=True
    )
    kinds = [kind_of(column.type.partition("(")[0].partition("<")[0]) for column in result.columns]
    rows = typed(result.rows if limit is None else result.rows[:limit], kinds)
    return table_of(rows, names, [kind.data_type for kind in kinds])


def table_of(
    rows: Iterable[tuple], names: Sequence[str], data_types: Sequence[Any]
) -> "agate.Table":
    """A table of values that are of their columns' data types already; names are unique.

    agate.Table would cast each of them again, which takes half of its time. Forks of a table do
    not, and dbt's own merge_tables makes its tables in the same way.
    """
    import agate

    return agate.Table([agate.Row(row, names) for row in rows], names, data_types, _is_fork=True)


def typed(rows: list[tuple], kinds: list[ColumnKind]) -> Sequence[tuple]:
    """The rows with values of their columns' kinds; the same tuples where all are that already."""
    if not rows:
        return rows
    columns: list[Any] = list(zip(*rows, strict=True))
    same = True
    for index, (values, kind) in enumerate(zip(columns, kinds, strict=True)):
        if not kind.kept.issuperset(map(type, values)):
            same = False
            columns[index] = [None if value is None else kind.cast(value) for value in values]
    return rows if same else list(zip(*columns, strict=True))


@functools.cache
def kind_of(spark_type: str) -> ColumnKind:
    """The kind of a Spark type's columns, by the type's name without its parameters."""
    import agate
    from dbt_common.clients.agate_helper import Integer

    if spark_type in INTEGERS:
        return _kind(Integer(), int)
    if spark_type in NUMBERS:
        return _kind(agate.Number(), Decimal)
    if spark_type == "boolean":
        return _kind(agate.Boolean(), bool)
    if spark_type == "date":
        return _kind(agate.Date(), date)
    if spark_type.startswith("timestamp"):
        return _kind(agate.DateTime(), datetime)
    return _kind(agate.Text(null_values=(), cast_nulls=False), str, as_text)


def _kind(data_type: Any, kept: type, cast: Callable[[Any], Any] | None = None) -> ColumnKind:
    return ColumnKind(data_type, frozenset({kept, type(None)}), cast or data_type.cast)


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
