"""Python models on their way to a session, and in the process that runs them."""

import builtins
import os
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError
from unit.macros.harness import FakeProject

from dbt.adapters.glue import python_submissions
from dbt.adapters.glue.exceptions import StatementCancelled, StatementError
from dbt.adapters.glue.handle import GlueHandle
from dbt.adapters.glue.python_submissions import PythonNodes, model_code, session_code
from dbt.adapters.glue.session import connect_mode
from dbt.adapters.glue.session.result import Printed, Result
from dbt.adapters.glue.session.runtime import python as runtime
from dbt.adapters.glue.session.runtime.errors import describe
from dbt.adapters.glue.spark_conf import uncached, with_packages

OWN = "def model(dbt, session):\n    text = '''a\n   \n  b'''\n    print(text)\n    return 1 / 0"


def parsed(**config: Any) -> dict[str, Any]:
    return {
        "name": "m",
        "raw_code": OWN,
        "original_file_path": "models/m.py",
        "language": "python",
        "config": config,
    }


def sent(own: str = OWN, added: str = "\nmodel(None, None)\n", **config: Any) -> str:
    model = {**parsed(**config), "raw_code": own}
    return session_code(model_code(model, own + added), "run")


def ignore(on: bool) -> None:
    """Nobody cancels."""


@pytest.fixture(autouse=True)
def prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.print", print)
    runtime.teach_print()


# --- the code that is sent


def test_the_mark_is_the_one_that_the_session_knows() -> None:
    assert python_submissions.MODEL_MARK == runtime.MODEL_MARK


def test_a_model_is_sent_as_it_is() -> None:
    assert sent().partition("\n")[2] == OWN + "\nmodel(None, None)\n"


def block(code: str, node: str = "", run: str = "r") -> str:
    return runtime.run_python(None, None, session_code(code, run, node), "b", ignore)


def test_the_blocks_of_a_node_share_their_variables() -> None:
    block("base = 1")
    block("x = base + 1", node="model.p.a")
    assert block("print(x, base)", node="model.p.a") == "2 1\n"
    for other in ({"node": "model.p.b"}, {"node": ""}, {"node": "model.p.a", "run": "another"}):
        with pytest.raises(NameError, match="'x' is not defined"):
            block("print(x)", **other)
    assert "x" not in globals() and block("print(base)", node="model.p.b") == "1\n"


def test_few_nodes_are_kept() -> None:
    for number in range(runtime.NODES_KEPT + 1):
        block(f"number = {number}", node=f"model.p.n{number}", run="kept")
    assert block("print(number)", node="model.p.n1", run="kept") == "1\n"
    with pytest.raises(NameError):
        block("print(number)", node="model.p.n0", run="kept")


def printed(text: str) -> Result:
    return Result([], [(Printed(text, "7"),)], None, "s", "7", 0.1)


def test_a_block_that_ends_with_sql_has_its_rows() -> None:
    class Spark:
        def sql(self, text: str) -> Any:
            fields = [SimpleNamespace(name=name, dataType="T") for name in ("n", "t", "none")]
            rows = [SimpleNamespace(asDict=lambda: {"n": 1, "t": "a\nb", "none": None})]
            return SimpleNamespace(schema=SimpleNamespace(fields=fields), collect=lambda: rows)

    code = session_code("print('so')\nSqlWrapper2.execute('select 1')", "r")
    text = runtime.run_python(Spark(), None, code, "b", ignore)
    result = python_submissions.rows_of_block(printed(text))
    assert [(c.name, c.type) for c in result.columns] == [
        ("n", "bigint"),
        ("t", "string"),
        ("none", "string"),
    ]
    assert result.rows == [(1, "a\nb", None)] and result.row_count == 1


def test_a_block_without_sql_has_what_it_printed() -> None:
    result = python_submissions.rows_of_block(printed("one\ntwo"))
    assert [c.name for c in result.columns] == ["output"] and result.rows == [("one\ntwo",)]


def test_an_error_shows_the_users_lines_and_prints() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        runtime.run_python(None, None, sent(), "models/m.py", ignore)
    told = describe(caught.value, runtime.source_name(sent(), "<dbt 1>"))
    assert 'File "models/m.py", line 6, in model\n' in told["traceback"]
    assert "return 1 / 0" in told["traceback"] and "<dbt-glue>" not in told["traceback"]
    assert told["traceback"].endswith("Printed before that:\na\n   \n  b\n")


def test_packages() -> None:
    code = sent(
        "import no_such_module", packages=["pytest", "no-such==1", "pytest==0.1", "s3://b/x"]
    )
    with pytest.raises(
        runtime.PackagesMissing, match=r"^no-such==1, pytest==0\.1 \(the session has"
    ):
        runtime.run_python(None, None, code, "models/m.py", ignore)
    assert (
        runtime.run_python(None, None, sent("print(1)", "", packages="pytest"), "m", ignore)
        == "1\n"
    )


