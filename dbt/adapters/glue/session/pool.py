"""SessionPool: which session serves whom. It stops what it started, whatever happens."""

import atexit
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from dbt.adapters.glue.exceptions import GlueError, SessionError
from dbt.adapters.glue.session.lifecycle import SessionLifecycle
from dbt.adapters.glue.session.livy import LivyTransport
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.ticket import copy_error
from dbt.adapters.glue.session.transport import PooledTransport, Transport

STOP_WITHIN = 15.0  # seconds that close() may take


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


class SessionPool:
    """Sessions by (spec, name), provisioned in the background. Thread-safe.

    clients: GlueClients. threads: how many dbt threads share a session. provisioning_timeout and
    poll_cap are seconds. results_location: an s3:// folder for results above inline_bytes.
    report is told what happens, warn what should not.
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
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._entries: dict[tuple[SessionSpec, SessionName], _Entry] = {}
        self._closed = False
        _at_exit(self)

    def prepare(self, spec: SessionSpec, name: SessionName) -> None:
        """Starts provisioning in the background, unless that has been done; returns at once."""
        self._entry(spec, name)

    def transport(self, spec: SessionSpec, name: SessionName) -> Transport:
        """The session's transport, once it is usable.

        A session that was lost is made anew. One that could not be made stays so: every call
        raises the error of the first, unless repeating may help.
        """
        entry = self._entry(spec, name)
        entry.ready.wait()
        if entry.error is not None:
            if isinstance(entry.error, GlueError):
                raise copy_error(entry.error)
            raise entry.error
        assert entry.transport is not None
        return entry.transport

    def close(self) -> None:
        """Stops what this pool created and does not share, within STOP_WITHIN seconds.

        Idempotent. What could not be stopped is reported with the way to stop it; nothing is
        raised, so that the error that ended the run stays in front.
        """
        with self._lock:
            self._closed = True
            entries = list(self._entries.values())
            self._entries.clear()
        for entry in entries:
            if entry.transport is not None:
                entry.transport.close()
        ours = [entry for entry in entries if entry.sent and not entry.name.shared]
        stops = [threading.Thread(target=self._stop, args=(e,), daemon=True) for e in ours]
        for stop in stops:
            stop.start()
        deadline = time.monotonic() + STOP_WITHIN
        for stop, entry in zip(stops, ours, strict=True):
            stop.join(max(0.0, deadline - time.monotonic()))
            if stop.is_alive():
                self._report(
                    f"Glue session {entry.name.id}: no answer to StopSession. {_by_hand(entry)}"
                )

    def _entry(self, spec: SessionSpec, name: SessionName) -> _Entry:
        with self._lock:
            if self._closed:
                raise SessionError("The session pool is closed.", session_id=name.id)
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
            lifecycle = self._lifecycle(glue)
            if lost:
                lifecycle.stop(entry.name.id)
            acquired = lifecycle.acquire(
                entry.spec,
                entry.name.id,
                look_first=lost or entry.name.shared or entry.sent,
                sending=lambda: self._sending(entry),
                wanted=lambda: not self._closed,
            )
            entry.transport = self._started(entry, glue, acquired.created)
        except BaseException as error:
            entry.error = error
        finally:
            entry.ready.set()

    def _started(self, entry: _Entry, glue: Any, created: bool) -> PooledTransport:
        if entry.spec.session_type == "spark_connect":
            from dbt.adapters.glue.session.connect import ConnectTransport

            connect = ConnectTransport(glue, entry.name.id, clock=self._clock, sleep=self._sleep)
            connect.start()
            return connect
        livy = LivyTransport(
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
        if created:
            livy.start()
        return livy

    def _sending(self, entry: _Entry) -> None:
        with self._lock:
            if self._closed:
                raise SessionError("The session pool is closed.", session_id=entry.name.id)
            entry.sent = True

    def _lifecycle(self, glue: Any) -> SessionLifecycle:
        return SessionLifecycle(
            glue,
            provisioning_timeout=self._provisioning_timeout,
            report=self._report,
            clock=self._clock,
            sleep=self._sleep,
        )

    def _stop(self, entry: _Entry) -> None:
        try:
            self._lifecycle(self._clients.glue).stop(entry.name.id)
        except Exception as error:
            self._report(
                f"Glue session {entry.name.id}: could not be stopped: {error}\n{_by_hand(entry)}"
            )


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


_open_pools: "weakref.WeakSet[SessionPool]" = weakref.WeakSet()


def _close_all() -> None:
    for pool in list(_open_pools):
        pool.close()


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    """Stops the sessions, then dies as the signal asks."""
    signal.signal(number, signal.SIG_DFL)
    _close_all()
    os.kill(os.getpid(), number)


def _at_exit(pool: SessionPool) -> None:
    if not _open_pools:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _open_pools.add(pool)
    # Only where nobody handles the signal: the host program's own handler goes first.
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _on_sigterm)
