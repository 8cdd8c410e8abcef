"""Comments of columns in a Table of the catalog."""

import json
from typing import Any

import pytest

from dbt.adapters.glue import table_metadata
from dbt.adapters.glue.column_comments import with_comments


def table(in_parts: bool, columns: int = 3) -> dict[str, Any]:
    names = [f"Column_{number}" for number in range(columns)]
    fields = [{"name": name, "type": "string", "nullable": True, "metadata": {}} for name in names]
    text = json.dumps({"type": "struct", "fields": fields})
    schema = {"spark.sql.sources.schema": text}
    if in_parts:
        parts = [text[start : start + 100] for start in range(0, len(text), 100)]
        schema = {f"spark.sql.sources.schema.part.{n}": part for n, part in enumerate(parts)}
        schema["spark.sql.sources.schema.numParts"] = str(len(parts))
    stored = [{"Name": name.lower(), "Type": "string"} for name in names]
    return {
        "Name": "t",
        "DatabaseName": "s",
        "CreateTime": "only the catalog's",
        "Parameters": {"spark.sql.sources.provider": "hudi", **schema},
        "StorageDescriptor": {"Columns": stored[:-1]},
        "PartitionKeys": stored[-1:],
    }


@pytest.mark.parametrize("in_parts", [False, True])
def test_both_lists_of_columns_have_the_comment(in_parts: bool) -> None:
    before = table(in_parts)
    after = with_comments(before, {"COLUMN_0": "it's", "column_2": "é", "other": "x"})
    assert "CreateTime" not in after
    assert [c.get("Comment") for c in after["StorageDescriptor"]["Columns"]] == ["it's", None]
    assert after["PartitionKeys"][0]["Comment"] == "é"
    known = {c["name"]: c["comment"] for c in table_metadata.columns_of(after) or ()}
    assert known == {"Column_0": "it's", "Column_1": None, "Column_2": "é"}
    assert before == table(in_parts)


def test_a_long_schema_stays_in_parts_that_the_catalog_takes() -> None:
    after = with_comments(table(True, columns=90), {"column_1": "x" * 255})
    parts = [value for key, value in after["Parameters"].items() if ".part." in key]
    assert len(parts) == int(after["Parameters"]["spark.sql.sources.schema.numParts"]) > 1
    assert max(map(len, parts)) <= 4000
    assert len(table_metadata.columns_of(after) or ()) == 90


def test_a_table_that_spark_has_not_made() -> None:
    made = {"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]}}
    after = with_comments(made, {"a": "x"})
    assert after["StorageDescriptor"]["Columns"][0]["Comment"] == "x" and after["Parameters"] == {}
