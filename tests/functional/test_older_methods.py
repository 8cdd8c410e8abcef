"""What projects of dbt-glue 1.12.4 call in their macros and hooks, in one project, built twice."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

BASE_SQL = """
{{ config(materialized='table') }}
select * from values (1, 'one', 'a'), (2, 'two', 'a'), (3, 'three', 'b') as t(id, name, part)
"""
# The pre_hook sets a variable of the session's Python, as in dbt-glue's pull request 198.
SUBSTITUTED_SQL = """
{{{{ config(
    materialized='incremental', file_format='{file_format}', unique_key='id',
    incremental_strategy='{strategy}',
    pre_hook="{{{{ find_newest(this) }}}}", substitute_variables=['newest', "'it' + 's'"]
) }}}}
select cast(<SUBSTITUTE_VARIABLE_0> as int) + 1 as id, "<SUBSTITUTE_VARIABLE_1>" as word
"""
TIMED_SQL = """
{{ config(materialized='table', file_format='iceberg', add_iceberg_timestamp=true) }}
select 1 as id
"""
DELTA_SQL = """
{{{{ config(materialized='{materialized}', file_format='delta', {more}) }}}}
select *, {{{{ var('run') }}}} as run from {{{{ ref('base') }}}}
{{% if is_incremental() %}} where id < 3 union all select 4, 'four', 'c', 2 {{% endif %}}
"""
MACROS = """
{% macro find_newest(relation) %}
  {% if execute %}
    {% set name = relation.schema ~ '.' ~ relation.identifier %}
    {% do adapter.execute_pyspark("
        newest = 0
        if spark.catalog.tableExists('" ~ name ~ "'):
            newest = spark.table('" ~ name ~ "').agg({'id': 'max'}).collect()[0][0]
    ") %}
  {% endif %}
{% endmacro %}

{% macro of(name) %}
  {{ return(api.Relation.create(schema=target.schema, identifier=name, type='table')) }}
{% endmacro %}

{% macro write_older_tables(run) %}
  {% set schema = target.schema %}
  {% set request = "select id, name, part, " ~ run ~ " as run from " ~ schema ~ ".base" %}
  {% set more = " where id > 2 union all select 9, 'nine', 'c', 2" if run == 2 else "" %}
  {% do adapter.hudi_merge_table(
    of('older_hudi'), request ~ more,
    'id', ['part'], none, {'hoodie.datasource.write.table.type': 'COPY_ON_WRITE'}, []
  ) %}
  {% set seed = {'schema': schema, 'name': 'ignored', 'alias': 'older_seed',
    'config': {'column_types': {'id': 'smallint'}}} %}
  {% do adapter.create_csv_table(seed, run_query(request)) %}
  {% if run == 1 %}
    {% do adapter.delta_create_table(
      of('older_delta'), request, 'id', ['part'], none, {'compression': 'gzip'}
    ) %}
  {% else %}
    {% do run_query('insert into ' ~ schema ~ ".older_delta select 7, 'seven', 'd', 2") %}
    {% do adapter.delta_update_manifest(of('older_delta'), none, ['part']) %}
  {% endif %}
{% endmacro %}

{% macro run_older_python() %}
  {% set code = "
    import pandas

    def model(dbt, session):
        dbt.config(materialized='table')
        rows = dbt.ref(dbt.this.split('.')[0] + '.base').toPandas()
        rows['was_there'] = dbt.is_incremental()
        return rows
  " %}
  {% for file_format in ('parquet', 'iceberg', 'delta') %}
    {% set answer = adapter.execute_python(
      code, model_name='from_' ~ file_format, schema=target.schema,
      config={'file_format': file_format, 'partition_by': 'part'}
    ) %}
    {% if answer != {} %}{{ exceptions.raise_compiler_error('got ' ~ answer) }}{% endif %}
  {% endfor %}
{% endmacro %}

{% macro fail_in_python() %}
  {% do adapter.execute_python("def main(dbt, session):\\n    return dbt.ref('absent')") %}
{% endmacro %}

{% macro two_statements() %}
  {% do run_query("create or replace temporary view two_of as select 41 as n dbt_next_query "
    ~ "create or replace table glue_catalog." ~ target.schema ~ ".two using iceberg as "
    ~ "select n + 1 as n from two_of") %}
{% endmacro %}

{% macro code_of_glue() %}
  {% set name = 'glue_catalog.' ~ target.schema ~ '.coded' %}
  {% do run_query("custom_glue_code_for_dbt_adapter
    spark.sql('create or replace table " ~ name ~ " using iceberg as select 7 as n')
  ") %}
  {% set answer = run_query("custom_glue_code_for_dbt_adapter
    print('before')
    SqlWrapper2.execute('select n, cast(null as int) as nothing from " ~ name ~ "')
  ") %}
  {{ print('read back: ' ~ answer.rows[0]['n'] ~ ', ' ~ answer.rows[0]['nothing']) }}
{% endmacro %}
"""


class TestOlderMethods:
    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        return {**dbt_profile_target, "delta_athena_prefix": "athena"}

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        return {"older.sql": MACROS}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        merge = "unique_key='id', incremental_strategy='merge', partition_by=['part']"
        return {
            "base.sql": BASE_SQL,
            "sub_hudi.sql": SUBSTITUTED_SQL.format(file_format="hudi", strategy="merge"),
            "sub_parquet.sql": SUBSTITUTED_SQL.format(file_format="parquet", strategy="append"),
            "timed.sql": TIMED_SQL,
            "delta_table.sql": DELTA_SQL.format(materialized="table", more=""),
            "delta_merged.sql": DELTA_SQL.format(materialized="incremental", more=merge),
        }

    @pytest.fixture(scope="class")
    def two_runs(self, project: Any) -> Any:
        for run in (1, 2):
            results = run_dbt(["run", "--vars", f"run: {run}"])
            assert {r.node.name: r.message for r in results if str(r.status) != "success"} == {}
            run_dbt(["run-operation", "write_older_tables", "--args", f"run: {run}"])
            run_dbt(["run-operation", "run_older_python"])
        return project

    def rows(self, project: Any, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        query = f"select {columns} from {table.format(project.test_schema)} order by all"
        return [tuple(row) for row in project.run_sql(query, fetch="all")]

    @pytest.mark.parametrize("name", ["sub_hudi", "sub_parquet"])
    def test_substitute_variables(self, two_runs: Any, name: str) -> None:
        assert self.rows(two_runs, f"{{}}.{name}", "id, word") == [(1, "its"), (2, "its")]

    def test_hudi_merge_table(self, two_runs: Any) -> None:
        found = self.rows(two_runs, "{}.older_hudi", "id, name, part, run")
        assert found == [
            (1, "one", "a", 1),
            (2, "two", "a", 1),
            (3, "three", "b", 2),
            (9, "nine", "c", 2),
        ]

    @pytest.mark.parametrize(
        ("name", "rows"),
        [
            ("delta_table", [(1, "a", 2), (2, "a", 2), (3, "b", 2)]),
            ("delta_merged", [(1, "a", 2), (2, "a", 2), (3, "b", 1), (4, "c", 2)]),
            ("older_delta", [(1, "a", 1), (2, "a", 1), (3, "b", 1), (7, "d", 2)]),
        ],
    )
    def test_delta_athena_prefix(
        self, two_runs: Any, glue_client: Any, local_glue: Any, name: str, rows: list[Any]
    ) -> None:
        """The files that the twin's manifests name hold the rows of the Delta table."""
        assert self.rows(two_runs, f"{{}}.{name}", "id, part, run") == rows
        twin = glue_client.get_table(DatabaseName=two_runs.test_schema, Name=f"athena_{name}")
        found = through_manifests(twin["Table"], glue_client, local_glue.local_dir)
        assert sorted((row["id"], row["part"], row["run"]) for row in found) == rows

    def test_create_csv_table(self, two_runs: Any, glue_client: Any) -> None:
        """The second load has replaced the rows of the first."""
        found = self.rows(two_runs, "{}.older_seed", "id, name, part, run, typeof(id)")
        assert found == [
            (1, "one", "a", 2, "smallint"),
            (2, "two", "a", 2, "smallint"),
            (3, "three", "b", 2, "smallint"),
        ]

    def test_columns_that_tell_the_time(self, two_runs: Any) -> None:
        for table, column in (
            ("glue_catalog.{}.timed", "update_iceberg_ts"),
            ("{}.sub_hudi", "update_hudi_ts"),
        ):
            recent = f"bool_and({column} > now() - interval 1 hour), typeof(max({column}))"
            assert self.rows(two_runs, table, recent) == [(True, "timestamp")]

    def test_execute_python(self, two_runs: Any) -> None:
        for place in ("{}.from_parquet", "glue_catalog.{}.from_iceberg", "{}.from_delta"):
            found = self.rows(two_runs, place, "id, name, part, was_there")
            assert found == [
                (1, "one", "a", True),
                (2, "two", "a", True),
                (3, "three", "b", True),
            ]

    def test_execute_python_that_fails(self, two_runs: Any) -> None:
        _, log = run_dbt_and_capture(["run-operation", "fail_in_python"], expect_pass=False)
        assert "The table or view `absent` cannot be found" in log and "in main" in log

    def test_dbt_next_query(self, two_runs: Any) -> None:
        run_dbt(["run-operation", "two_statements"])
        assert self.rows(two_runs, "glue_catalog.{}.two") == [(42,)]

    def test_custom_glue_code_for_dbt_adapter(self, two_runs: Any) -> None:
        _, log = run_dbt_and_capture(["run-operation", "code_of_glue"])
        assert "read back: 7, None" in log
        assert self.rows(two_runs, "glue_catalog.{}.coded") == [(7,)]

    def test_a_twin_goes_with_its_table(self, two_runs: Any, glue_client: Any) -> None:
        """Else nothing could be made in the folder, which the twin's location lies in."""
        config = "{{ config(materialized='table', file_format='parquet') }} select 1 as id"
        path = Path(two_runs.project_root) / "models" / "delta_table.sql"
        path.write_text(config)
        run_dbt(["run", "--select", "delta_table", "--vars", "run: 3"])
        assert self.rows(two_runs, "{}.delta_table") == [(1,)]
        listed = glue_client.get_tables(DatabaseName=two_runs.test_schema)["TableList"]
        names = {table["Name"] for table in listed}
        assert "athena_delta_table" not in names and "athena_delta_merged" in names


def through_manifests(
    table: dict[str, Any], glue_client: Any, local_dir: Path
) -> list[dict[str, Any]]:
    """The rows of a table as a reader of SymlinkTextInputFormat finds them."""
    storage, keys = table["StorageDescriptor"], [key["Name"] for key in table["PartitionKeys"]]
    assert storage["InputFormat"].endswith("SymlinkTextInputFormat")
    places = [(storage["Location"], [])]
    if keys:
        answer = glue_client.get_partitions(
            DatabaseName=table["DatabaseName"], TableName=table["Name"]
        )
        places = [(p["StorageDescriptor"]["Location"], p["Values"]) for p in answer["Partitions"]]

    def on_disk(location: str) -> Path:
        return Path(local_dir) / "s3" / location.partition("://")[2]

    rows = []
    for place, values in places:
        for line in (on_disk(place) / "manifest").read_text().split():
            found: pa.Table = pq.ParquetFile(on_disk(line)).read()
            rows += [{**row, **dict(zip(keys, values, strict=True))} for row in found.to_pylist()]
    names = [column["Name"] for column in storage["Columns"]]
    assert all(list(row)[: len(names)] == names for row in rows)
    return rows
