"""Local Glue's catalog without its metastore: shapes, versions, validation, HTTP."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hive_metastore.ttypes import Table

from dbt.adapters.glue.local import table_mapping as mapping
from dbt.adapters.glue.local import validation
from dbt.adapters.glue.local.aws_services import error_response
from dbt.adapters.glue.local.catalog_store import check_catalog, page
from dbt.adapters.glue.local.errors import (
    AccessDeniedException,
    EntityNotFoundException,
    InvalidInputException,
    SerializationException,
    ThrottlingException,
    UnknownOperationException,
    ValidationException,
)
from dbt.adapters.glue.local.hadoop_conf import hadoop_properties
from dbt.adapters.glue.local.knobs import CallGate, Knobs
from dbt.adapters.glue.local.operations import Operations
from dbt.adapters.glue.local.versions import DATABASE, PARTITION, TABLE, Seen, VersionStore

TABLE_INPUT: dict[str, Any] = {
    "Name": "orders",
    "Owner": "me",
    "Retention": 0,
    "LastAccessTime": 0,
    "TableType": "MANAGED_TABLE",
    "Parameters": {"spark.sql.sources.provider": "parquet"},
    "PartitionKeys": [{"Name": "day", "Type": "date", "Comment": "c"}],
    "ViewOriginalText": "select 1",
    "ViewExpandedText": "select 1",
    "StorageDescriptor": {
        "Columns": [{"Name": "id", "Type": "bigint"}],
        "Location": "s3://b/orders",
        "InputFormat": "i",
        "OutputFormat": "o",
        "Compressed": False,
        "NumberOfBuckets": 2,
        "BucketColumns": ["id"],
        "SortColumns": [{"Column": "id", "SortOrder": 1}],
        "SerdeInfo": {"Name": "s", "SerializationLibrary": "lib", "Parameters": {"path": "p"}},
        "Parameters": {"a": "b"},
        "StoredAsSubDirectories": False,
    },
}


class TestMapping:
    def test_a_table_comes_back_from_the_metastore_as_it_was(self) -> None:
        assert mapping.table_from_hive(mapping.table_to_hive("db", TABLE_INPUT)) == TABLE_INPUT

    def test_a_partition_comes_back(self) -> None:
        given = {
            "Values": ["2026-01-01"],
            "LastAccessTime": 0,
            "Parameters": {"x": "y"},
            "StorageDescriptor": TABLE_INPUT["StorageDescriptor"],
        }
        hive = mapping.partition_to_hive("db", "orders", given)
        assert mapping.partition_from_hive(hive) == given

    def test_a_database_comes_back(self) -> None:
        given = {"Name": "db", "Description": "d", "LocationUri": "s3://b/", "Parameters": {}}
        assert mapping.database_from_hive(mapping.database_to_hive(given)) == given

    def test_external_tables_are_marked_for_the_metastore_only(self) -> None:
        given = {"Name": "t", "TableType": "EXTERNAL_TABLE", "Parameters": {}}
        hive = mapping.table_to_hive("db", given)
        assert hive.parameters == {"EXTERNAL": "TRUE"}
        assert given["Parameters"] == {}

    def test_lower_names_does_not_touch_its_input(self) -> None:
        given = {"Name": "T", "StorageDescriptor": {"Columns": [{"Name": "Id"}]}}
        lowered = mapping.lower_names(given)
        assert lowered["Name"] == "t"
        assert lowered["StorageDescriptor"]["Columns"][0]["Name"] == "id"
        assert given["StorageDescriptor"]["Columns"][0]["Name"] == "Id"

    def test_carry_over_keeps_what_the_metastore_cannot_hold(self) -> None:
        previous = {
            "Name": "t",
            "Description": "d",
            "Parameters": {"old": "1"},
            "StorageDescriptor": {
                "AdditionalLocations": ["s3://x/"],
                "Columns": [
                    {"Name": "id", "Type": "int", "Parameters": {"iceberg.field.id": "1"}},
                    {"Name": "gone", "Type": "int", "Parameters": {"iceberg.field.id": "2"}},
                ],
            },
        }
        now = {
            "Name": "t",
            "Parameters": {"new": "2"},
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "more", "Type": "int"}]
            },
        }
        result = mapping.carry_over(now, previous)
        assert result["Description"] == "d"
        assert result["Parameters"] == {"new": "2"}
        assert result["StorageDescriptor"] == {
            "AdditionalLocations": ["s3://x/"],
            "Columns": [
                {"Name": "id", "Type": "bigint", "Parameters": {"iceberg.field.id": "1"}},
                {"Name": "more", "Type": "int"},
            ],
        }

    def test_every_member_of_a_table_input_has_a_place(self) -> None:
        """A member that botocore's model gains must be mapped or carried over."""
        model = botocore.session.get_session().get_service_model("glue")
        mapped = set(mapping.table_from_hive(mapping.table_to_hive("db", TABLE_INPUT)))
        kept = {*mapping._TABLE_FIELDS, *mapping._ANALYZED}
        assert set(model.shape_for("TableInput").members) == mapped | kept
        descriptor = set(TABLE_INPUT["StorageDescriptor"]) | set(mapping._DESCRIPTOR_FIELDS)
        assert set(model.shape_for("StorageDescriptor").members) == descriptor


