"""GlueConnectionManager: dbt's side of a connection."""

import functools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from typing import TYPE_CHECKING, Any

from dbt.adapters.contracts.connection import (
    AdapterRequiredConfig,
    AdapterResponse,
    Connection,
    ConnectionState,
)
from dbt.adapters.events.logging import AdapterLogger
from dbt.adapters.events.types import ConnectionUsed, SQLQuery, SQLQueryStatus
from dbt.adapters.sql import SQLConnectionManager
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.functions import fire_event
from dbt_common.utils import cast_to_str

from dbt.adapters.glue.catalogs import catalogs_file
from dbt.adapters.glue.clients import GlueClients, get_clients
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.handle import GlueCursor, GlueHandle, response_of, translated
from dbt.adapters.glue.lost_sessions import LostSessions
from dbt.adapters.glue.node_session import (
    effective_credentials,
    python_session,
    session_name,
    session_spec,
)
from dbt.adapters.glue.python_submissions import node_of, rows_of_block, session_code
from dbt.adapters.glue.result_table import agate_table
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.state import of_session
from dbt.adapters.glue.session.transport import Transport
from dbt.adapters.glue.session.usage import RunUsage
from dbt.adapters.glue.session_choice import SessionChoice, session_choice
from dbt.adapters.glue.session_python import first_use
from dbt.adapters.glue.sql_text import (
    collapse_catalog_prefix,
    python_code,
    split_statements,
    with_comment,
)
from dbt.adapters.glue.storage import RESULTS_FOLDER

if TYPE_CHECKING:
    import agate

logger = AdapterLogger("Glue")

# The commands that are sure to send SQL: `which` of dbt's flags.
COMMANDS_WITH_SQL = frozenset(
    {"build", "run", "test", "seed", "snapshot", "show", "retry", "clone", "run-operation"}
)
# A longer result goes through S3; with use_arrow every one that is not tiny does.
INLINE_BYTES = 256 * 1024
ARROW_INLINE_BYTES = 1024
ABRIDGED = 512  # characters of an SQL log line when dbt asks for it to be short


