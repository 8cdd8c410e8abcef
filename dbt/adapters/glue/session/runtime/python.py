"""Runs one piece of Python with `spark` set, and collects what it prints.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import builtins
import io
import json
import linecache
import threading

_local = threading.local()


class SqlWrapper2:
    """What code blocks written for dbt-glue 1.x call: gives the JSON text that those expect."""

    def __init__(self, spark):
        self._spark = spark

    def execute(self, sql, output=True, use_arrow=False, location=""):
        parts = [part for part in sql.split("dbt_next_query") if part.strip()]
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


def run_python(spark, context, text, filename, running):
    """Executes text under a name of its own; returns what it printed.

    running(True) is called before the first line runs and running(False) after the last: between
    the two the thread may get an exception from outside. The text stays in linecache, for
    tracebacks, until forget_source.
    """
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    names = {"__name__": "__main__", "spark": spark, "SqlWrapper2": SqlWrapper2(spark)}
    if context is not None:
        names["sc"] = context
    _local.printed = io.StringIO()
    try:
        code = compile(text, filename, "exec")
        running(True)
        exec(code, names)
        return _local.printed.getvalue()
    finally:
        running(False)
        _local.printed = None


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
