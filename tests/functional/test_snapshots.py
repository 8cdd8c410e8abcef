"""Snapshots on Iceberg, Delta and Hudi."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow

SOURCE = """
{{ config(materialized='table') }}
{% if var('run', 1) == 1 %}
select * from values (1, 'one', timestamp '2024-01-01'), (2, 'two', timestamp '2024-01-01'),
                     (3, 'gone', timestamp '2024-01-01') as t(id, name, updated_at)
{% else %}
select * from values (1, 'one', timestamp '2024-01-01'), (2, 'TWO', timestamp '2024-01-02'),
                     (4, 'new', timestamp '2024-01-02') as t(id, name, updated_at)
{% endif %}
"""
SNAPSHOT = """
{{% snapshot {name} %}}
{{{{ config(unique_key={key}, file_format='{file_format}',
            target_schema=target.schema, {extra}) }}}}
select * from {{{{ ref('people') }}}}
{{% endsnapshot %}}
"""
STRATEGIES = {
    "timestamp": "strategy='timestamp', updated_at='updated_at'",
    "check": "strategy='check', check_cols=['name']",
}


def _snapshots() -> dict[str, str]:
    found = {}
    for file_format in ("iceberg", "delta", "hudi"):
        for strategy, extra in STRATEGIES.items():
            name = f"{strategy}_{file_format}"
            found[f"{name}.sql"] = SNAPSHOT.format(
                name=name, file_format=file_format, key="'id'", extra=extra
            )
    for mode in ("invalidate", "new_record"):
        found[f"deletes_{mode}.sql"] = SNAPSHOT.format(
            name=f"deletes_{mode}",
            file_format="iceberg",
            key="'id'",
            extra=STRATEGIES["timestamp"] + f", hard_deletes='{mode}'",
        )
    found["two_keys.sql"] = SNAPSHOT.format(
        name="two_keys",
        file_format="delta",
        key="['id', 'updated_at']",
        extra=STRATEGIES["check"] + ", dbt_valid_to_current=\"to_date('9999-12-31')\"",
    )
    return found


class TestSnapshots:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"people.sql": SOURCE}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return _snapshots()

    @pytest.fixture(scope="class")
    def two_runs(self, project: Any) -> Any:
        for number in (1, 2, 2):
            run_dbt(["run", "--vars", f"run: {number}"])
            results = run_dbt(["snapshot", "--vars", f"run: {number}"])
            assert {result.status for result in results} == {"success"}
        return project

    def rows(self, name: str, columns: str) -> list[tuple[Any, ...]]:
        sql = f"select {columns} from {{{{ ref('{name}') }}}}"
        shown = run_dbt(["show", "--limit", "-1", "--inline", sql])
        return sorted(tuple(row) for row in shown.results[0].agate_table.rows)

    @pytest.mark.parametrize("file_format", ["iceberg", "delta", "hudi"])
    @pytest.mark.parametrize("strategy", list(STRATEGIES))
    def test_history(self, two_runs: Any, strategy: str, file_format: str) -> None:
        found = self.rows(f"{strategy}_{file_format}", "id, name, dbt_valid_to is null")
        assert found == [
            (1, "one", True),
            (2, "TWO", True),
            (2, "two", False),
            (3, "gone", True),
            (4, "new", True),
        ]

    def test_hard_deletes_invalidate(self, two_runs: Any) -> None:
        found = self.rows("deletes_invalidate", "id, dbt_valid_to is null")
        assert found == [(1, True), (2, False), (2, True), (3, False), (4, True)]

    def test_hard_deletes_new_record(self, two_runs: Any) -> None:
        found = self.rows("deletes_new_record", "id, dbt_valid_to is null, dbt_is_deleted")
        assert found == [
            (1, True, "False"),
            (2, False, "False"),
            (2, True, "False"),
            (3, False, "False"),
            (3, True, "True"),
            (4, True, "False"),
        ]

    def test_several_keys_and_an_open_end(self, two_runs: Any) -> None:
        found = self.rows("two_keys", "id, name, cast(dbt_valid_to as string) like '9999%'")
        assert found == [
            (1, "one", True),
            (2, "TWO", True),
            (2, "two", True),
            (3, "gone", True),
            (4, "new", True),
        ]


class TestSnapshotOfTheWrongFormat:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"people.sql": SOURCE}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {
            "flat.sql": SNAPSHOT.format(
                name="flat", file_format="parquet", key="'id'", extra=STRATEGIES["check"]
            )
        }

    def test_says_which_formats_work(self, project: Any) -> None:
        run_dbt(["run"])
        results = run_dbt(["snapshot"], expect_pass=False)
        assert results[0].status == "error"
        for word in ("parquet", "iceberg", "delta", "hudi"):
            assert word in results[0].message.lower()
