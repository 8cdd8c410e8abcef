import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError
from unit import test_impl
from unit.test_impl import add, relation

from dbt.adapters.glue import iceberg_clone
from dbt.adapters.glue.impl import GlueAdapter

adapter = test_impl.adapter  # the fixture


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
    assert clone["properties"] == {
        "owner": "me",
        "gc.enabled": "false",
        "dbt-glue.clone-of": '["s3://b/source"]',
    }
    assert clone["metadata-log"] == [] and clone["statistics"] == []


def test_a_table_without_rows_yet() -> None:
    empty = {"table-uuid": "u", "location": "s3://b/source", "current-snapshot-id": -1}
    clone = iceberg_clone.cloned(empty, "s3://b/clone")
    assert clone["snapshots"] == [] and clone["refs"] == {}


def test_compressed_metadata() -> None:
    body = json.dumps(metadata()).encode()
    assert iceberg_clone.read(body) == iceberg_clone.read(gzip.compress(body)) == metadata()


def test_a_clone_of_a_clone_knows_all_whose_files_it_reads() -> None:
    first = iceberg_clone.cloned(metadata(), "s3://b/clone")
    second = iceberg_clone.cloned(first, "s3://b/second")
    assert iceberg_clone.places_of(second) == ["s3://b/second", "s3://b/clone", "s3://b/source"]


def test_a_table_is_not_replaced_by_its_own_clone(adapter: GlueAdapter) -> None:
    place = "s3://bucket/w/s/staging/metadata/0.metadata.json"
    clone = iceberg_clone.cloned(metadata(), "s3://bucket/w/s/staging")
    adapter.storage.put(place, json.dumps(clone).encode())
    add(adapter, "staging", Parameters={"table_type": "ICEBERG", "metadata_location": place})
    staging = relation("staging", type="table", table_format="iceberg")
    target = relation("orders", type="table")
    adapter.refuse_to_clone_into(staging, target, "s3://b/third", None)
    with pytest.raises(DbtRuntimeError, match="reads data at s3://b/source, which the new"):
        adapter.refuse_to_clone_into(staging, target, "s3://b/other", "s3://b/source")


def test_a_delta_table_is_not_replaced_by_its_own_clone(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(adapter, "staging", Parameters={"spark.sql.sources.provider": "delta"})
    rows = [("delta.minReaderVersion", "1"), (iceberg_clone.CLONE_OF, '["s3://b/source"]')]
    asked = []

    def execute(sql: str, **how: Any) -> Any:
        asked.append(sql)
        return "OK", SimpleNamespace(rows=rows)

    monkeypatch.setattr(adapter, "execute", execute)
    staging = relation("staging", type="table", table_format="delta")
    target = relation("orders", type="table")
    adapter.refuse_to_clone_into(staging, target, "s3://b/third", None)
    assert asked == ["show tblproperties `s`.`staging`"]
    with pytest.raises(DbtRuntimeError, match="reads data at s3://b/source, which the new"):
        adapter.refuse_to_clone_into(staging, target, "s3://b/other", "s3://b/source")
    known = json.loads(adapter.clone_properties(staging)[iceberg_clone.CLONE_OF])
    assert known == ["s3://bucket/w/s/staging", "s3://b/source"]


def test_a_table_is_not_replaced_by_a_view_on_itself(adapter: GlueAdapter) -> None:
    def view(name: str, text: str) -> None:
        add(adapter, name, TableType="VIRTUAL_VIEW", ViewOriginalText=text)

    view("over", "select * from `S`.`Orders` -- not s.people")
    view("over_that", "select 's.people' from s.over join s.over_that")
    source = relation("over_that", type="view")
    adapter.refuse_to_clone_into(source, relation("payments"), "s3://b/payments")
    adapter.refuse_to_clone_into(source, relation("orders"), None)
    with pytest.raises(DbtRuntimeError, match="it reads `s`.`orders`, which the clone would"):
        adapter.refuse_to_clone_into(source, relation("orders"), "s3://b/orders")
