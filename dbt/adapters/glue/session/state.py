"""SessionState: what SQL has made in a session and what ends with it, to be made again in the next.

Settings, temporary views and functions, USE, ADD JAR: later statements rely on them, and would
fail, or worse, give other results without. What Python has made there is not known.
"""

import re
import threading
from collections.abc import Callable

from dbt.adapters.glue.exceptions import StatementError
from dbt.adapters.glue.session.runtime.lexer import without_leading_comments
from dbt.adapters.glue.session.transport import Transport

_NAME = r"(?P<name>(?:`(?:[^`]|``)+`|[\w.\-])+)"
_TEMPORARY = r"(?:temporary|temp)"
# What is made, by kind; a later statement of the same kind and name takes the place of an earlier.
_MADE = {
    "view": rf"create\s+(?:or\s+replace\s+)?(?:global\s+)?{_TEMPORARY}\s+view\s+"
    rf"(?:if\s+not\s+exists\s+)?{_NAME}",
    "function": rf"create\s+(?:or\s+replace\s+)?{_TEMPORARY}\s+function\s+"
    rf"(?:if\s+not\s+exists\s+)?{_NAME}",
    "set": rf"set\s+(?:var(?:iable)?\s+)?{_NAME}",
    "use": r"use\s+(?P<name>)\S",
    "variable": rf"declare\s+(?:or\s+replace\s+)?(?:var(?:iable)?\s+)?{_NAME}",
    "add": r"add\s+(?P<name>(?:jar|file|archive)s?\s.*)",
    "cache": rf"cache\s+(?:lazy\s+)?table\s+{_NAME}",
}
_ENDED = {
    "view": rf"drop\s+view\s+(?:if\s+exists\s+)?{_NAME}",
    "function": rf"drop\s+{_TEMPORARY}\s+function\s+(?:if\s+exists\s+)?{_NAME}",
    "set": rf"reset\s+{_NAME}",
    "cache": rf"uncache\s+table\s+(?:if\s+exists\s+)?{_NAME}",
}
_RESET = re.compile(r"reset\s*;?\s*$", re.I)


def _compiled(patterns: dict[str, str]) -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(text, re.I | re.S)) for kind, text in patterns.items()]


_MADE_BY, _ENDED_BY = _compiled(_MADE), _compiled(_ENDED)


def of_session(sql: str) -> bool:
    """Whether a statement makes or ends something in the session."""
    text = without_leading_comments(sql)
    return bool(_key(text, _MADE_BY) or _key(text, _ENDED_BY) or _RESET.match(text))


class SessionState:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], str] = {}  # in the order in which it was made

    def note(self, sql: str) -> None:
        """A statement has run in the session."""
        text = without_leading_comments(sql)
        with self._lock:
            if key := _key(text, _MADE_BY):
                self._made.pop(key, None)
                self._made[key] = sql
            elif key := _key(text, _ENDED_BY):
                self._made.pop(key, None)
            elif _RESET.match(text):
                self._made = {key: sql for key, sql in self._made.items() if key[0] != "set"}

    def statements(self) -> list[str]:
        with self._lock:
            return list(self._made.values())

    def make_again(self, transport: Transport, warn: Callable[[str], None]) -> None:
        """Runs the statements in a new session. Warns of those that fail there, and forgets them:
        what needs them fails by itself. Raises what else goes wrong with the session."""
        for sql in self.statements():
            try:
                transport.execute(sql, fetch=False)
            except StatementError as error:
                with self._lock:
                    self._made = {key: text for key, text in self._made.items() if text != sql}
                shown = " ".join(sql.split())[:200]
                warn(f"Glue session {transport.session_id}, made anew, lacks: {shown}: {error}")


def _key(text: str, patterns: list[tuple[str, re.Pattern[str]]]) -> tuple[str, str] | None:
    for kind, pattern in patterns:
        if found := pattern.match(text):
            name = found["name"].replace("`", "").lower()
            return kind, name.rpartition(".")[2] if kind == "view" else name
    return None