def test_an_import_is_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    thread = threading.Thread(target=lambda: __import__("slow_module"))
    thread.start()
    time.sleep(0.3)
    assert runtime.is_importing(thread.ident) and not runtime.is_importing(threading.get_ident())
    thread.join()


# --- what dbt-glue adds to a model


class Frame:
    """A frame of Spark, as far as the added code knows one."""

    def __init__(self) -> None:
        self.views: list[str] = []

    def createOrReplaceTempView(self, name: str) -> None:
        self.views.append(name)


def run_script(result: Any, existing: bool = False) -> dict[str, Any]:
    project = FakeProject(materialized="incremental" if existing else "table")
    project.context["model"].update(language="python", refs=[], sources=[], raw_code="")
    view = project.macro("glue__python_view")(project.this)
    own = f"""
class dbtObj:
    def __init__(self, load):
        self.is_incremental = {existing}
        self.this = this()
class this:
    database, schema, identifier = None, "sch", "tab"
    def __repr__(self):
        return "`sch`.`tab`"
def model(dbt, session):
    assert dbt.this == "`sch`.`tab`" and dbt.this.identifier == "tab"
    assert dbt.is_incremental == {existing} and dbt.is_incremental() is {existing}
    return result
"""
    code = project.macro("glue__py_write_table")(own, view)
    names = {"result": result, "spark": SimpleNamespace(table=None)}
    exec(compile(code, "m.py", "exec"), names)
    return names


@pytest.mark.parametrize("existing", [True, False])
def test_the_frame_becomes_a_view(existing: bool) -> None:
    frame = Frame()
    run_script(frame, existing)
    assert frame.views == ["`tab__dbt_tmp_1`"]


def test_a_dynamic_frame_becomes_a_view() -> None:
    frame = Frame()
    dynamic = type("DynamicFrame", (), {"toDF": lambda self: frame})
    run_script(dynamic())
    assert frame.views == ["`tab__dbt_tmp_1`"]


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="returned builtins.list, expected a DataFrame of Spark"):
        run_script([1])


@pytest.mark.parametrize(
    ("code", "file_format", "staged"),
    [
        ("session.table(dbt.this)", "parquet", True),
        ("session.table('sch.tab')", "delta", True),
        ("session.table(dbt.this)", "iceberg", False),
        ("dbt.ref('other')", "parquet", False),
    ],
)
def test_rows_of_the_table_that_goes_are_written_down(
    code: str, file_format: str, staged: bool
) -> None:
    project = FakeProject(file_format=file_format)
    project.existing(file_format)
    project.context["model"].update(language="python", raw_code=code)
    view = project.macro("glue__python_view")(project.this)
    rows = project.macro("glue__python_rows")(view, project.this, project.adapter.relation)
    assert (rows != view) is staged
    assert any("create table" in line for line in project.adapter.log) is staged


# --- one session for the SQL and the Python of a model


class Transport:
    def __init__(self, session_id: str, session_type: str) -> None:
        self.session_id, self.session_type = session_id, session_type
        self.cancelled = threading.Event()

    def execute(self, sql: str, **options: Any) -> str:
        return self.session_id

    def run_python(self, code: str, tag: str) -> Printed:
        if code == "wait":
            assert self.cancelled.wait(10)
            raise StatementCancelled("The statement was cancelled.")
        return Printed(self.session_id, "7")

    def cancel(self, tag: str) -> None:
        self.cancelled.set()

    def busy(self) -> Any:
        return threading.Lock()


class Connections:
    """GlueConnectionManager, as far as Python models need it."""

    def __init__(self, session_type: str = "spark_connect") -> None:
        self.opened: set[str] = set()
        self.sql = Transport("sql", session_type)
        self.python = self.sql if session_type == "livy" else Transport("python", "livy")
        handle = GlueHandle(
            lambda: "m", self.transport, self.python_transport, lambda s: threading.Lock()
        )
        self.connection = SimpleNamespace(handle=handle)

    def transport(self, wanted: Any = None) -> Transport:
        self.opened.add("sql")
        return self.sql

    def python_transport(self, wanted: Any = None) -> Transport:
        self.opened.add("python")
        return self.python

    def get_thread_connection(self) -> Any:
        return self.connection

    def sql_runs_in(self) -> Any:
        return self.connection.handle.execute("select 1", fetch=True, limit=None)


