"""The Spark Connect transport against a server on a real wire, with faults and without Spark."""

import threading
import time
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import code_pb2, status_pb2
from unit import connect_server
from unit.connect_server import Glue, Server, answers
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    SessionError,
    SessionLost,
    StatementCancelled,
    StatementError,
)
from dbt.adapters.glue.session import connect
from dbt.adapters.glue.session.connect import ConnectTransport
from dbt.adapters.glue.session.connect_endpoint import ConnectEndpoint, connection_string
from dbt.adapters.glue.session.connect_errors import glue_error
from dbt.adapters.glue.session.lifecycle import is_no_to_connect

pytestmark = pytest.mark.filterwarnings("ignore:ReleaseExecute failed")
UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE,)
WRITE = "insert into t select 1"
REPEATED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNKNOWN,  # without a status of Spark's it is a proxy's HTTP 500
}


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def glue(server):
    return Glue(server)


@pytest.fixture
def transport(glue):
    transport = ConnectTransport(glue, "s")
    transport.start()
    yield transport
    transport.close()


def test_an_endpoint_that_cannot_be_reached(server, glue, monkeypatch):
    monkeypatch.setattr(connect, "ANSWER_WITHIN", 0.3)
    server.stop()
    with pytest.raises(GlueError) as caught:
        ConnectTransport(glue, "s").start()
    assert "com.amazonaws.<region>.glue.sessions" in str(caught.value)
    assert is_no_to_connect(caught.value)


def test_a_query_is_one_operation(server, transport):
    result = transport.execute("-- a comment\nselect 1 as a")
    assert (result.rows, [(c.name, c.type) for c in result.columns]) == ([(1,)], [("a", "int")])
    assert result.statement_id == server.plans[0].operation_id
    assert len(server.plans) == 1


def test_a_with_that_only_reads_is_one_operation(server, transport):
    assert transport.execute("/* all of it */ with t as (select 1 as a) select * from t").rows
    assert len(server.plans) == 1


def test_one_statement_asks_once_to_be_forgotten(server, transport):
    for _ in range(5):
        transport.execute("select 1 as a")
    deadline = time.monotonic() + 5
    while server.released < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.released == 5


@pytest.mark.parametrize("sql", ["with t as (select 1) insert into x select * from t", WRITE])
def test_what_may_be_a_command_is_sent_as_one(server, transport, sql):
    result = transport.execute(sql)
    assert server.plans[0].plan.command.sql_command.sql == sql
    assert (result.columns, result.rows, result.row_count) == ([], [], None)
    assert server.ran == [sql]


