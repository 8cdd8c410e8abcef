"""The Data Catalog's objects: the Hive metastore and the version store, seen as one."""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from hive_metastore import ttypes as hive
from hive_metastore.ThriftHiveMetastore import Client

from . import table_mapping as mapping
from .errors import (
    AccessDeniedException,
    AlreadyExistsException,
    ApiError,
    EntityNotFoundException,
    InternalServiceException,
    InvalidInputException,
)
from .metastore import Metastore, MetastoreError
from .versions import DATABASE, TABLE, Entity, Seen, VersionStore

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
PAGE_SIZE = 100
# The metastore reads a table with ten queries, one table after the other: read parts at once.
_PART = 25

T = TypeVar("T")


class CatalogStore:
    """Reads and writes of databases and tables for the operations of the Glue API.

    A database's lock is held while its objects are read from the metastore and compared with
    their versions, and while they are changed, so that an own change never looks like Spark's.
    """

    def __init__(self, metastore: Metastore, versions: VersionStore) -> None:
        self.metastore = metastore
        self.versions = versions
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="metastore-read")
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._locks_lock = threading.Lock()

    def close(self) -> None:
        self._readers.shutdown()

    @contextmanager
    def locked(self, database: str) -> Iterator[None]:
        with self._locks_lock:
            lock = self._locks[database]
        with lock:
            yield

    def hive(self, call: Callable[[Client], T], *, missing: str = "", existing: str = "") -> T:
        """One metastore call; its exceptions become the API's, with AWS's messages."""
        try:
            return self.metastore.call(call)
        except hive.NoSuchObjectException as error:
            raise EntityNotFoundException(missing or str(error.message)) from error
        except hive.AlreadyExistsException as error:
            raise AlreadyExistsException(existing or str(error.message)) from error
        except (
            hive.InvalidObjectException,
            hive.InvalidOperationException,
            hive.MetaException,
        ) as error:
            raise InvalidInputException(
                f"The Hive metastore of local Glue refused this: {error.message}"
            ) from error
        except MetastoreError as error:
            raise InternalServiceException(str(error)) from error

    def database(self, name: str) -> Entity:
        name = name.lower()
        with self.locked(name):
            found = self.hive(lambda c: c.get_database(name), missing=f"Database {name} not found.")
            return self.versions.observe(DATABASE, "", [_seen_database(found)])[0]

    def databases(self, names: Sequence[str]) -> list[Entity]:
        """Those of `names` that exist, in order."""
        result = []
        for name in names:
            try:
                result.append(self.database(name))
            except EntityNotFoundException:
                continue  # dropped since the names were listed
        return result

    def require_database(self, name: str) -> str:
        """The name as the catalog keeps it. Raises EntityNotFoundException."""
        name = name.lower()
        self.hive(lambda c: c.get_database(name), missing=f"Database {name} not found.")
        return name

    def hive_table(self, database: str, name: str) -> Any:
        missing = f"Table {name} not found."
        return self.hive(lambda c: c.get_table(database, name), missing=missing)

    def table(self, database: str, name: str) -> Entity:
        """Raises EntityNotFoundException for the database or the table."""
        database, name = database.lower(), name.lower()
        with self.locked(database):
            try:
                found = self.hive_table(database, name)
            except EntityNotFoundException:
                self.require_database(database)
                raise
            return self.versions.observe(TABLE, database, [seen_table(found)])[0]

    def tables(self, database: str, names: Sequence[str]) -> list[Entity]:
        """Those of `names` that exist, in order."""
        if not names:
            return []
        with self.locked(database):
            parts = [list(names[start : start + _PART]) for start in range(0, len(names), _PART)]
            found = [
                table
                for tables in self._readers.map(
                    lambda part: self.hive(lambda c: c.get_table_objects_by_name(database, part)),
                    parts,
                )
                for table in tables
            ]
            entities = self.versions.observe(TABLE, database, [seen_table(each) for each in found])
        order = {name: number for number, name in enumerate(names)}
        return sorted(entities, key=lambda entity: order[entity.name])


def seen_table(table: Any) -> Seen:
    return Seen(table.tableName, mapping.table_from_hive(table), table.createTime or 0)


def _seen_database(database: Any) -> Seen:
    return Seen(database.name, mapping.database_from_hive(database), 0)


def database_arn(name: str) -> str:
    return f"arn:aws:glue:{REGION}:{ACCOUNT_ID}:database/{name}"


def check_catalog(request: dict[str, Any], operation: str) -> None:
    """Local Glue has one catalog, that of its own account."""
    catalog = request.get("CatalogId", ACCOUNT_ID)
    if catalog == ACCOUNT_ID:
        return
    if catalog.startswith(f"{ACCOUNT_ID}:"):
        raise EntityNotFoundException(
            f"Catalog {catalog} not found. Local Glue has the catalog {ACCOUNT_ID} only."
        )
    raise AccessDeniedException(
        f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/LocalGlue/local is not authorized to "
        f"perform: glue:{operation} on resource: arn:aws:glue:{REGION}:{catalog}:catalog"
    )


def page(
    names: Sequence[str], request: dict[str, Any], size: int = PAGE_SIZE
) -> tuple[Sequence[str], dict[str, str]]:
    """The names of one page and, where more follow, `{"NextToken": …}`.

    A token holds the last name of its page, so that it stays good while objects come and go.
    `names` is sorted. Raises InvalidInputException on a token that we did not give.
    """
    start = 0
    if request.get("NextToken"):
        last = _token_name(request["NextToken"])
        start = next((number for number, name in enumerate(names) if name > last), len(names))
    end = start + request.get("MaxResults", size)
    token = {"NextToken": _token(names[end - 1])} if end < len(names) else {}
    return names[start:end], token


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": name}).encode()).decode()


def _token_name(token: str) -> str:
    try:
        return str(json.loads(base64.urlsafe_b64decode(token.encode()))["after"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputException("Invalid pagination token provided.") from error


def error_detail(error: ApiError) -> dict[str, str]:
    """Glue's ErrorDetail, as the Batch… operations answer it."""
    return {"ErrorCode": error.code, "ErrorMessage": error.message}
