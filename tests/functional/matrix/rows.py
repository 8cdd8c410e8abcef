"""The rows that the matrix is built from, and what each strategy makes of them, in plain Python."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

Row = dict[str, Any]
Rows = list[Row]


def _rows(*values: tuple[int, str, str, str]) -> Rows:
    return [dict(zip(("id", "name", "day", "part"), value, strict=True)) for value in values]


# What the source holds in the first run, and in the second: changed rows, new rows, a part that is
# partly there again (b), parts that are gone (a, c), a new one (d), and no row of the first day.
FIRST = _rows(
    (1, "one", "2024-01-01", "a"),
    (2, "two", "2024-01-01", "a"),
    (3, "three", "2024-01-01", "b"),
    (4, "four", "2024-01-02", "b"),
    (5, "five", "2024-01-02", "b"),
    (6, "six", "2024-01-02", "c"),
    (7, "seven", "2024-01-03", "c"),
    (8, "eight", "2024-01-03", "c"),
    (9, "nine", "2024-01-03", "a"),
    (10, "žluťoučký 🦆", "2024-01-03", "a"),
)
SECOND = _rows(
    (4, "FOUR", "2024-01-02", "b"),
    (5, "five", "2024-01-02", "b"),
    (11, "eleven", "2024-01-02", "d"),
    (8, "EIGHT", "2024-01-03", "b"),
    (12, "twelve", "2024-01-03", "d"),
)


def rebuilt(old: Rows, new: Rows) -> Rows:
    return new


def appended(old: Rows, new: Rows) -> Rows:
    return old + new


def replaced(old: Rows, new: Rows, goes: Callable[[Row], bool]) -> Rows:
    return [row for row in old if not goes(row)] + new


def overwritten(old: Rows, new: Rows, column: str) -> Rows:
    """The partitions (or keys) of which there are new rows are replaced."""
    written = {row[column] for row in new}
    return replaced(old, new, lambda row: row[column] in written)


def merged(old: Rows, new: Rows, key: str) -> Rows:
    """One row a key, so that deleting the keys and inserting the rows comes to the same."""
    return overwritten(old, new, key)


def snapshotted(old: Rows, new: Rows, key: str, checked: str) -> Rows:
    """Versions of the rows after two snapshots; `current` tells those that hold."""
    now = {row[key]: row for row in new}
    before = {row[key]: row for row in old}
    versions = []
    for row in old:
        changed = row[key] in now and now[row[key]][checked] != row[checked]
        versions.append({**row, "current": not changed})
    for row in new:
        if row[key] not in before or before[row[key]][checked] != row[checked]:
            versions.append({**row, "current": True})
    return versions


def without(rows: Iterable[Row], *names: str) -> Rows:
    return [{key: value for key, value in row.items() if key not in names} for row in rows]


def with_values(rows: Iterable[Row], **values: Any) -> Rows:
    return [{**row, **values} for row in rows]


def as_text(rows: Iterable[Row], kept: Collection[str]) -> Rows:
    """Rows of a table in the text format: one column of text beside those that are kept."""
    return [
        {
            "value": "|".join(str(value) for name, value in row.items() if name not in kept),
            **{name: value for name, value in row.items() if name in kept},
        }
        for row in rows
    ]


def in_order(rows: Iterable[Row]) -> Rows:
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


def sql(rows: Rows) -> str:
    """The rows as a query."""
    values = ", ".join(
        f"({row['id']}, '{row['name']}', date '{row['day']}', '{row['part']}')" for row in rows
    )
    return f"select * from values {values} as t(id, name, day, part)"
