"""When the rows of a table were last written, by its own metadata: no session, no query.

The Data Catalog alone cannot say: an INSERT of Spark or a file that lands in S3 leaves UpdateTime
as it is, and a comment changes it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from dbt.adapters.glue import iceberg_clone, table_metadata
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.exceptions import NotImplementedByGlue
from dbt.adapters.glue.locations import covers, split_location
from dbt.adapters.glue.storage import TableStorage

# Where the formats write each commit.
LOGS = {"delta": "_delta_log", "hudi": ".hoodie"}


def last_modified(
    table: dict[str, Any], catalog: DataCatalog, storage: TableStorage
) -> datetime | None:
    """When a Table of GetTable was last written, None where it never was.

    Iceberg: the time of the last snapshot that compaction has not made. Delta, Hudi: the newest
    file of the log, maintenance included. Others: the newest file of the table and of its
    partitions, but for those that Spark does not read; that lists them all, 1,000 a call. Raises
    NotImplementedByGlue for views and what is not in S3.
    """
    file = table_metadata.parameters(table).get("metadata_location")
    if file:
        return _of_snapshot(iceberg_clone.read(storage.read(file)))
    place = table_metadata.location_of(table)
    if place is None or not place.startswith("s3"):
        what = "a view" if table_metadata.is_view(table) else f"at {place or 'no location'}"
        raise NotImplementedByGlue(
            f"{table.get('DatabaseName')}.{table['Name']} is {what}: no metadata says when its "
            "rows were last written.",
            hint="Give the source a `loaded_at_field` or `loaded_at_query`.",
        )
    log = LOGS.get(table_metadata.format_of(table) or "")
    if log:
        return _newest(storage.objects_below(f"{place}/{log}"))
    places = _distinct([place, *_places_of_partitions(table, catalog)])
    return _newest(item for each in places for item in _read_by_spark(each, storage))


def _of_snapshot(metadata: dict[str, Any]) -> datetime | None:
    """Of the current snapshot, or of the one before it that was no compaction, if it is there."""
    snapshots = {each["snapshot-id"]: each for each in metadata.get("snapshots") or ()}
    found = snapshots.get(metadata.get("current-snapshot-id"))
    while found and (found.get("summary") or {}).get("operation") == "replace":
        before = snapshots.get(found.get("parent-snapshot-id"))
        if before is None:
            break
        found = before
    return datetime.fromtimestamp(found["timestamp-ms"] / 1000, timezone.utc) if found else None


def _newest(objects: Iterable[dict[str, Any]]) -> datetime | None:
    return max((item["LastModified"] for item in objects), default=None)


def _read_by_spark(place: str, storage: TableStorage) -> Iterator[dict[str, Any]]:
    """Spark takes names that begin with `_` or `.` for hidden, but for folders of partitions."""
    _, prefix = split_location(place)
    for item in storage.objects_below(place):
        below = item["Key"][len(prefix) :].strip("/").split("/")
        if not any(part[:1] in ("_", ".") and "=" not in part for part in below):
            yield item


def _places_of_partitions(table: dict[str, Any], catalog: DataCatalog) -> Iterator[str]:
    if table.get("PartitionKeys"):
        for partition in catalog.get_partitions(table["DatabaseName"], table["Name"]):
            location = (partition.get("StorageDescriptor") or {}).get("Location")
            if location:
                yield location.rstrip("/")


def _distinct(places: list[str]) -> list[str]:
    """Without those that lie in one of the others."""
    found: list[str] = []
    for place in sorted(places, key=lambda each: each.split("/")):
        if not (found and covers(found[-1], place)):
            found.append(place)
    return found
