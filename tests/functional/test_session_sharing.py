"""What a run costs: sessions, statements, API calls; and what it leaves behind."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from dbt.tests.util import run_dbt
from functional.conftest import TRANSPORT

pytestmark = pytest.mark.slow

# What is counted on each transport, and how many of them a statement of dbt may take.
OPERATIONS = {"livy": ("RunStatement", 1.5), "spark_connect": ("connect:ExecutePlan", 1.0)}


class TestOneSession:
    SESSION_TYPE, COUNTED, PER_SQL = TRANSPORT, *OPERATIONS[TRANSPORT]

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        fresh = {
            key: value
            for key, value in dbt_profile_target.items()
            if key not in ("glue_session_id", "glue_session_reuse")
        }
        return {**fresh, "threads": 4, "session_type": self.SESSION_TYPE}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        schema = "models:\n" + "".join(
            f"  - name: m{n}\n    columns:\n      - name: id\n"
            "        data_tests: [unique, not_null]\n"
            for n in range(8)
        )
        tables = {f"m{n}.sql": f"select {n} as id" for n in range(8)}
        return {**tables, "schema.yml": schema}

    def test_pain_02_four_threads_share_one_session(
        self, project: Any, calls: Callable[[], dict[str, int]], glue_client: Any
    ) -> None:
        calls()
        results = run_dbt(["build"])
        counted = calls()
        assert len(results) == 24
        assert counted["CreateSession"] == 1
        sql_statements = 8 * 1 + 16
        assert counted[self.COUNTED] <= self.PER_SQL * sql_statements
        assert counted.get("StopSession", 0) + counted.get("DeleteSession", 0) >= 1
        alive = [
            session["Id"]
            for session in glue_client.list_sessions()["Sessions"]
            if session["Status"] in ("READY", "PROVISIONING")
            and not session["Id"].startswith("functional-tests")
        ]
        assert alive == []


class TestReusedByName:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"m.sql": "select 1 as id"}

    def test_pain_04_the_next_command_starts_no_session(
        self, project: Any, calls: Callable[[], dict[str, int]]
    ) -> None:
        run_dbt(["run"])
        calls()
        run_dbt(["run"])
        run_dbt(["show", "--select", "m"])
        counted = calls()
        assert "CreateSession" not in counted and "StopSession" not in counted
        assert counted["GetSession"] >= 2


@pytest.mark.alone
class TestWarmSelect:
    def test_select_1_under_150_ms(self, project: Any) -> None:
        seconds = []
        for _ in range(20):  # the first ten warm the session up
            started = time.monotonic()
            assert project.run_sql("select 1 as one", fetch="one")[0] == 1
            seconds.append(time.monotonic() - started)
        assert sorted(seconds[10:])[5] < 0.150, seconds


class TestSqlIsData:
    TEXTS = [
        r"it\'s",
        "'''",
        '"""',
        "a\\\\b",
        "line one\nline two",
        "🦆 žluťoučký שלום",
        "-- not a comment",
        "/* nor */ this",
        "{{ curly }} {% raw %}",
        "%s %(x)s $1",
        "x" * 60_000,
        "y" * 80_000,
    ]

    @pytest.mark.parametrize("number", range(len(TEXTS)))
    def test_literal_arrives_unchanged(self, project: Any, number: int) -> None:
        text = self.TEXTS[number]
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        sql = f"select '{escaped}' as value -- trailing 'comment'"
        with project.adapter.connection_named("literal"):
            _, table = project.adapter.execute(sql, fetch=True)
        assert table.rows[0][0] == text


class TestErrorsSayWhatHappened:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "missing_table.sql": "select * from nowhere.nothing",
            "bad_syntax.sql": "selec 1 as id",
            "bad_cast.sql": (
                "{{ config(materialized='table') }}"
                " select cast(raise_error('seen by the user') as int) as id"
            ),
        }

    def test_sparks_own_words(self, project: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        messages = {result.node.name: result.message for result in results}
        assert {result.status for result in results} == {"error"}
        assert "TABLE_OR_VIEW_NOT_FOUND" in messages["missing_table"]
        assert "nowhere" in messages["missing_table"]
        assert "PARSE_SYNTAX_ERROR" in messages["bad_syntax"]
        assert "seen by the user" in messages["bad_cast"]
        for message in messages.values():
            assert "functional-tests" in message  # the session


class TestRetryAndEmpty:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "base.sql": "select 1 as id",
            "child.sql": (
                "select case when {{ var('ok', 0) }} = 1 then id"
                " else cast(raise_error('not yet') as int) end as id from {{ ref('base') }}"
            ),
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+materialized": "table"}}

    def test_retry_runs_what_failed(self, project: Any) -> None:
        run_dbt(["run"], expect_pass=False)
        results = run_dbt(["retry", "--vars", "ok: 1"])
        assert [(result.node.name, result.status) for result in results] == [("child", "success")]

    def test_empty(self, project: Any) -> None:
        run_dbt(["run", "--empty", "--vars", "ok: 1"])
        found = project.run_sql(f"select count(*) from {project.test_schema}.child", fetch="one")
        assert found[0] == 0
