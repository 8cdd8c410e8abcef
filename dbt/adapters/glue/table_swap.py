"""A table or view that was built under another name takes the place of the one that is there.

The Data Catalog has no rename: the entry of the target becomes that of the new relation, by one
UpdateTable. Where the partition keys differ, or partitions hold files of another format, one entry
cannot become the other: it is deleted and made again, a window of a few calls.

The entry of the new relation goes first. Whoever reads a Hudi table has Hudi look in the catalog
for the name in hoodie.properties, that of the new relation: once whether it is there, and if it is,
for what it says (HoodieFileIndex.getConfigProperties, Hudi 1.0.2). It must not go in between.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from dbt.adapters.glue import table_metadata
from dbt.adapters.glue.catalog import DataCatalog, partition_input_of, table_input_of
from dbt.adapters.glue.exceptions import CatalogError, GlueError

Name = tuple[str, str]  # schema, table
Table = dict[str, Any]

# Parameters that Spark and the metastore write by themselves.
SYSTEM_PARAMETERS = frozenset(
    {"EXTERNAL", "comment", "transient_lastDdlTime", "last_modified_by", "last_modified_time"}
    | {"numFiles", "numRows", "rawDataSize", "totalSize", "COLUMN_STATS_ACCURATE"}
    | {"numFilesErasureCoded", "bucketing_version"}
)
SYSTEM_OPTIONS = ("path", "serialization.format")


@dataclass(frozen=True)
class Definition:
    """What CREATE TABLE says of a Hive-format table besides columns and place."""

    table_format: str | None
    properties: dict[str, str]
    options: dict[str, str]
    comment: str | None = None


class Swapped(NamedTuple):
    """Tables of the catalog: the target as it was, if it was there, and what it has become."""

    before: Table | None
    after: Table


class Swaps:
    """Those under way: a process that is to end waits for them, or a table might be gone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Until none is under way; False if one still is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._count, seconds)


def definition_of(table: Table) -> Definition | None:
    """None for a table with partitions or buckets, which cannot be moved by its location alone."""
    storage = table.get("StorageDescriptor") or {}
    if table_metadata.is_view(table) or table.get("PartitionKeys") or storage.get("BucketColumns"):
        return None
    settings = table_metadata.parameters(table)
    if any(key.startswith("spark.sql.sources.schema.numBuckets") for key in settings):
        return None
    serde = (storage.get("SerdeInfo") or {}).get("Parameters") or {}
    return Definition(
        table_metadata.format_of(table),
        {
            key: value
            for key, value in settings.items()
            if key not in SYSTEM_PARAMETERS and not key.startswith("spark.sql.")
        },
        {key.lower(): value for key, value in serde.items() if key not in SYSTEM_OPTIONS},
        settings.get("comment") or None,
    )


def put_in_place(
    catalog: DataCatalog, staging: Name, target: Name, known: Table | None = None
) -> Swapped:
    """Makes the catalog entry of `target` that of `staging`, whose own entry goes.

    known: the target's Table as it was last seen: while its VersionId holds, it is not asked for.
    Raises CatalogError where the staging table is absent or the catalog refuses; the target is as
    it was then, and the data of the staging table has no entry.
    """
    staged = catalog.get_table(*staging)
    if staged is None:
        raise CatalogError(
            f"{'.'.join(staging)} is not in the catalog", code="EntityNotFoundException"
        )
    is_hudi = table_metadata.format_of(staged) == "hudi"
    changes = _hudi_names(staged, target) if is_hudi else {}
    before = _put(catalog, staging, target, staged, changes, known)
    for suffix in table_metadata.hudi_query_suffixes(staged):
        beside = staging[0], staging[1] + suffix
        if (table := catalog.get_table(*beside)) is not None:
            _put(catalog, beside, (target[0], target[1] + suffix), table, {})
    return Swapped(before, staged)


