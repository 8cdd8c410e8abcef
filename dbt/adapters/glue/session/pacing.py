"""Pacing: when the next exchange is sent, and how long it may wait in the session."""

from collections import Counter
from collections.abc import Callable

# While all threads wait for results nothing new can come, and an exchange may block until one is
# there. While some are at work, their next SQL would have to queue behind it.
# A cancel from another thread queues behind it too, hence not the longest wait at once.
FIRST_LONG_WAIT, LONGEST_WAIT = 5.0, 20.0
SHORT_WAIT, SHORT_WAIT_AT_MOST = 0.15, 2.0
# Fewer threads than dbt has are at work: another may start, most likely just after a change.
CAREFUL_WAIT, CAREFUL_FOR = 0.5, 1.0
# SQL of a thread that just got a result, or that just started or ended its work, is worth a pause.
LINGER, LINGER_AFTER_START = 0.05, 0.01


class Pacing:
    """Who is at work, who waits. Not locked: the transport holds its own lock."""

    def __init__(self, threads: int, clock: Callable[[], float]) -> None:
        self._threads = threads
        self._clock = clock
        self._busy: Counter[int] = Counter()
        self._waiting: set[int] = set()
        self._ended: dict[int, float] = {}
        self._started = self._changed = self._last = float("-inf")

    def begin(self, thread: int) -> None:
        if not self._busy[thread]:
            self._ended.pop(thread, None)
            self._started = self._changed = self._last = self._clock()
        self._busy[thread] += 1

    def end(self, thread: int) -> None:
        self._busy[thread] -= 1
        if not self._busy[thread]:
            del self._busy[thread]
            self._ended[thread] = self._changed = self._last = self._clock()

    def wait(self, thread: int) -> None:
        """The thread has handed over SQL and waits."""
        self._waiting.add(thread)
        self._last = self._clock()

    def stop_waiting(self, thread: int) -> None:
        self._waiting.discard(thread)

    def event(self) -> None:
        """Results were delivered."""
        self._last = self._clock()

    def linger(self) -> float:
        """Seconds for which the next exchange should still be held back."""
        now = self._clock()
        self._ended = {t: at for t, at in self._ended.items() if now - at < LINGER}
        until = float("-inf")
        if not self._all_wait():
            until = self._last + LINGER
        if len(self._busy) < self._threads:
            until = max([until, self._started + LINGER_AFTER_START])
            until = max([until, *(at + LINGER for at in self._ended.values())])
        return until - now

    def wait_seconds(self) -> float:
        """How long the next exchange may wait in the session for a result."""
        quiet = self._clock() - self._last
        if not self._all_wait():
            return min(max(SHORT_WAIT, quiet), SHORT_WAIT_AT_MOST)
        if len(self._busy) >= self._threads or self._clock() - self._changed > CAREFUL_FOR:
            return min(max(FIRST_LONG_WAIT, quiet), LONGEST_WAIT)
        return CAREFUL_WAIT

    def _all_wait(self) -> bool:
        return self._waiting.issuperset(self._busy)
