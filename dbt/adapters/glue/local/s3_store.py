"""Buckets and objects as folders and files: `local_dir/s3/<bucket>/<key>`.

Spark reads and writes the same files, so a key is its path, nothing is encoded, and what a file
system cannot hold (`a` beside `a/b`, `a//b`) is refused.
"""

import hashlib
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .s3_errors import S3Error, no_such_bucket, no_such_key
from .s3_index import ObjectIndex, ObjectInfo
from .s3_mounts import MountTable

# S3 User Guide, "General purpose bucket naming rules".
_BUCKET_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_RESERVED = (("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3"))
# The look-ahead leaves out templates such as s3://data-{{ env }}: no bucket is called `data-`.
_BUCKET_IN_TEXT = re.compile(r"""\bs3[an]?://([A-Za-z0-9._-]+)(?=[/\s"'`,;)\]}>?#\\:]|$)""")
# A Spark Connect plan is binary: text ends at a zero byte.
_PLACE_IN_TEXT = re.compile(r"""\bs3[an]?://([a-z0-9.-]+)/([^\s\x00"'`,;)]+)""")
# Folders of a Spark or Hive write under way, empty at first.
_STAGING = ("_temporary", ".spark-staging", ".hive-staging")


@dataclass
class Staged:
    """A complete upload in a temporary file: size in bytes, md5 in hex."""

    path: Path
    size: int
    md5: str
    checksums: dict[str, str] = field(default_factory=dict)


