"""Calls that fail on their way, against a service that did what was asked: local Glue's faults."""

from __future__ import annotations

import json
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from contract.conftest import on_aws
from side_by_side import in_threads

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.clients import ClientSettings, GlueClients
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, StatementError
from dbt.adapters.glue.handle import GlueHandle
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.session.entry import SessionName
from dbt.adapters.glue.session.lifecycle import SessionLifecycle
from dbt.adapters.glue.session.pool import SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.storage import TableStorage

pytestmark = [pytest.mark.slow, pytest.mark.skipif(on_aws(), reason="needs local Glue's faults")]
CALLER = "retries"
REPEATS = 3
ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
Faults = Callable[..., None]


@pytest.fixture(scope="module")
def clients(local_glue: Any) -> GlueClients:
    """Clients with an access key of their own, so that faults meet nobody else."""

    def factory(**settings: Any) -> Any:
        return boto3.Session(aws_access_key_id=CALLER, aws_secret_access_key="local", **settings)

    settings = ClientSettings(
        region=local_glue.region,
        endpoint_url=local_glue.url,
        retry_mode="standard",  # adaptive would slow the client down after the throttled cases
        retry_max_attempts=REPEATS,
    )
    return GlueClients(settings, session_factory=factory)


@pytest.fixture
def faults(local_glue: Any) -> Iterator[Faults]:
    """faults(GetTable=["lost", 1]); `s3:` stands before operations of S3 as `s3_`."""

    def ask(**rules: list[Any]) -> None:
        named = {name.replace("s3_", "s3:"): rule for name, rule in rules.items()}
        body = json.dumps({"caller": CALLER, "faults": named}).encode()
        request = urllib.request.Request(f"{local_glue.url}/_faults", body, method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    yield ask
    ask()


@pytest.fixture
def catalog(clients: GlueClients) -> DataCatalog:
    return DataCatalog(clients)


@pytest.fixture
def storage(clients: GlueClients, catalog: DataCatalog, bucket: str) -> TableStorage:
    return TableStorage(clients, KnownCatalog(catalog), f"s3://{bucket}/w")


def table(name: str, bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint"}],
            "Location": f"s3://{bucket}/w/{name}",
        },
        "PartitionKeys": [{"Name": "part", "Type": "string"}],
        "Parameters": {"spark.sql.sources.provider": "parquet", **more},
    }


def partition(value: str, bucket: str) -> dict[str, Any]:
    place = {"Columns": [], "Location": f"s3://{bucket}/w/t/part={value}"}
    return {"Values": [value], "StorageDescriptor": place}


PASSING = ["throttled", "failed", "reset", "lost", "cut", "html"]


@pytest.mark.parametrize("kind", PASSING)
def test_every_change_of_the_catalog_ends_right(
    catalog: DataCatalog, faults: Faults, bucket: str, kind: str
) -> None:
    """Each call meets the fault, in a life of one database from its birth to its end."""
    name = f"retries_{uuid.uuid4().hex[:8]}"
    values = ["1", "2", "3"]
    twice = 1 if kind in ("lost", "cut") else 2

    faults(CreateDatabase=[kind, twice])
    assert catalog.create_database(name, f"s3://{bucket}/w/{name}/")
    faults(GetDatabase=[kind, twice], GetDatabases=[kind, twice])
    assert catalog.get_database(name) is not None
    assert name in {database["Name"] for database in catalog.get_databases()}

    faults(CreateTable=[kind, twice])
    catalog.create_table(name, table("t", bucket))
    faults(UpdateTable=[kind, twice])
    catalog.update_table(name, table("t", bucket, changed="yes"))
    faults(GetTable=[kind, twice], GetTables=[kind, twice])
    found = catalog.get_table(name, "t")
    assert found is not None and found["Parameters"]["changed"] == "yes"
    assert [entry["Name"] for entry in catalog.get_tables(name)] == ["t"]

    faults(BatchCreatePartition=[kind, twice])
    catalog.create_partitions(name, "t", [partition(value, bucket) for value in values])
    faults(BatchUpdatePartition=[kind, twice])
    moved = partition("2", f"{bucket}/moved")
    catalog.update_partitions(name, "t", [moved])
    faults(BatchDeletePartition=[kind, twice])
    catalog.delete_partitions(name, "t", [["1"]])
    faults(GetPartitions=[kind, twice])
    there = {p["Values"][0]: p["StorageDescriptor"] for p in catalog.get_partitions(name, "t")}
    assert set(there) == {"2", "3"} and "/moved/" in there["2"]["Location"]

    faults(DeleteTable=[kind, twice])
    assert catalog.delete_table(name, "t")
    assert catalog.get_table(name, "t") is None
    faults(DeleteDatabase=[kind, twice])
    assert catalog.delete_database(name)
    assert catalog.get_database(name) is None


@pytest.mark.parametrize("kind", PASSING)
def test_data_ends_right(storage: TableStorage, faults: Faults, bucket: str, kind: str) -> None:
    place = f"s3://{bucket}/w/s/{uuid.uuid4().hex}"
    faults(s3_PutObject=[kind, 1], s3_GetObject=[kind, 1])
    storage.put(f"{place}/a", b"rows")
    storage.put(f"{place}/b", b"more rows")
    assert storage.read(f"{place}/a") == b"rows"
    faults(s3_ListObjectsV2=[kind, 1], s3_DeleteObjects=[kind, 1])
    assert storage.delete_data("s", "t", place) in (2, 0 if kind in ("lost", "cut") else 2)
    faults()
    assert storage.delete_data("s", "t", place) == 0


