"""Glue's table, partition and database shapes <-> the Hive metastore's thrift objects.

A *document* is a dict in the shape of Glue's TableInput, PartitionInput or DatabaseInput. What
the metastore has no place for is kept in documents only: `carry_over` says what that is.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from hive_metastore.ttypes import (
    Database,
    FieldSchema,
    Order,
    Partition,
    PrincipalType,
    SerDeInfo,
    StorageDescriptor,
    Table,
)

Document = dict[str, Any]

# Glue calls the owner of what Spark makes by this name too.
_OWNER = "hadoop"
_TABLE_FIELDS = ("Description", "TargetTable", "FederatedTable", "ViewDefinition")
_ANALYZED = ("LastAnalyzedTime",)
_DESCRIPTOR_FIELDS = ("AdditionalLocations", "SchemaReference", "SkewedInfo")
_DATABASE_FIELDS = ("CreateTableDefaultPermissions", "TargetDatabase", "FederatedDatabase")


def lower_names(document: Document) -> Document:
    """A copy with the names of table, columns and partition keys in lower case, as Glue keeps
    them."""
    document = copy.deepcopy(document)
    if "Name" in document:
        document["Name"] = document["Name"].lower()
    descriptor = document.get("StorageDescriptor", {})
    for column in [*descriptor.get("Columns", []), *document.get("PartitionKeys", [])]:
        column["Name"] = column["Name"].lower()
    return document


def table_to_hive(database: str, document: Document) -> Table:
    """The metastore's table for a TableInput; EXTERNAL=TRUE marks an EXTERNAL_TABLE there."""
    parameters = dict(document.get("Parameters", {}))
    if document.get("TableType") == "EXTERNAL_TABLE":
        parameters.setdefault("EXTERNAL", "TRUE")
    return Table(
        tableName=document["Name"],
        dbName=database,
        owner=document.get("Owner", _OWNER),
        lastAccessTime=int(document.get("LastAccessTime", 0)),
        retention=document.get("Retention", 0),
        sd=_descriptor_to_hive(document.get("StorageDescriptor", {})),
        partitionKeys=[_column_to_hive(key) for key in document.get("PartitionKeys", [])],
        parameters=parameters,
        viewOriginalText=document.get("ViewOriginalText"),
        viewExpandedText=document.get("ViewExpandedText"),
        tableType=document.get("TableType"),
    )


def table_from_hive(table: Table) -> Document:
    """The TableInput that says the same as the metastore's table."""
    document: Document = {
        "Name": table.tableName,
        "Owner": table.owner,
        "LastAccessTime": table.lastAccessTime,
        "Retention": table.retention or 0,
        "StorageDescriptor": _descriptor_from_hive(table.sd),
        "PartitionKeys": [_column_from_hive(key) for key in table.partitionKeys or []],
        "ViewOriginalText": table.viewOriginalText,
        "ViewExpandedText": table.viewExpandedText,
        "TableType": table.tableType,
        "Parameters": table.parameters or {},
    }
    return _present(document)


def partition_to_hive(database: str, table: str, document: Document) -> Partition:
    return Partition(
        values=list(document["Values"]),
        dbName=database,
        tableName=table,
        lastAccessTime=int(document.get("LastAccessTime", 0)),
        sd=_descriptor_to_hive(document.get("StorageDescriptor", {})),
        parameters=dict(document.get("Parameters", {})),
    )


def partition_from_hive(partition: Partition) -> Document:
    document = {
        "Values": partition.values,
        "LastAccessTime": partition.lastAccessTime,
        "StorageDescriptor": _descriptor_from_hive(partition.sd),
        "Parameters": partition.parameters or {},
    }
    return _present(document)


def database_to_hive(document: Document) -> Database:
    return Database(
        name=document["Name"],
        description=document.get("Description"),
        locationUri=document.get("LocationUri"),
        parameters=dict(document.get("Parameters", {})),
        ownerName=_OWNER,
        ownerType=PrincipalType.USER,
    )


