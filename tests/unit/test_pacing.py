"""When the next exchange goes, and how long it may wait, on a clock that the test moves."""

import pytest
from unit.fake_sessions import Clock

from dbt.adapters.glue.session import pacing
from dbt.adapters.glue.session.pacing import Pacing


@pytest.fixture
def clock():
    clock = Clock()
    clock.now = 100.0
    return clock


def at_work(clock, threads, busy, waiting):
    paces = Pacing(threads, clock)
    for thread in busy:
        paces.begin(thread)
    clock.now += 10
    for thread in waiting:
        paces.wait(thread)
    return paces


def test_all_threads_wait(clock):
    paces = at_work(clock, 2, [1, 2], [1, 2])
    assert paces.linger() <= 0
    assert paces.wait_seconds() == pacing.FIRST_LONG_WAIT
    clock.now += 60
    assert paces.wait_seconds() == pacing.LONGEST_WAIT


def test_one_of_two_is_at_work(clock):
    paces = at_work(clock, 2, [1, 2], [1])
    assert 0 < paces.linger() <= pacing.LINGER
    assert paces.wait_seconds() == pacing.SHORT_WAIT
    clock.now += 1
    assert paces.linger() <= 0 and paces.wait_seconds() == pytest.approx(1)
    clock.now += 60
    assert paces.wait_seconds() == pacing.SHORT_WAIT_AT_MOST


def test_result_was_delivered(clock):
    paces = at_work(clock, 2, [1, 2], [1, 2])
    clock.now += 1
    paces.stop_waiting(1)
    paces.event()
    assert paces.linger() == pytest.approx(pacing.LINGER)
    paces.wait(1)
    assert paces.linger() <= 0


def test_a_thread_that_just_ended_may_start_again(clock):
    paces = at_work(clock, 2, [1, 2], [2])
    paces.end(1)
    assert paces.linger() == pytest.approx(pacing.LINGER)
    assert paces.wait_seconds() == pacing.CAREFUL_WAIT
    clock.now += 2
    assert paces.linger() <= 0 and paces.wait_seconds() == pacing.FIRST_LONG_WAIT


def test_a_second_thread_may_start_just_after_the_first(clock):
    paces = Pacing(2, clock)
    paces.begin(1)
    paces.wait(1)
    assert paces.linger() == pytest.approx(pacing.LINGER_AFTER_START)
    assert paces.wait_seconds() == pacing.CAREFUL_WAIT


def test_one_thread_never_lingers(clock):
    paces = Pacing(1, clock)
    paces.begin(1)
    paces.wait(1)
    assert paces.linger() <= 0 and paces.wait_seconds() == pacing.FIRST_LONG_WAIT


def test_busy_nests(clock):
    paces = Pacing(2, clock)
    paces.begin(1)
    paces.begin(1)
    paces.end(1)
    paces.wait(1)
    clock.now += 5
    assert paces.wait_seconds() == pacing.FIRST_LONG_WAIT
