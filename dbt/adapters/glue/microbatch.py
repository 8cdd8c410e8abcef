"""Microbatch: how the rows of one batch's time are replaced in each format.

A table format replaces the rows of the window by their `event_time`, other formats and Hudi the
partitions that the batch has rows of.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dbt.adapters.glue.sql_text import quoted
from dbt.adapters.glue.table_format import FORMATS, TableFormat, table_format

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
            f"grain of batch_size ({config.get('batch_size')}) or finer, or use file_format "
            "iceberg or delta."
        )
    if config.get("concurrent_batches") and not concurrent(table_format, config):
        return (
            f"concurrent_batches: got true for file_format {table_format.name}, expected false: "
            f"{why_not_concurrent(table_format)}. Remove it."
        )
    return None


def concurrent(table_format: TableFormat, config: Mapping[str, Any]) -> bool:
    """Whether batches of a model can be written at the same time."""
    if table_format.datalake_format is None:
        return bool(config.get("partition_by"))
    return is_aligned(table_format, config)


def why_not_concurrent(table_format: TableFormat) -> str:
    if table_format.datalake_format == "iceberg":
        return (
            "batches of an Iceberg table conflict unless partition_by has a transform of "
            "event_time, as fine as batch_size or finer"
        )
    return f"commits of {table_format.name} that replace rows conflict with each other"


def is_aligned(table_format: TableFormat, config: Mapping[str, Any]) -> bool:
    """Whether an Iceberg table's partitions by event_time lie whole in one batch each.

    Then a batch is replaced by metadata alone, whatever other batches commit meanwhile.
    """
    if table_format.datalake_format != "iceberg":
        return False
    given = config.get("partition_by") or []
    batch = SIZES.index(size) if (size := size_of(config)) in SIZES else -1
    event_time = str(config.get("event_time")).lower()
    for item in [given] if isinstance(given, str) else given:
        if str(item).strip("` ").lower() == event_time:
            return True
        found = TRANSFORM.fullmatch(str(item).strip())
        if found and found[2].lower() == event_time:
            grain = found[1].lower()
            if SIZES.index(SIZE_OF.get(grain, grain)) <= batch:
                return True
    return False


def size_of(config: Mapping[str, Any]) -> str:
    size = config.get("batch_size")
    return str(getattr(size, "value", size)).lower()


def window(event_time: str, dtype: str, start: datetime | None, end: datetime | None) -> str:
    """The condition of a batch's rows in the table, start included, end excluded.

    dtype is the type of the column event_time; batches begin and end in UTC.
    """
    column = quoted(event_time)
    kind = dtype.lower()
    if kind not in ("date", "timestamp", "timestamp_ntz"):
        column, kind = f"cast({column} as timestamp)", "timestamp"
    bounds = []
    for operator, moment in ((">=", start), ("<", end)):
        if moment is not None:
            bounds.append(f"{column} {operator} {_literal(kind, moment)}")
    return " and ".join(bounds) or "true"


def _literal(kind: str, moment: datetime) -> str:
    if kind == "date":
        return f"date'{moment:%Y-%m-%d}'"
    zone = "" if kind == "timestamp_ntz" else "+00:00"
    return f"{kind}'{moment:%Y-%m-%d %H:%M:%S}{zone}'"


def run_one_by_one(nodes: Iterable[Any]) -> None:
    """Sets concurrent_batches: false on models whose batches conflict, unless they say otherwise.

    dbt asks the adapter as a whole whether batches may be concurrent, and then each model.
    """
    for node in nodes:
        config: Any = getattr(node, "config", None)
        if not hasattr(config, "get") or config.get("incremental_strategy") != "microbatch":
            continue
        name = str(config.get("file_format") or "parquet").strip().lower()
        unsafe = name in FORMATS and not concurrent(table_format(name), config)
        if config.get("concurrent_batches") is None and unsafe:
            config.concurrent_batches = False