def database_from_hive(database: Database) -> Document:
    document = {
        "Name": database.name,
        "Description": database.description,
        "LocationUri": database.locationUri,
        "Parameters": database.parameters or {},
    }
    return _present(document)


def fingerprint(document: Document) -> str:
    """A digest of what the metastore says, by which a change made there directly is seen."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def carry_over(document: Document, previous: Document) -> Document:
    """`document`, as read from the metastore, with what it cannot hold taken from `previous`."""
    result = copy.deepcopy(document)
    for field in (*_TABLE_FIELDS, *_ANALYZED, *_DATABASE_FIELDS):
        if field in previous and field not in result:
            result[field] = previous[field]
    old_descriptor = previous.get("StorageDescriptor", {})
    for field in _DESCRIPTOR_FIELDS:
        if field in old_descriptor:
            result.setdefault("StorageDescriptor", {})[field] = old_descriptor[field]
    known = {
        column["Name"]: column["Parameters"]
        for column in _all_columns(previous)
        if column.get("Parameters")
    }
    for column in _all_columns(result):
        if column["Name"] in known:
            column["Parameters"] = known[column["Name"]]
    return result


def _all_columns(document: Document) -> list[Document]:
    descriptor = document.get("StorageDescriptor", {})
    return [*descriptor.get("Columns", []), *document.get("PartitionKeys", [])]


def _column_to_hive(column: Document) -> FieldSchema:
    return FieldSchema(column["Name"], column.get("Type", "string"), column.get("Comment"))


def _column_from_hive(column: FieldSchema) -> Document:
    return _present({"Name": column.name, "Type": column.type, "Comment": column.comment})


def _descriptor_to_hive(descriptor: Document) -> StorageDescriptor:
    serde = descriptor.get("SerdeInfo", {})
    return StorageDescriptor(
        cols=[_column_to_hive(column) for column in descriptor.get("Columns", [])],
        location=descriptor.get("Location") or None,
        inputFormat=descriptor.get("InputFormat"),
        outputFormat=descriptor.get("OutputFormat"),
        compressed=descriptor.get("Compressed", False),
        numBuckets=descriptor.get("NumberOfBuckets", 0),
        serdeInfo=SerDeInfo(
            name=serde.get("Name"),
            serializationLib=serde.get("SerializationLibrary"),
            parameters=dict(serde.get("Parameters", {})),
        ),
        bucketCols=list(descriptor.get("BucketColumns", [])),
        sortCols=[
            Order(column["Column"], column["SortOrder"])
            for column in descriptor.get("SortColumns", [])
        ],
        parameters=dict(descriptor.get("Parameters", {})),
        storedAsSubDirectories=descriptor.get("StoredAsSubDirectories", False),
    )


def _descriptor_from_hive(descriptor: StorageDescriptor | None) -> Document:
    if descriptor is None:
        return {}
    serde = descriptor.serdeInfo or SerDeInfo()
    document = {
        "Columns": [_column_from_hive(column) for column in descriptor.cols or []],
        "Location": descriptor.location,
        "InputFormat": descriptor.inputFormat,
        "OutputFormat": descriptor.outputFormat,
        "Compressed": bool(descriptor.compressed),
        "NumberOfBuckets": descriptor.numBuckets or 0,
        "SerdeInfo": _present(
            {
                "Name": serde.name,
                "SerializationLibrary": serde.serializationLib,
                "Parameters": serde.parameters or {},
            }
        ),
        "BucketColumns": descriptor.bucketCols or [],
        "SortColumns": [
            {"Column": order.col, "SortOrder": order.order} for order in descriptor.sortCols or []
        ],
        "Parameters": descriptor.parameters or {},
        "StoredAsSubDirectories": bool(descriptor.storedAsSubDirectories),
    }
    return _present(document)


def _present(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
