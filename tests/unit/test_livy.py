"""The Livy transport and the in-session dispatcher, together, on a real Spark in this process."""

import functools
import sys
import threading
import time
from datetime import date, datetime
from decimal import Decimal

import pytest
from botocore.exceptions import IncompleteReadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from side_by_side import in_threads
from unit.livy_shell import LivyShell, client_error

from dbt.adapters.glue.exceptions import (
    AccessDenied,
    CatalogError,
    ProtocolError,
    SessionLost,
    StatementCancelled,
    StatementError,
)
from dbt.adapters.glue.retries import Budget
from dbt.adapters.glue.session.exchange import install_code, runtime_name
from dbt.adapters.glue.session.livy import LivyTransport


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[4]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def shell(spark):
    loaded = sys.modules.get(f"{runtime_name()}.dispatcher")
    if loaded is not None:  # the clients of earlier tests
        loaded._seen.clear()
        loaded._statements.clear()
    shell = LivyShell(spark=spark)
    yield shell
    shell.close()


@pytest.fixture
def transport(shell):
    transport = LivyTransport(shell, "session-1", threads=1)
    yield transport
    transport.close()


def value_of(transport, sql):
    ((value,),) = transport.execute(sql).rows
    return value


def exchanges(shell):
    return [code for code in shell.codes if ".exchange(" in code]


