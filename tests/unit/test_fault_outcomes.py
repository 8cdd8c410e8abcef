"""The matrix of docs/reliability.md: when a cell is right, named or wrong."""

from typing import Any

import pytest
from functional.faults.kinds import BY_SLUG
from functional.faults.outcomes import Seen, judge, shown
from functional.faults.scenarios import Scenario
from functional.pages import Notes, table, tables_of

from dbt.adapters.glue.exceptions import CatalogError

BEFORE: dict[str, Any] = {"sessions": [], "objects": ["a"]}
AFTER: dict[str, Any] = {"sessions": [], "objects": ["a", "b"]}
HALF: dict[str, Any] = {"sessions": [], "objects": ["b"]}
GOOD = Seen(1, None, BEFORE, AFTER, met=1)
SCENARIO = Scenario("s3:PutObject", lambda cell: None)
ONCE, FOR_EVER = BY_SLUG["throttled"], BY_SLUG["throttled_for_ever"]
NAMED = CatalogError("Rate exceeded", operation="PutObject", code="ThrottlingException")


def failed(error: BaseException, after: Any = BEFORE) -> Seen:
    return Seen(None, error, BEFORE, after, met=1)


def test_right_is_what_the_undisturbed_run_gave() -> None:
    assert judge(SCENARIO, ONCE, GOOD, GOOD).verdict == "right"
    assert judge(SCENARIO, ONCE, Seen(2, None, BEFORE, AFTER, met=1), GOOD).verdict == "wrong"
    assert judge(SCENARIO, ONCE, Seen(1, None, BEFORE, HALF, met=1), GOOD).verdict == "wrong"


def test_a_fault_that_nobody_met_shows_nothing() -> None:
    assert judge(SCENARIO, ONCE, Seen(1, None, BEFORE, AFTER), GOOD).verdict == "wrong"


def test_what_passes_may_not_fail() -> None:
    assert judge(SCENARIO, ONCE, failed(NAMED), GOOD).verdict == "wrong"
    excused = Scenario("s3:PutObject", lambda cell: None, excused={"throttled": "Because."})
    assert judge(excused, ONCE, failed(NAMED), GOOD).note.endswith(" Because.")


@pytest.mark.parametrize(
    ("error", "after", "verdict"),
    [
        (NAMED, BEFORE, "named"),
        (NAMED, AFTER, "named"),
        (NAMED, HALF, "wrong"),
        (NAMED, {**BEFORE, "sessions": ["left"]}, "wrong"),
        (KeyError("Table"), BEFORE, "wrong"),
        (CatalogError("Rate exceeded", operation="GetTable"), BEFORE, "wrong"),
        (CatalogError("no", operation="PutObject"), BEFORE, "wrong"),
    ],
)
def test_an_error_names_operation_and_cause(error: Any, after: Any, verdict: str) -> None:
    assert judge(SCENARIO, FOR_EVER, failed(error, after), GOOD).verdict == verdict


def test_what_stays_is_told() -> None:
    leaves = Scenario("s3:PutObject", lambda cell: None, leaves=True)
    silent = Seen(1, None, BEFORE, HALF, met=1)
    telling = Seen(1, None, BEFORE, HALF, (str(NAMED),), met=1)
    assert judge(leaves, FOR_EVER, silent, GOOD).verdict == "wrong"
    assert judge(leaves, FOR_EVER, telling, GOOD).verdict == "right"
    assert judge(SCENARIO, FOR_EVER, telling, GOOD).verdict == "wrong"


def test_notes_are_of_no_run() -> None:
    text = "faults-0123456789ab | PutObject at http://127.0.0.1:80/x, tried 11 times in 40 s"
    assert shown(text, SCENARIO) == "*name* / *operation* at *URL* tried *n* times in *s* s"


def test_a_page_can_be_read_back() -> None:
    notes = Notes()
    words = {"r1": notes.with_note("right", ""), "r2": notes.with_note("fails", "why")}
    text = table(["r1", "r2"], ["a"], lambda row, column: words[row])
    assert tables_of(f"x\n\n{text}\n\nend") == [
        {"r1": {"a": "right"}, "r2": {"a": "fails [1](#notes)"}}
    ]
    assert notes.text() == "1. why"
