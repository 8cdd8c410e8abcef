"""The matrix of docs/formats.md: when a cell has passed, was refused, or fails the test."""

import json

import pytest
from functional.matrix import page
from functional.matrix.cells import CELLS, FORMATS, Cell
from functional.matrix.outcomes import Runs, Seen, reason
from functional.matrix.rows import FIRST, SECOND, appended, merged, snapshotted

from dbt.adapters.glue import table_format

BY_ID = {cell.id: cell for cell in CELLS}
APPEND, FAIL, MERGE = (
    BY_ID[name] for name in ("orc_append", "orc_on_schema_change_fail", "orc_merge")
)
BUILT = Seen("success", rows=FIRST)
REFUSED = Seen("error", "Compilation Error in model m (m.sql)\n  orc cannot.\n\n  > in macro x")


def verdict(cell: Cell, *seen: Seen) -> str:
    return Runs(list(seen)).outcome(cell).verdict


def test_passed_means_the_rows_of_both_runs() -> None:
    good = Seen("success", rows=appended(FIRST, SECOND)[::-1])
    assert verdict(APPEND, BUILT, good) == "passed"
    for rows in (FIRST, SECOND, [], None, [*FIRST, *SECOND, FIRST[0]]):
        assert verdict(APPEND, BUILT, Seen("success", rows=rows)) == "failed"
    assert verdict(APPEND, Seen("success", rows=FIRST[1:]), good) == "failed"


def test_a_table_is_no_view() -> None:
    view = BY_ID["orc_view"]
    second = Seen("success", rows=SECOND)
    assert verdict(view, BUILT, second) == "failed"
    assert verdict(view, BUILT, Seen("success", rows=SECOND, is_view=True)) == "passed"
    assert (
        verdict(BY_ID["orc_table"], BUILT, Seen("success", rows=SECOND, is_view=True)) == "failed"
    )


def test_a_refusal_has_changed_nothing() -> None:
    assert verdict(MERGE, REFUSED, REFUSED) == "refused"
    assert verdict(MERGE, REFUSED, BUILT) == "failed"
    assert verdict(MERGE, BUILT, Seen("error", REFUSED.message, rows=FIRST)) == "refused"
    assert verdict(MERGE, BUILT, Seen("error", REFUSED.message, rows=FIRST[1:])) == "failed"
    assert verdict(MERGE, BUILT, REFUSED) == "failed"


@pytest.mark.parametrize(
    "message",
    [
        "Database Error in model m\n  orc: no such column",  # Spark's own
        "Compilation Error in model m\n  'dict object' has no attribute 'x'",  # a slip in a macro
        "",
    ],
)
def test_other_errors_are_no_refusals(message: str) -> None:
    assert verdict(MERGE, Seen("error", message), Seen("error", message)) == "failed"


def test_on_schema_change_fail_has_to_say_what_has_changed() -> None:
    told = Seen("error", "Compilation Error\n  the schema has changed: extra", rows=FIRST)
    assert verdict(FAIL, BUILT, told) == "passed"
    assert verdict(FAIL, BUILT, BUILT) == "failed"
    assert verdict(FAIL, BUILT, Seen("error", told.message, rows=SECOND)) == "failed"


def test_reasons_are_without_names_of_the_run() -> None:
    message = (
        "Compilation Error in model m\n  `test1_x`.`orc_merge`: ORC cannot.\n  Try so.\n\n  > in"
    )
    assert reason(message, MERGE) == "*format* cannot. Try so."


def test_the_oracles() -> None:
    assert [row["id"] for row in merged(FIRST, SECOND, "id")] == [
        1,
        2,
        3,
        6,
        7,
        9,
        10,
        4,
        5,
        11,
        8,
        12,
    ]
    versions = snapshotted(FIRST, SECOND, "id", "name")
    assert [row["id"] for row in versions if not row["current"]] == [4, 8]
    assert len(versions) == len(FIRST) + 4


def test_every_format_is_in_the_matrix() -> None:
    assert set(FORMATS) == set(table_format.FORMATS)


def test_the_page_has_a_word_in_every_cell() -> None:
    outcomes = {cell: Runs([REFUSED]).outcome(cell) for cell in CELLS if cell.file_format == "orc"}
    text = page.document(json.loads(page.to_json(outcomes)))
    rows = [line for line in text.partition("## Notes")[0].splitlines() if line.startswith("| ")]
    assert rows[0] == "|  | orc |"
    assert all(row.endswith("| no [1](#notes) |") for row in rows[2:]) and len(rows) == 19
    assert "\n1. *format* cannot.\n" in text
