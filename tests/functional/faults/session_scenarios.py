"""Scenarios of sessions: made, reached and stopped by the pool, and used over both transports."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from typing import Any

from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator

from dbt.adapters.glue.exceptions import StatementCancelled
from dbt.adapters.glue.session.connect import ConnectTransport
from dbt.adapters.glue.session.lifecycle import SessionLifecycle
from dbt.adapters.glue.session.livy import LivyTransport
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.session.transport import PooledTransport
from dbt.adapters.glue.spark_conf import session_conf

from .cell import BUCKET, Cell, sessions_of
from .scenarios import Scenario

ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
CONNECT = SessionSpec(
    role_arn=ROLE,
    glue_version="5.1",
    idle_timeout=30,
    session_type="spark_connect",
    datalake_formats=("iceberg",),
    conf=tuple(
        session_conf(
            ("iceberg",),
            {},
            iceberg_catalog="glue_catalog",
            warehouse=f"s3://{BUCKET}/warehouse",
            catalog_id=None,
        ).items()
    ),
)
LIVY = CONNECT.livy()
LONG = "select id, java_method('java.lang.Thread', 'sleep', 60000L) as w from range(2)"


# --- made and stopped


def pool_of(cell: Cell) -> SessionPool:
    told = cell.told.append
    return SessionPool(cell.clients, threads=1, provisioning_timeout=240.0, report=told, warn=told)


def make(cell: Cell, *, shared: bool = False) -> Any:
    pool = pool_of(cell)
    try:
        transport = pool.transport(LIVY, SessionName(cell.session_id, shared))
        return transport.execute("select 1 as a").rows
    finally:
        pool.close()
        _join_threads(cell)


def make_anew(cell: Cell) -> Any:
    """There is a session of this name, which has ended: it is deleted first."""
    try:
        return make(cell, shared=True)
    finally:
        if sessions_of(cell.clean).get(cell.session_id) in ("PROVISIONING", "READY"):
            cell.clean.glue.stop_session(Id=cell.session_id)


def ended(cell: Cell) -> None:
    glue = cell.clean.glue
    glue.create_session(**LIVY.create_request(cell.session_id))
    glue.stop_session(Id=cell.session_id)
    _wait(lambda: glue.get_session(Id=cell.session_id)["Session"]["Status"] == "STOPPED", 60)


def stop(cell: Cell) -> None:
    """The pool has a session that is not ready yet, and is closed."""
    pool = pool_of(cell)
    pool.prepare(LIVY, SessionName(cell.session_id, False))
    _wait(lambda: _there(cell), 60)
    pool.close()
    _join_threads(cell)


def attach(cell: Cell) -> str:
    lifecycle = SessionLifecycle(
        cell.clients.glue, provisioning_timeout=120.0, report=cell.told.append
    )
    return lifecycle.acquire(LIVY, cell.memory["livy"], look_first=True).session_type


def _there(cell: Cell) -> bool:
    return cell.session_id in sessions_of(cell.clean)


def _join_threads(cell: Cell) -> None:
    """The threads of the session's pool end by themselves."""
    _wait(lambda: not any(cell.session_id in t.name for t in threading.enumerate()), 30)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds:.0f} s")
        time.sleep(0.1)


# --- used


@contextmanager
def livy(cell: Cell, inline_bytes: int = 256 * 1024) -> Iterator[PooledTransport]:
    transport = LivyTransport(
        cell.clients.glue,
        cell.memory["livy"],
        s3=lambda: cell.clients.s3,
        results_location=f"{cell.location}/_dbt_glue_results",
        inline_bytes=inline_bytes,
        warn=cell.told.append,
    )
    try:
        yield transport
    finally:
        transport.close()


@contextmanager
def connect(cell: Cell) -> Iterator[PooledTransport]:
    transport = ConnectTransport(cell.clients.glue, cell.memory["connect"])
    try:
        transport.start()
        yield transport
    finally:
        transport.close()


