"""The Hive metastore process of local Glue: starts that are cut short, and its log."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.adapters.glue.local.metastore import WAREHOUSE_BUCKET, Metastore, MetastoreError
from dbt.adapters.glue.local.s3 import S3


@pytest.fixture
def local_dir(tmp_path: Path) -> Iterator[Path]:
    s3 = S3(tmp_path)
    s3.create_bucket(WAREHOUSE_BUCKET)
    yield tmp_path
    s3.close()


def databases(metastore: Metastore) -> list[str]:
    return metastore.call(lambda client: client.get_all_databases())


@pytest.mark.slow
def test_stopped_while_the_database_is_made_it_starts_again(local_dir: Path) -> None:
    first = Metastore(local_dir)
    first.start()
    database, deadline = local_dir / "metastore" / "db", time.monotonic() + 60
    while not database.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(MetastoreError):
        databases(first)
    # What a power cut leaves behind when it comes a moment earlier.
    (database / "service.properties").unlink(missing_ok=True)

    second = Metastore(local_dir)
    assert databases(second) == ["default"]
    second.stop()


def test_clients_that_close_their_connection_leave_no_trace_in_the_log(local_dir: Path) -> None:
    metastore = Metastore(local_dir)
    assert databases(metastore) == ["default"]
    metastore._client.close()
    assert databases(metastore) == ["default"]
    metastore.stop()
    assert "Thrift error" not in metastore.log.read_text(encoding="utf-8")
