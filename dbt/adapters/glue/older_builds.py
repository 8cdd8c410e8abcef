"""OlderBuilds: data that tables have moved away from, and that may still be read for a while."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

# A query that has listed a table's files reads them to its end.
KEPT_FOR = 60.0  # seconds, or to the end of the run


class OlderBuild(NamedTuple):
    """The table lay at `old` and since `left_at` (UTC) lies at `new`, or is none any more."""

    schema: str
    name: str
    old: str
    new: str | None
    left_at: datetime
    custom_location: str | None


class OlderBuilds:
    """Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, OlderBuild]] = []

    def add(self, build: OlderBuild) -> None:
        with self._lock:
            self._waiting.append((self._clock() + KEPT_FOR, build))

    def forget(self, schema: str, name: str) -> None:
        """The table is dropped with all its data."""
        with self._lock:
            self._waiting = [
                (due, build)
                for due, build in self._waiting
                if (build.schema, build.name) != (schema, name)
            ]

    def take(self, all_of_them: bool = False) -> Iterator[OlderBuild]:
        """What is to be deleted by now, oldest first."""
        while True:
            with self._lock:
                if not self._waiting or not (all_of_them or self._waiting[0][0] <= self._clock()):
                    return
                _, build = self._waiting.pop(0)
            yield build
