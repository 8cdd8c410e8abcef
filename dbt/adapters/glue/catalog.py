"""DataCatalog: one small method per call of the Glue Data Catalog.

Only EntityNotFoundException means absent; every other error is raised as CatalogError or
AccessDenied with AWS's own text. A change whose answer was lost is found to have been made.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from dbt.adapters.glue.aws_answers import fault_of
from dbt.adapters.glue.clients import MAY_HAVE_BEEN_DONE, GlueClients, call
from dbt.adapters.glue.exceptions import CatalogError, Fault
from dbt.adapters.glue.retries import GONE, THERE, Budget

# Page and batch sizes are the maxima of the API (botocore, glue service model).
TABLES_A_PAGE = 100
DATABASES_A_PAGE = 100
PARTITIONS_A_PAGE = 1000
PARTITIONS_A_BATCH = 100
PARTITIONS_A_DELETION = 25

# What GetTable returns and CreateTable takes; the rest of a Table is the catalog's own.
TABLE_INPUT_KEYS = frozenset(
    {
        "Name",
        "Description",
        "Owner",
        "LastAccessTime",
        "LastAnalyzedTime",
        "Retention",
        "StorageDescriptor",
        "PartitionKeys",
        "ViewOriginalText",
        "ViewExpandedText",
        "TableType",
        "Parameters",
        "TargetTable",
    }
)
PARTITION_INPUT_KEYS = frozenset(
    {"Values", "LastAccessTime", "StorageDescriptor", "Parameters", "LastAnalyzedTime"}
)


class DataCatalog:
    """The Data Catalog of one account and region; names are lower-cased as Glue stores them."""

    def __init__(self, clients: GlueClients, catalog_id: str | None = None) -> None:
        self._clients = clients
        self._catalog: dict[str, Any] = {"CatalogId": catalog_id} if catalog_id else {}

    def get_databases(self) -> Iterator[dict[str, Any]]:
        """Every Database, 100 a page; nothing if the catalog, a table bucket's, is absent."""
        pages = self._pages(
            "GetDatabases",
            self._clients.glue.get_databases,
            "DatabaseList",
            MaxResults=DATABASES_A_PAGE,
        )
        return _if_there(pages)

    def get_database(self, name: str) -> dict[str, Any] | None:
        """The Database, or None if it is absent."""
        return self._found(
            "GetDatabase", self._clients.glue.get_database, "Database", Name=name.lower()
        )

    def create_database(self, name: str, location: str | None = None) -> bool:
        """False if the database was there already."""
        database: dict[str, Any] = {"Name": name.lower()}
        if location:
            database["LocationUri"] = location
        try:
            self._call("CreateDatabase", self._clients.glue.create_database, DatabaseInput=database)
        except CatalogError as error:
            if error.code == THERE:
                return False
            raise
        return True

    def delete_database(self, name: str) -> bool:
        """Deletes the database and the metadata in it; False if it was absent."""
        return self._deleted(
            "DeleteDatabase", self._clients.glue.delete_database, Name=name.lower()
        )

    def get_tables(self, database: str) -> Iterator[dict[str, Any]]:
        """Every Table of the database, 100 a page; nothing if the database is absent."""
        pages = self._pages(
            "GetTables",
            self._clients.glue.get_tables,
            "TableList",
            DatabaseName=database.lower(),
            MaxResults=TABLES_A_PAGE,
        )
        return _if_there(pages)

    def get_table(self, database: str, name: str) -> dict[str, Any] | None:
        """The Table, or None if it or its database is absent."""
        return self._found(
            "GetTable",
            self._clients.glue.get_table,
            "Table",
            DatabaseName=database.lower(),
            Name=name.lower(),
        )

    def create_table(self, database: str, table_input: dict[str, Any]) -> None:
        try:
            self._call(
                "CreateTable",
                self._clients.glue.create_table,
                DatabaseName=database.lower(),
                TableInput=table_input,
            )
        except CatalogError as error:
            if error.code != THERE or not error.unsure:
                raise
            if not _holds(self.get_table(database, table_input["Name"]), table_input):
                raise

    def update_table(self, database: str, table_input: dict[str, Any]) -> None:
        """Makes the table what the TableInput says, in one step; no older version is archived."""
        self._call(
            "UpdateTable",
            self._clients.glue.update_table,
            DatabaseName=database.lower(),
            TableInput=table_input,
            SkipArchive=True,
        )

    def update_version(self, database: str, table_input: dict[str, Any], version: str) -> bool:
        """`update_table` of a Table with this VersionId. False where it is another one by now, or
        where AWS has not said that it is done: one attempt is made."""
        try:
            self._call(
                "UpdateTable",
                self._clients.glue.update_table,
                budget=Budget(attempts=1),
                DatabaseName=database.lower(),
                TableInput=table_input,
                SkipArchive=True,
                VersionId=version,
            )
        except CatalogError as error:
            if error.fault is None and error.code != GONE:
                raise
            return False
        return True

    def delete_table(self, database: str, name: str) -> bool:
        """Deletes the table's metadata, not its data; False if it was absent."""
        return self._deleted(
            "DeleteTable",
            self._clients.glue.delete_table,
            DatabaseName=database.lower(),
            Name=name.lower(),
        )

    def get_partitions(self, database: str, table: str) -> Iterator[dict[str, Any]]:
        """Every Partition of the table, up to 1000 a page."""
        return self._pages(
            "GetPartitions",
            self._clients.glue.get_partitions,
            "Partitions",
            DatabaseName=database.lower(),
            TableName=table.lower(),
            MaxResults=PARTITIONS_A_PAGE,
        )

    def create_partitions(
        self, database: str, table: str, partitions: list[dict[str, Any]]
    ) -> None:
        """Creates PartitionInputs. Raises CatalogError if one of them failed."""
        there = self._for_partitions(
            "BatchCreatePartition",
            self._clients.glue.batch_create_partition,
            "PartitionInputList",
            *(database, table, partitions),
            done=THERE,
        )
        if there:
            made = [p for p in partitions if p["Values"] in there]
            self.update_partitions(database, table, made)

    def update_partitions(
        self, database: str, table: str, partitions: list[dict[str, Any]]
    ) -> None:
        """Makes partitions what the PartitionInputs say. Raises CatalogError if one failed."""
        entries = [{"PartitionValueList": p["Values"], "PartitionInput": p} for p in partitions]
        self._for_partitions(
            "BatchUpdatePartition",
            self._clients.glue.batch_update_partition,
            "Entries",
            *(database, table, entries),
        )

    def delete_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        """Deletes the metadata of partitions. Raises CatalogError if one of them failed."""
        self._for_partitions(
            "BatchDeletePartition",
            self._clients.glue.batch_delete_partition,
            "PartitionsToDelete",
            *(database, table, [{"Values": one} for one in values]),
            done=GONE,
            a_call=PARTITIONS_A_DELETION,
        )

    def _for_partitions(
        self,
        operation: str,
        fn: Any,
        key: str,
        database: str,
        table: str,
        entries: list[Any],
        done: str | None = None,
        a_call: int = PARTITIONS_A_BATCH,
    ) -> list[list[str]]:
        """The values of partitions that an earlier attempt, whose answer was lost, has done: these
        fail with `done`."""

        @functools.wraps(fn)
        def send(**request: Any) -> Any:
            answer = fn(**request)
            for failed in answer.get("Errors", ()):
                if fault_of(failed.get("ErrorDetail", {}).get("ErrorCode")) is not None:
                    raise _of_partition(operation, request, failed, fault="unknown")
            return answer

        found: list[list[str]] = []
        where = {"DatabaseName": database.lower(), "TableName": table.lower()}
        for start in range(0, len(entries), a_call):
            part = {key: entries[start : start + a_call]}
            answer = self._call(operation, send, **where, **part)
            for failed in answer.get("Errors", ()):
                error = _of_partition(operation, where, failed)
                if not answer.get(MAY_HAVE_BEEN_DONE) or error.code != done:
                    raise error
                found.append(_values(failed))
        return found

    def _call(self, operation: str, fn: Any, **arguments: Any) -> dict[str, Any]:
        return call(operation, fn, **self._catalog, **arguments)

    def _found(self, operation: str, fn: Any, key: str, **arguments: Any) -> dict | None:
        try:
            return self._call(operation, fn, **arguments)[key]
        except CatalogError as error:
            if error.code == GONE:
                return None
            raise

    def _deleted(self, operation: str, fn: Any, **arguments: Any) -> bool:
        try:
            self._call(operation, fn, **arguments)
        except CatalogError as error:
            if error.code == GONE:
                return False
            raise
        return True

    def _pages(self, operation: str, fn: Any, key: str, **arguments: Any) -> Iterator[dict]:
        token: dict[str, str] = {}
        while True:
            page = self._call(operation, fn, **arguments, **token)
            yield from page[key]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