READS: dict[str, Callable[[KnownCatalog, str], Any]] = {
    "GetTable": lambda known, name: known.table(name, "t"),
    "GetTables": lambda known, name: known.list_tables(name),
    "GetDatabase": lambda known, name: known.catalog.get_database(name),
    "GetDatabases": lambda known, name: known.databases(fresh=True),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("kind", PASSING)
def test_pain_05_a_read_that_fails_for_ever_is_no_absence(
    catalog: DataCatalog, faults: Faults, database: str, operation: str, kind: str
) -> None:
    faults(**{operation: [kind, 100]})
    with pytest.raises(CatalogError) as caught:
        READS[operation](KnownCatalog(catalog), database)
    assert caught.value.operation == operation and caught.value.retryable
    assert f"tried {REPEATS + 1} times" in str(caught.value)


@pytest.mark.parametrize("operation", READS)
def test_pain_05_denied_is_no_absence(
    catalog: DataCatalog, knobs: Callable[..., None], database: str, operation: str
) -> None:
    knobs(fail={operation: ["AccessDeniedException", 100]})
    with pytest.raises(AccessDenied):
        READS[operation](KnownCatalog(catalog), database)


@pytest.fixture
def spec() -> SessionSpec:
    return SessionSpec(
        role_arn=ROLE, glue_version="5.1", workers=2, worker_type="G.1X", idle_timeout=5
    )


def test_a_session_whose_answer_was_lost_is_ours(
    clients: GlueClients, faults: Faults, spec: SessionSpec
) -> None:
    name = f"dbt-glue__contract__{uuid.uuid4().hex[:8]}"
    lifecycle = SessionLifecycle(clients.glue, provisioning_timeout=180, report=lambda text: None)
    faults(CreateSession=["lost", 1], GetSession=["cut", 1])
    acquired = lifecycle.acquire(spec, name, look_first=False)
    assert acquired.created
    faults(StopSession=["lost", 1])
    lifecycle.stop(name)
    faults()
    assert lifecycle.look(name)["Status"] in ("STOPPING", "STOPPED")


@pytest.fixture(scope="module", params=["livy", "spark_connect"])
def transport(request: pytest.FixtureRequest, clients: GlueClients, bucket: str) -> Iterator[Any]:
    conf = (
        ("spark.sql.catalog.glue_catalog", "org.apache.iceberg.spark.SparkCatalog"),
        ("spark.sql.catalog.glue_catalog.catalog-impl", "org.apache.iceberg.aws.glue.GlueCatalog"),
        ("spark.sql.catalog.glue_catalog.warehouse", f"s3://{bucket}/warehouse/"),
        ("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"),
        (
            "spark.sql.extensions",
            "io.delta.sql.DeltaSparkSessionExtension,"
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        ),
    )
    spec = SessionSpec(
        role_arn=ROLE,
        glue_version="5.1",
        workers=2,
        worker_type="G.1X",
        idle_timeout=5,
        conf=conf,
        datalake_formats=("iceberg", "delta"),
        session_type=request.param,
    )
    pool = SessionPool(clients, threads=4, provisioning_timeout=300)
    name = SessionName(f"dbt-glue__contract__{uuid.uuid4().hex[:8]}", False)
    yield pool.transport(spec, name)
    pool.close()


@pytest.mark.parametrize("kind", PASSING)
def test_pain_03_a_statement_outlasts_what_passes_and_runs_once(
    transport: Any, faults: Faults, bucket: str, database: str, kind: str
) -> None:
    if transport.session_type != "livy":
        pytest.skip("Spark Connect makes no such calls: test_connect_faults.py")
    place = f"s3://{bucket}/{database}/once"
    transport.execute(
        f"create table {database}.once using parquet location '{place}' as select 0 as id"
    )
    faults(RunStatement=[kind, 2], GetStatement=[kind, 2])
    transport.execute(f"insert into {database}.once select 1")
    faults()
    rows = transport.execute(f"select id from {database}.once order by id").rows
    assert rows == [(0,), (1,)]


WRITERS = 3


@pytest.mark.parametrize("file_format", ["iceberg", "delta"])
def test_writers_of_one_table_end_as_if_one_came_after_the_other(
    transport: Any, bucket: str, catalog: DataCatalog, database: str, file_format: str
) -> None:
    """Each adds one to the same row: a lost update, or one that is made twice, shows in the sum."""
    place = f"s3://{bucket}/{database}/counter_{file_format}"
    prefix = "glue_catalog." if file_format == "iceberg" else ""
    name = f"{prefix}{database}.counter_{file_format}"
    conflicts: list[str] = []
    lock = threading.Lock()

    class Counting:
        """The transport, which notes what each attempt was answered."""

        session_id, session_type, lost = transport.session_id, transport.session_type, None
        cancel, busy = transport.cancel, transport.busy

        def execute(self, sql: str, **options: Any) -> Any:
            try:
                return transport.execute(sql, **options)
            except StatementError as error:
                with lock:
                    conflicts.append(error.message)
                raise

    counting = Counting()

    def handle() -> GlueHandle:
        def find(wanted: Callable[[], bool]) -> Any:
            return counting

        name = threading.current_thread().name
        return GlueHandle(lambda: name, find, find, lambda session: nullcontext())

    one = handle()
    one.execute(
        f"create table {name} using {file_format} location '{place}' as select 1 as id, 0 as n",
        fetch=False,
        limit=None,
    )

    together = threading.Barrier(WRITERS)

    def add() -> None:
        mine = handle()
        together.wait(60)
        mine.execute(f"update {name} set n = n + 1 where id = 1", fetch=False, limit=None)

    assert in_threads(*[add] * WRITERS) == [None] * WRITERS
    rows = one.execute(f"select id, n from {name}", fetch=True, limit=None).rows
    assert rows == [(1, WRITERS)]
    assert conflicts, "no two writers met: the test shows nothing"
