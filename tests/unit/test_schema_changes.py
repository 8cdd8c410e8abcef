import pytest

from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.schema_changes import (
    SchemaChanges,
    changes_between,
    fits,
    spark_type,
    to_apply,
    value_of,
    why_not,
)
from dbt.adapters.glue.table_format import FORMATS


def columns(**types: str) -> list[GlueColumn]:
    return [GlueColumn(name, kind) for name, kind in types.items()]


def changes(source: dict[str, str], target: dict[str, str], name: str = "iceberg") -> SchemaChanges:
    return changes_between(columns(**source), columns(**target), FORMATS[name])


def test_types_are_read_as_trees() -> None:
    read = spark_type("struct<a:decimal(5, 2),b:array<struct<q:int>>,c:map<string,bigint>>")
    assert read.text == "struct<a:decimal(5,2),b:array<struct<q:int>>,c:map<string,bigint>>"
    assert read.part("A").text == "decimal(5,2)"  # type: ignore[union-attr]
    assert spark_type("INTEGER").text == "int"


def test_what_is_more_less_and_other() -> None:
    found = changes(
        {"ID": "bigint", "s": "struct<b:int,c:string>", "new": "int"},
        {"id": "int", "s": "struct<a:int,b:int>", "old": "date"},
    )
    assert found.lines() == [
        "new in the query: s.c string",
        "new in the query: new int",
        "not in the query: s.a int",
        "not in the query: old date",
        "another type: id int is now bigint",
    ]
    assert [column.quoted for column in found.added] == ["`s`.`c`", "`new`"]


@pytest.mark.parametrize("name,same", [("iceberg", True), ("hudi", True), ("delta", False)])
def test_small_integers_are_int_where_the_format_has_none(name: str, same: bool) -> None:
    assert bool(changes({"i": "smallint"}, {"i": "int"}, name)) is not same


@pytest.mark.parametrize("name,same", [("iceberg", True), ("s3tables", True), ("delta", False)])
def test_a_timestamp_without_a_zone_where_the_catalog_has_no_word_for_it(
    name: str, same: bool
) -> None:
    assert bool(changes({"t": "timestamp_ntz"}, {"t": "timestamp"}, name)) is not same


def test_bounded_text_is_text() -> None:
    assert not changes({"t": "varchar(9)"}, {"t": "string"})


def test_inside_arrays_and_maps() -> None:
    found = changes(
        {"l": "array<struct<a:int,w:int>>", "m": "map<string,struct<v:int,w:int>>"},
        {"l": "array<struct<a:int>>", "m": "map<string,struct<v:int>>"},
    )
    assert [c.quoted for c in found.added] == ["`l`.`element`.`w`", "`m`.`value`.`w`"]


@pytest.mark.parametrize(
    "old,new,answer",
    [
        ("bigint", "int", True),
        ("int", "bigint", False),
        ("double", "float", True),
        ("decimal(10,2)", "decimal(5,2)", True),
        ("decimal(10,2)", "decimal(10,3)", False),
        ("decimal(10,2)", "decimal(11,3)", False),
        ("string", "int", False),
    ],
)
def test_what_fits_is_not_changed(old: str, new: str, answer: bool) -> None:
    assert fits(old, new) is answer
    applied = to_apply(changes({"c": new}, {"c": old}), "sync_all_columns")
    assert bool(applied) is not answer


def test_appending_adds_and_no_more() -> None:
    found = changes({"a": "bigint", "n": "int"}, {"a": "int", "gone": "int"})
    applied = to_apply(found, "append_new_columns")
    assert applied.lines() == ["new in the query: n int"]


@pytest.mark.parametrize(
    "name,source,target,reason",
    [
        ("parquet", {"s": "struct<a:int,b:int>"}, {"s": "struct<a:int>"}, "field to a struct: s.b"),
        ("avro", {"a": "int", "n": "int"}, {"a": "int"}, "cannot add columns: n"),
        ("parquet", {"a": "int"}, {"a": "int", "n": "int"}, "cannot drop columns: n"),
        ("delta", {"a": "int"}, {"a": "int", "n": "int"}, "delta.columnMapping.mode = name"),
        ("delta", {"a": "int"}, {"a": "smallint"}, "delta.enableTypeWidening = true"),
        ("delta", {"a": "bigint"}, {"a": "int"}, "type of a from int to bigint"),
        ("iceberg", {"a": "string"}, {"a": "int"}, "type of a from int to string"),
        ("iceberg", {"a": "decimal(9,3)"}, {"a": "decimal(5,2)"}, "to decimal(9,3)"),
        ("hudi", {"a": "bigint"}, {"a": "int"}, "type of a from int to bigint"),
    ],
)
def test_the_reason_why_not(name: str, source: dict, target: dict, reason: str) -> None:
    (said,) = why_not(changes(source, target, name), FORMATS[name], {})
    assert reason in said


def test_what_a_table_property_allows() -> None:
    found = changes({"a": "int"}, {"a": "smallint", "n": "int"}, "delta")
    allowed = {"delta.columnMapping.mode": "name", "delta.enableTypeWidening": "true"}
    assert why_not(found, FORMATS["delta"], allowed) == []


def test_iceberg_widens() -> None:
    found = changes(
        {"a": "bigint", "b": "double", "c": "decimal(9,2)", "s": "struct<f:bigint>"},
        {"a": "int", "b": "float", "c": "decimal(5,2)", "s": "struct<f:int>"},
    )
    assert len(found.retyped) == 4
    assert why_not(found, FORMATS["iceberg"], {}) == []


@pytest.mark.parametrize(
    "source,target,sql",
    [
        ("int", "bigint", "x"),
        ("struct<a:int>", "struct<A:bigint>", "x"),
        (
            "struct<b:int,a:int>",
            "struct<a:int,b:int,c:struct<d:int>>",
            "if(x is null, null, named_struct('a', x.`a`, 'b', x.`b`, "
            "'c', cast(null as struct<`d`:int>)))",
        ),
        (
            "array<struct<b:int,a:int>>",
            "array<struct<a:int,b:int>>",
            "transform(x, x0 -> if(x0 is null, null, named_struct('a', x0.`a`, 'b', x0.`b`)))",
        ),
        (
            "map<string,struct<b:int,a:int>>",
            "map<string,struct<a:int,b:int>>",
            "transform_values(x, (k0, x0) -> "
            "if(x0 is null, null, named_struct('a', x0.`a`, 'b', x0.`b`)))",
        ),
    ],
)
def test_fields_of_structs_go_by_name(source: str, target: str, sql: str) -> None:
    assert value_of("x", source, target) == sql
