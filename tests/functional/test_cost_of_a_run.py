"""What dbt itself asks of AWS does not grow with the number of models."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import botocore.client
import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow

KINDS = {
    "view": "materialized='view'",
    "plain": "materialized='table'",
    "iceberg": "materialized='table', file_format='iceberg'",
    "increment": "materialized='incremental', incremental_strategy='append'",
}
SIZES = {"few": 4, "many": 16}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[str]]:
    """Calls of this process by `service:Operation`, since this was called last; what Spark's own
    clients ask comes from the session and is not among them."""
    counted: Counter[str] = Counter()
    call = botocore.client.BaseClient._make_api_call

    def counting(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        counted[f"{self.meta.service_model.service_name}:{operation}"] += 1
        return call(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)

    def take() -> Counter[str]:
        taken = Counter(counted)
        counted.clear()
        return taken

    return take


def of(service: str, asked: Counter[str]) -> Counter[str]:
    return Counter({name: n for name, n in asked.items() if name.startswith(f"{service}:")})


def about_data(asked: Counter[str]) -> Counter[str]:
    """Calls of Glue but for those that look after the session, whose number follows the clock."""
    return Counter({name: n for name, n in of("glue", asked).items() if "Session" not in name})


class TestCostOfARun:
    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        session = {"session_type": "spark_connect", "glue_session_id": "functional-tests-connect"}
        return {**dbt_profile_target, **session}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        files = {}
        properties = "models:\n"
        for size, count in SIZES.items():
            for number in range(count):
                kind = list(KINDS)[number % len(KINDS)]
                name = f"{size}_{kind}_{number}"
                config = f"{{{{ config({KINDS[kind]}, tags=['{size}']) }}}}"
                files[f"{name}.sql"] = f"{config} select {number} as id"
                properties += f"  - name: {name}\n    columns:\n      - name: id\n"
                properties += "        data_tests: [not_null]\n"
        return {**files, "properties.yml": properties}

    def test_calls_do_not_grow_with_models(
        self, project: Any, asked: Callable[[], Counter[str]]
    ) -> None:
        project.run_sql("select 1")  # the session is there
        asked()
        first: dict[str, Counter[str]] = {}
        second: dict[str, Counter[str]] = {}
        for builds in (first, second):
            for size, count in SIZES.items():
                assert len(run_dbt(["build", "--select", f"tag:{size}"])) == 2 * count
                builds[size] = asked()
        for builds in (first, second):
            assert about_data(builds["few"]) == about_data(builds["many"])
            assert of("glue", builds["many"]).total() < 60
        assert of("s3", first["few"]) == of("s3", first["many"])
        assert set(of("s3", first["many"])) == {"s3:ListObjectsV2"}
        # what a Hive-format table has moved away from is listed and deleted
        plain = SIZES["many"] // len(KINDS)
        assert of("s3", second["many"]) == {
            "s3:ListObjectsV2": plain,
            "s3:DeleteObjects": plain,
        }
