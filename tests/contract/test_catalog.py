"""What the Data Catalog does, as an AWS client sees it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dbt.adapters.glue.local import launcher

from .conftest import on_aws

local_only = pytest.mark.skipif(on_aws(), reason="a property of local Glue")


def table_input(name: str, bucket: str, **members: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}],
            "Location": f"s3://{bucket}/data/{name}/",
        },
        **members,
    }


def code_of(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class TestDatabases:
    def test_names_are_lower_cased_and_fields_come_back(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        found = glue_clients.glue.get_database(Name=database.upper())["Database"]
        assert found["Name"] == database
        assert found["LocationUri"] == f"s3://{bucket}/{database}/"
        assert database in [
            each["Name"]
            for page in glue_clients.glue.get_paginator("get_databases").paginate()
            for each in page["DatabaseList"]
        ]

    def test_update_replaces_what_the_database_says(
        self, glue_clients: SimpleNamespace, database: str
    ) -> None:
        glue = glue_clients.glue
        glue.update_database(
            Name=database,
            DatabaseInput={"Name": database, "Description": "new", "Parameters": {"a": "b"}},
        )
        found = glue.get_database(Name=database)["Database"]
        assert (found["Description"], found["Parameters"]) == ("new", {"a": "b"})
        assert "LocationUri" not in found

    def test_errors(self, glue_clients: SimpleNamespace, database: str) -> None:
        glue = glue_clients.glue
        assert code_of(glue.create_database, DatabaseInput={"Name": database}) == (
            "AlreadyExistsException",
            "Database already exists.",
        )
        for call in (glue.get_database, glue.delete_database):
            assert code_of(call, Name="no_such_db")[0] == "EntityNotFoundException"
        assert code_of(glue.get_tables, DatabaseName="no_such_db")[0] == "EntityNotFoundException"
        assert (
            code_of(glue.create_table, DatabaseName="no_such_db", TableInput={"Name": "t"})[0]
            == "EntityNotFoundException"
        )

    def test_delete_takes_the_tables_along_and_leaves_the_data(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue, s3 = glue_clients.glue, glue_clients.s3
        glue.create_table(DatabaseName=database, TableInput=table_input("gone", bucket))
        s3.put_object(Bucket=bucket, Key="data/gone/part-0", Body=b"rows")
        glue.delete_database(Name=database)
        assert code_of(glue.get_database, Name=database)[0] == "EntityNotFoundException"
        glue.create_database(DatabaseInput={"Name": database})
        assert glue.get_tables(DatabaseName=database)["TableList"] == []
        assert s3.get_object(Bucket=bucket, Key="data/gone/part-0")["Body"].read() == b"rows"


class TestTables:
    def test_every_field_comes_back(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        given = table_input(
            "whole",
            bucket,
            Description="a table",
            Owner="someone",
            Retention=3,
            PartitionKeys=[{"Name": "day", "Type": "date", "Comment": "of the event"}],
            Parameters={"table_type": "ICEBERG", "metadata_location": "s3://x/m.json"},
        )
        given["StorageDescriptor"] = {
            "Columns": [
                {
                    "Name": "id",
                    "Type": "struct<a:int,b:array<decimal(10,2)>>",
                    "Comment": "ключ 🗝",
                    "Parameters": {"iceberg.field.id": "1", "iceberg.field.current": "true"},
                }
            ],
            "Location": f"s3://{bucket}/data/whole/",
            "AdditionalLocations": [f"s3://{bucket}/more/"],
            "InputFormat": "in",
            "OutputFormat": "out",
            "Compressed": True,
            "NumberOfBuckets": 4,
            "BucketColumns": ["id"],
            "SortColumns": [{"Column": "id", "SortOrder": 1}],
            "SerdeInfo": {"SerializationLibrary": "serde", "Parameters": {"path": "s3://x"}},
            "Parameters": {"k": "v"},
            "StoredAsSubDirectories": False,
        }
        glue_clients.glue.create_table(DatabaseName=database, TableInput=given)
        found = glue_clients.glue.get_table(DatabaseName=database, Name="WHOLE")["Table"]
        assert {name: found[name] for name in given} == given
        assert (found["VersionId"], found["DatabaseName"]) == ("0", database)
        assert found["CreateTime"] == found["UpdateTime"]
        assert found["CatalogId"] == glue_clients.sts.get_caller_identity()["Account"]

    def test_names_are_lower_cased(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue_clients.glue.create_table(
            DatabaseName=database.upper(), TableInput=table_input("MixedCase", bucket)
        )
        found = glue_clients.glue.get_table(DatabaseName=database, Name="mixedCASE")["Table"]
        assert found["Name"] == "mixedcase"

    def test_errors(self, glue_clients: SimpleNamespace, database: str, bucket: str) -> None:
        glue = glue_clients.glue
        glue.create_table(DatabaseName=database, TableInput=table_input("t", bucket))
        assert code_of(
            glue.create_table, DatabaseName=database, TableInput=table_input("T", bucket)
        ) == ("AlreadyExistsException", "Table already exists.")
        for call in (glue.get_table, glue.delete_table):
            code, message = code_of(call, DatabaseName=database, Name="nope")
            assert (code, message) == ("EntityNotFoundException", "Table nope not found.")
        assert (
            code_of(
                glue.update_table, DatabaseName=database, TableInput=table_input("nope", bucket)
            )[0]
            == "EntityNotFoundException"
        )

    def test_update_bumps_the_version_and_honours_it(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        glue.create_table(DatabaseName=database, TableInput=table_input("t", bucket))
        changed = table_input("t", bucket, Description="second")
        glue.update_table(DatabaseName=database, TableInput=changed, VersionId="0")
        assert glue.get_table(DatabaseName=database, Name="t")["Table"]["VersionId"] == "1"
        code, _ = code_of(
            glue.update_table,
            DatabaseName=database,
            TableInput=table_input("t", bucket, Description="lost update"),
            VersionId="0",
        )
        assert code == "ConcurrentModificationException"
        found = glue.get_table(DatabaseName=database, Name="t")["Table"]
        assert (found["VersionId"], found["Description"]) == ("1", "second")

    def test_archived_versions(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        glue.create_table(
            DatabaseName=database, TableInput=table_input("t", bucket, Description="0")
        )
        for number, skip in ((1, False), (2, True), (3, False)):
            glue.update_table(
                DatabaseName=database,
                TableInput=table_input("t", bucket, Description=str(number)),
                SkipArchive=skip,
            )
        versions = glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
        told = [(version["VersionId"], version["Table"]["Description"]) for version in versions]
        assert told == [("3", "3"), ("2", "2"), ("0", "0")]
        old = glue.get_table_version(DatabaseName=database, TableName="t", VersionId="0")
        assert old["TableVersion"]["Table"]["Description"] == "0"
        assert (
            code_of(glue.get_table_version, DatabaseName=database, TableName="t", VersionId="1")[0]
            == "EntityNotFoundException"
        )

    def test_a_table_made_again_starts_anew(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        first = table_input("t", bucket, Description="old")
        glue.create_table(DatabaseName=database, TableInput=first)
        glue.update_table(DatabaseName=database, TableInput=first)
        glue.delete_table(DatabaseName=database, Name="t")
        glue.create_table(DatabaseName=database, TableInput=table_input("t", bucket))
        found = glue.get_table(DatabaseName=database, Name="t")["Table"]
        assert found["VersionId"] == "0"
        assert "Description" not in found
        versions = glue.get_table_versions(DatabaseName=database, TableName="t")
        assert len(versions["TableVersions"]) == 1

    def test_delete_leaves_the_data(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue, s3 = glue_clients.glue, glue_clients.s3
        managed = table_input("kept", bucket, TableType="MANAGED_TABLE")
        glue.create_table(DatabaseName=database, TableInput=managed)
        s3.put_object(Bucket=bucket, Key="data/kept/part-0", Body=b"rows")
        glue.delete_table(DatabaseName=database, Name="kept")
        assert s3.get_object(Bucket=bucket, Key="data/kept/part-0")["Body"].read() == b"rows"

    def test_batch_delete_tells_what_it_did_not_find(
        self, glue_clients: SimpleNamespace, database: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        glue.create_table(DatabaseName=database, TableInput=table_input("a", bucket))
        answer = glue.batch_delete_table(DatabaseName=database, TablesToDelete=["a", "b"])
        errors = [
            (each["TableName"], each["ErrorDetail"]["ErrorCode"]) for each in answer["Errors"]
        ]
        assert errors == [("b", "EntityNotFoundException")]
        assert glue.get_tables(DatabaseName=database)["TableList"] == []

    def test_views(self, glue_clients: SimpleNamespace, database: str) -> None:
        view = {
            "Name": "v",
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": "select 'it''s' as a\n-- ünïcode",
            "ViewExpandedText": "select 1",
            "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "string"}], "Location": ""},
        }
        glue_clients.glue.create_table(DatabaseName=database, TableInput=view)
        found = glue_clients.glue.get_table(DatabaseName=database, Name="v")["Table"]
        assert found["ViewOriginalText"] == view["ViewOriginalText"]
        assert found["TableType"] == "VIRTUAL_VIEW"


class TestGetTables:
    @pytest.fixture
    def five(self, glue_clients: SimpleNamespace, database: str, bucket: str) -> str:
        for name in ("orders", "order_items", "customers", "raw_orders", "zones"):
            glue_clients.glue.create_table(
                DatabaseName=database, TableInput=table_input(name, bucket)
            )
        return database

    def test_pages(self, glue_clients: SimpleNamespace, five: str) -> None:
        pages = list(
            glue_clients.glue.get_paginator("get_tables").paginate(
                DatabaseName=five, PaginationConfig={"PageSize": 2}
            )
        )
        assert [len(page["TableList"]) for page in pages] == [2, 2, 1]
        names = [table["Name"] for page in pages for table in page["TableList"]]
        assert sorted(names) == ["customers", "order_items", "orders", "raw_orders", "zones"]
        assert "NextToken" not in pages[-1]

    def test_expression_is_a_regular_expression(
        self, glue_clients: SimpleNamespace, five: str
    ) -> None:
        def names(expression: str) -> list[str]:
            answer = glue_clients.glue.get_tables(DatabaseName=five, Expression=expression)
            return sorted(table["Name"] for table in answer["TableList"])

        assert names("orders") == ["orders"]
        assert names("order.*") == ["order_items", "orders"]
        assert names("orders|zones") == ["orders", "zones"]

    def test_attributes_to_get(self, glue_clients: SimpleNamespace, five: str) -> None:
        answer = glue_clients.glue.get_tables(
            DatabaseName=five, Expression="zones", AttributesToGet=["NAME", "TABLE_TYPE"]
        )
        [table] = answer["TableList"]
        assert (table["Name"], table["TableType"]) == ("zones", "EXTERNAL_TABLE")
        assert "StorageDescriptor" not in table

    def test_more_than_a_hundred_is_refused(self, glue_clients: SimpleNamespace, five: str) -> None:
        code, message = code_of(glue_clients.glue.get_tables, DatabaseName=five, MaxResults=101)
        assert code == "ValidationException"
        assert message == (
            "1 validation error detected: Value '101' at 'maxResults' failed to satisfy "
            "constraint: Member must have value less than or equal to 100"
        )

    def test_a_foreign_token_is_refused(self, glue_clients: SimpleNamespace, five: str) -> None:
        code, _ = code_of(glue_clients.glue.get_tables, DatabaseName=five, NextToken="nonsense")
        assert code == "InvalidInputException"


class TestPartitions:
    @pytest.fixture
    def partitioned(self, glue_clients: SimpleNamespace, database: str, bucket: str) -> str:
        glue_clients.glue.create_table(
            DatabaseName=database,
            TableInput=table_input(
                "events",
                bucket,
                PartitionKeys=[{"Name": "day", "Type": "string"}, {"Name": "n", "Type": "int"}],
            ),
        )
        inputs = [
            {
                "Values": [f"2026-01-0{day}", str(number)],
                "StorageDescriptor": {
                    "Columns": [{"Name": "id", "Type": "int", "Parameters": {"x": "y"}}],
                    "Location": f"s3://{bucket}/data/events/day=2026-01-0{day}/n={number}/",
                },
                "Parameters": {"rows": "7"},
            }
            for day in (1, 2)
            for number in (1, 10)
        ]
        answer = glue_clients.glue.batch_create_partition(
            DatabaseName=database, TableName="events", PartitionInputList=inputs
        )
        assert answer["Errors"] == []
        return database

    def test_get_and_filter(
        self, glue_clients: SimpleNamespace, partitioned: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        where = {"DatabaseName": partitioned, "TableName": "events"}
        found = glue.get_partition(**where, PartitionValues=["2026-01-02", "10"])["Partition"]
        location = f"s3://{bucket}/data/events/day=2026-01-02/n=10/"
        assert found["StorageDescriptor"]["Location"] == location
        assert found["StorageDescriptor"]["Columns"][0]["Parameters"] == {"x": "y"}
        assert found["Parameters"] == {"rows": "7"}
        assert len(glue.get_partitions(**where)["Partitions"]) == 4
        filtered = glue.get_partitions(**where, Expression="day = '2026-01-01' AND n > 5")
        assert [each["Values"] for each in filtered["Partitions"]] == [["2026-01-01", "10"]]
        pages = glue.get_paginator("get_partitions").paginate(
            **where, PaginationConfig={"PageSize": 3}
        )
        assert [len(page["Partitions"]) for page in pages] == [3, 1]
        batch = glue.batch_get_partition(
            **where, PartitionsToGet=[{"Values": ["2026-01-01", "1"]}, {"Values": ["x", "1"]}]
        )
        assert [each["Values"] for each in batch["Partitions"]] == [["2026-01-01", "1"]]

    def test_change_and_delete(self, glue_clients: SimpleNamespace, partitioned: str) -> None:
        glue = glue_clients.glue
        where = {"DatabaseName": partitioned, "TableName": "events"}
        values = ["2026-01-01", "1"]
        partition = glue.get_partition(**where, PartitionValues=values)["Partition"]
        changed = {
            "Values": values,
            "StorageDescriptor": partition["StorageDescriptor"],
            "Parameters": {"rows": "8"},
        }
        glue.update_partition(**where, PartitionValueList=values, PartitionInput=changed)
        found = glue.get_partition(**where, PartitionValues=values)["Partition"]
        assert found["Parameters"] == {"rows": "8"}
        glue.delete_partition(**where, PartitionValues=values)
        code, _ = code_of(glue.get_partition, **where, PartitionValues=values)
        assert code == "EntityNotFoundException"
        answer = glue.batch_delete_partition(
            **where, PartitionsToDelete=[{"Values": values}, {"Values": ["2026-01-02", "1"]}]
        )
        assert [each["PartitionValues"] for each in answer["Errors"]] == [values]
        assert len(glue.get_partitions(**where)["Partitions"]) == 2

    def test_wrong_number_of_values(self, glue_clients: SimpleNamespace, partitioned: str) -> None:
        code, _ = code_of(
            glue_clients.glue.create_partition,
            DatabaseName=partitioned,
            TableName="events",
            PartitionInput={"Values": ["only one"], "StorageDescriptor": {}},
        )
        assert code == "InvalidInputException"

    def test_twice(self, glue_clients: SimpleNamespace, partitioned: str) -> None:
        code, _ = code_of(
            glue_clients.glue.create_partition,
            DatabaseName=partitioned,
            TableName="events",
            PartitionInput={"Values": ["2026-01-01", "1"], "StorageDescriptor": {}},
        )
        assert code == "AlreadyExistsException"


class TestOtherServices:
    def test_caller_identity(self, glue_clients: SimpleNamespace) -> None:
        account = glue_clients.sts.get_caller_identity()["Account"]
        assert len(account) == 12
        if not on_aws():
            assert account == "123456789012"

    @local_only
    def test_what_is_missing_is_named(self, glue_clients: SimpleNamespace) -> None:
        for call, arguments, name in (
            (glue_clients.glue.get_crawlers, {}, "GetCrawlers"),
            (
                glue_clients.sts.decode_authorization_message,
                {"EncodedMessage": "x"},
                "DecodeAuthorizationMessage",
            ),
            (
                glue_clients.lakeformation.list_lf_tag_expressions,
                {},
                "ListLFTagExpressions",
            ),
        ):
            code, message = code_of(call, **arguments)
            assert code == "UnknownOperationException"
            assert name in message


@local_only
class TestKnobs:
    @staticmethod
    def post(glue_clients: SimpleNamespace, path: str, content: Any) -> Any:
        request = urllib.request.Request(
            glue_clients.url + path, json.dumps(content).encode(), method="POST"
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def test_throttling_and_failures(self, glue_clients: SimpleNamespace, database: str) -> None:
        glue = glue_clients.glue
        self.post(
            glue_clients,
            "/_knobs",
            {"throttle": {"GetDatabase": 1}, "fail": {"GetTables": ["AccessDeniedException", 1]}},
        )
        assert code_of(glue.get_database, Name=database) == ("ThrottlingException", "Rate exceeded")
        assert glue.get_database(Name=database)["Database"]["Name"] == database
        assert code_of(glue.get_tables, DatabaseName=database)[0] == "AccessDeniedException"
        assert glue.get_tables(DatabaseName=database)["TableList"] == []

    def test_calls_are_counted(self, glue_clients: SimpleNamespace, database: str) -> None:
        self.post(glue_clients, "/_stats/reset", {})
        for _ in range(3):
            glue_clients.glue.get_database(Name=database)
        with urllib.request.urlopen(glue_clients.url + "/_stats") as answer:
            assert json.load(answer)["calls"]["GetDatabase"] == 3

    def test_an_unknown_knob_is_refused(self, glue_clients: SimpleNamespace) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.post(glue_clients, "/_knobs", {"no_such_knob": 1})
        assert "no_such_knob" in caught.value.read().decode()


@local_only
@pytest.mark.slow
def test_a_killed_server_comes_back_with_its_catalog(tmp_path: Path) -> None:
    first = launcher.ensure_running(tmp_path)
    metastore = launcher.health(first)["metastore_pid"]
    glue = _glue(first)
    glue.create_database(DatabaseInput={"Name": "kept"})
    created: list[str] = []
    killer = threading.Timer(2.0, os.kill, (first.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(BotoCoreError):
        while True:
            name = f"t{len(created)}"
            glue.create_table(
                DatabaseName="kept", TableInput=table_input(name, "killed-bucket", Description="d")
            )
            created.append(name)
    assert created
    deadline = time.monotonic() + 10
    while Path(f"/proc/{metastore}").exists():
        assert time.monotonic() < deadline, "the metastore outlived its server"
        time.sleep(0.05)
    second = launcher.ensure_running(tmp_path)
    try:
        pages = _glue(second).get_paginator("get_tables").paginate(DatabaseName="kept")
        found = {table["Name"]: table for page in pages for table in page["TableList"]}
        # The call that was cut off may have been carried out or not.
        assert set(created) <= set(found) <= {*created, f"t{len(created)}"}
        assert all(found[name]["Description"] == "d" for name in created)
    finally:
        launcher.stop(tmp_path)


def _glue(running: launcher.LocalGlue) -> Any:
    return boto3.client(
        "glue",
        endpoint_url=running.url,
        region_name=running.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


class TestCatalogId:
    def test_another_account_is_not_ours(self, glue_clients: SimpleNamespace) -> None:
        code, _ = code_of(glue_clients.glue.get_databases, CatalogId="999999999999")
        assert code == "AccessDeniedException"

    @local_only
    def test_an_unknown_catalog_of_ours(self, glue_clients: SimpleNamespace) -> None:
        code, message = code_of(
            glue_clients.glue.get_tables,
            CatalogId="123456789012:s3tablescatalog/warehouse",
            DatabaseName="x",
        )
        assert code == "EntityNotFoundException"
        assert "s3tablescatalog" in message
