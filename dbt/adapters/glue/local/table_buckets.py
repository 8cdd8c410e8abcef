"""S3 Tables as the Data Catalog shows it: table buckets, their namespaces and tables. One SQLite
file; the data is in S3, in a bucket per table bucket that S3 Tables would keep out of sight.

Spark's session catalog sees nothing of them, as on AWS: only Iceberg's GlueCatalog with a
`glue.id` does.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from .catalog_store import ACCOUNT_ID
from .errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)
from .sqlite_file import SqliteFile
from .table_mapping import Document
from .versions import Entity

PARENT = "s3tablescatalog"  # the catalog of all table buckets of the account and region
_ID = re.compile(rf"(?:{ACCOUNT_ID}:)?{PARENT}/(?P<bucket>[^/]+)")
# 3 to 63 characters on AWS; here the bucket of the data has ten more.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,51}[a-z0-9]")
# Namespaces and tables: S3 user guide, "Amazon S3 table bucket, table, and namespace naming rules".
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,254}")
_SCHEMA = """
create table if not exists bucket (name text primary key, created real not null);
create table if not exists namespace (
    bucket text not null, name text not null, created real not null, document text not null,
    primary key (bucket, name));
create table if not exists iceberg_table (
    bucket text not null, namespace text not null, name text not null,
    version integer not null, created real not null, updated real not null,
    document text not null, primary key (bucket, namespace, name));
"""


@dataclass(frozen=True)
class Bucket:
    """A table bucket; `created` in epoch seconds."""

    name: str
    created: float

    @property
    def catalog_id(self) -> str:
        return f"{ACCOUNT_ID}:{PARENT}/{self.name}"


def bucket_of(catalog_id: str) -> str | None:
    """The table bucket that a CatalogId of ours names; None for any other catalog."""
    match = _ID.fullmatch(catalog_id)
    return match["bucket"] if match else None


def data_location(bucket: str) -> str:
    """Where the tables of a table bucket lie."""
    return f"s3://{bucket}--table-s3"


class TableBucketStore(SqliteFile):
    """Thread-safe; each method is one transaction. Names are in lower case."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    def buckets(self) -> list[Bucket]:
        with self._transaction() as connection:
            rows = connection.execute("select * from bucket order by name").fetchall()
        return [Bucket(row["name"], row["created"]) for row in rows]

    def ensure_bucket(self, bucket: str) -> None:
        """Raises InvalidInputException for what no table bucket can be called."""
        if not _BUCKET.fullmatch(bucket):
            raise InvalidInputException(
                f"{bucket!r} is no name of a table bucket: local Glue takes 3 to 53 lower-case "
                "letters, digits and dashes."
            )
        with self._transaction() as connection:
            connection.execute("insert or ignore into bucket values (?, ?)", (bucket, time.time()))

    def namespaces(self, bucket: str) -> list[Entity]:
        with self._transaction() as connection:
            _require_bucket(connection, bucket)
            rows = connection.execute(
                "select * from namespace where bucket = ? order by name", (bucket,)
            ).fetchall()
        return [_namespace(row) for row in rows]

    def namespace(self, bucket: str, name: str) -> Entity:
        with self._transaction() as connection:
            return _namespace(_require_namespace(connection, bucket, name))

    def create_namespace(self, bucket: str, document: Document) -> None:
        name = document["Name"]
        _check_name(name)
        document = self._placed(bucket, document)
        with self._transaction() as connection:
            _require_bucket(connection, bucket)
            values = (bucket, name, time.time(), json.dumps(document))
            try:
                connection.execute("insert into namespace values (?, ?, ?, ?)", values)
            except sqlite3.IntegrityError as error:
                raise AlreadyExistsException("Database already exists.") from error

    def _placed(self, bucket: str, document: Document) -> Document:
        return {**document, "LocationUri": f"{data_location(bucket)}/{document['Name']}"}

    def update_namespace(self, bucket: str, document: Document) -> None:
        with self._transaction() as connection:
            row = _require_namespace(connection, bucket, document["Name"])
            place = json.loads(row["document"]).get("LocationUri")
            kept = {**document, "LocationUri": place} if place else document
            connection.execute(
                "update namespace set document = ? where bucket = ? and name = ?",
                (json.dumps(kept), bucket, document["Name"]),
            )

    def delete_namespace(self, bucket: str, name: str) -> None:
        """S3 Tables refuses to delete a namespace that holds tables."""
        with self._transaction() as connection:
            _require_namespace(connection, bucket, name)
            if _tables(connection, bucket, name):
                raise InvalidInputException(f"Namespace {name} is not empty.")
            connection.execute(
                "delete from namespace where bucket = ? and name = ?", (bucket, name)
            )

    def tables(self, bucket: str, namespace: str) -> list[Entity]:
        with self._transaction() as connection:
            _require_namespace(connection, bucket, namespace)
            return _tables(connection, bucket, namespace)

    def table(self, bucket: str, namespace: str, name: str) -> Entity:
        with self._transaction() as connection:
            _require_namespace(connection, bucket, namespace)
            return _require_table(connection, bucket, namespace, name)

    def create_table(self, bucket: str, namespace: str, document: Document) -> None:
        name = document["Name"]
        _check_name(name)
        with self._transaction() as connection:
            _require_namespace(connection, bucket, namespace)
            now = time.time()
            values = (bucket, namespace, name, 0, now, now, json.dumps(document))
            try:
                connection.execute("insert into iceberg_table values (?, ?, ?, ?, ?, ?, ?)", values)
            except sqlite3.IntegrityError as error:
                raise AlreadyExistsException("Table already exists.") from error

    def update_table(
        self, bucket: str, namespace: str, document: Document, version: str | None
    ) -> None:
        """version: the one that the caller has read; another one raises
        ConcurrentModificationException, by which Iceberg's commits are atomic."""
        with self._transaction() as connection:
            current = _require_table(connection, bucket, namespace, document["Name"])
            if version not in (None, str(current.version)):
                raise ConcurrentModificationException(
                    "Update table failed due to concurrent modifications."
                )
            connection.execute(
                "update iceberg_table set version = ?, updated = ?, document = ?"
                " where bucket = ? and namespace = ? and name = ?",
                (
                    *(current.version + 1, time.time(), json.dumps(document)),
                    *(bucket, namespace, current.name),
                ),
            )

    def delete_table(self, bucket: str, namespace: str, name: str) -> None:
        with self._transaction() as connection:
            _require_table(connection, bucket, namespace, name)
            connection.execute(
                "delete from iceberg_table where bucket = ? and namespace = ? and name = ?",
                (bucket, namespace, name),
            )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputException(
            f"{name!r} is no name in S3 Tables: it takes lower-case letters, digits and _, and "
            "begins with a letter or digit."
        )


