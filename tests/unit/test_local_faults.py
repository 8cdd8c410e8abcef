"""Faults of local Glue: whose calls meet them, and what is refused."""

import threading

import pytest

from dbt.adapters.glue.local.errors import ApiError
from dbt.adapters.glue.local.faults import Faults, Intercepted
from dbt.adapters.glue.local.knobs import CallGate, Knobs


def asked(caller: str, **rules: list) -> Faults:
    faults = Faults()
    faults.ask({"caller": caller, "faults": rules})
    return faults


def test_a_fault_is_for_its_caller_and_for_as_many_calls() -> None:
    faults = asked("mine", GetTable=["throttled", 1])
    with faults.calling("other"):
        assert faults.meet("GetTable") == (0.0, None)
    with faults.calling("mine"):
        assert faults.meet("GetTables") == (0.0, None)
        assert isinstance(faults.meet("GetTable")[1], ApiError)
        assert faults.meet("GetTable") == (0.0, None)
    assert faults.ask({"caller": "mine", "faults": {}}) == {"GetTable": 1}
    assert faults.ask({"caller": "mine", "faults": {}}) == {}


def test_everyone() -> None:
    faults = asked("*", GetTable=["reset", 2])
    for caller in ("one", "two", "three"):
        with faults.calling(caller):
            error = faults.meet("GetTable")[1]
            assert isinstance(error, Intercepted) == (caller != "three")


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_what_becomes_of_the_answer_is_this_threads(kind: str) -> None:
    faults = asked("mine", GetTable=[kind, 1])
    seen: list[str | None] = []
    with faults.calling("mine"):
        assert faults.meet("GetTable") == (0.0, None)
        assert faults.spoiled == kind
        thread = threading.Thread(target=lambda: seen.append(faults.spoiled))
        thread.start()
        thread.join()
    assert seen == [None] and faults.spoiled is None


def test_what_is_asked_replaces_what_was() -> None:
    faults = asked("mine", GetTable=["failed", 1])
    faults.ask({"caller": "mine", "faults": {}})
    with faults.calling("mine"):
        assert faults.meet("GetTable") == (0.0, None)


def test_streams_of_the_caller_break_at_once() -> None:
    faults, broken = Faults(), []
    with faults.stream("mine", lambda: broken.append("mine")):
        with faults.stream("other", lambda: broken.append("other")):
            faults.ask({"caller": "mine", "faults": {"GetTable": ["reset", 1]}})
            assert broken == []
            faults.ask({"caller": "mine", "faults": {"connect:stream": ["reset", 1]}})
            assert broken == ["mine"]
            assert faults.ask({"caller": "mine", "faults": {}}) == {"connect:stream": 1}


def test_the_gate_waits_and_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("dbt.adapters.glue.local.knobs.time.sleep", slept.append)
    gate = CallGate(Knobs())
    gate.faults.ask(
        {"caller": "mine", "faults": {"GetTable": ["slow", 1, 30], "GetTables": ["html", 1]}}
    )
    with gate.faults.calling("mine"):
        gate.enter("GetTable")
        with pytest.raises(Intercepted):
            gate.enter("GetTables")
    assert slept == [30.0]
    assert gate.stats()["calls"] == {"GetTable": 1, "GetTables": 1}


@pytest.mark.parametrize(
    "request_",
    [
        [],
        {},
        {"caller": 1},
        {"caller": "mine", "faults": []},
        {"caller": "mine", "faults": {"GetTable": "reset"}},
        {"caller": "mine", "faults": {"GetTable": ["melted", 1]}},
        {"caller": "mine", "faults": {"GetTable": ["reset", -1]}},
        {"caller": "mine", "faults": {"GetTable": ["reset", True]}},
        {"caller": "mine", "faults": {"GetTable": ["slow", 1, "long"]}},
    ],
)
def test_wrong_requests_change_nothing(request_: object) -> None:
    faults = asked("mine", GetTable=["reset", 1])
    with pytest.raises(ValueError, match="^faults: "):
        faults.ask(request_)
    with faults.calling("mine"):
        assert isinstance(faults.meet("GetTable")[1], Intercepted)
