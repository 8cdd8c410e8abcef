"""What a transport knows of a statement when its session dies: whether it may have run."""

import threading

import pytest
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import SessionLost, StatementCancelled
from dbt.adapters.glue.session.livy import LivyTransport


class Glue:
    """A session that has ended, or ends under its first statement."""

    def __init__(self, *, takes=0, status="TIMEOUT", code="InvalidInputException"):
        self.takes, self.status, self.code = takes, status, code
        self.asked = threading.Event()

    def run_statement(self, **request):
        if self.takes == 0:
            raise client_error("RunStatement", self.code, "Session is in TIMEOUT status")
        self.takes -= 1
        return {"Id": 7}

    def get_statement(self, **request):
        self.asked.set()
        raise client_error("GetStatement", "IllegalSessionStateException", "Session unavailable")

    def get_session(self, **request):
        if self.status is None:
            raise client_error("GetSession", "EntityNotFoundException", "no such session")
        reason = "idle for 10 minutes"
        return {"Session": {"Id": "s", "Status": self.status, "ErrorMessage": reason}}


def lost(glue, sql="insert into t select 1"):
    transport = LivyTransport(glue, "s")
    with pytest.raises(SessionLost) as caught:
        transport.execute(sql)
    return transport, caught.value


@pytest.mark.parametrize("code", ["InvalidInputException", "IllegalSessionStateException"])
def test_a_statement_that_glue_refused_has_not_begun(code):
    transport, error = lost(Glue(code=code))
    assert not error.begun
    assert "idle for 10 minutes" in str(error) and error.context["code"] == "TIMEOUT"
    with pytest.raises(SessionLost) as again:
        transport.execute("insert into t select 2")
    assert not again.value.begun


def test_a_long_statement_of_which_only_pieces_arrived_has_not_begun():
    glue = Glue(takes=0)
    _, error = lost(glue, "select '" + "x" * 200_000 + "'")
    assert not error.begun


def test_a_statement_that_glue_took_may_have_run():
    _, error = lost(Glue(takes=1, status="FAILED"))
    assert error.begun and error.context["code"] == "FAILED"


def test_a_session_that_was_deleted_is_lost():
    _, error = lost(Glue(code="EntityNotFoundException", status=None))
    assert not error.begun and error.context["code"] == "gone"


def test_who_still_waits_at_a_lost_session_is_told_of_the_loss():
    """The pool closes it when it makes the next one."""
    glue = Glue(takes=1)
    go_on = threading.Event()

    def get_statement(**request):
        glue.asked.set()
        go_on.wait(10)
        raise client_error("GetStatement", "AccessDeniedException", "no")

    glue.get_statement = get_statement
    transport, got = LivyTransport(glue, "s"), []

    def wait():
        try:
            transport.execute("select 1")
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert glue.asked.wait(10)
    transport.lost = SessionLost("another thread saw it die")
    transport.close()
    thread.join(10)
    go_on.set()
    assert isinstance(got[0], SessionLost) and got[0].begun and "saw it die" in str(got[0])


def test_a_tag_that_was_cancelled_runs_nothing_more():
    """A cancel may come between a thread's look whether it is cancelled and its statement."""
    transport = LivyTransport(Glue(), "s")
    transport.cancel("mine")
    with pytest.raises(StatementCancelled):
        transport.execute("insert into t select 1", tag="mine")
    with pytest.raises(SessionLost):
        transport.execute("insert into t select 1", tag="other")
