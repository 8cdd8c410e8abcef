"""Statements that a table format refused because another writer committed first.

The format has tried the commit again by itself where that is enough (Iceberg: `commit.retry.*`).
What it then refuses it has not written, so the statement may run again from the start, on the
table as it is now, whatever it does: as if it had come a moment later. Whether that is so is read
from the error, never guessed: an Iceberg commit of unknown outcome is not repeated, nor is what
makes several commits.
"""

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

from dbt.adapters.events.logging import AdapterLogger

from dbt.adapters.glue.exceptions import StatementError
from dbt.adapters.glue.explained.spark import CONCURRENT_COMMIT
from dbt.adapters.glue.sql_text import COMMENTS, segments, without_leading_comments

logger = AdapterLogger("Glue")
_T = TypeVar("_T")

PAUSES = (0.5, 1, 2, 4, 8)  # seconds before each repeat, times 0.5 to 1.5
_ONE_COMMIT = re.compile(r"(insert|merge|update|delete|create|replace|alter|truncate)\b", re.I)
# What these begin may write several times: `from s insert into a select * insert into b select *`.
_MAY_WRITE_TWICE = re.compile(r"(with|from)\b", re.I)
_WRITE = re.compile(
    r"\b(?:insert\s+(?:into|overwrite)|merge\s+into|delete\s+from|update\s+(?!set\b))", re.I
)


def outlast(sql: str, run: Callable[[], _T], sleep: Callable[[float], object] = time.sleep) -> _T:
    """Runs the statement; again, PAUSES times at most, where its commit lost against another."""
    for number, pause in enumerate(PAUSES, start=1):
        try:
            return run()
        except StatementError as error:
            if not lost_commit(sql, error):
                raise
            logger.info(
                f"Another writer committed first: the statement runs again ({number} of "
                f"{len(PAUSES)} repeats). {error.message.splitlines()[0]}"
            )
        sleep(pause * random.uniform(0.5, 1.5))
    try:
        return run()
    except StatementError as error:
        if lost_commit(sql, error):
            error.add_context(tried=f"{len(PAUSES) + 1} times")
        raise


def lost_commit(sql: str, error: StatementError) -> bool:
    """Whether nothing of the statement was written, since another writer came first."""
    told = error.explanation is not None and error.explanation.name == CONCURRENT_COMMIT
    return told and _makes_one_commit(without_leading_comments(sql))


def _makes_one_commit(sql: str) -> bool:
    if not _MAY_WRITE_TWICE.match(sql):
        return _ONE_COMMIT.match(sql) is not None
    code = "".join(
        piece if is_code else " " if piece.startswith(COMMENTS) else "``"
        for is_code, piece in segments(sql)
    )
    return len(_WRITE.findall(code)) == 1
