"""What dbt itself asks of AWS does not grow with the number of models."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import botocore.client
import pytest
from dbt.tests.util import run_dbt
from functional.conftest import OnConnect

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


class TestCostOfARun(OnConnect):
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


class TestCostOfASwap(OnConnect):
    """What is built aside takes the place of the older table."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='table', %s) }} "
        return {
            "hudi.sql": config % "file_format='hudi', unique_key='id'" + "select 1 as id",
            "by_part.sql": config % "partition_by='part'" + "select 1 as id, 'a' as part",
            "wider.sql": config % ""
            + "select 1 as id {% if var('more', false) %}, 2 as n{% endif %}",
        }

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"rows.csv": "id,name,at\n1,one,2026-01-01\n"}

    def test_three_calls_and_none_for_seeds(
        self, project: Any, asked: Callable[[], Counter[str]]
    ) -> None:
        run_dbt(["build"])
        asked()
        run_dbt(["build", "--vars", "more: true"])
        found = about_data(asked())
        for listing in ("glue:GetDatabases", "glue:GetTables"):  # again after a minute
            found.pop(listing)
        of_partitions = {"glue:GetPartitions": 2, "glue:BatchUpdatePartition": 1}
        swaps = {"glue:GetTable": 3, "glue:UpdateTable": 3, "glue:DeleteTable": 3}
        assert found == of_partitions | swaps
