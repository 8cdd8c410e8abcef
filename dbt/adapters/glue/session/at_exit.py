"""What is open is closed when the interpreter exits, and on SIGTERM and SIGHUP."""

import atexit
import os
import signal
import threading
from types import FrameType
from typing import Protocol

CLOSE_WITHIN = 30.0  # seconds, after a signal


class Open(Protocol):
    def close(self) -> None: ...

    def report_unfinished(self) -> None:
        """Says what a close() that was interrupted has not ended."""
        ...


_open: set[Open] = set()


def close_at_exit(something: Open) -> None:
    """From here until `closed`: closed whatever ends the process, kill -9 excepted."""
    if not _open:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _open.add(something)
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Only where nobody handles the signal: the host program's own handler goes first.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)


def closed(something: Open) -> None:
    _open.discard(something)


def _close_all() -> None:
    for something in list(_open):
        try:
            something.close()
        except KeyboardInterrupt:
            something.report_unfinished()
            raise


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Closes what is open, then dies as the signal asks.

    In a thread, since the interrupted code may hold a lock that is needed: it is unwound then,
    and the closing is done at exit.
    """
    signal.signal(number, signal.SIG_DFL)
    closing = threading.Thread(target=_close_all, daemon=True)
    closing.start()
    closing.join(CLOSE_WITHIN)
    if closing.is_alive():
        raise SystemExit(128 + number)
    os.kill(os.getpid(), number)
