"""Interactive sessions: their states, clocks and kernels.

PROVISIONING ─→ READY ─→ STOPPING ─→ STOPPED
      │           ├────→ TIMEOUT
      └───────────┴────→ FAILED
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    IllegalSessionStateException,
    InvalidInputException,
)
from .kernel import EndpointLike, Event, KernelLike
from .knobs import Knobs
from .session_request import SessionRequest, check
from .statements import Statement, StatementQueue

log = logging.getLogger(__name__)

# (session id, DefaultArguments, on_event, Spark Connect?) -> a started kernel; may take seconds.
StartKernel = Callable[[str, dict[str, str], Callable[[Event], None], bool], KernelLike]
# (session, port of its Spark Connect server) -> the gate before it
OpenEndpoint = Callable[["Session", int], EndpointLike]

UNAVAILABLE = "Session unavailable, fail to call ReplServer"
_TICK = 0.5
_CLOSE_TIMEOUT = 10.0

_TRANSITIONS = {
    "PROVISIONING": {"READY", "STOPPING", "TIMEOUT", "FAILED"},
    "READY": {"STOPPING", "TIMEOUT", "FAILED"},
    "STOPPING": {"STOPPED"},
}


class Session:
    """One session. Every public method may be called from any thread."""

    def __init__(
        self,
        request: SessionRequest,
        knobs: Knobs,
        start_kernel: StartKernel,
        clock: Callable[[], float],
        open_endpoint: OpenEndpoint | None,
    ) -> None:
        self.request = request
        self.status = "PROVISIONING"
        self._knobs = knobs
        self._start_kernel = start_kernel
        self._clock = clock
        self._lock = threading.RLock()
        self._error: str | None = None
        self._created = self._last_used = clock()
        self._completed: float | None = None
        self._kernel: KernelLike | None = None
        self._kernel_ready = False
        self._kernel_lost = False
        self._open_endpoint = open_endpoint
        self._endpoint: EndpointLike | None = None
        self._plans = 0
        self._statements = StatementQueue(
            lambda statement, code: self._running_kernel().execute(statement, code),
            lambda statement: self._running_kernel().cancel(statement),
            clock,
            lambda: knobs.output_cap,
        )
        self._starter = threading.Thread(
            target=self._provision, name=f"provision-{request.id}", daemon=True
        )
        self._starter.start()

    @property
    def ended(self) -> bool:
        return self.status not in _TRANSITIONS

    def tick(self) -> None:
        """Moves the session on as far as the clock asks for."""
        with self._lock:
            now = self._clock()
            if self.status == "PROVISIONING" and self._kernel_ready:
                if now - self._created >= self._knobs.provisioning_delay:
                    self._move("READY")
                    self._last_used = now
            self._statements.tick()
            if self._occupied():
                self._last_used = now
            minute, unused = self._knobs.minute, now - self._last_used
            idle = self.status == "READY" and unused >= self.request.idle_timeout * minute
            if not self.ended and self.status != "STOPPING":
                if idle or now - self._created >= self.request.timeout * minute:
                    self._end("TIMEOUT")

    def to_api(self) -> dict[str, Any]:
        """Glue's `Session`."""
        with self._lock:
            self.tick()
            seconds = (self._completed or self._clock()) - self._created
            status = self.status
            if self._knobs.busy and status == "READY" and self._occupied():
                status = "BUSY"
            answer = {
                "Id": self.request.id,
                "CreatedOn": self._created,
                "Status": status,
                "Progress": 0.0 if status == "PROVISIONING" else 1.0,
                "IdleTimeout": self.request.idle_timeout,
                "ExecutionTime": seconds,
                "DPUSeconds": seconds * self.request.max_capacity,
                **self.request.echoed,
            }
            if self._error is not None:
                answer["ErrorMessage"] = self._error
            if self._completed is not None:
                answer["CompletedOn"] = self._completed
            return answer

    def tags(self) -> dict[str, str]:
        with self._lock:
            return dict(self.request.tags)

    def tag(self, tags: dict[str, str]) -> None:
        with self._lock:
            self.request.tags.update(tags)

    def untag(self, keys: list[str]) -> None:
        with self._lock:
            for key in keys:
                self.request.tags.pop(key, None)

    def stop(self) -> None:
        """Raises IllegalSessionStateException when the session is over or stopping already."""
        with self._lock:
            self.tick()
            if self.ended or self.status == "STOPPING":
                raise IllegalSessionStateException(
                    f"Session {self.request.id} is in {self.status} status and cannot be stopped"
                )
            self._end("STOPPING")

    def run(self, code: str) -> int:
        """Queues a statement and returns its id."""
        with self._lock:
            self._require_usable()
            self._last_used = self._clock()
            return self._statements.submit(code).id

    def statement(self, statement_id: int) -> dict[str, Any]:
        with self._lock:
            self._require_usable()
            return self._statements.get(statement_id).to_api()

    def statements(self) -> list[Statement]:
        with self._lock:
            self._require_usable()
            return self._statements.all()

    def cancel(self, statement_id: int) -> None:
        with self._lock:
            self._require_usable()
            self._statements.cancel(statement_id)

    def endpoint(self) -> tuple[str, str, float]:
        """(URL, token, when the token expires) of a session that serves Spark Connect."""
        with self._lock:
            self._require_usable()
            assert self._endpoint is not None
            return (self._endpoint.url, *self._endpoint.token())

    def plan_ended(self) -> None:
        """Spark Connect has run a plan; told on a thread of its own."""
        with self._lock:
            self._last_used = self._clock()
            self._plans += 1
            if self.status == "READY":
                self._die_if_asked()

    def shut_down(self) -> None:
        """Asks the kernel to end, in whatever state the session is."""
        with self._lock:
            if not self.ended and self.status != "STOPPING":
                self._end("STOPPING")

    def join(self, timeout: float) -> None:
        self._starter.join(timeout)
        if self._kernel is not None:
            self._kernel.join(timeout)

    def on_event(self, event: Event) -> None:
        """Takes the events of the kernel, on the kernel's thread."""
        with self._lock:
            kind = event["event"]
            if kind == "exit":
                self._on_exit(event["code"])
            elif self.status not in ("PROVISIONING", "READY"):
                return
            elif kind == "ready":
                self._on_ready(event)
            elif kind == "failed":
                self._fail(event["message"])
            elif kind == "progress":
                self._statements.on_progress(event["id"], event["progress"])
            elif kind == "result":
                self._last_used = self._clock()
                self._statements.on_result(event)
                self._die_if_asked()

    def _provision(self) -> None:
        try:
            kernel = self._start_kernel(
                self.request.id, self.request.arguments, self.on_event, self.request.connect
            )
        except Exception as error:  # the session's ErrorMessage
            log.exception("session %s did not start", self.request.id)
            with self._lock:
                if self.status == "PROVISIONING":
                    self._fail(str(error))
                elif self.status == "STOPPING":
                    self._move("STOPPED")
            return
        with self._lock:
            self._kernel = kernel
            if self.status != "PROVISIONING":  # stopped meanwhile
                kernel.close()

    def _on_ready(self, event: Event) -> None:
        if self.request.connect:
            assert self._open_endpoint is not None
            try:
                self._endpoint = self._open_endpoint(self, event["port"])
            except Exception as error:  # the session's ErrorMessage
                log.exception("session %s: no Spark Connect endpoint", self.request.id)
                self._fail(f"Session failed to start: {error!r}")
                return
        self._kernel_ready = True
        self.tick()

    def _on_exit(self, code: int) -> None:
        if self.status == "STOPPING":
            self._move("STOPPED")
        elif self.status == "PROVISIONING":
            self._fail(f"Session failed to start: its process ended with code {code}")
        elif self.status == "READY":
            self._kernel_lost = True
            self._fail(f"{UNAVAILABLE} (its process ended with code {code})")

    def _occupied(self) -> bool:
        busy = self._endpoint is not None and self._endpoint.occupied
        return busy or self._statements.occupied

    def _running_kernel(self) -> KernelLike:
        if self._kernel is None:
            raise AssertionError("a statement ran before there was a kernel")
        return self._kernel

    def _require_usable(self) -> None:
        self.tick()
        if self.status == "READY" and self._kernel is not None:
            return
        if self.status == "TIMEOUT":
            raise InvalidInputException(f"Session {self.request.id} is in TIMEOUT status")
        if self.status == "FAILED" and self._kernel_lost:
            raise IllegalSessionStateException(UNAVAILABLE)
        raise IllegalSessionStateException(
            f"Session {self.request.id} is in {self.status} status, not READY"
        )

    def _fail(self, message: str) -> None:
        self._error = message
        self._end("FAILED", running="ERROR")

    def _end(self, status: str, running: str = "CANCELLED") -> None:
        self._move(status)
        self._statements.end_all(running)
        if self._endpoint is not None:
            self._endpoint.close()
        if self._kernel is not None and not self._kernel_lost:
            self._kernel.close()

    def _move(self, status: str) -> None:
        if status not in _TRANSITIONS.get(self.status, ()):
            raise AssertionError(f"session {self.request.id}: {self.status} cannot be {status}")
        self.status = status
        if self.ended:
            self._completed = self._clock()

    def _die_if_asked(self) -> None:
        limit = self._knobs.session_death_after
        if limit is not None and self._statements.finished + self._plans >= limit:
            self._running_kernel().kill()