@pytest.fixture
def versions(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "catalog.sqlite")


def seen(comment: str = "", created: int = 1000, name: str = "t") -> Seen:
    hive = Table(tableName=name, dbName="db", createTime=created, parameters={"c": comment})
    return Seen(name, mapping.table_from_hive(hive), created)


class TestVersions:
    def test_what_spark_made_starts_at_zero(self, versions: VersionStore) -> None:
        [entity] = versions.observe(TABLE, "db", [seen()])
        assert (entity.version, entity.created) == (0, 1000.0)
        [again] = versions.observe(TABLE, "db", [seen()])
        assert again == entity

    def test_a_change_made_in_the_metastore_is_a_new_version(self, versions: VersionStore) -> None:
        versions.record(TABLE, "db", seen("a"), {"Name": "t", "Description": "mine"})
        [entity] = versions.observe(TABLE, "db", [seen("b")])
        assert entity.version == 1
        assert entity.document["Parameters"] == {"c": "b"}
        assert entity.document["Description"] == "mine"
        assert [old.version for old in versions.archived("db", "t")] == [0]

    def test_an_object_made_again_is_another_one(self, versions: VersionStore) -> None:
        for text in ("a", "b"):
            versions.record(TABLE, "db", seen(text), {"Name": "t", "Description": "old"}, True)
        [entity] = versions.observe(TABLE, "db", [seen("b", created=2000)])
        assert (entity.version, entity.created) == (0, 2000.0)
        assert "Description" not in entity.document
        assert versions.archived("db", "t") == []

    def test_the_document_comes_back_as_given(self, versions: VersionStore) -> None:
        document = {"Name": "t", "Parameters": {}, "Description": "\U0001f600 \n'\""}
        versions.record(TABLE, "db", seen(), document)
        [entity] = versions.observe(TABLE, "db", [seen()])
        assert entity.document == document

    def test_partitions_of_spark_are_not_stored(self, versions: VersionStore) -> None:
        versions.observe(PARTITION, "db.t", [seen()])
        rows = versions._connection.execute("select count(*) from entity").fetchone()
        assert rows[0] == 0

    def test_dropping_a_database_forgets_all_below_and_nothing_beside(
        self, versions: VersionStore
    ) -> None:
        for parent in ("a_b", "axb"):
            versions.record(DATABASE, "", Seen(parent, {"Name": parent}, 0), {"Name": parent})
            versions.record(TABLE, parent, seen("1"), {"Name": "t"})
            versions.record(TABLE, parent, seen("2"), {"Name": "t"}, True)
            versions.record(PARTITION, f"{parent}.t", seen(), {"Values": ["1"]})
        versions.forget_database("a_b")
        left = versions._connection.execute("select kind, parent, name from entity").fetchall()
        assert sorted(map(tuple, left)) == [
            ("database", "", "axb"),
            ("partition", "axb.t", "t"),
            ("table", "axb", "t"),
        ]
        assert versions.archived("a_b", "t") == []
        assert len(versions.archived("axb", "t")) == 1

    def test_it_is_there_after_a_restart(self, tmp_path: Path) -> None:
        first = VersionStore(tmp_path / "c.sqlite")
        first.record(TABLE, "db", seen(), {"Name": "t", "Description": "kept"})
        first.record(TABLE, "db", seen("x"), {"Name": "t", "Description": "kept"})
        [entity] = VersionStore(tmp_path / "c.sqlite").observe(TABLE, "db", [seen("x")])
        assert (entity.version, entity.document["Description"]) == (1, "kept")


