"""Microbatch: how the rows of one batch's time are replaced in each format.

A table format replaces the rows of the window by their `event_time`. Other formats and Hudi replace
the partitions that the batch has rows of; what these hold of other times is written again with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.sql_text import literal, quoted
from dbt.adapters.glue.table_format import DEFAULT_FORMAT, FORMATS, TableFormat, table_format

# The sizes of batches, and of Iceberg's partition transforms, from fine to coarse.
SIZES = ("hour", "day", "month", "year")
TRANSFORM = re.compile(r"(hour|day|date|month|year)s?\s*\(\s*`?(\w+)`?\s*\)", re.I)
SIZE_OF = {"date": "day"}


def refusal(table_format: TableFormat, config: Mapping[str, Any]) -> str | None:
    """What is wrong with a microbatch model's configs, and what to do."""
    # without an atomic merge a batch replaces the partitions that it writes
    if not table_format.atomic_merge and not config.get("partition_by"):
        return (
            f"partition_by: got none, expected the partition that holds one batch: microbatch on "
            f"file_format {table_format.name} replaces partitions. Partition by a column of the "
            f"grain of batch_size ({config.get('batch_size')}), or use file_format iceberg or "
            "delta."
        )
    by_partition = table_format.datalake_format is None  # the user says that they are fine enough
    if (
        config.get("concurrent_batches")
        and not by_partition
        and not concurrent(table_format, config)
    ):
        return (
            f"concurrent_batches: got true for file_format {table_format.name}, expected false: "
            f"{why_not_concurrent(table_format)}. Remove it."
        )
    return None


def concurrent(table_format: TableFormat, config: Mapping[str, Any]) -> bool:
    """Whether batches of a model are sure not to meet when they are written at the same time."""
    return table_format.datalake_format in (None, "iceberg") and is_aligned(table_format, config)


def why_not_concurrent(table_format: TableFormat) -> str:
    if table_format.datalake_format == "iceberg":
        return (
            "batches of an Iceberg table conflict unless partition_by has a transform of "
            "event_time, as fine as batch_size or finer"
        )
    return f"commits of {table_format.name} that replace rows conflict with each other"


def is_aligned(table_format: TableFormat, config: Mapping[str, Any]) -> bool:
    """Whether the table's partitions by event_time lie whole in one batch each.

    Then Iceberg replaces a batch by metadata alone, whatever other batches commit meanwhile.
    """
    given = config.get("partition_by") or []
    batch = SIZES.index(size) if (size := size_of(config)) in SIZES else -1
    event_time = str(config.get("event_time")).lower()
    for item in [given] if isinstance(given, str) else given:
        if str(item).strip("` ").lower() == event_time:
            return True
        found = (
            TRANSFORM.fullmatch(str(item).strip()) if table_format.partition_transforms else None
        )
        if found and found[2].lower() == event_time:
            grain = found[1].lower()
            if SIZES.index(SIZE_OF.get(grain, grain)) <= batch:
                return True
    return False


def size_of(config: Mapping[str, Any]) -> str:
    size = config.get("batch_size")
    return str(getattr(size, "value", size)).lower()


def window(
    event_time: str,
    types: Mapping[str, str],
    start: datetime | None,
    end: datetime | None,
    table_format: TableFormat,
) -> str:
    """The condition of a batch's rows in the table, start included, end excluded.

    types: of the table's columns, by their names in lower case. Batches begin and end in UTC.
    Raises ConfigurationError where the table has no such column, or a date for batches of hours.
    """
    if event_time.lower() not in types:
        raise ConfigurationError(
            f"event_time: got {event_time}, expected a column of the table, which has "
            f"{', '.join(types)}",
            hint="Have the query return it; a table without it needs one --full-refresh.",
        )
    column, kind = quoted(event_time), types[event_time.lower()].lower()
    if kind == "date" and any(moment and moment.time() != time() for moment in (start, end)):
        raise ConfigurationError(
            f"event_time: got {event_time}, which is a date, for batch_size hour, expected a time: "
            "a batch of an hour has no date",
            hint="Set batch_size to day, or event_time to a timestamp.",
        )
    if kind not in ("date", "timestamp", "timestamp_ntz"):
        column, kind = f"cast({column} as timestamp)", "timestamp"
    elif kind == "timestamp" and table_format.datalake_format == "iceberg":
        # the Data Catalog has this one word for both of an Iceberg table; Spark takes a text for
        # the column's own type, as it does where dbt filters the rows of a batch
        kind = ""
    return _between(column, kind, start, end)


def _between(column: str, kind: str, start: datetime | None, end: datetime | None) -> str:
    bounds = []
    for operator, moment in ((">=", start), ("<", end)):
        if moment is not None:
            bounds.append(f"{column} {operator} {_literal(kind, moment)}")
    return " and ".join(bounds) or "true"


def _literal(kind: str, moment: datetime) -> str:
    if kind == "date":
        return f"date'{moment:%Y-%m-%d}'"
    zone = "" if kind == "timestamp_ntz" else "+00:00"  # which a text as timestamp_ntz leaves out
    return f"{kind}'{moment:%Y-%m-%d %H:%M:%S}{zone}'"


def of_partitions(
    columns: Sequence[tuple[str, str]], partitions: Iterable[Sequence[str | None]]
) -> str:
    """The condition of the rows of these partitions, each the values of the columns as text.

    columns: names as SQL has them, and types.
    """
    *outer, last = columns
    found: dict[tuple[str | None, ...], list[str | None]] = {}
    for partition in partitions:
        found.setdefault(tuple(partition[:-1]), []).append(partition[-1])
    conditions = []
    for values, inner in found.items():
        parts = [_one_of(column, [value]) for column, value in zip(outer, values, strict=True)]
        conditions.append(" and ".join([*parts, _one_of(last, inner)]))
    return f"({' or '.join(conditions)})" if conditions else "false"


def _one_of(column: tuple[str, str], values: Iterable[str | None]) -> str:
    """A null and an empty text are one partition of a Hive table."""
    name, kind = column
    given = set(values)
    texts = sorted(value for value in given if value is not None)
    shown = (literal(x) if kind == "string" else f"cast({literal(x)} as {kind})" for x in texts)
    conditions = [f"{name} in ({', '.join(shown)})"] if texts else []
    if given & {None, ""}:
        conditions.append(f"{name} is null")
    return f"({' or '.join(conditions)})"


def run_one_by_one(nodes: Iterable[Any]) -> None:
    """Sets concurrent_batches: false on models whose batches conflict, unless they say otherwise.

    dbt asks the adapter as a whole whether batches may be concurrent, and then each model.
    """
    for node in nodes:
        config: Any = getattr(node, "config", None)
        if not hasattr(config, "get") or config.get("incremental_strategy") != "microbatch":
            continue
        # a database is a table bucket's: the model is in S3 Tables, whatever file_format says
        given = "s3tables" if getattr(node, "database", None) else config.get("file_format")
        name = str(given or DEFAULT_FORMAT).strip().lower()
        unsafe = name in FORMATS and not concurrent(table_format(name), config)
        if config.get("concurrent_batches") is None and unsafe:
            config.concurrent_batches = False
