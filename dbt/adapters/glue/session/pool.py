"""SessionPool: which session serves whom. It stops what it started, whatever happens."""

import atexit
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any

from dbt.adapters.glue.exceptions import GlueError, SessionError
from dbt.adapters.glue.session.lifecycle import Acquired, SessionLifecycle, is_no_to_connect
from dbt.adapters.glue.session.livy import LivyTransport
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.ticket import copy_error
from dbt.adapters.glue.session.transport import PooledTransport, Transport
from dbt.adapters.glue.session.usage import RunUsage

STOP_WITHIN = 15.0  # seconds that close() may take
# numpy sets these while it is imported and takes them back, under the feet of other threads that
# read the environment (numpy/core/__init__.py); what is there already it leaves alone.
SET_BY_NUMPY = ("OPENBLAS_MAIN_FREE", "GOTOBLAS_MAIN_FREE")
LOOK_EVERY = 0.2  # seconds between two looks whether a waiting thread is still wanted


@dataclass(frozen=True)
class SessionName:
    """id: the Glue session's Id. shared: attach if it exists, leave it running at close."""

    id: str
    shared: bool


@dataclass(eq=False)
class _Entry:
    spec: SessionSpec
    name: SessionName
    ready: threading.Event = field(default_factory=threading.Event)
    transport: PooledTransport | None = None
    error: BaseException | None = None
    sent: bool = False  # CreateSession was sent, so the session may exist and be ours
    answered: threading.Event = field(default_factory=threading.Event)  # … and is not under way

    def __post_init__(self) -> None:
        self.answered.set()


@dataclass(eq=False)
class _Ending:
    """What close() has to end; it stays in the pool until that is done or reported."""

    entry: _Entry
    thread: threading.Thread | None = None


