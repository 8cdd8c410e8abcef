from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from unit.fake_sessions import Clock, Sessions
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import (
    AccessDenied,
    CatalogError,
    ProvisioningTimeout,
    SessionError,
    SessionFailed,
)
from dbt.adapters.glue.session.lifecycle import SessionLifecycle, spare_ids
from dbt.adapters.glue.session.pool import SessionName, SessionPool
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


@pytest.mark.parametrize("operation", ["CreateSession", "GetSession"])
def test_errors_that_do_not_pass_are_told_with_how_long_they_lasted(
    lifecycle, glue, clock, operation
):
    throttled = client_error("C", "ThrottlingException", "Rate exceeded")
    glue.failures = {operation: [throttled] * 1000}
    with pytest.raises(CatalogError, match=r"Rate exceeded[^H]*tried \d+ times in \d+ s") as caught:
        lifecycle.acquire(SPEC, "s", look_first=False)
    assert clock() <= 121 and not caught.value.retryable  # no node after this one waits as long


def test_a_session_is_given_up_between_two_attempts_at_a_call(lifecycle, glue, clock):
    throttled = client_error("C", "ThrottlingException", "Rate exceeded")
    glue.failures = {"CreateSession": [throttled] * 1000}
    with pytest.raises(SessionError, match="Gave up"):
        lifecycle.acquire(SPEC, "s", look_first=False, wanted=lambda: clock() < 5)
    assert clock() < 30


def test_create_is_never_sent_outside_of_sending(lifecycle, glue):
    """Whoever closes the pool meanwhile is told in sending(), and no session is made."""
    throttled = client_error("C", "ThrottlingException", "Rate exceeded")
    glue.failures = {"CreateSession": [throttled] * 3}
    sent = []

    @contextmanager
    def sending():
        if len(sent) == 2:
            raise SessionError("closed")
        sent.append(glue.calls["CreateSession"])
        yield

    with pytest.raises(SessionError, match="closed"):
        lifecycle.acquire(SPEC, "s", look_first=False, sending=sending)
    assert glue.calls["CreateSession"] == 2


@pytest.mark.parametrize("provisioning", [0.0, 0.05, 2.0, 15.0, 90.0])
def test_pain_49_the_wait_for_a_session_does_not_outlast_its_provisioning(
    lifecycle, glue, provisioning
):
    glue.provisioning = provisioning
    acquired = lifecycle.acquire(SPEC, "s", look_first=False)
    assert acquired.seconds <= provisioning + 1.3


def test_pain_49_a_session_that_fails_is_not_waited_for(lifecycle, glue, clock):
    glue.becomes, glue.provisioning = "FAILED", 3.0
    with pytest.raises(SessionFailed):
        lifecycle.acquire(SPEC, "s", look_first=False)
    assert clock() < 5


def test_create_whose_answer_was_lost_is_found_again(lifecycle, glue):
    real = glue.create_session
    lost = [client_error("CreateSession", "InternalServiceException", "no answer")]

    def create_session(**request):
        answer = real(**request)
        if lost:
            raise lost.pop()
        return answer

    glue.create_session = create_session
    assert lifecycle.acquire(SPEC, "s", look_first=False).created
    assert list(glue.sessions) == ["s"] and glue.sessions["s"]["Status"] == "READY"


def test_stop_is_repeated_where_that_may_help(lifecycle, glue):
    glue.put("s", "READY")
    busy = client_error("StopSession", "ConcurrentModificationException", "busy")
    glue.failures = {"StopSession": [busy]}
    lifecycle.stop("s")
    assert glue.sessions["s"]["Status"] == "STOPPING"


class TestIdsThatCannotBeFreed:
    ROLE = "arn:aws-cn:iam::111122223333:role/R"

    def pool(self, glue, clock, said):
        return SessionPool(
            SimpleNamespace(glue=glue),
            threads=1,
            provisioning_timeout=120,
            report=said.append,
            clock=clock,
            sleep=clock.sleep,
        )

    def session(self, glue, clock, said):
        pool = self.pool(glue, clock, said)
        transport = pool.transport(SPEC, SessionName("s", shared=True))
        pool.close()
        return transport.session_id

    @pytest.fixture
    def glue(self, clock):
        glue = Sessions(clock)
        glue.meta = SimpleNamespace(region_name="cn-north-1")
        glue.run_statement = lambda **request: {"Id": 0}
        done = {"State": "AVAILABLE", "Output": {"Status": "ok", "Data": {"TextPlain": ""}}}
        glue.get_statement = lambda **request: {"Statement": {"Id": 0, **done}}
        return glue

    def test_pain_24_connects_where_delete_session_is_denied(self, glue, clock, said):
        """As under the IAM of SageMaker Unified Studio, which allows only what has certain tags."""
        glue.put("s", "TIMEOUT")
        glue.failures = {
            "DeleteSession": [client_error("DeleteSession", "AccessDeniedException", "no")] * 9
        }
        assert self.session(glue, clock, said) == "s__2"
        assert "ended session s is left: no Taking the next id." in said[0]
        assert self.session(glue, clock, said) == "s__2"  # found there by the next command
        assert glue.sessions["s"]["Status"] == "TIMEOUT"
        glue.sessions["s__2"]["Status"] = "STOPPED"
        assert self.session(glue, clock, said) == "s__3"

    def test_pain_24_a_session_of_another_owner_is_never_deleted(self, glue, clock, said):
        tags = {"owner": "someone"}
        asked = []

        def get_tags(ResourceArn):  # noqa: N803
            asked.append(ResourceArn)
            return {"Tags": tags}

        glue.get_tags = get_tags
        glue.put("s", "STOPPED", Role=self.ROLE)
        assert self.session(glue, clock, said) == "s__2"
        assert asked == ["arn:aws-cn:glue:cn-north-1:111122223333:session/s"]
        assert glue.calls["DeleteSession"] == 0 and glue.sessions["s"]["Status"] == "STOPPED"
        tags["dbt-glue"] = "session"
        del glue.sessions["s__2"]
        assert self.session(glue, clock, said) == "s"
        assert glue.calls["DeleteSession"] == 1

    def test_where_tags_may_not_be_read_the_deletion_tells(self, glue, clock, said):
        def get_tags(ResourceArn):  # noqa: N803
            raise client_error("GetTags", "AccessDeniedException", "no")

        glue.get_tags = get_tags
        glue.put("s", "STOPPED", Role=self.ROLE)
        assert self.session(glue, clock, said) == "s"

    def test_ids_that_stand_in_are_legal_and_known_to_all(self):
        first, second, *rest = spare_ids("x" * 255)
        assert first == "x" * 255 and second == "x" * 250 + "__2"
        assert max(map(len, rest)) <= 255 and len({first, second, *rest}) == len(rest) + 2
