from contextlib import contextmanager

import pytest
from unit.fake_sessions import Clock, Sessions
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import (
    AccessDenied,
    ProvisioningTimeout,
    SessionError,
    SessionFailed,
)
from dbt.adapters.glue.session.lifecycle import SessionLifecycle
from dbt.adapters.glue.session.spec import SessionSpec

SPEC = SessionSpec(
    role_arn="arn:aws:iam::123456789012:role/R", workers=2, worker_type="G.1X", glue_version="5.0"
)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def glue(clock):
    return Sessions(clock)


@pytest.fixture
def said():
    return []


@pytest.fixture
def lifecycle(glue, clock, said):
    return SessionLifecycle(
        glue, provisioning_timeout=120, report=said.append, clock=clock, sleep=clock.sleep
    )


def test_create_and_wait(lifecycle, glue, said):
    sent = []

    @contextmanager
    def sending():
        sent.append(glue.calls["CreateSession"])
        yield
        sent.append(glue.calls["CreateSession"])

    acquired = lifecycle.acquire(SPEC, "s", look_first=False, sending=sending)
    assert acquired.created and sent == [0, 1]
    assert 20 <= acquired.seconds < 21.5
    assert glue.calls["CreateSession"] == 1 and glue.calls["GetSession"] < 40
    assert said[0] == "Glue session s: asked for 2 × G.1X, Glue 5.0"
    assert said[1].startswith("Glue session s: ready after 2")


def test_first_look_comes_soon(lifecycle, glue):
    glue.provisioning = 0.05
    assert lifecycle.acquire(SPEC, "s", look_first=False).seconds < 0.6


@pytest.mark.parametrize("status", ["READY", "BUSY"])
def test_attach(lifecycle, glue, status):
    glue.put("s", status)
    acquired = lifecycle.acquire(SPEC, "s", look_first=True)
    assert not acquired.created and dict(glue.calls) == {"GetSession": 1}


def test_attach_says_what_differs(lifecycle, glue, said):
    glue.put("s", "READY", GlueVersion="4.0", NumberOfWorkers=2)
    lifecycle.acquire(SPEC, "s", look_first=True)
    assert "GlueVersion 4.0 (the profile asks for 5.0)" in said[0]


def test_attach_to_one_that_another_process_provisions(lifecycle, glue):
    glue.put("s", "PROVISIONING", since=0)
    assert not lifecycle.acquire(SPEC, "s", look_first=True).created


@pytest.mark.parametrize("status", ["STOPPED", "TIMEOUT", "FAILED"])
def test_ended_session_is_made_anew(lifecycle, glue, status):
    glue.put("s", status)
    assert lifecycle.acquire(SPEC, "s", look_first=True).created
    assert glue.calls["DeleteSession"] == 1 and glue.sessions["s"]["Status"] == "READY"


def test_stopping_is_waited_out(lifecycle, glue):
    glue.put("s", "STOPPING", since=0)
    acquired = lifecycle.acquire(SPEC, "s", look_first=True)
    assert acquired.created and acquired.seconds > 23


def test_two_processes_create_at_once(lifecycle, glue):
    def other_process_is_faster():
        glue.put("s", "PROVISIONING", since=0)

    glue.failures = {"CreateSession": [other_process_is_faster]}
    assert not lifecycle.acquire(SPEC, "s", look_first=True).created
    assert glue.sessions["s"]["Status"] == "READY"


def test_timeout(lifecycle, glue):
    glue.provisioning = 1000
    with pytest.raises(ProvisioningTimeout, match="PROVISIONING after 12") as caught:
        lifecycle.acquire(SPEC, "s", look_first=False)
    assert "session_provisioning_timeout_in_seconds" in caught.value.hint


def test_a_session_that_can_never_be_made_anew_times_out(lifecycle, glue):
    glue.put("s", "STOPPED")
    glue.delete_session = lambda Id: None
    with pytest.raises(ProvisioningTimeout):
        lifecycle.acquire(SPEC, "s", look_first=True)


