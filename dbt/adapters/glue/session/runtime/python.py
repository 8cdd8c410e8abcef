"""Runs one piece of Python with `spark` set, and collects what it prints.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import builtins
import io
import json
import linecache
import re
import sys
import threading
from importlib import metadata

from .lexer import split_statements

# The first line of a model's code: JSON with `path`, `length` (characters of the user's own code,
# which comes first) and `packages`.
MODEL_MARK = "# dbt-glue model "
# The first line of a block of a hook or macro: JSON with `run` and `node`. The blocks of a node
# share their names.
BLOCK_MARK = "# dbt-glue block "
ADDED_CODE = "<dbt-glue>"
NODES_KEPT = 64  # whose names are kept, the last ones at work

_local = threading.local()
_names_lock = threading.Lock()
_names_of_nodes = {}


class SqlWrapper2:
    """What code blocks written for dbt-glue 1.x call: gives the JSON text that those expect."""

    def __init__(self, spark):
        self._spark = spark

    def execute(self, sql, output=True, use_arrow=False, location=""):
        parts = split_statements(sql)
        for part in parts[:-1]:
            self._spark.sql(part)
        text = json.dumps(self._result(sql, self._spark.sql(parts[-1])), default=str)
        if output:
            print(text)
        return text

    def _result(self, sql, frame):
        if not frame.schema.fields:
            return {"type": "results", "sql": sql, "schema": None, "results": None}
        rows = [{"type": "record", "data": row.asDict()} for row in frame.collect()]
        return {
            "type": "results",
            "rowcount": len(rows),
            "results": rows,
            "description": [{"name": f.name, "type": str(f.dataType)} for f in frame.schema.fields],
        }


class PackagesMissing(Exception):
    """The config `packages` of a model names what this Python does not have."""


def source_name(text, default):
    """The name that a traceback shows for the code: the model's path, if it is a model."""
    return _about(text)["path"] if text.startswith(MODEL_MARK) else default


def run_python(spark, context, text, filename, running):
    """Executes text under the name of `source_name`; returns what it printed.

    running(True) is called before the first line runs and running(False) after the last: between
    the two the thread may get an exception from outside. The text stays in linecache, for
    tracebacks, until forget_source. An exception gets what was printed as its `printed`.
    """
    names = _names_for(text)
    names |= {"__name__": "__main__", "spark": spark, "SqlWrapper2": SqlWrapper2(spark)}
    if context is not None:
        names["sc"] = context
    _local.printed = io.StringIO()
    try:
        for code in _compiled(text, filename):
            running(True)
            exec(code, names)
        return _local.printed.getvalue()
    except BaseException as error:
        error.printed = _local.printed.getvalue()
        raise
    finally:
        running(False)
        _local.printed = None


def _names_for(text):
    """What the blocks of the node have set before, and those of the run outside of nodes."""
    if not text.startswith(BLOCK_MARK):
        return {}
    about = json.loads(text.partition("\n")[0][len(BLOCK_MARK) :])
    whole_run, node = (about["run"], ""), (about["run"], about["node"])
    with _names_lock:
        names = _names_of_nodes.pop(node, None)
        if names is None:
            names = dict(_names_of_nodes.get(whole_run, {}))
        _names_of_nodes[node] = names
        for old in list(_names_of_nodes)[:-NODES_KEPT]:
            del _names_of_nodes[old]
    return names


def _compiled(text, filename):
    """The code as it is; of a model, the user's own and what dbt has added, one after the other."""
    if text.startswith(BLOCK_MARK):
        text = text.partition("\n")[2]
    if not text.startswith(MODEL_MARK):
        return [_code(text, filename)]
    about = _about(text)
    _check_packages(about["packages"])
    text = text.partition("\n")[2]
    own, added = text[: about["length"]], text[about["length"] :]
    return [_code(own, filename), compile(added, ADDED_CODE, "exec")]


def _code(text, filename):
    lines = [line + "\n" for line in re.split(r"\r\n?|\n", text)]  # as Python counts them
    linecache.cache[filename] = (len(text), None, lines, filename)
    return compile(text, filename, "exec")


def _about(text):
    return json.loads(text.partition("\n")[0][len(MODEL_MARK) :])


def _check_packages(packages):
    """Raises PackagesMissing; a version is compared where it is given by `==`."""
    missing = []
    for package in packages:
        name, _, version = package.partition("==")
        name = re.match(r"[\w.-]*", name.strip()).group()
        try:
            found = metadata.version(name) if name else None
        except metadata.PackageNotFoundError:
            missing.append(package)
        else:
            if version and found != version.strip():
                missing.append(f"{package} (the session has {found})")
    if missing:
        raise PackagesMissing(", ".join(missing))


def is_importing(thread_id):
    """An exception from outside in the middle of an import would leave a broken module for all."""
    frame = sys._current_frames().get(thread_id)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def forget_source(filename):
    linecache.cache.pop(filename, None)


def teach_print():
    """print, except that a statement's thread prints into the statement's own result.

    Livy puts a new sys.stdout in place after every statement, so replacing that would not last.
    """
    plain = builtins.print
    plain = getattr(plain, "before_dbt_glue", plain)

    def print(*values, **options):
        buffer = getattr(_local, "printed", None)
        if buffer is not None and options.get("file") is None:
            options["file"] = buffer
        plain(*values, **options)

    print.before_dbt_glue = plain
    builtins.print = print
