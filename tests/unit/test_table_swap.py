"""One catalog entry takes the place of another, against moto's Glue."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import (
    AccessDenied,
    CatalogError,
    ConfigurationError,
    GlueError,
)
from dbt.adapters.glue.table_swap import Definition, definition_of, put_in_place

PARQUET = {"spark.sql.sources.provider": "parquet"}


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCatalog]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        clients: Any = SimpleNamespace(glue=boto3.client("glue", region_name="us-east-1"))
        catalog = DataCatalog(clients)
        catalog.create_database("db", "s3://b/db/")
        yield catalog


def make(catalog: DataCatalog, name: str, days: str = "", **changes: Any) -> None:
    """A table at s3://b/<name>, with a partition for each letter of `days`."""
    storage = {"Columns": [{"Name": "id", "Type": "int"}], "Location": f"s3://b/{name}"}
    table = {"Name": name, "StorageDescriptor": storage, "Parameters": PARQUET, **changes}
    if days:
        table["PartitionKeys"] = [{"Name": "day", "Type": "string"}]
    catalog.create_table("db", table)
    place = f"s3://b/{name}/day="
    partitions = [
        {"Values": [day], "StorageDescriptor": {**storage, "Location": place + day}} for day in days
    ]
    catalog.create_partitions("db", name, partitions)


def places(catalog: DataCatalog, name: str) -> dict[str, str]:
    return {
        partition["Values"][0]: partition["StorageDescriptor"]["Location"]
        for partition in catalog.get_partitions("db", name)
    }


def test_the_entry_becomes_the_other_one_and_the_staging_entry_goes(catalog: DataCatalog) -> None:
    make(catalog, "t", Parameters={"old": "1"})
    make(catalog, "t_new", Description="new", Parameters={"new": "1"})
    put_in_place(catalog, ("db", "t_new"), ("db", "T"))
    table = catalog.get_table("db", "t") or {}
    assert table["StorageDescriptor"]["Location"] == "s3://b/t_new"
    assert (table["Parameters"], table["Description"]) == ({"new": "1"}, "new")
    assert catalog.get_table("db", "t_new") is None


@pytest.mark.parametrize("days", ["bcd", "a"])
def test_partitions_are_moved_made_and_deleted(catalog: DataCatalog, days: str) -> None:
    make(catalog, "t", "abc")
    make(catalog, "t_new", days)
    put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert places(catalog, "t") == {day: f"s3://b/t_new/day={day}" for day in days}


def test_a_table_with_many_partitions_is_moved_in_batches(catalog: DataCatalog) -> None:
    letters = "".join(chr(0x4E00 + number) for number in range(230))
    make(catalog, "t", letters[:150])
    make(catalog, "t_new", letters[60:])
    put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert places(catalog, "t") == {day: f"s3://b/t_new/day={day}" for day in letters[60:]}


@pytest.mark.parametrize(("before", "after"), [("ab", ""), ("", "ab")])
def test_other_partition_keys_make_another_entry(
    catalog: DataCatalog, before: str, after: str
) -> None:
    make(catalog, "t", before)
    make(catalog, "t_new", after)
    put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    table = catalog.get_table("db", "t") or {}
    assert table["StorageDescriptor"]["Location"] == "s3://b/t_new"
    assert set(places(catalog, "t")) == set(after)


@pytest.mark.parametrize(
    "error",
    [
        CatalogError("no", operation="CreateTable", code="InvalidInputException"),
        ConfigurationError("no credentials any more"),
    ],
)
def test_what_was_there_is_made_again_where_the_new_entry_is_refused(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch, error: GlueError
) -> None:
    make(catalog, "t", "ab")
    make(catalog, "t_new")
    create = catalog.create_table

    def refuse(database: str, table_input: dict[str, Any]) -> None:
        if table_input["StorageDescriptor"]["Location"] == "s3://b/t_new":
            raise error
        create(database, table_input)

    monkeypatch.setattr(catalog, "create_table", refuse)
    with pytest.raises(type(error), match="no"):
        put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert places(catalog, "t") == {"a": "s3://b/t/day=a", "b": "s3://b/t/day=b"}


