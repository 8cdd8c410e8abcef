"""Which AWS calls are repeated, how often and for how long: one table, one rule.

What a failed call means (`CatalogError.fault`):
  refused  AWS says that it did nothing (throttling, another change under way), or was not reached.
           Every call is repeated.
  unknown  no answer, one that cannot be read, or an error of AWS's own: it may have been done. A
           call is repeated if the table below knows what its repeat does.
  None     everything else: told at once.

The table is made of the API's documentation and what local Glue shows; the budget is that of
botocore's own modes, with an end in time.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dbt.adapters.glue.exceptions import CatalogError

# What a repeat does after a call that may have been done.
Kind = Literal["read", "same", "told", "looked_up", "once"]


@dataclass(frozen=True)
class Operation:
    """kind: what a repeat of it does after an attempt that may have been done:
      read       it changes nothing
      same       to do it twice is to do it once
      told       the repeat fails with `done`, which then means that the first one did it
      looked_up  the same, but another process may have done it: the caller looks, where the error
                 (or one item of the answer) says `done`
      once       it is not repeated: the caller begins again by reading
    answer: a key that AWS puts into every answer; without it the answer is not AWS's.
    """

    kind: Kind
    answer: str | None = None
    done: str | None = None


def _read(answer: str | None = None) -> Operation:
    return Operation("read", answer)


def _same(answer: str | None = None) -> Operation:
    return Operation("same", answer)


THERE, GONE = "AlreadyExistsException", "EntityNotFoundException"
CONFLICT = "ConcurrentModificationException"
ONCE = Operation("once")
OPERATIONS: dict[str, Operation] = {
    # Sessions. An id of ours names a session; StopSession of a stopped one is asked about.
    "CreateSession": Operation("looked_up", "Session", THERE),
    "GetSession": _read("Session"),
    "ListSessions": _read(),
    "StopSession": _same(),
    "DeleteSession": Operation("told", None, GONE),
    # Every statement of ours is an exchange, or sets up what takes them: session/exchange.py.
    "RunStatement": _same("Id"),
    "GetStatement": _read("Statement"),
    "GetSessionEndpoint": _read("SparkConnect"),
    "GetTags": _read("Tags"),
    "GetConnection": _read(),
    # The catalog. UpdateTable and BatchUpdatePartition say all that an entry is to be.
    "GetDatabase": _read("Database"),
    "GetDatabases": _read("DatabaseList"),
    "GetTable": _read("Table"),
    "GetTables": _read("TableList"),
    "GetPartitions": _read("Partitions"),
    "CreateDatabase": Operation("told", None, THERE),
    "DeleteDatabase": Operation("told", None, GONE),
    "CreateTable": Operation("looked_up", None, THERE),
    "UpdateTable": _same(),
    "DeleteTable": Operation("told", None, GONE),
    "BatchCreatePartition": Operation("looked_up", None, THERE),
    "BatchUpdatePartition": _same(),
    "BatchDeletePartition": Operation("looked_up", None, GONE),
    # S3. Keys are of one writer.
    "GetObject": _read("ETag"),
    "ListObjectsV2": _read("IsTruncated"),
    "PutObject": _same("ETag"),
    "DeleteObject": _same(),
    "DeleteObjects": _same(),
    "CreateBucket": Operation("told", None, "BucketAlreadyOwnedByYou"),
    # Lake Formation: lakeformation_calls.py reads what is there, and changes what differs.
    "GetResourceLFTags": _read(),
    "AddLFTagsToResource": ONCE,
    "RemoveLFTagsFromResource": ONCE,
    "ListPermissions": _read(),
    "BatchGrantPermissions": ONCE,
    "BatchRevokePermissions": ONCE,
    "ListDataCellsFilter": _read(),
    "CreateDataCellsFilter": ONCE,
    "UpdateDataCellsFilter": ONCE,
    "DeleteDataCellsFilter": ONCE,
    "AssumeRole": _read("Credentials"),
    "GetCallerIdentity": _read("Account"),
    "GetRole": _read("Role"),
    "SimulatePrincipalPolicy": _read("EvaluationResults"),
}

ATTEMPTS = 11  # botocore's `max_attempts: 10` are ten repeats
SECONDS = 120.0
UNREACHED_FOR = 30.0  # nobody answers at that address: it is a wrong one more often than not
ENDING_FOR = 5.0  # once the run is to end; what has a time of its own (StopSession …) keeps it
FIRST, LAST = 0.3, 20.0  # seconds: the longest pause before the first repeat, and before any

# Set while a run is being ended before its time (Ctrl-C, --fail-fast).
ending = threading.Event()


def pause(seconds: float) -> None:
    """Between two attempts; one that is under way ends when the run is to end."""
    if ending.is_set():
        time.sleep(seconds)
    else:
        ending.wait(seconds)


@dataclass(frozen=True)
class Budget:
    """attempts: how often a call is made at most (None: as often as time allows); seconds: for how
    long after the first attempt another one may begin."""

    attempts: int | None = ATTEMPTS
    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = pause
    random: Callable[[], float] = random.random


@dataclass
class Tried:
    """The attempts at one call so far. unsure: one of them may have been done."""

    operation: str
    budget: Budget = field(default_factory=Budget)
    count: int = 0
    unsure: bool = False

    def __post_init__(self) -> None:
        self._started = self.budget.clock()

    @property
    def rule(self) -> Operation:
        return OPERATIONS.get(self.operation, ONCE)

    def check(self, answer: Any) -> None:
        """Raises CatalogError where an answer lacks what AWS's has: it is of someone else."""
        key = self.rule.answer
        if key and isinstance(answer, Mapping) and key not in answer:
            shown = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
            raise unreadable(self.operation, f"the answer has no {key}: {shown}"[:500])

    def failed(self, error: CatalogError) -> bool:
        """Counts an attempt that failed. True: it means that an earlier one has done it."""
        self.count += 1
        if error.operation != self.operation:  # of credentials, which have given up already
            raise error
        if self.unsure and self.rule.kind == "told" and error.code == self.rule.done:
            return True
        self.unsure = self.unsure or error.fault == "unknown"
        error.unsure = self.unsure and self.rule.kind != "read"
        return False

    def wait(self, error: CatalogError) -> None:
        """Returns when the call is to be made again; raises the error where it is not to be."""
        pause = self._pause(error)
        if pause is None:
            raise error.add_context(tried=self._told(), outcome=self._outcome(error))
        self.budget.sleep(pause)

    def _pause(self, error: CatalogError) -> float | None:
        if error.fault is None:
            return None
        if self.rule.kind == "once" and (error.unsure or error.code == CONFLICT):
            return None
        if self.budget.attempts is not None and self.count >= self.budget.attempts:
            return None
        # Full jitter: whoever was throttled at the same moment comes back at another one.
        pause = self.budget.random() * min(LAST, FIRST * 2 ** (self.count - 1))
        pause = max(pause, error.retry_after or 0.0)
        seconds = self.budget.seconds
        if error.unreached:
            seconds = min(seconds, UNREACHED_FOR)
        if ending.is_set() and self.budget.attempts is not None:
            seconds = min(seconds, ENDING_FOR)
        return pause if self._passed() + pause <= seconds else None

    def _passed(self) -> float:
        return self.budget.clock() - self._started

    def _told(self) -> str | None:
        return f"{self.count} times in {self._passed():.0f} s" if self.count > 1 else None

    def _outcome(self, error: CatalogError) -> str | None:
        # `done` is for the caller to look at.
        looked_at = self.rule.kind == "looked_up" and error.code == self.rule.done
        return "unknown" if error.unsure and not looked_at else None


def unreadable(operation: str, why: str) -> CatalogError:
    """An answer that is not one of AWS's, or not a whole one."""
    return CatalogError(
        f"The answer to {operation} cannot be read: {why}",
        operation=operation,
        code="UnreadableAnswer",
        fault="unknown",
    )
