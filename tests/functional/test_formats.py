"""Every file format as a table, built twice; views, kinds and formats that change between runs."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt, write_file
from functional.conftest import OnLivy

pytestmark = pytest.mark.slow

TYPED_FORMATS = ["parquet", "orc", "avro", "json", "csv", "iceberg", "delta", "hudi"]
CATALOG_MARK = {"iceberg": ("table_type", "ICEBERG")}

TYPED_SQL = """
{{ config(materialized='table', file_format=var('format')) }}
select * from values
    (cast(1 as bigint), 'a \\'quoted\\' \\\\ name', cast(1.50 as decimal(10,2)),
     date '2024-02-29', timestamp '2024-02-29 23:59:59', true),
    (cast(2 as bigint), null, cast(-0.01 as decimal(10,2)), null, null, false)
as rows(id, name, price, day, moment, flag)
"""
TEXT_SQL = """
{{ config(materialized='table', file_format='text') }}
select 'one line' as value union all select 'žluťoučký 🦆'
"""
VIEW_SQL = (
    "{{ config(materialized='view') }} select id, price * 2 as double_price from {{ ref('typed') }}"
)
PARTITIONED_SQL = """
{{ config(materialized='table', file_format=var('format'), partition_by=['day']) }}
select id, name, cast(price as double) as price, day from {{ ref('typed') }} where day is not null
"""


def rows(project: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in project.run_sql(sql, fetch="all")]


class TestEveryFormat(OnLivy):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "typed.sql": TYPED_SQL,
            "on_top.sql": VIEW_SQL,
            "by_day.sql": PARTITIONED_SQL,
            "lines.sql": TEXT_SQL,
            "check.sql": (
                "{{ config(materialized='table') }} select id, name,"
                " cast(price as decimal(10,2)) as price,"
                " cast(day as string) as day, cast(moment as string) as moment, flag"
                " from {{ ref('typed') }}"
            ),
        }

    @pytest.mark.parametrize("file_format", TYPED_FORMATS)
    def test_pain_45_table_built_twice(
        self, project: Any, glue_client: Any, file_format: str
    ) -> None:
        for _ in range(2):
            results = run_dbt(["run", "--vars", f"format: {file_format}"])
            assert {result.status for result in results} == {"success"}
            # `check` is plain parquet, so its SQL needs no catalog prefix
            found = rows(project, f"select * from {project.test_schema}.check order by id")
            assert [(row[0], row[1], str(row[2]), row[3], row[4], row[5]) for row in found] == [
                (1, "a 'quoted' \\ name", "1.50", "2024-02-29", "2024-02-29 23:59:59", True),
                (2, None, "-0.01", None, None, False),
            ]
        table = glue_client.get_table(DatabaseName=project.test_schema, Name="typed")["Table"]
        parameters = table["Parameters"]
        if file_format == "iceberg":
            assert parameters["table_type"] == "ICEBERG"
        else:
            assert parameters["spark.sql.sources.provider"].lower() == file_format
        view = glue_client.get_table(DatabaseName=project.test_schema, Name="on_top")["Table"]
        assert view["TableType"] == "VIRTUAL_VIEW"
        lines = rows(project, f"select value from {project.test_schema}.lines order by value")
        assert lines == [("one line",), ("žluťoučký 🦆",)]


class TestKindAndFormatChange:
    """What a name is may change from run to run: table, view, another format, and back."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"changing.sql": "select 0 as id"}

    def test_changes(self, project: Any, glue_client: Any) -> None:
        steps = [
            ("table", "parquet"),
            ("table", "iceberg"),
            ("view", None),
            ("table", "delta"),
            ("table", "parquet"),
            ("incremental", "iceberg"),
            ("view", None),
            ("table", "hudi"),
            ("table", "csv"),
            ("table", "hudi', hudi_options={'type': 'mor'}, unique_key='id"),
            ("table", "orc"),
        ]
        for number, (kind, file_format) in enumerate(steps):
            config = f"materialized='{kind}'" + (
                f", file_format='{file_format}'" if file_format else ""
            )
            write_file(
                f"{{{{ config({config}) }}}} select {number} as id",
                project.project_root,
                "models",
                "changing.sql",
            )
            results = run_dbt(["run", "--full-refresh"])
            assert results[0].status == "success"
            table = glue_client.get_table(DatabaseName=project.test_schema, Name="changing")
            is_view = table["Table"]["TableType"] == "VIRTUAL_VIEW"
            assert is_view == (kind == "view")
            shown = run_dbt(["show", "--inline", "select id from {{ ref('changing') }}"])
            assert [tuple(row) for row in shown.results[0].agate_table.rows] == [(number,)]


class TestRebuildLeavesNoOldFiles:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"once.sql": "{{ config(materialized='table') }} select explode(sequence(1, 10)) id"}

    def test_only_the_new_files_stay(self, project: Any, s3_client: Any) -> None:
        def keys() -> set[str]:
            found = s3_client.list_objects_v2(
                Bucket="functional-tests", Prefix=f"warehouse/{project.test_schema}/once/"
            )
            return {
                entry["Key"]
                for entry in found.get("Contents", [])
                if entry["Key"].endswith(".parquet")
            }

        run_dbt(["run"])
        first = keys()
        run_dbt(["run"])
        second = keys()
        assert first and second and not first & second


