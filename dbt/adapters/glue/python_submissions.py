"""Python that runs in a session: models, and blocks of code in hooks and macros."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dbt.adapters.base import BaseRelation, PythonJobHelper
from dbt.adapters.contracts.connection import AdapterResponse, Connection
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.handle import FindTransport, GlueHandle, response_of
from dbt.adapters.glue.masking import scrubbed
from dbt.adapters.glue.session.result import Result, ResultColumn
from dbt.adapters.glue.sql_text import PYTHON_PREFIX

logger = AdapterLogger("Glue")

# What session/runtime/python.py tells a model by, and a block of a hook or macro.
MODEL_MARK = "# dbt-glue model "
BLOCK_MARK = "# dbt-glue block "
# The model's code runs in the Glue session; or in dbt's own process, over Spark Connect.
GLUE_SESSION, SPARK_CONNECT = "glue_session", "spark_connect"
METHODS = (GLUE_SESSION, SPARK_CONNECT)
SHOWN_LINES = 200
# What adapter.execute_python gives to the function that it calls, as dbt-glue 1.12.4 does.
OLDER_DBT = """

class DbtOfExecutePython:
    this = {this!r}

    def config(self, **options):
        pass

    def ref(self, name):
        return spark.table(name)

    def source(self, source_name, table_name):
        return spark.table(source_name + "." + table_name)

    def is_incremental(self):
        return {existing!r}


{frame}


own = globals().get("model") or globals().get("main")
if own is None:
    raise NameError("execute_python: the code defines neither model(dbt, session) nor main")