class TestResults:
    @pytest.mark.parametrize(
        ("sql", "kind", "value"),
        [
            ("cast(1.50 as decimal(10,2))", "decimal(10,2)", Decimal("1.50")),
            ("date'2020-02-29'", "date", date(2020, 2, 29)),
            (
                "timestamp'2020-01-02 03:04:05.678901'",
                "timestamp",
                datetime(2020, 1, 2, 3, 4, 5, 678901),
            ),
            ("timestamp_ntz'2020-01-02 03:04:05'", "timestamp_ntz", datetime(2020, 1, 2, 3, 4, 5)),
            ("X'00ff'", "binary", b"\x00\xff"),
            ("9223372036854775807", "bigint", 9223372036854775807),
            ("cast('inf' as double)", "double", float("inf")),
            ("true", "boolean", True),
            ("null", "void", None),
            ("array(1, null)", "array<int>", [1, None]),
            ("map('a', date'2020-01-01')", "map<string,date>", {"a": date(2020, 1, 1)}),
            (
                "named_struct('x', 1.5, 'y', array(X'01'))",
                "struct<x:decimal(2,1),y:array<binary>>",
                {"x": Decimal("1.5"), "y": [b"\x01"]},
            ),
            (
                "interval '1-2' year to month",
                "interval year to month",
                "INTERVAL '1-2' YEAR TO MONTH",
            ),
            ("interval '3' day", "interval day", "INTERVAL '3' DAY"),
            ("array(interval '1' day)", "array<interval day>", "[INTERVAL '1' DAY]"),
        ],
    )
    def test_value_and_type(self, transport, sql, kind, value):
        result = transport.execute(f"select {sql} as v")
        assert (result.columns[0].name, result.columns[0].type) == ("v", kind)
        assert result.rows == [(value,)]
        assert result.row_count == 1
        assert result.session_id == "session-1" and result.statement_id is not None

    def test_nan(self, transport):
        value = value_of(transport, "select double('NaN')")
        assert value != value

    def test_types_next_to_one_that_pyspark_lacks(self, transport):
        result = transport.execute("select make_interval(1) as i, array(date'2020-01-01') as a")
        assert result.rows == [("1 years", [date(2020, 1, 1)])]

    def test_timestamp_is_shown_in_the_sessions_time_zone(self, transport, spark):
        spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        try:
            shown = value_of(transport, "select timestamp'2020-01-01 00:00:00 UTC'")
        finally:
            spark.conf.set("spark.sql.session.timeZone", "UTC")
        assert shown == datetime(2020, 1, 1, 9)

    def test_columns_of_the_same_name(self, transport):
        result = transport.execute("select 1 as a, 2 as a")
        assert [column.name for column in result.columns] == ["a", "a"]
        assert result.rows == [(1, 2)]

    def test_limit(self, transport):
        assert len(transport.execute("select id from range(100)", limit=7).rows) == 7
        assert len(transport.execute("show functions", limit=7).rows) == 7

    def test_statement_without_rows(self, transport, spark):
        result = transport.execute("create or replace temp view v_none as select 1 as a")
        assert (result.columns, result.rows, result.row_count) == ([], [], None)
        spark.catalog.dropTempView("v_none")

    def test_fetch_false_runs_the_query_and_brings_no_rows(self, transport):
        result = transport.execute("select id from range(5)", fetch=False)
        assert result.rows == [] and result.columns[0].name == "id"
        with pytest.raises(StatementError, match="boom"):
            transport.execute("select raise_error('boom') from range(2)", fetch=False)

    def test_long_result_comes_in_parts(self, shell):
        transport = LivyTransport(shell, "s", inline_bytes=8192)
        result = transport.execute("select id, uuid() as u from range(3000)")
        assert [row[0] for row in result.rows] == list(range(3000))
        assert len(exchanges(shell)) > 5

    def test_output_that_glue_cuts_short_is_asked_for_in_smaller_parts(self, shell):
        shell.cut_output_at = 60000
        transport = LivyTransport(shell, "s", inline_bytes=200000)
        result = transport.execute("select id, uuid() as u from range(3000)")
        assert len(result.rows) == 3000

    def test_long_result_through_s3(self, shell, monkeypatch):
        stored = {}

        class S3:
            def put_object(self, Bucket, Key, Body):
                stored[Bucket, Key] = Body

            def get_object(self, Bucket, Key):
                import io

                return {"ETag": '"1"', "Body": io.BytesIO(stored[Bucket, Key])}

            def delete_object(self, Bucket, Key):
                del stored[Bucket, Key]

        seen = []
        monkeypatch.setattr("boto3.client", lambda service: seen.append(service) or S3())
        transport = LivyTransport(
            shell, "s", inline_bytes=8192, s3=S3, results_location="s3://bucket/some/folder/"
        )
        result = transport.execute("select id, uuid() as u from range(3000)")
        assert len(result.rows) == 3000 and seen == ["s3"] and stored == {}

    @pytest.mark.slow
    def test_session_that_may_not_write_to_s3_sends_parts(self, shell, monkeypatch):
        class S3:
            def put_object(self, **request):
                raise client_error("PutObject", "AccessDenied")

        monkeypatch.setattr("boto3.client", lambda service: S3())
        warned = []
        transport = LivyTransport(
            shell, "s", inline_bytes=8192, results_location="s3://b/f", warn=warned.append
        )
        for _ in range(2):
            assert len(transport.execute("select id, uuid() as u from range(3000)").rows) == 3000
        (warning,) = warned
        assert "cannot write results to s3://b/f" in warning and "AccessDenied" in warning

    def spilling(self, shell, monkeypatch, s3, **more):
        monkeypatch.setattr("boto3.client", lambda service: s3)
        return LivyTransport(
            shell, "s", inline_bytes=8192, s3=lambda: s3, results_location="s3://b/f", **more
        )

    def test_result_file_that_cannot_be_deleted_fails_nobody(self, shell, monkeypatch):
        s3 = Bucket()
        s3.refuse = [client_error("DeleteObject", "AccessDenied")] * 100
        warned = []
        transport = self.spilling(shell, monkeypatch, s3, warn=warned.append, threads=3)
        long = "select id, uuid() as u from range(3000)"
        cancelled = threading.Timer(0.4, transport.cancel, ["t"])
        cancelled.start()
        code = "import time; time.sleep(1); print('x' * 90_000, __import__('uuid').uuid4())"
        noise = "print(''.join(str(__import__('uuid').uuid4()) for _ in range(9000)))"
        results = in_threads(
            lambda: transport.execute(long).rows,
            lambda: transport.run_python(f"{code}\n{noise}", tag="t"),
            lambda: transport.run_python("import time; time.sleep(2); print('ok')"),
        )
        assert len(results[0]) == 3000
        assert isinstance(results[1], StatementCancelled)
        assert results[2] == "ok\n"
        assert len(warned) == 1 and "cannot be deleted" in warned[0]

    def test_body_that_breaks_off_is_read_again(self, shell, monkeypatch):
        s3 = Bucket()
        s3.broken = 2
        transport = self.spilling(shell, monkeypatch, s3)
        assert len(transport.execute("select id, uuid() as u from range(3000)").rows) == 3000
        s3.broken = 1000
        quick = functools.partial(Budget, sleep=lambda seconds: None)
        monkeypatch.setattr("dbt.adapters.glue.clients.Budget", quick)
        with pytest.raises(CatalogError, match="0 read[^H]*tried 11 times"):
            transport.execute("select id, uuid() as u from range(3000)")
        assert value_of(transport, "select 1") == 1


