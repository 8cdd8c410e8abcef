"""When a statement is looked at and what its states mean, on a clock that only sleep moves."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ConnectionClosedError
from unit.fake_sessions import Clock
from unit.livy_shell import client_error

from dbt.adapters.glue.exceptions import (
    CatalogError,
    GlueError,
    ProtocolError,
    SessionError,
    StatementCancelled,
    StatementTimeout,
)
from dbt.adapters.glue.session.statements import RETRY_FOR, TERMINAL, UNDER_WAY, StatementClient

STATES = botocore.session.Session().get_service_model("glue").shape_for("StatementState").enum
OUTPUT = {"Data": {"TextPlain": "3"}, "ExecutionCount": 1, "Status": "ok"}


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
        return {"Statement": {"State": "AVAILABLE" if ended else "RUNNING", "Output": OUTPUT}}


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


class Told:
    """Answers of GetStatement, in turn; the last one stays. An exception is raised."""

    def __init__(self, *answers: Any, status: str = "READY") -> None:
        self.answers, self.status = list(answers), status
        self.looks = self.runs = 0

    def run_statement(self, **request: Any) -> dict[str, Any]:
        self.runs += 1
        return {"Id": 7}

    def get_statement(self, **request: Any) -> dict[str, Any]:
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get_session(self, **request: Any) -> dict[str, Any]:
        return {"Session": {"Id": "s", "Status": self.status}}


def statement(state: str | None, output: Any = None) -> dict[str, Any]:
    return {"Statement": {"Id": 7, "State": state, "Output": output}}


def ran(told: Told, clock: Clock) -> Any:
    return StatementClient(told, "s", poll_cap=1.0, clock=clock, sleep=clock.sleep).run("x")


class TestPain01:
    """A failed, cancelled, timed-out or unparsable statement is an error."""

    def test_pain_01_each_state_of_aws_has_a_meaning(self) -> None:
        assert set(STATES) <= TERMINAL | UNDER_WAY

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ("CANCELLED", StatementCancelled),
            ("ERROR", SessionError),
            ("TIMEOUT", StatementTimeout),
            ("PAUSED", ProtocolError),
            (None, ProtocolError),
            ("available", ProtocolError),
        ],
    )
    @pytest.mark.parametrize("output", [OUTPUT, None, {"ErrorValue": "the reason"}])
    def test_pain_01_only_available_is_an_end_without_an_error(
        self, clock: Clock, state: str | None, kind: type[GlueError], output: Any
    ) -> None:
        told = Told(statement("RUNNING"), statement(state, output))
        with pytest.raises(kind) as caught:
            ran(told, clock)
        assert type(caught.value) is kind
        assert caught.value.context == {"session_id": "s", "statement_id": "7"}
        if output and "ErrorValue" in output and state in TERMINAL:
            assert caught.value.message == "the reason"

    @pytest.mark.parametrize("state", sorted(UNDER_WAY))
    def test_pain_01_the_other_states_are_waited_for(self, clock: Clock, state: str) -> None:
        told = Told(*[statement(state)] * 5, statement("AVAILABLE", OUTPUT))
        assert ran(told, clock).text == "3" and told.looks == 6

    @pytest.mark.parametrize("status", ["error", "ERROR", "cancelled"])
    def test_pain_01_an_available_statement_may_have_failed(
        self, clock: Clock, status: str
    ) -> None:
        output = {"Status": status, "ErrorName": "ValueError", "ErrorValue": "no", "Traceback": []}
        found = ran(Told(statement("AVAILABLE", output)), clock)
        assert (found.ok, found.error_name, found.error_value) == (False, "ValueError", "no")

    @pytest.mark.parametrize(
        "output", [None, {}, {"Data": {"TextPlain": "3"}}, {"Status": "perhaps"}, {"Status": None}]
    )
    def test_pain_01_an_output_that_says_nothing_is_an_error(
        self, clock: Clock, output: Any
    ) -> None:
        with pytest.raises(ProtocolError, match="Whether it ran is not known"):
            ran(Told(statement("AVAILABLE", output)), clock)


class TestPain03:
    """Throttling is outlasted, with few calls."""

    @pytest.mark.parametrize(
        "error",
        [
            client_error("GetStatement", "ThrottlingException", "Rate exceeded"),
            client_error("GetStatement", "SessionBusyException"),
            client_error("GetStatement", "InternalServiceException"),
            ConnectionClosedError(endpoint_url="https://x"),
            {"NextToken": "an answer of something else"},
        ],
        ids=repr,
    )
    def test_pain_03_what_passes_is_waited_out(self, clock: Clock, error: Any) -> None:
        told = Told(*[error] * 8, statement("AVAILABLE", OUTPUT))
        assert ran(told, clock).text == "3" and (told.runs, told.looks) == (1, 9)

    def test_pain_03_throttled_for_ever_ends_and_says_so(self, clock: Clock) -> None:
        told = Told(client_error("GetStatement", "ThrottlingException", "Rate exceeded"))
        with pytest.raises(CatalogError, match=r"Rate exceeded[^H]*tried \d+ times in \d+ s"):
            ran(told, clock)
        assert RETRY_FOR / 2 < clock() <= RETRY_FOR + 1 and told.looks < 60


class TestPain49:
    """A wait does not outlast what it waits for."""

    @pytest.mark.parametrize("seconds", [0.05, 0.5, 3.0, 30.0, 300.0])
    def test_pain_49_a_statement_is_seen_to_end_within_a_second(
        self, client: StatementClient, glue: Glue, seconds: float
    ) -> None:
        glue.seconds = seconds
        ((_, took),) = looks_and_seconds(client, glue, 1)
        assert took <= max(1.5 * seconds + 0.1, 0.1) and took <= seconds + 1.2
