"""`dbt clone`: tables over the same files on Iceberg and Delta, views elsewhere."""

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.adapter.dbt_clone.test_dbt_clone import BaseClonePossible
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

MODEL = """
{{{{ config(materialized='incremental', file_format='{file_format}', unique_key='id',
           incremental_strategy='merge', {more}) }}}}
select * from values (1, '{{{{ var('word', 'one') }}}}'), (2, 'two') as t(id, word)
{{% if is_incremental() %}} union all select 3, 'three' {{% endif %}}
"""
EXPIRE = {"expire_snapshots": {"older_than": "2100-01-01", "retain_last": 1}}
FIRST = [(1, "one"), (2, "two")]
GROWN = [(1, "uno"), (2, "two"), (3, "three")]
CLONED = ("iceberg", "delta")


class TwoTargets:
    @pytest.fixture(scope="class")
    def other(self, unique_schema: str) -> str:
        return f"{unique_schema}_other"

    @pytest.fixture(scope="class")
    def profiles_config_update(
        self, dbt_profile_target: dict[str, Any], unique_schema: str, other: str
    ) -> dict[str, Any]:
        outputs = {name: deepcopy(dbt_profile_target) for name in ("default", "other")}
        outputs["default"]["schema"] = unique_schema
        outputs["other"]["schema"] = other
        return {"test": {"outputs": outputs, "target": "default"}}


# In place of the adapter's own: a clone that fails once it is made, where the variable asks for it.
BROKEN = """
{% macro glue__make_clone(relation, source) -%}
  {%- call statement('main') -%}
    {{ create_or_replace_clone(relation, source) }}
  {%- endcall -%}
  {%- if var('broken', false) -%}
    {{ glue_exec_query("select raise_error('no clone today')") }}
  {%- endif -%}
{%- endmacro %}
"""


def clone(*arguments: str, target: str = "other") -> dict[str, Any]:
    results = run_dbt(["clone", "--state", "state", "--target", target, *arguments])
    return {result.node.name: result for result in results}