class GlueConnectionManager(SQLConnectionManager):
    """Connections of all dbt threads over one session pool.

    Opening a connection is free. The session is asked for in the background when the manager is
    made for a command that will send SQL; the first statement waits for it.
    """

    TYPE = "glue"

    def __init__(self, profile: AdapterRequiredConfig, mp_context: SpawnContext) -> None:
        super().__init__(profile, mp_context)
        self._run_id = uuid.uuid4().hex
        self.at_end: Callable[[], None] = lambda: None  # once the sessions of a run are stopped
        self.results_folders: set[str] = set()  # where sessions may have put results
        self._pool: SessionPool | None = None
        self._usage = RunUsage()
        self._pool_lock = threading.Lock()
        self._ready: dict[str, Transport] = {}
        self._served: dict[str, tuple[SessionSpec, SessionName]] = {}  # by the session's id
        self.lost_sessions = LostSessions()
        self._told: set[SessionChoice] = set()
        self._python_use = functools.cache(lambda: first_use(profile))
        self._prepares = (
            self._command() in COMMANDS_WITH_SQL and not self.credentials.enable_session_per_model
        )
        # catalogs.yml, which dbt reads next, may add Spark catalogs to the session.
        if catalogs_file(profile) is None:
            self._prepare()

    @property
    def credentials(self) -> GlueCredentials:
        return self.profile.credentials  # type: ignore[return-value]

    @property
    def clients(self) -> GlueClients:
        return get_clients(self.credentials.client_settings())

    # --- sessions

    def _command(self) -> str | None:
        return getattr(getattr(self.profile, "args", None), "which", None)

    def set_query_header(self, query_header_context: dict[str, Any]) -> None:
        """dbt calls it when it has read catalogs.yml, and begins to parse."""
        super().set_query_header(query_header_context)
        self._prepare()

    def _prepare(self) -> None:
        """Asks for the profile's session, once, if the command will send SQL."""
        if self._prepares:
            self._prepares = False
            with translated():
                spec, name = self._session_of({}, None)
                self.pool.prepare(spec, name)

    @property
    def pool(self) -> SessionPool:
        """The pool of this run, made at the first need and again after `cleanup_all`."""
        with self._pool_lock:
            if self._pool is None:
                credentials = self.credentials
                self._pool = SessionPool(
                    self.clients,
                    threads=self.profile.threads,
                    provisioning_timeout=credentials.session_provisioning_timeout_in_seconds,
                    poll_cap=credentials.statement_poll_interval,
                    results_location=self._results_location(),
                    inline_bytes=ARROW_INLINE_BYTES if credentials.use_arrow else INLINE_BYTES,
                    report=logger.info,
                    warn=logger.warning,
                    usage=self._usage,
                    on_closed=lambda: self.at_end(),
                )
            return self._pool

    def _results_location(self) -> str | None:
        """A folder of this run's own."""
        place = self.credentials.location
        return f"{place.rstrip('/')}/{RESULTS_FOLDER}/{self._run_id}" if place else None

    def clean_up(self, sql: str) -> None:
        """Runs SQL in the session that this thread's last statement ran in, if it is there."""
        connection = self.get_if_exists()
        if connection is not None:
            connection.handle.clean_up(sql)
            self.note(sql)

    def is_interrupted(self) -> bool:
        """Whether this thread's connection was cancelled, or the run is being ended by a signal."""
        pool, connection = self._pool, self.get_if_exists()
        handle = connection.handle if connection is not None else None
        return bool((pool is not None and pool.closed) or getattr(handle, "cancelled", False))

    def _session_of(
        self, meta: Mapping[str, Any], unique_id: str | None
    ) -> tuple[SessionSpec, SessionName]:
        credentials = effective_credentials(self.credentials, meta)
        name = session_name(credentials, meta, unique_id, self._run_id)
        choice = session_choice(credentials, self._python_use)
        if choice not in self._told:
            self._told.add(choice)
            logger.info(f"Session type: {choice.session_type}, since {choice.reason}")
        return session_spec(credentials, choice.session_type), name

    def _session_here(self) -> tuple[SessionSpec, SessionName]:
        node = get_node_info() or {}
        return self._session_of(node.get("meta") or {}, node.get("unique_id"))

    def transport(self, wanted: Callable[[], bool] = lambda: True) -> Transport:
        """The transport of the node that this thread is at; waits until its session is usable."""
        return self._transport(*self._session_here(), wanted)

    def python_transport(self, wanted: Callable[[], bool] = lambda: True) -> Transport:
        """The transport that runs the Python of this thread's node.

        Beside a Spark Connect session it is a Livy one of the same spec, opened at the first need.
        """
        spec, name = self._session_here()
        if spec.session_type == "spark_connect":
            if spec.or_livy and name.shared:
                own = self._transport(spec, name, wanted)
                if own.session_type == "livy":
                    return own
            spec, name = python_session(spec, name)
        return self._transport(spec, name, wanted)

    def _transport(
        self, spec: SessionSpec, name: SessionName, wanted: Callable[[], bool]
    ) -> Transport:
        if name.id in self._ready:
            transport = self.pool.transport(spec, name, wanted)
            self._ready[name.id], self._served[transport.session_id] = transport, (spec, name)
            return transport
        started = time.monotonic()
        logger.debug(f"Waiting for session {name.id} ({spec.describe()})")
        with self._usage.waiting():
            transport = self.pool.transport(spec, name, wanted)
        self._ready[name.id], self._served[transport.session_id] = transport, (spec, name)
        if transport.session_type == "livy" and (results := self._results_location()):
            self.results_folders.add(results)
        waited = time.monotonic() - started
        if waited > 1:
            logger.info(f"Waited {waited:.1f} s for session {transport.session_id}")
        return transport

    # --- dbt's contract

    def open(self, connection: Connection) -> Connection:  # type: ignore[override]
        """Gives the connection its handle; no call is made, nothing is waited for."""
        if connection.state != ConnectionState.OPEN:
            connection.handle = GlueHandle(
                lambda: connection.name or "master",
                self.transport,
                self.python_transport,
                lambda session_id: self._usage.statement(session_id),
            )
            connection.state = ConnectionState.OPEN
        return connection

    def set_connection_name(self, name: str | None = None) -> Connection:
        connection = super().set_connection_name(name)
        if len(self._ready) == 1:  # one session for all: this thread may soon submit to it
            (transport,) = self._ready.values()
            connection.handle.be_busy(transport)
        return connection

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        with translated():
            yield

    def cancel(self, connection: Connection) -> None:
        """Cancels what the connection runs; a thread that waits for a session stops waiting."""
        connection.handle.cancel()

    def cleanup_all(self) -> None:
        try:
            super().cleanup_all()
        finally:
            self._close_pool()

    def _close_pool(self) -> None:
        with self._pool_lock:
            pool, self._pool = self._pool, None
            usage, self._usage = self._usage, RunUsage()
            self._ready.clear()
            self._served.clear()
            self._run_id = uuid.uuid4().hex
        if pool is not None:
            pool.close()
        if summary := usage.summary():
            logger.info(summary)

    @classmethod
    def get_response(cls, cursor: Any) -> AdapterResponse:
        return response_of(cursor)

    @classmethod
    def data_type_code_to_name(cls, type_code: int | str) -> str:
        """The type without size and inner types: contracts compare the broad type."""
        return str(type_code).partition("(")[0].partition("<")[0].upper()

    @classmethod
    def get_result_from_cursor(cls, cursor: Any, limit: int | None) -> "agate.Table":
        return agate_table(cursor.result, limit)

    def add_query(
        self,
        sql: str,
        auto_begin: bool = True,
        bindings: Any = None,
        abridge_sql_log: bool = False,
        retryable_exceptions: tuple[type[Exception], ...] = (),
        retry_limit: int = 1,
    ) -> tuple[Connection, Any]:
        """Runs each statement of the text, in order; the cursor is the last one's."""
        return self._run(sql, bindings=bindings, abridge=abridge_sql_log)

    def execute(
        self, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
    ) -> tuple[AdapterResponse, "agate.Table"]:
        from dbt_common.clients.agate_helper import empty_table

        _, cursor = self._run(sql, comment=True, fetch=fetch, limit=limit)
        if fetch and cursor.result is not None and python_code(sql) is not None:
            cursor.result = rows_of_block(cursor.result)
        table = self.get_result_from_cursor(cursor, limit) if fetch else empty_table()
        return self.get_response(cursor), table

    def add_select_query(self, sql: str) -> tuple[Connection, Any]:
        return self._run(sql, comment=True)

    def _run(
        self,
        text: str,
        *,
        bindings: Any = None,
        comment: bool = False,
        fetch: bool = True,
        limit: int | None = None,
        abridge: bool = False,
    ) -> tuple[Connection, GlueCursor]:
        connection = self.get_thread_connection()
        node_info = get_node_info()
        name = cast_to_str(connection.name)
        fire_event(ConnectionUsed(conn_type=self.TYPE, conn_name=name, node_info=node_info))
        cursor, wait = connection.handle.cursor(), connection.handle.wait
        python = python_code(text)
        statements = [text] if python is not None else split_statements(text)
        for statement in statements:
            if python is None:
                statement = self._final(statement, comment)
            shown = f"{statement[:ABRIDGED]}..." if abridge else statement
            fire_event(SQLQuery(conn_name=name, sql=shown, node_info=node_info))
            started = time.perf_counter()
            with self.exception_handler(statement):
                if python is None:
                    how = {"fetch": fetch, "limit": limit}
                    run = functools.partial(cursor.execute, statement, bindings, **how)
                    self.lost_sessions.outlive(statement, run, wait, self._views)
                    self.note(statement)
                else:
                    code = session_code(python, self._run_id, node_of(node_info))
                    run = functools.partial(cursor.run_python, code)
                    self.lost_sessions.outlive(None, run, wait)
            response = self.get_response(cursor)
            fire_event(
                SQLQueryStatus(
                    status=str(response),
                    elapsed=time.perf_counter() - started,
                    node_info=node_info,
                    query_id=response.query_id,
                )
            )
        return connection, cursor

    def note(self, sql: str) -> None:
        """SQL has run in this thread's session, where it may have made or ended something."""
        if of_session(sql) and (pool := self._pool) and (served := self._served_here()):
            pool.ran(*served, sql)

    def _views(self) -> Mapping[str, str]:
        """What SQL has made of temporary views where this thread's last statement ran."""
        pool, served = self._pool, self._served_here()
        return pool.views(*served) if pool and served else {}

    def _served_here(self) -> tuple[SessionSpec, SessionName] | None:
        """The session that this thread's last statement ran in: that of a Python node's SQL is
        the one of its Python."""
        handle = getattr(self.get_if_exists(), "handle", None)
        return self._served.get(getattr(handle, "session_id", None) or "")

    def run_python_with_sql(self, code: str) -> None:
        """Runs Python of the adapter's own in the Spark session that this node's SQL goes to."""
        connection = self.get_thread_connection()
        node_info = get_node_info()
        name = cast_to_str(connection.name)
        fire_event(SQLQuery(conn_name=name, sql=code, node_info=node_info))
        with self.exception_handler(code):
            run = functools.partial(connection.handle.run_python, code, with_sql=True)
            result = self.lost_sessions.outlive(None, run, connection.handle.wait)
        fire_event(
            SQLQueryStatus(
                status="OK",
                elapsed=result.seconds,
                node_info=node_info,
                query_id=result.statement_id,
            )
        )

    def _final(self, sql: str, comment: bool) -> str:
        catalog = self.credentials.custom_iceberg_catalog_namespace
        sql = collapse_catalog_prefix(sql, catalog)
        header = self.query_header.comment if comment and self.query_header else None
        text = (header.query_comment or "").strip() if header else ""
        return with_comment(sql, text, header.append) if header and text else sql

    # --- Spark has no transactions

    def begin(self) -> None:
        """Nothing to begin."""

    def commit(self) -> None:
        """Nothing to commit."""

    def add_begin_query(self) -> None:
        """Nothing to begin."""

    def add_commit_query(self) -> None:
        """Nothing to commit."""

    def clear_transaction(self) -> None:
        """Nothing to clear."""
