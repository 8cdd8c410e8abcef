"""Jobs of a test in threads of their own."""

import threading
from collections.abc import Callable
from typing import Any


def in_threads(*jobs: Callable[[], Any]) -> list[Any]:
    """Runs the jobs side by side; returns what each returned or raised."""
    results: list[Any] = [None] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        try:
            results[index] = job()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
