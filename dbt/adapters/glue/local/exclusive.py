"""One process at a time, by a lock on a file."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def held(path: Path, report: Callable[[str], None], waiting: str) -> Iterator[None]:
    """Holds the lock of the file; `waiting` says why, if another process holds it now."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{waiting}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
