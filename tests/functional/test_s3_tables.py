"""Tables in two table buckets of S3 Tables, one named in the profile, one in catalogs.yml."""

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import get_manifest, run_dbt, run_dbt_and_capture
from functional.conftest import stop_sessions

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
LAKE = f"{ACCOUNT}:s3tablescatalog/first-bucket"
SECOND = f"{ACCOUNT}:s3tablescatalog/second-bucket"

CATALOGS = """
catalogs:
  - name: second
    write_integrations:
      - name: only
        catalog_type: s3_tables
        adapter_properties: {table_bucket: second-bucket}
"""

RUN = "{{ var('run', 1) }}"
# ids 1 and 2 in the first run; 2 and 3 in the second: a row that stays, one that changes, a new one
ROWS = f"select id + {RUN} as id, 'r{RUN}' as run from (select explode(array(0, 1)) as id)"
INCREMENT = f"""
{{{{ config(materialized='incremental', file_format='s3tables', %s) }}}}
select id, run, {{{{ 'true' if is_incremental() else 'false' }}}} as added, 'p' || id as part
from ({ROWS})
"""

MODELS = {
    "in_lake.sql": "{{ config(materialized='table', file_format='s3tables', "
    "partition_by=['id']) }} " + ROWS,
    # the same schema and name as in_lake's, in another bucket
    "in_second.sql": "{{ config(materialized='table', catalog_name='second', alias='in_lake') }} "
    "select id * 10 as id from {{ ref('in_lake') }}",
    "appended.sql": INCREMENT % "incremental_strategy='append'",
    "overwritten.sql": INCREMENT % "incremental_strategy='insert_overwrite', partition_by=['part']",
    "merged.sql": INCREMENT % "incremental_strategy='merge', unique_key='id'",
    "grows.sql": "{{ config(materialized='incremental', file_format='s3tables', "
    "incremental_strategy='merge', unique_key='id', on_schema_change='append_new_columns') }} "
    f"select id {{% if var('run', 1) == 2 %}}, run {{% endif %}} from ({ROWS})",
    "in_parquet.sql": "{{ config(materialized='table') }} select * from {{ ref('in_lake') }}",
    "in_delta.sql": "{{ config(materialized='table', file_format='delta') }} "
    "select * from {{ ref('in_parquet') }}",
    "in_iceberg.sql": "{{ config(materialized='table', file_format='iceberg') }} "
    "select * from {{ ref('in_delta') }}",
    "of_all.sql": "{{ config(materialized='view', file_format='s3tables') }} "
    "select 'lake' as place, cast(id as bigint) as id from {{ ref('in_lake') }} "
    "union all select 'second', id from {{ source('elsewhere', 'in_lake') }} "
    "union all select 'iceberg', id from {{ ref('in_iceberg') }} "
    "union all select 'delta', id from {{ ref('in_delta') }} "
    "union all select 'city', id from {{ ref('cities') }}",
    "schema.yml": """
sources:
  - name: elsewhere
    database: second
    schema: "{{ target.schema }}"
    config: {freshness: {warn_after: {count: 1, period: day}}}
    tables:
      - {name: in_lake}
      - {name: timed, identifier: in_lake, config: {loaded_at_field: "current_timestamp()"}}
models:
  - name: in_lake
    description: "what the lake's is"
    config: {persist_docs: {relation: true, columns: true}}
    columns:
      - {name: id, description: "the key", data_tests: [unique, not_null]}
  - name: in_parquet
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('in_lake'), field: id}}
  - name: in_second
    columns: [{name: id, data_tests: [unique]}]
""",
}
SNAPSHOT = """
snapshots:
  - name: history
    relation: ref('in_lake')
    config: {strategy: check, check_cols: [run], unique_key: id, file_format: s3tables}
"""
AFTER = {
    "in_lake": [(2, "r2"), (3, "r2")],
    "appended": [(1, "r1", False), (2, "r1", False), (2, "r2", True), (3, "r2", True)],
    "overwritten": [(1, "r1", False), (2, "r2", True), (3, "r2", True)],
    "merged": [(1, "r1", False), (2, "r2", True), (3, "r2", True)],
    "grows": [(1, None), (2, "r2"), (3, "r2")],
}


SESSION = "functional-tests-s3-tables"


@pytest.fixture(scope="module", autouse=True)
def stopped(glue_client: Any) -> Iterator[None]:
    yield
    stop_sessions(glue_client, SESSION)


