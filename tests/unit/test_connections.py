"""GlueConnectionManager: when a session is asked for, what is sent, what comes back."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.exceptions import FailedToConnectError
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dbt.adapters.glue import connections
from dbt.adapters.glue.connections import GlueConnectionManager, translated
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import (
    CatalogError,
    ConfigurationError,
    SessionError,
    SessionFailed,
    SessionLost,
    StatementError,
)
from dbt.adapters.glue.result_table import agate_table
from dbt.adapters.glue.session.result import Printed, Result, ResultColumn


class FakeTransport:
    """Answers every statement with `columns` and `rows`; keeps what it was asked."""

    session_id = "s-1"
    session_type = "livy"

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.columns = [ResultColumn("id", "int")]
        self.rows: list[tuple] = [(1,), (2,)]
        self.error: Exception | None = None
        self.cancelled: list[str] = []
        self.busy_threads: set[int] = set()
        self.hold: threading.Event | None = None
        self.started = threading.Event()

    def execute(self, sql: str, *, fetch: bool, limit: int | None, tag: str) -> Result:
        self.asked.append((sql, fetch, limit, tag))
        self.started.set()
        if self.hold is not None:
            assert self.hold.wait(10)
        if self.error is not None:
            raise self.error
        rows = self.rows[:limit] if fetch else []
        return Result(self.columns, rows, len(rows), self.session_id, "7", 0.25)

    def run_python(self, code: str, *, tag: str) -> Printed:
        self.asked.append((code, tag))
        return Printed("printed", "8")

    def cancel(self, tag: str) -> None:
        self.cancelled.append(tag)

    @contextmanager
    def busy(self) -> Iterator[None]:
        self.busy_threads.add(threading.get_ident())
        yield
        self.busy_threads.discard(threading.get_ident())


class FakePool:
    made: list["FakePool"] = []

    def __init__(self, clients: Any, **settings: Any) -> None:
        self.settings = settings
        self.prepared: list[str] = []
        self.served: list[str] = []
        self.specs: list[Any] = []
        self.fake = FakeTransport()
        self.closed = False
        self.provisioning = False
        self.noted: list[tuple] = []
        self.kept: dict[str, str] = {}
        FakePool.made.append(self)

    def prepare(self, spec: Any, name: Any) -> None:
        self.prepared.append(name.id)

    def transport(self, spec: Any, name: Any, wanted: Any = lambda: True) -> FakeTransport:
        self.served.append(name.id)
        self.specs.append(spec)
        while self.provisioning:
            if not wanted():
                raise SessionError("Cancelled while waiting for the session.")
            time.sleep(0.01)
        return self.fake

    def ran(self, spec: Any, name: Any, sql: str) -> None:
        self.noted.append((name.id, sql.split("*/")[-1].strip()))

    def views(self, spec: Any, name: Any) -> dict[str, str]:
        return self.kept

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def pools(monkeypatch: pytest.MonkeyPatch) -> list[FakePool]:
    monkeypatch.setattr(FakePool, "made", [])
    monkeypatch.setattr(connections, "SessionPool", FakePool)
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)
    return FakePool.made


def manager(which: str | None = None, **profile: Any) -> GlueConnectionManager:
    credentials = GlueCredentials.from_dict(
        {"schema": "s", "role_arn": "arn:aws:iam::1:role/R", "region": "eu-west-1", **profile}
    )
    config: Any = SimpleNamespace(credentials=credentials, threads=4)
    if which:
        config.args = SimpleNamespace(which=which)
    made = GlueConnectionManager(config, get_context("spawn"))
    made.set_connection_name("model.p.x")
    return made


@pytest.mark.parametrize("which", ["build", "run", "test", "seed", "snapshot", "show", "retry"])
def test_pain_04_provisioning_starts_with_commands_that_send_sql(which: str, pools: list) -> None:
    manager(which)
    assert [len(pool.prepared) for pool in pools] == [1]


@pytest.mark.parametrize("which", ["parse", "list", "compile", "generate", "deps", "clean", None])
def test_other_commands_ask_for_no_session(which: str | None, pools: list) -> None:
    made = manager(which)
    assert pools == []
    assert made.get_thread_connection().handle is not None
    assert pools == []  # nor does opening a connection


def test_results_have_a_folder_of_their_own(pools: list) -> None:
    for profile in ({}, {"location": "s3://b/w/"}, {"location": "s3://b/w", "use_arrow": True}):
        manager(**profile).execute("select 1")
    none, *places = [pool.settings["results_location"] for pool in pools]
    assert none is None and len(set(places)) == 2  # a run's own, which goes with it
    assert {place.rpartition("/")[0] for place in places} == {"s3://b/w/_dbt_glue_results"}
    plain, arrow = pools[1].settings["inline_bytes"], pools[2].settings["inline_bytes"]
    assert plain == 256 * 1024 and arrow == 1024


def test_sessions_per_model_are_not_prepared(pools: list) -> None:
    manager("run", enable_session_per_model=True)
    assert pools == []


PYTHON = "custom_glue_code_for_dbt_adapter\nprint(1)"


def test_python_runs_where_sql_does_in_a_livy_session(pools: list) -> None:
    made = manager(session_type="livy")
    made.execute("select 1")
    response = made.get_response(made.add_query(PYTHON)[1])
    assert len(set(pools[0].served)) == 1
    assert (response.session_id, response.statement_id) == ("s-1", "8")


@pytest.mark.parametrize("session_type", ["auto", "spark_connect"])
def test_python_has_a_session_of_its_own_beside_spark_connect(
    session_type: str, pools: list
) -> None:
    made = manager(session_type=session_type, glue_version="5.1")
    made.execute("select 1")
    assert [spec.session_type for spec in pools[0].specs] == ["spark_connect"]
    made.add_query(PYTHON)
    sql, python = pools[0].specs[0], pools[0].specs[-1]
    assert replace(python, conf=()) == replace(sql.livy(), conf=())
    assert ("spark.sql.filesourceTableRelationCacheSize", "0") in python.conf
    assert pools[0].served[-1] == f"{pools[0].served[0]}__python"


@pytest.mark.parametrize("session_type", ["livy", "spark_connect"])
def test_the_adapters_own_python_runs_where_sql_does(session_type: str, pools: list) -> None:
    made = manager(session_type=session_type, glue_version="5.1")
    made.execute("select 1")
    made.run_python_with_sql("rows = spark.sql('select 1')")
    assert len(set(pools[0].served)) == 1
    assert pools[0].fake.asked[-1][0] == "rows = spark.sql('select 1')"


def test_python_stays_in_a_session_that_was_there_and_is_a_livy_one(pools: list) -> None:
    made = manager(glue_version="5.1", glue_session_reuse=True)
    made.add_query(PYTHON)
    assert pools[0].served == ["dbt-glue"]


def test_the_choice_of_session_type_is_told_once(
    pools: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(connections.logger, "info", told.append)
    made = manager(glue_version="5.1")
    made.execute("select 1")
    made.execute("select 2")
    assert told == ["Session type: spark_connect, since Glue 5.1 and this Python have it"]


def test_a_run_ends_with_what_it_took(pools: list, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(connections.logger, "info", told.append)
    made = manager("run")
    usage = pools[0].settings["usage"]
    usage.usable("s-1", {"NumberOfWorkers": 2, "WorkerType": "G.1X"}, created=True, seconds=3.0)
    made.execute("select 1")
    made.cleanup_all()
    assert told[-1].startswith("1 session (2 × G.1X); provisioning 3.0 s")
    assert "1 statement" in told[-1]
    made.cleanup_all()
    assert len([line for line in told if "DPU-hours" in line or "in Spark" in line]) == 1


def test_all_threads_share_one_session(pools: list) -> None:
    made = manager()

    def work(name: str) -> None:
        made.set_connection_name(name)
        made.execute("select 1", fetch=True)

    threads = [threading.Thread(target=work, args=(f"model.p.{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (pool,) = pools
    assert len(set(pool.served)) == 1
    tags = {asked[3].split()[0] for asked in pool.fake.asked}
    assert tags == {f"model.p.{n}" for n in range(4)}
    assert pool.settings["threads"] == 4


def test_the_response_says_where_it_ran(pools: list) -> None:
    response, table = manager().execute("select 1", fetch=True, limit=1)
    assert (str(response), response.rows_affected, response.code) == ("OK 1", 1, "OK")
    shown = response.to_dict()
    assert (shown["session_id"], shown["statement_id"], shown["seconds"]) == ("s-1", "7", 0.25)
    assert list(table.columns["id"].values()) == [1]
    ((*asked, tag),) = pools[0].fake.asked
    assert asked == ["select 1", True, 1] and tag.startswith("model.p.x ")


def test_nothing_is_fetched_unless_asked_for(pools: list) -> None:
    _, table = manager().execute("create table x")
    assert len(table.rows) == 0
    assert pools[0].fake.asked[0][1] is False


def test_several_statements_and_doubled_prefixes(pools: list) -> None:
    made = manager()
    made.add_query("a dbt_next_query select * from glue_catalog.glue_catalog.`s`.`t`")
    sent = [asked[0].strip() for asked in pools[0].fake.asked]
    assert sent == ["a", "select * from glue_catalog.`s`.`t`"]


def test_python_is_sent_as_python(pools: list) -> None:
    manager().execute("custom_glue_code_for_dbt_adapter\n    x = 1\n    SqlWrapper2.execute('a')")
    ((code, tag),) = pools[0].fake.asked
    assert code.partition("\n")[2] == "x = 1\nSqlWrapper2.execute('a')"
    assert tag.startswith("model.p.x ")


def test_sql_is_sent_as_it_is(pools: list) -> None:
    sql = "select '\\\\d''; -- \"é\n' as `a b`, \"it's\" /* glue_catalog.glue_catalog. */"
    manager().add_query(sql)
    assert pools[0].fake.asked[0][0] == sql


def test_a_node_with_its_own_meta_gets_its_own_session(
    pools: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = manager()
    made.execute("select 1")
    node = {"unique_id": "model.p.big", "meta": {"workers": 9}}
    monkeypatch.setattr(connections, "get_node_info", lambda: node)
    made.execute("select 1")
    assert pools[0].served[1].startswith("dbt-glue__model_p_big__")


def test_pain_34_an_unrelated_meta_key_starts_no_session(
    pools: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = manager()
    made.execute("select 1")
    for meta in ({"owner": "me"}, {"workers": None}, {"contains_pii": True, "tags": []}):
        node = {"unique_id": "model.p.x", "meta": meta}
        monkeypatch.setattr(connections, "get_node_info", lambda node=node: node)
        made.execute("select 1")
    assert len(set(pools[0].served)) == 1


def test_cancel_reaches_what_another_thread_runs(pools: list) -> None:
    made = manager()
    made.execute("select 1")
    transport = pools[0].fake
    transport.hold, transport.started = threading.Event(), threading.Event()

    def work() -> None:
        made.set_connection_name("model.p.slow")
        made.execute("select slow")

    thread = threading.Thread(target=work)
    thread.start()
    assert transport.started.wait(10)
    assert made.cancel_open() == ["model.p.slow"]
    assert transport.cancelled == [transport.asked[-1][-1]]
    assert transport.cancelled[0].startswith("model.p.slow ")
    transport.hold.set()
    thread.join()
    assert not pools[0].closed


def test_cancel_lets_threads_go_that_wait_for_a_session(pools: list) -> None:
    made = manager("run")
    pools[0].provisioning = True
    caught: list[str] = []

    def work() -> None:
        made.set_connection_name("model.p.slow")
        try:
            made.execute("select 1")
        except FailedToConnectError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    while not pools[0].served:
        time.sleep(0.01)
    made.cancel_open()
    thread.join(5)
    assert len(caught) == 1 and "Cancelled" in caught[0]


def test_a_cancelled_node_sends_no_further_statement(pools: list) -> None:
    """dbt waits for the thread: it may not go on to the node's next statement."""
    made = manager()
    between, go_on = threading.Event(), threading.Event()
    caught: list[str] = []

    def work() -> None:
        made.set_connection_name("model.p.slow")
        made.execute("select 1")
        between.set()
        assert go_on.wait(10)
        try:
            made.execute("select 2")
        except DbtDatabaseError as error:
            caught.append(str(error))
        made.release()
        made.set_connection_name("model.p.next")
        made.execute("select 3")

    thread = threading.Thread(target=work)
    thread.start()
    assert between.wait(10)
    made.cancel_open()
    go_on.set()
    thread.join(10)
    assert len(caught) == 1 and "cancelled" in caught[0]
    sent = [sql.split("*/")[-1].strip() for sql, *_ in pools[0].fake.asked]
    assert sent == ["select 1", "select 3"]


