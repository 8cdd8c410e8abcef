"""GlueColumn: a column with Spark's type; and such a type as a tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from dbt.adapters.base.column import Column

from dbt.adapters.glue.sql_text import quoted

# dbt's own macros ask for these names; Spark knows the right-hand side.
TYPE_LABELS = {
    "STRING": "string",
    "TEXT": "string",
    "VARCHAR": "string",
    "INTEGER": "int",
    "FLOAT": "float",
    "NUMERIC": "decimal",
    "TIMESTAMP WITHOUT TIME ZONE": "timestamp",
}
INTEGERS = frozenset({"tinyint", "smallint", "int", "integer", "bigint", "long", "short", "byte"})
SYNONYMS = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}
PARTS_OF = {"array": ("element",), "map": ("key", "value")}  # as ALTER TABLE names them


@dataclass(frozen=True)
class SparkType:
    """A type as Spark writes it; parts: the fields of a struct, or what an array or map holds."""

    text: str
    kind: str = ""  # struct, array, map
    parts: tuple[tuple[str, "SparkType"], ...] = ()

    def part(self, name: str) -> "SparkType | None":
        found = (kind for known, kind in self.parts if known.lower() == name.lower())
        return next(found, None)


def spark_type(text: str) -> SparkType:
    """`struct<a:int,b:array<string>>` as a tree. What is no nested type is one word of it."""
    head, bracket, rest = text.strip().partition("<")
    kind = head.strip().lower()
    if not bracket or kind not in ("struct", "array", "map") or not rest.endswith(">"):
        plain = re.sub(r"\s+", "", text.lower())
        return SparkType(SYNONYMS.get(plain, plain))
    pieces = list(_split(rest[:-1]))
    if kind == "struct":
        named = [piece.partition(":") for piece in pieces]
        parts = tuple((name.strip(), spark_type(inner)) for name, _, inner in named)
    else:
        parts = tuple(zip(PARTS_OF[kind], map(spark_type, pieces), strict=True))
    inner = (f"{name}:{part.text}" if kind == "struct" else part.text for name, part in parts)
    return SparkType(f"{kind}<{','.join(inner)}>", kind, parts)


def _split(text: str) -> Iterator[str]:
    """The pieces between the commas that stand in no bracket."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def is_nested(dtype: str) -> bool:
    """Whether structs are in the type, whose fields Spark writes by position."""
    return "struct<" in dtype.lower()


def type_sql(kind: SparkType) -> str:
    """The type as DDL, names of fields in backticks, which simpleString leaves out."""
    if not kind.kind:
        return kind.text
    inner = (
        f"{_field(name)}:{type_sql(part)}" if kind.kind == "struct" else type_sql(part)
        for name, part in kind.parts
    )
    return f"{kind.kind}<{', '.join(inner)}>"


def _field(name: str) -> str:
    return name if name.startswith("`") else quoted(name)


@dataclass
class GlueColumn(Column):
    """A column; dtype is Spark's simpleString: "decimal(10,2)", "array<int>".

    comment is the column's comment in the catalog; partition says that it is a partition column.
    """

    TYPE_LABELS: ClassVar[dict[str, str]] = TYPE_LABELS
    comment: str | None = None
    partition: bool = False

    @property
    def quoted(self) -> str:
        return quoted(self.column)

    @property
    def data_type(self) -> str:
        return self.dtype

    @property
    def sql_type(self) -> str:
        """dtype as SQL takes it, whatever the fields of its structs are called."""
        return type_sql(spark_type(self.dtype)) if is_nested(self.dtype) else self.dtype

    def is_string(self) -> bool:
        return self.dtype.lower().split("(")[0] in {"string", "text", "varchar", "char"}

    def is_integer(self) -> bool:
        return self.dtype.lower() in INTEGERS

    def is_float(self) -> bool:
        return self.dtype.lower() in {"float", "double", "real"}

    def is_numeric(self) -> bool:
        return self.dtype.lower().split("(")[0] in {"decimal", "numeric", "dec"}

    def string_size(self) -> int:
        """Characters of a varchar or char; Spark's string has no bound, 2**31 - 1 stands for it."""
        _, bracket, size = self.dtype.partition("(")
        return int(size.rstrip(") ")) if bracket else 2**31 - 1

    @classmethod
    def string_type(cls, size: int) -> str:
        return "string"

    @classmethod
    def numeric_type(cls, dtype: str, precision: int | None, scale: int | None) -> str:
        if precision is None or scale is None:
            return "decimal"
        return f"decimal({precision},{scale})"

    def can_expand_to(self, other_column: Column) -> bool:
        """Never: Spark's strings have no bound that could be too small."""
        return False

    def literal(self, value: object) -> str:
        return f"cast({value} as {self.sql_type})"