@pytest.fixture(scope="class")
def dbt_profile_target(dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
    return {
        **dbt_profile_target,
        "glue_session_id": f"{SESSION}-{dbt_profile_target['session_type']}",
        "s3_tables": {"lake": "first-bucket"},
    }


class TestTwoBuckets:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return MODELS

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {"history.yml": SNAPSHOT}

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"cities.csv": "id,name\n7,Köln\n8,\n"}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"seeds": {"+file_format": "s3tables"}}

    @pytest.fixture(scope="class")
    def built(self, project: Any) -> Any:
        """The project, built twice with other rows."""
        Path(project.project_root, "catalogs.yml").write_text(CATALOGS)
        run_dbt(["build"])
        run_dbt(["build", "--vars", "run: 2"])
        return project

    def test_pain_21_s3_tables_are_incremental(self, built: Any) -> None:
        columns = {"in_lake": "id, run", "grows": "id, run"}
        for name, expected in AFTER.items():
            wanted = columns.get(name, "id, run, added")
            table = f"lake.{built.test_schema}.{name}"
            found = built.run_sql(f"select {wanted} from {table} order by 1, 2", fetch="all")
            assert [tuple(row) for row in found] == expected, name

    def test_tables_of_one_name_in_two_buckets(self, built: Any, glue_client: Any) -> None:
        for catalog, expected in (("lake", [2, 3]), ("second", [20, 30])):
            table = f"{catalog}.{built.test_schema}.in_lake"
            found = built.run_sql(f"select id from {table} order by id", fetch="all")
            assert [row[0] for row in found] == expected
        for catalog_id, names in (
            (LAKE, {*AFTER, "cities", "history"}),
            (SECOND, {"in_lake"}),
            (ACCOUNT, {"in_parquet", "in_delta", "in_iceberg", "of_all"}),
        ):
            pages = glue_client.get_tables(CatalogId=catalog_id, DatabaseName=built.test_schema)
            assert {table["Name"] for table in pages["TableList"]} == names

    def test_snapshot(self, built: Any) -> None:
        found = built.run_sql(
            "select id, run, dbt_valid_to is null from"
            f" lake.{built.test_schema}.history order by id, run",
            fetch="all",
        )
        assert [tuple(row) for row in found] == [
            (1, "r1", True),
            (2, "r1", False),
            (2, "r2", True),
            (3, "r2", True),
        ]

    def test_pain_08_no_prefix_is_written_by_hand(self, built: Any) -> None:
        """Refs, sources and tests across formats and catalogs; the profile has no `conf`."""
        found = built.run_sql(
            f"select place, id from {built.test_schema}.of_all order by place, id", fetch="all"
        )
        assert [tuple(row) for row in found] == [
            *(("city", 7), ("city", 8), ("delta", 2), ("delta", 3)),
            *(("iceberg", 2), ("iceberg", 3), ("lake", 2), ("lake", 3)),
            *(("second", 20), ("second", 30)),
        ]

    def test_docs(self, built: Any) -> None:
        run_dbt(["docs", "generate"])
        catalog = json.loads(Path(built.project_root, "target/catalog.json").read_text())
        nodes = catalog["nodes"]
        in_lake = nodes["model.test.in_lake"]
        assert in_lake["metadata"]["database"] == "lake"
        assert in_lake["metadata"]["comment"] == "what the lake's is"
        assert in_lake["columns"]["id"]["comment"] == "the key"
        assert nodes["model.test.in_second"]["metadata"]["database"] == "second"
        assert set(nodes["model.test.in_second"]["columns"]) == {"id"}
        assert "source.test.elsewhere.in_lake" in catalog["sources"]
        manifest = get_manifest(built.project_root)
        assert manifest is not None
        assert manifest.nodes["model.test.in_lake"].database == "lake"
        assert manifest.nodes["model.test.of_all"].database is None

    def test_source_freshness(self, built: Any) -> None:
        results = run_dbt(["source", "freshness", "--select", "source:elsewhere"])
        assert {result.node.name for result in results} == {"timed", "in_lake"}
        for found in results:
            assert str(found.status) == "pass"
            assert 0 <= found.age < 3600

    def test_s3_maintains_what_is_in_a_bucket(self, built: Any) -> None:
        arguments = "{select: in_lake, maintenance: {expire_snapshots: true}}"
        _, output = run_dbt_and_capture(["run-operation", "glue_maintain", "--args", arguments])
        assert "in_lake: left out, since S3 maintains what is in lake" in output

    def test_full_refresh_and_drop(self, built: Any, glue_client: Any) -> None:
        run_dbt(["run", "--select", "merged", "--full-refresh", "--vars", "run: 5"])
        table = f"lake.{built.test_schema}.merged"
        found = built.run_sql(f"select id, added from {table} order by id", fetch="all")
        assert [tuple(row) for row in found] == [(5, False), (6, False)]
        with built.adapter.connection_named("drop"):
            relation = built.adapter.get_relation("lake", built.test_schema, "merged")
            built.adapter.drop_relation(relation)
        names = glue_client.get_tables(CatalogId=LAKE, DatabaseName=built.test_schema)
        assert "merged" not in {found["Name"] for found in names["TableList"]}