class TestValidation:
    @pytest.mark.parametrize(
        ("operation", "request_", "message"),
        [
            (
                "RunStatement",
                {"SessionId": "s", "Code": "x" * 68001},
                "at 'code' failed to satisfy constraint: Member must have length less than or "
                "equal to 68000",
            ),
            (
                "GetTable",
                {"DatabaseName": "d"},
                "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
                "Member must not be null",
            ),
            (
                "GetTables",
                {"DatabaseName": "d", "AttributesToGet": ["NAMES"]},
                "Value 'NAMES' at 'attributesToGet.1.member' failed to satisfy constraint: Member "
                "must satisfy enum value set: [NAME, TABLE_TYPE, DEFAULT, LATEST_ICEBERG_METADATA]",
            ),
            (
                "CreateTable",
                {
                    "DatabaseName": "d",
                    "TableInput": {
                        "Name": "t",
                        "StorageDescriptor": {"Columns": [{"Name": "a", "Comment": "x" * 256}]},
                    },
                },
                "at 'tableInput.storageDescriptor.columns.1.member.comment' failed to satisfy "
                "constraint: Member must have length less than or equal to 255",
            ),
            (
                "CreateSession",
                {"Id": "s", "Role": "arn:aws:iam::1:user/somebody", "Command": {}},
                "at 'role' failed to satisfy constraint: Member must satisfy regular expression "
                "pattern: arn:aws[^:]*:iam::[0-9]*:role/.+",
            ),
        ],
    )
    def test_aws_wording(self, operation: str, request_: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationException) as caught:
            validation.checked_request(operation, request_)
        assert message in caught.value.message

    def test_all_violations_are_told_at_once(self) -> None:
        with pytest.raises(ValidationException, match="^.*2 validation errors detected"):
            validation.checked_request("GetTable", {})

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (5, "NUMBER_VALUE can not be converted to a String"),
            (True, "TRUE_VALUE can not be converted to a String"),
            (["a"], "START_ARRAY can not be converted to a String"),
        ],
    )
    def test_wrong_json_types(self, value: Any, message: str) -> None:
        with pytest.raises(SerializationException) as caught:
            validation.checked_request("GetDatabase", {"Name": value})
        assert caught.value.message == message

    def test_nulls_and_unknown_members_are_left_out(self) -> None:
        checked = validation.checked_request(
            "GetDatabase", {"Name": "d", "CatalogId": None, "FutureMember": 1}
        )
        assert checked == {"Name": "d"}

    def test_text_of_every_plane_passes_and_control_characters_do_not(self) -> None:
        validation.checked_request("GetDatabase", {"Name": "schön 表 😀\t"})
        with pytest.raises(ValidationException):
            validation.checked_request("GetDatabase", {"Name": "a\x00b"})

    def test_every_pattern_of_our_operations_compiles(self) -> None:
        model = validation.service_model()
        implemented = [name for name in model.operation_names if hasattr(Operations, name)]
        assert len(implemented) > 35
        todo = [model.operation_model(name).input_shape for name in implemented]
        done: set[str] = set()
        while todo:
            shape = todo.pop()
            if shape is None or shape.name in done:
                continue
            done.add(shape.name)
            if "pattern" in shape.metadata:
                validation._pattern(shape.metadata["pattern"])
            todo.extend(getattr(shape, "members", {}).values())
            todo.extend(filter(None, (getattr(shape, n, None) for n in ("member", "key", "value"))))

    def test_unknown_operation(self) -> None:
        with pytest.raises(UnknownOperationException, match="GetTabels"):
            validation.checked_request("GetTabels", {})


