"""Knobs of local Glue: where they come from, and what they refuse."""

import re

import pytest

from dbt.adapters.glue.local.errors import ApiError, ThrottlingException
from dbt.adapters.glue.local.knobs import CallGate, Knobs, knobs_from_environment
from dbt.adapters.glue.local.launcher import _knob_variables


def test_from_the_environment() -> None:
    knobs = knobs_from_environment(
        {
            "DBT_GLUE_LOCAL_LATENCY": "0.5",
            "DBT_GLUE_LOCAL_DRIVER_MEMORY": "4g",
            "DBT_GLUE_LOCAL_MASTER": "local[2]",
            "DBT_GLUE_LOCAL_THROTTLE": '{"GetTable": 2}',
            "DBT_GLUE_LOCAL_CREATE_BUCKETS": "false",
            "DBT_GLUE_LOCAL_BUSY": "",
            "DBT_GLUE_LOCAL_DIR": "/not/a/knob",
        }
    )
    assert (knobs.latency, knobs.driver_memory, knobs.master) == (0.5, "4g", "local[2]")
    assert knobs.throttle == {"GetTable": 2}
    assert knobs.create_buckets is False


def test_what_the_launcher_hands_over_arrives() -> None:
    given = {
        "driver_memory": "512m",
        "busy": True,
        "idle_exit": 5.0,
        "fail": {"GetTable": ["E", 1]},
    }
    made = knobs_from_environment(_knob_variables(given)).to_dict()
    assert {name: made[name] for name in given} == given


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DRIVER_MEMORY", "4 GB"),
        ("DRIVER_MEMORY", "0g"),
        ("MASTER", "yarn"),
        ("MASTER", "local[0]"),
        ("LATENCY", "fast"),
        ("LATENCY", "-1"),
        ("LATENCY", "true"),
        ("BUSY", "1"),
        ("THROTTLE", "[1]"),
        ("FAIL", '{"GetTable": ["Code"]}'),
        ("SESSION_DEATH_AFTER", "1.5"),
    ],
)
def test_wrong_values_name_the_variable(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"DBT_GLUE_LOCAL_{variable}={text}")):
        knobs_from_environment({f"DBT_GLUE_LOCAL_{variable}": text})


def test_an_update_sets_all_or_nothing() -> None:
    knobs = Knobs()
    with pytest.raises(ValueError, match="no knob is called 'speed'"):
        knobs.update({"latency": 1.0, "speed": 2})
    assert knobs.latency == 0.0


def test_an_optional_knob_can_be_cleared() -> None:
    knobs = Knobs(idle_exit=3.0)
    knobs.update({"idle_exit": None})
    assert knobs.idle_exit is None


def test_the_gate_counts_throttles_and_forgets() -> None:
    gate = CallGate(Knobs(throttle={"A": 1}, fail={"A": ["InternalServiceException", 1]}))
    with pytest.raises(ThrottlingException, match="Rate exceeded"):
        gate.enter("A")
    with pytest.raises(ApiError) as caught:
        gate.enter("A")
    assert (caught.value.code, caught.value.status) == ("InternalServiceException", 500)
    gate.enter("A")
    gate.enter("s3:PutObject")
    gate.transferred("glue", 10, 20)
    assert gate.stats() == {
        "calls": {"A": 3, "s3:PutObject": 1},
        "bytes": {"glue:in": 10, "glue:out": 20},
    }
    gate.reset()
    assert gate.stats() == {"calls": {}, "bytes": {}}


@pytest.mark.parametrize("operation", ["GetTable", "s3:PutObject", "connect:ExecutePlan"])
def test_latency_is_for_every_service(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("dbt.adapters.glue.local.knobs.time.sleep", slept.append)
    gate = CallGate(Knobs())
    gate.enter(operation)
    gate.update({"latency": 0.06})
    gate.enter(operation)
    assert slept == [0.06]
