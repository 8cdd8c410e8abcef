"""Leftovers: what runs that were killed have left in the Data Catalog and on S3.

A run that is under way has the same: only its age tells them apart.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, NamedTuple

from dbt.adapters.glue.build_folders import BUILD_FOLDER, base_of, build_name, is_staging, made_at
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import HoldsOthers
from dbt.adapters.glue.locations import lies_under, split_location
from dbt.adapters.glue.storage import RESULTS_FOLDER, TEMPORARY_FOLDER, TableStorage
from dbt.adapters.glue.table_metadata import is_view, location_of

TABLE, VIEW, BUILD, SEED, RESULT = "table", "view", "build", "seed", "result"
FOLDERS = {SEED: TEMPORARY_FOLDER, RESULT: RESULTS_FOLDER}


class Leftover(NamedTuple):
    """kind: a staging table or view of the catalog, the folder of a build, a seed's rows, results.

    name: the table's. place: its data, or the folder; None for a view.
    """

    kind: str
    schema: str
    name: str
    place: str | None
    made: datetime

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.kind in (TABLE, VIEW) else str(self.place)


class Leftovers:
    def __init__(self, catalog: DataCatalog, storage: TableStorage) -> None:
        self._catalog = catalog
        self._storage = storage

    def schemas(self) -> list[str]:
        """The databases that dbt has made below the profile's location."""
        place = self._storage.location
        return [
            database["Name"]
            for database in self._catalog.get_databases()
            if place and _is_below(database.get("LocationUri") or "", place)
        ]

    def find(self, schemas: Iterable[str]) -> Iterator[Leftover]:
        """Of these schemas, and of the profile's location."""
        in_use = self._storage.ownership.places_everywhere()
        for schema in schemas:
            tables = list(self._catalog.get_tables(schema))
            yield from self._tables(schema, tables)
            yield from self._builds(schema, tables, in_use)
        for kind, folder in FOLDERS.items():
            for place, made in self._folders_of_ours(folder).items():
                yield Leftover(kind, "", "", place, made)

    def _folders_of_ours(self, folder: str) -> dict[str, datetime]:
        """With the time of the last file in each."""
        if self._storage.location is None:
            return {}
        base = f"{self._storage.location}/{folder}"
        _, prefix = split_location(base)
        found: dict[str, datetime] = {}
        for item in self._storage.objects_below(base):
            name, slash, _ = item["Key"][len(prefix) + 1 :].partition("/")
            if not (name and slash):
                continue  # what consoles and EMR write to mark a folder
            place = f"{base}/{name}"
            found[place] = max(item["LastModified"], found.get(place, item["LastModified"]))
        return found

    def _tables(self, schema: str, tables: list[dict[str, Any]]) -> Iterator[Leftover]:
        for table in tables:
            if is_staging(table["Name"]):
                kind = VIEW if is_view(table) else TABLE
                made = table.get("CreateTime") or datetime.now(timezone.utc)
                yield Leftover(kind, schema, table["Name"], location_of(table), made)

    def _builds(
        self, schema: str, tables: list[dict[str, Any]], in_use: set[str]
    ) -> Iterator[Leftover]:
        """in_use: where tables of any schema lie, since schemas may share a folder."""
        own = {place for table in tables if (place := location_of(table))}
        bases = {base_of(place) for place in own if build_name(place)}
        places = in_use | own
        if self._storage.location is not None:
            parent = self._storage.location_for(schema, "").rstrip("/")
            bases |= {f"{parent}/{name}" for name in self._storage.folders_below(parent)}
        for base in sorted(bases):
            name = base.rpartition("/")[2]
            if is_staging(name) and base not in places:
                times = (item["LastModified"] for item in self._storage.objects_below(base))
                if (written := max(times, default=None)) is not None:
                    yield Leftover(BUILD, schema, name, base, written)
            for folder in sorted(self._storage.folders_below(base, BUILD_FOLDER)):
                made, place = made_at(folder), f"{base}/{folder}"
                if made is not None and place not in places:
                    yield Leftover(BUILD, schema, name, place, made)

    def remove(self, left: Leftover) -> None:
        """Raises NotOwned for a build in which a table lies by now, and for the data of a table
        that dbt may not delete: its entry in the catalog has gone then."""
        if left.kind in FOLDERS:
            self._storage.delete_temporary(str(left.place))
        elif left.kind == BUILD:
            self._delete_data(left)
        else:
            self._catalog.delete_table(left.schema, left.name)
            if left.place:
                with suppress(HoldsOthers):  # the table that it was to replace lies there
                    self._delete_data(left)

    def _delete_data(self, left: Leftover) -> None:
        place = str(left.place)
        custom = base_of(place) if build_name(place) else None
        self._storage.delete_left_over(left.schema, place, custom)


def _is_below(place: str, parent: str) -> bool:
    return place.startswith("s3") and lies_under(place, parent)
