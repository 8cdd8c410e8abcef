"""The line at the end of a run, on a clock that the test moves."""

import pytest
from unit.fake_sessions import Clock

from dbt.adapters.glue.session.usage import RunUsage

STATE = {"NumberOfWorkers": 2, "WorkerType": "G.1X"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def usage(clock: Clock) -> RunUsage:
    return RunUsage(clock)


def test_a_run_without_sessions_says_nothing(usage: RunUsage) -> None:
    assert usage.summary() is None


def test_one_session(usage: RunUsage, clock: Clock) -> None:
    with usage.waiting(), usage.waiting():
        clock.sleep(9)
    usage.usable("a", STATE, created=True, seconds=24.0)
    with usage.statement("a"):
        clock.sleep(10)
        with usage.statement("a"):  # side by side: the time counts once
            clock.sleep(5)
    clock.sleep(3)
    usage.left("a", {"DPUSeconds": 84.0}, kept=False)
    clock.sleep(100)
    assert usage.summary() == (
        "1 session (2 × G.1X), 0.023 DPU-hours; provisioning 24.0 s (waited 9.0 s for); "
        "2 statements, in Spark 15.0 s; idle 3.0 s"
    )


def test_a_kept_session_counts_from_where_it_was_attached_to(usage: RunUsage, clock: Clock) -> None:
    usage.usable("a", {**STATE, "DPUSeconds": 3600.0}, created=False, seconds=0.2)
    clock.sleep(7)
    usage.left("a", {"DPUSeconds": 7200.0}, kept=True)
    assert usage.summary() == (
        "1 session (2 × G.1X, kept for the next run), 1.000 DPU-hours; waited 0.0 s for a "
        "session; 0 statements, in Spark 0.0 s; idle 7.0 s"
    )


def test_a_session_that_was_lost_and_made_anew(usage: RunUsage, clock: Clock) -> None:
    usage.usable("a", STATE, created=True, seconds=20.0)
    with pytest.raises(ZeroDivisionError), usage.statement("a"):
        clock.sleep(5)
        raise ZeroDivisionError
    usage.usable("a", STATE, created=True, seconds=10.0)
    with usage.statement("a"):
        clock.sleep(1)
    usage.left("a", {"DPUSeconds": 36.0}, kept=False)
    told = usage.summary()
    assert told is not None
    assert (
        "2 sessions (2 of 2 × G.1X), 0.010 DPU-hours and those of 1 session that Glue did not"
        in told
    )
    assert "provisioning 30.0 s" in told
    assert "in Spark 6.0 s; idle 0.0 s" in told


def test_where_glue_does_not_tell(usage: RunUsage) -> None:
    usage.usable("a", {}, created=True, seconds=1.0)
    usage.left("a", {}, kept=False)
    assert (usage.summary() or "").startswith("1 session; provisioning")
