import copy
import pickle

import pytest

from dbt.adapters.glue import exceptions
from dbt.adapters.glue.exceptions import (
    CatalogError,
    GlueError,
    SessionError,
    StatementError,
    parse_spark_message,
    spark_message,
)

SPARK_3_5 = (
    "[TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found. Verify the spelling.\n"
    "; line 3 pos 14;\n'Project [*]"
)
PY4J = (
    "An error occurred while calling o89.toString.\n"
    ": org.apache.spark.SparkException: Job aborted.\n"
    "\tat org.apache.spark.sql.errors.Q.x(Q.scala:1)\n"
    "Caused by: java.io.IOException: Access Denied (Service: S3; Status Code: 403)\n"
    "\tat com.amazon.X\n"
)


def test_docstring_draws_the_tree_as_it_is():
    names = {
        n for n, v in vars(exceptions).items() if isinstance(v, type) and issubclass(v, GlueError)
    }
    for name in names:
        assert name in exceptions.__doc__, name


def test_text_is_message_then_context_then_hint():
    error = SessionError("Spark's words", session_id="s-1", statement_id="7", hint="do this")
    error.add_context(node="model.x.y", session_id="other")
    assert str(error) == (
        "Spark's words\n(session s-1, statement 7, node model.x.y)\nHint: do this"
    )


def test_spark_message_is_parsed():
    error = StatementError(SPARK_3_5 + " SQLSTATE: 42P01")
    assert error.error_class == "TABLE_OR_VIEW_NOT_FOUND"
    assert (error.sqlstate, error.line, error.position) == ("42P01", 3, 14)


@pytest.mark.parametrize(
    ("text", "line", "position"),
    [
        ("Syntax error at or near 'x'.(line 2, pos 4)", 2, 4),
        ("cannot resolve; line 1 pos 7;", 1, 7),
        ("== SQL(line 1, position 8) ==", 1, 8),
        ("no place", None, None),
    ],
)
def test_place(text, line, position):
    found = parse_spark_message(text)
    assert (found.line, found.position) == (line, position)


def test_a_column_in_brackets_is_no_error_class():
    assert parse_spark_message("cannot resolve [a, b] in [Id]").error_class is None


def test_py4j_error_gives_its_cause():
    assert spark_message(PY4J).startswith("java.io.IOException: Access Denied")


def test_py4j_error_prefers_the_cause_with_an_error_class():
    text = PY4J.replace("Job aborted.", "[TASK_WRITE_FAILED] Task failed while writing rows")
    assert "[TASK_WRITE_FAILED]" in spark_message(text)


def test_py4j_error_whose_cause_is_in_the_traceback():
    assert "403" in spark_message("An error occurred while calling o89.toString", PY4J)


def test_plain_error_is_kept_whole():
    assert spark_message(SPARK_3_5) == SPARK_3_5


def test_unknown_error_has_no_hint():
    assert GlueError("Column `a` is ambiguous").hint is None


def test_errors_survive_copy_and_pickle():
    error = CatalogError("m", operation="GetTable", code="X", retryable=True)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(twin), twin.code, twin.retryable) == (str(error), "X", True)
