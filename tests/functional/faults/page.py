"""docs/reliability.md out of the verdicts of the fault matrix: the arguments name their files."""

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

from ..pages import Notes, table, tables_of
from .kinds import FAULTS
from .rows import ROWS

TEMPLATE = Path(__file__).parents[3] / "docs" / "reliability.in.md"
TARGET = TEMPLATE.with_name("reliability.md")
HINT = "docs/reliability.md is not what the run has shown: run `make faults`"
WORDS = {"right": "right", "named": "fails, named", "spared": "not met"}

Verdicts = list[dict[str, str]]


def verdict(part: str, row: str, column: str, word: str, note: str) -> dict[str, str]:
    """part: "operations" or "phases"."""
    return {"part": part, "row": row, "column": column, "verdict": word, "note": note}


def document(verdicts: Verdicts, day: str) -> str:
    """The whole page."""
    notes = Notes()
    text = TEMPLATE.read_text(encoding="utf-8").replace("{{ date }}", day)
    for part, rows in ROWS.items():
        of_part = [one for one in verdicts if one["part"] == part]
        text = text.replace(f"{{{{ {part} }}}}", _table(of_part, rows, notes))
    return text.replace("{{ notes }}", notes.text())


def _table(verdicts: Verdicts, rows: list[str], notes: Notes) -> str:
    seen = {(one["row"], one["column"]): one for one in verdicts}

    def cell(row: str, column: str) -> str:
        one = seen.get((row, column))
        if one is None:
            raise SystemExit(f"{row}, {column}: this cell has not run; `make faults` goes on")
        return notes.with_note(WORDS[one["verdict"]], one["note"])

    return table(rows, [fault.title for fault in FAULTS], cell)


def written() -> dict[tuple[str, str], str]:
    """(row, column) -> the word of the page, without its note."""
    found = {}
    for rows in tables_of(TARGET.read_text(encoding="utf-8")):
        for name, cells in rows.items():
            for column, cell in cells.items():
                found[name, column] = re.sub(r" \[\d+\]\(#notes\)$", "", cell)
    return found


def main(arguments: list[str]) -> int:
    """Writes the page, unless a cell is wrong."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for path in arguments:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            found[one["row"], one["column"]] = one  # of a cell that ran again, the last
    verdicts: Verdicts = list(found.values())
    wrong: list[Any] = [one for one in verdicts if one["verdict"] not in WORDS]
    for one in wrong:
        print(f"{one['row']}, {one['column']}: {one['note']}", file=sys.stderr)
    if wrong:
        return 1
    TARGET.write_text(document(verdicts, date.today().isoformat()), encoding="utf-8")
    for path in arguments:
        Path(path).unlink()  # the next run begins anew
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
