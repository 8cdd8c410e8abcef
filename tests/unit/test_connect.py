"""The Spark Connect transport against a server on a real wire, with faults and without Spark."""

import threading
import time

import grpc
import pytest
from unit.connect_server import Glue, Server

from dbt.adapters.glue.exceptions import (
    NotImplementedByGlue,
    ProtocolError,
    SessionError,
    SessionLost,
    StatementCancelled,
)
from dbt.adapters.glue.session.connect import ConnectTransport
from dbt.adapters.glue.session.connect_endpoint import ConnectEndpoint, connection_string

pytestmark = pytest.mark.filterwarnings("ignore:ReleaseExecute failed")
UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE,)
WRITE = "insert into t select 1"


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


def test_a_query_is_one_operation(server, transport):
    result = transport.execute("-- a comment\nselect 1 as a")
    assert (result.rows, [(c.name, c.type) for c in result.columns]) == ([(1,)], [("a", "int")])
    assert result.statement_id == server.plans[0].operation_id
    assert len(server.plans) == 1


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


def test_python_is_refused_with_the_way_out(transport):
    with pytest.raises(NotImplementedByGlue) as caught:
        transport.run_python("print(1)")
    assert "session_type: livy" in str(caught.value)


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
