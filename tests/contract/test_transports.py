"""What both transports promise, on a real session: local Glue, or AWS with DBT_GLUE_TEST_AWS=1."""

import os
import time
import uuid
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from side_by_side import in_threads

from dbt.adapters.glue.exceptions import StatementCancelled, StatementError
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec

pytestmark = pytest.mark.slow

LOCAL_ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
SLOW = "select count(*) from range(100000000000) a where hash(a.id) = 1 and hash(id + 1) = 2"


@pytest.fixture(scope="module", params=["livy", "spark_connect"])
def transport(request, glue_clients):
    spec = SessionSpec(
        role_arn=os.environ.get("DBT_GLUE_TEST_ROLE", LOCAL_ROLE),
        glue_version="5.1",
        workers=2,
        worker_type="G.1X",
        idle_timeout=5,
        datalake_formats=("delta",),
        conf=(
            ("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension"),
            (
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            ),
            ("spark.connect.jvmStacktrace.maxSize", "16384"),
        ),
        session_type=request.param,
    )
    clients = SimpleNamespace(glue=glue_clients.glue, s3=glue_clients.s3)
    pool = SessionPool(clients, threads=4, provisioning_timeout=180)
    name = SessionName(f"dbt-glue__{request.param}__{uuid.uuid4().hex[:8]}", False)
    yield pool.transport(spec, name)
    pool.close()


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("true", "boolean", True),
        ("cast(1 as tinyint)", "tinyint", 1),
        ("cast(1 as smallint)", "smallint", 1),
        ("1", "int", 1),
        ("9223372036854775807", "bigint", 9223372036854775807),
        ("cast(0.5 as float)", "float", 0.5),
        ("0.1D", "double", 0.1),
        ("cast(1.5 as decimal(10,2))", "decimal(10,2)", Decimal("1.50")),
        ("cast(-1e-18 as decimal(38,18))", "decimal(38,18)", Decimal("-1e-18")),
        ("'é😀\\n'", "string", "é😀\n"),
        ("X'00ff'", "binary", b"\x00\xff"),
        ("null", "void", None),
        ("cast(null as date)", "date", None),
        ("date'2020-01-02'", "date", date(2020, 1, 2)),
        (
            "timestamp'2020-01-02 03:04:05.678901'",
            "timestamp",
            datetime(2020, 1, 2, 3, 4, 5, 678901),
        ),
        (
            "timestamp_ntz'2020-01-02 03:04:05'",
            "timestamp_ntz",
            datetime(2020, 1, 2, 3, 4, 5),
        ),
        ("array(1, null)", "array<int>", [1, None]),
        ("array(timestamp'2020-01-01')", "array<timestamp>", [datetime(2020, 1, 1)]),
        ("map('k', X'00')", "map<string,binary>", {"k": b"\x00"}),
        ("map(1, date'2020-01-01')", "map<int,date>", {1: date(2020, 1, 1)}),
        (
            "named_struct('a', 1.5BD, 'b', array('x'))",
            "struct<a:decimal(2,1),b:array<string>>",
            {"a": Decimal("1.5"), "b": ["x"]},
        ),
        ("interval 3 day", "interval day", "INTERVAL '3' DAY"),
        ("interval '1 2' day to hour", "interval day to hour", "INTERVAL '1 02' DAY TO HOUR"),
        ("interval 2 month", "interval month", "INTERVAL '2' MONTH"),
        ("make_interval(1, 2)", "interval", "1 years 2 months"),
    ],
)
def test_types_and_values(transport, sql, kind, value):
    result = transport.execute(f"select {sql} as a")
    assert [(column.name, column.type) for column in result.columns] == [("a", kind)]
    assert result.rows == [(value,)]
    assert type(result.rows[0][0]) is type(value)
    assert (result.row_count, result.session_id) == (1, transport.session_id)
    assert result.statement_id and result.seconds > 0


def test_columns_of_the_same_name(transport):
    result = transport.execute("select 1 as a, 'x' as a")
    assert ([column.name for column in result.columns], result.rows) == (["a", "a"], [(1, "x")])


def test_no_rows_have_columns(transport):
    result = transport.execute("select 1 as a, 'x' as b where false")
    assert [column.type for column in result.columns] == ["int", "string"]
    assert (result.rows, result.row_count) == ([], 0)


def test_time_zone_of_the_session(transport):
    zoned = "select from_utc_timestamp(timestamp'2020-06-01 12:00:00', 'UTC') as a"
    assert transport.execute(zoned).rows == [(datetime(2020, 6, 1, 12),)]


def test_limit_and_fetch(transport):
    assert len(transport.execute("select * from range(1000)", limit=3).rows) == 3
    assert len(transport.execute("show functions", limit=2).rows) == 2
    nothing = transport.execute("select * from range(10)", fetch=False)
    assert (nothing.rows, nothing.row_count) == ([], None)
    with pytest.raises(StatementError, match="boom"):
        transport.execute("select raise_error('boom') as a", fetch=False)