def _require_bucket(connection: sqlite3.Connection, bucket: str) -> None:
    if not connection.execute("select 1 from bucket where name = ?", (bucket,)).fetchone():
        raise EntityNotFoundException(
            f"Catalog {ACCOUNT_ID}:{PARENT}/{bucket} not found. Local Glue makes a table bucket "
            "when a session's conf names it, or when a database is created in it."
        )


def _require_namespace(connection: sqlite3.Connection, bucket: str, name: str) -> sqlite3.Row:
    _require_bucket(connection, bucket)
    row: sqlite3.Row | None = connection.execute(
        "select * from namespace where bucket = ? and name = ?", (bucket, name)
    ).fetchone()
    if row is None:
        raise EntityNotFoundException(f"Database {name} not found.")
    return row


def _require_table(
    connection: sqlite3.Connection, bucket: str, namespace: str, name: str
) -> Entity:
    row = connection.execute(
        "select * from iceberg_table where bucket = ? and namespace = ? and name = ?",
        (bucket, namespace, name),
    ).fetchone()
    if row is None:
        raise EntityNotFoundException(f"Table {name} not found.")
    return _table(row)


def _tables(connection: sqlite3.Connection, bucket: str, namespace: str) -> list[Entity]:
    rows = connection.execute(
        "select * from iceberg_table where bucket = ? and namespace = ? order by name",
        (bucket, namespace),
    )
    return [_table(row) for row in rows]


def _namespace(row: sqlite3.Row) -> Entity:
    document = json.loads(row["document"])
    return Entity(row["name"], document, 0, row["created"], row["created"])


def _table(row: sqlite3.Row) -> Entity:
    document = json.loads(row["document"])
    return Entity(row["name"], document, row["version"], row["created"], row["updated"])