class Bucket:
    """S3 whose bodies break off `broken` times, and that deletes nothing while `refuse` lasts."""

    def __init__(self):
        self.stored = {}
        self.broken = 0
        self.refuse = []

    def put_object(self, Bucket, Key, Body):
        self.stored[Key] = Body

    def get_object(self, Bucket, Key):
        bucket, key = self, Key

        class Body:
            def read(self):
                if bucket.broken:
                    bucket.broken -= 1
                    raise IncompleteReadError(actual_bytes=0, expected_bytes=9)
                return bucket.stored[key]

        return {"ETag": '"1"', "Body": Body()}

    def delete_object(self, Bucket, Key):
        if self.refuse:
            raise self.refuse.pop()
        del self.stored[Key]


class TestText:
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
    def test_any_text_arrives_unchanged(self, transport, text):
        code = f"print({ascii(text)}.encode('utf-8').hex())\n# {text.splitlines()!r}"
        assert transport.run_python(code).strip() == text.encode().hex()

    @pytest.mark.parametrize(
        "text",
        ["'''", '"""', "\\", "a\\nb", "line\nline", "\x00", "😀", "it's", "}{", "%s", "é\u2028"],
    )
    def test_string_literal_in_sql(self, transport, text):
        literal = text.replace("\\", "\\\\").replace("'", "\\'")
        assert value_of(transport, f"select '{literal}' -- {'x' * 10}") == text

    @pytest.mark.parametrize("length", [60_000, 200_000])
    def test_long_statement(self, transport, shell, length):
        text = "'\"\\é\n" + "x" * length
        literal = text.replace("\\", "\\\\").replace("'", "\\'")
        assert value_of(transport, f"select '{literal}'") == text
        assert max(len(code) for code in shell.codes) <= 68000


