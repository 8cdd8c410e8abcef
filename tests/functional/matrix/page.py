"""docs/formats.md out of the verdicts of test_matrix.py: `python -m functional.matrix.page …`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pages import Notes, table

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
    notes = Notes()
    by_place = {
        (verdict["feature"], verdict["format"]): notes.with_note(
            "yes" if verdict["verdict"] == "passed" else "no", verdict["reason"] or verdict["note"]
        )
        for verdict in verdicts
    }
    features = list(dict.fromkeys(verdict["feature"] for verdict in verdicts))
    formats = list(dict.fromkeys(verdict["format"] for verdict in verdicts))
    matrix = table(features, formats, lambda feature, name: by_place[feature, name])
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.replace("{{ matrix }}", matrix).replace("{{ notes }}", notes.text())


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
