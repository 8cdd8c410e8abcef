"""The Data Catalog's operations on the catalogs of S3 Tables, `<account>:s3tablescatalog/<bucket>`,
and those on catalogs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import table_mapping as mapping
from .catalog_store import ACCOUNT_ID, REGION, error_detail, page
from .errors import (
    AlreadyExistsException,
    ApiError,
    EntityNotFoundException,
    InvalidInputException,
    OperationNotSupportedException,
)
from .table_buckets import PARENT, Bucket, TableBucketStore, bucket_of, data_location
from .table_operations import attributes_left, matching, refuse, table_answer, table_input
from .versions import Entity

Request = dict[str, Any]
Response = dict[str, Any]

_FEDERATED_BY = "aws:s3tables"
_ICEBERG = "ICEBERG"
_GLUE_ID = re.compile(rf"\.glue\.id={ACCOUNT_ID}:{PARENT}/(\S+)")
CATALOG_OPERATIONS = frozenset({"CreateCatalog", "GetCatalog", "GetCatalogs"})


class FederatedOperations:
    """One method per API operation, named like it. `ensure_location` makes an S3 bucket."""

    kind = "a catalog of S3 Tables"

    def __init__(self, store: TableBucketStore, ensure_location: Callable[[str], object]) -> None:
        self._store = store
        self._ensure_location = ensure_location

    def serves(self, operation: str, request: Request) -> bool:
        """Whether the call is about catalogs, or about what is in one of S3 Tables."""
        catalog = str(request.get("CatalogId") or "")
        return operation in CATALOG_OPERATIONS or bucket_of(catalog) is not None

    def dispatch(self, operation: str, request: Request) -> Response:
        """The answer's members. Raises ApiError."""
        method = getattr(self, operation, None)
        if method is None:
            raise OperationNotSupportedException(
                f"Local Glue does not implement {operation} on {self.kind}. It has the "
                "databases and tables of one."
            )
        answer: Response = method(request)
        return answer

    def ensure_bucket(self, bucket: str) -> None:
        """Table buckets come into being as they are named, like the S3 buckets of local Glue."""
        self._store.ensure_bucket(bucket)
        self._ensure_location(data_location(bucket))

    def ensure_buckets_in(self, conf: str) -> None:
        """Those that a session's Spark conf makes catalogs of."""
        for bucket in dict.fromkeys(_GLUE_ID.findall(conf)):
            self.ensure_bucket(bucket)

    def CreateCatalog(self, request: Request) -> Response:
        """The catalog of all table buckets; with the first bucket it is there anyway."""
        federated = request["CatalogInput"].get("FederatedCatalog") or {}
        if request["Name"] != PARENT or federated.get("ConnectionName") != _FEDERATED_BY:
            raise OperationNotSupportedException(
                f"Local Glue has no catalogs but {PARENT}, of the connection {_FEDERATED_BY}. "
                "The catalogs in it are table buckets, which come into being when a session's "
                "conf names them or a database is created in them."
            )
        raise AlreadyExistsException(f"Catalog {PARENT} already exists.")

    def GetCatalog(self, request: Request) -> Response:
        wanted = request["CatalogId"].removeprefix(f"{ACCOUNT_ID}:")
        if wanted == ACCOUNT_ID:
            return {"Catalog": _root()}
        if wanted == PARENT:
            return {"Catalog": _parent()}
        for bucket in self._store.buckets():
            if wanted == f"{PARENT}/{bucket.name}":
                return {"Catalog": _child(bucket)}
        raise EntityNotFoundException(f"Catalog {request['CatalogId']} not found.")

    def GetCatalogs(self, request: Request) -> Response:
        """Those of the account, or below `ParentCatalogId`; with `Recursive` all further down."""
        parent = request.get("ParentCatalogId", ACCOUNT_ID).removeprefix(f"{ACCOUNT_ID}:")
        children = {bucket.catalog_id: _child(bucket) for bucket in self._store.buckets()}
        found: dict[str, Response] = {}
        if parent == ACCOUNT_ID:
            found = {f"{ACCOUNT_ID}:{PARENT}": _parent()}
            if request.get("IncludeRoot"):
                found[ACCOUNT_ID] = _root()
            if request.get("Recursive"):
                found |= children
        elif parent == PARENT:
            found = children
        else:
            raise EntityNotFoundException(f"Catalog {parent} not found.")
        shown, token = page(sorted(found), request)
        return {"CatalogList": [found[catalog] for catalog in shown], **token}

    def CreateDatabase(self, request: Request) -> Response:
        bucket = self._bucket(request)
        self.ensure_bucket(bucket)
        self._store.create_namespace(bucket, mapping.lower_names(request["DatabaseInput"]))
        return {}

    def GetDatabase(self, request: Request) -> Response:
        entity = self._store.namespace(self._bucket(request), request["Name"].lower())
        return {"Database": self._database(request, entity)}

    def GetDatabases(self, request: Request) -> Response:
        found = {entity.name: entity for entity in self._store.namespaces(self._bucket(request))}
        shown, token = page(sorted(found), request)
        return {"DatabaseList": [self._database(request, found[name]) for name in shown], **token}

    def UpdateDatabase(self, request: Request) -> Response:
        document = mapping.lower_names(request["DatabaseInput"])
        if document["Name"] != request["Name"].lower():
            raise InvalidInputException("The name of a database cannot be changed.")
        self._store.update_namespace(self._bucket(request), document)
        return {}

    def DeleteDatabase(self, request: Request) -> Response:
        self._store.delete_namespace(self._bucket(request), request["Name"].lower())
        return {}

    def CreateTable(self, request: Request) -> Response:
        refuse(request, "OpenTableFormatInput", "PartitionIndexes", "TransactionId")
        self._store.create_table(
            self._bucket(request), _namespace(request), self._document(request)
        )
        return {}

    def GetTable(self, request: Request) -> Response:
        select = attributes_left(request)
        refuse(request, "TransactionId", "QueryAsOfTime")
        name = request["Name"].lower()
        entity = self._store.table(self._bucket(request), _namespace(request), name)
        return {"Table": select(self._table(request, entity))}

    def GetTables(self, request: Request) -> Response:
        select = attributes_left(request)
        refuse(request, "TransactionId", "QueryAsOfTime")
        tables = self._store.tables(self._bucket(request), _namespace(request))
        found = {entity.name: entity for entity in tables}
        shown, token = page(sorted(matching(list(found), request.get("Expression"))), request)
        return {"TableList": [select(self._table(request, found[name])) for name in shown], **token}

    def UpdateTable(self, request: Request) -> Response:
        refuse(request, "UpdateOpenTableFormatInput", "TransactionId", "ViewUpdateAction")
        document = self._document(request)
        if (request.get("Name") or document["Name"]).lower() != document["Name"]:
            raise OperationNotSupportedException("UpdateTable does not rename a table.")
        self._store.update_table(
            self._bucket(request), _namespace(request), document, request.get("VersionId")
        )
        return {}

    def DeleteTable(self, request: Request) -> Response:
        """S3 Tables deletes the data too, some time later; here it is left in its folder."""
        refuse(request, "TransactionId")
        self._store.delete_table(
            self._bucket(request), _namespace(request), request["Name"].lower()
        )
        return {}

    def BatchDeleteTable(self, request: Request) -> Response:
        errors = []
        for name in request["TablesToDelete"]:
            try:
                self.DeleteTable({**request, "Name": name})
            except ApiError as error:
                errors.append({"TableName": name, "ErrorDetail": error_detail(error)})
        return {"Errors": errors}

    def _bucket(self, request: Request) -> str:
        bucket = bucket_of(request["CatalogId"])
        assert bucket is not None  # `serves` has looked
        return bucket

    def _document(self, request: Request) -> mapping.Document:
        document = mapping.lower_names(table_input(request))
        parameters = document.get("Parameters", {})
        if parameters.get("table_type", "").upper() != _ICEBERG:
            raise InvalidInputException(
                "A table bucket of S3 Tables holds Iceberg tables only: expected the parameter "
                "table_type=ICEBERG."
            )
        return document

    def _database(self, request: Request, entity: Entity) -> Response:
        catalog = f"{ACCOUNT_ID}:{PARENT}/{self._bucket(request)}"
        return {**entity.document, "CreateTime": entity.created, "CatalogId": catalog}

    def _table(self, request: Request, entity: Entity) -> Response:
        catalog = f"{ACCOUNT_ID}:{PARENT}/{self._bucket(request)}"
        federated = {"Identifier": entity.name, "ConnectionName": _FEDERATED_BY}
        answer = table_answer(_namespace(request), entity)
        return {**answer, "CatalogId": catalog, "FederatedTable": federated}