class ObjectStore:
    """Thread-safe. Writes are atomic: a reader sees the old object or the new one."""

    def __init__(self, local_dir: Path) -> None:
        self.root = local_dir.absolute() / "s3"
        self._temporary = local_dir.absolute() / "tmp"
        self.root.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        self.index = ObjectIndex(local_dir / "s3.sqlite")
        self._lock = threading.RLock()
        self._mounts = MountTable(local_dir.absolute() / "mounts")
        self._mount()

    def close(self) -> None:
        self.index.close()

    def _mount(self) -> None:
        names = self.buckets()
        # Such buckets can only have been put there by hand; Spark would refuse the whole table.
        self._mounts.write({name: self.root / name for name in names if not clashing(name, names)})

    # Buckets

    def buckets(self) -> dict[str, float]:
        """Bucket name -> epoch seconds of its creation, in order of name."""
        found = {}
        for entry in sorted(os.scandir(self.root), key=lambda entry: entry.name):
            if is_bucket_name(entry.name) and entry.is_dir(follow_symlinks=False):
                known = self.index.bucket(entry.name)
                found[entry.name] = known[0] if known else entry.stat().st_mtime
        return found

    def create_bucket(self, name: str, location: str = "") -> bool:
        """True if it was made, False if it was there.

        S3Error InvalidBucketName, also for `a.b` where there is `a`.
        """
        if not is_bucket_name(name):
            message = "The specified bucket is not valid."
            raise S3Error("InvalidBucketName", message, BucketName=name)
        with self._lock:
            if (self.root / name).is_dir():
                return False
            if clash := clashing(name, self.buckets()):
                message = (
                    f"Local Glue cannot have the buckets {clash} and {name} side by side: Spark "
                    "tells them apart by the dots in their names. Take a name without dots, or "
                    "another local_dir."
                )
                raise S3Error("InvalidBucketName", message, BucketName=name)
            (self.root / name).mkdir()
            self.index.put_bucket(name, time.time(), location)
            self._mount()
        return True

    def ensure_buckets_in(self, text: str) -> list[str]:
        """Make the buckets that s3://, s3a:// and s3n:// addresses in `text` name; the new ones."""
        names = {name.rstrip(".") for name in _BUCKET_IN_TEXT.findall(text)}
        return [n for n in sorted(names) if is_bucket_name(n) and self.create_bucket(n)]

    def forget_dead_writes_in(self, text: str) -> None:
        """Remove what a killed session has left of a write that made no file yet, at the places
        that `text` names: on S3 there are no empty folders, and Spark would see them here."""
        for bucket, key in _PLACE_IN_TEXT.findall(text):
            folder = self.root / bucket / key.rstrip("/")
            if is_bucket_name(bucket) and ".." not in folder.parts and _is_dead_write(folder):
                _remove_empty(folder)

    def bucket_location(self, name: str) -> str:
        self.bucket(name)
        known = self.index.bucket(name)
        return known[1] if known else ""

    def delete_bucket(self, name: str) -> None:
        with self._lock:
            folder = self.bucket(name)
            if next(self.keys(name), None) is not None:
                message = "The bucket you tried to delete is not empty"
                raise S3Error("BucketNotEmpty", message, BucketName=name)
            _remove_empty(folder)
            self.index.forget_bucket(name)
            self._mount()

    def bucket(self, name: str) -> Path:
        """The bucket's folder. S3Error NoSuchBucket."""
        if not is_bucket_name(name) or not (self.root / name).is_dir():
            raise no_such_bucket(name)
        return self.root / name

    # Objects

    def path(self, bucket: str, key: str) -> Path | None:
        """The file of a key, or None where no file can have that name."""
        folder = self.bucket(bucket)
        parts = key.removesuffix("/").split("/")
        if "\0" in key or any(p in ("", ".", "..") or len(p.encode()) > 255 for p in parts):
            return None
        path = folder.joinpath(*parts)
        return path if path.resolve().is_relative_to(self.root.resolve() / bucket) else None

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """S3Error NoSuchBucket, NoSuchKey."""
        path = self.path(bucket, key)
        if path is None:
            raise no_such_key(key)
        if key.endswith("/"):
            there = path.is_dir() and key in self.index.folder_markers(bucket, key)
        else:
            there = path.is_file()
        if not there:
            raise no_such_key(key)
        return self.index.describe(bucket, [(key, path.stat())])[0]

    def open(self, bucket: str, key: str) -> tuple[ObjectInfo, BinaryIO | None]:
        """An object and its content; None for the content of a folder marker."""
        info = self.head(bucket, key)
        path = self.path(bucket, key)
        if key.endswith("/") or path is None:
            return info, None
        try:
            content = path.open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise no_such_key(key) from error
        # The file may have been replaced since: describe the one that is open.
        return self.index.describe(bucket, [(key, os.fstat(content.fileno()))])[0], content

    @contextmanager
    def stage(self, blocks: Iterable[bytes]) -> Iterator[Staged]:
        """Blocks into a temporary file, which is gone when the context ends."""
        path = self._temporary / uuid.uuid4().hex
        md5, size = hashlib.md5(usedforsecurity=False), 0
        try:
            with path.open("wb") as file:
                for block in blocks:
                    md5.update(block)
                    size += file.write(block)
            yield Staged(path, size, md5.hexdigest())
        finally:
            path.unlink(missing_ok=True)

    def commit(
        self,
        bucket: str,
        key: str,
        staged: Staged,
        headers: dict[str, str],
        *,
        etag: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> ObjectInfo:
        """Make a staged file the object; `etag` where it is not the md5.

        S3Error PreconditionFailed, KeyTooLongError, NotImplemented (no file can have this name).
        """
        path = self._writable_path(bucket, key)
        info = ObjectInfo(key, staged.size, 0, etag or staged.md5, headers, staged.checksums)
        with self._lock:
            self._check_conditions(bucket, key, if_match, if_none_match)
            if key.endswith("/"):
                self._make_folder(path, key, staged)
            else:
                self._replace(path, key, staged.path)
                (path.parent / f".{path.name}.crc").unlink(missing_ok=True)
            self.index.put(bucket, info, path.stat())
        return self.head(bucket, key)

    def _writable_path(self, bucket: str, key: str) -> Path:
        path = self.path(bucket, key)
        if len(key.encode()) > 1024:
            raise S3Error("KeyTooLongError", "Your key is too long", Key=key)
        if path is None:
            raise _unstorable(key, "empty, '.', '..' or too long parts of a key have no file name")
        return path

    def _check_conditions(
        self, bucket: str, key: str, if_match: str | None, if_none_match: str | None
    ) -> None:
        if if_match is None and if_none_match is None:
            return
        try:
            current = self.head(bucket, key).etag
        except S3Error:
            if if_match is not None:
                raise
            return
        failed = "If-None-Match" if if_none_match is not None else None
        if if_match is not None and if_match.strip('"') not in ("*", current):
            failed = "If-Match"
        if failed:
            message = "At least one of the pre-conditions you specified did not hold"
            raise S3Error("PreconditionFailed", message, Condition=failed)

    def _make_folder(self, path: Path, key: str, staged: Staged) -> None:
        if staged.size:
            raise _unstorable(key, "a key that ends in '/' is a folder and holds no bytes")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise _unstorable(key, "a part of the key is an object already") from error

    def _replace(self, path: Path, key: str, new: Path) -> None:
        while True:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    _remove_empty(path)
                os.replace(new, path)
                return
            except FileNotFoundError:
                if not new.exists():
                    raise
                # Spark removed the parent folder in between: make it again.
            except (FileExistsError, NotADirectoryError) as error:
                raise _unstorable(key, "a part of the key is an object already") from error
            except IsADirectoryError as error:
                raise _unstorable(key, "objects whose keys start with it exist") from error

    def delete(self, bucket: str, key: str) -> None:
        """An absent key is not an error. Folders left without any object vanish, as on S3."""
        path = self.path(bucket, key)
        if path is None:
            return
        with self._lock:
            self.index.forget(bucket, key)
            if key.endswith("/"):
                self._prune(bucket, path)
                return
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
                if path.is_file():
                    raise
                return
            (path.parent / f".{path.name}.crc").unlink(missing_ok=True)
            self._prune(bucket, path.parent)

    def _prune(self, bucket: str, folder: Path) -> None:
        top = self.root / bucket
        markers = self.index.folder_markers(bucket)
        while folder != top and folder.is_relative_to(top):
            prefix = f"{folder.relative_to(top).as_posix()}/"
            if any(marker.startswith(prefix) for marker in markers) or _in_use(folder):
                return
            _remove_empty(folder)
            folder = folder.parent

    def keys(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys with the prefix, behind `after`, in S3's order (that of their UTF-8 bytes)."""
        markers = self.index.folder_markers(bucket, prefix)
        return _walk(self.bucket(bucket), "", prefix, after, markers)

    def describe(self, bucket: str, keys: Iterable[str]) -> list[ObjectInfo]:
        """What a listing tells of keys; those that went away meanwhile are left out."""
        files = []
        for key in keys:
            path = self.root / bucket / key
            try:
                files.append((key, path.stat()))
            except (FileNotFoundError, NotADirectoryError):
                continue
        return self.index.describe(bucket, files)


def is_bucket_name(name: str) -> bool:
    prefixes, suffixes = _RESERVED
    return (
        _BUCKET_NAME.fullmatch(name) is not None
        and _IP_ADDRESS.fullmatch(name) is None
        and not name.startswith(prefixes)
        and not name.endswith(suffixes)
    )


def clashing(name: str, others: Iterable[str]) -> str | None:
    """The bucket that cannot be mounted beside `name`, for `a.b` that is `a`.

    Hadoop takes `fs.viewfs.mounttable.a.b.linkFallback` for an (invalid) entry of `a`, too
    (InodeTree), and refuses to open `a`.
    """
    for other in others:
        if name.startswith(f"{other}.") or other.startswith(f"{name}."):
            return other
    return None


def _unstorable(key: str, why: str) -> S3Error:
    message = f"Local Glue keeps objects as files, so it cannot store the key {key!r}: {why}."
    return S3Error("NotImplemented", message, Key=key)


def _entries(folder: Path) -> list[os.DirEntry]:
    """What counts in a folder: files and folders; no symbolic links, no checksum files."""
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not entry.is_symlink()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = {entry.name for entry in entries}
    return [entry for entry in entries if not _is_hidden(entry.name, names)]


def _is_hidden(name: str, names: set[str]) -> bool:
    """Hadoop's LocalFileSystem keeps `.name.crc` beside `name`."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return name.startswith(".") and name.endswith(".crc") and name[1:-4] in names


def _walk(
    folder: Path, folder_key: str, prefix: str, after: str, markers: set[str]
) -> Iterator[str]:
    found = [(f"{e.name}/" if e.is_dir() else e.name, e) for e in _entries(folder)]
    for name, entry in sorted(found, key=lambda pair: pair[0]):
        key = folder_key + name
        if not name.endswith("/"):
            if key.startswith(prefix) and key > after:
                yield key
        elif key.startswith(prefix) or prefix.startswith(key):
            if key <= after and not after.startswith(key):
                continue
            if key in markers and key > after:
                yield key
            yield from _walk(Path(entry.path), key, prefix, after, markers)


def _is_dead_write(folder: Path) -> bool:
    staged = any(entry.name.startswith(_STAGING) for entry in _entries(folder))
    return staged and not any(files for _, _, files in os.walk(folder))


def _in_use(folder: Path) -> bool:
    """Whether any file is below, or a write is under way."""
    for entry in _entries(folder):
        if not entry.is_dir() or entry.name.startswith(_STAGING):
            return True
        if _in_use(Path(entry.path)):
            return True
    return False


def _remove_empty(folder: Path) -> None:
    """Remove a tree of empty folders, stopping where something appeared in it meanwhile."""
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            continue
        except OSError:
            return