def _put(
    catalog: DataCatalog,
    staging: Name,
    target: Name,
    staged: Table,
    changes: dict[str, Any],
    known: Table | None = None,
) -> Table | None:
    """Returns what the target was before."""
    wanted = table_input_of(staged, Name=target[1].lower(), **changes)
    partitions = _partitions(catalog, staging, staged)
    catalog.delete_table(*staging)
    current = known if _update_known(catalog, target, known, staged, wanted) else None
    updated = current is not None
    current = current or catalog.get_table(*target)
    if current is None:
        _create(catalog, target, wanted, partitions)
    elif updated or _can_become(current, staged):
        if not updated:
            catalog.update_table(target[0], wanted)
        _move_partitions(catalog, target, _partitions(catalog, target, current), partitions)
    else:
        _make_again(catalog, target, current, wanted, partitions)
    place = table_metadata.location_of(staged)
    if known and place and place == table_metadata.location_of(current or {}):
        return known  # the update was made, and its answer lost: what was found is the new entry
    return current


def _update_known(
    catalog: DataCatalog, target: Name, known: Table | None, staged: Table, wanted: Table
) -> bool:
    version = (known or {}).get("VersionId")
    if known is None or not version or not _can_become(known, staged):
        return False
    return catalog.update_version(target[0], wanted, version)


def _can_become(current: Table, staged: Table) -> bool:
    keys = [_names(table.get("PartitionKeys") or []) for table in (current, staged)]
    formats = [table_metadata.format_of(table) for table in (current, staged)]
    return keys[0] == keys[1] and (not keys[0] or formats[0] == formats[1])


def _names(keys: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(key["Name"].lower(), key.get("Type", "string").lower()) for key in keys]


def _make_again(
    catalog: DataCatalog,
    target: Name,
    current: Table,
    wanted: Table,
    partitions: list[dict[str, Any]],
) -> None:
    before = table_input_of(current)
    partitions_before = _partitions(catalog, target, current)
    catalog.delete_table(*target)
    try:
        _create(catalog, target, wanted, partitions)
    except GlueError as error:
        try:
            catalog.delete_table(*target)
            _create(catalog, target, before, partitions_before)
        except GlueError as lost:
            raise CatalogError(
                f"{error.message}\nThe older entry of {'.'.join(target)} could not be put back: "
                f"{lost.message}",
                hint="Run dbt again once AWS answers: it makes the table anew. The older data is "
                f"at {table_metadata.location_of(current)}.",
                operation="CreateTable",
            ) from error
        raise


def _create(
    catalog: DataCatalog, target: Name, table_input: Table, partitions: list[dict[str, Any]]
) -> None:
    catalog.create_table(target[0], table_input)
    catalog.create_partitions(*target, partitions)


def _move_partitions(
    catalog: DataCatalog,
    target: Name,
    current: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
) -> None:
    """Those that stay are moved first: a reader finds the older or the newer rows of each."""
    there = {tuple(partition["Values"]) for partition in current}
    asked = {tuple(partition["Values"]) for partition in wanted}
    catalog.update_partitions(*target, [p for p in wanted if tuple(p["Values"]) in there])
    catalog.create_partitions(*target, [p for p in wanted if tuple(p["Values"]) not in there])
    catalog.delete_partitions(*target, [list(values) for values in sorted(there - asked)])


def _partitions(catalog: DataCatalog, name: Name, table: Table) -> list[dict[str, Any]]:
    if not table.get("PartitionKeys"):
        return []
    return [partition_input_of(partition) for partition in catalog.get_partitions(*name)]


def _hudi_names(staged: Table, target: Name) -> dict[str, Any]:
    """Hudi's writers tell the catalog of changes under the name in hoodie.properties, which is
    the staging table's, unless the table itself says another one."""
    settings = {
        "hoodie.datasource.hive_sync.database": target[0].lower(),
        "hoodie.datasource.hive_sync.table": target[1].lower(),
    }
    return {"Parameters": table_metadata.parameters(staged) | settings}
