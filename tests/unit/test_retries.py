"""Which calls of AWS are repeated, for how long, and what is said at the end."""

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from unit.failing_aws import Pauses
from unit.livy_shell import client_error

from dbt.adapters.glue import retries
from dbt.adapters.glue.clients import MAY_HAVE_BEEN_DONE, call
from dbt.adapters.glue.doctor import policy
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError
from dbt.adapters.glue.retries import (
    CONFLICT,
    ENDING_FOR,
    FIRST,
    GONE,
    LAST,
    OPERATIONS,
    THERE,
    UNREACHED_FOR,
    Budget,
)

URL = "https://glue.eu-west-1.amazonaws.com/"
THROTTLED = client_error("X", "ThrottlingException", "Rate exceeded")
FAILED = client_error("X", "InternalServiceException", "We failed")
RESET = ConnectionClosedError(endpoint_url=URL)
SLOW = ReadTimeoutError(endpoint_url=URL)
REFUSALS = [THROTTLED, client_error("X", CONFLICT), client_error("X", "SessionBusyException")]
UNKNOWNS = [FAILED, RESET, SLOW]


class Calls:
    """A boto3 method: raises or returns what it is told, in turn; the last one stays."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.count = 0

    def __call__(self, **request: Any) -> Any:
        self.count += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def ending() -> Iterator[threading.Event]:
    yield retries.ending
    retries.ending.clear()


@pytest.fixture
def budget(pauses: Pauses) -> Budget:
    return Budget(5, 100.0, pauses.clock, pauses.sleep)


def whole(operation: str) -> dict[str, Any]:
    key = OPERATIONS[operation].answer
    return {key: "x"} if key else {}


def test_every_operation_that_we_call_has_a_rule() -> None:
    named = {name for names in policy.OPERATIONS.values() for name in names}
    called = {name.partition(":")[2] for name in named - policy.IMPLIED}
    assert called == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.response["Error"]["Code"])
def test_what_aws_refused_to_do_is_repeated(
    operation: str, error: Exception, budget: Budget
) -> None:
    calls = Calls(error, error, whole(operation))
    if OPERATIONS[operation].kind == "once" and error.response["Error"]["Code"] == CONFLICT:
        with pytest.raises(CatalogError) as caught:
            call(operation, calls, budget=budget)
        assert caught.value.retryable and not caught.value.unsure
        return
    assert call(operation, calls, budget=budget) == whole(operation)
    assert calls.count == 3


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("error", UNKNOWNS, ids=lambda error: type(error).__name__)
def test_what_may_have_been_done_is_repeated_where_the_table_knows_how(
    operation: str, error: Exception, budget: Budget
) -> None:
    calls = Calls(error, whole(operation))
    if OPERATIONS[operation].kind == "once":
        with pytest.raises(CatalogError, match="outcome unknown") as caught:
            call(operation, calls, budget=budget)
        assert caught.value.unsure and calls.count == 1
        return
    answer = call(operation, calls, budget=budget)
    assert answer == {**whole(operation), MAY_HAVE_BEEN_DONE: True} and calls.count == 2


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ExpiredToken"])
def test_all_else_is_told_at_once(operation: str, code: str, budget: Budget) -> None:
    calls = Calls(client_error(operation, code))
    with pytest.raises(CatalogError) as caught:
        call(operation, calls, budget=budget)
    assert calls.count == 1 and not caught.value.retryable and not caught.value.unsure
    assert isinstance(caught.value, AccessDenied) == (code == "AccessDeniedException")
    assert "tried" not in caught.value.context


def test_an_operation_without_a_rule_is_not_repeated_where_it_may_have_been_done(
    budget: Budget,
) -> None:
    calls = Calls(RESET)
    with pytest.raises(CatalogError):
        call("PutResourcePolicy", calls, budget=budget)
    assert calls.count == 1


@pytest.mark.parametrize(
    "operation", [name for name, rule in OPERATIONS.items() if rule.kind == "told"]
)
def test_a_repeat_that_finds_it_done_is_no_failure(operation: str, budget: Budget) -> None:
    done = client_error(operation, OPERATIONS[operation].done or "")
    assert call(operation, Calls(RESET, done), budget=budget) == {}
    with pytest.raises(CatalogError):  # where no attempt before it can have done it
        call(operation, Calls(done), budget=budget)
    with pytest.raises(CatalogError):
        call(operation, Calls(THROTTLED, done), budget=budget)


@pytest.mark.parametrize("operation", ["CreateTable", "CreateSession"])
def test_what_another_process_may_have_made_is_for_the_caller_to_look_at(
    operation: str, budget: Budget
) -> None:
    there = client_error(operation, THERE)
    for before, unsure in ((RESET, True), (THROTTLED, False)):
        with pytest.raises(CatalogError) as caught:
            call(operation, Calls(before, there), budget=budget)
        assert (caught.value.code, caught.value.unsure) == (THERE, unsure)


def test_the_outcome_stays_unknown_whatever_the_last_attempt_met(budget: Budget) -> None:
    calls = Calls(FAILED, client_error("UpdateTable", "ExpiredTokenException"))
    with pytest.raises(CatalogError, match="outcome unknown") as caught:
        call("UpdateTable", calls, budget=budget)
    assert caught.value.unsure and caught.value.code == "ExpiredTokenException"


def test_what_the_caller_looks_at_is_not_called_unknown(budget: Budget) -> None:
    with pytest.raises(CatalogError) as caught:
        call("CreateTable", Calls(RESET, client_error("CreateTable", THERE)), budget=budget)
    assert "outcome" not in str(caught.value)


def test_a_read_is_never_unsure(budget: Budget) -> None:
    with pytest.raises(CatalogError) as caught:
        call("GetTable", Calls(RESET, client_error("GetTable", GONE)), budget=budget)
    assert not caught.value.unsure and "outcome" not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [("GetTables", {"NextToken": "x"}), ("GetTable", {}), ("GetStatement", {"Output": 1})],
)
def test_an_answer_that_lacks_what_aws_always_gives_is_an_error(
    operation: str, answer: dict[str, Any], budget: Budget
) -> None:
    calls = Calls({**answer, "ResponseMetadata": {}})
    with pytest.raises(CatalogError, match=f"{operation} cannot be read: the answer has no") as e:
        call(operation, calls, budget=budget)
    assert e.value.code == "UnreadableAnswer" and calls.count == 5
    assert call(operation, Calls(answer, whole(operation)), budget=budget)


class TestBudget:
    def test_attempts(self, budget: Budget) -> None:
        calls = Calls(client_error("GetTables", "ThrottlingException", "Rate exceeded"))
        with pytest.raises(CatalogError) as caught:
            call("GetTables", calls, budget=budget)
        assert calls.count == 5
        told = str(caught.value)
        assert told.startswith("Rate exceeded\n(operation GetTables, code ThrottlingException, ")
        assert f"tried {caught.value.context['tried']}" in told and "5 times in " in told
        assert "boto_retry_max_attempts" in told

    def test_seconds(self, pauses: Pauses) -> None:
        calls = Calls(THROTTLED)
        with pytest.raises(CatalogError, match=r"tried \d+ times in \d+ s"):
            call("GetTables", calls, budget=Budget(None, 300.0, pauses.clock, pauses.sleep))
        assert pauses.now <= 300 and calls.count > 20

    def test_no_time_is_one_attempt(self, pauses: Pauses) -> None:
        calls = Calls(THROTTLED)
        always = Budget(None, 0.0, pauses.clock, pauses.sleep, lambda: 1.0)
        with pytest.raises(CatalogError):
            call("GetTables", calls, budget=always)
        assert calls.count == 1 and pauses.taken == []

    def test_a_call_that_hangs_takes_its_time_from_the_budget(self, pauses: Pauses) -> None:
        class Hanging(Calls):
            def __call__(self, **request: Any) -> Any:
                pauses.now += 70
                return super().__call__(**request)

        calls = Hanging(SLOW)
        with pytest.raises(CatalogError):
            call("GetTables", calls, budget=Budget(11, 120.0, pauses.clock, pauses.sleep))
        assert calls.count == 2

    def test_who_is_not_reached_is_not_asked_for_long(self, pauses: Pauses) -> None:
        calls = Calls(EndpointConnectionError(endpoint_url=URL))
        with pytest.raises(CatalogError, match="the name of the region is wrong"):
            call("CreateTable", calls, budget=Budget(None, 300.0, pauses.clock, pauses.sleep))
        assert pauses.now <= UNREACHED_FOR and calls.count > 3

    def test_a_run_that_is_to_end_tries_for_a_short_time(self, pauses: Pauses, ending: Any) -> None:
        ending.set()
        calls = Calls(THROTTLED)
        with pytest.raises(CatalogError):
            call("GetTables", calls, budget=Budget(40, 300.0, pauses.clock, pauses.sleep))
        assert pauses.now <= ENDING_FOR and calls.count > 3

    def test_a_session_is_still_stopped_with_all_its_time(
        self, pauses: Pauses, ending: Any
    ) -> None:
        """What has a time of its own keeps it: a session that is left costs more than seconds."""
        ending.set()
        always = Budget(None, 60.0, pauses.clock, pauses.sleep, lambda: 1.0)
        with pytest.raises(CatalogError):
            call("StopSession", Calls(THROTTLED), budget=always)
        assert pauses.now > ENDING_FOR

    def test_a_pause_ends_when_the_run_is_to_end(self, ending: Any) -> None:
        error = client_error("X", "ThrottlingException")
        error.response["ResponseMetadata"] = {"HTTPHeaders": {"retry-after": "60"}}
        started, interrupt = time.monotonic(), threading.Timer(0.2, ending.set)
        interrupt.start()
        with pytest.raises(CatalogError):
            call("GetTables", Calls(error), budget=Budget())
        assert time.monotonic() - started < 30
        interrupt.join()

    def test_full_jitter(self, pauses: Pauses) -> None:
        chosen = random.Random(7)
        with pytest.raises(CatalogError):
            most = Budget(40, 1e9, pauses.clock, pauses.sleep, chosen.random)
            call("GetTables", Calls(THROTTLED), budget=most)
        bounds = [min(LAST, FIRST * 2**n) for n in range(39)]
        assert all(0 <= p <= b for p, b in zip(pauses.taken, bounds, strict=True))
        assert min(pauses.taken[8:]) < 0.3 * LAST and max(pauses.taken) > 0.8 * LAST

    def test_the_time_that_aws_asks_for_is_waited(self, pauses: Pauses, budget: Budget) -> None:
        error = client_error("X", "ThrottlingException")
        error.response["ResponseMetadata"] = {"HTTPHeaders": {"retry-after": "17"}}
        assert call("GetTable", Calls(error, whole("GetTable")), budget=budget)
        assert pauses.taken == [17.0]

    def test_a_time_that_is_too_long_is_not(self, pauses: Pauses, budget: Budget) -> None:
        error = client_error("X", "ThrottlingException")
        error.response["ResponseMetadata"] = {"HTTPHeaders": {"retry-after": "3600"}}
        with pytest.raises(CatalogError):
            call("GetTable", Calls(error), budget=budget)
        assert pauses.taken == []

    @pytest.mark.parametrize("date", ["Wed, 21 Oct 2026 07:28:00 GMT", "nan", "-5", ""])
    def test_what_is_no_number_of_seconds_is_no_pause(self, date: str, budget: Budget) -> None:
        error = client_error("X", "ThrottlingException")
        error.response["ResponseMetadata"] = {"HTTPHeaders": {"retry-after": date}}
        assert call("GetTable", Calls(error, whole("GetTable")), budget=budget)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_a_load_balancer_is_a_failure_of_aws(status: int, budget: Budget) -> None:
    error = client_error("X", str(status))
    error.response["ResponseMetadata"] = {"HTTPStatusCode": status}
    assert call("GetTable", Calls(error, whole("GetTable")), budget=budget)


def test_a_certificate_that_is_not_trusted_is_told_at_once(budget: Budget) -> None:
    error = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed"
    calls = Calls(SSLError(endpoint_url=URL, error=error))
    with pytest.raises(CatalogError, match="self-signed"):
        call("GetTable", calls, budget=budget)
    assert calls.count == 1


def test_the_error_of_credentials_is_not_repeated_by_the_call_that_needs_them(
    budget: Budget,
) -> None:
    inner = Calls(THROTTLED)

    def get_table(**request: Any) -> Any:
        outer.append(1)
        return call("AssumeRole", inner, budget=budget)

    outer: list[int] = []
    with pytest.raises(CatalogError) as caught:
        call("GetTable", get_table, budget=budget)
    assert (len(outer), inner.count, caught.value.operation) == (1, 5, "AssumeRole")
