"""Which tables of the catalog an SQL statement may change, read from its text.

What is not understood may change anything: no statement is guessed to be harmless.
"""

import re
from dataclasses import dataclass

from dbt.adapters.glue.sql_text import COMMENTS, segments, without_leading_comments

_NAME_PART = r"(?:`(?:[^`]|``)+`|\w+)"
NAME = rf"(?P<name>{_NAME_PART}(?:\s*\.\s*{_NAME_PART})*)"
_FLAGS = re.I | re.S
_LOCATION = re.compile(r"\blocation\s*$", _FLAGS)

# What changes no table: reads, settings, and what belongs to the session.
_NOTHING = re.compile(
    r"""(?: \(*\s*select | values | table | show | describe | desc | explain | list | set | reset
          | use | (?:un)?cache | generate | clear\s+cache | add\s+(?:jar|file)
          | (?:create|drop)\s+(?:or\s+replace\s+)?(?:temporary\s+|temp\s+)?function
          | create\s+(?:or\s+replace\s+)?(?:global\s+)?(?:temporary|temp)\s+view
          | insert\s+overwrite\s+directory
          | call\s+[\w`.]+\.system\.(?:expire_snapshots|remove_orphan_files
                                      |rewrite_data_files|rewrite_manifests
                                      |rewrite_position_delete_files)
          | call\s+run_(?:clean|clustering|compaction) )\b""",
    _FLAGS | re.X,
)
# WITH is a read, unless it begins an insert.
_WITH = re.compile(r"with\b", _FLAGS)
_WRITES = re.compile(r"\b(?:insert|merge|update|delete)\b", _FLAGS)
_MAKES = re.compile(
    rf"""(?:create\s+(?:or\s+replace\s+)?(?:external\s+)?|replace\s+)
         (?P<kind>table|view)\s+(?:if\s+not\s+exists\s+)?{NAME}""",
    _FLAGS | re.X,
)
_CHANGES = re.compile(
    rf"""(?: drop\s+(?:table|view)\s+(?:if\s+exists\s+)? | alter\s+(?:table|view)\s+
           | insert\s+(?:into|overwrite)\s+(?:table\s+)? | merge\s+into\s+ | update\s+
           | delete\s+from\s+ | truncate\s+table\s+ | comment\s+on\s+(?:table|view)\s+
           | analyze\s+table\s+ | msck\s+repair\s+table\s+ | refresh\s+(?:table\s+)?
           | optimize\s+ | vacuum\s+ ){NAME}""",
    _FLAGS | re.X,
)
_MOVES = re.compile(r"\bset\s+location\s*(?:'([^']*)'|\"([^\"]*)\")\s*$", _FLAGS)
_RENAMES = re.compile(r"\brename\s+to\b", _FLAGS)


@dataclass(frozen=True)
class Change:
    """A table or view that may be another one, or none, after a statement.

    schema is None where the name has none: then it may be in any schema, or of the session.
    location: where it lies if the statement makes it; None: not told, and `placed` says whether it
    may lie at a place that the catalog has not been seen to name.
    """

    schema: str | None
    name: str
    location: str | None = None
    placed: bool = True


def changes_of(sql: str) -> list[Change] | None:
    """The tables and views that one statement may change; None where it may be any."""
    text = without_leading_comments(sql)
    if _NOTHING.match(text):
        return []
    if _WITH.match(text):
        return None if _WRITES.search(text) else []
    made = _MAKES.match(text)
    if made:
        schema, name = names_of(made["name"])
        location = _location(text[made.end() :]) if made["kind"].lower() == "table" else None
        return [Change(schema, name, location, bool(location) or made["kind"].lower() == "view")]
    changed = _CHANGES.match(text)
    if changed is None or _RENAMES.search(text, changed.end()):
        return None
    moved = _MOVES.search(text, changed.end())
    location = next(filter(None, moved.groups()), None) if moved else None
    return [Change(*names_of(changed["name"]), location)]


def _location(clauses: str) -> str | None:
    """The literal behind the word LOCATION: comments and other literals may have that word too."""
    before = ""
    for is_code, piece in segments(clauses):
        if is_code:
            before = piece if piece.strip() else before
        elif piece[0] in "'\"" and _LOCATION.search(before):
            return re.sub(r"\\(.)", r"\1", piece[1:-1])
        elif not piece.startswith(COMMENTS):
            before = ""
    return None


def names_of(text: str) -> tuple[str | None, str]:
    """Schema and name of a dotted name, in lower case; the Spark catalog before them is dropped."""
    parts = [
        part[1:-1].replace("``", "`") if part.startswith("`") else part
        for part in re.findall(_NAME_PART, text)
    ]
    return (parts[-2].lower() if len(parts) > 1 else None), parts[-1].lower()
