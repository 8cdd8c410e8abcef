"""Create a session or attach to one, wait until it is ready, stop it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.clients import call
from dbt.adapters.glue.exceptions import (
    AccessDenied,
    CatalogError,
    GlueError,
    ProtocolError,
    ProvisioningTimeout,
    SessionError,
    SessionFailed,
)
from dbt.adapters.glue.session.spec import REQUEST_ORIGIN, SessionSpec

# BUSY is in the service's private model only: a ready session that runs a statement.
USABLE = frozenset({"READY", "BUSY"})
ENDED = frozenset({"STOPPED", "TIMEOUT", "FAILED"})
FIRST_POLL, LAST_POLL = 0.3, 1.0
STOP_ATTEMPTS = 3
# How Glue answers a request of a kind that it does not know in this region or version.
NOT_SUPPORTED = frozenset(
    {"InvalidInputException", "ValidationException", "OperationNotSupportedException"}
    | {"UnknownOperationException"}
)


@dataclass(frozen=True)
class Acquired:
    """A usable session. created: CreateSession was ours. seconds: how long it took.

    session_type: "livy" or "spark_connect". state: GetSession's Session.
    """

    session_id: str
    created: bool
    seconds: float
    session_type: str
    state: dict[str, Any]


def poll_intervals() -> Iterator[float]:
    """Seconds to sleep between looks: 0.3 growing to 1, with jitter."""
    interval = FIRST_POLL
    while True:
        yield interval * random.uniform(0.8, 1.2)
        interval = min(interval * 1.4, LAST_POLL)


class SessionLifecycle:
    """The life of sessions, over a boto3 Glue client."""

    def __init__(
        self,
        glue: Any,
        *,
        provisioning_timeout: float,
        report: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._glue = glue
        self._timeout = provisioning_timeout
        self._report = report
        self._clock = clock
        self._sleep = sleep

    def acquire(
        self,
        spec: SessionSpec,
        session_id: str,
        *,
        look_first: bool,
        sending: Callable[[], AbstractContextManager[None]] = nullcontext,
        wanted: Callable[[], bool] = lambda: True,
    ) -> Acquired:
        """Attaches to the session if it lives, else creates it; returns when it is usable.

        look_first: someone may have made it already. A session of this id that has ended is
        deleted and made anew; one that another process creates at the same moment is attached to.
        CreateSession is called within sending(); wanted is asked between looks: False gives up.
        Errors that may pass (throttling) are waited out like the session itself.
        Raises ProvisioningTimeout, SessionFailed, SessionError, AccessDenied, CatalogError.
        """
        started = self._clock()
        created = False
        state = self.look(session_id) if look_first else {}
        for pause in poll_intervals():
            status = state.get("Status", "")
            if status in USABLE:
                return self._usable(spec, session_id, state, created, self._clock() - started)
            if created and status in ENDED:
                raise self._failed(session_id, state)
            if status in ENDED:
                self._report(f"Glue session {session_id}: {status}, making it anew")
                self._delete(session_id)
            if status in ENDED or not status:
                with sending():
                    state = self._patiently(lambda: self._create(spec, session_id))
                created = "Id" in state
                if created:
                    continue
                status = state.get("Status") or "held by another process"
            waited = self._clock() - started
            if waited >= self._timeout:
                raise self._too_late(session_id, status, waited)
            if not wanted():
                raise SessionError(f"Gave up session {session_id}.", session_id=session_id)
            self._sleep(pause)
            state = self._patiently(lambda: self.look(session_id))
        raise AssertionError("poll_intervals ends never")

    @staticmethod
    def _patiently(step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What step says of the session; only why it is unknown after an error that may pass."""
        try:
            return step()
        except CatalogError as error:
            if not error.retryable:
                raise
            return {"Status": f"unknown ({error.message})"}

    def stop(self, session_id: str) -> None:
        """Stops a session. One that does not exist or has ended is no error."""
        for attempt in range(1, STOP_ATTEMPTS + 1):
            try:
                self._stop(session_id)
                return
            except CatalogError as error:
                if not error.retryable or attempt == STOP_ATTEMPTS:
                    raise
            self._sleep(0.5)

    def _stop(self, session_id: str) -> None:
        try:
            call("StopSession", self._glue.stop_session, Id=session_id)
        except CatalogError as error:
            if error.code == "EntityNotFoundException":
                return
            if error.code in ("IllegalSessionStateException", "InvalidInputException"):
                self._stop_odd(session_id, error)
                return
            raise

    def _stop_odd(self, session_id: str, error: CatalogError) -> None:
        status = self.look(session_id).get("Status")
        if status in USABLE:
            raise error
        if status == "PROVISIONING":
            call("DeleteSession", self._glue.delete_session, Id=session_id)

    def look(self, session_id: str) -> dict[str, Any]:
        """GetSession's Session; {} when there is none of this id."""
        try:
            answer = call(
                "GetSession", self._glue.get_session, Id=session_id, RequestOrigin=REQUEST_ORIGIN
            )
        except CatalogError as error:
            if error.code == "EntityNotFoundException":
                return {}
            raise
        return answer["Session"]

    def _create(self, spec: SessionSpec, session_id: str) -> dict[str, Any]:
        """The new session; {} when one of this id is there."""
        request = spec.create_request(session_id)
        try:
            answer = call("CreateSession", self._glue.create_session, **request)
        except CatalogError as error:
            if error.code == "AlreadyExistsException":
                return {}
            if error.code in ("ResourceNumberLimitExceededException", "InvalidInputException"):
                raise SessionFailed(
                    error.message, session_id=session_id, operation="CreateSession", code=error.code
                ) from error
            raise
        self._report(f"Glue session {session_id}: asked for {spec.describe()}")
        return {"Id": session_id, "Status": "PROVISIONING", **answer.get("Session", {})}

    def _delete(self, session_id: str) -> None:
        try:
            call("DeleteSession", self._glue.delete_session, Id=session_id)
        except CatalogError as error:
            # Another process may have deleted, or even remade it since: the next look tells.
            if error.code not in (
                "EntityNotFoundException",
                "IllegalSessionStateException",
                "InvalidInputException",
                "ConcurrentModificationException",
            ):
                raise

    def _usable(
        self, spec: SessionSpec, session_id: str, state: dict, created: bool, seconds: float
    ) -> Acquired:
        kind = spec.session_type if created else state.get("SessionType", "LIVY").lower()
        if kind != spec.session_type and not (spec.or_livy and kind == "livy"):
            raise SessionError(
                f"The session {session_id} is of type {kind.upper()}, and {spec.session_type} is "
                "needed.",
                hint="Give it another `glue_session_id`, or stop it first.",
                session_id=session_id,
            )
        if created:
            self._report(f"Glue session {session_id}: ready after {seconds:.1f} s")
        else:
            self._report(f"Glue session {session_id}: attached{_differences(spec, state)}")
        return Acquired(session_id, created, seconds, kind, state)

    def _failed(self, session_id: str, state: dict[str, Any]) -> GlueError:
        message = state.get("ErrorMessage") or "Glue gave no reason."
        return SessionFailed(
            f"{message}\nThe session became {state['Status']} while it started.",
            session_id=session_id,
            code=state["Status"],
        )

    def _too_late(self, session_id: str, status: str, waited: float) -> GlueError:
        return ProvisioningTimeout(
            f"The session is {status} after {waited:.0f} s.",
            session_id=session_id,
            hint="Raise `session_provisioning_timeout_in_seconds`; fewer `workers` and common "
            "worker types start faster, `--additional-python-modules` makes starts slower.",
        )


def is_no_to_connect(error: GlueError) -> bool:
    """Whether the session could not be had because it was to be one of Spark Connect: refused by
    Glue, its endpoint forbidden to the caller, or not to be reached from here."""
    code, operation = error.context.get("code"), error.context.get("operation")
    if operation == "CreateSession":
        return code in NOT_SUPPORTED
    if operation == "GetSessionEndpoint":
        return isinstance(error, AccessDenied) or code in NOT_SUPPORTED
    return isinstance(error, ProtocolError) or code == "UNAVAILABLE"


def _differences(spec: SessionSpec, state: dict[str, Any]) -> str:
    asked = {
        "GlueVersion": spec.glue_version,
        "WorkerType": spec.worker_type,
        "NumberOfWorkers": spec.workers,
    }
    differ = [
        f"{key} {state[key]} (the profile asks for {value})"
        for key, value in asked.items()
        if value is not None and key in state and state[key] != value
    ]
    return f"; it has {', '.join(differ)}" if differ else ""
