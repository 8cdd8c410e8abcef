"""GlueAdapter over moto's Data Catalog and S3; and what `dbt parse` imports and calls."""

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import agate
import boto3
import pytest
from dbt_common.exceptions import CompilationError, DbtRuntimeError
from moto import mock_aws
from side_by_side import in_threads

from dbt.adapters.glue import retries
from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import shared_property
from dbt.adapters.glue.session.result import Result, ResultColumn
from dbt.adapters.glue.table_buckets import TableBuckets

ROLE = "arn:aws:iam::123456789012:role/GlueRole"
BUCKET = "us-east-1:123456789012:bucket/lake"
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueAdapter]:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)
    with mock_aws():
        clients = SimpleNamespace(glue=boto3.client("glue", **KEYS), s3=boto3.client("s3", **KEYS))
        clients.s3.create_bucket(Bucket="bucket")
        monkeypatch.setattr(GlueConnectionManager, "clients", clients)
        made = make(datalake_formats="iceberg")
        made.acquire_connection("test")
        made.create_schema(relation())
        yield made
    GlueRelation.resolver = None


def make(**profile: Any) -> GlueAdapter:
    data = {"schema": "s", "role_arn": ROLE, "region": "us-east-1", "location": "s3://bucket/w"}
    config = SimpleNamespace(
        credentials=GlueCredentials.from_dict({**data, **profile}),
        threads=4,
        log_cache_events=False,
        quoting={"database": True, "schema": True, "identifier": True},
        flags={},
    )
    return GlueAdapter(config, get_context("spawn"))


def relation(name: str | None = None, **parts: Any) -> GlueRelation:
    return GlueRelation.create(schema="s", identifier=name, **parts)


def add(adapter: GlueAdapter, name: str, **parts: Any) -> None:
    storage = {
        "Columns": [{"Name": "id", "Type": "bigint"}],
        "Location": f"s3://bucket/w/s/{name}",
        "SerdeInfo": {},
    }
    table = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage, **parts}
    adapter.catalog.create_table("s", table)


ICEBERG = {"Parameters": {"table_type": "ICEBERG"}}
VIEW = {"TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select 1 as id"}


def test_relations_know_their_type_and_format(adapter: GlueAdapter) -> None:
    add(adapter, "ice", **ICEBERG)
    add(adapter, "v", **VIEW)
    found = {r.identifier: r for r in adapter.list_relations(None, "s")}
    assert str(found["ice"]) == "glue_catalog.`s`.`ice`" and found["ice"].is_table
    assert str(found["v"]) == "`s`.`v`" and found["v"].is_view
    assert adapter.list_relations(None, "absent") == []


def test_get_relation_takes_the_older_arguments(adapter: GlueAdapter) -> None:
    add(adapter, "ice", **ICEBERG)
    for schema in ("s", "glue_catalog.s", "S"):
        found = adapter.get_relation("s", schema, "ICE", "iceberg")
        assert found is not None and found.is_iceberg
    assert adapter.get_relation(None, "s", "none") is None
    assert adapter.get_relation(None, "s", "") is None


def test_a_source_in_iceberg_is_found_out_at_run_time_only(adapter: GlueAdapter) -> None:
    add(adapter, "ice", **ICEBERG)
    assert relation("ice").render() == "glue_catalog.`s`.`ice`"
    adapter.release_connection()
    adapter.connections.clear_thread_connection()
    assert relation("ice").render() == "`s`.`ice`"
    # dbt hands the macros over once it has parsed; a test suite renders without a connection
    adapter.set_macro_resolver(SimpleNamespace())  # type: ignore[arg-type]
    assert relation("ice").render() == "glue_catalog.`s`.`ice`"