def test_a_thread_is_busy_from_its_name_to_its_release(pools: list) -> None:
    made = manager()
    made.execute("select 1")
    busy = pools[0].fake.busy_threads
    assert len(busy) == 1
    made.release()
    assert busy == set()
    made.set_connection_name("model.p.next")
    assert len(busy) == 1


def test_cleanup_closes_the_pool_and_a_later_run_makes_another(pools: list) -> None:
    made = manager("run")
    made.execute("select 1")
    made.cleanup_all()
    assert pools[0].closed
    made.set_connection_name("later")
    made.execute("select 1")
    assert len(pools) == 2 and pools[1].served != pools[0].served


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StatementError("[X] no such table", session_id="s-1"), DbtDatabaseError),
        (SessionFailed("no capacity"), FailedToConnectError),
        (CatalogError("denied", operation="GetTable", code="X"), DbtRuntimeError),
        (ConfigurationError("bad"), DbtRuntimeError),
    ],
)
def test_errors_become_dbts_with_the_message_once(error: Exception, kind: type) -> None:
    with pytest.raises(kind) as caught, translated():
        raise error
    assert str(caught.value).count(error.message) == 1  # type: ignore[attr-defined]
    assert caught.value.__cause__ is error


def test_a_failed_statement_fails(pools: list) -> None:
    made = manager()
    made.execute("select 1")
    pools[0].fake.error = StatementError("[DIVIDE_BY_ZERO] Division by zero", statement_id="7")
    with pytest.raises(DbtDatabaseError, match=r"\[DIVIDE_BY_ZERO\].*\n.*statement 7"):
        made.execute("select 1/0")


