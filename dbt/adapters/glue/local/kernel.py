"""One Spark process of a session: `repl.py`, run by path and spoken to over pipes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .spark_conf import KernelSettings, ServerSettings, kernel_settings

_REPL = Path(__file__).with_name("repl.py")
_CLOSE_TIMEOUT = 8.0

Event = dict[str, Any]


class KernelLike(Protocol):
    """What a session asks of its kernel.

    Events (see repl.py) and, once, `{"event": "exit", "code": n}` come on a thread of the
    kernel's own, in order.
    """

    pid: int

    def execute(self, statement: int, code: str) -> None: ...

    def cancel(self, statement: int) -> None: ...

    def close(self) -> None: ...

    def kill(self) -> None: ...

    def join(self, timeout: float) -> None: ...


class EndpointLike(Protocol):
    """What a session of SessionType SPARK_CONNECT asks of its gate; see connect_endpoint.py."""

    url: str

    @property
    def occupied(self) -> bool: ...

    def token(self) -> tuple[str, float]: ...

    def close(self) -> None: ...


class Kernel:
    """Starts at once; `on_event` gets the events of repl.py, and `exit` as the last."""

    def __init__(self, settings: KernelSettings, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._folder = settings.folder
        self._lock = threading.Lock()
        settings.folder.mkdir(parents=True, exist_ok=True)
        settings.log.parent.mkdir(parents=True, exist_ok=True)
        with settings.log.open("ab") as log:
            log.write("".join(f"local Glue: {note}\n" for note in settings.notes).encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-u", str(_REPL)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=settings.folder,
                env=settings.env,
                start_new_session=True,  # Ctrl-C in the server's terminal is not the kernel's
            )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, name=f"kernel-{self.pid}", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name=f"exit-{self.pid}", daemon=True)
        self._send(
            op="start",
            conf=settings.conf,
            argv=settings.argv,
            py_files=settings.py_files,
            path=settings.path,
            log=str(settings.log),
            connect=settings.connect,
        )
        self._reader.start()
        self._waiter.start()

    def execute(self, statement: int, code: str) -> None:
        self._send(op="execute", id=statement, code=code)

    def cancel(self, statement: int) -> None:
        self._send(op="cancel", id=statement)

    def close(self) -> None:
        """Asks the process to end; it is killed if it has not within some seconds."""
        threading.Thread(target=self._close, name=f"close-{self.pid}", daemon=True).start()

    def kill(self) -> None:
        self._process.kill()

    def join(self, timeout: float) -> None:
        self._waiter.join(timeout)

    def _close(self) -> None:
        with self._lock:
            assert self._process.stdin is not None
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended already, which is what was asked for
        try:
            self._process.wait(_CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _send(self, **request: Any) -> None:
        data = json.dumps(request).encode("ascii") + b"\n"
        with self._lock:
            stdin = self._process.stdin
            assert stdin is not None
            if stdin.closed:
                return
            try:
                stdin.write(data)
                stdin.flush()
            except BrokenPipeError:
                pass  # the process is gone: the exit event says so to the session

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._on_event(json.loads(line))

    def _wait(self) -> None:
        code = self._process.wait()
        # Its JVM, if it was killed: one that is still starting would not notice, and stay.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        # A forked child of the session's code may hold the pipe open for ever.
        self._reader.join(1.0)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._on_event({"event": "exit", "code": code})


def spark_kernels(
    local_dir: Path, server: Callable[[], ServerSettings]
) -> Callable[[str, dict[str, str], Callable[[Event], None], bool], Kernel]:
    """What `Sessions` starts kernels with, on the settings of that moment.

    Also clears what killed servers left behind.
    """
    folders = local_dir / "sessions"
    shutil.rmtree(folders, ignore_errors=True)

    def start(
        session_id: str,
        arguments: dict[str, str],
        on_event: Callable[[Event], None],
        connect: bool,
    ) -> Kernel:
        folder = folders / uuid.uuid4().hex
        settings = kernel_settings(session_id, arguments, server(), folder, connect)
        return Kernel(settings, on_event)

    return start
