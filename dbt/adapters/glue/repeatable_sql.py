"""Whether a statement may run again though nobody knows if it ran, read from its text.

A session that dies under a statement leaves all of its work, none of it, or a part. What only
reads, and what ends in the same state however often it runs, may run again: a query, a view or
table that is replaced as a whole, partitions that are overwritten. An insert, a merge, and all
that is not understood may not.
"""

import re

from dbt.adapters.glue.build_folders import base_of
from dbt.adapters.glue.catalog_changes import (
    NAME,
    Change,
    changes_of,
)
from dbt.adapters.glue.sql_text import COMMENTS, segments, without_leading_comments

_FLAGS = re.I | re.S
_DIRECTORY = re.compile(r"insert\s+overwrite\s+(?:local\s+)?directory\b\s*(?:'([^']*)')?", _FLAGS)
_HARMLESS = re.compile(
    rf"""(?: drop\s+(?:table|view|schema|database|namespace)\s+if\s+exists
           | create\s+(?:schema|database|namespace)\s+if\s+not\s+exists
           | refresh | analyze\s+table | msck\s+repair\s+table | comment\s+on
           | alter\s+(?:table|view)\s+{NAME}\s+(?:set|write\s+ordered\s+by) )\b""",
    _FLAGS | re.X,
)
_REPLACES = re.compile(
    rf"""(?: (?:create\s+or\s+)?replace\s+(?:table|view)\s+
           | insert\s+overwrite\s+(?:table\s+)? ){NAME}""",
    _FLAGS | re.X,
)
_CREATES = re.compile(rf"create\s+table\s+(?!if\b){NAME}", _FLAGS)
_STRINGS = ("'", '"', "r'", 'r"', "R'", 'R"')


def may_repeat(sql: str) -> bool:
    """Whether the outcome is the same after the statement has run once, twice, or in part before.

    What replaces a table reads from others only: one that reads its own would do so twice.
    """
    text = without_leading_comments(sql)
    if directory := _DIRECTORY.match(text):
        place = directory[1] or ""
        return base_of(place) != place.rstrip("/")  # a build's own folder, which nobody reads
    if changes_of(sql) == [] or _HARMLESS.match(text):
        return True
    replaces = _REPLACES.match(text)
    return replaces is not None and not _names(text[replaces.end() :], replaces["name"])


def created_table(sql: str) -> Change | None:
    """The table that a CREATE TABLE makes. It may run again, since it fails where there is one, or
    where its place has files; None if the SQL is no such statement."""
    if not _CREATES.match(without_leading_comments(sql)):
        return None
    changes = changes_of(sql)
    return changes[0] if changes else None


def _names(text: str, table: str) -> bool:
    """Whether code or a quoted name has the table's name in it; strings and comments may."""
    name = re.escape(re.split(r"\.\s*", table)[-1].strip().strip("`"))
    code = "".join(
        piece
        for is_code, piece in segments(text)
        if is_code or not piece.startswith((*_STRINGS, *COMMENTS))
    )
    return re.search(rf"(?<!\w){name}(?!\w)", code, re.I) is not None