def test_other_errors_pass_as_they_are(pools: list) -> None:
    made = manager()
    made.execute("select 1")
    pools[0].fake.error = KeyError("a bug")
    with pytest.raises(KeyError):
        made.execute("select 1")


def test_results_are_typed_by_spark_not_guessed() -> None:
    columns = {
        "i": ("bigint", 2**60, 2**60),
        "d": ("decimal(38,18)", Decimal("1.500000000000000000"), Decimal("1.500000000000000000")),
        "f": ("double", 0.1, Decimal("0.1")),
        "b": ("boolean", True, True),
        "day": ("date", date(2024, 1, 2), date(2024, 1, 2)),
        "ts": ("timestamp", datetime(2024, 1, 2, 3, 4, 5, 6), datetime(2024, 1, 2, 3, 4, 5, 6)),
        "zip": ("string", "00501", "00501"),
        "none": ("string", "null", "null"),
        "bin": ("binary", b"\x00\xff", "00ff"),
        "a": ("array<decimal(3,1)>", [Decimal("1.5"), None], '["1.5", null]'),
        "m": ("map<string,date>", {"k": date(2024, 1, 2)}, '{"k": "2024-01-02"}'),
        "s": ("struct<x:int>", {"x": 1}, '{"x": 1}'),
        "v": ("void", None, None),
    }
    result = Result(
        [ResultColumn(name, kind) for name, (kind, _, _) in columns.items()],
        [tuple(value for _, value, _ in columns.values()), (None,) * len(columns)],
        2,
        "s",
        None,
        0.0,
    )
    table = agate_table(result)
    assert list(table.rows[0].values()) == [expected for _, _, expected in columns.values()]
    assert set(table.rows[1].values()) == {None}


