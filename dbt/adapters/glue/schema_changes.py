"""SchemaChanges: how the columns of a query differ from its table's, inside structs as well.

Spark writes the fields of a struct by their position, in every format (measured: a struct of other
order is stored with its values swapped); `value_of` puts them in the table's order, by name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dbt.adapters.glue.column import (
    PARTS_OF,
    GlueColumn,
    SparkType,
    is_nested,
    spark_type,
    type_sql,
)
from dbt.adapters.glue.sql_text import literal, quoted
from dbt.adapters.glue.table_format import TableFormat

# Types that a format can give a column in the place of an older one, without writing a file.
WIDENINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "": {},
    "iceberg": {"int": ("bigint",), "float": ("double",)},
    # Delta 3.3 on Spark 3.5; the wider ones came with Spark 4.
    "delta": {"tinyint": ("smallint", "int"), "smallint": ("int",)},
}
INTEGERS = ("tinyint", "smallint", "int", "bigint")
DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


@dataclass
class NestedColumn(GlueColumn):
    """A field of a struct as a column: its name is the path, `address.street`."""

    path: tuple[str, ...] = ()

    @property
    def quoted(self) -> str:
        return ".".join(quoted(name) for name in self.path)


@dataclass(frozen=True)
class TypeChange:
    column: GlueColumn  # as it is in the table
    new_type: str


@dataclass(frozen=True)
class SchemaChanges:
    """What a query has more, less and otherwise than its table; fields of structs included."""

    added: list[GlueColumn]
    removed: list[GlueColumn]
    retyped: list[TypeChange]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)

    def lines(self) -> list[str]:
        """One line for each difference, for people."""
        return [
            *(f"new in the query: {column.name} {column.dtype}" for column in self.added),
            *(f"not in the query: {column.name} {column.dtype}" for column in self.removed),
            *(
                f"another type: {change.column.name} {change.column.dtype} is now {change.new_type}"
                for change in self.retyped
            ),
        ]


def changes_between(
    source: Iterable[GlueColumn], target: Iterable[GlueColumn], table_format: TableFormat
) -> SchemaChanges:
    """How the source's columns differ from the target's, names in any case.

    Types that the format does not tell apart (varchar and string; on Iceberg and Hudi smallint and
    int) are the same type.
    """
    found = SchemaChanges([], [], [])
    old = {column.name.lower(): column for column in target}
    names = set()
    for column in source:
        names.add(column.name.lower())
        known = old.get(column.name.lower())
        if known is None:
            found.added.append(column)
        else:
            kinds = spark_type(column.dtype), spark_type(known.dtype)
            _compare((known.name,), *kinds, table_format, found)
    found.removed.extend(column for name, column in old.items() if name not in names)
    return found


def _compare(
    path: tuple[str, ...],
    source: SparkType,
    target: SparkType,
    table_format: TableFormat,
    found: SchemaChanges,
) -> None:
    nested = source.kind and source.kind == target.kind
    if not nested:
        if _stored(source.text, table_format) != _stored(target.text, table_format):
            found.retyped.append(TypeChange(_column(path, target.text), source.text))
        return
    for name, kind in target.parts:
        inner = source.part(name)
        if inner is None:
            found.removed.append(_column((*path, name), kind.text))
        else:
            _compare((*path, name), inner, kind, table_format, found)
    for name, kind in source.parts:
        if target.part(name) is None:
            found.added.append(_column((*path, name), kind.text))


def _column(path: tuple[str, ...], dtype: str) -> GlueColumn:
    return NestedColumn(".".join(path), dtype, path=path)


def _stored(text: str, table_format: TableFormat) -> str:
    if re.match(r"(varchar|char)\(", text):
        return "string"
    if text in ("tinyint", "smallint") and not table_format.small_integers:
        return "int"
    # the Data Catalog has one word for both of an Iceberg table
    if text == "timestamp_ntz" and table_format.datalake_format == "iceberg":
        return "timestamp"
    return text


def fits(old: str, new: str) -> bool:
    """Whether every value of the new type can be stored in a column of the old one."""
    if old in INTEGERS and new in INTEGERS:
        return INTEGERS.index(new) <= INTEGERS.index(old)
    if (old, new) == ("double", "float"):
        return True
    have, want = DECIMAL.fullmatch(old), DECIMAL.fullmatch(new)
    if not (have and want):
        return False
    (digits, scale), (new_digits, new_scale) = map(int, have.groups()), map(int, want.groups())
    return new_scale <= scale and new_digits - new_scale <= digits - scale


def can_widen(old: str, new: str, table_format: TableFormat) -> bool:
    """Whether the format can give a column of the old type the new one."""
    have, want = DECIMAL.fullmatch(old), DECIMAL.fullmatch(new)
    if have and want and table_format.widens == "iceberg":
        return have[2] == want[2] and int(want[1]) > int(have[1])
    return new in WIDENINGS[table_format.widens].get(old, ())


def to_apply(changes: SchemaChanges, mode: str) -> SchemaChanges:
    """What of the changes a mode of on_schema_change makes in the table.

    A column whose values fit into the type that it has keeps that type.
    """
    if mode == "append_new_columns":
        return SchemaChanges(changes.added, [], [])
    wider = [c for c in changes.retyped if not fits(c.column.dtype, c.new_type)]
    return replace(changes, retyped=wider)


def why_not(
    changes: SchemaChanges, table_format: TableFormat, properties: dict[str, str]
) -> list[str]:
    """The reason for each change that the format cannot make; properties are the table's."""
    name = table_format.name
    reasons = []
    for column in changes.added:
        if _is_nested(column) and not table_format.nested_columns:
            reasons.append(f"{name} cannot add a field to a struct: {column.name}")
        elif not table_format.add_column:
            reasons.append(f"{name} cannot add columns: {column.name}")
    for column in changes.removed:
        if not table_format.drop_column:
            reasons.append(f"{name} cannot drop columns: {column.name}")
        elif lacking := _lacking(table_format.drop_column_needs, properties):
            reasons.append(f"{name} drops columns only with {lacking}: {column.name}")
    for change in changes.retyped:
        what = f"{change.column.name} from {change.column.dtype} to {change.new_type}"
        if not can_widen(change.column.dtype, change.new_type, table_format):
            reasons.append(f"{name} cannot change the type of {what}")
        elif lacking := _lacking(table_format.widens_needs, properties):
            reasons.append(f"{name} widens types only with {lacking}: {what}")
    return reasons


