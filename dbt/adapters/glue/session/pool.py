"""SessionPool: which session serves whom. It stops what it started, whatever happens."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.glue.exceptions import CatalogError, GlueError, SessionError, SessionLost
from dbt.adapters.glue.session.at_exit import close_at_exit, closed
from dbt.adapters.glue.session.entry import Ending, Entry, SessionName
from dbt.adapters.glue.session.lifecycle import (
    USABLE,
    Acquired,
    IdTaken,
    SessionLifecycle,
    is_no_to_connect,
    spare_ids,
)
from dbt.adapters.glue.session.loss import session_lost
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.ticket import copy_error
from dbt.adapters.glue.session.transport import PooledTransport, Transport
from dbt.adapters.glue.session.transports import Transports, import_connect
from dbt.adapters.glue.session.usage import RunUsage

STOP_WITHIN = 15.0  # seconds that close() may take
OF_OTHERS = (
    "The session is one that another process has made, so it is neither stopped nor replaced: give "
    "this profile another `glue_session_id`, or stop the session first."
)
LOOK_EVERY = 0.2  # seconds between two looks whether a waiting thread is still wanted
LOOK_AFTER = 30.0  # seconds without a statement, after which a session may have died unnoticed
# A session that dies of what it is asked to run would be made anew for ever, and paid for.
MOST_DEATHS = 6


class SessionPool:
    """Sessions by (spec, name), provisioned in the background. Thread-safe.

    clients: GlueClients. threads: how many dbt threads share a session. provisioning_timeout and
    poll_cap are seconds. results_location: an s3:// folder for results above inline_bytes.
    report is told what happens, warn what should not; usage, what sessions were there. on_closed
    is called when the sessions have been stopped, at an exit or by a signal too.
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
        on_closed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients = clients
        self._provisioning_timeout = provisioning_timeout
        self._transports = Transports(
            clients,
            threads=threads,
            poll_cap=poll_cap,
            results_location=results_location,
            inline_bytes=inline_bytes,
            warn=warn,
            clock=clock,
            sleep=sleep,
        )
        self._report = report
        self._warn = warn
        self._usage = usage or RunUsage(clock)
        self._on_closed = on_closed
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._closing = threading.Lock()  # a signal and the exit may both close
        self._entries: dict[tuple[SessionSpec, SessionName], Entry] = {}
        self._endings: list[Ending] = []
        self._closed = False
        self._process = os.getpid()
        close_at_exit(self)

    @property
    def closed(self) -> bool:
        """Whether its sessions are stopped, or about to be."""
        return self._closed

    def prepare(self, spec: SessionSpec, name: SessionName) -> None:
        """Starts provisioning in the background, unless that has been done; returns at once."""
        self._entry(spec, name)

    def transport(
        self, spec: SessionSpec, name: SessionName, wanted: Callable[[], bool] = lambda: True
    ) -> Transport:
        """The session's transport, once it is usable; gives up when wanted() turns False.

        A session that was lost is made anew, with what SQL had made in it, MOST_DEATHS times. One
        that could not be made stays so: every call raises the error of the first, unless
        repeating may help.
        """
        while True:
            entry = self._entry(spec, name)
            while not entry.ready.wait(LOOK_EVERY):
                if not wanted():
                    raise SessionError(
                        "Cancelled while waiting for the session.", session_id=name.id
                    )
            if isinstance(entry.error, GlueError):
                raise copy_error(entry.error, begun=False)
            if entry.error is not None:
                raise entry.error
            assert entry.transport is not None
            if self._is_there(entry, entry.transport):
                return entry.transport

    def ran(self, spec: SessionSpec, name: SessionName, sql: str) -> None:
        """SQL has run in this session: what it has made there is made again if the session dies."""
        with self._lock:
            entry = self._entries.get((spec, name))
        if entry is not None:
            entry.state.note(sql)

    def views(self, spec: SessionSpec, name: SessionName) -> dict[str, str]:
        """The SQL of the temporary views that SQL has made in this session, by their names."""
        with self._lock:
            entry = self._entries.get((spec, name))
        return {} if entry is None else entry.state.views()

    def _is_there(self, entry: Entry, transport: PooledTransport) -> bool:
        """Asks Glue after a time without statements: a statement that is sent to a session which
        has ended meanwhile may be lost, and whether it had begun, nobody knows."""
        with entry.looking:
            now = self._clock()
            quiet, entry.asked = now - entry.asked, now
            if quiet < LOOK_AFTER or transport.lost is not None:
                return True
            try:
                state = self._lifecycle(self._clients.glue).look(entry.session_id)
            except CatalogError as error:
                if not error.retryable:
                    raise
                return True  # the statement will tell
            if state.get("Status") in USABLE and state.get("CreatedOn") == entry.created_on:
                return True
            transport.lost = session_lost(
                "The session has ended while nothing ran in it.",
                entry.session_id,
                state,
                begun=False,
            )
            return False

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
            self._endings += [Ending(entry) for entry in entries]
            self._entries.clear()
        for entry in entries:
            self._settle(entry, error=_closed(entry.name))
            if entry.transport is not None:
                entry.transport.close()
        with self._closing:
            self._finish_endings()
            self._on_closed()
        closed(self)

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

    def _report_unfinished(self, entry: Entry) -> None:
        if not entry.name.shared:
            self._report(
                f"Glue session {entry.session_id}: no answer to StopSession. {_by_hand(entry)}"
            )

    def _entry(self, spec: SessionSpec, name: SessionName) -> Entry:
        with self._lock:
            if self._closed:
                raise _closed(name)
            before = self._entries.get((spec, name))
            if before is not None and not before.to_be_remade:
                return before
            entry = Entry(spec, name) if before is None else before.successor()
            self._entries[spec, name] = entry
            threading.Thread(
                target=self._provision, args=(entry, before), name=f"glue-{name.id}", daemon=True
            ).start()
            return entry

    def _provision(self, entry: Entry, before: Entry | None) -> None:
        try:
            glue = self._clients.glue
            lost = before is not None and before.lost is not None
            if before is not None and before.lost is not None:
                self._bury(before, before.lost, entry.deaths)
            if entry.spec.session_type == "spark_connect":
                # takes half a second, which is free while Glue provisions
                threading.Thread(target=import_connect, daemon=True).start()
            try:
                transport = self._started(entry, glue, entry.spec, look_first=lost)
            except GlueError as error:
                if self._closed or not (entry.spec.or_livy and is_no_to_connect(error)):
                    raise
                if entry.is_others:
                    error.hint = " ".join(filter(None, [error.hint, OF_OTHERS]))
                    raise
                self._report(f"Taking a Livy session, since Spark Connect cannot be had: {error}")
                self._lifecycle(glue).stop(entry.session_id)
                transport = self._started(entry, glue, entry.spec.livy(), look_first=True)
            self._settle(entry, transport=transport)
        except BaseException as error:  # raised to every thread that asks for the session
            self._settle(entry, error=error)

    def _bury(self, entry: Entry, lost: SessionLost, deaths: int) -> None:
        """Ends a session that was lost and may still look alive; not the one that another process
        has made in its place, nor one that others use and that answers."""
        if entry.transport is not None:
            entry.transport.close()
        lifecycle = self._lifecycle(self._clients.glue)
        state = lifecycle.look(entry.session_id)
        if state.get("CreatedOn") == entry.created_on and not self._serves_others(entry, state):
            lifecycle.stop(entry.session_id)
        if deaths > MOST_DEATHS:
            raise SessionError(
                f"The session died {deaths} times in this run, and is not made again. The last "
                f"time: {lost.message}",
                hint="Something in the run kills it, most likely for want of memory: larger "
                "`worker_type` or fewer `threads`; the statements that were lost name the models.",
                session_id=entry.session_id,
            )
        why = lost.message.partition("\n\n")[0]  # without a Java stack
        self._warn(f"Glue session {entry.session_id} was lost, and is made anew: {why}")

    def _serves_others(self, entry: Entry, state: dict[str, Any]) -> bool:
        if not entry.name.shared or entry.transport is None or state.get("Status") not in USABLE:
            return False
        return not self._transports.is_dead(entry.session_id, entry.transport.session_type)

    def _started(
        self, entry: Entry, glue: Any, spec: SessionSpec, look_first: bool
    ) -> PooledTransport:
        acquired = self._acquired(entry, glue, spec, look_first)
        self._usage.usable(
            entry.session_id, acquired.state, created=acquired.created, seconds=acquired.seconds
        )
        entry.created_on = acquired.state.get("CreatedOn")
        entry.is_others = entry.name.shared and not acquired.created
        transport = self._transports.to(entry.session_id, acquired.session_type)
        try:
            if acquired.created or acquired.session_type == "spark_connect":
                transport.start()
            entry.state.make_again(transport, self._warn)
        except BaseException:
            transport.close()
            raise
        return transport

    def _acquired(self, entry: Entry, glue: Any, spec: SessionSpec, look_first: bool) -> Acquired:
        taken: GlueError | None = None
        for session_id in spare_ids(entry.name.id):
            entry.session_id = session_id
            try:
                return self._lifecycle(glue).acquire(
                    spec,
                    session_id,
                    look_first=look_first or entry.name.shared or entry.sent,
                    sending=lambda: self._sending(entry),
                    wanted=lambda: not self._closed,
                )
            except IdTaken as error:
                taken = error
                entry.sent = False
                self._report(f"{error} Taking the next id.")
        assert taken is not None
        raise taken

    def _settle(
        self,
        entry: Entry,
        *,
        transport: PooledTransport | None = None,
        error: BaseException | None = None,
    ) -> None:
        """The first outcome counts: close() does not leave threads waiting for a slow answer."""
        with self._lock:
            if not entry.ready.is_set():
                entry.transport, entry.error = transport, error
                entry.asked = self._clock()
                entry.ready.set()

    @contextmanager
    def _sending(self, entry: Entry) -> Iterator[None]:
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

    def _begin(self, ending: Ending) -> None:
        if ending.thread is not None:
            return
        thread = threading.Thread(target=self._end, args=(ending.entry,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # Python 3.12 and later start no thread while the interpreter exits
            self._end(ending.entry)
        else:
            ending.thread = thread

    def _end(self, entry: Entry) -> None:
        try:
            if entry.name.shared:
                if entry.transport is not None:
                    entry.transport.cancel_left()
            elif entry.sent:
                # Before CreateSession has been answered, StopSession may find no session yet.
                entry.answered.wait(STOP_WITHIN)
                self._lifecycle(self._clients.glue).stop(entry.session_id)
            if entry.transport is not None:
                self._account(entry)
        except Exception as error:  # reported: the error that ended the run stays in front
            what = (
                "what ran in it could not be cancelled"
                if entry.name.shared
                else ("could not be stopped")
            )
            way = "" if entry.name.shared else f"\n{_by_hand(entry)}"
            self._report(f"Glue session {entry.session_id}: {what}: {error}{way}")

    def _account(self, entry: Entry) -> None:
        try:
            state = self._lifecycle(self._clients.glue).look(entry.session_id)
        except GlueError:
            state = {}  # then the usage says that Glue did not tell
        self._usage.left(entry.session_id, state, kept=entry.name.shared)


def _closed(name: SessionName) -> SessionError:
    return SessionError("The session pool is closed.", session_id=name.id)


def _by_hand(entry: Entry) -> str:
    return (
        f"Stop it by `dbt-glue sessions stop {entry.session_id}`; if not, it ends by itself after "
        f"{entry.spec.idle_timeout} idle minutes."
    )