def table_of(cell: Cell) -> str:
    return f"{cell.database}.written"


def written(cell: Cell) -> None:
    """A table with one row, in the session that the cell is about."""
    run = cell.memory["run"]
    where = f"s3://{BUCKET}/{cell.database}_written"
    run(f"create table {table_of(cell)} (a int) using parquet location '{where}'")
    run(f"insert into {table_of(cell)} select 1")
    cell.memory["table"] = table_of(cell)


def written_on_livy(cell: Cell) -> None:
    cell.memory["run"] = cell.memory["on_livy"]
    written(cell)


def written_on_connect(cell: Cell) -> None:
    cell.memory["run"] = cell.memory["on_connect"]
    written(cell)


def insert_on_livy(cell: Cell) -> None:
    with livy(cell) as transport:
        transport.execute(f"insert into {table_of(cell)} select 2", fetch=False)


def insert_on_connect(cell: Cell) -> None:
    with connect(cell) as transport:
        transport.execute(f"insert into {table_of(cell)} select 2", fetch=False)


def long_result(cell: Cell) -> tuple[int, str]:
    """A result that comes through S3."""
    with livy(cell, inline_bytes=64) as transport:
        rows = transport.execute(
            "select id, sha2(cast(id as string), 256) as h from range(400) order by id"
        ).rows
    return len(rows), rows[-1][1]


def read_on_connect(cell: Cell) -> Any:
    with connect(cell) as transport:
        return transport.execute("select id from range(3) order by id").rows


# pyspark releases what has been read in threads that a process has one of for each core: cells in
# which that fails would keep them from the others.
ExecutePlanResponseReattachableIterator._release_thread_pool = ThreadPool(32)


def read_often_on_connect(cell: Cell) -> Any:
    """What has been read is released some time later."""
    with connect(cell) as transport:
        for _ in range(10):
            rows = transport.execute("select id from range(3) order by id").rows
        return rows


def interrupt(cell: Cell) -> str:
    """A statement that is cancelled: its thread goes on, and Spark's job ends."""
    with connect(cell) as transport:
        outcome: list[Any] = []

        def run() -> None:
            try:
                outcome.append(transport.execute(LONG, tag="long"))
            except StatementCancelled as error:
                outcome.append(type(error).__name__)

        thread = threading.Thread(target=run, name=f"long-{cell.session_id}")
        thread.start()
        _wait(lambda: bool(getattr(transport, "_runs", ())), 30)
        time.sleep(1.0)
        try:
            transport.cancel("long")
        finally:
            thread.join(90)
        return str(outcome)


BROKEN_STREAM = {"connect:ExecutePlan": ["lost", 1]}
OF_SESSIONS = (
    Scenario("glue:CreateSession", make, session="new"),
    Scenario("glue:GetSession", attach, session="livy"),
    Scenario("glue:StopSession", stop, session="new", leaves=True),
    Scenario("glue:DeleteSession", make_anew, ended, session="new"),
    Scenario("glue:RunStatement", insert_on_livy, written_on_livy, session="livy"),
    Scenario("glue:GetStatement", insert_on_livy, written_on_livy, session="livy"),
    Scenario("s3:DeleteObject", long_result, session="livy", leaves=True),
    Scenario("glue:GetSessionEndpoint", read_on_connect, session="connect"),
    Scenario("connect:ExecutePlan", insert_on_connect, written_on_connect, session="connect"),
    Scenario(
        "connect:ReattachExecute",
        insert_on_connect,
        written_on_connect,
        session="connect",
        also=BROKEN_STREAM,
    ),
    Scenario("connect:ReleaseExecute", read_often_on_connect, session="connect"),
    Scenario("connect:Config", read_on_connect, session="connect"),
    Scenario("connect:AnalyzePlan", read_on_connect, session="connect"),
    Scenario(
        "connect:Interrupt",
        interrupt,
        session="connect",
        excused={"slow": "An interrupt has 5 s; then the statement's stream is cancelled."},
    ),
)
