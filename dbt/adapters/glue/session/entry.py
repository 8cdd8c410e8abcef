"""What the pool keeps of a session: its name, how it came to be, what has become of it."""

import threading
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.glue.exceptions import GlueError, SessionLost
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.state import SessionState
from dbt.adapters.glue.session.transport import PooledTransport


@dataclass(frozen=True)
class SessionName:
    """id: the Glue session's Id. shared: attach if it exists, leave it running at close."""

    id: str
    shared: bool


@dataclass(eq=False)
class Entry:
    spec: SessionSpec
    name: SessionName
    ready: threading.Event = field(default_factory=threading.Event)
    transport: PooledTransport | None = None
    error: BaseException | None = None
    sent: bool = False  # CreateSession was sent, so the session may exist and be ours
    answered: threading.Event = field(default_factory=threading.Event)  # … and is not under way
    created_on: Any = None  # GetSession's: another session of the same id has another one
    is_others: bool = False  # another process made it, and may be at work in it
    state: SessionState = field(default_factory=SessionState)
    deaths: int = 0  # of sessions of this name, but for those that ended by their own clocks
    asked: float = 0.0  # when a statement was last about to be sent
    looking: threading.Lock = field(default_factory=threading.Lock)
    session_id: str = ""  # the name's, or one that stands in for it

    def __post_init__(self) -> None:
        self.answered.set()
        self.session_id = self.name.id

    @property
    def lost(self) -> SessionLost | None:
        """Why there is no such session any more, though there was."""
        error = self.error if self.transport is None else self.transport.lost
        return error if isinstance(error, SessionLost) else None

    @property
    def to_be_remade(self) -> bool:
        if not self.ready.is_set():
            return False
        may_pass = isinstance(self.error, GlueError) and self.error.retryable
        return self.lost is not None or may_pass

    def successor(self) -> "Entry":
        died = self.lost is not None and self.lost.context.get("code") != "TIMEOUT"
        return Entry(
            self.spec, self.name, sent=self.sent, state=self.state, deaths=self.deaths + died
        )


@dataclass(eq=False)
class Ending:
    """What close() has to end; it stays in the pool until that is done or reported."""

    entry: Entry
    thread: threading.Thread | None = None
