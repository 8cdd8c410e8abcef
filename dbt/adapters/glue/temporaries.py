"""Temporaries: what a node has made for itself, so that it can be removed when the node fails."""

import threading
from typing import NamedTuple

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.storage import TableStorage


class StagingTable(NamedTuple):
    schema: str
    name: str
    location: str


class Temporaries:
    """Per thread: a dbt thread works at one node at a time."""

    def __init__(self) -> None:
        self._own = threading.local()

    @property
    def folders(self) -> list[str]:
        """Folders of TableStorage.new_temporary that hold files of this thread's node."""
        if not hasattr(self._own, "folders"):
            self._own.folders = []
        folders: list[str] = self._own.folders
        return folders

    @property
    def tables(self) -> list[StagingTable]:
        """Tables that this thread's node may have made, and has not dropped."""
        if not hasattr(self._own, "tables"):
            self._own.tables = []
        tables: list[StagingTable] = self._own.tables
        return tables

    def forget_table(self, schema: str, name: str) -> None:
        self.tables[:] = [t for t in self.tables if (t.schema, t.name) != (schema, name)]

    def forget_folder(self, folder: str) -> None:
        self.folders[:] = [known for known in self.folders if known != folder]

    def remove(self, catalog: DataCatalog, storage: TableStorage) -> list[str]:
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
                catalog.delete_table(table.schema, table.name)
                storage.delete_data(table.schema, table.name, table.location)
            except GlueError as error:
                left.append(f"{table.schema}.{table.name} at {table.location} is left: {error}")
        return left
