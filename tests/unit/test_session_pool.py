import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from signals import as_in_a_terminal
from unit.fake_sessions import Sessions
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import (
    CatalogError,
    GlueError,
    ProtocolError,
    SessionError,
    SessionFailed,
    SessionLost,
)
from dbt.adapters.glue.session import pool as pool_module
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.transports import import_connect
from dbt.adapters.glue.session.usage import RunUsage

SPEC = SessionSpec(role_arn="arn:aws:iam::123456789012:role/R")
OWN, SHARED = SessionName("own", False), SessionName("shared", True)


class Glue(Sessions):
    """Statements end at once with no output."""

    def run_statement(self, **request):
        self._call("RunStatement")
        return {"Id": 0}

    def get_statement(self, **request):
        return {"Statement": {"State": "AVAILABLE", "Output": {"Status": "ok", "Data": {}}}}


@pytest.fixture
def glue():
    return Glue(time.monotonic, provisioning=0.2)


@pytest.fixture
def said():
    return []


@pytest.fixture
def pool(glue, said):
    pool = SessionPool(
        SimpleNamespace(glue=glue), threads=4, provisioning_timeout=5, report=said.append
    )
    yield pool
    pool.close()


def test_prepare_returns_at_once_and_one_session_serves_all_threads(pool, glue):
    glue.provisioning = 0.5
    started = time.monotonic()
    pool.prepare(SPEC, OWN)
    assert time.monotonic() - started < 0.3
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(pool.transport(SPEC, OWN))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4 and len(set(map(id, got))) == 1
    assert glue.calls["CreateSession"] == 1


def test_dispatcher_is_loaded_into_a_new_session_only(pool, glue):
    pool.transport(SPEC, OWN)
    assert glue.calls["RunStatement"] == 1
    glue.put("shared", "READY")
    pool.transport(SPEC, SHARED)
    assert glue.calls["RunStatement"] == 1


def test_other_spec_or_name_is_another_session(pool, glue):
    pool.transport(SPEC, OWN)
    pool.transport(SPEC, SessionName("other", False))
    assert set(glue.sessions) == {"own", "other"}


def test_close_stops_what_it_created_and_does_not_share(pool, glue):
    glue.put("found", "READY")
    for name in (OWN, SHARED, SessionName("found", True)):
        pool.transport(SPEC, name)
    pool.close()
    pool.close()
    states = {name: session["Status"] for name, session in glue.sessions.items()}
    assert states == {"own": "STOPPING", "shared": "READY", "found": "READY"}
    with pytest.raises(SessionError, match="closed"):
        pool.transport(SPEC, OWN)


def test_close_while_provisioning(pool, glue):
    glue.provisioning = 60
    pool.prepare(SPEC, OWN)
    while not glue.calls["CreateSession"]:
        time.sleep(0.01)
    pool.close()
    assert glue.sessions["own"]["Status"] == "STOPPING"


def test_crash_after_create_was_sent_leaves_nothing(pool, glue):
    real = glue.create_session

    def create_session(**request):
        real(**request)
        raise client_error("CreateSession", "AccessDeniedException", "the answer was lost")

    glue.create_session = create_session
    with pytest.raises(Exception, match="the answer was lost"):
        pool.transport(SPEC, OWN)
    pool.close()
    assert glue.sessions["own"]["Status"] == "STOPPING"


CONNECT = replace(SPEC, session_type="spark_connect", or_livy=True)


def test_a_session_that_is_there_will_do_though_it_is_a_livy_one(pool, glue, said):
    glue.put(SHARED.id, "READY", SessionType="LIVY")
    assert pool.transport(CONNECT, SHARED).session_type == "livy"
    with pytest.raises(SessionError, match="of type LIVY, and spark_connect is needed"):
        pool.transport(replace(CONNECT, or_livy=False), SHARED)


@pytest.mark.parametrize("code", ["InvalidInputException", "OperationNotSupportedException"])
def test_livy_where_glue_refuses_spark_connect(pool, glue, said, code):
    refusal = client_error("CreateSession", code, "SessionType is not supported here")
    glue.failures["CreateSession"] = [refusal]
    assert pool.transport(CONNECT, OWN).session_type == "livy"
    assert "SessionType" not in glue.sessions[OWN.id]["request"]
    assert any("Taking a Livy session" in line and "not supported here" in line for line in said)
    pool.close()
    assert glue.sessions[OWN.id]["Status"] in ("STOPPING", "STOPPED")


