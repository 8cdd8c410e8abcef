"""docs/reliability.md, first table: every operation with every fault, by the adapter's own parts.

A sixth of the cells runs, other faults for each operation; with DBT_GLUE_FAULTS_JSON, which names
where the verdicts are written to (`make faults`), all of them do, with the profile's defaults.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from functional.faults.crew import Job, work
from functional.faults.kinds import FAULTS, Fault
from functional.faults.outcomes import NAMED, RIGHT, SPARED, Outcome, Seen, judge, run
from functional.faults.rows import ROWS, SCENARIOS
from functional.faults.scenarios import Scenario
from functional.faults.stand import (
    WRITTEN_TO,
    Record,
    Stand,
    check_page,
    selected,
    where_there_is_a_page,
)

from dbt.adapters.glue.doctor.policy import IMPLIED, OPERATIONS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HANDS = {"": 24, "new": 2, "spark": 1}
# Local Glue has no IAM; what only `dbt-glue doctor` asks decides nothing of a run.
UNREACHED = {"iam:GetRole", "iam:SimulatePrincipalPolicy", "glue:GetConnection"}
Place = tuple[Scenario, Fault]


def chosen() -> list[Place]:
    """All cells, or a sixth that has one or two faults of each operation and all faults."""
    return [
        (scenario, fault)
        for number, scenario in enumerate(SCENARIOS)
        for column, fault in enumerate(FAULTS)
        if WRITTEN_TO or (5 * number + column) % 6 == 0
    ]


CELLS = chosen()


def run_all(
    stand: Stand, places: list[tuple[Scenario, Fault | None]]
) -> dict[tuple[Scenario, Fault | None], Job]:
    """The jobs of the places, those that take longest first."""
    jobs = {place: _job(stand, *place) for place in places}
    crews = []
    for kind, hands in HANDS.items():
        own = [job for place, job in jobs.items() if _crew(place[0]) == kind]
        own.sort(key=lambda job: -job.within)
        crews.append(threading.Thread(target=work, args=(own, hands), daemon=True))
    for crew in crews:
        crew.start()
    for crew in crews:
        crew.join()
    return jobs


def _job(stand: Stand, scenario: Scenario, fault: Fault | None) -> Job:
    return Job(lambda: run(stand.cell(), scenario, fault), fault.within if fault else 300.0)


def _crew(scenario: Scenario) -> str:
    return scenario.session if scenario.session in HANDS else ""


@pytest.fixture(scope="module")
def outcomes(local_glue: Any, request: pytest.FixtureRequest) -> Iterator[dict[Place, Outcome]]:
    record, found = Record("operations"), {}
    for place in selected(request, CELLS):
        scenario, fault = place
        if fault.slug in scenario.spared:
            found[place] = Outcome(SPARED, scenario.spared[fault.slug])
            record.add(scenario.operation, fault, found[place])
        elif outcome := record.known(scenario.operation, fault):
            found[place] = outcome
    cells = [place for place in selected(request, CELLS) if place not in found]
    stand = Stand(local_glue.url)
    undisturbed = run_all(stand, [(scenario, None) for scenario in dict(cells)])
    jobs = run_all(stand, list(cells))
    for place in cells:
        found[place] = _judged(place, jobs[place], undisturbed[place[0], None])
        record.add(place[0].operation, place[1], found[place])
    yield found
    stand.close()


def _judged(place: Place, job: Job, undisturbed: Job) -> Outcome:
    if not job.ended.is_set():
        return Outcome("wrong", f"it hangs: not at its end after {job.within:.0f} s")
    if not isinstance(undisturbed.result, Seen) or undisturbed.result.error is not None:
        return Outcome("wrong", f"the undisturbed run failed: {undisturbed.result!r}")
    if not isinstance(job.result, Seen):
        return Outcome("wrong", f"the cell itself failed: {job.result!r}")
    return judge(*place, job.result, undisturbed.result)


@pytest.mark.parametrize(
    "place", CELLS, ids=[f"{scenario.slug}-{fault.slug}" for scenario, fault in CELLS]
)
def test_cell(outcomes: dict[Place, Outcome], place: Place) -> None:
    assert outcomes[place].verdict in (RIGHT, NAMED, SPARED), outcomes[place].note


def test_the_sample_has_each_operation_and_each_fault() -> None:
    assert {scenario for scenario, _ in CELLS} == set(SCENARIOS)
    assert {fault for _, fault in CELLS} == set(FAULTS)


def test_the_matrix_has_every_operation_that_the_adapter_calls() -> None:
    called = {name for names in OPERATIONS.values() for name in names} | {"sts:AssumeRole"}
    rows = {scenario.operation for scenario in SCENARIOS}
    assert called - IMPLIED - UNREACHED <= rows
    assert not rows & UNREACHED


@where_there_is_a_page
def test_the_page_has_every_cell_and_says_what_was_seen(outcomes: dict[Place, Outcome]) -> None:
    check_page(
        ROWS["operations"],
        [fault.title for fault in FAULTS],
        {(p[0].operation, p[1].title): outcome.verdict for p, outcome in outcomes.items()},
    )
