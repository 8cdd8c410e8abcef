"""docs/reliability.md, second table: dbt runs whose phases meet a fault, over both transports.

Some telling cells run; with DBT_GLUE_FAULTS_JSON, which names where the verdicts are written to
(`make faults`), all of them do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from functional.faults.crew import Job, work
from functional.faults.kinds import BY_SLUG, FAULTS, Fault
from functional.faults.outcomes import NAMED, RIGHT, Outcome
from functional.faults.phases import PHASES, Phase, Project
from functional.faults.rows import ROWS
from functional.faults.stand import (
    WRITTEN_TO,
    Record,
    Stand,
    check_page,
    selected,
    where_there_is_a_page,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HANDS = 3  # a session's Spark takes 1 GB
Place = tuple[Phase, Fault]
# One or two faults for each phase, each fault once at least.
TELLING = {
    "parse_livy": ("throttled",),
    "parse_spark_connect": ("html",),
    "provisioning_livy": ("cut",),
    "provisioning_spark_connect": ("reset",),
    "first_statement_livy": ("lost", "throttled_for_ever"),
    "first_statement_spark_connect": ("failed_for_ever",),
    "in_the_middle_of_a_merge_livy": ("slow",),
    "in_the_middle_of_a_merge_spark_connect": ("reset", "failed"),
    "stop_livy": ("throttled_for_ever",),
    "stop_spark_connect": ("lost",),
}
CELLS: list[Place] = [
    (phase, fault)
    for phase in PHASES
    for fault in FAULTS
    if WRITTEN_TO or fault.slug in TELLING[phase.slug]
]


def run(stand: Stand, place: Place, folder: Path, record: Record) -> Outcome:
    phase, fault = place
    cell = stand.cell()
    cell.memory["spark_connect"] = cell.memory["connect"]
    project = Project(cell, phase, folder)
    project.prepare()
    outcome = project.judge(fault, project.run(fault))
    stand.clean.glue.delete_database(Name=cell.database)
    record.add(phase.row, fault, outcome)
    return outcome


@pytest.fixture(scope="module")
def outcomes(
    local_glue: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Place, Outcome]]:
    record, found = Record("phases"), {}
    for place in selected(request, CELLS):
        if outcome := record.known(place[0].row, place[1]):
            found[place] = outcome
    cells = [place for place in selected(request, CELLS) if place not in found]
    stand = Stand(local_glue.url)
    root = tmp_path_factory.mktemp("phases")

    def job(place: Place) -> Job:
        folder = root / f"{place[0].slug}_{place[1].slug}"
        return Job(lambda: run(stand, place, folder, record), place[1].within + 240.0)

    jobs = {place: job(place) for place in cells}
    work(sorted(jobs.values(), key=lambda job: -job.within), HANDS)
    found |= {place: _outcome(job) for place, job in jobs.items()}
    yield found
    stand.close()


def _outcome(job: Job) -> Outcome:
    if not job.ended.is_set():
        return Outcome("wrong", "it hangs")
    if isinstance(job.result, Outcome):
        return job.result
    return Outcome("wrong", f"the cell itself failed: {job.result!r}")


@pytest.mark.parametrize("place", CELLS, ids=[f"{p.slug}-{f.slug}" for p, f in CELLS])
def test_cell(outcomes: dict[Place, Outcome], place: Place) -> None:
    assert outcomes[place].verdict in (RIGHT, NAMED), outcomes[place].note


def test_each_phase_and_each_fault_is_met() -> None:
    assert set(TELLING) == {phase.slug for phase in PHASES}
    assert {slug for slugs in TELLING.values() for slug in slugs} == set(BY_SLUG)


@where_there_is_a_page
def test_the_page_has_every_cell_and_says_what_was_seen(outcomes: dict[Place, Outcome]) -> None:
    check_page(
        ROWS["phases"],
        [fault.title for fault in FAULTS],
        {(p[0].row, p[1].title): outcome.verdict for p, outcome in outcomes.items()},
    )
