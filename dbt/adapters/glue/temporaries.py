"""Temporaries: what nodes have made for themselves, so that it can be removed when they fail."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.storage import TableStorage
from dbt.adapters.glue.table_metadata import HUDI_QUERY_SUFFIXES, location_of

# What a cancelled statement still writes comes within a few seconds.
LOOK_AGAIN_FOR = 5.0
LOOK_EVERY = 0.5
CatalogIn = Callable[[str | None], DataCatalog]


class StagingTable(NamedTuple):
    schema: str
    name: str
    location: str | None  # None: its data is S3 Tables' to delete
    database: str | None = None  # the table bucket that it is in
    target: tuple[str, str] | None = None  # schema and name of the table whose place it is to take
    custom_location: str | None = None  # of the target


@dataclass
class Made:
    """folders: of TableStorage.new_temporary. tables: those that a node may have made, and has not
    dropped. views: of the session."""

    folders: list[str] = field(default_factory=list)
    tables: list[StagingTable] = field(default_factory=list)
    views: list[str] = field(default_factory=list)

    def add(self, other: "Made") -> None:
        self.folders += other.folders
        self.tables += other.tables


class Temporaries:
    """By thread, since a dbt thread works at one node at a time. Thread-safe."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._of_threads: dict[int, Made] = {}
        self._removed_early = Made()

    def _mine(self) -> Made:
        with self._lock:
            return self._of_threads.setdefault(threading.get_ident(), Made())

    @property
    def folders(self) -> list[str]:
        """With files of this thread's node."""
        return self._mine().folders

    @property
    def tables(self) -> list[StagingTable]:
        return self._mine().tables

    @property
    def views(self) -> list[str]:
        return self._mine().views

    def forget_table(self, schema: str, name: str) -> None:
        self.tables[:] = [t for t in self.tables if (t.schema, t.name) != (schema, name)]

    def place_of(self, schema: str, name: str) -> str | None:
        """Where the data of one of `tables` is to lie."""
        return next((t.location for t in self.tables if (t.schema, t.name) == (schema, name)), None)

    def forget_folder(self, folder: str) -> None:
        self.folders[:] = [known for known in self.folders if known != folder]

    def forget_view(self, name: str) -> None:
        self.views[:] = [known for known in self.views if known != name]

    def take_back(
        self, schema: str, name: str, catalog_in: CatalogIn, storage: TableStorage
    ) -> None:
        """Removes what there is of a table of this thread's, which is about to be made again."""
        for table in self.tables:
            if (table.schema.lower(), table.name) == (schema, name) and table.location:
                _delete(table, catalog_in(table.database), storage)

    def remove(
        self, catalog_in: CatalogIn, storage: TableStorage, cancelled: bool = False
    ) -> list[str]:
        """Removes the tables and folders of this thread; returns a line for each that could not be.

        Nothing is raised: the error that ended the node stays in front. cancelled: what the node
        ran may still be writing, so `remove_all` looks again.
        """
        mine = self._mine()
        _, left = _removed(mine, catalog_in, storage)
        with self._lock:
            if cancelled:
                self._removed_early.add(mine)
            # Only now: a signal may end the process meanwhile, and `remove_all` goes on with it.
            self._of_threads.pop(threading.get_ident(), None)
        return left

    def remove_all(self, catalog_in: CatalogIn, storage: TableStorage) -> list[str]:
        """At the end of a run: removes what nodes have left that did not come to their end, and
        what a cancelled statement has written since it was removed; until nothing more comes."""
        with self._lock:
            rest, self._removed_early = self._removed_early, Made()
            for made in self._of_threads.values():
                rest.add(made)
            self._of_threads.clear()
        if not (rest.folders or rest.tables):
            return []
        until = self._clock() + LOOK_AGAIN_FOR
        quiet = 0
        while True:
            deleted, left = _removed(rest, catalog_in, storage)
            quiet = 0 if deleted else quiet + 1
            if quiet == 2 or self._clock() >= until:
                return left
            self._sleep(LOOK_EVERY)


def _removed(made: Made, catalog_in: CatalogIn, storage: TableStorage) -> tuple[int, list[str]]:
    """How much was there, and a line for each that could not be removed."""
    deleted = 0
    left = []
    for folder in list(made.folders):
        try:
            deleted += storage.delete_temporary(folder)
        except GlueError as error:
            left.append(f"{folder} is left: {error}")
    for table in list(made.tables):
        try:
            deleted += _delete(table, catalog_in(table.database), storage)
        except GlueError as error:
            left.append(f"{table.schema}.{table.name} at {table.location} is left: {error}")
    return deleted, left


def _delete(table: StagingTable, catalog: DataCatalog, storage: TableStorage) -> int:
    suffixes = ("", *HUDI_QUERY_SUFFIXES) if table.target else ("",)
    deleted = sum(catalog.delete_table(table.schema, table.name + suffix) for suffix in suffixes)
    if table.location and not _is_in_place(table, catalog):
        deleted += storage.delete_data(
            table.schema, table.name, table.location, table.custom_location
        )
    return deleted


def _is_in_place(table: StagingTable, catalog: DataCatalog) -> bool:
    """Whether the target lies there after all: the answer to the last call may have been lost."""
    found = catalog.get_table(*table.target) if table.target else None
    return found is not None and location_of(found) == table.location
