"""What a failed node leaves, and what Delta and sources with a `database` say of themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow


class TestNothingIsLeft:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"moments.csv": "id,moment\n1,2024-02-30 25:00\n"}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "grows.sql": (
                "{{ config(materialized='incremental') }} select 1 as id"
                "{% if is_incremental() %}"
                " union all select id + assert_true(id < 0, 'no more') from {{ this }}"
                "{% endif %}"
            )
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"seeds": {"+column_types": {"moment": "timestamp"}}}

    def keys(self, s3_client: Any, prefix: str) -> list[str]:
        found = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=f"warehouse/{prefix}")
        return [entry["Key"] for entry in found.get("Contents", [])]

    def tables(self, glue_client: Any, schema: str) -> list[str]:
        return [t["Name"] for t in glue_client.get_tables(DatabaseName=schema)["TableList"]]

    def test_a_seed_with_a_broken_row(self, project: Any, s3_client: Any) -> None:
        (result,) = run_dbt(["seed"], expect_pass=False)
        assert "column moment" in result.message and "2024-02-30 25:00" in result.message
        assert self.keys(s3_client, "_dbt_glue_tmp/") == []

    def test_a_model_that_reads_itself(
        self, project: Any, glue_client: Any, s3_client: Any
    ) -> None:
        run_dbt(["run"])
        (result,) = run_dbt(["run"], expect_pass=False)
        assert "no more" in result.message
        assert self.tables(glue_client, project.test_schema) == ["grows"]
        assert self.keys(s3_client, f"{project.test_schema}/grows__dbt_tmp") == []


class TestDelta:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "events.sql": (
                "{{ config(materialized='incremental', file_format='delta',"
                " incremental_strategy='merge', unique_key='id',"
                " on_schema_change='append_new_columns') }}"
                " select id, 'x' as word"
                "{% for n in range(var('more')) %}, {{ n }} as more_{{ n }}{% endfor %}"
                " from range(7)"
            )
        }

    def test_new_columns_are_seen_at_once_and_rows_are_counted(self, project: Any) -> None:
        run_dbt(["run", "--vars", "more: 0"])
        for more in (1, 2, 3):
            (result,) = run_dbt(["run", "--vars", f"more: {more}"])
            assert result.adapter_response["rows_affected"] == 7
        counts = "count(*), count(more_0), count(more_1), count(more_2)"
        (found,) = project.run_sql(
            f"select {counts} from {project.test_schema}.events", fetch="all"
        )
        assert tuple(found) == (7, 7, 7, 7)


class TestASourceThatNamesADatabase:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "raw.sql": "{{ config(materialized='table', file_format='iceberg') }} select 1 as id",
            "reads.sql": "-- depends_on: {{ ref('raw') }}\nselect * from {{ source('o', 'raw') }}",
            "sources.yml": (
                "sources: [{name: o, database: some_db, schema: '{{ target.schema }}',"
                " tables: [{name: raw}]}]"
            ),
        }

    def test_it_is_read_documented_and_warned_of(self, project: Any) -> None:
        run_dbt(["run"])
        _, output = run_dbt_and_capture(["docs", "generate"])
        catalog = json.loads(Path("target/catalog.json").read_text())
        assert list(catalog["sources"]) == ["source.test.o.raw"]
        assert set(catalog["nodes"]) == {"model.test.raw", "model.test.reads"}
        run_dbt(["docs", "generate", "--select", "source:o.raw"])
        catalog = json.loads(Path("target/catalog.json").read_text())
        assert list(catalog["sources"]) == ["source.test.o.raw"]
