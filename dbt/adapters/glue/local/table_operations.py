"""The Data Catalog's operations on tables and their versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hive_metastore.ttypes import EnvironmentContext

from . import table_mapping as mapping
from .catalog_store import (
    ACCOUNT_ID,
    CatalogStore,
    check_catalog,
    error_detail,
    page,
    seen_table,
)
from .errors import (
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
    OperationNotSupportedException,
)
from .versions import TABLE, Entity

Request = dict[str, Any]
Response = dict[str, Any]

_CHEAP_ATTRIBUTES = {"NAME", "TABLE_TYPE"}
_CREATED_BY = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/LocalGlue/local"
# Else the metastore lists the table's files, or sets statistics to "unknown", at each change.
_NO_STATISTICS = EnvironmentContext({"DO_NOT_UPDATE_STATS": "true"})


class TableOperations:
    catalog: CatalogStore

    def CreateTable(self, request: Request) -> Response:
        check_catalog(request, "CreateTable")
        refuse(request, "OpenTableFormatInput", "PartitionIndexes", "TransactionId")
        database = self.catalog.require_database(request["DatabaseName"])
        document = mapping.lower_names(table_input(request))
        table = mapping.table_to_hive(database, document)
        with self.catalog.locked(database):
            self.catalog.hive(
                lambda c: c.create_table_with_environment_context(table, _NO_STATISTICS),
                existing="Table already exists.",
            )
            found = self.catalog.hive_table(database, document["Name"])
            self.catalog.versions.forget(TABLE, database, [document["Name"]])
            self.catalog.versions.record(TABLE, database, seen_table(found), document)
        return {}

    def GetTable(self, request: Request) -> Response:
        check_catalog(request, "GetTable")
        select = attributes_left(request)
        refuse(request, "TransactionId", "QueryAsOfTime")
        entity = self.catalog.table(request["DatabaseName"], request["Name"])
        return {"Table": select(table_answer(request["DatabaseName"].lower(), entity))}

    def GetTables(self, request: Request) -> Response:
        check_catalog(request, "GetTables")
        select = attributes_left(request)
        refuse(request, "TransactionId", "QueryAsOfTime")
        database = self.catalog.require_database(request["DatabaseName"])
        cheap = set(request.get("AttributesToGet", ["DEFAULT"])) <= _CHEAP_ATTRIBUTES
        if cheap:
            metas = self.catalog.hive(lambda c: c.get_table_meta(database, "*", []))
            types = {meta.tableName: meta.tableType for meta in metas if meta.dbName == database}
            names = list(types)
        else:
            names = self.catalog.hive(lambda c: c.get_all_tables(database))
        shown, token = page(sorted(matching(names, request.get("Expression"))), request)
        if cheap:
            answers = [{"Name": name, "TableType": types[name]} for name in shown]
        else:
            entities = self.catalog.tables(database, shown)
            answers = [table_answer(database, entity) for entity in entities]
        return {"TableList": [select(answer) for answer in answers], **token}

    def UpdateTable(self, request: Request) -> Response:
        check_catalog(request, "UpdateTable")
        refuse(request, "UpdateOpenTableFormatInput", "TransactionId", "ViewUpdateAction")
        database = request["DatabaseName"].lower()
        document = mapping.lower_names(table_input(request))
        name = document["Name"]
        if (request.get("Name") or name).lower() != name:
            raise OperationNotSupportedException(
                "Local Glue does not rename a table by UpdateTable: Name and TableInput.Name "
                "differ. Create the table under its new name and delete the old one."
            )
        with self.catalog.locked(database):
            current = self.catalog.table(database, name)
            if request.get("VersionId", str(current.version)) != str(current.version):
                raise ConcurrentModificationException(
                    "Update table failed due to concurrent modifications."
                )
            table = mapping.table_to_hive(database, document)
            before = self.catalog.hive_table(database, name)
            table.createTime = before.createTime
            if not table.sd.location:
                table.sd.location = before.sd.location
            self.catalog.hive(
                lambda c: c.alter_table_with_environment_context(
                    database, name, table, _NO_STATISTICS
                )
            )
            found = self.catalog.hive_table(database, name)
            archive = not request.get("SkipArchive", False)
            self.catalog.versions.record(TABLE, database, seen_table(found), document, archive)
        return {}

    def DeleteTable(self, request: Request) -> Response:
        """Metadata only: Glue never deletes a table's data."""
        check_catalog(request, "DeleteTable")
        refuse(request, "TransactionId")
        database = self.catalog.require_database(request["DatabaseName"])
        self._delete_table(database, request["Name"].lower())
        return {}

    def BatchDeleteTable(self, request: Request) -> Response:
        check_catalog(request, "BatchDeleteTable")
        refuse(request, "TransactionId")
        database = self.catalog.require_database(request["DatabaseName"])
        errors = []
        for name in request["TablesToDelete"]:
            try:
                self._delete_table(database, name.lower())
            except (EntityNotFoundException, InvalidInputException) as error:
                errors.append({"TableName": name, "ErrorDetail": error_detail(error)})
        return {"Errors": errors}

    def GetTableVersions(self, request: Request) -> Response:
        """The current version and the archived ones, the latest first."""
        check_catalog(request, "GetTableVersions")
        database = request["DatabaseName"].lower()
        versions = {
            f"{2**62 - entity.version:019d}": entity
            for entity in self._table_versions(database, request["TableName"])
        }
        shown, token = page(sorted(versions), request)
        answers = [_version_answer(database, versions[key]) for key in shown]
        return {"TableVersions": answers, **token}

    def GetTableVersion(self, request: Request) -> Response:
        check_catalog(request, "GetTableVersion")
        database = request["DatabaseName"].lower()
        versions = self._table_versions(database, request["TableName"])
        wanted = request.get("VersionId", str(versions[0].version))
        for entity in versions:
            if str(entity.version) == wanted:
                return {"TableVersion": _version_answer(database, entity)}
        raise EntityNotFoundException(
            f"Version {wanted} of table {request['TableName']} not found."
        )

    def DeleteTableVersion(self, request: Request) -> Response:
        check_catalog(request, "DeleteTableVersion")
        database, name = request["DatabaseName"].lower(), request["TableName"].lower()
        current = self.catalog.table(database, name)
        wanted = request["VersionId"]
        if wanted == str(current.version):
            raise InvalidInputException("The current version of a table cannot be deleted.")
        known = wanted.isdigit() and self.catalog.versions.delete_archived(
            database, name, int(wanted)
        )
        if not known:
            raise EntityNotFoundException(f"Version {wanted} of table {name} not found.")
        return {}

    def _table_versions(self, database: str, name: str) -> list[Entity]:
        current = self.catalog.table(database, name)
        return [current, *self.catalog.versions.archived(database, name.lower())]

    def _delete_table(self, database: str, name: str) -> None:
        with self.catalog.locked(database):
            self.catalog.hive(
                lambda c: c.drop_table(database, name, deleteData=False),
                missing=f"Table {name} not found.",
            )
            self.catalog.versions.forget(TABLE, database, [name])


