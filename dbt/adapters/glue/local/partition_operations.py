"""The Data Catalog's operations on partitions."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from . import table_mapping as mapping
from .catalog_store import ACCOUNT_ID, CatalogStore, check_catalog, error_detail, page
from .errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    OperationNotSupportedException,
)
from .versions import PARTITION, Entity, Seen

Request = dict[str, Any]
Response = dict[str, Any]

_PAGE_SIZE = 1000
_NOT_FOUND = "Cannot find partition."


class PartitionOperations:
    catalog: CatalogStore

    def CreatePartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "CreatePartition")
        self._create_partition(database, table, request["PartitionInput"])
        return {}

    def BatchCreatePartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "BatchCreatePartition")
        errors = []
        for document in request["PartitionInputList"]:
            try:
                self._create_partition(database, table, document)
            except (AlreadyExistsException, InvalidInputException) as error:
                errors.append(_failure(document.get("Values", []), error))
        return {"Errors": errors}

    def GetPartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "GetPartition")
        values = request["PartitionValues"]
        return {"Partition": self._get_partition(database, table, values)}

    def BatchGetPartition(self, request: Request) -> Response:
        """Partitions that do not exist are left out, as Glue does."""
        database, table = self._partitioned_table(request, "BatchGetPartition")
        answers = []
        for wanted in request["PartitionsToGet"]:
            try:
                answers.append(self._get_partition(database, table, wanted["Values"]))
            except EntityNotFoundException:
                continue
        return {"Partitions": answers, "UnprocessedKeys": []}

    def GetPartitions(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "GetPartitions")
        for member in ("TransactionId", "QueryAsOfTime"):
            if request.get(member):
                raise OperationNotSupportedException(f"Local Glue does not implement {member}.")
        found = self._find_partitions(database, table, request.get("Expression"))
        segment = request.get("Segment")
        if segment:
            found = {key: value for key, value in found.items() if _in_segment(key, segment)}
        keys, token = page(sorted(found), request, _PAGE_SIZE)
        entities = self._observe_partitions(database, table, [found[key] for key in keys])
        answers = [_answer(database, table, entity) for entity in entities]
        if request.get("ExcludeColumnSchema"):
            for answer in answers:
                answer.get("StorageDescriptor", {}).pop("Columns", None)
        return {"Partitions": answers, **token}

    def UpdatePartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "UpdatePartition")
        self._update_partition(
            database, table, request["PartitionValueList"], request["PartitionInput"]
        )
        return {}

    def BatchUpdatePartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "BatchUpdatePartition")
        errors = []
        for entry in request["Entries"]:
            values = entry["PartitionValueList"]
            try:
                self._update_partition(database, table, values, entry["PartitionInput"])
            except (EntityNotFoundException, InvalidInputException) as error:
                detail = error_detail(error)
                errors.append({"PartitionValueList": values, "ErrorDetail": detail})
        return {"Errors": errors}

    def DeletePartition(self, request: Request) -> Response:
        """Metadata only: Glue never deletes data."""
        database, table = self._partitioned_table(request, "DeletePartition")
        self._delete_partition(database, table, request["PartitionValues"])
        return {}

    def BatchDeletePartition(self, request: Request) -> Response:
        database, table = self._partitioned_table(request, "BatchDeletePartition")
        errors = []
        for wanted in request["PartitionsToDelete"]:
            try:
                self._delete_partition(database, table, wanted["Values"])
            except (EntityNotFoundException, InvalidInputException) as error:
                errors.append(_failure(wanted["Values"], error))
        return {"Errors": errors}

    def _partitioned_table(self, request: Request, operation: str) -> tuple[str, str]:
        check_catalog(request, operation)
        database = self.catalog.require_database(request["DatabaseName"])
        table = request["TableName"].lower()
        self.catalog.hive_table(database, table)
        return database, table

    def _create_partition(self, database: str, table: str, document: mapping.Document) -> None:
        keys = self.catalog.hive_table(database, table).partitionKeys or []
        values = document.get("Values", [])
        if len(values) != len(keys):
            raise InvalidInputException(
                "The number of partition keys do not match the number of partition values"
            )
        partition = mapping.partition_to_hive(database, table, mapping.lower_names(document))
        with self.catalog.locked(database):
            self.catalog.hive(
                lambda c: c.add_partition(partition), existing="Partition already exists."
            )
            self._record_partition(database, table, document)

    def _update_partition(
        self, database: str, table: str, values: list[str], document: mapping.Document
    ) -> None:
        document = {"Values": values, **mapping.lower_names(document)}
        if document["Values"] != values:
            raise OperationNotSupportedException(
                "Local Glue does not change the values of a partition: create the new one and "
                "delete the old one."
            )
        with self.catalog.locked(database):
            before = self.catalog.hive(
                lambda c: c.get_partition(database, table, values), missing=_NOT_FOUND
            )
            partition = mapping.partition_to_hive(database, table, document)
            partition.createTime = before.createTime
            self.catalog.hive(lambda c: c.alter_partition(database, table, partition))
            self._record_partition(database, table, document)

    def _delete_partition(self, database: str, table: str, values: list[str]) -> None:
        with self.catalog.locked(database):
            self.catalog.hive(
                lambda c: c.drop_partition(database, table, values, deleteData=False),
                missing=_NOT_FOUND,
            )
            self.catalog.versions.forget(PARTITION, f"{database}.{table}", [_key(values)])

    def _get_partition(self, database: str, table: str, values: list[str]) -> Response:
        with self.catalog.locked(database):
            found = self.catalog.hive(
                lambda c: c.get_partition(database, table, values), missing=_NOT_FOUND
            )
            return _answer(database, table, self._observe_partitions(database, table, [found])[0])

    def _find_partitions(self, database: str, table: str, expression: str | None) -> dict[str, Any]:
        """Key -> the metastore's partition."""
        if expression:
            found = self.catalog.hive(
                lambda c: c.get_partitions_by_filter(database, table, expression, -1)
            )
        else:
            found = self.catalog.hive(lambda c: c.get_partitions(database, table, -1))
        return {_key(partition.values): partition for partition in found}

    def _observe_partitions(
        self, database: str, table: str, partitions: Sequence[Any]
    ) -> list[Entity]:
        seen = [_seen(partition) for partition in partitions]
        return self.catalog.versions.observe(PARTITION, f"{database}.{table}", seen)

    def _record_partition(self, database: str, table: str, document: mapping.Document) -> None:
        found = self.catalog.hive(lambda c: c.get_partition(database, table, document["Values"]))
        parent = f"{database}.{table}"
        self.catalog.versions.record(PARTITION, parent, _seen(found), document)


def _key(values: list[str]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _seen(partition: Any) -> Seen:
    document = mapping.partition_from_hive(partition)
    return Seen(_key(partition.values), document, partition.createTime or 0)


def _in_segment(key: str, segment: Request) -> bool:
    return zlib.crc32(key.encode()) % segment["TotalSegments"] == segment["SegmentNumber"]


def _failure(values: list[str], error: Any) -> Response:
    return {"PartitionValues": values, "ErrorDetail": error_detail(error)}


def _answer(database: str, table: str, entity: Entity) -> Response:
    return {
        "Parameters": {},
        **entity.document,
        "DatabaseName": database,
        "TableName": table,
        "CreationTime": entity.created,
        "CatalogId": ACCOUNT_ID,
    }
