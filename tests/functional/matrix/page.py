"""docs/formats.md out of the verdicts of test_matrix.py: `python -m … VERDICTS.json`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cells import Cell
    from .outcomes import Outcome

TEMPLATE = Path(__file__).parents[3] / "docs" / "formats.in.md"
TARGET = TEMPLATE.with_name("formats.md")
HINT = "docs/formats.md is not what the run has shown: run `make formats`"

Verdicts = list[dict[str, str]]


def to_json(outcomes: "dict[Cell, Outcome]") -> str:
    """The verdicts as a list, one a line, in the order of the matrix."""
    lines = [
        json.dumps(
            {
                "feature": cell.feature.title,
                "format": cell.file_format,
                "verdict": outcome.verdict,
                "reason": outcome.reason,
                "note": outcome.note,
            },
            ensure_ascii=False,
        )
        for cell, outcome in outcomes.items()
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def document(verdicts: Verdicts) -> str:
    """The whole page."""
    notes: list[str] = []
    features = list(dict.fromkeys(verdict["feature"] for verdict in verdicts))
    formats = list(dict.fromkeys(verdict["format"] for verdict in verdicts))
    by_place = {(verdict["feature"], verdict["format"]): verdict for verdict in verdicts}
    lines = [_line("", *formats), _line(*["---"] * (len(formats) + 1))]
    for feature in features:
        cells = [_cell(by_place[feature, name], notes) for name in formats]
        lines.append(_line(feature, *cells))
    told = [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.replace("{{ matrix }}", "\n".join(lines)).replace(
        "{{ notes }}", "\n".join(told)
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(verdict: dict[str, str], notes: list[str]) -> str:
    word = "yes" if verdict["verdict"] == "passed" else "no"
    note = verdict["reason"] or verdict["note"]
    if not note:
        return word
    if note not in notes:
        notes.append(note)
    return f"{word} [{notes.index(note) + 1}](#notes)"


def main(arguments: list[str]) -> int:
    """Writes the page, unless a cell has failed."""
    verdicts: Verdicts = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    failed: list[Any] = [verdict for verdict in verdicts if verdict["verdict"] == "failed"]
    for verdict in failed:
        print(f"{verdict['format']}, {verdict['feature']}: {verdict['reason']}", file=sys.stderr)
    if failed:
        return 1
    TARGET.write_text(document(verdicts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