def table_answer(database: str, entity: Entity) -> Response:
    """Glue's Table shape, with the defaults that Glue fills in."""
    document = entity.document
    answer = {
        "Retention": 0,
        "PartitionKeys": [],
        "Parameters": {},
        **document,
        "DatabaseName": database,
        "CreateTime": entity.created,
        "UpdateTime": entity.updated,
        "CreatedBy": _CREATED_BY,
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": ACCOUNT_ID,
        "VersionId": str(entity.version),
    }
    if "StorageDescriptor" in document:
        answer["StorageDescriptor"] = {
            "Compressed": False,
            "NumberOfBuckets": 0,
            "StoredAsSubDirectories": False,
            **document["StorageDescriptor"],
        }
    if "ViewDefinition" in document:
        answer["IsMultiDialectView"] = True
    return answer


def _version_answer(database: str, entity: Entity) -> Response:
    return {"Table": table_answer(database, entity), "VersionId": str(entity.version)}


def table_input(request: Request) -> mapping.Document:
    if "TableInput" not in request:
        raise InvalidInputException("TableInput is missing.")
    return request["TableInput"]


def refuse(request: Request, *members: str) -> None:
    for member in members:
        if request.get(member):
            raise OperationNotSupportedException(f"Local Glue does not implement {member}.")


def attributes_left(request: Request) -> Callable[[Response], Response]:
    """What `AttributesToGet` leaves of a table: NAME and TABLE_TYPE alone are a short answer."""
    wanted = set(request.get("AttributesToGet", ["DEFAULT"]))
    if not wanted or wanted == {"TABLE_TYPE"}:
        raise InvalidInputException("AttributesToGet must include NAME.")
    if "LATEST_ICEBERG_METADATA" in wanted:
        raise OperationNotSupportedException(
            "Local Glue does not implement AttributesToGet=LATEST_ICEBERG_METADATA. Read the "
            "metadata file that the table's parameter metadata_location names."
        )
    if "DEFAULT" in wanted:
        return lambda answer: answer
    members = {"NAME": "Name", "TABLE_TYPE": "TableType"}
    kept = {"Name", *(members[attribute] for attribute in wanted)}
    return lambda answer: {name: answer[name] for name in answer if name in kept}


def matching(names: list[str], expression: str | None) -> list[str]:
    """The expression is a regular expression for the whole name; Hive's `*` means every name."""
    if not expression or expression == "*":
        return names
    try:
        pattern = re.compile(expression.lower())
    except re.error as error:
        raise InvalidInputException(f"Expression {expression!r} is invalid: {error}") from error
    return [name for name in names if pattern.fullmatch(name)]