def test_commands(transport, database):
    made = transport.execute(f"create table {database}.t using parquet as select 1 as a")
    assert (made.columns, made.rows, made.row_count) == ([], [], None)
    shown = transport.execute(f"show tables in {database}")
    assert [column.type for column in shown.columns] == ["string", "string", "boolean"]
    assert shown.rows == [(database, "t", False)]
    described = transport.execute(f"describe table {database}.t")
    assert described.rows[0][:2] == ("a", "int")
    transport.execute(f"drop table {database}.t")


def test_rows_that_a_merge_changed(transport, database):
    transport.execute(f"create table {database}.d using delta as select id as a from range(5)")
    merged = transport.execute(
        f"merge into {database}.d t using (select 3 as a union all select 9) s on t.a = s.a "
        "when matched then update set a = 30 when not matched then insert (a) values (s.a)",
        fetch=False,
    )
    assert merged.row_count == 2
    assert "num_affected_rows" in [column.name for column in merged.columns]
    transport.execute(f"drop table {database}.d")


def test_with_that_writes(transport, database):
    transport.execute(f"create table {database}.w (a int) using parquet")
    transport.execute(f"with s as (select 5 as a) insert into {database}.w select * from s")
    assert transport.execute(f"select * from {database}.w").rows == [(5,)]
    transport.execute(f"drop table {database}.w")


def test_temporary_views_are_seen_by_all_threads(transport):
    transport.execute("create or replace temporary view shared_by_all as select 7 as a")
    read = "select * from shared_by_all"
    found = in_threads(*[lambda: transport.execute(read).rows] * 4)
    assert found == [[(7,)]] * 4
    assert transport.execute("describe table shared_by_all").rows[0][:2] == ("a", "int")
    transport.execute("drop view shared_by_all")


@pytest.mark.parametrize(
    ("sql", "start", "error_class", "line"),
    [
        ("select 1 as a\nfrom nowhere_at_all", "[TABLE_OR_VIEW", "TABLE_OR_VIEW_NOT_FOUND", 2),
        ("selec 1", "[PARSE_SYNTAX_ERROR]", "PARSE_SYNTAX_ERROR", 1),
        ("select raise_error('boom') as a", "java.lang.RuntimeException: boom", None,
         None),
    ],
)  # fmt: skip
def test_errors(transport, sql, start, error_class, line):
    with pytest.raises(StatementError) as caught:
        transport.execute(sql)
    assert str(caught.value).startswith(start)
    assert (caught.value.error_class, caught.value.line) == (error_class, line)
    assert f"session {transport.session_id}" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "message", "error_class"),
    [
        ("select (select max(if(id = 3, raise_error('boom'), id)) from range(10)) as a",
         "java.lang.RuntimeException: boom", None),
        ("create table {}.c using parquet as select max(if(id = 7, raise_error('boom'), id)) as a "
         "from range(10)", "java.lang.RuntimeException: boom", None),
        ("create table {}.c using delta as select cast(raise_error('boom') as int) as a",
         "[TASK_WRITE_FAILED] Task failed while writing rows to {}.\n"
         "Caused by: java.lang.RuntimeException: boom", "TASK_WRITE_FAILED"),
        ("select java_method('java.lang.Integer', 'parseInt', 'x') as a",
         'java.lang.NumberFormatException: For input string: "x"', None),
        ("select element_at(array(1), 0) as a", "[INVALID_INDEX_OF_ZERO] The index 0 is invalid. "
         "An index shall be either < 0 or > 0 (the first element has index 1).",
         "INVALID_INDEX_OF_ZERO"),
    ],
)  # fmt: skip
def test_the_cause_of_an_error(transport, database, bucket, sql, message, error_class):
    with pytest.raises(StatementError) as caught:
        transport.execute(sql.format(database))
    assert caught.value.message == message.format(f"s3://{bucket}/{database}/c")
    assert (caught.value.error_class, caught.value.hint) == (error_class, None)


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [("selec 1", "42601"), ("select 1 from nowhere_at_all", "42P01"), ("select 1 + b", "42703")],
)
def test_sqlstate(transport, sql, sqlstate):
    with pytest.raises(StatementError) as caught:
        transport.execute(sql)
    assert caught.value.sqlstate == sqlstate


def test_pain_02_statements_run_side_by_side(transport):
    two_seconds = "select java_method('java.lang.Thread', 'sleep', 2000L) as a"
    transport.execute("select 1")
    started = time.monotonic()
    results = in_threads(*[lambda: transport.execute(two_seconds)] * 4)
    assert not [result for result in results if isinstance(result, Exception)]
    assert time.monotonic() - started < 6.5


def test_cancel_stops_one_statement_only(transport):
    began = time.monotonic()
    (cancelled, other, _) = in_threads(
        lambda: transport.execute(SLOW, tag="slow, with a comma"),
        lambda: transport.execute("select count(*) from range(20000000) where hash(id) = 1"),
        lambda: (time.sleep(1), transport.cancel("slow, with a comma")),
    )
    assert isinstance(cancelled, StatementCancelled)
    assert time.monotonic() - began < 30
    assert not isinstance(other, Exception)


def test_a_long_result(transport):
    rows = transport.execute("select id, uuid() as u from range(100000)").rows
    assert [row[0] for row in rows] == list(range(100000))
