"""What two runs of a cell come to: passed, refused with the reason, or failed."""

import itertools
import json
import re
from dataclasses import dataclass, field

from .cells import Cell
from .rows import Rows, in_order


@dataclass
class Seen:
    """A node after a run: its end, and what is in the catalog under its name."""

    status: str = ""  # dbt's: success, error, skipped …
    message: str = ""  # the error
    rows: Rows | None = None  # None where there is no such relation
    is_view: bool = False


@dataclass(frozen=True)
class Outcome:
    """What the matrix says of a cell."""

    verdict: str  # passed, refused or failed
    reason: str = ""  # of a refusal, or what is wrong
    note: str = ""


@dataclass
class Runs:
    """The runs of a cell, in their order."""

    seen: list[Seen] = field(default_factory=list)

    def outcome(self, cell: Cell) -> Outcome:
        """The verdict; a refusal must have come before anything was changed."""
        for number, seen in enumerate(self.seen, start=1):
            word = cell.feature.second_fails if number == 2 else ""
            as_wanted = "schema" in seen.message and word in seen.message
            if word and seen.status == "success":
                return Outcome("failed", f"run {number} has not failed")
            if seen.status != "success" and not (word and as_wanted):
                return self._refused(cell, number, seen)
        return self._compared(cell)

    def _refused(self, cell: Cell, number: int, seen: Seen) -> Outcome:
        said = reason(seen.message, cell)
        if not said:
            return Outcome("failed", f"run {number} ended in {seen.status}: {seen.message}")
        if number == 1:
            if any(later.rows is not None for later in self.seen):
                return Outcome("failed", f"refused, but there is a relation: {said}")
        elif not _same(seen.rows, cell.expected(number - 1)):
            return Outcome("failed", f"refused, but the rows are now {seen.rows}: {said}")
        return Outcome("refused", said)

    def _compared(self, cell: Cell) -> Outcome:
        for number, seen in enumerate(self.seen, start=1):
            run = 2 if cell.feature.kind == "clone" else number
            wanted = in_order(cell.expected(run))
            if not _same(seen.rows, wanted):
                found = seen.rows and in_order(seen.rows)
                return Outcome("failed", f"run {number}: got {found}, expected {wanted}")
        if (cell.feature.slug == "view") != self.seen[-1].is_view and cell.feature.kind != "clone":
            return Outcome("failed", f"a view: {self.seen[-1].is_view}")
        notes = [f"With `{key}: {json.dumps(value)}`." for key, value in cell.needs.items()]
        if cell.feature.kind == "clone" and self.seen[-1].is_view:
            notes.append("The clone is a view on top of the table that it is cloned from.")
        return Outcome("passed", note=" ".join(notes))


def _same(found: Rows | None, wanted: Rows) -> bool:
    return found is not None and in_order(found) == in_order(wanted)


def reason(message: str, cell: Cell) -> str:
    """The text of a refusal of ours, without names of this run; empty for other errors.

    A refusal is told while the node is compiled, and names the format that it is about.
    """
    head, _, said = message.strip().partition("\n")
    lines = [line.strip() for line in said.split("\n")]
    text = " ".join(itertools.takewhile(lambda line: line and not line.startswith("> in "), lines))
    text = re.sub(r"(`?\w+`?\.)+`?" + re.escape(cell.name) + "`?", "*table*", text)
    text = text.removeprefix("*table*: ")
    text, named = re.subn(rf"\b{cell.file_format}\b", "*format*", text, flags=re.IGNORECASE)
    return text if head.startswith("Compilation Error") and named else ""
