"""What the answer of a statement says of its session: session/ticket.py."""

import time

import pytest

from dbt.adapters.glue.session.ticket import Ticket, driver_is_dead

WORDS = "SparkContext was shut down"
PLAN = f"\n'Project ['mesage]\n+- Filter message#1 LIKE %{WORDS}%\n   +- Relation logs"
CLASSED = "[UNRESOLVED_COLUMN.WITH_SUGGESTION] `mesage` cannot be resolved. SQLSTATE: 42703; line 1"
DEAD = "java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext."
JOB = f"org.apache.spark.SparkException: Job 3 cancelled because {WORDS}"


@pytest.mark.parametrize(
    ("message", "dead"),
    [
        (CLASSED + PLAN, False),
        (f"[PARSE_SYNTAX_ERROR] at or near '{WORDS}'", False),
        (f"org.apache.spark.sql.AnalysisException: [X_Y] {WORDS}", False),
        (f"cannot resolve 'mesage' given input columns: [m]; line 1 pos 7;{PLAN}", False),
        (f"\nmismatched input 'form'(line 1)\n\n== SQL ==\nselect '{WORDS}'", False),
        (f"{DEAD}\nThis stopped SparkContext was created at:\n\nx.y(z)", True),
        (f"An error occurred while calling o1.sql.\n: {DEAD}\n\tat x.y(z)", True),
        (JOB, True),
        (f"org.apache.spark.SparkException: Exception thrown:\nCaused by: {JOB}", True),
        (f"[WRITING_JOB_ABORTED] Writing job aborted.\nCaused by: {JOB}", True),
        ("Answer from Java side is empty", True),
    ],
)
def test_a_dead_driver_is_known_by_what_spark_says_itself(message: str, dead: bool) -> None:
    assert driver_is_dead(message) is dead
    ticket = Ticket({"id": "1", "kind": "sql", "text": ""}, None, 1, time.monotonic)
    ticket._answer = {"error": {"name": "X", "message": message, "cancelled": False}}
    ticket.finish()
    assert (ticket.lost is not None) is dead


def test_py4js_own_error_is_a_sign() -> None:
    assert driver_is_dead("whatever", "Py4JNetworkError")
