"""Spark Connect on real Spark while tokens expire, streams break and the session dies."""

import dataclasses
import threading
import uuid
from types import SimpleNamespace

import pytest
from contract.conftest import on_aws
from contract.cut_connections import CutConnections

from dbt.adapters.glue.exceptions import SessionLost
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.spark_conf import session_conf

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(on_aws(), reason="needs the knobs of local Glue"),
]
SPEC = SessionSpec(
    role_arn="arn:aws:iam::123456789012:role/LocalGlue",
    glue_version="5.1",
    idle_timeout=5,
    session_type="spark_connect",
)


@pytest.fixture(scope="module")
def name():
    return SessionName(f"dbt-glue__faults__{uuid.uuid4().hex[:8]}", False)


@pytest.fixture(scope="module")
def pool(glue_clients):
    clients = SimpleNamespace(glue=glue_clients.glue, s3=glue_clients.s3)
    pool = SessionPool(clients, threads=4, provisioning_timeout=180)
    yield pool
    pool.close()


def test_tokens_that_live_a_second(pool, knobs, name):
    knobs(token_lifetime=1.0)
    own = SessionName(name.id + "-tokens", False)
    transport = pool.transport(SPEC, own)
    assert transport.execute("select java_method('java.lang.Thread', 'sleep', 2500L) as a").rows
    for number in range(3):
        assert transport.execute(f"select {number} as a").rows == [(number,)]


def test_broken_streams_write_once(pool, knobs, name, database):
    transport = pool.transport(SPEC, name)
    transport.execute(f"create table {database}.once (a int) using parquet")
    for code in ("UNAVAILABLE", "UNAUTHENTICATED"):
        knobs(connect_drop=1, fail={"connect:ExecutePlan": [code, 1]})
        transport.execute(f"insert into {database}.once select 1")
        knobs(connect_drop=0, fail={"connect:ReattachExecute": [code, 2]})
        transport.execute(f"insert into {database}.once select 1")
    knobs(connect_drop=0, fail={})
    assert transport.execute(f"select count(*) from {database}.once").rows == [(4,)]


@pytest.fixture(scope="module")
def cutting(glue_clients, bucket):
    """A transport with all table formats, and what resets its connections ten times a second."""
    formats = ("iceberg", "delta", "hudi")
    conf = session_conf(
        formats,
        {},
        iceberg_catalog="glue_catalog",
        warehouse=f"s3://{bucket}/warehouse",
        catalog_id=None,
    )
    spec = dataclasses.replace(SPEC, datalake_formats=formats, conf=tuple(conf.items()))
    glue = CutConnections(glue_clients.glue)
    pool = SessionPool(SimpleNamespace(glue=glue), threads=4, provisioning_timeout=180)
    yield pool.transport(spec, SessionName(f"dbt-glue__cut__{uuid.uuid4().hex[:8]}", False)), glue
    pool.close()
    glue.close()


@pytest.mark.parametrize("kind", ["iceberg", "delta", "hudi", "parquet"])
def test_connections_that_are_reset_write_once(cutting, database, kind):
    transport, glue = cutting
    table = f"glue_catalog.{database}.t" if kind == "iceberg" else f"{database}.t"
    transport.execute(f"create table {table} (id int, waited string) using {kind}")
    over, cuts = threading.Event(), glue.cuts

    def cut_all():
        while not over.wait(0.1):
            glue.cut()

    thread = threading.Thread(target=cut_all)
    thread.start()
    try:
        for number in range(3):
            waits = "java_method('java.lang.Thread', 'sleep', 300L)"
            transport.execute(f"insert into {table} select {number}, {waits}")
    finally:
        over.set()
        thread.join()
    assert glue.cuts >= cuts + 3
    rows = transport.execute(f"select id from {table} order by id").rows
    assert rows == [(0,), (1,), (2,)]


def test_a_bucket_that_only_sql_names(pool, name, database):
    transport = pool.transport(SPEC, name)
    place = f"s3://bucket-{uuid.uuid4().hex[:12]}/t"
    transport.execute(
        f"create table {database}.elsewhere using parquet location '{place}' as select 1 as a"
    )
    assert transport.execute(f"select * from {database}.elsewhere").rows == [(1,)]


def test_a_dead_session_is_made_anew(pool, knobs, name):
    transport = pool.transport(SPEC, name)
    knobs(session_death_after=1)
    with pytest.raises(SessionLost):
        for _ in range(3):
            transport.execute("select 1 as a")
    knobs(session_death_after=None)
    again = pool.transport(SPEC, name)
    assert again is not transport
    assert again.execute("select 2 as a").rows == [(2,)]
