"""The endpoint of a Spark Connect session: where it is, and a token that is still good."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dbt.adapters.glue.clients import call
from dbt.adapters.glue.exceptions import CatalogError, ProtocolError, SessionLost
from dbt.adapters.glue.retries import Budget
from dbt.adapters.glue.session.lifecycle import USABLE
from dbt.adapters.glue.session.loss import session_lost

# AWS's own client refreshes 5 minutes early; tokens live about 30 (glue-api.md 2.7).
REFRESH_BEFORE = 300.0
REFRESH_SHARE = 0.2  # of a token's life, where that is shorter
INITIALISING_FOR = 60.0
LOOK_EVERY = 1.0
MAX_REFUSALS = 3  # of new tokens, one after the other
LOST_CODES = frozenset({"IllegalSessionStateException", "EntityNotFoundException"})


@dataclass(frozen=True)
class Token:
    text: str = field(repr=False)
    refresh_at: float


class ConnectEndpoint:
    """GetSessionEndpoint of one session. Thread-safe. Raises SessionLost when there is none."""

    def __init__(
        self,
        glue: Any,
        session_id: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._glue = glue
        self.session_id = session_id
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._url = ""
        self._token: Token | None = None
        self._looked = (float("-inf"), True)
        self._state: dict[str, Any] | None = None  # GetSession's, at the last look
        self._refusals = 0

    @property
    def url(self) -> str:
        """A connection string for pyspark, without the token.

        AWS's URL has no port and wants TLS; one that has a port is local Glue's, in plain text.
        """
        self.token()
        return connection_string(self._url)

    def token(self) -> str:
        """The token for the next call, fetched anew some time before it expires."""
        with self._lock:
            if self._token is None or self._clock() >= self._token.refresh_at:
                self._fetch()
            assert self._token is not None
            return self._token.text

    def refused(self, token: str) -> bool:
        """The server refused this token. True: there is another one to try."""
        with self._lock:
            if self._token is None or self._token.text != token:
                return True  # another thread has renewed it
            self._refusals += 1
            if self._refusals > MAX_REFUSALS:
                return False
            self._fetch()
            return True

    def accepted(self) -> None:
        """The server took a token: refusals before this one do not count."""
        self._refusals = 0

    def alive(self) -> bool:
        """Whether Glue calls the session usable; asked for at most once a second."""
        with self._lock:
            looked, alive = self._looked
            if self._clock() - looked < LOOK_EVERY:
                return alive
            try:
                self._state = call("GetSession", self._glue.get_session, Id=self.session_id)[
                    "Session"
                ]
            except CatalogError as error:
                if error.code != "EntityNotFoundException":
                    raise
                self._state = {}
            alive = (self._state or {}).get("Status") in USABLE
            self._looked = (self._clock(), alive)
            return alive

    def lost(self, message: str) -> SessionLost:
        """With what `alive` has seen of the session."""
        return session_lost(message, self.session_id, self._state)

    def _fetch(self) -> None:
        """After READY the endpoint may still be initialising, and says so by these errors."""
        budget = Budget(None, INITIALISING_FOR, self._clock, self._sleep)
        get = self._glue.get_session_endpoint
        try:
            answer = call("GetSessionEndpoint", get, budget=budget, SessionId=self.session_id)
        except CatalogError as error:
            if error.code in LOST_CODES:
                raise session_lost(error.message, self.session_id, code=error.code) from error
            if not error.retryable and not self.alive():
                raise self.lost(error.message) from error
            error.add_context(session_id=self.session_id)
            raise
        told = answer["SparkConnect"]
        now, expires = self._clock(), told["AuthTokenExpirationTime"].timestamp()
        early = min(REFRESH_BEFORE, (expires - now) * REFRESH_SHARE)
        self._url = told["Url"]
        self._token = Token(told["AuthToken"], expires - early)


def connection_string(url: str) -> str:
    """GetSessionEndpoint's Url as pyspark takes it. Raises ProtocolError for anything else."""
    parts = urlsplit(url)
    if parts.scheme != "sc" or not parts.hostname:
        raise ProtocolError(f"GetSessionEndpoint gave {url!r}, which is no Spark Connect URL.")
    if parts.port is not None:
        return f"sc://{parts.hostname}:{parts.port}"
    return f"sc://{parts.hostname}:443/;use_ssl=true"
