"""TableStorage: where tables live on S3, and which of it dbt may delete."""

import functools
import itertools
import math
import re
import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from dbt.adapters.glue.aws_answers import fault_of
from dbt.adapters.glue.build_folders import base_of, build_name, is_abandoned, is_left_over
from dbt.adapters.glue.clients import GlueClients, call
from dbt.adapters.glue.exceptions import CatalogError, ConfigurationError, HoldsOthers, NotOwned
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.locations import lies_under, same_location, split_location
from dbt.adapters.glue.ownership import Ownership
from dbt.adapters.glue.table_options import custom_location

OBJECTS_A_BATCH = 1000  # DeleteObjects of S3
FOLDER_PAGES = 5  # of 1000; a place with more folders is not listed to its end
# Folders of ours below the profile's location.
TEMPORARY_FOLDER = "_dbt_glue_tmp"
RESULTS_FOLDER = "_dbt_glue_results"
OWN_PLACE = "Delete it yourself, or give the table a location of its own."


class TableStorage:
    """The data of tables under the profile's `location`: ownership.py says which of it is dbt's."""

    def __init__(
        self,
        clients: GlueClients,
        known: KnownCatalog,
        location: str | None,
        root_location: bool = False,
    ) -> None:
        self._clients = clients
        self._known = known
        self._location = location.rstrip("/") if location else None
        self._root_location = root_location
        self.ownership = Ownership(known, self._location)
        self._folders = Folders(self._folders_in)

    @property
    def location(self) -> str | None:
        """The profile's, without a slash at its end."""
        return self._location

    def location_for(self, schema: str | None, name: str, custom: str | None = None) -> str:
        """Where a table's data goes, without a trailing slash; a custom location wins, in which
        `{schema}` and `{name}` stand for the table's own.

        Raises ConfigurationError where the profile has no `location`.
        """
        if (custom := custom_location(custom)) is not None:
            return _filled(custom, {"schema": schema or "", "name": name})
        base = self._base(f"{schema}.{name}")
        return "/".join([base, name] if self._root_location else [base, schema or "", name])

    def database_location(self, schema: str) -> str | None:
        """The LocationUri of a database that dbt creates."""
        return f"{self._location}/{schema}/" if self._location else None

    def clear(self, schema: str, name: str, location: str) -> int:
        """`delete_data` for a table that is about to be made there.

        The folders beside it are listed once a run; where there is none of its name, nothing is
        asked: Spark refuses to make a table in a folder that has come into being since.
        """
        if not self._folders.take(location):
            return 0
        return self._delete_all(schema, name, location, is_new=True)

    def delete_data(self, schema: str, name: str, location: str, custom: str | None = None) -> int:
        """Deletes every object below a location that dbt owns; returns how many.

        Raises NotOwned where it does not own it, HoldsOthers where something else lies there. The
        catalog is asked only if there is anything.
        """
        return self._delete_all(schema, name, location, custom)

    def _delete_all(
        self, schema: str, name: str, location: str, custom: str | None = None, is_new: bool = False
    ) -> int:
        if reason := self.ownership.why_not_ours(location, custom):
            raise NotOwned(_undeleted(f"{schema}.{name}", location, reason), hint=OWN_PLACE)
        keys = self._keys(*split_location(location))
        first = list(itertools.islice(keys, 1))
        if not first:
            self._folders.emptied(location)
            return 0
        if is_new:
            self._check_absent(schema, name)
        if holder := self.ownership.holds_others(schema, {name}, location):
            raise HoldsOthers(_undeleted(f"{schema}.{name}", location, holder), hint=OWN_PLACE)
        deleted = self._delete(location, itertools.chain(first, keys))
        self._folders.emptied(location)
        return deleted

    def _check_absent(self, schema: str, name: str) -> None:
        """The listing may be older than the table, or Lake Formation may have kept it out."""
        if self._known.catalog.get_table(schema, name) is not None:
            raise CatalogError(
                f"{schema}.{name} was not in the list of tables, and is in the Data Catalog.",
                hint="Another process has made it since this run began: run dbt again. If it stays "
                "so, the role lacks DESCRIBE on the table in Lake Formation.",
                operation="GetTable",
            )

    def delete_left_over(self, schema: str, location: str, custom: str | None) -> int:
        """`delete_data` of what no table has: whichever lies there by now, in any schema, keeps
        it."""
        if holder := self.ownership.holds_any(schema, location):
            raise HoldsOthers(_undeleted(schema, location, holder), hint=OWN_PLACE)
        return self._delete_all(schema, "", location, custom)

    def delete_older_builds(
        self,
        schema: str,
        name: str,
        old: str,
        new: str | None,
        left_at: datetime,
        custom: str | None = None,
    ) -> int:
        """Deletes what a table has left behind that lay at `old` and since `left_at` lies at `new`,
        or nowhere: all below its base but `new` and what another run has written or may be writing.

        Raises NotOwned where dbt does not own it.
        """
        base = base_of(old)
        if new and same_location(base, new):
            return 0
        bucket, prefix = split_location(base)
        kept = f"{split_location(new)[1]}/" if new and lies_under(new, base) else None
        reason = self.ownership.why_not_ours(base, custom) or self.ownership.holds_others(
            schema, {name}, base
        )
        if reason:
            raise NotOwned(_undeleted(f"{schema}.{name}", old, reason), hint=OWN_PLACE)
        left_at = left_at.replace(microsecond=0)  # S3 tells whole seconds
        left = (
            item["Key"]
            for item in self._objects(bucket, prefix)
            if item["LastModified"] < left_at
            and not (kept and item["Key"].startswith(kept))
            and is_left_over(item["Key"][len(prefix) + 1 :], build_name(old))
        )
        return self._delete(base, left)

    def refuse_to_share(
        self, schema: str, name: str, location: str, with_it: Iterable[str] = ()
    ) -> None:
        """Raises NotOwned where data of another table or database lies below the location, so
        that no table can be made there. with_it: tables that go when this one is dropped."""
        holder = self.ownership.holds_others(schema, {name, *with_it}, location)
        if holder and next(self._keys(*split_location(location)), None) is not None:
            raise NotOwned(
                f"{schema}.{name} cannot be made anew at {location}: {holder}",
                hint="Move one of the two to a location of its own.",
            )

    def delete_temporary(self, path: str) -> int:
        """Deletes a folder that `new_temporary` named, or a folder of results."""
        folder, _, name = path.rpartition("/")
        if not name or folder.rpartition("/")[2] not in (TEMPORARY_FOLDER, RESULTS_FOLDER):
            raise ConfigurationError(f"{path} is not a temporary folder of dbt-glue")
        return self._delete(path, self._keys(*split_location(path)))

    def clear_folder(self, folder: str, own: Collection[str] = ()) -> int:
        """Deletes, in one of our folders, all below `own` and what killed runs have left."""
        base = f"{self._base(folder)}/{folder}"
        bucket, prefix = split_location(base)
        mine = tuple(f"{split_location(place)[1]}/" for place in own)
        left = (
            item["Key"]
            for item in self._objects(bucket, prefix)
            if item["Key"].startswith(mine) or is_abandoned(item["LastModified"])
        )
        return self._delete(base, left)

    def objects_below(self, location: str) -> Iterator[dict[str, Any]]:
        """ListObjectsV2's Contents; of the whole bucket for a location without a key."""
        bucket, prefix = split_location(location)
        if prefix:
            yield from self._objects(bucket, prefix)
        else:
            for page in self._pages(Bucket=bucket):
                yield from page.get("Contents", ())

    def folders_below(self, location: str, begin: str = "") -> set[str]:
        """Names of the folders right below a location that begin so."""
        return self._folders_in(location, begin, math.inf) or set()

    def new_temporary(self) -> str:
        """A unique folder for files of one statement, `<location>/_dbt_glue_tmp/<id>`."""
        return f"{self._base('temporary files')}/{TEMPORARY_FOLDER}/{uuid.uuid4().hex}"

    def read(self, location: str) -> bytes:
        """The whole of one object."""
        bucket, key = split_location(location)

        @functools.wraps(self._clients.s3.get_object)
        def read(**place: str) -> dict[str, Any]:
            answer = self._clients.s3.get_object(**place)
            return {**answer, "Body": answer["Body"].read()}

        body: bytes = call("GetObject", read, Bucket=bucket, Key=key)["Body"]
        return body

    def put(self, location: str, body: bytes) -> None:
        bucket, key = split_location(location)
        call("PutObject", self._clients.s3.put_object, Bucket=bucket, Key=key, Body=body)

    def ensure_bucket(self) -> None:
        """Creates the bucket of the profile's location: for local Glue only."""
        bucket, _ = split_location(self._base("the bucket"))
        try:
            call("CreateBucket", self._clients.s3.create_bucket, Bucket=bucket)
        except CatalogError as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def _base(self, what: str) -> str:
        if self._location is None:
            raise ConfigurationError(
                f"{what} needs a place: the profile has no location",
                hint="Set location: s3://bucket/path in the profile, or custom_location in the "
                "model's config.",
            )
        return self._location

    def _delete(self, location: str, found: Iterable[str]) -> int:
        bucket, prefix = split_location(location)
        if not prefix:
            raise ConfigurationError(f"{location} is the root of a bucket: nothing was deleted")
        delete_objects = self._clients.s3.delete_objects

        @functools.wraps(delete_objects)
        def delete(**request: Any) -> Any:
            answer = delete_objects(**request)
            for failed in answer.get("Errors", ()):
                raise CatalogError(
                    f"s3://{bucket}/{failed.get('Key')}: {failed.get('Message')}",
                    operation="DeleteObjects",
                    code=failed.get("Code"),
                    fault=fault_of(failed.get("Code")),
                )
            return answer

        deleted = 0
        for keys in _batches(found):
            objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
            call("DeleteObjects", delete, Bucket=bucket, Delete=objects)
            deleted += len(keys)
        return deleted

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        return (item["Key"] for item in self._objects(bucket, prefix))

    def _objects(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._pages(Bucket=bucket, Prefix=f"{prefix}/"):
            yield from page.get("Contents", ())

    def _folders_in(
        self, parent: str, begin: str = "", pages: float = FOLDER_PAGES
    ) -> set[str] | None:
        """Names of the folders below a location; None where there are too many to list."""
        bucket, prefix = split_location(parent)
        prefix = f"{prefix}/" if prefix else ""
        found: set[str] = set()
        listed = self._pages(Bucket=bucket, Prefix=prefix + begin, Delimiter="/")
        for number, page in enumerate(listed):
            if number == pages:
                return None
            for item in page.get("CommonPrefixes", ()):
                found.add(item["Prefix"][len(prefix) :].rstrip("/"))
        return found

    def _pages(self, **what: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            page = call("ListObjectsV2", self._clients.s3.list_objects_v2, **what, **token)
            yield page
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}


class Folders:
    """Which folders there are beside a table's; a parent's are listed once a run."""

    def __init__(self, folders_in: Callable[[str], set[str] | None]) -> None:
        self._folders_in = folders_in
        self._lock = threading.Lock()
        self._there: dict[str, set[str] | None] = {}

    def take(self, location: str) -> bool:
        """Whether there may be anything in the folder. From now on there may be."""
        parent, _, name = location.rpartition("/")
        with self._lock:
            if parent not in self._there:
                self._there[parent] = self._folders_in(parent)
            there = self._there[parent]
            if there is None or name in there:
                return True
            there.add(name)
            return False

    def emptied(self, location: str) -> None:
        parent, _, name = location.rpartition("/")
        with self._lock:
            there = self._there.get(parent)
            if there is not None:
                there.discard(name)


def _filled(template: str, values: dict[str, str]) -> str:
    """A custom location for one table. Raises ConfigurationError for a name that is not known."""
    for name in re.findall(r"{([^{}]*)}", template):
        if name not in values:
            known = " and ".join(f"{{{known}}}" for known in values)
            raise ConfigurationError(
                f"custom_location: got {{{name}}} in {template!r}, expected {known}",
                hint="Whatever else it depends on is for Jinja: {{ target.name }}, {{ var('x') }}.",
            )
        template = template.replace(f"{{{name}}}", values[name])
    split_location(template)
    return template.strip().rstrip("/")


def _undeleted(table: str, location: str, reason: str) -> str:
    return f"The data of {table} at {location} was not deleted: {reason}"


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == OBJECTS_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
