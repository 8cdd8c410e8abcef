"""SessionState: what SQL has made in a session and what ends with it, to be made again in the next.

Settings, temporary views and functions, USE, ADD JAR: later statements rely on them, and would
fail, or worse, give other results without. What Python has made there is not known.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dbt.adapters.glue.exceptions import StatementError
from dbt.adapters.glue.session.runtime.lexer import COMMENTS, segments, without_leading_comments
from dbt.adapters.glue.session.transport import Transport

_NAME = r"(?P<name>(?:`(?:[^`]|``)+`|[\w.\-])+)"
_PART = r"`(?:[^`]|``)+`|[^`.]+"
_TEMPORARY = r"(?:temporary|temp)"
_VARIABLE = r"var(?:iable)?"
# What is made, by kind; a later statement of the same kind and name takes the place of an earlier,
# but for USE: what one means depends on those before it. A SET without `=` reads.
_MADE = {
    "view": rf"create\s+(?:or\s+replace\s+)?(?P<global>global\s+)?{_TEMPORARY}\s+view\s+"
    rf"(?:if\s+not\s+exists\s+)?{_NAME}",
    "function": rf"create\s+(?:or\s+replace\s+)?{_TEMPORARY}\s+function\s+"
    rf"(?:if\s+not\s+exists\s+)?{_NAME}",
    "use": r"(?:use|set\s+catalog)\s+(?P<name>\S.*)",
    "value": rf"set\s+{_VARIABLE}\s+{_NAME}\s*=",
    "set": r"set\s+(?:(?P<word>time\s+zone|role)\b|(?P<name>(?:`[^`]*`|[^=`])+?)\s*=)",
    "variable": rf"declare\s+(?:or\s+replace\s+)?(?:{_VARIABLE}\s+)?{_NAME}",
    "add": r"add\s+(?P<name>(?:jar|file|archive)s?\s.*)",
    "cache": rf"cache\s+(?:lazy\s+)?table\s+{_NAME}",
}
_ENDED = {
    "view": rf"drop\s+view\s+(?:if\s+exists\s+)?{_NAME}",
    "function": rf"drop\s+{_TEMPORARY}\s+function\s+(?:if\s+exists\s+)?{_NAME}",
    "variable": rf"drop\s+{_TEMPORARY}\s+{_VARIABLE}\s+(?:if\s+exists\s+)?{_NAME}",
    "set": rf"reset\s+{_NAME}",
    "cache": rf"uncache\s+table\s+(?:if\s+exists\s+)?{_NAME}",
}
_WORDS = {"time": "spark.sql.session.timezone", "role": "role"}
_RESET = re.compile(r"reset\s*;?\s*$", re.I)
_THERE = re.compile("already[ _]exists", re.I)
_GLOBAL = "global_temp"  # spark.sql.globalTempDatabase, whose default nobody changes


def _compiled(patterns: dict[str, str]) -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(text, re.I | re.S)) for kind, text in patterns.items()]


_MADE_BY, _ENDED_BY = _compiled(_MADE), _compiled(_ENDED)
_CACHES_QUERY = re.compile(rf"{_MADE['cache']}.*?\b(?:as|select|with|from)\b", re.I | re.S)


class Key(NamedTuple):
    kind: str
    name: str


@dataclass(eq=False)
class Made:
    """replaced: one of the same name was made later, and what lies between them reads this one."""

    key: Key
    sql: str
    replaced: bool = False


def of_session(sql: str) -> bool:
    """Whether a statement makes or ends something in the session."""
    text = without_leading_comments(sql)
    return bool(_key(text, _MADE_BY) or _key(text, _ENDED_BY) or _RESET.match(text))


def mentions(sql: str, name: str) -> bool:
    """Whether code, or a quoted name, has this word in it; strings and comments may.

    What stands in double quotes is a name or a string, by a setting of Spark's.
    """
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", names_and_code(sql), re.I) is not None


def names_and_code(sql: str) -> str:
    return " ".join(
        piece
        for is_code, piece in segments(sql)
        if is_code or not piece.startswith(("'", "r'", "R'", *COMMENTS))
    )


class SessionState:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[Made] = []  # in the order in which it was made

    def note(self, sql: str) -> None:
        """A statement has run in the session."""
        text = without_leading_comments(sql)
        with self._lock:
            if key := _key(text, _MADE_BY):
                self._add(Made(key, sql))
            elif key := _key(text, _ENDED_BY):
                self._end(key)
            elif _RESET.match(text):
                self._made = [made for made in self._made if made.key.kind != "set"]

    def _add(self, new: Made) -> None:
        if new.key.kind == "use":
            uses = [made.sql for made in self._made if made.key.kind == "use"]
            if uses[-1:] != [new.sql]:
                self._made.append(new)
            return
        for index, made in reversed(list(enumerate(self._made))):
            if made.key == new.key:
                made.replaced = new.key.kind == "view" and self._is_read(made, index)
                if not made.replaced:
                    del self._made[index]
        if new.key.kind == "variable":
            self._end(Key("value", new.key.name))
        self._made.append(new)

    def _is_read(self, view: Made, index: int) -> bool:
        """Whether a view that was made later names it: Spark keeps with a view which of the names
        in it were temporary views, so it needs one that is there before."""
        name = view.key.name.rpartition(".")[2]
        return any(
            made.key.kind in ("view", "cache") and made.key != view.key and mentions(made.sql, name)
            for made in self._made[index + 1 :]
        )

    def _end(self, key: Key) -> None:
        ended = {key, Key("value", key.name)} if key.kind == "variable" else {key}
        self._made = [made for made in self._made if made.key not in ended]

    def statements(self) -> list[str]:
        with self._lock:
            return [made.sql for made in self._made]

    def views(self) -> dict[str, str]:
        """The SQL of each temporary view, and of each query that is cached under a name."""
        with self._lock:
            return {
                made.key.name: made.sql
                for made in self._made
                if made.key.kind == "view"
                or _CACHES_QUERY.match(without_leading_comments(made.sql))
            }

    def make_again(self, transport: Transport, warn: Callable[[str], None]) -> None:
        """Runs the statements in a new session; what fails, once more when the others have run.
        Warns of those that fail again, and forgets them: what needs them fails by itself. Raises
        what else goes wrong with the session."""
        with self._lock:
            left = list(self._made)
        for again in (True, False):
            failed: list[Made] = []
            for made in left:
                try:
                    transport.execute(made.sql, fetch=False)
                except StatementError as error:
                    if _THERE.search(error.message):  # the session lives on: pool.py
                        continue
                    if again and not made.replaced:
                        failed.append(made)
                        continue
                    self._forget(made)
                    if not made.replaced:
                        shown = " ".join(made.sql.split())[:200]
                        who = f"Glue session {transport.session_id}, made anew,"
                        warn(f"{who} lacks: {shown}: {error}")
            left = failed

    def _forget(self, lost: Made) -> None:
        with self._lock:
            self._made = [made for made in self._made if made is not lost]


def _key(text: str, patterns: list[tuple[str, re.Pattern[str]]]) -> Key | None:
    for kind, pattern in patterns:
        if found := pattern.match(text):
            groups = found.groupdict()
            name = groups["name"] or _WORDS[groups["word"].split()[0].lower()]
            if kind == "view":
                return _view(name, bool(groups.get("global")))
            return Key(kind, name.replace("`", "").lower())
    return None


def _view(text: str, is_global: bool) -> Key | None:
    """The key of a temporary view; None for a name that only a permanent one has."""
    parts = [part.strip("`").lower() for part in re.findall(_PART, text)]
    if len(parts) == 1:
        return Key("view", f"{_GLOBAL}.{parts[0]}" if is_global else parts[0])
    return Key("view", ".".join(parts)) if parts[:-1] == [_GLOBAL] else None