@pytest.mark.parametrize("error", ["AccessDeniedException", "OperationNotSupportedException"])
def test_livy_where_the_endpoint_is_refused(pool, glue, said, error):
    def endpoint(**request):
        raise client_error("GetSessionEndpoint", error, "no endpoint for you")

    glue.get_session_endpoint, glue.stopping = endpoint, 0.1
    assert pool.transport(CONNECT, OWN).session_type == "livy"
    assert glue.calls["CreateSession"] == 2 and glue.calls["DeleteSession"] == 1
    assert any("no endpoint for you" in line for line in said)


@pytest.mark.parametrize("error", ["AccessDeniedException", "OperationNotSupportedException"])
def test_a_session_that_others_use_is_not_stopped_where_its_endpoint_is_refused(pool, glue, error):
    def endpoint(**request):
        raise client_error("GetSessionEndpoint", error, "no endpoint for you")

    glue.get_session_endpoint = endpoint
    glue.put(SHARED.id, "READY", SessionType="SPARK_CONNECT", CreatedOn=1)
    with pytest.raises(GlueError, match="no endpoint for you") as caught:
        pool.transport(CONNECT, SHARED)
    assert "another process has made" in str(caught.value)
    pool.close()
    assert glue.calls["StopSession"] == glue.calls["CreateSession"] == 0
    assert glue.sessions[SHARED.id]["Status"] == "READY"


def test_a_shared_session_that_it_has_made_itself_gives_way_to_livy(pool, glue):
    def endpoint(**request):
        raise client_error("GetSessionEndpoint", "AccessDeniedException", "no endpoint for you")

    glue.get_session_endpoint, glue.stopping = endpoint, 0.1
    assert pool.transport(CONNECT, SHARED).session_type == "livy"
    assert glue.calls["StopSession"] == 1 and glue.calls["CreateSession"] == 2


def test_grpc_is_told_to_keep_quiet_unless_the_user_wants_it(monkeypatch):
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    import_connect()
    assert os.environ["GRPC_VERBOSITY"] == "ERROR"
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    import_connect()
    assert os.environ["GRPC_VERBOSITY"] == "DEBUG"


def test_no_livy_session_where_no_session_can_be_had(pool, glue):
    error = client_error("CreateSession", "ResourceNumberLimitExceededException", "too many")
    glue.failures["CreateSession"] = [error]
    with pytest.raises(SessionFailed, match="too many"):
        pool.transport(CONNECT, OWN)
    assert glue.calls["CreateSession"] == 1


def test_the_pool_keeps_account_of_its_sessions(pool, glue):
    usage = RunUsage()
    pool = SessionPool(
        SimpleNamespace(glue=glue), threads=1, provisioning_timeout=5, report=str, usage=usage
    )
    pool.transport(SPEC, OWN)
    glue.sessions[OWN.id]["DPUSeconds"] = 7200.0
    pool.close()
    assert "1 session, 2.000 DPU-hours; provisioning" in usage.summary()


def test_failure_is_the_same_for_all_and_is_not_repeated(pool, glue):
    error = client_error("C", "ResourceNumberLimitExceededException", "Too many")
    glue.failures = {"CreateSession": [error]}
    for _ in range(3):
        with pytest.raises(SessionFailed, match="Too many"):
            pool.transport(SPEC, OWN)
    assert glue.calls["CreateSession"] == 1


def test_lost_session_is_made_anew(pool, glue):
    first = pool.transport(SPEC, OWN)
    glue.sessions["own"]["Status"] = "TIMEOUT"
    first.lost = SessionLost("died")
    second = pool.transport(SPEC, OWN)
    assert second is not first
    assert glue.calls["CreateSession"] == 2 and glue.calls["DeleteSession"] == 1


def test_a_session_that_dies_again_and_again_is_given_up(pool, glue, said, monkeypatch):
    monkeypatch.setattr(pool_module, "MOST_DEATHS", 2)
    for _ in range(3):
        pool.transport(SPEC, OWN).lost = SessionLost("out of memory", code="FAILED")
    for _ in range(2):
        with pytest.raises(SessionError, match=r"died 3 times in this run.*out of memory") as told:
            pool.transport(SPEC, OWN)
        assert not isinstance(told.value, SessionLost) and "worker_type" in str(told.value)
    assert glue.calls["CreateSession"] == 3
    pool.close()
    assert glue.sessions["own"]["Status"] in ("STOPPING", "STOPPED")


def test_a_session_that_ends_by_its_own_clock_is_made_anew_as_often(pool, glue, monkeypatch):
    monkeypatch.setattr(pool_module, "MOST_DEATHS", 1)
    glue.stopping = 0.0
    for _ in range(4):
        pool.transport(SPEC, OWN).lost = SessionLost("idle", code="TIMEOUT")
    assert pool.transport(SPEC, OWN).lost is None


