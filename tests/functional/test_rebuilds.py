"""A table that cannot be built anew stays as it is."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow

CHANGED = "{% if var('changed', false) %}"


class TestWhatIsThereStays:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        table = "{{ config(materialized='table') }} select 1 as id"
        inner = (
            "{{ config(materialized='table', custom_location='s3://functional-tests/warehouse/'"
            " ~ target.schema ~ '/outer/inner') }} select 2 as id"
        )
        return {
            "twice.sql": f"{table} {CHANGED}, 2 as ID {{% endif %}}",
            "untyped.sql": f"{table} {CHANGED}, null as n {{% endif %}}",
            "itself.sql": f"{table} {CHANGED} union select id from {{{{ this }}}} {{% endif %}}",
            "outer.sql": table,
            "inner.sql": "-- depends_on: {{ ref('outer') }}\n" + inner,
        }

    def test_errors_come_before_the_drop(self, project: Any) -> None:
        run_dbt(["run"])
        results = run_dbt(["run", "--vars", "changed: true"], expect_pass=False)
        told = {result.node.name: result.message for result in results}
        assert "more than one column" in told["twice"]
        assert "column n has no type" in told["untyped"]
        assert "reads itself" in told["itself"]
        assert "it holds the table" in told["outer"]
        for name in ("twice", "untyped", "itself", "outer", "inner"):
            found = project.run_sql(f"select * from {project.test_schema}.{name}", fetch="all")
            assert found == [(2 if name == "inner" else 1,)]


class TestPartitionsByAnotherCase:
    """Spark compares names without case; so may partition_by and the query."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='%s', partition_by=['%s']) }} select 1 as id, '1' as %s"
        return {
            "upper.sql": config % ("table", "Day", "day"),
            "lower.sql": config % ("table", "day", "Day"),
            "grows.sql": config % ("incremental", "DAY", "Day"),
        }

    def test_partitions(self, project: Any) -> None:
        for _ in range(2):
            run_dbt(["run"])
            for name in ("upper", "lower", "grows"):
                query = f"select id, day from {project.test_schema}.{name}"
                assert project.run_sql(query, fetch="all") == [(1, "1")]
