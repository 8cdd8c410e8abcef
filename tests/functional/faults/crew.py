"""Many cells side by side, most of which wait: jobs in daemon threads, each with a deadline."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any


@dataclass(eq=False)
class Job:
    """ended: `result` is what it returned, or the error that it raised."""

    run: Callable[[], Any]
    within: float  # seconds from its start
    result: Any = None
    started: float | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def overdue(self) -> bool:
        return self.started is not None and time.monotonic() > self.started + self.within


def work(jobs: Iterable[Job], hands: int) -> None:
    """Runs the jobs, `hands` at a time; returns when each has ended or is overdue."""
    waiting: SimpleQueue[Job] = SimpleQueue()
    jobs = list(jobs)
    for job in jobs:
        waiting.put(job)
    for _ in range(min(hands, len(jobs))):
        threading.Thread(target=_work, args=(waiting,), name="crew", daemon=True).start()
    for job in jobs:
        while not job.ended.wait(1.0) and not job.overdue():
            pass


def _work(waiting: "SimpleQueue[Job]") -> None:
    while True:
        try:
            job = waiting.get_nowait()
        except Empty:
            return
        job.started = time.monotonic()
        try:
            job.result = job.run()
        except BaseException as error:  # the cell's outcome
            job.result = error
        job.ended.set()