def test_pain_12_a_session_that_died_idle_is_known_before_a_statement_is_sent(
    pool, glue, monkeypatch
):
    first = pool.transport(SPEC, OWN)
    looks = glue.calls["GetSession"]
    assert pool.transport(SPEC, OWN) is first and glue.calls["GetSession"] == looks
    monkeypatch.setattr(pool_module, "LOOK_AFTER", 0.0)
    assert pool.transport(SPEC, OWN) is first and glue.calls["GetSession"] == looks + 1
    glue.sessions["own"].update(Status="TIMEOUT", ErrorMessage="idle for 10 minutes")
    second = pool.transport(SPEC, OWN)
    assert second is not first
    assert "idle for 10 minutes" in str(first.lost) and not first.lost.begun


def test_a_look_that_is_throttled_stops_nothing(pool, glue, monkeypatch):
    first = pool.transport(SPEC, OWN)
    monkeypatch.setattr(pool_module, "LOOK_AFTER", 0.0)

    def throttled(self, session_id):
        raise CatalogError("Rate exceeded", operation="GetSession", retryable=True)

    monkeypatch.setattr(pool_module.SessionLifecycle, "look", throttled)
    assert pool.transport(SPEC, OWN) is first


def test_pain_33_a_session_that_another_process_has_made_anew_is_not_stopped(pool, glue):
    """Both have lost the old one; whoever comes second attaches to the first one's."""
    glue.put("shared", "READY", CreatedOn=1)
    pool.transport(SPEC, SHARED).lost = SessionLost("died")
    glue.put("shared", "READY", CreatedOn=2)
    pool.transport(SPEC, SHARED)
    assert glue.calls["StopSession"] == 0 and glue.calls["CreateSession"] == 0


@pytest.mark.parametrize(
    ("answer", "stopped"),
    [(None, 0), (ProtocolError("what?"), 0), (SessionLost("SparkContext was shut down"), 1)],
)
def test_a_shared_session_is_stopped_only_if_it_is_dead_for_others_too(
    pool, glue, monkeypatch, answer, stopped
):
    def execute(self, sql, **how):
        if answer is not None:
            raise answer

    monkeypatch.setattr("dbt.adapters.glue.session.livy.LivyTransport.execute", execute)
    glue.put("shared", "READY", CreatedOn=1)
    first = pool.transport(SPEC, SHARED)
    first.lost = SessionLost("died, and looks alive")
    glue.stopping = 0.0
    assert pool.transport(SPEC, SHARED) is not first
    assert glue.calls["StopSession"] == glue.calls["CreateSession"] == stopped


def test_a_lost_session_leaves_no_thread(pool, glue):
    first = pool.transport(SPEC, OWN)
    with pytest.raises(ProtocolError):  # the fake's answer is none; the pump lives on
        first.execute("select 1")
    assert first._pump.is_alive()
    first.lost = SessionLost("died")
    pool.transport(SPEC, OWN)
    first._pump.join(10)
    assert not first._pump.is_alive()


def test_what_sql_had_made_in_a_lost_session_is_made_again(pool, glue, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "dbt.adapters.glue.session.livy.LivyTransport.execute",
        lambda self, sql, **how: ran.append((self, sql)),
    )
    first = pool.transport(SPEC, OWN)
    pool.ran(SPEC, OWN, "set a = 1")
    pool.ran(SPEC, OWN, "insert into t select 1")
    first.lost = SessionLost("died")
    second = pool.transport(SPEC, OWN)
    assert ran == [(second, "set a = 1")]


def test_what_cannot_be_stopped_is_reported(pool, glue, said):
    pool.transport(SPEC, OWN)
    glue.failures = {"StopSession": [client_error("S", "AccessDeniedException", "not allowed")]}
    pool.close()
    assert "not allowed" in said[-1] and "dbt-glue sessions stop own" in said[-1]


def test_close_while_create_session_is_under_way(pool, glue):
    """A StopSession that overtakes CreateSession finds nothing to stop."""
    real, asked, go_on = glue.create_session, threading.Event(), threading.Event()

    def create_session(**request):
        asked.set()
        assert go_on.wait(10)
        return real(**request)

    glue.create_session = create_session
    pool.prepare(SPEC, OWN)
    assert asked.wait(5)
    threading.Timer(0.5, go_on.set).start()
    pool.close()
    assert glue.sessions["own"]["Status"] == "STOPPING"