def test_columns_of_the_same_name() -> None:
    result = Result([ResultColumn("a", "int")] * 3, [(1, 2, 3)], 1, "s", None, 0.0)
    assert agate_table(result).column_names == ("a", "a_2", "a_3")


def test_a_project_with_catalogs_yml_has_its_session_prepared_once_that_is_read(
    pools: list, tmp_path: Path
) -> None:
    """Its table buckets are Spark catalogs of the session."""
    credentials = GlueCredentials.from_dict(
        {"schema": "s", "role_arn": "arn:aws:iam::1:role/R", "region": "eu-west-1"}
    )
    arguments = SimpleNamespace(which="run")
    config: Any = SimpleNamespace(
        credentials=credentials,
        threads=4,
        args=arguments,
        project_root=str(tmp_path),
        query_comment=SimpleNamespace(comment="", append=False, job_label=False),
    )
    (tmp_path / "catalogs.yml").write_text("catalogs: []")
    made = GlueConnectionManager(config, get_context("spawn"))
    assert pools == []
    made.set_query_header({})
    made.set_query_header({})
    assert [len(pool.prepared) for pool in pools] == [1]


def test_batches_of_one_node_are_cancelled_one_by_one(pools: list) -> None:
    tags = []
    made = manager()
    for name in ("model.p.events", "model.p.events"):
        made.set_connection_name(name)
        handle = made.get_thread_connection().handle
        for one in (handle, handle.keeping_to(made.transport)):
            one.execute("select 1", fetch=True, limit=None)
            one.execute("select 2", fetch=True, limit=None)
            (tag,) = {asked[-1] for asked in pools[0].fake.asked[-2:]}
            tags.append(tag)
        made.release()
        made.thread_connections.clear()
    assert len(set(tags)) == 4


def test_what_sql_makes_is_noted_for_the_session_that_it_ran_in(pools: list) -> None:
    """The SQL of a Python node runs where its Python does."""
    made = manager(session_type="spark_connect", glue_version="5.1")
    made.execute("set a = 1")
    here = pools[0].served[-1]
    connection = made.get_thread_connection()
    before = connection.handle
    pools[0].fake.session_id = f"{here}__python"
    connection.handle = before.keeping_to(made.python_transport)
    made.execute("set b = 1")
    connection.handle = before
    assert pools[0].noted == [(here, "set a = 1"), (f"{here}__python", "set b = 1")]


def test_a_statement_of_a_lost_session_reads_through_its_views(pools: list) -> None:
    made = manager("run")
    pools[0].kept = {"v": "create temporary view v as select n + 1 as n from s.t"}
    pools[0].fake.error = SessionLost("died")
    with pytest.raises(FailedToConnectError, match="not run again"):
        made.execute("insert overwrite s.t select n from v")
    assert len(pools[0].fake.asked) == 1
