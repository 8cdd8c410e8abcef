import gzip
import json
from typing import Any

from dbt.adapters.glue import iceberg_clone


def metadata() -> dict[str, Any]:
    return {
        "format-version": 2,
        "table-uuid": "u",
        "location": "s3://b/source",
        "last-sequence-number": 3,
        "properties": {"write.data.path": "s3://b/source/elsewhere", "owner": "me"},
        "current-snapshot-id": 2,
        "snapshots": [{"snapshot-id": 1}, {"snapshot-id": 2, "manifest-list": "s3://b/source/m"}],
        "snapshot-log": [{"snapshot-id": 1}, {"snapshot-id": 2, "timestamp-ms": 5}],
        "metadata-log": [{"metadata-file": "s3://b/source/metadata/1.json"}],
        "refs": {
            "main": {"snapshot-id": 2, "type": "branch"},
            "audit": {"snapshot-id": 1, "type": "tag"},
        },
        "statistics": [{"snapshot-id": 1}],
    }


def test_a_clone_is_a_table_of_its_own_over_the_same_files() -> None:
    clone = iceberg_clone.cloned(metadata(), "s3://b/clone")
    assert clone["location"] == "s3://b/clone"
    assert clone["table-uuid"] != "u"
    assert clone["last-sequence-number"] == 3
    assert clone["snapshots"] == [{"snapshot-id": 2, "manifest-list": "s3://b/source/m"}]
    assert clone["snapshot-log"] == [{"snapshot-id": 2, "timestamp-ms": 5}]
    assert clone["refs"] == {"main": {"snapshot-id": 2, "type": "branch"}}


def test_a_clone_deletes_and_overwrites_nothing_of_its_source() -> None:
    clone = iceberg_clone.cloned(metadata(), "s3://b/clone")
    assert clone["properties"] == {"owner": "me", "gc.enabled": "false"}
    assert clone["metadata-log"] == [] and clone["statistics"] == []


def test_a_table_without_rows_yet() -> None:
    empty = {"table-uuid": "u", "location": "s3://b/source", "current-snapshot-id": -1}
    clone = iceberg_clone.cloned(empty, "s3://b/clone")
    assert clone["snapshots"] == [] and clone["refs"] == {}


def test_compressed_metadata() -> None:
    body = json.dumps(metadata()).encode()
    assert iceberg_clone.read(body) == iceberg_clone.read(gzip.compress(body)) == metadata()