spark_frame(own(DbtOfExecutePython(), spark)).createOrReplaceTempView({view!r})
"""
# How what SqlWrapper2.execute prints begins: session/runtime/python.py.
ANSWER = '{"type": "results"'
TYPES_OF_JSON = {bool: "boolean", int: "bigint", float: "double"}


def node_of(node_info: Mapping[str, Any] | None) -> str:
    """The node that this thread is at; empty for the hooks of a whole run, and outside of one."""
    unique_id = str((node_info or {}).get("unique_id") or "")
    return "" if unique_id.startswith("operation.") else unique_id


def session_code(code: str, run: str, node: str = "") -> str:
    """Python as it is sent: a block dedented, a model as it is.

    The blocks of one node share their variables, and see those that the run has set outside of
    nodes (node is empty there).
    """
    if code.lstrip("\n").startswith(MODEL_MARK):
        return code.lstrip("\n")
    code = dedented(code.strip("\n"))
    return f"{BLOCK_MARK}{json.dumps({'run': run, 'node': node})}\n{code}"


def dedented(code: str) -> str:
    """The code without what all its lines begin with, blank lines aside.

    As textwrap.dedent, which empties lines of blanks, in strings too.
    """
    lines = code.split("\n")
    first = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    margin = os.path.commonprefix(first)
    return "\n".join(line.removeprefix(margin) for line in lines)


def rows_of_block(result: Result) -> Result:
    """The rows of the SQL that a block of code ends with, by `SqlWrapper2.execute`, as dbt-glue
    1.12.4 gives them; for any other block, what it has printed, in the column `output`."""
    last = result.rows[0][0].rstrip().rpartition("\n")[2]
    if not last.startswith(ANSWER):
        return replace(result, columns=[ResultColumn("output", "string")])
    answer = json.loads(last)
    names = [column["name"] for column in answer.get("description") or ()]
    rows = [tuple(record["data"].values()) for record in answer["results"] or ()]
    columns = []
    for index, name in enumerate(names):
        kinds = {type(row[index]) for row in rows} - {type(None)}
        kind = kinds.pop() if len(kinds) == 1 else str
        columns.append(ResultColumn(name, TYPES_OF_JSON.get(kind, "string")))
    return replace(result, columns=columns, rows=rows, row_count=len(rows))


def model_code(parsed_model: Mapping[str, Any], compiled_code: str) -> str:
    """The model's code behind a line that says which part of it is the user's own."""
    own = parsed_model["raw_code"]
    about = {
        "path": parsed_model["original_file_path"],
        "length": len(own if compiled_code.startswith(own) else compiled_code),
        "packages": packages_of(parsed_model),
    }
    return f"{MODEL_MARK}{json.dumps(about)}\n{compiled_code}"


def older_script(code: str, frame: str, relation: BaseRelation, existing: bool, view: str) -> str:
    """The code of `adapter.execute_python` with what runs it; the frame becomes a view.

    frame: the Python that defines spark_frame.
    """
    this = f"{relation.schema}.{relation.identifier}"
    added = OLDER_DBT.format(this=this, existing=existing, frame=frame, view=view)
    return dedented(code.strip("\n")) + added


def packages_of(parsed_model: Mapping[str, Any]) -> list[str]:
    """The config `packages`: requirements such as `numpy` or `scikit-learn==1.5.2`."""
    given = parsed_model["config"].get("packages") or []
    if isinstance(given, str):
        given = given.split(",")
    return [str(package).strip() for package in given if str(package).strip()]


def submission_method(parsed_model: Mapping[str, Any]) -> str:
    """The config `submission_method`; DbtRuntimeError with got and expected for an unknown one."""
    method = parsed_model["config"].get("submission_method") or GLUE_SESSION
    if method not in METHODS:
        raise DbtRuntimeError(
            f"submission_method: got {method!r}, expected one of {', '.join(METHODS)}"
        )
    return method


class GluePythonJobHelper(PythonJobHelper):
    """Runs the code of a Python model, in the session that its node keeps to.

    add_query: the adapter's.
    """

    def __init__(self, parsed_model: dict[str, Any], add_query: Callable[..., Any]) -> None:
        self._model = parsed_model
        self._add_query = add_query

    def submit(self, compiled_code: str) -> AdapterResponse:
        """Runs the code to its end, and logs what it prints."""
        code = model_code(self._model, compiled_code)
        _, cursor = self._add_query(f"{PYTHON_PREFIX}\n{code}")
        printed = scrubbed(cursor.result.rows[0][0]).splitlines()
        for line in printed[:SHOWN_LINES]:
            logger.info(f"{self._model['name']}: {line}")
        if len(printed) > SHOWN_LINES:
            left = printed[SHOWN_LINES:]
            logger.info(f"{self._model['name']}: … {len(left)} more lines are in dbt's debug log")
            logger.debug("\n".join(left))
        return response_of(cursor)


class PythonNode:
    """What is set up while a thread is at a Python model: its SQL and its Python share a session.

    The frame of the model is a view of that session, and SQL writes the table from there. The
    config `timeout`, in seconds, ends the node from outside.
    """

    def __init__(self, connection: Connection, find: FindTransport, model: Mapping[str, Any]):
        self._connection = connection
        self._before: GlueHandle = connection.handle
        self._before.close()
        self._handle = self._before.keeping_to(find)
        connection.handle = self._handle
        self.session_id = ""
        self._timed_out = False
        self._timer: threading.Timer | None = None
        if seconds := model["config"].get("timeout"):
            self._timer = threading.Timer(float(seconds), self._time_out, (model["name"], seconds))
            self._timer.daemon = True

    def start(self) -> None:
        """Waits for the session, and then lets the time of `timeout` run."""
        self.session_id = self._handle.wait()
        if self._timer is not None:
            self._timer.start()

    def _time_out(self, name: str, seconds: Any) -> None:
        self._timed_out = True
        logger.warning(f"{name}: its timeout of {seconds} seconds has passed, it is cancelled")
        self._handle.cancel()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._handle.close()
        self._connection.handle = self._before
        if self._handle.cancelled and not self._timed_out:
            self._before.cancel()


class PythonNodes:
    """The Python models that dbt's threads are at, one a thread."""

    def __init__(self, connections: Any) -> None:
        self._connections = connections
        self._own = threading.local()

    def begin(self, model: Mapping[str, Any]) -> None:
        """From here to `end` SQL and Python of this thread go to one session.

        Raises DbtRuntimeError for a submission method that is unknown, or that the session of the
        profile does not have.
        """
        self.end()
        find: FindTransport = self._connections.python_transport
        if submission_method(model) == SPARK_CONNECT:
            find = self._connections.transport
            self._check_connect(find(lambda: True).session_type)
        connection = self._connections.get_thread_connection()
        self._own.node = PythonNode(connection, find, model)
        self._own.node.start()

    def end(self) -> str | None:
        """The session that the model ran in; None if this thread is at no Python model."""
        node, self._own.node = getattr(self._own, "node", None), None
        if node is None:
            return None
        node.end()
        return str(node.session_id)

    @contextmanager
    def at(self, model: Mapping[str, Any]) -> Iterator[None]:
        """As `begin` and `end`; nothing where this thread is at a Python model already."""
        if getattr(self._own, "node", None) is not None:
            yield
            return
        self.begin(model)
        try:
            yield
        finally:
            self.end()

    def leave(self) -> bool:
        """Ends it; True if the SQL of other nodes runs in another session than the model did."""
        session_id = self.end()
        return session_id not in (None, self._connections.transport().session_id)

    @staticmethod
    def _check_connect(session_type: str) -> None:
        if session_type != SPARK_CONNECT:
            raise DbtRuntimeError(
                f"submission_method: got 'spark_connect', and the session is of type "
                f"{session_type}.\nSet `session_type: spark_connect` in the profile (Glue 5.1 and "
                "later), or remove submission_method."
            )