class TestExchanges:
    def test_dispatcher_is_sent_once(self, transport, shell):
        for _ in range(3):
            transport.execute("select 1")
        assert sum("load_dbt_glue" in code for code in shell.codes) == 1

    def test_attached_session_that_has_the_dispatcher_is_not_sent_it(self, transport, shell):
        transport.execute("select 1")
        shell.codes.clear()
        LivyTransport(shell, "session-1").execute("select 1")
        assert len(shell.codes) == 1

    def test_one_statement_per_sql_for_one_thread(self, transport, shell):
        transport.start()
        with transport.busy():
            for n in range(10):
                assert value_of(transport, f"select {n}") == n
        assert len(exchanges(shell)) == 10

    def test_setup_code_fits_into_one_statement(self):
        assert len(install_code()) < 60_000

    def test_four_threads_run_side_by_side(self, shell):
        transport = LivyTransport(shell, "s", threads=4)
        transport.start()

        def job():
            with transport.busy():
                for _ in range(3):
                    transport.run_python("import time; time.sleep(0.5)")

        started = time.monotonic()
        assert in_threads(*[job] * 4) == [None] * 4
        assert time.monotonic() - started < 3.5  # 6 s one by one
        assert len(exchanges(shell)) <= 1.3 * 12

    def test_prints_of_threads_are_kept_apart(self, shell):
        transport = LivyTransport(shell, "s", threads=3)
        code = "import time\nfor i in range(5):\n    print({0!r}, i)\n    time.sleep(0.05)"
        printed = in_threads(*[lambda n=n: transport.run_python(code.format(n)) for n in "abc"])
        for name, text in zip("abc", printed, strict=True):
            assert text == "".join(f"{name} {i}\n" for i in range(5))

    def test_leaked_output_does_not_matter(self, transport, shell):
        transport.execute("select 1")
        shell.run_statement("s", "print('{\"leak\": 1}'); 1/0", "test")
        assert value_of(transport, "select 2") == 2

    def test_lost_answer_is_asked_for_again_and_nothing_runs_twice(self, transport, shell):
        transport.start()
        shell.names["runs"] = []
        shell.lost_answers = 2
        code = (
            "import builtins; builtins.ran = getattr(builtins, 'ran', 0) + 1; print(builtins.ran)"
        )
        assert transport.run_python(code) == "1\n"

    def test_lost_answer_and_a_restarted_python_do_not_run_a_statement_twice(
        self, transport, shell, monkeypatch
    ):
        transport.start()
        shell.lost_answers = 1
        restart = 'import sys; [sys.modules.pop(n) for n in list(sys.modules) if "dbt_glue_" in n]'
        execute = shell._execute

        def execute_then_restart(code):
            output = execute(code)
            if "exchange(" in code and runtime_name() in shell.names:
                del shell.names[runtime_name()]
                exec(restart, {})
            return output

        monkeypatch.setattr(shell, "_execute", execute_then_restart)
        with pytest.raises(SessionLost, match="may be done or not"):
            transport.execute("select 1")
        assert len(exchanges(shell)) == 2

    def test_repeated_long_statement(self, transport, shell, monkeypatch):
        """botocore sends RunStatement again when its answer does not come."""
        transport.start()
        real = shell.run_statement

        def twice(**request):
            real(**request)
            return real(**request)

        monkeypatch.setattr(shell, "run_statement", twice)
        code = "import builtins; builtins.once = getattr(builtins, 'once', 0) + 1; print(once)"
        assert transport.run_python(f"{code}\n# {'x' * 100_000}") == "1\n"

    def test_what_an_earlier_attempt_printed_is_not_taken_for_the_answer(
        self, transport, shell, monkeypatch
    ):
        transport.start()
        shell.lost_answers = 1
        execute = shell._execute
        seen = []

        def leaking(code):
            output = execute(code)
            if "exchange(" in code:
                seen.append(output["Data"]["TextPlain"])
                output["Data"]["TextPlain"] = seen[0][:70] + "".join(seen[1:])
            return output

        monkeypatch.setattr(shell, "_execute", leaking)
        assert value_of(transport, "select 1") == 1

    @pytest.mark.slow
    def test_exchanges_of_two_clients_do_not_block_each_other(self, shell):
        first, second = LivyTransport(shell, "s"), LivyTransport(shell, "s")
        first.start()
        for transport in (first, second):
            transport.execute("select 1")
        waiting = threading.Thread(
            target=first.run_python, args=("import time; time.sleep(8)",), daemon=True
        )
        waiting.start()
        time.sleep(1.5)
        started = time.monotonic()
        assert value_of(second, "select 1") == 1
        assert time.monotonic() - started < 3
        waiting.join(30)

    @pytest.mark.slow
    def test_looks_are_rare_while_nothing_happens(self, shell):
        transport = LivyTransport(shell, "s", threads=1)
        transport.start()
        with transport.busy():
            shell.calls.clear()
            transport.run_python("import time; time.sleep(12)")
        assert shell.calls["RunStatement"] <= 3
        assert shell.calls["GetStatement"] <= 30

    def test_statement_that_the_session_forgot(self, transport, shell):
        transport.start()
        dispatcher = shell.names[runtime_name()]

        def forget():
            time.sleep(0.7)
            dispatcher._statements.clear()
            with dispatcher._changed:
                dispatcher._changed.notify_all()

        forgetting = threading.Thread(target=forget)
        forgetting.start()
        with pytest.raises(SessionLost, match="restarted"):
            transport.run_python("import time; time.sleep(3)")
        forgetting.join()


