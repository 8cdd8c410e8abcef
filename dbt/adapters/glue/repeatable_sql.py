"""Whether a statement may run again though nobody knows if it ran, read from its text.

A session that dies under a statement leaves all of its work, none of it, or a part. What only
reads, and what ends in the same state however often it runs, may run again: a query, a view or
table that is replaced as a whole, partitions that are overwritten. An insert, a merge, and all
that is not understood may not.
"""

import re
from collections.abc import Mapping

from dbt.adapters.glue.build_folders import base_of
from dbt.adapters.glue.catalog_changes import (
    NAME,
    Change,
    changes_of,
)
from dbt.adapters.glue.session.state import mentions, names_and_code
from dbt.adapters.glue.sql_text import without_leading_comments

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
_VIEW = re.compile(rf".*?\b(?:view|table)\s+(?:if\s+not\s+exists\s+)?{NAME}", _FLAGS)
# The name of a table as an expression, which may come to any.
_IDENTIFIER = re.compile(r"\bidentifier\s*\(", re.I)


def may_repeat(sql: str, views: Mapping[str, str] | None = None) -> bool:
    """Whether the outcome is the same after the statement has run once, twice, or in part before.

    What replaces a table reads from others only: one that reads its own would do so twice.
    views: the SQL of the temporary views that the session has, by their names.
    """
    text = without_leading_comments(sql)
    if directory := _DIRECTORY.match(text):
        place = directory[1] or ""
        return base_of(place) != place.rstrip("/")  # a build's own folder, which nobody reads
    if changes_of(sql) == [] or _HARMLESS.match(text):
        return True
    replaces = _REPLACES.match(text)
    if replaces is None or _IDENTIFIER.match(text, replaces.start("name")):
        return False
    table = re.split(r"\.\s*", replaces["name"])[-1].strip().strip("`")
    return not _may_read(text[replaces.end() :], table, dict(views or {}))


def created_table(sql: str) -> Change | None:
    """The table that a CREATE TABLE makes. It may run again, since it fails where there is one, or
    where its place has files; None if the SQL is no such statement."""
    if not _CREATES.match(without_leading_comments(sql)):
        return None
    changes = changes_of(sql)
    return changes[0] if changes else None


def _may_read(text: str, table: str, views: dict[str, str]) -> bool:
    """Whether SQL may read a table of this name, itself or through views.

    views is what has not been looked into; a view that was is taken out of it.
    """
    if mentions(text, table) or _IDENTIFIER.search(names_and_code(text)):
        return True
    for name in list(views):
        if name in views and mentions(text, name.rpartition(".")[2]):
            query = _behind_name(views.pop(name))
            if _may_read(query, table, views):
                return True
    return False


def _behind_name(view: str) -> str:
    """A CREATE VIEW without the name of the view, which may be that of a table too."""
    text = without_leading_comments(view)
    return text[found.end() :] if (found := _VIEW.match(text)) else text