class TestClone:
    """A bucket takes no files of another table, and no view: the rows are copied."""

    @pytest.fixture(scope="class")
    def profiles_config_update(
        self, dbt_profile_target: dict[str, Any], unique_schema: str
    ) -> dict[str, Any]:
        outputs = {name: deepcopy(dbt_profile_target) for name in ("default", "other")}
        outputs["default"]["schema"] = unique_schema
        outputs["other"]["schema"] = f"{unique_schema}_other"
        return {"test": {"outputs": outputs, "target": "default"}}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        head = "{{ config(materialized='table', file_format='s3tables') }} "
        return {"made.sql": head + "select {{ var('run', 1) }} as id"}

    def test_a_clone_is_a_copy_that_ref_finds(self, project: Any) -> None:
        other = f"lake.{project.test_schema}_other.made"
        Path("state").mkdir()
        for run in (1, 2):
            run_dbt(["run", "--vars", f"run: {run}"])
            shutil.copyfile("target/manifest.json", "state/manifest.json")
            run_dbt(["clone", "--state", "state", "--target", "other", "--full-refresh"])
            assert project.run_sql(f"select id from {other}", fetch="all") == [(run,)]
        project.run_sql(f"drop table {other} purge")
        project.run_sql(f"drop schema lake.{project.test_schema}_other")


class TestRefusals:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        head = "{{ config(materialized='table', %s) }} "
        return {
            "nowhere.sql": head % "catalog_name='none'" + "select 1 as id",
            "parquet.sql": head % "catalog_name='lake', file_format='parquet'" + "select 1 as id",
            "placed.sql": head % "file_format='s3tables', custom_location='s3://b/c'"
            + "select 1 as id",
            "kept_up.sql": head
            % "catalog_name='lake', file_format='iceberg', maintenance={'expire_snapshots': true}"
            + "select 1 as id",
            "broken.sql": head % "file_format='s3tables'"
            + "select cast(raise_error('no rows') as int) as id",
        }

    def test_refused_before_anything_is_made(self, project: Any, glue_client: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        told = {result.node.name: result.message for result in results}
        assert "catalog_name: got 'none', expected one of lake" in told["nowhere"]
        assert "a table bucket holds Iceberg tables only" in told["parquet"]
        assert "S3 Tables itself chooses where a table lies" in told["placed"]
        assert "which S3 itself maintains" in told["kept_up"]
        assert "no rows" in told["broken"]
        # the table that could not be filled is gone
        found = glue_client.get_tables(CatalogId=LAKE, DatabaseName=project.test_schema)
        assert found["TableList"] == []


class TestAsIn1124:
    """A project of dbt-glue 1.12.4: the bucket is in `conf` and in the environment."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        catalog = "spark.sql.catalog.glue_catalog"
        conf = {
            catalog: "org.apache.iceberg.spark.SparkCatalog",
            f"{catalog}.warehouse": "s3://functional-tests/warehouse",
            f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{catalog}.glue.id": LAKE,
        }
        target = {**dbt_profile_target, "datalake_formats": "iceberg"}
        target["glue_session_id"] += "-1124"
        target["conf"] = " --conf ".join(f"{key}={value}" for key, value in conf.items())
        del target["s3_tables"]
        return target

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"merged.sql": MODELS["merged.sql"]}

    def test_it_moves_over_by_changing_nothing(
        self, project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DBT_S3_TABLES_BUCKET", LAKE)
        run_dbt(["run"])
        run_dbt(["run", "--vars", "run: 2"])
        table = f"glue_catalog.{project.test_schema}.merged"
        found = project.run_sql(f"select id, run, added from {table} order by 1", fetch="all")
        assert [tuple(row) for row in found] == AFTER["merged"]