class TestCancel:
    @pytest.fixture(autouse=True)
    def short_exchanges(self, monkeypatch):
        monkeypatch.setattr("dbt.adapters.glue.session.pacing.FIRST_LONG_WAIT", 2.0)

    def test_running_query_is_cancelled(self, transport, spark):
        transport.start()
        slow = "select count(*) from range(100000000000) a where hash(a.id) = 1 and hash(id+1) = 2"
        (error, _) = in_threads(
            lambda: transport.execute(slow, tag="model.a"),
            lambda: (time.sleep(1.5), transport.cancel("model.a")),
        )
        assert isinstance(error, StatementCancelled)
        tracker = spark.sparkContext.statusTracker()
        until = time.monotonic() + 30
        while tracker.getActiveJobsIds() and time.monotonic() < until:
            time.sleep(0.1)
        assert list(tracker.getActiveJobsIds()) == []
        assert value_of(transport, "select 1") == 1

    def test_python_loop_is_cancelled(self, transport, shell):
        transport.start()
        code = "import time\nwhile True:\n    time.sleep(0.01)"
        (error, _) = in_threads(
            lambda: transport.run_python(code, tag="t"),
            lambda: (time.sleep(0.5), transport.cancel("t")),
        )
        assert isinstance(error, StatementCancelled)
        dispatcher = shell.names[runtime_name()]
        until = time.monotonic() + 30
        while dispatcher._of(transport._client, done=False) and time.monotonic() < until:
            time.sleep(0.05)
        assert dispatcher._of(transport._client, done=False) == []

    def test_other_tags_go_on(self, transport):
        results = in_threads(
            lambda: transport.run_python("import time; time.sleep(1); print('a')", tag="a"),
            lambda: transport.run_python("import time; time.sleep(1); print('b')", tag="b"),
            lambda: (time.sleep(0.5), transport.cancel("a")),
        )
        assert isinstance(results[0], StatementCancelled)
        assert results[1] == "b\n"

    @pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
    def test_cancel_does_not_fail_and_does_not_take_long(self, transport, shell, monkeypatch, code):
        monkeypatch.setattr("dbt.adapters.glue.session.livy.CANCEL_WITHIN", 0.5)
        warned = []
        transport._warn = warned.append
        transport.start()
        (error, seconds) = in_threads(
            lambda: transport.run_python("import time; time.sleep(5)", tag="t"),
            lambda: (time.sleep(1), self.refused_cancel(transport, shell, code))[1],
        )
        assert isinstance(error, StatementCancelled)
        assert seconds < 2
        assert "cancelling takes longer" in warned[0] and code in warned[0]

    def refused_cancel(self, transport, shell, code):
        shell.failures = {"RunStatement": [client_error("RunStatement", code)] * 1000}
        started = time.monotonic()
        transport.cancel("t")
        shell.failures = {}
        return time.monotonic() - started

    def test_python_that_ends_while_it_is_cancelled_locks_nothing(self, transport, shell):
        transport.start()
        dispatcher = shell.names[runtime_name()]
        for n in range(40):
            code = f"import time; time.sleep({0.02 + n * 0.002})"
            (error, _) = in_threads(
                lambda code=code, tag=f"t{n}": transport.run_python(code, tag=tag),
                lambda tag=f"t{n}": (time.sleep(0.05), transport.cancel(tag)),
            )
            assert error is None or error == "" or isinstance(error, StatementCancelled)
        assert dispatcher._changed.acquire(timeout=5)
        dispatcher._changed.release()
        assert transport.run_python("print(1)") == "1\n"


