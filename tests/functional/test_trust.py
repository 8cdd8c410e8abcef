"""A run says what failed: a catalog that does not answer, a schema that stays, what a node took."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.contracts.relation import RelationType
from dbt.tests.util import run_dbt
from dbt_common.exceptions import DbtRuntimeError

pytestmark = pytest.mark.slow

Turn = Callable[..., None]
# What the catalog may answer in place of what was asked for: a knob of local Glue.
TROUBLES = {
    "throttled": lambda operation: {"throttle": {operation: 1000}},
    "denied": lambda operation: {"fail": {operation: ["AccessDeniedException", 1000]}},
    "failing": lambda operation: {"fail": {operation: ["InternalServiceException", 1000]}},
}
SAID = {
    "throttled": "ThrottlingException",
    "denied": "AccessDeniedException",
    "failing": "InternalServiceException",
}


@pytest.fixture(scope="class")
def dbt_profile_target(dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
    return {**dbt_profile_target, "boto_retry_max_attempts": 1}


class TestACatalogThatDoesNotAnswer:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "grows.sql": (
                "{{ config(materialized='incremental', incremental_strategy='append') }}"
                " select {{ 1 if is_incremental() else 0 }} as n"
            )
        }

    @pytest.fixture(scope="class", autouse=True)
    def built(self, project: Any) -> None:
        run_dbt(["run"])

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_pain_05_get_relation_and_its_like_raise(
        self, project: Any, turn: Turn, trouble: str
    ) -> None:
        schema, adapter = project.test_schema, project.adapter
        relation = adapter.Relation.create(
            schema=schema, identifier="grows", type=RelationType.Table
        )
        asked: dict[str, tuple[str, Callable[[], Any]]] = {
            "list_relations": (
                "GetTables",
                lambda: adapter.list_relations_without_caching(relation.without_identifier()),
            ),
            "check_schema_exists": (
                "GetDatabase",
                lambda: adapter.check_schema_exists(None, schema),
            ),
            "list_schemas": ("GetDatabases", lambda: adapter.list_schemas(None)),
            "get_relation": (
                "GetTables",
                lambda: adapter.get_relation(None, schema, "grows"),
            ),
        }
        with adapter.connection_named("test"):
            for name, (operation, ask) in asked.items():
                adapter.cache.clear()
                adapter.known.change(None)
                turn(**TROUBLES[trouble](operation))
                with pytest.raises(DbtRuntimeError, match=SAID[trouble]) as caught:
                    ask()
                assert f"operation {operation}" in str(caught.value), name
                turn(throttle={}, fail={})
            adapter.cache.clear()
            assert adapter.get_relation(None, schema, "grows") is not None

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_pain_05_an_increment_is_not_rebuilt(
        self, project: Any, turn: Turn, trouble: str
    ) -> None:
        """Who takes no answer for absence rebuilds the table from its newest slice."""
        before = project.run_sql("select n from {schema}.grows order by n", fetch="all")
        turn(**TROUBLES[trouble]("GetTables"))
        with pytest.raises((DbtRuntimeError, AssertionError, SystemExit)):
            run_dbt(["run"])
        turn(throttle={}, fail={})
        after = project.run_sql("select n from {schema}.grows order by n", fetch="all")
        assert after == before
        run_dbt(["run"])
        rows = project.run_sql("select n from {schema}.grows order by n", fetch="all")
        assert len(rows) == len(before) + 1 and (0,) in rows


class TestASchemaThatStays:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"one.sql": "{{ config(materialized='table') }} select 1 as id"}

    @pytest.mark.parametrize("operation", ["DeleteTable", "DeleteDatabase", "GetTables"])
    def test_pain_59_a_failed_drop_schema_is_an_error(
        self, project: Any, turn: Turn, glue_client: Any, operation: str
    ) -> None:
        run_dbt(["run"])
        relation = project.adapter.Relation.create(schema=project.test_schema)
        turn(fail={operation: ["AccessDeniedException", 1000]})
        with (
            project.adapter.connection_named("test"),
            pytest.raises(DbtRuntimeError, match=f"operation {operation}"),
        ):
            project.adapter.drop_schema(relation)
        turn(fail={})
        assert glue_client.get_database(Name=project.test_schema)["Database"]


class TestWhatANodeTook:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='%s'%s) }} select id from range(7)"
        return {
            "plain.sql": config % ("table", ""),
            "seen.sql": config % ("view", ""),
            "merged.sql": config
            % (
                "incremental",
                ", file_format='delta', incremental_strategy='merge', unique_key='id'",
            ),
            "tests.yml": (
                "models:\n  - name: plain\n    columns:\n      - name: id\n"
                "        data_tests: [not_null]\n"
            ),
        }

    @pytest.fixture(params=["livy", "spark_connect"])
    def target_of(self, request: pytest.FixtureRequest) -> str:
        kind: str = request.param
        return kind

    @pytest.fixture(scope="class")
    def dbt_profile_data(
        self, unique_schema: str, dbt_profile_target: dict[str, Any]
    ) -> dict[str, Any]:
        targets = {
            kind: {
                **dbt_profile_target,
                "session_type": kind,
                "glue_session_id": f"functional-tests-{kind}",
                "schema": unique_schema,
            }
            for kind in ("livy", "spark_connect")
        }
        return {"test": {"outputs": targets, "target": "spark_connect"}}

    def test_pain_57_the_response_says_where_what_and_how_long(
        self, project: Any, target_of: str
    ) -> None:
        for _ in range(2):
            run_dbt(["build", "--target", target_of])
        path = Path(project.project_root) / "target" / "run_results.json"
        results = json.loads(path.read_text("utf-8"))["results"]
        found = {result["unique_id"].split(".")[2]: result for result in results}
        assert {"plain", "seen", "merged"} < set(found)
        for name, result in found.items():
            response = result["adapter_response"]
            assert response["session_id"] == f"functional-tests-{target_of}", name
            assert response["statement_id"] and response["query_id"] == response["statement_id"]
            assert 0 < response["seconds"] <= result["execution_time"], name
            assert response["_message"].startswith("OK") and response["code"] == "OK"
        assert found["merged"]["adapter_response"]["rows_affected"] == 7
        ids = [result["adapter_response"]["statement_id"] for result in found.values()]
        assert target_of == "livy" or len(set(ids)) == len(ids)
