"""The snapshot classes of dbt-tests-adapter, on Delta: their SQL names tables without a catalog."""

import re
from typing import Any

import pytest
from dbt.tests.adapter.simple_snapshot import (
    new_record_dbt_valid_to_current as to_current,
)
from dbt.tests.adapter.simple_snapshot import new_record_timestamp_mode as new_record
from dbt.tests.adapter.simple_snapshot import test_ephemeral_snapshot_hard_deletes as ephemeral
from dbt.tests.adapter.simple_snapshot.new_record_check_mode import BaseSnapshotNewRecordCheckMode
from dbt.tests.adapter.simple_snapshot.test_snapshot import BaseSimpleSnapshot, BaseSnapshotCheck
from dbt.tests.adapter.simple_snapshot.test_various_configs import BaseSnapshotMultiUniqueKey

pytestmark = pytest.mark.slow

ON_DELTA = {kind: {"+file_format": "delta"} for kind in ("models", "seeds", "snapshots")}


def in_spark(sql: str) -> list[str]:
    """The statements of these classes, which are Postgres's, in Spark's words and on Delta."""
    for theirs, ours in (
        (r"(\{database\}|\bNone)\.", ""),
        (r"\btimestamp without time zone\b", "timestamp"),
        (r"\b(varchar\(\d+\)|text)(?=[\s,);]|$)", "string"),
        (r"\bstring default '\w+'", "string"),  # Delta: for a table made with that feature only
        (r"([\w']+)::(\w+)", r"cast(\1 as \2)"),
        (r"\bas text\)", "as string)"),
        (r"--[^\n]*", ""),
    ):
        sql = re.sub(theirs, ours, sql, flags=re.I)
    statements = [text.strip() for text in sql.split(";") if text.strip()]
    return [
        text + (" using delta" if re.match(r"create table [^ ]+ \(", text) else "")
        for text in statements
    ]


class OnDelta:
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return ON_DELTA

    @pytest.fixture(scope="class")
    def project(self, project: Any) -> Any:
        run_one = project.run_sql

        def run_sql(sql: str, fetch: str | None = None) -> Any:
            return [run_one(statement, fetch=fetch) for statement in in_spark(sql)][-1]

        project.run_sql = run_sql
        return project


class OnAFactTable(OnDelta):
    """The table `fact`, which these classes make by CREATE TABLE AS."""

    def create_fact_from_seed(self, where: str) -> None:
        for sql in (
            "drop table if exists {schema}.fact",
            "create table {schema}.fact using delta as select * from {schema}.seed where " + where,
        ):
            self.project.run_sql(sql)

    def add_fact_column(self, column: str, definition: str) -> None:
        self.project.run_sql(f"alter table {{schema}}.fact add column {column} string")


class TestSimpleSnapshot(OnAFactTable, BaseSimpleSnapshot):
    pass


class TestSnapshotCheck(OnAFactTable, BaseSnapshotCheck):
    pass


class WithoutDatabase(OnDelta):
    SQL: str

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {"snapshot.sql": self.SQL.replace("{{target.database}}.", "")}


class TestNewRecordTimestampMode(WithoutDatabase, new_record.BaseSnapshotNewRecordTimestampMode):
    SQL = new_record._snapshot_actual_sql


class TestNewRecordCheckMode(WithoutDatabase, BaseSnapshotNewRecordCheckMode):
    SQL = new_record._snapshot_actual_sql


class TestNewRecordValidToCurrent(
    WithoutDatabase, to_current.BaseSnapshotNewRecordDbtValidToCurrent
):
    SQL = to_current._snapshot_actual_sql


class TestEphemeralHardDeletes(OnDelta, ephemeral.BaseSnapshotEphemeralHardDeletes):
    pass


class TestNewColumnByTimestamp(OnDelta, ephemeral.BaseSnapshotNewColumnTimestampStrategy):
    pass


class TestNewColumnUnchecked(OnDelta, ephemeral.BaseSnapshotNewColumnSpecificCheckCols):
    pass


class TestNewColumnWithDeletes(OnDelta, ephemeral.BaseSnapshotNewColumnWithDeletes):
    pass


class TestMultiUniqueKey(OnDelta, BaseSnapshotMultiUniqueKey):
    pass
