"""When a statement is looked at, on a clock that only sleep moves."""

import pytest
from unit.fake_sessions import Clock

from dbt.adapters.glue.session.statements import StatementClient


class Glue:
    """Statements take `seconds` each."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 1.0
        self.looks = 0
        self.started = 0.0

    def run_statement(self, **request):
        self.started = self.clock()
        return {"Id": 1}

    def get_statement(self, **request):
        self.looks += 1
        ended = self.clock() - self.started >= self.seconds
        return {"Statement": {"State": "AVAILABLE" if ended else "RUNNING", "Output": {"Data": {}}}}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def glue(clock):
    return Glue(clock)


@pytest.fixture
def client(glue, clock):
    return StatementClient(glue, "s", poll_cap=1.0, clock=clock, sleep=clock.sleep)


def looks_and_seconds(client, glue, count):
    found = []
    for _ in range(count):
        started, before = glue.clock(), glue.looks
        client.run("x")
        found.append((glue.looks - before, glue.clock() - started))
    return found


@pytest.mark.parametrize("seconds", [0.3, 0.8, 2.0])
def test_looks_begin_where_a_statement_is_likely_to_end(client, glue, seconds):
    glue.seconds = seconds
    looks, took = zip(*looks_and_seconds(client, glue, 20)[5:], strict=True)
    assert sum(looks) / len(looks) <= (4 if seconds <= 1 else 6)
    assert sum(took) / len(took) <= 1.4 * seconds


def test_short_statements_are_soon_seen_again_after_long_ones(client, glue):
    looks_and_seconds(client, glue, 5)
    glue.seconds = 0.03
    took = [seconds for _, seconds in looks_and_seconds(client, glue, 8)]
    assert max(took) <= 0.6 and max(took[6:]) <= 0.12


def test_the_cap_of_the_profile_holds(glue, clock):
    client = StatementClient(glue, "s", poll_cap=0.1, clock=clock, sleep=clock.sleep)
    looks_and_seconds(client, glue, 3)
    (looks, _) = looks_and_seconds(client, glue, 1)[0]
    assert looks >= 10