class TestOperations:
    def test_the_mixins_do_not_hide_each_other(self) -> None:
        names = Counter(
            name for base in Operations.__bases__ for name in vars(base) if name[:2] != "__"
        )
        assert [name for name, count in names.items() if count > 1] == []

    def test_what_is_missing_is_named(self) -> None:
        operations = Operations(None, None, CallGate(Knobs()), lambda text: None, None)  # type: ignore[arg-type]
        with pytest.raises(UnknownOperationException, match="does not implement GetCrawlers"):
            operations.dispatch("GetCrawlers", {})

    def test_only_operations_of_the_api_can_be_called(self) -> None:
        operations = Operations(None, None, CallGate(Knobs()), lambda text: None, None)  # type: ignore[arg-type]
        for name in ("dispatch", "_delete_table", "catalog", ""):
            with pytest.raises(UnknownOperationException):
                operations.dispatch(name, {})


class TestPage:
    NAMES = ["a", "b", "c", "d", "e"]

    def test_pages_join_up(self) -> None:
        request: dict[str, Any] = {"MaxResults": 2}
        shown: list[str] = []
        while True:
            names, token = page(self.NAMES, request)
            shown.extend(names)
            if not token:
                break
            request |= token
        assert shown == self.NAMES

    def test_a_token_outlives_the_name_it_holds(self) -> None:
        _, token = page(self.NAMES, {"MaxResults": 2})
        names, _ = page(["a", "c", "d"], {"MaxResults": 2, **token})
        assert list(names) == ["c", "d"]

    @pytest.mark.parametrize("token", ["x", "e30=", "W10="])
    def test_a_token_that_is_not_ours(self, token: str) -> None:
        with pytest.raises(InvalidInputException):
            page(self.NAMES, {"NextToken": token})


class TestCatalogId:
    def test_own(self) -> None:
        check_catalog({}, "GetTables")
        check_catalog({"CatalogId": "123456789012"}, "GetTables")

    def test_others(self) -> None:
        with pytest.raises(AccessDeniedException, match="glue:GetTables"):
            check_catalog({"CatalogId": "999999999999"}, "GetTables")
        with pytest.raises(EntityNotFoundException):
            check_catalog({"CatalogId": "123456789012:s3tablescatalog/b"}, "GetTables")


def test_errors_on_the_wire() -> None:
    answer = error_response("glue", EntityNotFoundException("Table t not found."))
    assert answer.status_code == 400
    assert json.loads(answer.get_data()) == {
        "__type": "EntityNotFoundException",
        "Message": "Table t not found.",
    }
    xml = error_response("sts", ThrottlingException("Rate <exceeded>")).get_data(as_text=True)
    assert "<Code>ThrottlingException</Code><Message>Rate &lt;exceeded&gt;</Message>" in xml


def test_hadoop_sees_s3_as_a_folder(tmp_path: Path) -> None:
    properties = hadoop_properties(tmp_path / "a b")
    assert properties["fs.viewfs.mounttable.path"] == f"file://{tmp_path}/a b/mounts"
    assert len({properties[f"fs.{scheme}.impl"] for scheme in ("s3", "s3a", "s3n")}) == 1
