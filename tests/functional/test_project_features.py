"""Hooks, tests of every kind, store_failures, freshness, docs: what stands in a real project."""

import json
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow


class TestHooks:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "hooked.sql": """
{{ config(
    materialized='table',
    pre_hook=[
        "insert into {{ target.schema }}.before_it select 'inside'",
        before_begin("create table {{ target.schema }}.before_it as select 'before' as word")
    ],
    post_hook=[
        after_commit("insert into {{ target.schema }}.before_it select concat('all ', count(*)) "
            ~ "from {{ target.schema }}.before_it"),
        "insert into {{ target.schema }}.before_it select 'after'",
        "insert into {{ target.schema }}.before_it select count(*) from {{ this }}"
    ]) }}
select 1 as id
"""
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "on-run-end": "insert into {{ target.schema }}.before_it select 'end'",
        }

    def test_order(self, project: Any) -> None:
        run_dbt(["run"])
        found = project.run_sql(
            f"select word from {project.test_schema}.before_it order by word", fetch="all"
        )
        assert [row[0] for row in found] == ["1", "after", "all 4", "before", "end", "inside"]


SCHEMA_YML = """
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables:
      - name: events
        loaded_at_field: loaded_at
        freshness:
          warn_after: {count: 1, period: day}
          error_after: {count: 100000, period: day}
models:
  - name: fruit
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: kind
        data_tests:
          - accepted_values:
              values: [apple, pear]
      - name: basket
        data_tests:
          - relationships:
              to: ref('baskets')
              field: id
"""


class TestFailingTests:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "baskets.sql": "select 1 as id",
            "fruit.sql": (
                "select * from values (1, 'apple', 1), (1, 'stone', 2), (null, 'pear', 1)"
                " as t(id, kind, basket)"
            ),
            "events.sql": (
                "{{ config(materialized='table', file_format='iceberg') }}"
                " select timestamp '2020-01-01 00:00:00' as loaded_at"
            ),
            "schema.yml": SCHEMA_YML,
        }

    @pytest.fixture(scope="class")
    def tests(self) -> dict[str, str]:
        return {"no_stones.sql": "select * from {{ ref('fruit') }} where kind = 'stone'"}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"data_tests": {"+store_failures": True, "+schema": "failed"}}

    def test_each_kind_finds_its_row(self, project: Any, glue_client: Any) -> None:
        run_dbt(["run"])
        results = run_dbt(["test"], expect_pass=False)
        failures = {result.node.name.split("_fruit")[0]: result.failures for result in results}
        assert failures == {
            "unique": 1,
            "not_null": 1,
            "accepted_values": 1,
            "relationships": 1,
            "no_stones": 1,
        }
        audit = f"{project.test_schema}_failed"
        stored = [
            table["Name"] for table in glue_client.get_tables(DatabaseName=audit)["TableList"]
        ]
        assert len(stored) == 5
        found = project.run_sql(f"select kind from {audit}.no_stones", fetch="all")
        assert [row[0] for row in found] == ["stone"]
        project.created_schemas.append(audit)

    def test_freshness(self, project: Any) -> None:
        run_dbt(["run"])
        run_dbt(["source", "freshness"])
        found = json.loads(Path("target/sources.json").read_text())["results"][0]
        assert found["status"] == "warn"
        assert found["max_loaded_at"].startswith("2020-01-01T00:00:00")


class TestDocsWithoutStatements:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "a_parquet.sql": "{{ config(materialized='table') }} select 1 as Id, 'x' as Name",
            "an_iceberg.sql": (
                "{{ config(materialized='table', file_format='iceberg') }} select 1 as id"
            ),
            "a_delta.sql": "{{ config(materialized='table', file_format='delta') }} select 1 as id",
            "a_hudi.sql": (
                "{{ config(materialized='table', file_format='hudi', unique_key='id') }}"
                " select 1 as id"
            ),
            "a_view.sql": "select id, array(1) as numbers from {{ ref('an_iceberg') }}",
        }

    def test_columns_of_every_format(self, project: Any, calls: Any) -> None:
        run_dbt(["run"])
        calls()
        run_dbt(["docs", "generate", "--no-compile"])
        counted = calls()
        assert "RunStatement" not in counted
        catalog = json.loads(Path("target/catalog.json").read_text())
        assert catalog["errors"] is None
        columns = {
            node["metadata"]["name"]: {
                name: (column["type"], column["index"]) for name, column in node["columns"].items()
            }
            for node in catalog["nodes"].values()
        }
        assert columns["a_parquet"] == {"Id": ("int", 1), "Name": ("string", 2)}
        assert columns["an_iceberg"] == {"id": ("int", 1)}
        assert columns["a_delta"] == {"id": ("int", 1)}
        assert columns["a_hudi"]["id"][0] == "int"
        assert not [name for name in columns["a_hudi"] if name.startswith("_hoodie")]
        assert columns["a_view"] == {"id": ("int", 1), "numbers": ("array<int>", 2)}


class TestGrantsSayWhatToDo:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "granted.sql": (
                "{{ config(materialized='table', grants={'select': ['someone']}) }} select 1 as id"
            )
        }

    def test_not_ignored(self, project: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        assert results[0].status == "error"
        assert "Lake Formation" in results[0].message