def test_close_lets_waiting_threads_go_though_aws_does_not_answer(pool, glue, monkeypatch):
    monkeypatch.setattr("dbt.adapters.glue.session.pool.STOP_WITHIN", 0.2)
    asked, go_on, got = threading.Event(), threading.Event(), []

    def create_session(**request):
        asked.set()
        assert go_on.wait(30)
        raise client_error("CreateSession", "AccessDeniedException")

    def wait():
        try:
            pool.transport(SPEC, OWN)
        except SessionError as error:
            got.append(error.message)

    glue.create_session = create_session
    waiting = threading.Thread(target=wait)
    waiting.start()
    assert asked.wait(5)
    pool.close()
    waiting.join(2)
    go_on.set()
    assert got == ["The session pool is closed."]


def test_a_thread_that_is_not_wanted_any_more_stops_waiting(pool, glue):
    glue.provisioning = 60
    started = time.monotonic()
    with pytest.raises(SessionError, match="Cancelled"):
        pool.transport(SPEC, OWN, lambda: time.monotonic() < started + 0.3)
    assert time.monotonic() - started < 3


def test_close_that_was_interrupted_goes_on_when_called_again(pool, glue, monkeypatch):
    pool.transport(SPEC, OWN)
    real = glue.stop_session

    def slowly(Id):
        time.sleep(0.5)
        return real(Id=Id)

    glue.stop_session = slowly
    join, interrupts = threading.Thread.join, [KeyboardInterrupt]

    def interrupted_once(self, timeout=None):
        if interrupts:
            raise interrupts.pop()
        return join(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        pool.close()
    pool.close()
    assert glue.sessions["own"]["Status"] == "STOPPING"


def test_close_where_no_thread_can_be_started(pool, glue, monkeypatch):
    """As in an atexit function of Python 3.12 and later."""
    pool.transport(SPEC, OWN)

    def start(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    pool.close()
    assert glue.sessions["own"]["Status"] == "STOPPING"


def test_close_cancels_what_runs_in_a_shared_session(pool, glue, said):
    glue.put("shared", "READY")
    transport = pool.transport(SPEC, SHARED)
    running = threading.Event()
    codes = []

    def get_statement(**request):
        running.set()
        return {"Statement": {"State": "RUNNING"}}

    def run_statement(**request):
        codes.append(request["Code"])
        return {"Id": len(codes)}

    glue.get_statement, glue.run_statement = get_statement, run_statement
    errors = []

    def execute():
        try:
            transport.execute("select 1")
        except SessionError as error:
            errors.append(error.message)

    thread = threading.Thread(target=execute)
    thread.start()
    assert running.wait(5)
    pool.close()
    thread.join(5)
    assert errors == ["The session is being closed."]
    assert len(codes) == 2 and f'"cancel": ["{transport._client}.1"]' in codes[1]
    assert glue.sessions["shared"]["Status"] == "READY"


PROGRAM = """
import sys, time
from types import SimpleNamespace
sys.path.insert(0, {tests!r})
from unit.test_session_pool import Glue, OWN, SPEC, SessionPool
from dbt.adapters.glue.session import at_exit
glue = Glue(time.monotonic, provisioning=0.0)
stop = glue.stop_session
def stop_session(Id):
    print("stopped", Id, flush=True)
    return stop(Id=Id)
glue.stop_session = stop_session
pool = SessionPool(SimpleNamespace(glue=glue), threads=1, provisioning_timeout=5, report=str)
pool.transport(SPEC, OWN)
print("ready", flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "number"),
    [
        ("", None),
        ("raise KeyboardInterrupt", None),
        ("time.sleep(60)", signal.SIGINT),
        ("time.sleep(60)", signal.SIGTERM),
        ("time.sleep(60)", signal.SIGHUP),
        ("pool = None; time.sleep(60)", signal.SIGINT),
        ("at_exit.CLOSE_WITHIN = 1.5\nwith pool._lock: time.sleep(60)", signal.SIGTERM),
        ("import os\nif os.fork(): os.wait()\nelse: print('child', flush=True)", None),
    ],
)
def test_session_is_stopped_however_the_process_ends(end, number):
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(tests=tests, end=end)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=as_in_a_terminal,
    )
    assert process.stdout.readline() == "ready\n"
    if number is not None:
        process.send_signal(number)
    said = process.stdout.read()
    process.wait(20)
    process.stdout.close()
    assert said == ("child\n" if "fork" in end else "") + "stopped own\n"
    if number in (signal.SIGTERM, signal.SIGHUP):
        assert process.returncode in (-number, 128 + number)


def test_the_views_of_a_session(pool, glue):
    view = "create temporary view v as select 1"
    pool.transport(SPEC, OWN)
    pool.ran(SPEC, OWN, view)
    assert pool.views(SPEC, OWN) == {"v": view} and pool.views(SPEC, SHARED) == {}
