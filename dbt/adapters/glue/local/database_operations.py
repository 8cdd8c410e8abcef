"""The Data Catalog's operations on databases, and those on the catalog as a whole."""

from __future__ import annotations

from typing import Any

from . import table_mapping as mapping
from .catalog_store import ACCOUNT_ID, CatalogStore, check_catalog, database_arn, page
from .errors import InvalidInputException
from .versions import DATABASE, Entity, Seen

Request = dict[str, Any]
Response = dict[str, Any]


class DatabaseOperations:
    catalog: CatalogStore

    def CreateDatabase(self, request: Request) -> Response:
        check_catalog(request, "CreateDatabase")
        document = mapping.lower_names(request["DatabaseInput"])
        name = document["Name"]
        with self.catalog.locked(name):
            self.catalog.hive(
                lambda c: c.create_database(mapping.database_to_hive(document)),
                existing="Database already exists.",
            )
            self._record_database(name, document)
            if request.get("Tags"):
                self.catalog.versions.set_tags(database_arn(name), request["Tags"])
        return {}

    def GetDatabase(self, request: Request) -> Response:
        check_catalog(request, "GetDatabase")
        return {"Database": _answer(self.catalog.database(request["Name"]))}

    def GetDatabases(self, request: Request) -> Response:
        check_catalog(request, "GetDatabases")
        names = sorted(self.catalog.hive(lambda c: c.get_all_databases()))
        shown, token = page(names, request)
        answers = [_answer(entity) for entity in self.catalog.databases(shown)]
        if request.get("AttributesToGet") == ["NAME"]:
            answers = [{"Name": answer["Name"]} for answer in answers]
        return {"DatabaseList": answers, **token}

    def UpdateDatabase(self, request: Request) -> Response:
        check_catalog(request, "UpdateDatabase")
        name = request["Name"].lower()
        document = mapping.lower_names(request["DatabaseInput"])
        if document["Name"] != name:
            raise InvalidInputException("The name of a database cannot be changed.")
        with self.catalog.locked(name):
            database = mapping.database_to_hive(document)
            if not database.locationUri:
                # A database of the metastore always has one.
                current = self.catalog.hive(
                    lambda c: c.get_database(name), missing=f"Database {name} not found."
                )
                database.locationUri = current.locationUri
            self.catalog.hive(
                lambda c: c.alter_database(name, database), missing=f"Database {name} not found."
            )
            self._record_database(name, document)
        return {}

    def DeleteDatabase(self, request: Request) -> Response:
        """Its tables go with it, their data stays; Glue drops the tables some time later."""
        check_catalog(request, "DeleteDatabase")
        name = request["Name"].lower()
        with self.catalog.locked(name):
            self.catalog.require_database(name)
            self.catalog.hive(lambda c: c.drop_database(name, deleteData=False, cascade=True))
            self.catalog.versions.forget_database(name)
            self.catalog.versions.remove_tags(database_arn(name))
        return {}

    def GetCatalogImportStatus(self, request: Request) -> Response:
        """There is no older Athena catalog here to be imported."""
        check_catalog(request, "GetCatalogImportStatus")
        return {"ImportStatus": {"ImportCompleted": True}}

    def GetUserDefinedFunctions(self, request: Request) -> Response:
        """The functions that Spark's CREATE FUNCTION has put into the metastore."""
        check_catalog(request, "GetUserDefinedFunctions")
        if request.get("DatabaseName"):
            databases = [self.catalog.require_database(request["DatabaseName"])]
        else:
            databases = sorted(self.catalog.hive(lambda c: c.get_all_databases()))
        pairs = {
            f"{database}.{name}": (database, name)
            for database in databases
            for name in self._function_names(database, request["Pattern"])
        }
        shown, token = page(sorted(pairs), request)
        functions = [self._function(*pairs[key]) for key in shown]
        return {"UserDefinedFunctions": [_function_answer(each) for each in functions], **token}

    def _function_names(self, database: str, pattern: str) -> list[str]:
        return self.catalog.hive(lambda c: c.get_functions(database, pattern))

    def _function(self, database: str, name: str) -> Any:
        return self.catalog.hive(lambda c: c.get_function(database, name))

    def _record_database(self, name: str, document: mapping.Document) -> None:
        found = self.catalog.hive(lambda c: c.get_database(name))
        seen = Seen(name, mapping.database_from_hive(found), 0)
        self.catalog.versions.record(DATABASE, "", seen, document)


def _answer(entity: Entity) -> Response:
    return {**entity.document, "CreateTime": entity.created, "CatalogId": ACCOUNT_ID}


def _function_answer(function: Any) -> Response:
    kinds = {1: "FILE", 2: "JAR", 3: "ARCHIVE"}
    return {
        "FunctionName": function.functionName,
        "DatabaseName": function.dbName,
        "ClassName": function.className,
        "OwnerName": function.ownerName,
        "OwnerType": "USER",
        "CreateTime": function.createTime,
        "ResourceUris": [
            {"ResourceType": kinds.get(uri.resourceType, "FILE"), "Uri": uri.uri}
            for uri in function.resourceUris or []
        ],
        "CatalogId": ACCOUNT_ID,
    }
