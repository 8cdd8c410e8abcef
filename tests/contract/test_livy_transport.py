"""The transport over real Glue statements: local Glue, or AWS with DBT_GLUE_TEST_AWS=1."""

import os
import time
import uuid
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from contract.conftest import on_aws
from side_by_side import in_threads

from dbt.adapters.glue.exceptions import (
    ProtocolError,
    SessionLost,
    StatementCancelled,
    StatementError,
)
from dbt.adapters.glue.session.livy import LivyTransport
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec

LOCAL_ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
local_only = pytest.mark.skipif(on_aws(), reason="needs the knobs of local Glue")


class CountingGlue:
    """A boto3 Glue client that counts its calls."""

    def __init__(self, glue):
        self._glue = glue
        self.calls = Counter()

    def __getattr__(self, name):
        found = getattr(self._glue, name)

        def method(**request):
            self.calls[name] += 1
            return found(**request)

        return found if name == "meta" else method


class Clients:
    def __init__(self, clients):
        self.glue = CountingGlue(clients.glue)
        self.s3 = clients.s3


@pytest.fixture(scope="module")
def clients(glue_clients):
    return Clients(glue_clients)


@pytest.fixture(scope="module")
def spec():
    return SessionSpec(
        role_arn=os.environ.get("DBT_GLUE_TEST_ROLE", LOCAL_ROLE),
        glue_version="5.1",
        workers=2,
        worker_type="G.1X",
        idle_timeout=5,
    )


@pytest.fixture(scope="module")
def name():
    return SessionName(f"dbt-glue__contract__{uuid.uuid4().hex[:8]}", False)


@pytest.fixture(scope="module")
def pool(clients):
    pool = SessionPool(clients, threads=4, provisioning_timeout=180)
    yield pool
    pool.close()


@pytest.fixture
def transport(pool, spec, name):
    return pool.transport(spec, name)


@pytest.fixture
def glue(clients, transport):
    clients.glue.calls.clear()
    return clients.glue


def test_types(transport):
    result = transport.execute(
        "select cast(1.5 as decimal(10,2)) as d, date'2020-01-02' as t, array(1, null) as a, "
        "map('k', X'00') as m, null as n, 9223372036854775807 as b"
    )
    assert [column.type for column in result.columns] == [
        "decimal(10,2)", "date", "array<int>", "map<string,binary>", "void", "bigint",
    ]  # fmt: skip
    assert result.rows == [
        (Decimal("1.50"), date(2020, 1, 2), [1, None], {"k": b"\x00"}, None, 9223372036854775807)
    ]


@pytest.mark.parametrize(
    "text", ["'''\"\"\"", "\\n", "a\nb\tc", "😀 é \u2028", "\x00", "x" * 90_000]
)
def test_any_text(transport, text):
    literal = text.replace("\\", "\\\\").replace("'", "\\'")
    assert transport.execute(f"select '{literal}' as a").rows == [(text,)]


def test_error(transport):
    with pytest.raises(StatementError) as caught:
        transport.execute("select 1 as a\nfrom nowhere_to_be_found")
    assert str(caught.value).startswith("[TABLE_OR_VIEW_NOT_FOUND]")
    assert (caught.value.line, caught.value.sqlstate) == (2, "42P01")
    assert f"session {transport.session_id}" in str(caught.value)


def test_python(transport):
    assert transport.run_python("print(spark.range(3).count())").strip() == "3"
    with pytest.raises(StatementError, match="line 2, in f"):
        transport.run_python("def f():\n    raise ValueError('x')\nf()")


def test_one_statement_per_sql(transport, glue):
    with transport.busy():
        transport.execute("select 0")
        time.sleep(1.1)
        glue.calls.clear()
        for n in range(10):
            assert transport.execute(f"select {n} as a").rows == [(n,)]
    assert glue.calls["run_statement"] <= 13


def test_four_threads_share_the_stream(transport, glue):
    def job():
        with transport.busy():
            for _ in range(4):
                transport.run_python("import time; time.sleep(0.5)")
                time.sleep(0.02)

    started = time.monotonic()
    assert in_threads(*[job] * 4) == [None] * 4
    assert time.monotonic() - started < 7  # 8 s one by one
    assert glue.calls["run_statement"] <= 1.3 * 16


@local_only
def test_warm_select_1_is_quick(transport):
    with transport.busy():
        best = min(transport.execute("select 1").seconds for _ in range(30))
    assert best < 0.15


@pytest.mark.slow
def test_cancel(transport):
    slow = "select count(*) from range(100000000000) a where hash(a.id) = 1 and hash(id + 1) = 2"
    (error, _) = in_threads(
        lambda: transport.execute(slow, tag="slow"),
        lambda: (time.sleep(2), transport.cancel("slow")),
    )
    assert isinstance(error, StatementCancelled)
    printed = "0"
    active = "print(len(spark.sparkContext.statusTracker().getActiveJobsIds()))"
    until = time.monotonic() + 40
    while time.monotonic() < until:
        printed = transport.run_python(active).strip()
        if printed == "0":
            break
        time.sleep(0.5)
    assert printed == "0"


def test_second_client_attaches_and_sends_no_setup_code(glue, transport):
    other = LivyTransport(glue, transport.session_id)
    assert other.execute("select 5 as a").rows == [(5,)]
    other.close()
    assert glue.calls["run_statement"] <= 2


def test_long_result_in_parts(transport):
    rows = transport.execute("select id, uuid() as u from range(30000)").rows
    assert [row[0] for row in rows] == list(range(30000))


def test_long_result_through_s3(clients, glue, transport, bucket):
    through_s3 = LivyTransport(
        glue,
        transport.session_id,
        s3=lambda: clients.s3,
        results_location=f"s3://{bucket}/results/",
        inline_bytes=20_000,
    )
    rows = through_s3.execute("select id, uuid() as u from range(30000)").rows
    through_s3.close()
    assert len(rows) == 30000
    assert glue.calls["run_statement"] < 10
    left = clients.s3.list_objects_v2(Bucket=bucket, Prefix="results/")
    assert left["KeyCount"] == 0


@local_only
def test_throttling(transport, glue, knobs):
    knobs(throttle={"RunStatement": 2, "GetStatement": 3})
    assert transport.execute("select 1 as a").rows == [(1,)]
    assert glue.calls["run_statement"] >= 3


@local_only
def test_output_that_is_cut(transport, knobs):
    knobs(output_cap=30_000)
    assert len(transport.execute("select id, uuid() as u from range(5000)").rows) == 5000


@local_only
@pytest.mark.slow
def test_dead_session_is_told_from_a_bad_statement_and_made_anew(
    pool, spec, name, transport, knobs
):
    knobs(session_death_after=1)
    with pytest.raises(SessionLost) as caught:
        for _ in range(3):
            transport.execute("select 1")
    assert not isinstance(caught.value, (StatementError, ProtocolError))
    knobs(session_death_after=None)
    again = pool.transport(spec, name)
    assert again is not transport
    assert again.execute("select 2 as a").rows == [(2,)]


def test_close_stops_the_session(pool, clients, name, transport):
    pool.close()
    status = clients.glue.get_session(Id=name.id)["Session"]["Status"]
    assert status in ("STOPPING", "STOPPED")