class Sessions:
    """All sessions of a server, by Id; an Id stays taken until DeleteSession.

    `on_text` sees the code and the arguments before they run (S3 buckets come into being when
    they are named). `open_endpoint` serves SPARK_CONNECT. Without `clock` a thread keeps the
    clocks; with one, `tick` is the test's.
    """

    def __init__(
        self,
        knobs: Knobs,
        start_kernel: StartKernel,
        on_text: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] | None = None,
        open_endpoint: OpenEndpoint | None = None,
    ) -> None:
        self._knobs = knobs
        self._start_kernel = start_kernel
        self._on_text = on_text
        self._open_endpoint = open_endpoint
        self._clock = clock or time.time
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._deleted: list[Session] = []
        self._closed = threading.Event()
        if clock is None:
            threading.Thread(target=self._keep_time, name="session-clock", daemon=True).start()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateSession's request -> `Session`. Raises AlreadyExistsException and what
        `session_request.check` raises."""
        checked = check(request)
        self._on_text("\n".join(checked.arguments.values()))
        with self._lock:
            if self._closed.is_set():
                raise IllegalSessionStateException("local Glue is shutting down")
            if checked.id in self._sessions:
                raise AlreadyExistsException(f"Session {checked.id} already exists")
            session = Session(
                checked, self._knobs, self._start_kernel, self._clock, self._open_endpoint
            )
            self._sessions[checked.id] = session
        return session.to_api()

    def find(self, session_id: str) -> Session:
        """Raises EntityNotFoundException."""
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None:
            raise EntityNotFoundException(f"Session {session_id} not found")
        return session

    def tagged(self, tags: dict[str, str]) -> list[Session]:
        """The sessions that carry all of `tags`, oldest first."""
        with self._lock:
            sessions = list(self._sessions.values())
        return [s for s in sessions if tags.items() <= s.tags().items()]

    def run(self, session_id: str, code: str) -> int:
        session = self.find(session_id)
        self._on_text(code)
        return session.run(code)

    def delete(self, session_id: str) -> None:
        """Raises IllegalSessionStateException unless the session is over."""
        session = self.find(session_id)
        session.tick()
        if not session.ended:
            raise IllegalSessionStateException(
                f"Session {session_id} is in {session.status} status and cannot be deleted"
            )
        with self._lock:
            if self._sessions.get(session_id) is session:
                del self._sessions[session_id]
                self._deleted.append(session)

    def active(self) -> int:
        """How many sessions are not over."""
        return sum(not session.ended for session in self.tagged({}))

    def tick(self) -> None:
        for session in self.tagged({}):
            session.tick()

    def close(self) -> None:
        """Ends every kernel and waits for them, at most some seconds."""
        with self._lock:
            self._closed.set()
            sessions = [*self._sessions.values(), *self._deleted]
        for session in sessions:
            session.shut_down()
        deadline = time.monotonic() + _CLOSE_TIMEOUT
        for session in sessions:
            session.join(max(0.0, deadline - time.monotonic()))

    def _keep_time(self) -> None:
        while not self._closed.wait(_TICK):
            self.tick()
