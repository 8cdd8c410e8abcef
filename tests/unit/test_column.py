"""GlueColumn: Spark's types in dbt's terms."""

import pytest

from dbt.adapters.glue.column import GlueColumn


def test_the_type_is_sparks_own() -> None:
    column = GlueColumn("a`b", "decimal(10,2)")
    assert column.data_type == "decimal(10,2)"
    assert column.quoted == "`a``b`"
    assert column.literal(1) == "cast(1 as decimal(10,2))"


@pytest.mark.parametrize(
    ("dtype", "sql"),
    [
        ("decimal(10, 2)", "decimal(10, 2)"),
        ("interval day to second", "interval day to second"),
        ("array<int>", "array<int>"),
        ("struct<my-col:int,b:decimal(10,2)>", "struct<`my-col`:int, `b`:decimal(10,2)>"),
        ("map<string,struct<a b:int>>", "map<string, struct<`a b`:int>>"),
        ("array<struct<größe:struct<a`b:int>>>", "array<struct<`größe`:struct<`a``b`:int>>>"),
        ("struct<`a b`: int>", "struct<`a b`:int>"),
    ],
)
def test_fields_of_structs_are_quoted_in_sql(dtype: str, sql: str) -> None:
    assert GlueColumn("c", dtype).sql_type == sql
    assert GlueColumn("c", dtype).literal("null") == f"cast(null as {sql})"
    assert GlueColumn("c", dtype).data_type == dtype


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("string", "is_string"),
        ("varchar(10)", "is_string"),
        ("bigint", "is_integer"),
        ("double", "is_float"),
        ("decimal(5,1)", "is_numeric"),
    ],
)
def test_kinds(dtype: str, kind: str) -> None:
    column = GlueColumn("c", dtype)
    kinds = ("is_string", "is_integer", "is_float", "is_numeric")
    assert [name for name in kinds if getattr(column, name)()] == [kind]


def test_dbts_type_names_become_sparks() -> None:
    assert GlueColumn.create("c", "TEXT").data_type == "string"
    assert GlueColumn.create("c", "integer").data_type == "int"
    assert GlueColumn.numeric_type("numeric", 10, 2) == "decimal(10,2)"
    assert GlueColumn.string_type(5) == "string"


def test_sizes() -> None:
    assert GlueColumn("c", "varchar(10)").string_size() == 10
    assert GlueColumn("c", "string").string_size() == 2**31 - 1
    assert not GlueColumn("c", "string").can_expand_to(GlueColumn("c", "string"))
