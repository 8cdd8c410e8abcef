"""Pages of docs/ that are written out of a test run: tables whose cells have notes."""

from collections.abc import Callable, Iterable, Sequence


class Notes:
    """Numbered, each text once."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def with_note(self, word: str, note: str) -> str:
        """The word of a cell, with a link to the note if there is one."""
        if not note:
            return word
        if note not in self._notes:
            self._notes.append(note)
        return f"{word} [{self._notes.index(note) + 1}](#notes)"

    def text(self) -> str:
        return "\n".join(f"{n}. {note}" for n, note in enumerate(self._notes, start=1))


def table(rows: Sequence[str], columns: Sequence[str], cell: Callable[[str, str], str]) -> str:
    """A table in Markdown."""
    lines = [_line(["", *columns]), _line(["---"] * (len(columns) + 1))]
    lines += [_line([row, *(cell(row, column) for column in columns)]) for row in rows]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def tables_of(text: str) -> list[dict[str, dict[str, str]]]:
    """The tables of a page: row -> column -> cell."""
    found: list[dict[str, dict[str, str]]] = []
    columns: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = []
            continue
        name, *cells = [part.strip() for part in line.strip("|").split("|")]
        if not columns:
            columns = cells
            found.append({})
        elif name != "---":
            found[-1][name] = dict(zip(columns, cells, strict=True))
    return found