def test_sql_of_a_model_goes_where_its_python_runs() -> None:
    connections = Connections()
    nodes = PythonNodes(connections)
    nodes.begin(parsed())
    assert connections.sql_runs_in() == "python"
    assert nodes.leave()
    assert connections.sql_runs_in() == "sql" and not nodes.leave()
    nodes.begin(parsed(submission_method="spark_connect"))
    assert connections.connection.handle.run_python("x").rows == [("sql",)]
    assert not nodes.leave() and connections.opened == {"sql", "python"}
    connections = Connections()
    nodes = PythonNodes(connections)
    nodes.begin(parsed(submission_method="spark_connect"))
    assert not nodes.leave() and connections.opened == {"sql"}


def test_submission_methods_that_cannot_be() -> None:
    nodes = PythonNodes(Connections("livy"))
    with pytest.raises(DbtRuntimeError, match="got 'job', expected one of glue_session, spark_con"):
        nodes.begin(parsed(submission_method="job"))
    with pytest.raises(DbtRuntimeError, match="the session is of type livy"):
        nodes.begin(parsed(submission_method="spark_connect"))


def test_a_timeout_cancels_this_model_and_no_other() -> None:
    connections = Connections()
    nodes = PythonNodes(connections)
    nodes.begin(parsed(timeout=0.1))
    with pytest.raises(StatementCancelled):
        connections.connection.handle.run_python("wait")
    nodes.end()
    assert connections.sql_runs_in() == "sql"


# --- in dbt's own process


class Channel:
    """A gRPC channel that nobody calls."""

    def __init__(self) -> None:
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: lambda *args, **kwargs: None

    def close(self) -> None:
        self.closed = True


def run_here(code: str, run: Any, channel: Any = None) -> str:
    here = pytest.importorskip("dbt.adapters.glue.session.connect_python")
    session = "6b8f9d2e-0c55-4c8a-9d39-2f8d6a1f0b11"
    return here.run_here(code, channel or Channel(), session, "dbt-glue", run)


def a_run() -> Any:
    return SimpleNamespace(label="dbt-glue-1", cancelled=False)


def test_python_here_is_tagged_and_leaves_the_channel_open() -> None:
    channel = Channel()
    own = "print(spark.client.get_tags(), spark.client._session_id[:8])\nspark = None"
    assert run_here(sent(own, ""), a_run(), channel) == "{'dbt-glue-1'} 6b8f9d2e\n"
    import gc

    gc.collect()
    assert not channel.closed


def test_an_error_here_shows_the_users_lines() -> None:
    with pytest.raises(StatementError, match="ZeroDivisionError: division by zero") as caught:
        run_here(sent(), a_run())
    assert 'File "models/m.py", line 6, in model\n' in str(caught.value)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Of the environment, before Python ran here."""
    monkeypatch.delenv("SPARK_CONNECT_MODE_ENABLED", raising=False)
    yield set(os.environ)
    connect_mode.leave()


def test_python_here_leaves_the_environment_as_it_was(names: set[str]) -> None:
    mode = 'import os\nprint(os.environ["SPARK_CONNECT_MODE_ENABLED"])\nspark = None'
    assert run_here(sent(mode, ""), a_run()) == "1\n"
    with pytest.raises(StatementError):
        run_here(sent(), a_run())
    connect_mode.leave()
    assert set(os.environ) == names


@pytest.mark.usefixtures("names")
def test_other_threads_may_read_the_environment() -> None:
    """urllib does at each call of AWS: a model failed with KeyError when another one's Python
    had just ended."""
    begin = "import builtins, os\nbuiltins.reading = iter(os.environ.items())\nnext(reading)"
    run_here(sent(f"{begin}\nspark = None", ""), a_run())
    assert "SPARK_CONNECT_MODE_ENABLED" in dict(builtins.__dict__.pop("reading"))


def test_a_loop_here_is_cancelled() -> None:
    run = a_run()
    threading.Timer(0.3, lambda: setattr(run, "cancelled", True)).start()
    started = time.monotonic()
    with pytest.raises(StatementCancelled):
        run_here(sent("import time\nwhile True:\n    time.sleep(0.01)", ""), run)
    assert time.monotonic() - started < 5


# --- the session's conf and arguments


def test_a_session_beside_keeps_no_table_in_memory() -> None:
    conf = (
        ("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog"),
        ("spark.sql.catalog.lake.catalog-impl", "org.apache.iceberg.aws.glue.GlueCatalog"),
        ("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"),
    )
    assert uncached(conf) == (
        ("spark.sql.filesourceTableRelationCacheSize", "0"),
        ("spark.sql.catalog.lake.cache-enabled", "false"),
        *conf,
    )


def test_packages_of_the_profile() -> None:
    argument = "--additional-python-modules"
    assert with_packages({"--x": "1"}, None) == {"--x": "1"}
    assert with_packages({}, ["a==1", " b"]) == {argument: "a==1,b"}
    assert with_packages({argument: "a"}, "b, c") == {argument: "a,b,c"}
