"""GlueColumn: a column with Spark's type."""

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
        return f"cast({value} as {self.dtype})"
