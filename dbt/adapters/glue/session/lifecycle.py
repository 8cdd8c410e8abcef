"""Create a session or attach to one, wait until it is ready, stop it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
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
from dbt.adapters.glue.retries import Budget, unreadable
from dbt.adapters.glue.session.spec import OWNER_TAG, REQUEST_ORIGIN, SessionSpec

# BUSY is in the service's private model only: a ready session that runs a statement.
USABLE = frozenset({"READY", "BUSY"})
ENDED = frozenset({"STOPPED", "TIMEOUT", "FAILED"})
FIRST_POLL, LAST_POLL = 0.3, 1.0
SPARE_IDS = 30
MAX_ID_LENGTH = 255  # Session Id of CreateSession
STOP_FOR = 10.0  # seconds for which StopSession, or a look that nothing waits for, is tried again
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
    state: dict[str, Any] = field(repr=False)


class IdTaken(SessionError):
    """Told to the pool, which takes another id: a session that has ended keeps this one."""


def spare_ids(session_id: str) -> Iterator[str]:
    """The id, and those that stand in for it; the same ones in every process."""
    yield session_id
    for number in range(2, 2 + SPARE_IDS):
        yield f"{session_id[: MAX_ID_LENGTH - 5]}__{number}"


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
        deleted and made anew, or IdTaken raised where it may not be, or is not dbt-glue's; one that
        another process creates at the same moment is attached to.
        CreateSession is called within sending(); wanted is asked before each call: False gives up.
        Calls are repeated as long as there is time for the session itself.
        Raises ProvisioningTimeout, SessionFailed, SessionError, AccessDenied, CatalogError.
        """
        started = self._clock()

        def patience() -> Budget:
            left = self._timeout - (self._clock() - started)
            return Budget(None, max(left, 0.0), self._clock, self._sleep)

        try:
            return self._acquired(spec, session_id, look_first, sending, wanted, patience)
        except CatalogError as error:
            error.retryable = False  # there was no more time: whoever asks next need not wait too
            raise

    def _acquired(
        self,
        spec: SessionSpec,
        session_id: str,
        look_first: bool,
        sending: Callable[[], AbstractContextManager[None]],
        wanted: Callable[[], bool],
        patience: Callable[[], Budget],
    ) -> Acquired:
        started = self._clock()
        created = False
        state = self._look(session_id, patience(), wanted) if look_first else {}
        for pause in poll_intervals():
            status = state.get("Status", "")
            if status in USABLE:
                return self._usable(spec, session_id, state, created, self._clock() - started)
            if created and status in ENDED:
                raise self._failed(session_id, state)
            if status in ENDED:
                self._delete(session_id, state)
                self._report(f"Glue session {session_id}: {status}, making it anew")
            if status in ENDED or not status:
                state = self._create(
                    spec, session_id, patience(), sending, wanted, own=not look_first
                )
                created = "Id" in state
                if created:
                    continue
                status = "held by another process"
            waited = self._clock() - started
            if waited >= self._timeout:
                raise self._too_late(session_id, status, waited)
            self._sleep(pause)
            state = self._look(session_id, patience(), wanted)
        raise AssertionError("poll_intervals ends never")

    def stop(self, session_id: str) -> None:
        """Stops a session. One that does not exist or has ended is no error."""
        budget = Budget(None, STOP_FOR, self._clock, self._sleep)
        try:
            call("StopSession", self._glue.stop_session, budget=budget, Id=session_id)
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
        briefly = Budget(None, STOP_FOR, self._clock, self._sleep)
        return self._look(session_id, briefly, lambda: True)

    def _look(self, session_id: str, budget: Budget, wanted: Callable[[], bool]) -> dict[str, Any]:
        def get_session(**request: Any) -> Any:
            _check_wanted(session_id, wanted)
            answer = self._glue.get_session(**request)
            if "Status" not in answer.get("Session", {"Status": None}):
                raise unreadable("GetSession", "the Session has no Status")
            return answer

        try:
            answer = call(
                "GetSession",
                get_session,
                budget=budget,
                Id=session_id,
                RequestOrigin=REQUEST_ORIGIN,
            )
        except CatalogError as error:
            if error.code == "EntityNotFoundException":
                return {}
            raise
        return answer["Session"]

    def _create(
        self,
        spec: SessionSpec,
        session_id: str,
        budget: Budget,
        sending: Callable[[], AbstractContextManager[None]],
        wanted: Callable[[], bool],
        own: bool,
    ) -> dict[str, Any]:
        """The new session; {} when one of this id is there. own: no other process makes one."""

        def create_session(**request: Any) -> Any:
            _check_wanted(session_id, wanted)
            with sending():
                return self._glue.create_session(**request)

        request = spec.create_request(session_id)
        try:
            answer = call("CreateSession", create_session, budget=budget, **request)
        except CatalogError as error:
            if error.code == "AlreadyExistsException":
                # Who had no reason to look for one has made it: the answer to that was lost.
                return {"Id": session_id, "Status": "PROVISIONING"} if own and error.unsure else {}
            if error.code in ("ResourceNumberLimitExceededException", "InvalidInputException"):
                raise SessionFailed(
                    error.message, session_id=session_id, operation="CreateSession", code=error.code
                ) from error
            error.add_context(session_id=session_id)
            raise
        self._report(f"Glue session {session_id}: asked for {spec.describe()}")
        return {"Id": session_id, "Status": "PROVISIONING", **answer["Session"]}

    def _delete(self, session_id: str, state: dict[str, Any]) -> None:
        if not self._may_be_ours(session_id, state):
            raise IdTaken(f"The session {session_id} has ended, and is not dbt-glue's to delete.")
        try:
            call("DeleteSession", self._glue.delete_session, Id=session_id)
        except AccessDenied as error:
            raise IdTaken(f"The ended session {session_id} is left: {error.message}") from error
        except CatalogError as error:
            # Another process may have deleted, or even remade it since: the next look tells.
            if error.code not in (
                "EntityNotFoundException",
                "IllegalSessionStateException",
                "InvalidInputException",
                "ConcurrentModificationException",
            ):
                raise

    def _may_be_ours(self, session_id: str, state: dict[str, Any]) -> bool:
        """False where the session's tags say that dbt-glue has not made it."""
        role = state.get("Role", "").split(":")
        if len(role) < 6:
            return True
        region, partition, account = self._glue.meta.region_name, role[1], role[4]
        arn = f"arn:{partition}:glue:{region}:{account}:session/{session_id}"
        try:
            tags = call("GetTags", self._glue.get_tags, ResourceArn=arn)["Tags"]
        except CatalogError as error:
            if isinstance(error, AccessDenied) or error.code == "EntityNotFoundException":
                return True  # DeleteSession will tell
            raise
        return tags.get(OWNER_TAG[0]) == OWNER_TAG[1]

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


def _check_wanted(session_id: str, wanted: Callable[[], bool]) -> None:
    if not wanted():
        raise SessionError(f"Gave up session {session_id}.", session_id=session_id)


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
