"""Local Glue's catalogs of S3 Tables, through boto3's own Glue client against the operations."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dbt.adapters.glue.local.errors import (
    AlreadyExistsException,
    ApiError,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    OperationNotSupportedException,
)
from dbt.adapters.glue.local.federated_operations import FederatedOperations
from dbt.adapters.glue.local.knobs import CallGate, Knobs
from dbt.adapters.glue.local.operations import Operations
from dbt.adapters.glue.local.table_buckets import TableBucketStore

ACCOUNT = "123456789012"
LAKE = f"{ACCOUNT}:s3tablescatalog/lake"


class Service:
    """The API's operations over a store of their own; no metastore and no sessions beneath."""

    def __init__(self, folder: Path) -> None:
        self.buckets: list[str] = []  # of S3
        self.store = TableBucketStore(folder / "s3tables.sqlite")
        federated = FederatedOperations(self.store, self.buckets.append)
        sessions: Any = SimpleNamespace(create=lambda request: None)
        self._operations = Operations(
            None,  # type: ignore[arg-type]
            sessions,
            CallGate(Knobs()),
            lambda text: None,
            federated,
        )

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._operations.dispatch(operation, request)

    def refused(self, operation: str, error: type[ApiError], **request: Any) -> str:
        with pytest.raises(error) as raised:
            self.call(operation, **request)
        return str(raised.value)


@pytest.fixture
def glue(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.store.close()


@pytest.fixture
def lake(glue: Service) -> Service:
    """One bucket with the namespace `sales`."""
    glue.call("CreateDatabase", CatalogId=LAKE, DatabaseInput={"Name": "Sales"})
    return glue


def iceberg(name: str, **parameters: str) -> dict[str, Any]:
    return {"Name": name, "Parameters": {"table_type": "ICEBERG", **parameters}}


def make(service: Service, name: str, **parameters: str) -> None:
    service.call(
        "CreateTable", CatalogId=LAKE, DatabaseName="sales", TableInput=iceberg(name, **parameters)
    )


def test_a_bucket_that_nobody_named_is_absent(glue: Service) -> None:
    for operation, request in (
        ("GetDatabases", {}),
        ("GetDatabase", {"Name": "sales"}),
        ("GetTables", {"DatabaseName": "sales"}),
        ("GetTable", {"DatabaseName": "sales", "Name": "t"}),
    ):
        told = glue.refused(operation, EntityNotFoundException, CatalogId=LAKE, **request)
        assert f"Catalog {LAKE} not found" in told
    assert glue.call("GetCatalogs", Recursive=True)["CatalogList"][0]["Name"] == "s3tablescatalog"


def test_a_namespace_has_a_place_that_s3_tables_chose(lake: Service) -> None:
    found = lake.call("GetDatabase", CatalogId=LAKE, Name="SALES")["Database"]
    assert (found["Name"], found["CatalogId"]) == ("sales", LAKE)
    assert found["LocationUri"] == "s3://lake--table-s3/sales"
    assert lake.buckets == ["s3://lake--table-s3"]
    assert lake.refused(
        "CreateDatabase", AlreadyExistsException, CatalogId=LAKE, DatabaseInput={"Name": "sales"}
    )


def test_two_buckets_are_two_name_spaces(lake: Service) -> None:
    other = f"{ACCOUNT}:s3tablescatalog/other"
    lake.call("CreateDatabase", CatalogId=other, DatabaseInput={"Name": "sales"})
    make(lake, "orders")
    lake.refused(
        "GetTable", EntityNotFoundException, CatalogId=other, DatabaseName="sales", Name="orders"
    )
    assert lake.call("GetTables", CatalogId=other, DatabaseName="sales")["TableList"] == []
    assert [
        catalog["CatalogId"] for catalog in lake.call("GetCatalogs", Recursive=True)["CatalogList"]
    ] == [f"{ACCOUNT}:s3tablescatalog", LAKE, other]


def test_a_commit_needs_the_version_that_was_read(lake: Service) -> None:
    make(lake, "orders", metadata_location="s3://one")
    found = lake.call("GetTable", CatalogId=LAKE, DatabaseName="sales", Name="orders")["Table"]
    assert found["CatalogId"] == LAKE
    assert found["FederatedTable"]["ConnectionName"] == "aws:s3tables"
    commit = {
        "CatalogId": LAKE,
        "DatabaseName": "sales",
        "VersionId": found["VersionId"],
        "TableInput": iceberg("orders", metadata_location="s3://two"),
    }
    lake.call("UpdateTable", **commit)
    assert "concurrent" in lake.refused("UpdateTable", ConcurrentModificationException, **commit)
    again = lake.call("GetTable", CatalogId=LAKE, DatabaseName="sales", Name="orders")["Table"]
    assert again["Parameters"]["metadata_location"] == "s3://two"
    assert again["VersionId"] != found["VersionId"]


def test_tables_come_in_pages(lake: Service) -> None:
    for number in range(5):
        make(lake, f"t{number}")
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = lake.call("GetTables", CatalogId=LAKE, DatabaseName="sales", MaxResults=2, **token)
        names += [table["Name"] for table in answer["TableList"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert names == [f"t{number}" for number in range(5)]


def test_what_s3_tables_refuses(lake: Service) -> None:
    place = {"CatalogId": LAKE, "DatabaseName": "sales"}
    hive = {"Name": "t", "Parameters": {"classification": "parquet"}}
    assert "Iceberg tables only" in lake.refused(
        "CreateTable", InvalidInputException, **place, TableInput=hive
    )
    assert "no name in S3 Tables" in lake.refused(
        "CreateTable", InvalidInputException, **place, TableInput=iceberg("a-b")
    )
    make(lake, "t")
    assert "not empty" in lake.refused(
        "DeleteDatabase", InvalidInputException, CatalogId=LAKE, Name="sales"
    )
    lake.call("DeleteTable", **place, Name="T")
    lake.refused("DeleteTable", EntityNotFoundException, **place, Name="t")
    lake.call("DeleteDatabase", CatalogId=LAKE, Name="sales")
    lake.refused("GetDatabase", EntityNotFoundException, CatalogId=LAKE, Name="sales")


def test_what_is_not_served_says_so(lake: Service) -> None:
    told = lake.refused(
        "GetTableVersions",
        OperationNotSupportedException,
        CatalogId=LAKE,
        DatabaseName="sales",
        TableName="t",
    )
    assert "does not implement GetTableVersions on a catalog of S3 Tables" in told
    told = lake.refused(
        "CreateCatalog", OperationNotSupportedException, Name="mine", CatalogInput={}
    )
    assert "no catalogs but s3tablescatalog" in told


def test_one_catalog(lake: Service) -> None:
    found = lake.call("GetCatalog", CatalogId=LAKE)["Catalog"]
    assert (found["Name"], found["CatalogId"]) == ("lake", LAKE)
    assert found["FederatedCatalog"] == {
        "Identifier": f"arn:aws:s3tables:us-east-1:{ACCOUNT}:bucket/lake",
        "ConnectionName": "aws:s3tables",
    }
    lake.refused("GetCatalog", EntityNotFoundException, CatalogId=f"{ACCOUNT}:s3tablescatalog/none")


def test_the_catalog_outlives_the_process(lake: Service, tmp_path: Path) -> None:
    make(lake, "orders")
    lake.store.close()
    again = Service(tmp_path)
    found = again.call("GetTables", CatalogId=LAKE, DatabaseName="sales")["TableList"]
    assert [table["Name"] for table in found] == ["orders"]
    again.store.close()
    lake.store = TableBucketStore(tmp_path / "s3tables.sqlite")  # the fixture closes it