class SessionPool:
    """Sessions by (spec, name), provisioned in the background. Thread-safe.

    clients: GlueClients. threads: how many dbt threads share a session. provisioning_timeout and
    poll_cap are seconds. results_location: an s3:// folder for results above inline_bytes.
    report is told what happens, warn what should not; usage, what sessions were there.
    """

    def __init__(
        self,
        clients: Any,
        *,
        threads: int,
        provisioning_timeout: float,
        poll_cap: float = 1.0,
        results_location: str | None = None,
        inline_bytes: int = 256 * 1024,
        report: Callable[[str], None] = print,
        warn: Callable[[str], None] = print,
        usage: RunUsage | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients = clients
        self._threads = threads
        self._provisioning_timeout = provisioning_timeout
        self._poll_cap = poll_cap
        self._results_location = results_location
        self._inline_bytes = inline_bytes
        self._report = report
        self._warn = warn
        self._usage = usage or RunUsage(clock)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._closing = threading.Lock()  # a signal and the exit may both close
        self._entries: dict[tuple[SessionSpec, SessionName], _Entry] = {}
        self._endings: list[_Ending] = []
        self._closed = False
        self._process = os.getpid()
        _at_exit(self)

    def prepare(self, spec: SessionSpec, name: SessionName) -> None:
        """Starts provisioning in the background, unless that has been done; returns at once."""
        self._entry(spec, name)

    def transport(
        self, spec: SessionSpec, name: SessionName, wanted: Callable[[], bool] = lambda: True
    ) -> Transport:
        """The session's transport, once it is usable; gives up when wanted() turns False.

        A session that was lost is made anew. One that could not be made stays so: every call
        raises the error of the first, unless repeating may help.
        """
        entry = self._entry(spec, name)
        while not entry.ready.wait(LOOK_EVERY):
            if not wanted():
                raise SessionError(
                    "Cancelled while waiting for the session.", session_id=entry.name.id
                )
        if entry.error is not None:
            if isinstance(entry.error, GlueError):
                raise copy_error(entry.error)
            raise entry.error
        assert entry.transport is not None
        return entry.transport

    def close(self) -> None:
        """Stops what this pool created and does not share, within STOP_WITHIN seconds.

        In a shared session it cancels what is still running. Idempotent; after an interrupt the
        next call goes on. What could not be stopped is reported with the way to stop it; nothing
        is raised, so that the error that ended the run stays in front. In a forked child it does
        nothing: the sessions are the parent's.
        """
        if os.getpid() != self._process:
            return
        with self._lock:
            self._closed = True
            entries = list(self._entries.values())
            self._endings += [_Ending(entry) for entry in entries]
            self._entries.clear()
        for entry in entries:
            self._settle(entry, error=_closed(entry.name))
            if entry.transport is not None:
                entry.transport.close()
        with self._closing:
            self._finish_endings()
        _open_pools.discard(self)

    def _finish_endings(self) -> None:
        for ending in self._endings:
            self._begin(ending)
        deadline = time.monotonic() + STOP_WITHIN
        for ending in list(self._endings):
            if ending.thread is not None:
                ending.thread.join(max(0.0, deadline - time.monotonic()))
                if ending.thread.is_alive():
                    self._report_unfinished(ending.entry)
            self._endings.remove(ending)

    def report_unfinished(self) -> None:
        """Says what a close() that was interrupted has not ended."""
        for ending in self._endings:
            self._report_unfinished(ending.entry)

    def _report_unfinished(self, entry: _Entry) -> None:
        if not entry.name.shared:
            self._report(
                f"Glue session {entry.name.id}: no answer to StopSession. {_by_hand(entry)}"
            )

    def _entry(self, spec: SessionSpec, name: SessionName) -> _Entry:
        with self._lock:
            if self._closed:
                raise _closed(name)
            entry = self._entries.get((spec, name))
            if entry is None or _to_be_remade(entry):
                lost = entry is not None and entry.transport is not None
                sent = entry is not None and entry.sent
                entry = self._entries[spec, name] = _Entry(spec, name, sent=sent)
                threading.Thread(
                    target=self._provision, args=(entry, lost), name=f"glue-{name.id}", daemon=True
                ).start()
            return entry

    def _provision(self, entry: _Entry, lost: bool) -> None:
        """lost: the session of this name died under us, and may still look alive."""
        try:
            glue = self._clients.glue
            if lost:
                self._lifecycle(glue).stop(entry.name.id)
            if entry.spec.session_type == "spark_connect":
                # takes half a second, which is free while Glue provisions
                threading.Thread(target=_import_connect, daemon=True).start()
            try:
                transport = self._started(entry, glue, entry.spec, look_first=lost)
            except GlueError as error:
                if self._closed or not (entry.spec.or_livy and is_no_to_connect(error)):
                    raise
                self._report(f"Taking a Livy session, since Spark Connect cannot be had: {error}")
                self._lifecycle(glue).stop(entry.name.id)
                transport = self._started(entry, glue, entry.spec.livy(), look_first=True)
            self._settle(entry, transport=transport)
        except BaseException as error:  # raised to every thread that asks for the session
            self._settle(entry, error=error)

    def _started(
        self, entry: _Entry, glue: Any, spec: SessionSpec, look_first: bool
    ) -> PooledTransport:
        acquired = self._lifecycle(glue).acquire(
            spec,
            entry.name.id,
            look_first=look_first or entry.name.shared or entry.sent,
            sending=lambda: self._sending(entry),
            wanted=lambda: not self._closed,
        )
        self._usage.usable(
            entry.name.id, acquired.state, created=acquired.created, seconds=acquired.seconds
        )
        transport = self._transport(entry, glue, acquired)
        if acquired.created or acquired.session_type == "spark_connect":
            transport.start()
        return transport

    def _transport(self, entry: _Entry, glue: Any, acquired: Acquired) -> PooledTransport:
        if acquired.session_type == "spark_connect":
            connect = _import_connect()
            return connect.ConnectTransport(
                glue, entry.name.id, clock=self._clock, sleep=self._sleep
            )
        return LivyTransport(
            glue,
            entry.name.id,
            threads=self._threads,
            poll_cap=self._poll_cap,
            s3=lambda: self._clients.s3,
            results_location=self._results_location,
            inline_bytes=self._inline_bytes,
            warn=self._warn,
            clock=self._clock,
            sleep=self._sleep,
        )

    def _settle(
        self,
        entry: _Entry,
        *,
        transport: PooledTransport | None = None,
        error: BaseException | None = None,
    ) -> None:
        """The first outcome counts: close() does not leave threads waiting for a slow answer."""
        with self._lock:
            if not entry.ready.is_set():
                entry.transport, entry.error = transport, error
                entry.ready.set()

    @contextmanager
    def _sending(self, entry: _Entry) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise _closed(entry.name)
            entry.sent = True
            entry.answered.clear()
        try:
            yield
        finally:
            entry.answered.set()

    def _lifecycle(self, glue: Any) -> SessionLifecycle:
        return SessionLifecycle(
            glue,
            provisioning_timeout=self._provisioning_timeout,
            report=self._report,
            clock=self._clock,
            sleep=self._sleep,
        )

    def _begin(self, ending: _Ending) -> None:
        if ending.thread is not None:
            return
        thread = threading.Thread(target=self._end, args=(ending.entry,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # Python 3.12 and later start no thread while the interpreter exits
            self._end(ending.entry)
        else:
            ending.thread = thread

    def _end(self, entry: _Entry) -> None:
        try:
            if entry.name.shared:
                if entry.transport is not None:
                    entry.transport.cancel_left()
            elif entry.sent:
                # Before CreateSession has been answered, StopSession may find no session yet.
                entry.answered.wait(STOP_WITHIN)
                self._lifecycle(self._clients.glue).stop(entry.name.id)
            if entry.transport is not None:
                self._account(entry)
        except Exception as error:  # reported: the error that ended the run stays in front
            what = (
                "what ran in it could not be cancelled"
                if entry.name.shared
                else ("could not be stopped")
            )
            way = "" if entry.name.shared else f"\n{_by_hand(entry)}"
            self._report(f"Glue session {entry.name.id}: {what}: {error}{way}")

    def _account(self, entry: _Entry) -> None:
        try:
            state = self._lifecycle(self._clients.glue).look(entry.name.id)
        except GlueError:
            state = {}  # then the usage says that Glue did not tell
        self._usage.left(entry.name.id, state, kept=entry.name.shared)


def _import_connect() -> ModuleType:
    """session/connect.py, which needs libraries that an installation may lack."""
    for name in SET_BY_NUMPY:
        os.environ.setdefault(name, "1")
    # gRPC's core writes to the terminal otherwise that a server said goodbye.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    return importlib.import_module("dbt.adapters.glue.session.connect")


def _closed(name: SessionName) -> SessionError:
    return SessionError("The session pool is closed.", session_id=name.id)


def _to_be_remade(entry: _Entry) -> bool:
    if not entry.ready.is_set():
        return False
    if entry.transport is not None:
        return entry.transport.lost is not None
    return isinstance(entry.error, GlueError) and entry.error.retryable


def _by_hand(entry: _Entry) -> str:
    return (
        f"Stop it by `dbt-glue sessions stop {entry.name.id}`; if not, it ends by itself after "
        f"{entry.spec.idle_timeout} idle minutes."
    )


_open_pools: set[SessionPool] = set()


def _close_all() -> None:
    for pool in list(_open_pools):
        try:
            pool.close()
        except KeyboardInterrupt:
            pool.report_unfinished()
            raise


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Stops the sessions, then dies as the signal asks.

    In a thread, since the interrupted code may hold a lock that is needed: it is unwound then,
    and the sessions are stopped at exit.
    """
    signal.signal(number, signal.SIG_DFL)
    closing = threading.Thread(target=_close_all, daemon=True)
    closing.start()
    closing.join(STOP_WITHIN + 1)
    if closing.is_alive():
        raise SystemExit(128 + number)
    os.kill(os.getpid(), number)


def _at_exit(pool: SessionPool) -> None:
    if not _open_pools:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _open_pools.add(pool)
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Only where nobody handles the signal: the host program's own handler goes first.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)
