"""A statement runs again where the table format says that nothing of it was written."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from dbt.adapters.glue.commit_conflicts import PAUSES, lost_commit, outlast
from dbt.adapters.glue.exceptions import SessionLost, StatementError
from dbt.adapters.glue.session.connect_errors import told_by
from dbt.adapters.glue.session.runtime.errors import describe

RECORDED = json.loads(Path(__file__).with_name("recorded_errors.json").read_text("utf-8"))
CONFLICTS = [
    "conflict_iceberg",
    "conflict_delta",
    "commit_failed_iceberg",
    "commit_failed_iceberg_1",
]
MERGE = "/* a comment */ merge into t using s on t.id = s.id when matched then update set *"


def recorded(name: str) -> StatementError:
    told = RECORDED[name]
    return StatementError(told["message"], error_class=told["error_class"])


class Runs:
    def __init__(self, *outcomes: Any) -> None:
        self.outcomes, self.count = list(outcomes), 0

    def __call__(self) -> Any:
        self.count += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.mark.parametrize("name", CONFLICTS)
@pytest.mark.parametrize(
    "sql",
    [
        *(MERGE, "insert into t select 1", "insert overwrite t select 1", "update t set a = 1"),
        *(
            "delete from t",
            "create or replace table t as select 1",
            "alter table t add column a int",
        ),
        *("with a as (select 1) insert into t select * from a", "replace table t as select 1"),
        "with a as (select 1) merge into `t` using a on t.id = a.id when matched then update set * "
        "when not matched then insert *",
        "from src insert into a select 'insert into b' -- insert into c",
    ],
)
def test_a_lost_commit_is_made_again(name: str, sql: str) -> None:
    slept: list[float] = []
    runs = Runs(recorded(name), recorded(name), "done")
    assert outlast(sql, runs, slept.append) == "done"
    assert runs.count == 3 and len(slept) == 2
    assert all(0.5 * p <= s <= 1.5 * p for s, p in zip(slept, PAUSES, strict=False))


def test_not_for_ever() -> None:
    runs = Runs(recorded("conflict_delta"))
    with pytest.raises(StatementError, match="tried 6 times") as caught:
        outlast(MERGE, runs, lambda seconds: None)
    assert runs.count == len(PAUSES) + 1 and "DELTA_CONCURRENT_APPEND" in str(caught.value)
    assert "let one process at a time write" in str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        "org.apache.iceberg.exceptions.CommitStateUnknownException: Cannot determine whether the "
        "commit was successful or not\nCaused by: org.apache.iceberg.exceptions."
        "CommitFailedException: Cannot commit",
        "org.apache.spark.SparkException: Job aborted",
        "org.apache.iceberg.exceptions.ValidationException: Cannot delete file where some, but not "
        "all, rows match filter",
        "java.util.ConcurrentModificationException",
        "Update table failed due to concurrent modifications. (Service: AWSGlue; Status Code: 400; "
        "Error Code: ConcurrentModificationException; Request ID: 1; Proxy: null)",
        "[PARSE_SYNTAX_ERROR] x\n== SQL ==\nselect 'org.apache.iceberg.exceptions."
        "CommitFailedException: '",
    ],
)
def test_what_may_have_been_written_is_not(message: str) -> None:
    runs = Runs(StatementError(message))
    with pytest.raises(StatementError) as caught:
        outlast(MERGE, runs, lambda seconds: None)
    assert runs.count == 1 and "tried" not in caught.value.context


@pytest.mark.parametrize(
    "sql",
    [
        *("call c.system.rewrite_data_files(table => 't')", "optimize t", "vacuum t", "select 1"),
        "from src insert into a select * insert into b select *",
        "with s as (select 1) from s insert overwrite `a` select * insert/**/into b select *",
    ],
)
def test_what_makes_several_commits_is_not(sql: str) -> None:
    runs = Runs(recorded("conflict_delta"))
    with pytest.raises(StatementError):
        outlast(sql, runs, lambda seconds: None)
    assert runs.count == 1


def test_another_error_in_a_repeat_is_told() -> None:
    lost = SessionLost("gone")
    runs = Runs(recorded("conflict_iceberg"), lost)
    with pytest.raises(SessionLost):
        outlast(MERGE, runs, lambda seconds: None)
    assert runs.count == 2


LOST = "org.apache.iceberg.exceptions.CommitFailedException"
UNKNOWN = "org.apache.iceberg.exceptions.CommitStateUnknownException"
REFUSED = "software.amazon.awssdk.services.glue.model.ConcurrentModificationException"
OF_GLUE = "Update table failed due to concurrent modifications. (SDK Attempt Count: %d)"
ABORTED = ("org.apache.spark.SparkException", "[WRITING_JOB_ABORTED] Writing job aborted.")
CHAINS = {  # of the exceptions that Spark raises, outermost first; whether it runs again
    "lost": ([(LOST, "Cannot commit a.b"), (REFUSED, OF_GLUE % 1)], True),
    "lost_in_job": ([ABORTED, (LOST, "Cannot commit a.b"), (REFUSED, OF_GLUE % 1)], True),
    "of_glue": ([(REFUSED, OF_GLUE % 1)], True),
    "of_glue_repeated": ([(REFUSED, OF_GLUE % 2)], False),
    "unknown": ([(UNKNOWN, "Cannot determine"), (REFUSED, OF_GLUE % 1)], False),
    "unknown_in_job": ([ABORTED, (UNKNOWN, "Cannot determine"), (LOST, "Cannot commit")], False),
    "hudi": (
        [
            (
                "org.apache.hudi.exception.HoodieWriteConflictException",
                "java.util.ConcurrentModificationException: Cannot resolve conflicts",
            ),
            ("java.util.ConcurrentModificationException", "Cannot resolve conflicts"),
        ],
        True,
    ),
}


class JavaException:
    def __init__(self, chain: list[tuple[str, str]]) -> None:
        (self.name, self.message), *self.causes = chain

    def getMessage(self) -> str:
        return self.message

    def toString(self) -> str:
        return f"{self.name}: {self.message}"

    def getCause(self) -> Any:
        return JavaException(self.causes) if self.causes else None


def over_livy(chain: list[tuple[str, str]]) -> str:
    error = Exception("An error occurred while calling o1.sql.")
    error.java_exception = JavaException(chain)  # type: ignore[attr-defined]
    return describe(error)["message"]


def over_connect(chain: list[tuple[str, str]]) -> str:
    trace = "\nCaused by: ".join(f"{name}: {text}\n\tat a.b(C.java:1)" for name, text in chain)
    (name, message), *_ = chain
    info = error_details_pb2.ErrorInfo(reason=name, metadata={"stackTrace": trace})
    status = status_pb2.Status(code=code_pb2.INTERNAL, message=message)
    status.details.add().Pack(info)
    call = SimpleNamespace(
        code=lambda: grpc.StatusCode.INTERNAL,
        details=lambda: message,
        trailing_metadata=lambda: [("grpc-status-details-bin", status.SerializeToString())],
    )
    return told_by(call).message


@pytest.mark.parametrize("over", [over_livy, over_connect])
@pytest.mark.parametrize(("chain", "again"), CHAINS.values(), ids=CHAINS)
def test_what_the_format_says_of_the_outcome_decides(over: Any, chain: Any, again: bool) -> None:
    """An exception's causes do not know whether the commit was made; Spark's job knows less."""
    message = over(chain)
    assert lost_commit(MERGE, StatementError(message)) is again
    assert chain[-1][1] in message


@pytest.mark.parametrize("chain", [chain for chain, _ in CHAINS.values()], ids=CHAINS)
def test_both_transports_tell_the_same(chain: Any) -> None:
    assert over_livy(chain) == over_connect(chain)