def _namespace(request: Request) -> str:
    return str(request["DatabaseName"]).lower()


def _root() -> Response:
    return {"CatalogId": ACCOUNT_ID, "Name": ACCOUNT_ID, "ResourceArn": _arn("catalog")}


def _parent() -> Response:
    return {
        "CatalogId": f"{ACCOUNT_ID}:{PARENT}",
        "Name": PARENT,
        "ResourceArn": _arn(f"catalog/{PARENT}"),
        "FederatedCatalog": {"Identifier": _buckets_arn("*"), "ConnectionName": _FEDERATED_BY},
    }


def _child(bucket: Bucket) -> Response:
    return {
        "CatalogId": bucket.catalog_id,
        "Name": bucket.name,
        "ResourceArn": _arn(f"catalog/{PARENT}/{bucket.name}"),
        "CreateTime": bucket.created,
        "FederatedCatalog": {
            "Identifier": _buckets_arn(bucket.name),
            "ConnectionName": _FEDERATED_BY,
        },
    }


def _arn(resource: str) -> str:
    return f"arn:aws:glue:{REGION}:{ACCOUNT_ID}:{resource}"


def _buckets_arn(bucket: str) -> str:
    return f"arn:aws:s3tables:{REGION}:{ACCOUNT_ID}:bucket/{bucket}"
