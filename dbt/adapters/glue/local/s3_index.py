"""What S3 knows of an object and a file does not: ETag, headers, checksums, uploads under way.

A SQLite file next to the buckets. The files are the truth: Spark writes, renames and deletes them
behind the API's back, so a row counts only while size, mtime and inode are still the ones it saw.
"""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created REAL, location TEXT);
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, size INTEGER, mtime_ns INTEGER, inode INTEGER,
    etag TEXT, headers TEXT, checksums TEXT, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT, key TEXT, initiated REAL, headers TEXT
);
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT, number INTEGER, size INTEGER, etag TEXT, modified REAL,
    PRIMARY KEY (upload, number)
);
"""


@dataclass(frozen=True)
class ObjectInfo:
    """One object: `size` in bytes, `modified` in epoch seconds, `etag` without quotes.

    `headers` are those kept with the object (content-type, x-amz-meta-*, …), `checksums` maps
    x-amz-checksum-* headers to the values the writer gave.
    """

    key: str
    size: int
    modified: float
    etag: str
    headers: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """One multipart upload under way; `initiated` in epoch seconds."""

    id: str
    bucket: str
    key: str
    initiated: float
    headers: dict[str, str]


@dataclass(frozen=True)
class Part:
    """One uploaded part; `etag` is its md5."""

    number: int
    size: int
    etag: str
    modified: float


class ObjectIndex:
    """Thread-safe; one process at a time (local Glue's folder lock sees to that)."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _execute(self, sql: str, *values: object) -> list[tuple]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def put_bucket(self, name: str, created: float, location: str) -> None:
        self._execute("REPLACE INTO buckets VALUES (?, ?, ?)", name, created, location)

    def bucket(self, name: str) -> tuple[float, str] | None:
        """(created in epoch seconds, location constraint) of a bucket made through the API."""
        rows = self._execute("SELECT created, location FROM buckets WHERE name = ?", name)
        return rows[0] if rows else None

    def forget_bucket(self, name: str) -> None:
        self._execute("DELETE FROM objects WHERE bucket = ?", name)
        self._execute("DELETE FROM buckets WHERE name = ?", name)

    def put(self, bucket: str, info: ObjectInfo, stat: os.stat_result) -> None:
        self._execute(
            "REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(bucket, info.key, stat.st_size, stat.st_mtime_ns, stat.st_ino),
            *(info.etag, json.dumps(info.headers), json.dumps(info.checksums)),
        )

    def forget(self, bucket: str, key: str) -> None:
        self._execute("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key)

    def folder_markers(self, bucket: str, prefix: str = "") -> set[str]:
        """Keys that end in `/`, put through the API: an empty object each."""
        rows = self._execute(
            "SELECT key FROM objects WHERE bucket = ? AND substr(key, -1) = '/'", bucket
        )
        return {key for (key,) in rows if key.startswith(prefix)}

    def describe(
        self, bucket: str, files: Iterable[tuple[str, os.stat_result]]
    ) -> list[ObjectInfo]:
        """(key, stat) of files -> what the API tells of them, in the order given."""
        files = list(files)
        if not files:
            return []
        keys = [key for key, _ in files]
        rows = self._execute(
            "SELECT key, size, mtime_ns, inode, etag, headers, checksums FROM objects"
            " WHERE bucket = ? AND key BETWEEN ? AND ?",
            *(bucket, min(keys), max(keys)),
        )
        known = {row[0]: row[1:] for row in rows}
        return [_object_info(key, stat, known.get(key)) for key, stat in files]

    def put_upload(self, upload: Upload) -> None:
        self._execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)",
            *(upload.id, upload.bucket, upload.key, upload.initiated, json.dumps(upload.headers)),
        )

    def uploads(self, bucket: str) -> list[Upload]:
        rows = self._execute(
            "SELECT id, bucket, key, initiated, headers FROM uploads WHERE bucket = ?"
            " ORDER BY key, initiated",
            bucket,
        )
        return [Upload(i, b, k, at, json.loads(headers)) for i, b, k, at, headers in rows]

    def forget_upload(self, upload_id: str) -> None:
        self._execute("DELETE FROM parts WHERE upload = ?", upload_id)
        self._execute("DELETE FROM uploads WHERE id = ?", upload_id)

    def put_part(self, upload_id: str, part: Part) -> None:
        self._execute(
            "REPLACE INTO parts VALUES (?, ?, ?, ?, ?)",
            *(upload_id, part.number, part.size, part.etag, part.modified),
        )

    def parts(self, upload_id: str) -> list[Part]:
        rows = self._execute(
            "SELECT number, size, etag, modified FROM parts WHERE upload = ? ORDER BY number",
            upload_id,
        )
        return [Part(*row) for row in rows]


def _object_info(key: str, stat: os.stat_result, row: tuple | None) -> ObjectInfo:
    if row and (key.endswith("/") or row[:3] == (stat.st_size, stat.st_mtime_ns, stat.st_ino)):
        etag, headers, checksums = row[3], json.loads(row[4]), json.loads(row[5])
        size = 0 if key.endswith("/") else stat.st_size
        return ObjectInfo(key, size, stat.st_mtime, etag, headers, checksums)
    # A file that Spark wrote. Its md5 would cost a read of the whole file in every listing; the
    # form `…-1` is S3's for multipart uploads, which no client takes for an md5.
    stamp = f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}".encode()
    etag = hashlib.md5(stamp, usedforsecurity=False).hexdigest() + "-1"
    return ObjectInfo(key, stat.st_size, stat.st_mtime, etag)