def test_failed_says_why(lifecycle, glue):
    glue.becomes = "FAILED"
    glue.failures = {}
    glue.put_error = None
    real = glue.get_session

    def get_session(**request):
        answer = real(**request)
        if answer["Session"]["Status"] == "FAILED":
            answer["Session"]["ErrorMessage"] = "Subnet has no route"
        return answer

    glue.get_session = get_session
    with pytest.raises(SessionFailed, match="^Subnet has no route"):
        lifecycle.acquire(SPEC, "s", look_first=False)
    assert glue.calls["CreateSession"] == 1


def test_quota(lifecycle, glue):
    glue.failures = {
        "CreateSession": [
            client_error("C", "ResourceNumberLimitExceededException", "Too many DPUs")
        ]
    }
    with pytest.raises(SessionFailed, match="^Too many DPUs") as caught:
        lifecycle.acquire(SPEC, "s", look_first=False)
    assert "sessions list" in caught.value.hint


def test_permission(lifecycle, glue):
    glue.failures = {
        "CreateSession": [
            client_error("C", "AccessDeniedException", "not authorized: iam:PassRole")
        ]
    }
    with pytest.raises(AccessDenied, match="PassRole"):
        lifecycle.acquire(SPEC, "s", look_first=False)


def test_other_type(lifecycle, glue):
    glue.put("s", "READY", SessionType="SPARK_CONNECT")
    with pytest.raises(SessionError, match="SPARK_CONNECT"):
        lifecycle.acquire(SPEC, "s", look_first=True)


def test_given_up(lifecycle, clock):
    with pytest.raises(SessionError, match="Gave up"):
        lifecycle.acquire(SPEC, "s", look_first=False, wanted=lambda: clock() < 5)


@pytest.mark.parametrize("status", ["READY", "STOPPED", "FAILED", "PROVISIONING", None])
def test_stop(lifecycle, glue, status):
    if status:
        glue.put("s", status)
    lifecycle.stop("s")
    assert lifecycle.look("s").get("Status") in ("STOPPING", "STOPPED", "FAILED", None)


def test_provisioning_session_that_cannot_be_stopped_is_deleted(lifecycle, glue, clock):
    glue.put("s", "PROVISIONING", since=clock())
    glue.failures = {"StopSession": [client_error("S", "IllegalSessionStateException", "no")]}
    lifecycle.stop("s")
    assert lifecycle.look("s") == {}


@pytest.mark.parametrize("operation", ["CreateSession", "GetSession"])
def test_errors_that_pass_are_waited_out(lifecycle, glue, operation):
    glue.failures = {operation: [client_error(operation, "ThrottlingException", "Rate")] * 3}
    assert lifecycle.acquire(SPEC, "s", look_first=False).created
    assert glue.sessions["s"]["Status"] == "READY"


def test_errors_that_do_not_pass_end_in_a_timeout_that_names_them(lifecycle, glue):
    throttled = client_error("C", "ThrottlingException", "Rate exceeded")
    glue.failures = {"CreateSession": [throttled] * 1000}
    with pytest.raises(ProvisioningTimeout, match="Rate exceeded"):
        lifecycle.acquire(SPEC, "s", look_first=False)


def test_create_whose_answer_was_lost_is_found_again(lifecycle, glue):
    real = glue.create_session
    lost = [client_error("CreateSession", "InternalServiceException", "no answer")]

    def create_session(**request):
        answer = real(**request)
        if lost:
            raise lost.pop()
        return answer

    glue.create_session = create_session
    lifecycle.acquire(SPEC, "s", look_first=False)
    assert list(glue.sessions) == ["s"] and glue.sessions["s"]["Status"] == "READY"


def test_stop_is_repeated_where_that_may_help(lifecycle, glue):
    glue.put("s", "READY")
    busy = client_error("StopSession", "ConcurrentModificationException", "busy")
    glue.failures = {"StopSession": [busy]}
    lifecycle.stop("s")
    assert glue.sessions["s"]["Status"] == "STOPPING"