class TestClone(TwoTargets):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        expire = f"maintenance={EXPIRE}, purge_dropped_iceberg_data=true"
        found = {
            f"{name}_table.sql": MODEL.format(
                file_format=name, more=expire if name == "iceberg" else ""
            )
            for name in (*CLONED, "hudi")
        }
        return found | {
            "parquet_table.sql": "{{ config(materialized='table') }} select 1 as id, 'one' as word",
            "a_view.sql": "{{ config(materialized='view') }} select 1 as id, 'one' as word",
        }

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        return {"broken.sql": BROKEN}

    @pytest.fixture(scope="class")
    def cloned(self, project: Any, other: str) -> Any:
        run_dbt(["run"])
        Path("state").mkdir()
        shutil.copyfile("target/manifest.json", "state/manifest.json")
        results = clone()
        assert {result.status for result in results.values()} == {"success"}
        yield project
        with project.adapter.connection_named("__test"):
            project.adapter.drop_schema(project.adapter.Relation.create(schema=other))

    def rows(self, project: Any, schema: str, name: str) -> list[tuple[Any, ...]]:
        prefix = "glue_catalog." if name.startswith("iceberg") else ""
        sql = f"select id, word from {prefix}{schema}.{name} order by id"
        return [tuple(row) for row in project.run_sql(sql, fetch="all")]

    def kinds(self, glue_client: Any, schema: str) -> dict[str, str]:
        found = glue_client.get_tables(DatabaseName=schema)["TableList"]
        return {table["Name"]: table["TableType"] for table in found}

    def test_tables_where_the_format_can_and_views_elsewhere(
        self, cloned: Any, other: str, glue_client: Any, s3_client: Any
    ) -> None:
        assert self.kinds(glue_client, other) == {
            **{f"{name}_table": "EXTERNAL_TABLE" for name in CLONED},
            **{name: "VIRTUAL_VIEW" for name in ("hudi_table", "parquet_table", "a_view")},
        }
        for name in ("iceberg_table", "delta_table", "hudi_table"):
            assert self.rows(cloned, other, name) == FIRST
        assert self.rows(cloned, other, "parquet_table") == [(1, "one")]
        keys = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=f"warehouse/{other}/")[
            "Contents"
        ]
        written = [item["Key"] for item in keys if item["Key"].endswith(".parquet")]
        assert [key for key in written if "/_delta_log/" not in key] == []

    def test_again_is_nothing(self, cloned: Any) -> None:
        assert {r.message for r in clone().values()} == {"No-op"}

    def test_a_clone_that_cannot_be_made_leaves_what_is_there(
        self, cloned: Any, other: str, glue_client: Any
    ) -> None:
        before = self.kinds(glue_client, other)
        arguments = ["--full-refresh", "--target", "other", "--vars", "broken: true"]
        tables = ["--select", *(f"{name}_table" for name in CLONED)]
        results = run_dbt(["clone", "--state", "state", *arguments, *tables], expect_pass=False)
        assert all("no clone today" in result.message for result in results)
        assert self.kinds(glue_client, other) == before
        for name in CLONED:
            assert self.rows(cloned, other, f"{name}_table") == FIRST

    def test_a_table_is_not_replaced_by_what_reads_it(self, cloned: Any) -> None:
        run_dbt(["parse", "--target", "other"])
        Path("back").mkdir()
        shutil.copyfile("target/manifest.json", "back/manifest.json")
        names = [f"{name}_table" for name in (*CLONED, "hudi")]
        results = run_dbt(
            ["clone", "--state", "back", "--full-refresh", "--select", *names], expect_pass=False
        )
        told = {result.node.name: result.message for result in results}
        assert "it is a clone that reads data at" in told["iceberg_table"]
        assert "it is a clone that reads data at" in told["delta_table"]
        assert "which the clone would replace" in told["hudi_table"]
        for name in names:
            assert self.rows(cloned, cloned.test_schema, name) == FIRST

    def test_a_clone_and_its_source_go_their_own_ways(
        self, cloned: Any, other: str, s3_client: Any
    ) -> None:
        sources = [f"{name}_table" for name in CLONED]
        files = self.files(s3_client, cloned.test_schema)
        _, output = run_dbt_and_capture(
            ["run", "--select", *sources, "--target", "other", "--vars", "word: uno"]
        )
        assert "iceberg_table: expire_snapshots: left out: a clone has files" in output
        for name in sources:
            assert self.rows(cloned, other, name) == GROWN
            assert self.rows(cloned, cloned.test_schema, name) == FIRST
        assert self.files(s3_client, cloned.test_schema) == files

        _, output = run_dbt_and_capture(
            ["clone", "--state", "state", "--full-refresh", "--target", "other"]
        )
        for name in sources:
            assert self.rows(cloned, other, name) == FIRST
        assert self.files(s3_client, cloned.test_schema) == files

        run_dbt(["run", "--select", *sources, "--vars", "word: uno"])
        for name in sources:
            assert self.rows(cloned, cloned.test_schema, name) == GROWN
        assert self.rows(cloned, other, "delta_table") == FIRST

        with cloned.adapter.connection_named("__test"):
            cloned.adapter.drop_schema(cloned.adapter.Relation.create(schema=other))
        for name in sources:
            assert self.rows(cloned, cloned.test_schema, name) == GROWN

    def files(self, s3_client: Any, schema: str) -> set[str]:
        found = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=f"warehouse/{schema}/")
        return {item["Key"] for item in found["Contents"]}

    def test_into_itself_and_into_the_sources_place(self, cloned: Any, other: str) -> None:
        _, output = run_dbt_and_capture(
            ["clone", "--state", "state", "--full-refresh", "--select", "delta_table"]
        )
        assert "skipping clone for relation" in output
        place = f"s3://functional-tests/warehouse/{cloned.test_schema}/delta_table"
        before = self.rows(cloned, cloned.test_schema, "delta_table")
        Path("models/delta_table.sql").write_text(
            MODEL.format(file_format="delta", more=f"custom_location='{place}'")
        )
        (result,) = run_dbt(
            ["clone", "--state", "state", "--full-refresh", "--target", "other"]
            + ["--select", "delta_table"],
            expect_pass=False,
        )
        assert "is not cloned" in result.message and "location of its own" in result.message
        assert self.rows(cloned, cloned.test_schema, "delta_table") == before


class TestClonePossible(BaseClonePossible):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "models": {"+file_format": "iceberg"},
            "seeds": {"+file_format": "delta", "test": {"quote_columns": False}},
            "snapshots": {"+file_format": "delta"},
        }

    @pytest.fixture(autouse=True)
    def clean_up(self, project: Any) -> Any:
        yield
        with project.adapter.connection_named("__test"):
            for schema in (f"{project.test_schema}_seeds", f"{project.test_schema}_other"):
                project.adapter.drop_schema(project.adapter.Relation.create(schema=schema))

    test_clone_no_state = None  # dbt's own check of its arguments