def test_an_error_of_the_catalog_is_not_an_absent_relation(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def refuse(**_: Any) -> None:
        raise ClientError(
            {"Error": {"Code": "ThrottlingException", "Message": "Rate"}}, "GetTables"
        )

    monkeypatch.setattr(adapter.connections.clients.glue, "get_tables", refuse)
    monkeypatch.setattr(retries, "LAST", 0.01)
    with pytest.raises(DbtRuntimeError, match="Rate"):
        adapter.get_relation(None, "s", "t")


def answer(adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch, *columns: tuple) -> list[str]:
    """Answers every statement with these columns; returns the list of what was sent."""
    sent: list[str] = []

    def execute(sql: str, **_: Any) -> Result:
        sent.append(sql)
        return Result([ResultColumn(*c) for c in columns], [], 0, "s", None, 0.0)

    monkeypatch.setattr(adapter.connections.get_thread_connection().handle, "execute", execute)
    return sent


def test_columns_come_from_the_catalog_but_for_temporary_views(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(adapter, "t")
    sent = answer(adapter, monkeypatch, ("a", "decimal(3,1)"), ("_hoodie_commit_time", "string"))
    assert [(c.name, c.dtype) for c in adapter.get_columns_in_relation(relation("t"))] == [
        ("id", "bigint")
    ]
    assert adapter.get_columns_in_relation(relation("absent")) == [] and sent == []
    temporary = relation("tmp").include(schema=False)
    columns = adapter.get_columns_in_relation(temporary)
    assert [(c.name, c.dtype) for c in columns] == [("a", "decimal(3,1)")]
    assert sent == ["select * from `tmp` limit 0"]


def test_delta_columns_come_from_spark_since_its_catalog_entry_lags(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [{"name": "id", "type": "long", "metadata": {"comment": "the key"}}]
    settings = {
        "spark.sql.sources.provider": "delta",
        "spark.sql.sources.schema": json.dumps({"fields": fields}),
    }
    add(adapter, "d", Parameters=settings)
    sent = answer(adapter, monkeypatch, ("id", "bigint"), ("added", "string"))
    columns = adapter.get_columns_in_relation(relation("d", table_format="delta"))
    assert [(c.name, c.dtype, c.comment) for c in columns] == [
        ("id", "bigint", "the key"),
        ("added", "string", None),
    ]
    assert sent == ["select * from `s`.`d` limit 0"]
    table, errors = adapter.get_catalog_by_relations(frozenset(), {relation("d")})
    assert [row["column_name"] for row in table.rows] == ["id"] and not errors
    assert len(sent) == 1  # the catalog alone answers for the docs


def test_docs_have_no_empty_comments(adapter: GlueAdapter) -> None:
    add(adapter, "t")
    table, _ = adapter.get_catalog_by_relations(frozenset(), {relation("t")})
    (row,) = table.rows
    assert [row[n] for n in ("table_comment", "column_comment", "table_owner")] == [None] * 3


def test_docs_find_a_source_by_the_database_it_names(adapter: GlueAdapter) -> None:
    add(adapter, "t")
    used: Any = frozenset({("Raw", "S"), (None, "s")})
    for chosen in (None, {relation("t", database="Raw")}):
        configs: Any = [
            SimpleNamespace(
                database=name, schema="s", identifier="t", config={}, quoting_dict={}, meta={}
            )
            for name in ("Raw", None)
        ]
        table, errors = adapter.get_filtered_catalog(configs, used, chosen)
        found = {(row["table_database"], row["table_name"]) for row in table.rows}
        assert found == {("Raw", "t"), (None, "t")} and not errors


def test_a_failed_node_leaves_nothing_behind(adapter: GlueAdapter) -> None:
    rows = agate.Table([["1"]], ["id"], [agate.Text()])
    adapter.upload_seed(rows, relation("seed"))
    staging = relation("m__dbt_tmp_1")
    adapter.remember_temporary(staging)
    add(adapter, "m__dbt_tmp_1")
    s3 = adapter.connections.clients.s3
    s3.put_object(Bucket="bucket", Key="w/s/m__dbt_tmp_1/part", Body=b"x")
    adapter.post_model_hook({}, None)
    assert adapter.catalog.get_table("s", "m__dbt_tmp_1") is None
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_what_a_node_has_removed_itself_is_not_looked_for(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = agate.Table([["1"]], ["id"], [agate.Text()])
    adapter.delete_path(adapter.upload_seed(rows, relation("seed"))["path"])
    adapter.remember_temporary(relation("m__dbt_tmp_2"))
    monkeypatch.setattr(adapter, "execute_macro", lambda *a, **k: None)
    adapter.drop_relation(relation("m__dbt_tmp_2", type="table"))
    for service in ("glue", "s3"):
        monkeypatch.setattr(adapter.connections.clients, service, None)
    adapter.post_model_hook({}, None)


def test_a_clean_up_that_fails_warns_and_leaves_the_first_error_in_front(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr("dbt.adapters.glue.data_methods.logger.warning", warned.append)
    adapter.temporaries.folders.append("s3://no-such-bucket/_dbt_glue_tmp/x")
    with pytest.raises(ZeroDivisionError):
        try:
            raise ZeroDivisionError
        finally:
            adapter.post_model_hook({}, None)
    assert "s3://no-such-bucket/_dbt_glue_tmp/x is left: " in warned[0]
    assert "NoSuchBucket" in warned[0]


def test_schemas(adapter: GlueAdapter) -> None:
    assert adapter.check_schema_exists(None, "s")
    assert not adapter.check_schema_exists(None, "absent")
    adapter.create_schema(relation())
    database = adapter.catalog.get_database("s")
    assert database and database["LocationUri"] == "s3://bucket/w/s/"


def test_dropping_a_schema_takes_what_dbt_owns(adapter: GlueAdapter) -> None:
    add(adapter, "t")
    outside = {"Columns": [], "Location": "s3://bucket/else/x", "SerdeInfo": {}}
    add(adapter, "x", StorageDescriptor=outside)
    s3 = adapter.connections.clients.s3
    for key in ("w/s/t/a", "else/x/b"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    adapter.drop_schema(relation())
    assert not adapter.check_schema_exists(None, "s")
    left = [item["Key"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert left == ["else/x/b"]


def test_locations(adapter: GlueAdapter) -> None:
    assert adapter.get_location(relation("t")) == "location 's3://bucket/w/s/t'"
    assert adapter.get_location(relation("t"), "s3://o/x", as_clause=False) == "s3://o/x"
    assert adapter.get_location(relation("t"), "empty", False, True) == "s3://bucket/w/s/t/"


def test_what_a_model_is_refused_for_before_it_runs(adapter: GlueAdapter) -> None:
    with pytest.raises(CompilationError, match="got 'xls', expected one of parquet"):
        adapter.pre_model_hook({"materialized": "table", "file_format": "xls"})
    with pytest.raises(CompilationError, match="Add datalake_formats: delta to the profile"):
        adapter.pre_model_hook({"materialized": "incremental", "file_format": "delta"})
    adapter.pre_model_hook({"materialized": "table", "file_format": "iceberg"})
    adapter.pre_model_hook({"materialized": "view", "file_format": "delta"})


def test_an_unknown_catalog_is_refused_before_the_model_runs() -> None:
    made = make(datalake_formats="delta")
    with pytest.raises(DbtRuntimeError, match="catalog_name: got 'other', expected one of none"):
        made.pre_model_hook({"materialized": "table", "catalog": "other"})
    made.pre_model_hook({"materialized": "view", "file_format": "delta"})
    made.pre_model_hook({"materialized": "table", "lf_grants": {}, "grants": {}})


@pytest.mark.parametrize("materialized", ["table", "incremental", "view", "seed", "snapshot"])
def test_grants_are_refused_before_the_model_runs(adapter: GlueAdapter, materialized: str) -> None:
    with pytest.raises(DbtRuntimeError, match="grants: .*\n?.*Lake Formation"):
        adapter.pre_model_hook({"materialized": materialized, "grants": {"select": ["bob"]}})


@pytest.mark.parametrize(
    "config",
    [
        {"catalog_name": "lake", "file_format": "iceberg"},
        {"catalog_name": "lake"},
        {"database": "lake", "file_format": "iceberg"},
        {"file_format": "s3tables"},
    ],
)
def test_upkeep_of_a_table_bucket_is_refused_before_the_model_runs(config: dict[str, str]) -> None:
    made = make(datalake_formats="iceberg", s3_tables={"lake": f"arn:aws:s3tables:{BUCKET}"})
    upkeep = {"maintenance": {"expire_snapshots": True}}
    try:
        made.pre_model_hook({"materialized": "table", **config})
        made.pre_model_hook({"materialized": "view", **config, **upkeep})
        with pytest.raises(DbtRuntimeError, match="S3 itself maintains"):
            made.pre_model_hook({"materialized": "incremental", **config, **upkeep})
    finally:
        GlueRelation.table_buckets = TableBuckets()


def test_a_foreign_format_can_still_be_dropped(adapter: GlueAdapter) -> None:
    found = adapter.table_format("LazySimpleSerDe")
    assert not found.merge and not found.add_column


def test_a_seed_goes_up_with_types_and_away_again(adapter: GlueAdapter) -> None:
    rows = agate.Table([["1", "x"], [None, "y"]], ["Id", "t"], [agate.Text(), agate.Text()])
    upload = adapter.upload_seed(rows, relation("seed"), {"id": "int"})
    assert upload["columns"] == [{"name": "Id", "type": "int"}, {"name": "t", "type": "string"}]
    s3 = adapter.connections.clients.s3
    (item,) = s3.list_objects_v2(Bucket="bucket")["Contents"]
    body = gzip.decompress(s3.get_object(Bucket="bucket", Key=item["Key"])["Body"].read())
    assert [json.loads(line) for line in body.splitlines()][0] == {"Id": "1", "t": "x"}
    assert adapter.delete_path(upload["path"]) == 1
    with pytest.raises(DbtRuntimeError, match="row 2, column t: 'y' is not int"):
        adapter.upload_seed(rows, relation("seed"), {"t": "int", "id": "int"})


def test_views_are_duplicated_and_typed(adapter: GlueAdapter) -> None:
    add(adapter, "v", **VIEW)
    add(adapter, "ice", **ICEBERG)
    twin = relation("w", type="view")
    assert adapter.duplicate_view(relation("v"), twin) == (
        "create or replace view `s`.`w` as select 1 as id"
    )
    types = [adapter.get_table_type(relation(name)) for name in ("v", "ice", "absent")]
    assert types == ["view", "iceberg_table", None]


def test_rename_keeps_the_cache_right(adapter: GlueAdapter) -> None:
    add(adapter, "old")
    adapter.cache.add(relation("old", type="table"))
    adapter.glue_rename_relation(relation("old"), relation("new", type="table"))
    assert [r.identifier for r in adapter.cache.get_relations(None, "s")] == ["new"]


def test_rename_by_dbt_renames_in_the_cache_once(adapter: GlueAdapter) -> None:
    add(adapter, "old")
    adapter.cache.add(relation("old", type="table"))
    adapter.cache_renamed(relation("old"), relation("new", type="table"))
    adapter.glue_rename_relation(relation("old"), relation("new", type="table"))
    assert [r.identifier for r in adapter.cache.get_relations(None, "s")] == ["new"]


def test_a_relation_that_a_hook_made_is_found(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(adapter, monkeypatch)
    assert adapter.get_relation(None, "s", "made") is None
    adapter.execute("create table glue_catalog.s.made using iceberg as select 1 as id")
    add(adapter, "made", **ICEBERG)
    found = adapter.get_relation(None, "s", "made")
    assert found is not None and found.is_iceberg
    assert adapter.cache.get_relations(None, "s") == [found]


def test_tables_that_hudi_synced_go_with_theirs(adapter: GlueAdapter) -> None:
    place = "s3://bucket/w/s/mor"
    storage = {"Columns": [], "Location": place, "SerdeInfo": {}}
    for name in ("mor_ro", "mor_rt"):
        add(adapter, name, StorageDescriptor=storage)
    add(adapter, "other_ro")
    adapter.drop_query_tables(relation("mor", table_format="hudi"), place)
    other = relation("other", table_format="hudi")
    adapter.drop_query_tables(other, "s3://bucket/w/s/other")
    assert [table["Name"] for table in adapter.catalog.get_tables("s")] == ["other_ro"]


def test_a_required_deletion_is_not_skipped(adapter: GlueAdapter) -> None:
    adapter.connections.clients.s3.put_object(Bucket="bucket", Key="else/t/b", Body=b"x")
    with pytest.raises(DbtRuntimeError, match="not deleted"):
        adapter.delete_table_data(relation("t"), "s3://bucket/else/t", required=True)


def test_spark_is_asked_for_its_version_once_a_session(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def execute(sql: str, fetch: bool) -> tuple[str, agate.Table]:
        asked.append(sql)
        return "OK", agate.Table([["3.5.6 abc"]], ["version"])

    sessions = iter(["one", "one", "two"])
    monkeypatch.setattr(adapter, "execute", execute)
    monkeypatch.setattr(
        adapter.connections, "transport", lambda: SimpleNamespace(session_id=next(sessions))
    )
    assert [adapter.spark_version() for _ in range(3)] == ["3.5.6 abc"] * 3
    assert len(asked) == 2


def test_the_catalog_is_not_asked_about_a_location_without_data(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter.connections.clients, "glue", None)
    assert adapter.delete_table_data(relation("t"), "s3://bucket/w/s/t") == 0


def test_data_outside_is_left_with_a_warning(adapter: GlueAdapter) -> None:
    s3 = adapter.connections.clients.s3
    s3.put_object(Bucket="bucket", Key="else/t/b", Body=b"x")
    assert adapter.delete_table_data(relation("t"), "s3://bucket/else/t") == 0
    place = "s3://bucket/else/t"
    assert adapter.delete_table_data(relation("t"), place, custom_location=place) == 1


def test_wrong_lake_formation_configs_are_refused_before_the_model_runs(
    adapter: GlueAdapter,
) -> None:
    for config in ({"lf_tags_config": {"tags": {}}}, {"lf_grants": ["x"]}):
        with pytest.raises(DbtRuntimeError, match="got .*, expected"):
            adapter.pre_model_hook({"materialized": "view", **config})
    adapter.add_lf_tags(relation("t"), {"enabled": False, "tags_table": {"a": "b"}})
    adapter.apply_lf_grants(relation("t"), {})


PARSE = """
import sys
import boto_guard
from dbt.cli.main import dbtRunner
result = dbtRunner().invoke(["parse", "--no-partial-parse", "--no-version-check"])
assert result.success, result.exception
names = {n.name: n.relation_name for n in result.result.nodes.values()}
assert names == {"ice": "glue_catalog.`s`.`ice`", "v": "`s`.`v`", "src": "`s`.`src`"}, names
heavy = {"pyspark", "pyarrow", "boto3", "botocore", "pandas"}
print("imported:", sorted(heavy & {m.split(".")[0] for m in sys.modules}))
"""

GUARD = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("dbt parse opened a connection")
socket.socket.connect = refuse
"""


def test_parse_imports_nothing_heavy_and_calls_nobody(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    files = {
        "boto_guard.py": GUARD,
        "parse.py": PARSE,
        "dbt_project.yml": "name: p\nversion: '1.0'\nprofile: p\n",
        "profiles.yml": json.dumps(
            {
                "p": {
                    "target": "d",
                    "outputs": {
                        "d": {
                            "type": "glue",
                            "schema": "s",
                            "threads": 2,
                            "role_arn": ROLE,
                            "region": "eu-west-1",
                            "location": "s3://bucket/w",
                            "datalake_formats": "iceberg",
                        }
                    },
                }
            }
        ),
        "models/v.sql": "select 1 as id",
        "models/ice.sql": "{{ config(materialized='table', file_format='iceberg') }}"
        "select * from {{ ref('v') }} {{ adapter.get_relation(none, 's', 'x') }}",
        "models/src.sql": "select * from {{ source('o', 't') }}",
        "models/o.yml": "sources: [{name: o, schema: o, tables: [{name: t}]}]",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "parse.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "imported: []" in done.stdout


def test_the_plugin_imports_nothing_heavy() -> None:
    program = (
        "import sys, dbt.adapters.glue\n"
        "print(sorted({'pyspark', 'pyarrow', 'boto3', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_all_threads_share_what_is_made_at_the_first_need() -> None:
    made = []

    class Slow:
        @shared_property
        def part(self) -> object:
            made.append(threading.get_ident())
            time.sleep(0.05)
            return object()

    slow = Slow()
    found = in_threads(*[lambda: slow.part] * 4)
    assert len(made) == 1 and len({id(part) for part in found}) == 1
