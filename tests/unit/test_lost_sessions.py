"""A session dies under statements: which run again, how often, and what the others are told."""

import threading

import pytest

from dbt.adapters.glue.exceptions import SessionLost, StatementError
from dbt.adapters.glue.lost_sessions import LostSessions
from dbt.adapters.glue.session.loss import session_lost


def loss(begun=True):
    return session_lost("the driver died", "s", {"Status": "FAILED"}, begun=begun)


class Runs:
    """Ends as `outcomes` say, one after the other; the last one again and again."""

    def __init__(self, *outcomes):
        self.outcomes, self.times = list(outcomes), 0

    def __call__(self):
        self.times += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def outlive(sql, run, lost=None, waits=None, views=dict):
    waits = [] if waits is None else waits
    return (lost or LostSessions()).outlive(sql, run, lambda: waits.append(1), views)


def test_pain_12_what_is_safe_to_repeat_is_repeated():
    run = Runs(loss(), "rows")
    assert outlive("select 1", run) == "rows"
    assert run.times == 2


def test_an_insert_whose_outcome_is_unknown_is_never_repeated():
    run = Runs(loss(), "rows")
    with pytest.raises(SessionLost, match="the driver died") as caught:
        outlive("insert into t select 1", run)
    assert run.times == 1
    assert "is not run again: it may have been done" in str(caught.value)
    assert "dbt retry" in str(caught.value)


@pytest.mark.parametrize("sql", ["insert into t select 1", None])
def test_what_never_reached_the_session_is_sent_to_the_next(sql):
    run = Runs(loss(begun=False), loss(begun=False), "done")
    assert outlive(sql, run) == "done"


def test_python_that_may_have_run_is_not_run_again():
    run = Runs(loss(), "printed")
    with pytest.raises(SessionLost, match="not run again"):
        outlive(None, run)
    assert run.times == 1


def test_what_kills_each_session_ends():
    run = Runs(loss())
    with pytest.raises(SessionLost, match="Sessions died under this statement 3 times"):
        outlive("select 1", run)
    assert run.times == 3


def test_the_last_time_runs_alone():
    """Of four that were lost together again and again, each is the only one at last."""
    lost, inside, most, times = LostSessions(), [], [], threading.local()
    lock = threading.Lock()

    def run():
        times.count = getattr(times, "count", 0) + 1
        if times.count < 3:
            raise loss()
        with lock:
            inside.append(1)
            most.append(len(inside))
        threading.Event().wait(0.02)
        with lock:
            inside.pop()

    threads = [threading.Thread(target=outlive, args=("select 1", run, lost)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_a_table_that_was_being_created_is_taken_back_once_nothing_works_at_it():
    lost, order = LostSessions(), []
    lost.take_back = lambda table: order.append((table.schema, table.name))
    run = Runs(loss(), "made")
    assert outlive("create table s.t__dbt_tmp_1 as select 1", run, lost, order) == "made"
    assert order == [1, ("s", "t__dbt_tmp_1")]


@pytest.mark.parametrize(
    ("told", "sql"),
    [
        (
            "CREATE-TABLE-AS-SELECT cannot create table with location to a non-empty directory s3://b/t",
            "create table s.t as select 1",
        ),
        ("[TABLE_OR_VIEW_ALREADY_EXISTS] no", "create table s.t as select 1"),
        ("[LOCATION_ALREADY_EXISTS] no", "create table s.t as select 1"),
        ("[TABLE_OR_VIEW_NOT_FOUND] no", "create table s.t as select * from made_by_python"),
    ],
)
def test_what_fails_for_the_loss_says_so(told, sql):
    """The error of the second time alone would name a fault that the model does not have."""
    run = Runs(loss(), StatementError(told))
    with pytest.raises(SessionLost, match="the driver died") as caught:
        outlive(sql, run)
    assert f"Run again in a new session, it failed: {told}" in str(caught.value)


def test_an_error_of_its_own_is_told_as_such():
    run = Runs(loss(), StatementError("[DIVIDE_BY_ZERO] no"))
    with pytest.raises(StatementError, match="DIVIDE_BY_ZERO"):
        outlive("select 1 / 0", run)
    with pytest.raises(StatementError, match="TABLE_OR_VIEW_NOT_FOUND"):
        outlive("select * from nowhere", Runs(StatementError("[TABLE_OR_VIEW_NOT_FOUND] no")))


def test_a_view_of_the_session_may_read_the_table_that_is_replaced():
    run = Runs(loss(), "done")
    views = {"v": "create temporary view v as select n + 1 as n from s.t"}
    with pytest.raises(SessionLost, match="not run again"):
        outlive("insert overwrite s.t select n from v", run, views=lambda: views)
    assert run.times == 1


def test_no_hint_is_no_hint():
    with pytest.raises(SessionLost) as caught:
        outlive("insert into t select 1", Runs(SessionLost("restarted")))
    assert str(caught.value).endswith("would then be done twice.")
    with pytest.raises(SessionLost) as caught:
        outlive("select 1", Runs(SessionLost("restarted")))
    assert "None" not in str(caught.value)
    with pytest.raises(SessionLost) as caught:
        run = Runs(SessionLost("restarted"), StatementError("[LOCATION_ALREADY_EXISTS] no"))
        outlive("create table s.t as select 1", run)
    assert "None" not in str(caught.value)


def test_what_is_not_there_fails_by_itself_where_the_lost_session_had_not_begun():
    run = Runs(loss(begun=False), StatementError("[TABLE_OR_VIEW_NOT_FOUND] no `typo`"))
    with pytest.raises(StatementError, match="typo") as caught:
        outlive("select * from typo", run)
    assert "what Python had made in the session is gone" in str(caught.value)