def test_an_entry_that_cannot_be_put_back_is_told(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(catalog, "t", "ab")
    make(catalog, "t_new")
    errors = iter([ConfigurationError("expired"), ConfigurationError("expired still")])

    def refuse(database: str, table_input: dict[str, Any]) -> None:
        raise next(errors)

    monkeypatch.setattr(catalog, "create_table", refuse)
    with pytest.raises(CatalogError, match=r"expired\nThe older entry of db\.t could") as caught:
        put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert "put back: expired still" in str(caught.value) and "s3://b/t" in str(caught.value)


def test_a_target_that_somebody_has_dropped_is_made(catalog: DataCatalog) -> None:
    make(catalog, "t_new", "ab")
    put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert set(places(catalog, "t")) == {"a", "b"}
    with pytest.raises(CatalogError, match="t_new is not in the catalog"):
        put_in_place(catalog, ("db", "t_new"), ("db", "t"))


@pytest.fixture
def asked(catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the catalog is asked for."""
    operations: list[str] = []
    call = catalog._call

    def counting(operation: str, fn: Any, **arguments: Any) -> Any:
        operations.append(operation)
        return call(operation, fn, **arguments)

    monkeypatch.setattr(catalog, "_call", counting)
    return operations


def test_a_target_that_is_known_is_not_asked_for(catalog: DataCatalog, asked: list[str]) -> None:
    make(catalog, "t")
    cow = {"spark.sql.sources.provider": "hudi", "type": "cow"}
    make(catalog, "t_new", Parameters=cow)
    known = {**(catalog.get_table("db", "t") or {}), "VersionId": "7"}
    asked.clear()
    swapped = put_in_place(catalog, ("db", "t_new"), ("db", "t"), known)
    assert asked == ["GetTable", "DeleteTable", "UpdateTable"]
    assert swapped.before == known and swapped.after["Name"] == "t_new"
    assert (catalog.get_table("db", "t") or {})["StorageDescriptor"]["Location"] == "s3://b/t_new"


@pytest.mark.parametrize("since", ["changed", "dropped", "answer lost"])
def test_a_target_that_has_changed_since_is_asked_for(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch, since: str
) -> None:
    known = {"Name": "t", "VersionId": "7", "Parameters": PARQUET}
    if since != "dropped":
        make(catalog, "t")
    make(catalog, "t_new")
    update = catalog._clients.glue.update_table

    def refuse(**request: Any) -> Any:
        if "VersionId" not in request:
            return update(**request)
        if since == "answer lost":
            request.pop("VersionId")
            update(**request)
        codes = {"changed": "ConcurrentModificationException", "dropped": "EntityNotFoundException"}
        error = {"Code": codes.get(since, "InternalServiceException"), "Message": since}
        raise ClientError({"Error": error}, "UpdateTable")

    monkeypatch.setattr(catalog._clients.glue, "update_table", refuse)
    swapped = put_in_place(catalog, ("db", "t_new"), ("db", "t"), known)
    assert (catalog.get_table("db", "t") or {})["StorageDescriptor"]["Location"] == "s3://b/t_new"
    if since == "changed":
        assert (swapped.before or {})["StorageDescriptor"]["Location"] == "s3://b/t"
    else:
        assert swapped.before == (known if since == "answer lost" else None)


def test_a_refusal_is_not_taken_for_a_change(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(catalog, "t_new")
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "x")
    monkeypatch.setattr(catalog._clients.glue, "update_table", Mock(side_effect=denied))
    with pytest.raises(AccessDenied):
        put_in_place(catalog, ("db", "t_new"), ("db", "t"), {"Name": "t", "VersionId": "7"})


@pytest.mark.parametrize("known", [True, False])
def test_a_reader_of_the_new_entry_finds_no_trace_of_the_staging_entry(
    catalog: DataCatalog, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Hudi asks for the name in hoodie.properties, and then for what is there by that name."""
    make(catalog, "t")
    make(catalog, "t_new", Parameters={"spark.sql.sources.provider": "hudi", "type": "cow"})
    update, there = catalog._clients.glue.update_table, []

    def updating(**request: Any) -> Any:
        there.append(catalog.get_table("db", "t_new"))
        return update(**request)

    monkeypatch.setattr(catalog._clients.glue, "update_table", updating)
    target = {**(catalog.get_table("db", "t") or {}), "VersionId": "1"} if known else None
    put_in_place(catalog, ("db", "t_new"), ("db", "t"), target)
    assert there == [None]


def test_hudi_is_told_its_name_and_takes_its_query_tables_along(catalog: DataCatalog) -> None:
    hudi = {"spark.sql.sources.provider": "hudi"}
    make(catalog, "t", Parameters=PARQUET)
    for name in ("t_new", "t_new_ro", "t_new_rt"):
        make(catalog, name, Parameters=hudi)
    put_in_place(catalog, ("db", "t_new"), ("db", "t"))
    assert {table["Name"] for table in catalog.get_tables("db")} == {"t", "t_ro", "t_rt"}
    settings = (catalog.get_table("db", "t") or {})["Parameters"]
    assert settings["hoodie.datasource.hive_sync.table"] == "t"
    assert settings["hoodie.datasource.hive_sync.database"] == "db"


def test_the_definition_is_what_the_user_has_said() -> None:
    table = {
        "StorageDescriptor": {
            "SerdeInfo": {"Parameters": {"path": "s3://b/t", "Header": "true"}},
        },
        "Parameters": {**PARQUET, "comment": "it", "mine": "1", "totalSize": "5"},
    }
    assert definition_of(table) == Definition("parquet", {"mine": "1"}, {"header": "true"}, "it")


@pytest.mark.parametrize(
    "change",
    [
        {"TableType": "VIRTUAL_VIEW"},
        {"PartitionKeys": [{"Name": "day"}]},
        {"StorageDescriptor": {"BucketColumns": ["a"]}},
        {"Parameters": {"spark.sql.sources.schema.numBuckets": "4"}},
    ],
)
def test_views_partitions_and_buckets_are_not_moved_by_a_location(change: dict[str, Any]) -> None:
    assert definition_of({"Parameters": PARQUET, **change}) is None
