"""What macros ask to build a table anew, over moto's Data Catalog and S3."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from dbt.adapters.glue.build_folders import base_of
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import CatalogError
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.relation import GlueRelation

KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
PROFILE = {"schema": "s", "region": "us-east-1", "location": "s3://bucket/w"}
TARGET = GlueRelation.create(schema="s", identifier="t", type="table", table_format="parquet")
BASE = "s3://bucket/w/s/t"


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueAdapter]:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)
    # S3 tells whole seconds of what was written, and a test takes less.
    later = datetime.now(timezone.utc) + timedelta(minutes=1)
    monkeypatch.setattr("dbt.adapters.glue.rebuild_methods._now", lambda: later)
    with mock_aws():
        clients = SimpleNamespace(glue=boto3.client("glue", **KEYS), s3=boto3.client("s3", **KEYS))
        clients.s3.create_bucket(Bucket="bucket")
        monkeypatch.setattr(GlueConnectionManager, "clients", clients)
        profile = {**PROFILE, "role_arn": "arn:aws:iam::123456789012:role/GlueRole"}
        config = SimpleNamespace(
            credentials=GlueCredentials.from_dict(profile),
            threads=4,
            log_cache_events=False,
            quoting={"database": True, "schema": True, "identifier": True},
            flags={},
        )
        made = GlueAdapter(config, get_context("spawn"))
        made.acquire_connection("test")
        made.create_schema(TARGET)
        yield made
    GlueRelation.resolver = None


def add(adapter: GlueAdapter, name: str = "t", place: str = BASE, **parts: Any) -> None:
    storage = {
        "Columns": [{"Name": "id", "Type": "int"}, {"Name": "n", "Type": "string"}],
        "Location": place,
        "SerdeInfo": {"Parameters": {"compression": "zstd", "serialization.format": "1"}},
    }
    parameters = {"spark.sql.sources.provider": "parquet", "mine": "1", "EXTERNAL": "TRUE"}
    table = {"Name": name, "StorageDescriptor": storage, "Parameters": parameters, **parts}
    adapter.catalog.create_table("s", table)


def put(adapter: GlueAdapter, *places: str) -> None:
    for place in places:
        adapter.storage.put(f"{place}/part-0", b"x")


def objects(adapter: GlueAdapter) -> list[str]:
    page = adapter.connections.clients.s3.list_objects_v2(Bucket="bucket")
    return [f"s3://bucket/{item['Key']}".rpartition("/")[0] for item in page.get("Contents", ())]


def test_a_table_is_as_the_config_says_or_is_made_anew(adapter: GlueAdapter) -> None:
    add(adapter, place=f"{BASE}/dbt_build_20240101000000_00000000")
    same = {"properties": {"mine": "1"}, "options": {"compression": "zstd"}, "comment": None}
    assert adapter.is_defined_so(TARGET, TARGET, None, "parquet", **same)
    assert not adapter.is_defined_so(TARGET, TARGET, "s3://bucket/w/s/u", "parquet", **same)
    assert not adapter.is_defined_so(TARGET, TARGET, None, "orc", **same)
    for change in ({"properties": {}}, {"options": {}}, {"comment": "it"}):
        assert not adapter.is_defined_so(TARGET, TARGET, None, "parquet", **{**same, **change})
    columns = [GlueColumn("id", "INT"), GlueColumn("n", "string")]
    assert adapter.has_columns(TARGET, columns)
    assert not adapter.has_columns(TARGET, columns[::-1])
    assert not adapter.has_columns(TARGET, columns[:1])


def test_a_table_of_a_mixed_name_lies_in_the_folder_of_that_name(adapter: GlueAdapter) -> None:
    target = TARGET.incorporate(path={"identifier": "T"})
    add(adapter, place="s3://bucket/w/s/T/dbt_build_20240101000000_00000000")
    assert adapter.stays_in_place(TARGET, target)
    assert not adapter.stays_in_place(TARGET, TARGET)
    same = {"properties": {"mine": "1"}, "options": {"compression": "zstd"}}
    assert adapter.is_defined_so(TARGET, target, None, "parquet", **same)


def test_a_build_takes_the_place_and_the_older_one_goes_at_the_end(adapter: GlueAdapter) -> None:
    add(adapter)
    build = adapter.begin_build(TARGET)
    place = adapter.build_location(build) or ""
    assert base_of(place) == BASE and build.identifier.startswith("t__dbt_tmp_")
    add(adapter, build.identifier, place)
    put(adapter, BASE, place)
    adapter.put_in_place(build, TARGET)
    assert adapter.recorded_location(TARGET) == place
    adapter.remove_temporaries()  # the node has ended
    assert objects(adapter) == [place, BASE]
    adapter.cleanup_connections()
    assert objects(adapter) == [place]
    assert [table["Name"] for table in adapter.catalog.get_tables("s")] == ["t"]


def test_a_build_that_fails_leaves_nothing(adapter: GlueAdapter) -> None:
    add(adapter)
    build = adapter.begin_build(TARGET)
    place = adapter.build_location(build) or ""
    add(adapter, build.identifier, place)
    put(adapter, BASE, place)
    adapter.remove_temporaries()
    adapter.cleanup_connections()
    assert objects(adapter) == [BASE]
    assert [table["Name"] for table in adapter.catalog.get_tables("s")] == ["t"]


@pytest.mark.parametrize("custom", [None, "s3://bucket/else/t"])
def test_a_table_that_has_moved_after_all_keeps_its_data(
    adapter: GlueAdapter, custom: str | None
) -> None:
    """The answer to ALTER TABLE was lost: the node failed, the table lies at its new place."""
    build = adapter.begin_build(TARGET, custom)
    place = adapter.build_location(build) or ""
    put(adapter, place)
    add(adapter, place=place)
    adapter.remove_temporaries()
    assert objects(adapter) == [place]


def test_a_build_at_a_custom_location_that_fails_goes_too(adapter: GlueAdapter) -> None:
    build = adapter.begin_build(TARGET, "s3://bucket/else/{name}")
    put(adapter, adapter.build_location(build) or "")
    adapter.remove_temporaries()
    assert objects(adapter) == []


def test_older_data_that_cannot_be_deleted_is_warned_of(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise CatalogError("no", operation="DeleteObjects", code="AccessDenied")

    warned: list[str] = []
    monkeypatch.setattr("dbt.adapters.glue.rebuild_methods.logger.warning", warned.append)
    monkeypatch.setattr(adapter.storage, "delete_older_builds", refuse)
    build = adapter.begin_build(TARGET)
    adapter.moved(build, TARGET, None, BASE)
    adapter.cleanup_connections()
    assert warned and warned[0].startswith(f"Older data of s.t is left at {BASE}: no")


def test_a_dropped_table_goes_with_all_its_builds(adapter: GlueAdapter) -> None:
    place = f"{BASE}/dbt_build_20240101000000_00000000"
    put(adapter, BASE, place, f"{BASE}u")
    assert adapter.delete_table_data(TARGET, place) == 2
    assert objects(adapter) == [f"{BASE}u"]


@pytest.mark.parametrize("becomes", ["hudi", "parquet"])
def test_query_tables_of_hudi_follow_their_table(adapter: GlueAdapter, becomes: str) -> None:
    hudi = {"Parameters": {"spark.sql.sources.provider": "hudi"}}
    for suffix in ("", "_ro", "_rt"):
        add(adapter, f"t{suffix}", **hudi)
    adapter.known.list_tables("s")
    existing = TARGET.incorporate(table_format="hudi")
    build = adapter.begin_build(TARGET.incorporate(table_format=becomes))
    place = adapter.build_location(build) or ""
    for suffix in ("", "_ro", "_rt") if becomes == "hudi" else ("",):
        add(adapter, f"{build.identifier}{suffix}", place, **(hudi if becomes == "hudi" else {}))
    adapter.put_in_place(build, existing)
    names = {"t", "t_ro", "t_rt"} if becomes == "hudi" else {"t"}
    found = {
        table["Name"]: table["StorageDescriptor"]["Location"]
        for table in adapter.catalog.get_tables("s")
    }
    assert found == dict.fromkeys(names, place)
