"""What the Data Catalog knows of a table and the Hive metastore does not: its version, its
archived versions, and the fields that have no place there. One SQLite file.

A row holds the fingerprint of the metastore's object as it was last seen. Spark writes to the
metastore directly; such a change shows as another fingerprint, and makes a new version.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .sqlite_file import SqliteFile
from .table_mapping import Document, carry_over, fingerprint

_SCHEMA = """
create table if not exists entity (
    kind text not null, parent text not null, name text not null,
    hive_created integer not null, fingerprint text not null, version integer not null,
    created real not null, updated real not null, document text not null,
    primary key (kind, parent, name));
create table if not exists archived (
    parent text not null, name text not null, version integer not null,
    updated real not null, document text not null,
    primary key (parent, name, version));
create table if not exists tag (
    arn text not null, key text not null, value text not null, primary key (arn, key));
"""

TABLE, PARTITION, DATABASE = "table", "partition", "database"


@dataclass(frozen=True)
class Seen:
    """An object as the metastore has it now; `hive_created` in epoch seconds, 0 if unknown."""

    name: str
    document: Document
    hive_created: int


@dataclass(frozen=True)
class Entity:
    """An object as the Data Catalog answers it; times in epoch seconds."""

    name: str
    document: Document
    version: int
    created: float
    updated: float


class VersionStore(SqliteFile):
    """Thread-safe; each method is one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    def observe(self, kind: str, parent: str, seen: Iterable[Seen]) -> list[Entity]:
        """The catalog's view of what the metastore has now; changes made there are recorded."""
        objects = list(seen)
        with self._transaction() as connection:
            rows = _rows(connection, kind, parent, [each.name for each in objects])
            return [
                self._observe_one(connection, kind, parent, each, rows.get(each.name))
                for each in objects
            ]

    def record(
        self, kind: str, parent: str, seen: Seen, document: Document, archive: bool = False
    ) -> Entity:
        """After a write through the API: `document` is what was asked, `seen` what came of it."""
        with self._transaction() as connection:
            row = _rows(connection, kind, parent, [seen.name]).get(seen.name)
            return self._store(connection, kind, parent, seen, document, row, archive)

    def forget(self, kind: str, parent: str, names: Iterable[str]) -> None:
        with self._transaction() as connection:
            for name in names:
                connection.execute(
                    "delete from entity where kind = ? and parent = ? and name = ?",
                    (kind, parent, name),
                )
                if kind == TABLE:
                    _forget_below(connection, parent, name)

    def forget_database(self, database: str) -> None:
        with self._transaction() as connection:
            connection.execute(
                "delete from entity where kind = ? and name = ?", (DATABASE, database)
            )
            connection.execute("delete from archived where parent = ?", (database,))
            connection.execute(
                "delete from entity where parent = ? or parent like ? escape '\\'",
                (database, database.replace("_", "\\_") + ".%"),
            )

    def archived(self, database: str, table: str) -> list[Entity]:
        """Earlier versions, the latest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select * from archived where parent = ? and name = ? order by version desc",
                (database, table),
            ).fetchall()
        return [
            Entity(row["name"], json.loads(row["document"]), row["version"], 0.0, row["updated"])
            for row in rows
        ]

    def delete_archived(self, database: str, table: str, version: int) -> bool:
        with self._transaction() as connection:
            cursor = connection.execute(
                "delete from archived where parent = ? and name = ? and version = ?",
                (database, table, version),
            )
            return cursor.rowcount > 0

    def tags(self, arn: str) -> dict[str, str]:
        with self._transaction() as connection:
            rows = connection.execute("select key, value from tag where arn = ?", (arn,))
            return {row["key"]: row["value"] for row in rows}

    def set_tags(self, arn: str, tags: dict[str, str]) -> None:
        with self._transaction() as connection:
            connection.executemany(
                "insert or replace into tag values (?, ?, ?)",
                [(arn, key, value) for key, value in tags.items()],
            )

    def remove_tags(self, arn: str, keys: Iterable[str] | None = None) -> None:
        with self._transaction() as connection:
            if keys is None:
                connection.execute("delete from tag where arn = ?", (arn,))
            else:
                connection.executemany(
                    "delete from tag where arn = ? and key = ?", [(arn, key) for key in keys]
                )

    def _observe_one(
        self,
        connection: sqlite3.Connection,
        kind: str,
        parent: str,
        seen: Seen,
        row: sqlite3.Row | None,
    ) -> Entity:
        if row is None and kind == PARTITION:
            # Of partitions only those made through the API are kept: there may be very many.
            created = float(seen.hive_created)
            return Entity(seen.name, seen.document, 0, created, created)
        if row is None:
            return self._store(connection, kind, parent, seen, seen.document, None, False)
        previous = json.loads(row["document"])
        if row["hive_created"] != seen.hive_created:
            # Dropped and made again behind the API: another object under the same name.
            connection.execute(
                "delete from entity where kind = ? and parent = ? and name = ?",
                (kind, parent, seen.name),
            )
            if kind == TABLE:
                _forget_below(connection, parent, seen.name)
            return self._store(connection, kind, parent, seen, seen.document, None, False)
        if row["fingerprint"] == fingerprint(seen.document):
            return Entity(seen.name, previous, row["version"], row["created"], row["updated"])
        document = carry_over(seen.document, previous)
        return self._store(connection, kind, parent, seen, document, row, True)

    def _store(
        self,
        connection: sqlite3.Connection,
        kind: str,
        parent: str,
        seen: Seen,
        document: Document,
        row: sqlite3.Row | None,
        archive: bool,
    ) -> Entity:
        now = time.time()
        # The metastore tells whole seconds; in one, a table can be dropped and made again.
        earlier = 0 < seen.hive_created < now - 2
        version, created, updated = 0, float(seen.hive_created) if earlier else now, now
        if row is not None:
            version, created = row["version"] + 1, row["created"]
            if archive and kind == TABLE:
                connection.execute(
                    "insert or replace into archived values (?, ?, ?, ?, ?)",
                    (parent, seen.name, row["version"], row["updated"], row["document"]),
                )
        elif seen.hive_created:
            updated = created
        values: tuple[Any, ...] = (
            kind,
            parent,
            seen.name,
            seen.hive_created,
            fingerprint(seen.document),
            version,
            created,
            updated,
            json.dumps(document, ensure_ascii=True),
        )
        connection.execute("insert or replace into entity values (?,?,?,?,?,?,?,?,?)", values)
        return Entity(seen.name, document, version, created, updated)


def _rows(
    connection: sqlite3.Connection, kind: str, parent: str, names: list[str]
) -> dict[str, sqlite3.Row]:
    rows: dict[str, sqlite3.Row] = {}
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        marks = ",".join("?" * len(part))
        found = connection.execute(
            f"select * from entity where kind = ? and parent = ? and name in ({marks})",
            (kind, parent, *part),
        )
        rows.update((row["name"], row) for row in found)
    return rows


def _forget_below(connection: sqlite3.Connection, database: str, table: str) -> None:
    connection.execute("delete from archived where parent = ? and name = ?", (database, table))
    connection.execute(
        "delete from entity where kind = ? and parent = ?", (PARTITION, f"{database}.{table}")
    )