class TestErrors:
    def test_exception_whose_text_cannot_be_had(self, transport):
        code = (
            "class Gone(Exception):\n"
            "    def __str__(self): raise ConnectionRefusedError('Py4JNetworkError: no JVM')\n"
            "raise Gone()"
        )
        with pytest.raises(SessionLost, match="no JVM") as caught:
            transport.run_python(code)
        assert "dbt retry" in caught.value.hint

    def test_unknown_statement_in_a_living_session_is_no_lost_session(self, transport, shell):
        transport.start()
        gone = client_error("GetStatement", "EntityNotFoundException", "Statement 1 not found")
        shell.failures = {"GetStatement": [gone]}
        with pytest.raises(CatalogError, match="not found"):
            transport.execute("select 1")
        assert transport.lost is None
        assert value_of(transport, "select 1") == 1

    def test_missing_table(self, transport):
        with pytest.raises(StatementError) as caught:
            transport.execute("select *\nfrom nope")
        error = caught.value
        assert error.message.startswith("[TABLE_OR_VIEW_NOT_FOUND] The table or view `nope`")
        assert (error.error_class, error.sqlstate) == ("TABLE_OR_VIEW_NOT_FOUND", "42P01")
        assert error.line == 2 and error.error_name == "AnalysisException"
        assert "(session session-1, statement " in str(error)

    def test_syntax(self, transport):
        with pytest.raises(StatementError) as caught:
            transport.execute("select 1\nfrm a b c")
        assert (caught.value.error_class, caught.value.line) == ("PARSE_SYNTAX_ERROR", 2)

    def test_error_in_an_executor(self, transport):
        with pytest.raises(StatementError) as caught:
            transport.execute("select raise_error('boo') from range(3)")
        assert "boo" in caught.value.message.splitlines()[0]
        assert "o89" not in str(caught.value)

    def test_error_class_of_a_java_error(self, transport, spark):
        spark.conf.set("spark.sql.ansi.enabled", "true")
        try:
            with pytest.raises(StatementError) as caught:
                transport.execute("select 1/(id-1) from range(3)")
        finally:
            spark.conf.set("spark.sql.ansi.enabled", "false")
        assert caught.value.message.startswith("[DIVIDE_BY_ZERO]")
        assert (caught.value.error_class, caught.value.sqlstate) == ("DIVIDE_BY_ZERO", "22012")

    def test_python_error_shows_the_users_lines(self, transport):
        with pytest.raises(StatementError) as caught:
            transport.run_python("def model():\n    return 1 / 0\n\nmodel()")
        text = str(caught.value)
        assert text.startswith("ZeroDivisionError: division by zero\n")
        assert "line 2, in model\n    return 1 / 0" in text
        assert "dispatcher" not in text

    def test_python_that_exits(self, transport):
        with pytest.raises(StatementError, match="SystemExit: 3"):
            transport.run_python("import sys; sys.exit(3)")
        assert value_of(transport, "select 1") == 1

    def test_upstreams_code_blocks(self, transport):
        printed = transport.run_python('SqlWrapper2.execute("""select 1 as a""")')
        assert '"results": [{"type": "record", "data": {"a": 1}}]' in printed

    def test_throttling_is_retried(self, shell):
        throttled = client_error("GetStatement", "ThrottlingException", "Rate exceeded")
        busy = client_error("RunStatement", "SessionBusyException")
        shell.failures = {"GetStatement": [throttled] * 3, "RunStatement": [busy] * 2}
        transport = LivyTransport(shell, "s", sleep=lambda seconds: time.sleep(0.001))
        assert value_of(transport, "select 1") == 1
        assert shell.failures == {"GetStatement": [], "RunStatement": []}

    @pytest.mark.parametrize(
        ("code", "status"),
        [("IllegalSessionStateException", "READY"), ("InvalidInputException", "TIMEOUT")],
    )
    def test_dead_session(self, transport, shell, code, status):
        transport.start()
        shell.status = status
        shell.failures = {"GetStatement": [client_error("GetStatement", code, "no ReplServer")]}
        with pytest.raises(SessionLost, match="no ReplServer"):
            transport.execute("select 1")
        with pytest.raises(SessionLost):  # and it stays lost
            transport.execute("select 1")

    def test_permission(self, transport, shell):
        denied = client_error("RunStatement", "AccessDeniedException", "User: x is not authorized")
        shell.failures = {"RunStatement": [denied]}
        with pytest.raises(AccessDenied, match="User: x is not authorized"):
            transport.execute("select 1")

    def test_answer_that_is_none(self, transport, shell):
        transport.start()
        dispatcher = shell.names[runtime_name()]
        dispatcher.exchange = lambda payload: print("gibberish")
        try:
            with pytest.raises(ProtocolError, match="gibberish"):
                transport.execute("select 1")
        finally:
            del shell.names[runtime_name()]
            for name in [n for n in sys.modules if n.startswith(runtime_name())]:
                del sys.modules[name]

    def test_stopped_driver_is_a_lost_session(self, transport, shell, monkeypatch):
        transport.start()

        class Stopped:
            @property
            def sparkContext(self):
                return None

            def sql(self, text):
                raise RuntimeError("Cannot call methods on a stopped SparkContext.")

        monkeypatch.setattr(shell.names[runtime_name()], "spark", Stopped())
        with pytest.raises(SessionLost, match="stopped SparkContext"):
            transport.execute("select 1")
        assert transport.lost is not None
