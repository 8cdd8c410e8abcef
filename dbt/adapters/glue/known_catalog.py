"""KnownCatalog: what listings of the Data Catalog have told in this run, as long as it holds.

dbt lists the tables of its schemas once, at the start. A node that asks about its own table is
answered from that listing, until a statement of this run may have changed the table. Other
processes are seen as late as dbt's own relation cache sees them: not before the next run, but for
what decides on the deletion of data, which is never older than DELETION_AGE.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.glue.catalog import TABLES_A_PAGE, DataCatalog
from dbt.adapters.glue.catalog_changes import Change, changes_of
from dbt.adapters.glue.sql_text import python_code, split_statements
from dbt.adapters.glue.table_metadata import location_of

DELETION_AGE = 60.0  # seconds

Table = dict[str, Any]


@dataclass
class Listing:
    """The tables of one schema as GetTables told them, and what may have changed since."""

    taken: float
    tables: dict[str, Table] = field(default_factory=dict)
    places: set[tuple[str, str]] = field(default_factory=set)  # name, location; old ones too
    changed: set[str] = field(default_factory=set)
    all_changed: bool = False
    new_place: bool = False  # a table may lie where `places` does not say
    asked: int = 0  # GetTable calls that this listing could not spare

    @property
    def calls(self) -> int:
        """How many calls it takes to list the schema."""
        return len(self.tables) // TABLES_A_PAGE + 1

    def add(self, table: Table) -> None:
        name = table["Name"].lower()
        self.tables[name] = table
        if location := location_of(table):
            self.places.add((name, location))

    def change(self, change: Change) -> None:
        self.changed.add(change.name)
        self.new_place = self.new_place or not change.placed
        if change.location:
            self.places.add((change.name, change.location))

    def change_all(self) -> None:
        self.all_changed = self.new_place = True

    def tells(self, name: str) -> bool:
        return not self.all_changed and name not in self.changed


class KnownCatalog:
    """Thread-safe. Schemas and names are lower-cased as Glue stores them."""

    def __init__(self, catalog: DataCatalog, clock: Callable[[], float] = time.monotonic) -> None:
        self.catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()  # of what is known
        self._listing: dict[str, threading.Lock] = {}  # a schema's is held while it is listed
        self._listing_databases = threading.Lock()
        self._known: dict[str, Listing] = {}
        self._coming: dict[str, Listing] = {}  # lists that are being taken
        self._databases: list[dict[str, Any]] | None = None

    def databases(self, fresh: bool = False) -> list[dict[str, Any]]:
        """Every Database, listed once a run: an account may have thousands."""
        with self._listing_databases:
            if fresh or self._databases is None:
                self._databases = list(self.catalog.get_databases())
            return self._databases

    def add_database(self, name: str, location: str | None) -> None:
        """The database was made by an API call."""
        with self._listing_databases:
            if self._databases is not None:
                made = {"Name": name.lower(), "LocationUri": location or ""}
                self._databases = [*self._databases, made]

    def list_tables(self, schema: str) -> list[Table]:
        """The schema's tables, asked for now."""
        schema = schema.lower()
        with self._listing_of(schema):
            return list(self._list(schema).tables.values())

    def tables(self, schema: str) -> list[Table] | None:
        """The schema's tables, as they were listed in this run; None if it was not, or if a
        statement may have changed one of them."""
        with self._lock:
            listing = self._known.get(schema.lower())
            if listing is None or listing.all_changed or listing.changed:
                return None
            return list(listing.tables.values())

    def listed(self, schema: str) -> list[Table]:
        """The schema's tables as they were when it was last listed, however long ago; none if it
        was not."""
        with self._lock:
            listing = self._known.get(schema.lower())
            return list(listing.tables.values()) if listing is not None else []

    def table(self, schema: str, name: str, max_age: float = math.inf) -> Table | None:
        """The Table, or None if it is absent. The catalog is asked about what may have changed,
        and about what was listed more than max_age seconds ago."""
        schema, name = schema.lower(), name.lower()
        if (listing := self._listing_that_tells(schema, name, max_age)) is not None:
            return listing.tables.get(name)
        if self._listing_pays(schema, max_age):
            with self._listing_of(schema):
                listing = self._listing_that_tells(schema, name, max_age) or self._list(schema)
            if listing.tells(name):
                return listing.tables.get(name)
        return self.catalog.get_table(schema, name)

    def places(self, schema: str, max_age: float = DELETION_AGE) -> set[tuple[str, str]]:
        """(name, location) of the schema's tables: where one lies or has lain lately."""
        schema = schema.lower()
        with self._listing_of(schema):
            with self._lock:
                listing = self._known.get(schema)
                if listing is not None and not listing.new_place and self._young(listing, max_age):
                    return set(listing.places)
            return set(self._list(schema).places)

    @contextmanager
    def changing(self, text: str) -> Iterator[None]:
        """What a statement, several, or Python may change is not known from here on."""
        changes: list[Change] | None = None
        if python_code(text) is None:
            found = [changes_of(statement) for statement in split_statements(text)]
            changes = None if None in found else [change for some in found for change in some or ()]
        self.change(changes)
        try:
            yield
        finally:
            self.change(changes)

    def change(self, changes: list[Change] | None) -> None:
        """These tables may have changed; None: any."""
        with self._lock:
            if changes is None:
                self._databases = None
            for known in (self._known, self._coming):
                for schema, listing in known.items():
                    if changes is None:
                        listing.change_all()
                        continue
                    for change in changes:
                        if change.schema in (None, schema):
                            listing.change(change)

    def forget_table(self, schema: str, name: str) -> None:
        """The table was changed by an API call."""
        self.change([Change(schema.lower(), name.lower())])

    def _listing_of(self, schema: str) -> threading.Lock:
        with self._lock:
            return self._listing.setdefault(schema, threading.Lock())

    def _young(self, listing: Listing, max_age: float) -> bool:
        return self._clock() - listing.taken <= max_age

    def _listing_that_tells(self, schema: str, name: str, max_age: float) -> Listing | None:
        with self._lock:
            listing = self._known.get(schema)
            if listing is None or not listing.tells(name) or not self._young(listing, max_age):
                return None
            return listing

    def _listing_pays(self, schema: str, max_age: float) -> bool:
        """Whether GetTable was called as often for want of a new listing as that would cost."""
        with self._lock:
            listing = self._known.get(schema)
            if listing is None or not (listing.all_changed or not self._young(listing, max_age)):
                return False
            listing.asked += 1
            return listing.asked > listing.calls

    def _list(self, schema: str) -> Listing:
        listing = Listing(self._clock())
        with self._lock:
            self._coming[schema] = listing
        try:
            for table in self.catalog.get_tables(schema):
                with self._lock:
                    listing.add(table)
            with self._lock:
                self._known[schema] = listing
        finally:
            with self._lock:
                self._coming.pop(schema)
        return listing
