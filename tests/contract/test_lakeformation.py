"""Lake Formation: LF-tags, data cells filters and their grants, as the API keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import on_aws

PRINCIPAL = {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/analyst"}

# On AWS the caller would have to be an administrator of the account's data lake.
pytestmark = pytest.mark.skipif(on_aws(), reason="needs an administrator of the data lake")


@pytest.fixture
def lakeformation(glue_clients: SimpleNamespace) -> Any:
    return glue_clients.lakeformation


@pytest.fixture
def tag(lakeformation: Any) -> Iterator[str]:
    """The key of an LF-tag with the values low and high."""
    key = f"tag_{uuid.uuid4().hex[:8]}"
    lakeformation.create_lf_tag(TagKey=key, TagValues=["low", "high"])
    yield key
    lakeformation.delete_lf_tag(TagKey=key)


@pytest.fixture
def orders(glue_clients: SimpleNamespace, database: str, bucket: str) -> dict[str, str]:
    """A table with the columns id and email, and the partition column day."""
    make_orders(glue_clients.glue, database, bucket)
    return {"DatabaseName": database, "Name": "orders"}


def make_orders(glue: Any, database: str, bucket: str) -> None:
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "email", "Type": "string"}]
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": "orders",
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{"Name": "day", "Type": "date"}],
            "StorageDescriptor": {"Columns": columns, "Location": f"s3://{bucket}/orders"},
        },
    )


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"]


def pair(key: str, value: str) -> list[dict[str, Any]]:
    return [{"TagKey": key, "TagValues": [value]}]


def plain(pairs: list[dict[str, Any]]) -> dict[str, str]:
    return {found["TagKey"]: found["TagValues"][0] for found in pairs}


class TestLFTags:
    def test_tags_of_a_resource_add_up(
        self, lakeformation: Any, orders: dict[str, str], tag: str
    ) -> None:
        other = f"{tag}_b"
        lakeformation.create_lf_tag(TagKey=other, TagValues=["x"])
        table = {"Table": orders}
        for tags in (pair(tag, "low"), pair(other, "x"), pair(tag, "high")):
            answer = lakeformation.add_lf_tags_to_resource(Resource=table, LFTags=tags)
            assert answer["Failures"] == []
        found = lakeformation.get_resource_lf_tags(Resource=table)["LFTagsOnTable"]
        assert plain(found) == {tag: "high", other: "x"}
        lakeformation.remove_lf_tags_from_resource(Resource=table, LFTags=pair(tag, "high"))
        lakeformation.delete_lf_tag(TagKey=other)
        assert "LFTagsOnTable" not in lakeformation.get_resource_lf_tags(Resource=table)

    def test_what_is_inherited_is_shown_unless_only_the_assigned_are_asked_for(
        self, lakeformation: Any, database: str, orders: dict[str, str], tag: str
    ) -> None:
        lakeformation.add_lf_tags_to_resource(
            Resource={"Database": {"Name": database}}, LFTags=pair(tag, "low")
        )
        columns = {"TableWithColumns": {**orders, "ColumnNames": ["email"]}}
        lakeformation.add_lf_tags_to_resource(Resource=columns, LFTags=pair(tag, "high"))
        answer = lakeformation.get_resource_lf_tags(Resource={"Table": orders})
        assert plain(answer["LFTagsOnTable"]) == {tag: "low"}
        shown = {each["Name"]: plain(each["LFTags"])[tag] for each in answer["LFTagsOnColumns"]}
        assert shown == {"id": "low", "email": "high", "day": "low"}
        assigned = lakeformation.get_resource_lf_tags(
            Resource={"Table": orders}, ShowAssignedLFTags=True
        )
        assert "LFTagsOnTable" not in assigned
        [column] = assigned["LFTagsOnColumns"]
        assert (column["Name"], plain(column["LFTags"])) == ("email", {tag: "high"})

    def test_unknown_tags_are_failures_beside_those_that_are_set(
        self, lakeformation: Any, orders: dict[str, str], tag: str
    ) -> None:
        answer = lakeformation.add_lf_tags_to_resource(
            Resource={"Table": orders}, LFTags=[*pair(tag, "low"), *pair("absent", "x")]
        )
        [failure] = answer["Failures"]
        assert failure["LFTag"]["TagKey"] == "absent"
        assert failure["Error"]["ErrorCode"] == "EntityNotFoundException"
        found = lakeformation.get_resource_lf_tags(Resource={"Table": orders})
        assert plain(found["LFTagsOnTable"]) == {tag: "low"}
        [failure] = lakeformation.add_lf_tags_to_resource(
            Resource={"Table": orders}, LFTags=pair(tag, "medium")
        )["Failures"]
        assert failure["Error"]["ErrorCode"] == "EntityNotFoundException"

    def test_absent_resources_and_bad_requests(
        self, lakeformation: Any, database: str, orders: dict[str, str], tag: str
    ) -> None:
        add = lakeformation.add_lf_tags_to_resource
        absent = {"Table": {"DatabaseName": database, "Name": "absent"}}
        no_column = {"TableWithColumns": {**orders, "ColumnNames": ["absent"]}}
        for resource in (absent, no_column, {"Database": {"Name": "absent"}}):
            code = code_of(add, Resource=resource, LFTags=pair(tag, "low"))
            assert code == "EntityNotFoundException"
        twice = [*pair(tag, "low"), *pair(tag, "high")]
        assert code_of(add, Resource={"Table": orders}, LFTags=twice) == "InvalidInputException"
        create = lakeformation.create_lf_tag
        assert code_of(create, TagKey=tag, TagValues=["x"]) == "InvalidInputException"
        assert code_of(lakeformation.get_lf_tag, TagKey="absent") == "EntityNotFoundException"
        assert code_of(lakeformation.delete_lf_tag, TagKey="absent") == "EntityNotFoundException"

    def test_values_of_a_tag(self, lakeformation: Any, orders: dict[str, str], tag: str) -> None:
        lakeformation.add_lf_tags_to_resource(Resource={"Table": orders}, LFTags=pair(tag, "low"))
        update = lakeformation.update_lf_tag
        assert code_of(update, TagKey=tag, TagValuesToDelete=["low"]) == "InvalidInputException"
        update(TagKey=tag, TagValuesToDelete=["high"], TagValuesToAdd=["top"])
        assert lakeformation.get_lf_tag(TagKey=tag)["TagValues"] == ["low", "top"]
        listed = {
            each["TagKey"]: each["TagValues"] for each in lakeformation.list_lf_tags()["LFTags"]
        }
        assert listed[tag] == ["low", "top"]

    def test_a_table_made_again_has_none(
        self,
        glue_clients: SimpleNamespace,
        lakeformation: Any,
        database: str,
        bucket: str,
        orders: dict[str, str],
        tag: str,
    ) -> None:
        lakeformation.add_lf_tags_to_resource(Resource={"Table": orders}, LFTags=pair(tag, "low"))
        glue_clients.glue.delete_table(DatabaseName=database, Name="orders")
        make_orders(glue_clients.glue, database, bucket)
        answer = lakeformation.get_resource_lf_tags(Resource={"Table": orders})
        assert "LFTagsOnTable" not in answer


class TestDataCellsFilters:
    @pytest.fixture
    def data(self, orders: dict[str, str]) -> dict[str, Any]:
        return {
            "TableCatalogId": "123456789012",
            "DatabaseName": orders["DatabaseName"],
            "TableName": "orders",
            "Name": "small",
            "RowFilter": {"FilterExpression": "id < 10"},
            "ColumnWildcard": {"ExcludedColumnNames": ["email"]},
        }

    def test_made_changed_listed_and_deleted(
        self, lakeformation: Any, orders: dict[str, str], data: dict[str, Any]
    ) -> None:
        lakeformation.create_data_cells_filter(TableData=data)
        lakeformation.create_data_cells_filter(
            TableData={**data, "Name": "all", "RowFilter": {"AllRowsWildcard": {}}}
        )
        listed = lakeformation.list_data_cells_filter(Table=orders)["DataCellsFilters"]
        assert [each["Name"] for each in listed] == ["all", "small"]
        assert listed[0]["RowFilter"] == {"FilterExpression": "TRUE", "AllRowsWildcard": {}}
        del data["ColumnWildcard"]
        changed = {**data, "ColumnNames": ["id"], "RowFilter": {"FilterExpression": "id < 5"}}
        lakeformation.update_data_cells_filter(TableData=changed)
        key = {name: data[name] for name in ("TableCatalogId", "DatabaseName", "TableName", "Name")}
        found = lakeformation.get_data_cells_filter(**key)["DataCellsFilter"]
        assert found["RowFilter"] == {"FilterExpression": "id < 5"}
        assert found["ColumnNames"] == ["id"] and "ColumnWildcard" not in found
        lakeformation.delete_data_cells_filter(**key)
        assert code_of(lakeformation.get_data_cells_filter, **key) == "EntityNotFoundException"
        listed = lakeformation.list_data_cells_filter(Table=orders)["DataCellsFilters"]
        assert [each["Name"] for each in listed] == ["all"]

    def test_pages(self, lakeformation: Any, orders: dict[str, str], data: dict[str, Any]) -> None:
        for name in ("c", "a", "b"):
            lakeformation.create_data_cells_filter(TableData={**data, "Name": name})
        pages = lakeformation.get_paginator("list_data_cells_filter").paginate(
            Table=orders, PaginationConfig={"PageSize": 2}
        )
        names = [[each["Name"] for each in page["DataCellsFilters"]] for page in pages]
        assert names == [["a", "b"], ["c"]]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"TableName": "absent"}, "EntityNotFoundException"),
            ({"DatabaseName": "absent"}, "EntityNotFoundException"),
            ({"TableCatalogId": "210987654321"}, "AccessDeniedException"),
            ({"ColumnWildcard": {"ExcludedColumnNames": ["absent"]}}, "EntityNotFoundException"),
            ({"ColumnNames": ["id"]}, "InvalidInputException"),
            ({"RowFilter": {}}, "InvalidInputException"),
            ({"Name": "x" * 256}, "ValidationException"),
        ],
    )
    def test_what_is_refused(
        self, lakeformation: Any, data: dict[str, Any], change: dict[str, Any], code: str
    ) -> None:
        create = lakeformation.create_data_cells_filter
        assert code_of(create, TableData={**data, **change}) == code
        listed = lakeformation.list_data_cells_filter(
            Table={"DatabaseName": data["DatabaseName"], "Name": data["TableName"]}
        )
        assert listed["DataCellsFilters"] == []

    def test_an_absent_one_is_not_changed(self, lakeformation: Any, data: dict[str, Any]) -> None:
        update = lakeformation.update_data_cells_filter
        assert code_of(update, TableData=data) == "EntityNotFoundException"

    def test_it_is_made_once(self, lakeformation: Any, data: dict[str, Any]) -> None:
        lakeformation.create_data_cells_filter(TableData=data)
        code = code_of(lakeformation.create_data_cells_filter, TableData=data)
        assert code == "AlreadyExistsException"


class TestPermissions:
    @pytest.fixture
    def resource(self, lakeformation: Any, orders: dict[str, str]) -> dict[str, Any]:
        key = {
            "TableCatalogId": "123456789012",
            "DatabaseName": orders["DatabaseName"],
            "TableName": "orders",
            "Name": "mine",
        }
        lakeformation.create_data_cells_filter(
            TableData={**key, "RowFilter": {"AllRowsWildcard": {}}, "ColumnNames": ["id"]}
        )
        return {"DataCellsFilter": key}

    def entry(self, resource: dict[str, Any]) -> dict[str, Any]:
        return {
            "Id": "1",
            "Principal": PRINCIPAL,
            "Resource": resource,
            "Permissions": ["SELECT"],
            "PermissionsWithGrantOption": [],
        }

    def test_of_a_filter(self, lakeformation: Any, resource: dict[str, Any]) -> None:
        entry = self.entry(resource)
        assert lakeformation.batch_grant_permissions(Entries=[entry])["Failures"] == []
        [found] = lakeformation.list_permissions(Resource=resource)["PrincipalResourcePermissions"]
        assert found["Principal"] == PRINCIPAL and found["Resource"] == resource
        assert found["Permissions"] == ["SELECT"]
        assert found["PermissionsWithGrantOption"] == []
        assert lakeformation.batch_revoke_permissions(Entries=[entry])["Failures"] == []
        answer = lakeformation.list_permissions(Resource=resource)
        assert answer["PrincipalResourcePermissions"] == []
        [failure] = lakeformation.batch_revoke_permissions(Entries=[entry])["Failures"]
        assert failure["RequestEntry"]["Id"] == "1"
        assert failure["Error"]["ErrorCode"] == "InvalidInputException"

    def test_go_with_the_filter(self, lakeformation: Any, resource: dict[str, Any]) -> None:
        lakeformation.batch_grant_permissions(Entries=[self.entry(resource)])
        key = resource["DataCellsFilter"]
        lakeformation.delete_data_cells_filter(**key)
        listing = lakeformation.list_permissions
        assert code_of(listing, Resource=resource) == "EntityNotFoundException"
        [failure] = lakeformation.batch_grant_permissions(Entries=[self.entry(resource)])[
            "Failures"
        ]
        assert failure["Error"]["ErrorCode"] == "EntityNotFoundException"
        lakeformation.create_data_cells_filter(
            TableData={**key, "RowFilter": {"AllRowsWildcard": {}}, "ColumnNames": ["id"]}
        )
        assert listing(Resource=resource)["PrincipalResourcePermissions"] == []

    def test_of_a_database(self, lakeformation: Any, database: str) -> None:
        resource = {"Database": {"Name": database}}
        lakeformation.grant_permissions(
            Principal=PRINCIPAL,
            Resource=resource,
            Permissions=["ALTER", "DESCRIBE"],
            PermissionsWithGrantOption=["DESCRIBE"],
        )
        [found] = lakeformation.list_permissions(Principal=PRINCIPAL, Resource=resource)[
            "PrincipalResourcePermissions"
        ]
        assert found["Permissions"] == ["ALTER", "DESCRIBE"]
        assert found["PermissionsWithGrantOption"] == ["DESCRIBE"]
        lakeformation.revoke_permissions(
            Principal=PRINCIPAL, Resource=resource, Permissions=["DESCRIBE"]
        )
        [found] = lakeformation.list_permissions(Resource=resource)["PrincipalResourcePermissions"]
        assert (found["Permissions"], found["PermissionsWithGrantOption"]) == (["ALTER"], [])

    def test_of_all_tables_of_a_database(self, lakeformation: Any, database: str) -> None:
        resource = {"Table": {"DatabaseName": database, "TableWildcard": {}}}
        lakeformation.batch_grant_permissions(Entries=[self.entry(resource)])
        asked = {"Table": {**resource["Table"], "CatalogId": "123456789012"}}
        [found] = lakeformation.list_permissions(Resource=asked)["PrincipalResourcePermissions"]
        assert (found["Resource"], found["Permissions"]) == (asked, ["SELECT"])

    def test_what_is_refused(self, lakeformation: Any, resource: dict[str, Any]) -> None:
        entries = [{**self.entry(resource), "Id": str(number)} for number in range(21)]
        grant = lakeformation.batch_grant_permissions
        assert code_of(grant, Entries=entries) == "InvalidInputException"
        listing = lakeformation.list_permissions
        assert code_of(listing, Principal=PRINCIPAL) == "InvalidInputException"


def test_moto_has_the_settings(lakeformation: Any) -> None:
    settings = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    assert settings["DataLakeAdmins"] == []
