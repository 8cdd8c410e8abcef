"""What comes of a scenario under a fault: right, an error that names the cause, or wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.exceptions import GlueError

from .cell import Cell
from .kinds import Fault
from .scenarios import Scenario

RIGHT, NAMED, SPARED = "right", "named", "spared"


@dataclass(frozen=True)
class Seen:
    """One run of a scenario: what it returned or raised, and what was there before and after."""

    value: Any = None
    error: BaseException | None = None
    before: Any = None
    after: Any = None
    told: tuple[str, ...] = ()
    met: int = 0  # calls that met the fault


@dataclass(frozen=True)
class Outcome:
    """verdict: right, named, or wrong, with the reason why. note: the error, or what was told."""

    verdict: str
    note: str = ""


def run(cell: Cell, scenario: Scenario, fault: Fault | None) -> Seen:
    """Prepares, asks for the fault, acts, takes the fault back, looks."""
    cell.furnish()
    scenario.prepare(cell)
    before = state(cell, scenario)
    if fault is not None:
        rules = {**scenario.also, scenario.of_local_glue: list(fault.rule)}
        cell.meets(rules, scenario.caller)
    try:
        value, error = scenario.act(cell), None
    except Exception as failed:  # judged below
        value, error = None, failed
    met = cell.meets({}, scenario.caller).get(scenario.of_local_glue, 0)
    seen = Seen(value, error, before, state(cell, scenario), tuple(cell.told), met)
    cell.clear()
    return seen


def state(cell: Cell, scenario: Scenario) -> Any:
    found = cell.state(scenario.operation.startswith("lakeformation:"))
    if "table" in cell.memory:
        found["rows"] = rows_of(cell.memory["run"], cell.memory["table"])
    return found


def rows_of(run: Callable[[str], Any], table: str) -> list[list[Any]]:
    """The rows as they are now: a Spark session may know an older state."""
    run(f"refresh table {table}")
    return [list(row) for row in run(f"select * from {table} order by 1")]


def judge(scenario: Scenario, fault: Fault, seen: Seen, undisturbed: Seen) -> Outcome:
    """Right is what the undisturbed run gave, to its end. An error has to name operation and
    cause, and to leave what was there before or what was to be made, and no session."""
    if not seen.met:
        return Outcome("wrong", f"{scenario.operation} was not called")
    if seen.error is not None:
        return _failed(scenario, fault, seen, undisturbed)
    if seen.value != undisturbed.value:
        return Outcome("wrong", f"it returned {seen.value}, expected {undisturbed.value}")
    told = next((text for text in seen.told if _names(text, scenario, fault)), "")
    note = f"Told: {shown(told, scenario)}" if told else ""
    if seen.after == undisturbed.after or (scenario.leaves and told):
        return Outcome(RIGHT, note)
    return Outcome(
        "wrong", f"there is {seen.after}, expected {undisturbed.after}; told: {seen.told}"
    )


def _failed(scenario: Scenario, fault: Fault, seen: Seen, undisturbed: Seen) -> Outcome:
    text = str(seen.error)
    excuse = scenario.excused.get(fault.slug, "")
    if fault.passes and not excuse:
        return Outcome("wrong", f"it failed: {seen.error!r}")
    if not isinstance(seen.error, GlueError) or not _names(text, scenario, fault):
        return Outcome("wrong", f"an error that does not say what happened: {seen.error!r}")
    if seen.after["sessions"]:
        return Outcome("wrong", f"a session is left: {seen.after['sessions']}; told: {seen.told}")
    if seen.after not in (seen.before, undisturbed.after):
        return Outcome("wrong", f"neither as before nor as wanted: {seen.after}; {text}")
    return Outcome(NAMED, shown(text, scenario) + (f" {excuse}" if excuse else ""))


def _names(text: str, scenario: Scenario, fault: Fault) -> bool:
    """Whether the text has the operation, or the session that it was about, and the cause."""
    operation = scenario.operation.partition(":")[2]
    about = operation in text or "session" in text.lower()
    return about and fault.cause.search(text) is not None


def shown(text: str, scenario: Scenario) -> str:
    """An error as the page has it: without what is of this run or of this operation."""
    operation = scenario.operation.partition(":")[2]
    text = text.replace(operation, "*operation*")
    names = r"faults[-_][0-9a-f]{12}\w*|warm-[0-9a-f]{8}-\w+|dbt-glue__\S+?(?=[\s,.)])"
    text = re.sub(names, "*name*", text)
    text = re.sub(r"dbt-glue-result-[0-9a-f]{32}", "*id*", text)
    text = re.sub(r"\d+ times in \d+ s", "*n* times in *s* s", text)
    text = re.sub(r"https?://127\.0\.0\.1:\d+\S*", "*URL*", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "*id*", text)
    return " ".join(text.replace("|", "/").split())
