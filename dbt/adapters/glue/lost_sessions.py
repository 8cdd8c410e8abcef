"""LostSessions: what becomes of the statements of a session that died under them."""

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TypeVar

from dbt.adapters.events.logging import AdapterLogger

from dbt.adapters.glue.catalog_changes import Change, without_leading_comments
from dbt.adapters.glue.exceptions import SessionLost, StatementError
from dbt.adapters.glue.repeatable_sql import created_table, may_repeat

logger = AdapterLogger("Glue")
_T = TypeVar("_T")

# How often a statement runs again after its session has died: the last time alone, since what
# kills sessions takes down with it what runs beside it.
REPEATS = 2
SHOWN = 120  # characters of it, in the log
NOT_FOUND = "TABLE_OR_VIEW_NOT_FOUND"
# What a statement fails with for want of what went with the session, or for what that has left:
# error classes; and the words of Spark's Hive tables, of Delta and of Hudi, which have none.
LEFT_BY_THE_LOST = re.compile(
    rf"{NOT_FOUND}|TABLE_OR_VIEW_ALREADY_EXISTS|LOCATION_ALREADY_EXISTS"
    r"|NON_EMPTY_LOCATION|non-empty directory|should be empty for CTAS"
)
DIED_UNDER_IT = f"Sessions died under this statement {REPEATS + 1} times."
NOT_REPEATED = (
    "The statement is not run again: it may have been done, or a part of it, and would then be "
    "done twice."
)


FROM_PYTHON = (
    "The session was lost before this statement and made anew: what Python had made in the session "
    "is gone, if it was that."
)


class LostSessions:
    """take_back(table): removes what an earlier CREATE TABLE of it may have left, where that is
    sure to be this node's own."""

    def __init__(self) -> None:
        self.take_back: Callable[[Change], None] = lambda table: None
        self._one_at_a_time = threading.Lock()

    def outlive(
        self,
        sql: str | None,
        run: Callable[[], _T],
        wait: Callable[[], object],
        views: Callable[[], Mapping[str, str]] = dict,
    ) -> _T:
        """Runs it; again in a new session if the session dies and that does no harm.

        sql: None for Python, which runs again only if it never reached the session. wait: returns
        when there is a session, and none before it is still at work. views: the SQL of the
        temporary views that the session had.
        """
        left = REPEATS
        lost: SessionLost | None = None
        begun = False
        while True:
            try:
                with self._one_at_a_time if left == 0 else nullcontext():
                    return run()
            except SessionLost as error:
                lost = error
            except StatementError as error:
                if lost is None or not LEFT_BY_THE_LOST.search(error.message):
                    raise
                if not begun:  # nothing that this statement did is in its own way
                    if NOT_FOUND in error.message:
                        error.hint = _joined(FROM_PYTHON, error.hint)
                    raise
                told = f"Run again in a new session, it failed: {error.message}"
                lost.hint = _joined(told, lost.hint, by="\n")
                raise lost from error
            if lost.begun:
                begun = True
                if left == 0:
                    lost.hint = _joined(DIED_UNDER_IT, lost.hint)
                    raise lost
                table = created_table(sql) if sql else None
                if not (sql and (table or may_repeat(sql, views()))):
                    lost.hint = _joined(NOT_REPEATED, lost.hint)
                    raise lost
                if table:
                    wait()
                    self.take_back(table)
                left -= 1
            logger.warning(
                f"Run again in a new session, since the last one was lost: {_shown(sql)}"
            )


def _joined(first: str, hint: str | None, by: str = " ") -> str:
    return f"{first}{by}{hint}" if hint else first


def _shown(sql: str | None) -> str:
    return "Python" if sql is None else " ".join(without_leading_comments(sql).split())[:SHOWN]
