"""When a table was last written, from what the catalog and S3 say."""

import gzip
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dbt.adapters.glue.exceptions import NotImplementedByGlue
from dbt.adapters.glue.last_modified import last_modified
from dbt.adapters.glue.locations import split_location
from dbt.adapters.glue.storage import TableStorage

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


class S3:
    """ListObjectsV2 and GetObject over keys, one key a page."""

    def __init__(self, files: dict[str, Any]) -> None:
        self.files = {split_location(place): value for place, value in files.items()}
        self.listed: list[str] = []

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        bucket, prefix = asked["Bucket"], asked.get("Prefix", "")
        self.listed.append(f"{bucket}/{prefix}")
        keys = [k for b, k in sorted(self.files) if b == bucket and k.startswith(prefix)]
        start = int(asked.get("ContinuationToken", 0))
        found = [{"Key": k, "LastModified": self.files[bucket, k]} for k in keys[start : start + 1]]
        more = start + 1 < len(keys)
        token = {"NextContinuationToken": str(start + 1)} if more else {}
        return {"Contents": found, "IsTruncated": more, "KeyCount": len(found), **token}


class Clients:
    def __init__(self, s3: S3) -> None:
        self.s3 = s3


class Catalog:
    def __init__(self, locations: list[str]) -> None:
        self.locations = locations

    def get_partitions(self, database: str, table: str) -> Any:
        assert (database, table) == ("d", "t")
        return ({"StorageDescriptor": {"Location": place}} for place in self.locations)


def modified(
    table: dict[str, Any], files: dict[str, Any], partitions: list[str] | None = None
) -> datetime | None:
    s3 = S3(files)
    storage = TableStorage(Clients(s3), None, None, None)  # type: ignore[arg-type]
    if partitions:
        table = {**table, "PartitionKeys": [{"Name": "day", "Type": "string"}]}
    named = {"DatabaseName": "d", "Name": "t", **table}
    return last_modified(named, Catalog(partitions or []), storage)  # type: ignore[arg-type]


def stored(location: str, **parameters: str) -> dict[str, Any]:
    return {"StorageDescriptor": {"Location": location}, "Parameters": parameters}


def test_the_newest_file_that_spark_reads() -> None:
    files = {
        "s3://b/t/a.parquet": at(1),
        "s3://b/t/day=1/b.parquet": at(3),
        "s3://b/t/_day=1/c.parquet": at(2),
        "s3://b/t/_SUCCESS": at(7),
        "s3://b/t/.hidden/d.parquet": at(8),
        "s3://b/t2/e.parquet": at(9),
    }
    assert modified(stored("s3://b/t/"), files) == at(3)
    assert modified(stored("s3a://b/t"), files) == at(3)
    del files["s3://b/t/day=1/b.parquet"]
    assert modified(stored("s3://b/t"), files) == at(2)
    assert modified(stored("s3://b/empty"), files) is None


def test_a_whole_bucket() -> None:
    assert modified(stored("s3://b"), {"s3://b/x/y.csv": at(4), "s3://c/z.csv": at(5)}) == at(4)


def test_partitions_that_lie_elsewhere() -> None:
    files = {"s3://b/t/day=1/a": at(1), "s3://c/old/day=2/b": at(6), "s3://c/old/day=3/c": at(9)}
    partitions = ["s3://b/t/day=1", "s3://c/old/day=2/"]
    assert modified(stored("s3://b/t"), files, partitions) == at(6)


def test_no_place_is_listed_twice() -> None:
    s3 = S3({"s3://b/a/x": at(1), "s3://b/a-x/y": at(2)})
    storage = TableStorage(Clients(s3), None, None, None)  # type: ignore[arg-type]
    table = {**stored("s3://b/a"), "PartitionKeys": [{}], "DatabaseName": "d", "Name": "t"}
    places = ["s3://b/a/day=1", "s3://b/a-x", "s3://b/a-x", "s3://b/a/day=2"]
    assert last_modified(table, Catalog(places), storage) == at(2)  # type: ignore[arg-type]
    assert s3.listed == ["b/a/", "b/a-x/"]


@pytest.mark.parametrize(
    ("parameters", "log"),
    [
        ({"spark.sql.sources.provider": "delta"}, "_delta_log/00000000000000000003.json"),
        ({"spark.sql.sources.provider": "hudi"}, ".hoodie/20260301120200000.commit"),
    ],
)
def test_the_log_of_a_format(parameters: dict[str, str], log: str) -> None:
    files = {f"s3://b/t/{log}": at(2), "s3://b/t/not-committed.parquet": at(5)}
    assert modified(stored("s3://b/t", **parameters), files) == at(2)


@pytest.mark.parametrize("written", [bytes, gzip.compress])
def test_the_current_snapshot_of_iceberg(written: Any, monkeypatch: Any) -> None:
    times = {1: at(1), 2: at(2), 3: at(3)}
    metadata: dict[str, Any] = {
        "current-snapshot-id": 2,
        "last-updated-ms": int(at(9).timestamp() * 1000),
        "snapshots": [
            {
                "snapshot-id": n,
                "parent-snapshot-id": n - 1,
                "timestamp-ms": int(time.timestamp() * 1000),
                "summary": {"operation": "append" if n < 3 else "replace"},
            }
            for n, time in times.items()
        ],
    }

    def read(self: Any, location: str) -> bytes:
        assert location == "s3://b/t/metadata/1.json"
        found: bytes = written(json.dumps(metadata).encode())
        return found

    monkeypatch.setattr(TableStorage, "read", read)
    table = stored("s3://b/t", table_type="ICEBERG", metadata_location="s3://b/t/metadata/1.json")
    assert modified(table, {}) == at(2)
    metadata["current-snapshot-id"] = 3  # a compaction writes no new rows
    assert modified(table, {}) == at(2)
    metadata["snapshots"] = [each for each in metadata["snapshots"] if each["snapshot-id"] == 3]
    assert modified(table, {}) == at(3)
    metadata["current-snapshot-id"] = -1
    assert modified(table, {}) is None


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select 1"}, "is a view"),
        (stored("jdbc:somewhere"), "is at jdbc:somewhere"),
        (stored(""), "is at no location"),
    ],
)
def test_what_has_no_such_time(table: dict[str, Any], what: str) -> None:
    with pytest.raises(NotImplementedByGlue, match=f"d.t {what}") as caught:
        modified(table, {})
    assert "loaded_at_field" in str(caught.value)
