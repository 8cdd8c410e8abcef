"""Temporaries: what a node has made for itself, so that it can be removed when the node fails."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.storage import TableStorage
from dbt.adapters.glue.table_metadata import location_of


class StagingTable(NamedTuple):
    schema: str
    name: str
    location: str | None  # None: its data is S3 Tables' to delete
    database: str | None = None  # the table bucket that it is in
    target: tuple[str, str] | None = None  # schema and name of the table whose place it is to take
    custom_location: str | None = None  # of the target


class Temporaries(threading.local):
    """Per thread: a dbt thread works at one node at a time.

    folders: of TableStorage.new_temporary, with files of this thread's node. tables: those that the
    node may have made, and has not dropped.
    """

    def __init__(self) -> None:
        self.folders: list[str] = []
        self.tables: list[StagingTable] = []

    def forget_table(self, schema: str, name: str) -> None:
        self.tables[:] = [t for t in self.tables if (t.schema, t.name) != (schema, name)]

    def place_of(self, schema: str, name: str) -> str | None:
        """Where the data of one of `tables` is to lie."""
        return next((t.location for t in self.tables if (t.schema, t.name) == (schema, name)), None)

    def forget_folder(self, folder: str) -> None:
        self.folders[:] = [known for known in self.folders if known != folder]

    def remove(
        self, catalog_in: Callable[[str | None], DataCatalog], storage: TableStorage
    ) -> list[str]:
        """Removes all of this thread; returns a line for each that could not be removed.

        Nothing is raised: the error that ended the node stays in front.
        """
        left = []
        while self.folders:
            folder = self.folders.pop()
            try:
                storage.delete_temporary(folder)
            except GlueError as error:
                left.append(f"{folder} is left: {error}")
        while self.tables:
            table = self.tables.pop()
            try:
                catalog = catalog_in(table.database)
                catalog.delete_table(table.schema, table.name)
                if table.location and not _is_in_place(table, catalog):
                    storage.delete_data(
                        table.schema, table.name, table.location, table.custom_location
                    )
            except GlueError as error:
                left.append(f"{table.schema}.{table.name} at {table.location} is left: {error}")
        return left


def _is_in_place(table: StagingTable, catalog: DataCatalog) -> bool:
    """Whether the target lies there after all: the answer to the last call may have been lost."""
    found = catalog.get_table(*table.target) if table.target else None
    return found is not None and location_of(found) == table.location