def test_all_threads_share_one_spark_session(server, transport):
    threads = [threading.Thread(target=transport.execute, args=("select 1",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.plans) == 8
    assert len({plan.session_id for plan in server.plans}) == 1


@pytest.mark.parametrize("sql", ["select 1 as a", WRITE])
@pytest.mark.parametrize(
    "fault",
    [
        UNAVAILABLE,
        (grpc.StatusCode.UNKNOWN, "Stream removed"),
        (grpc.StatusCode.UNAUTHENTICATED, "token expired"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "SESSION_BUSY"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_stream_runs_nothing_twice(server, transport, sql, fault, when):
    getattr(server, when).append(fault)
    transport.execute(sql)
    assert server.ran == [sql]
    assert server.reattached >= 1
    assert len({plan.operation_id for plan in server.plans}) == 1


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_pain_01_a_status_that_is_not_ok_is_an_error(server, transport, monkeypatch, code, when):
    quick = {**connect.RETRIES, "max_retries": 3, "initial_backoff": 1, "jitter": 1}
    monkeypatch.setattr(connect, "RETRIES", quick)
    getattr(server, when).extend([(code, "told so")] * 40)
    if when == "after" and code in REPEATED:  # its answer is asked for again
        transport.execute(WRITE)
        assert server.ran == [WRITE]
        return
    with pytest.raises(GlueError):
        transport.execute(WRITE)
    assert server.ran == ([WRITE] if when == "after" else [])


@pytest.mark.parametrize("spoil", ["cut", "rows"])
def test_pain_01_an_answer_that_is_not_whole_is_an_error(server, transport, monkeypatch, spoil):
    def spoiled(request):
        parts = answers(request)
        batch = parts[1].arrow_batch
        if spoil == "cut":
            batch.data = batch.data[: len(batch.data) // 2]
        else:
            batch.row_count = 2
        return parts

    monkeypatch.setattr(connect_server, "answers", spoiled)
    with pytest.raises(ProtocolError, match="Spark's answer") as caught:
        transport.execute("select 1 as a")
    assert caught.value.context["session_id"] == "s"


def test_a_write_is_not_repeated_in_a_restarted_spark(server, transport):
    server.after.append(("restart",))
    with pytest.raises(SessionLost, match="restarted"):
        transport.execute(WRITE)
    assert server.ran == [WRITE]
    with pytest.raises(SessionLost):
        transport.execute("select 1")


def test_a_dead_session_is_told_at_once(server, glue, transport):
    glue.status = "FAILED"
    server.before.append(UNAVAILABLE)
    started = time.monotonic()
    with pytest.raises(SessionLost):
        transport.execute(WRITE)
    assert time.monotonic() - started < 5
    assert isinstance(transport.lost, SessionLost)
    assert server.ran == []


def test_an_answer_that_never_arrives_does_not_end_the_session(server, transport, monkeypatch):
    monkeypatch.setattr(connect, "RETRIES", {**connect.RETRIES, "max_retries": 3})
    server.failure = ("AnalysisException", "too long " * 10_000)
    server.longest_header = 100
    with pytest.raises(ProtocolError, match="does not arrive: Stream removed"):
        transport.execute(WRITE)
    assert server.ran == [WRITE]
    server.failure = None
    assert transport.execute("select 1 as a").rows == [(1,)]


def test_an_operation_that_spark_forgot_is_not_run_again(server, transport):
    server.breaks = 1
    with pytest.raises(ProtocolError, match="does not arrive: OPERATION_NOT_FOUND"):
        transport.execute("select 1 as a")
    assert len(server.plans) == 1
    assert transport.execute("select 1 as a").rows == [(1,)]


def test_a_plan_that_meets_itself_is_waited_for(server, transport):
    server.before.append((grpc.StatusCode.INTERNAL, "[INVALID_HANDLE.OPERATION_ALREADY_EXISTS]"))
    transport.execute(WRITE)
    assert (server.ran, server.reattached) == ([WRITE], 1)


def test_the_token_is_renewed_when_the_server_refuses_it(server, glue, transport):
    server.tokens.clear()
    transport.execute(WRITE)
    assert server.ran == [WRITE]
    assert len(glue.tokens) == 2


def test_a_server_that_takes_no_token_is_given_up(server, glue):
    glue.good = False
    transport = ConnectTransport(glue, "s")
    with pytest.raises((SessionError, ProtocolError), match="UNAUTHENTICATED|refuses"):
        transport.start()
    assert len(glue.tokens) <= 4
    transport.close()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.mark.parametrize(("lifetime", "good_for"), [(1800.0, 1500.0), (100.0, 80.0)])
def test_the_token_is_renewed_before_it_expires(server, lifetime, good_for):
    clock = Clock()
    glue = Glue(server, lifetime, clock)
    endpoint = ConnectEndpoint(glue, "s", clock=clock, sleep=clock.sleep)
    assert endpoint.token() == "token-0"
    clock.now += good_for - 1
    assert endpoint.token() == "token-0"
    clock.now += 2
    assert endpoint.token() == "token-1"


def test_an_endpoint_that_is_still_initialising_is_waited_for(server):
    clock = Clock()
    glue = Glue(server, now=clock)
    glue.errors = ["InternalServiceException", "OperationTimeoutException"]
    endpoint = ConnectEndpoint(glue, "s", clock=clock, sleep=clock.sleep)
    assert endpoint.token() == "token-0"
    assert clock.now > 1000.0


@pytest.mark.parametrize("code", ["IllegalSessionStateException", "EntityNotFoundException"])
def test_no_endpoint_of_a_session_that_is_over(server, glue, code):
    glue.errors = [code]
    with pytest.raises(SessionLost):
        ConnectEndpoint(glue, "s").token()


def test_an_url_of_aws_gets_tls_and_one_with_a_port_does_not():
    aws = "sc://s-1.sessions.glue.eu-west-1.amazonaws.com"
    assert connection_string(aws) == f"{aws}:443/;use_ssl=true"
    assert connection_string("sc://127.0.0.1:4711") == "sc://127.0.0.1:4711"
    with pytest.raises(ProtocolError, match="https://x"):
        connection_string("https://x")


WRAPPED = (
    "Exception thrown in awaitResult: \n\tat org.apache.spark.util.ThreadUtils$.awaitResult"
    "(ThreadUtils.scala:301)\n\t... 1 more\nCaused by: java.util.concurrent.ExecutionException: "
    "org.apache.spark.SparkException: Job aborted\n\tat a.b(C.java:1)\n"
    "Caused by: java.lang.RuntimeException: boom\n  in two lines\n\tat a.b(C.java:2)\n"
    "\t... 9 more\n"
)


def test_the_cause_of_a_wrapped_error_is_told(server, transport):
    server.failure = ("SparkException", WRAPPED)
    with pytest.raises(StatementError) as caught:
        transport.execute(WRITE)
    assert caught.value.message == "java.lang.RuntimeException: boom\n  in two lines"
    assert caught.value.hint is None


def test_where_long_errors_do_not_come_through_the_outermost_is_told(server, glue):
    server.longest_header = 6000
    transport = ConnectTransport(glue, "s")
    transport.start()
    server.failure = ("SparkException", WRAPPED.split("\n")[0])
    with pytest.raises(StatementError, match="Exception thrown in awaitResult") as caught:
        transport.execute(WRITE)
    assert "session_type: livy" in caught.value.hint
    transport.close()


def test_the_whole_message_of_what_pyspark_knows(server, transport):
    """Spark cuts a message at 2048 characters; the trace has all of it."""
    long = "[X] it says\n== SQL ==\n" + "\tat least, \n" * 500
    server.failure = ("SparkRuntimeException", f"{long}\n\tat a.b(C.java:1)")
    with pytest.raises(StatementError) as caught:
        transport.execute("select 1")
    assert caught.value.message == long.strip()
    assert (caught.value.error_class, caught.value.error_name) == ("X", "SparkRuntimeException")


def test_an_error_that_arrives_while_its_call_is_cancelled_is_told():
    status = status_pb2.Status(code=code_pb2.INTERNAL, message="interrupted")
    details = ("grpc-status-details-bin", status.SerializeToString())
    call = SimpleNamespace(
        code=lambda: grpc.StatusCode.CANCELLED,
        details=lambda: "Locally cancelled by application!",
        trailing_metadata=lambda: [details],
    )
    told = glue_error(call, "session-1", "operation-1")
    assert "CANCELLED: Locally cancelled by application!" in str(told)


def test_cancel_interrupts_the_runs_of_its_tag_only(server, transport):
    caught = []
    server.free.clear()

    def run():
        try:
            transport.execute(WRITE, tag="mine")
        except StatementCancelled as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not server.ran:
        time.sleep(0.01)
    transport.cancel("other")
    assert server.interrupted == []
    transport.cancel("mine")
    thread.join(5)
    server.free.set()
    assert server.interrupted == list(server.plans[0].tags)
    assert len(caught) == 1


def test_a_token_of_a_session_that_timed_out_tells_the_loss(glue):
    """Glue says InvalidInputException there, as of a bad argument."""

    def refused(**request):
        raise client_error("GetSessionEndpoint", "InvalidInputException", "is in TIMEOUT status")

    glue.get_session_endpoint, glue.status = refused, "TIMEOUT"
    with pytest.raises(SessionLost, match="TIMEOUT") as caught:
        ConnectEndpoint(glue, "s").token()
    assert caught.value.context["code"] == "TIMEOUT"


TYPO = (
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `mesage` cannot be resolved.\n"
    "'Project ['mesage]\n+- Filter message#1 LIKE %{}%\n   +- Relation logs"
)


@pytest.mark.parametrize(
    "word",
    [
        *("SparkContext was shut down", "stopped SparkContext", "GOAWAY", "RST_STREAM"),
        *("SESSION_BUSY", "OPERATION_CANCELED", "INVALID_HANDLE.SESSION_NOT_FOUND"),
        *("INVALID_HANDLE.OPERATION_NOT_FOUND", "INVALID_CURSOR.DISCONNECTED"),
    ],
)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AnalysisException", TYPO),
        ("ParseException", "[PARSE_SYNTAX_ERROR] Syntax error.\n== SQL ==\nselect '{}' form t"),
        ("ParseException", "\nmismatched input 'form'(line 1, pos 9)\n\n== SQL ==\nselect '{}'"),
    ],
)
def test_words_of_the_users_sql_are_no_sign(server, transport, name, message, word):
    server.failure = name, message.format(word)
    with pytest.raises(StatementError) as caught:
        transport.execute(f"select mesage from logs where message like '%{word}%'")
    assert not isinstance(caught.value, StatementCancelled)
    assert transport.lost is None and len(server.plans) == 1


def test_what_spark_says_itself_is_a_sign(server, transport):
    server.failure = "SparkSQLException", "[OPERATION_CANCELED] Operation has been canceled."
    with pytest.raises(StatementCancelled):
        transport.execute("select 1")
    server.failure = "SparkException", "Job 3 cancelled because SparkContext was shut down"
    with pytest.raises(SessionLost):
        transport.execute("select 1")


# --- the mark by which a restarted Spark is known


@pytest.mark.parametrize("sql", ["RESET", "/* c */ reset spark.dbt.glue.client;"])
def test_a_reset_leaves_the_mark_and_the_traces(server, transport, sql):
    before = dict(server._conf)
    server.when_ran = lambda ran: server._conf.clear() if "reset" in ran.lower() else None
    transport.execute(sql)
    assert server._conf == before and len(before) == 2
    assert not transport._is_restarted()


def test_a_tag_that_was_cancelled_runs_nothing_more(server, transport):
    transport.cancel("mine")
    with pytest.raises(StatementCancelled):
        transport.execute(WRITE, tag="mine")
    assert server.ran == []
    transport.execute(WRITE, tag="other")


def test_an_error_of_spark_that_meets_a_cancel_is_a_cancel(transport):
    """pyspark asks grpc_status about it too, which then raises a ValueError."""
    with pytest.raises(StatementCancelled), transport._running("t") as run:
        run.cancelled = True
        raise ValueError("Code in Status proto doesn't match status code (StatusCode.CANCELLED)")
    with pytest.raises(ValueError, match="another"), transport._running("t"):
        raise ValueError("another")
