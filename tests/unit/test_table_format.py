"""The formats as data, and SQL read as text."""

import pytest

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.sql_text import (
    collapse_catalog_prefix,
    python_code,
    split_statements,
    without_comments,
)
from dbt.adapters.glue.table_format import FORMATS, table_format


def test_every_format_of_the_older_adapter() -> None:
    assert set(FORMATS) == {
        *("parquet", "csv", "json", "text", "orc", "avro"),
        *("delta", "iceberg", "hudi", "s3tables"),
    }
    assert table_format(None).name == "parquet"
    assert table_format(" Iceberg ").name == "iceberg"


def test_merge_and_snapshots_go_with_the_table_formats() -> None:
    able = {name for name, found in FORMATS.items() if found.merge and found.snapshot}
    assert able == {"iceberg", "delta", "hudi", "s3tables"}
    assert [name for name, found in FORMATS.items() if found.prefixed] == ["iceberg"]


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="got 'xls', expected one of parquet, orc"):
        table_format("xls")


def test_s3_tables_are_iceberg_that_places_itself() -> None:
    found = table_format("s3tables")
    assert (found.provider, found.datalake_format, found.managed) == ("iceberg", "iceberg", True)
    assert (found.prefixed, found.rename, found.merge) == (False, False, True)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from glue_catalog.glue_catalog.`s`.`t`", "select * from glue_catalog.`s`.`t`"),
        ("from glue_catalog.`s`.`t`", "from glue_catalog.`s`.`t`"),
        ("select 'glue_catalog.glue_catalog.x'", "select 'glue_catalog.glue_catalog.x'"),
        ("-- glue_catalog.glue_catalog.x\nselect 1", "-- glue_catalog.glue_catalog.x\nselect 1"),
        ("select 'it\\'s', glue_catalog.glue_catalog.x", "select 'it\\'s', glue_catalog.x"),
        ("my_glue_catalog.glue_catalog.x", "my_glue_catalog.glue_catalog.x"),
    ],
)
def test_a_doubled_prefix_is_collapsed_in_code_only(sql: str, expected: str) -> None:
    assert collapse_catalog_prefix(sql, "glue_catalog") == expected
    assert collapse_catalog_prefix(sql, None) == sql


def test_statements_are_split_outside_literals() -> None:
    sql = "select 1 dbt_next_query select 'a dbt_next_query b' dbt_next_query "
    assert split_statements(sql) == ["select 1 ", " select 'a dbt_next_query b' "]
    assert split_statements("select ';'") == ["select ';'"]


def test_comments_are_told_from_literals_and_names() -> None:
    sql = "select '-- a' /* b */ as `-- c` -- d\nfrom t"
    assert without_comments(sql) == "select '-- a'  as `-- c` \nfrom t"


def test_python_is_told_by_its_first_word() -> None:
    assert python_code("\n  custom_glue_code_for_dbt_adapter\nprint(1)") == "\nprint(1)"
    assert python_code("select 'custom_glue_code_for_dbt_adapter'") is None