def needs_properties(changes: SchemaChanges, table_format: TableFormat) -> bool:
    """Whether it depends on the table's properties if the changes can be made."""
    return bool(
        (changes.removed and table_format.drop_column_needs)
        or (changes.retyped and table_format.widens_needs)
    )


def _lacking(needed: tuple[str, str] | None, properties: dict[str, str]) -> str:
    if needed is None or properties.get(needed[0]) == needed[1]:
        return ""
    return f"the table property {needed[0]} = {needed[1]}"


def _is_nested(column: GlueColumn) -> bool:
    return isinstance(column, NestedColumn) and len(column.path) > 1


def value_of(expression: str, source: str, target: str) -> str:
    """SQL that makes a value of the source type one of the target's, its fields by name.

    Fields that the target lacks are left out, those that the source lacks are null.
    """
    if not (is_nested(source) and is_nested(target)):
        return expression
    return _shaped(expression, spark_type(source), spark_type(target), depth=0)


def _shaped(expression: str, source: SparkType, target: SparkType, depth: int) -> str:
    same = [name.lower() for name, _ in source.parts] == [name.lower() for name, _ in target.parts]
    if not target.kind or target.kind != source.kind or not is_nested(target.text):
        return expression
    if target.kind == "struct":
        values = []
        for name, kind in target.parts:
            inner = source.part(name)
            field = f"{expression}.{quoted(name)}"
            value = (
                _shaped(field, inner, kind, depth) if inner else f"cast(null as {type_sql(kind)})"
            )
            same = same and value == field
            values.append(f"{literal(name)}, {value}")
        if same:
            return expression
        return f"if({expression} is null, null, named_struct({', '.join(values)}))"
    item = f"x{depth}"
    value_part = PARTS_OF[target.kind][-1]
    source_value, target_value = source.part(value_part), target.part(value_part)
    if source_value is None or target_value is None:
        return expression
    value = _shaped(item, source_value, target_value, depth + 1)
    if value == item:
        return expression
    if target.kind == "array":
        return f"transform({expression}, {item} -> {value})"
    return f"transform_values({expression}, (k{depth}, {item}) -> {value})"