class TestNamesThatNeedQuotes:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='%s', file_format='%s'%s) }}"
        columns = "select 1 as `select`, 'x' as `with-dash`, 2 as `order`"
        return {
            "select.sql": config % ("table", "parquet", "") + columns,
            "group.sql": config % ("view", "parquet", "") + "select * from {{ ref('select') }}",
            "merge_into.sql": config
            % ("incremental", "iceberg", ", incremental_strategy='merge', unique_key='select'")
            + columns,
        }

    def test_pain_32_reserved_words_and_dashes(self, project: Any) -> None:
        for _ in range(2):
            results = run_dbt(["run"])
            assert {result.status for result in results} == {"success"}
        shown = run_dbt(["show", "--inline", "select * from {{ ref('merge_into') }}"])
        assert [tuple(row) for row in shown.results[0].agate_table.rows] == [(1, "x", 2)]


OPERATIONS = """
{% macro operate(file_format) %}
  {% set made = api.Relation.create(
      schema=target.schema, identifier='made', type='table', table_format=file_format) %}
  {% do run_query('create table ' ~ made ~ ' using ' ~ file_format
      ~ ' ' ~ adapter.get_location(made)
      ~ (" tblproperties ('primaryKey' = 'id')" if file_format == 'hudi' else '')
      ~ ' as select 1 as id, 2 as other') %}
  {% set found = adapter.get_relation(none, target.schema, 'made') %}
  {% do adapter.truncate_relation(found) %}
  {% do run_query('insert into ' ~ found ~ ' select 5 as id, 6 as other') %}
  {% do adapter.rename_relation(found, found.incorporate(path={'identifier': 'renamed'})) %}
  {% set renamed = adapter.get_relation(none, target.schema, 'renamed') %}
  {% set rows = run_query('select id, other from ' ~ renamed).rows | map('list') | list %}
  {% do adapter.drop_relation(renamed) %}
  {% if rows != [[5, 6]] or adapter.get_relation(none, target.schema, 'renamed') %}
    {% do exceptions.raise_compiler_error(file_format ~ ' ' ~ rows) %}
  {% endif %}
{% endmacro %}
"""


class TestOperations:
    """What projects call in macros of their own, on tables that dbt has not made."""

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        return {"operate.sql": OPERATIONS}

    @pytest.mark.parametrize("file_format", ["parquet", "iceberg", "delta", "hudi"])
    def test_truncate_rename_drop(self, project: Any, glue_client: Any, file_format: str) -> None:
        project.run_sql(f"create schema if not exists {project.test_schema}")
        run_dbt(["run-operation", "operate", "--args", f"file_format: {file_format}"])
        assert not glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]


class TestLayout:
    """Order, options, properties and place, as the tables then have them."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='table', file_format='%s', %s) }}"
        query = "select id, concat('p', id % 2) as part from (select explode(sequence(1, 9)) as id)"
        zstd = "write_options={'compression': 'zstd'}"
        layouts = {
            "plain": ("parquet", f"{zstd}, table_properties={{'n': 1, 'b': true, 'f': 0.5}}"),
            "in_buckets": ("parquet", "clustered_by='part', buckets=2, sorted_by=['id']"),
            "written_delta": ("delta", f"{zstd}, table_properties={{'n': 2}}"),
            "written_iceberg": (
                "iceberg",
                "write_options={'compression-codec': 'gzip'}, sorted_by=['id desc'],"
                " partition_by=['truncate(1, part)']",
            ),
            "elsewhere": (
                "parquet",
                "custom_location='s3://functional-tests/templates/{schema}/{name}'",
            ),
        }
        return {f"{name}.sql": config % layout + query for name, layout in layouts.items()}

    def test_pain_52_what_is_asked_for_is_there(
        self, project: Any, glue_client: Any, s3_client: Any
    ) -> None:
        for _ in range(2):
            run_dbt(["run"])
            schema = project.test_schema
            table = {
                name: glue_client.get_table(DatabaseName=schema, Name=name)["Table"]
                for name in ("plain", "written_delta", "elsewhere", "in_buckets")
            }
            parameters = table["plain"]["Parameters"]
            assert [parameters[key] for key in "nbf"] == ["1", "true", "0.5"]
            assert self.suffixes(s3_client, f"warehouse/{schema}/plain/") == {"zstd.parquet"}
            delta = self.suffixes(s3_client, f"warehouse/{schema}/written_delta/")
            assert delta - {"json", "crc"} == {"zstd.parquet"}
            assert self.suffixes(s3_client, f"templates/{schema}/elsewhere/") == {"snappy.parquet"}
            parameters = table["in_buckets"]["Parameters"]
            assert parameters["spark.sql.sources.schema.numBuckets"] == "2"
            assert parameters["spark.sql.sources.schema.sortCol.0"] == "id"
            iceberg = f"glue_catalog.{schema}.written_iceberg"
            properties = dict(rows(project, f"show tblproperties {iceberg}"))
            assert properties["sort-order"] == "id DESC NULLS LAST"
            assert properties["write.parquet.compression-codec"] == "gzip"
            # one partition, one file: rows come as they lie in it
            found = rows(project, f"select id from {iceberg}")
            assert [row[0] for row in found] == list(range(9, 0, -1))

    def suffixes(self, s3_client: Any, prefix: str) -> set[str]:
        found = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=prefix)
        names = [item["Key"].rpartition("/")[2] for item in found["Contents"]]
        return {name.partition(".")[2] for name in names if not name.startswith(("_", "."))}