def _if_there(pages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    try:
        yield from pages
    except CatalogError as error:
        if error.code != GONE:
            raise


def _values(failed: dict[str, Any]) -> list[str]:
    return failed.get("PartitionValues") or failed.get("PartitionValueList") or []


def _of_partition(
    operation: str,
    request: Mapping[str, Any],
    failed: dict[str, Any],
    fault: Fault | None = None,
) -> CatalogError:
    """fault: that of the whole call, of which other partitions may be done."""
    detail = failed.get("ErrorDetail", {})
    where = f"{request['DatabaseName']}.{request['TableName']}"
    return CatalogError(
        f"Partition {_values(failed)} of {where}: {detail.get('ErrorMessage')}",
        operation=operation,
        code=detail.get("ErrorCode"),
        fault=fault,
    )


def _holds(found: Any, asked: Any) -> bool:
    """Whether all that was asked for is there; the catalog adds members of its own."""
    if isinstance(asked, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(key), value) for key, value in asked.items()
        )
    return found == asked or (not asked and not found)


def table_input_of(table: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A GetTable answer as the TableInput that would make it again, with changes."""
    return {k: v for k, v in table.items() if k in TABLE_INPUT_KEYS} | changes


def partition_input_of(partition: dict[str, Any]) -> dict[str, Any]:
    """A GetPartitions answer as the PartitionInput that would make it again."""
    return {k: v for k, v in partition.items() if k in PARTITION_INPUT_KEYS}
