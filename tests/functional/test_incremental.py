"""Incremental strategies on every format that has them; each model runs at least twice."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt, write_file
from functional.conftest import OnLivy
from table_rows import rows_of

pytestmark = pytest.mark.slow

MODEL = """
{{{{ config(materialized='incremental', file_format='{file_format}',
            incremental_strategy='{strategy}'{extra}) }}}}
{{% if var('run', 1) == 1 %}}
select * from values (1, 'one', 'a'), (2, 'two', 'a'), (3, 'three', 'b') as t(id, name, part)
{{% else %}}
select * from values (3, 'THREE', 'b'), (4, 'four', 'b') as t(id, name, part)
{{% endif %}}
"""
APPENDED = [
    (1, "one", "a"),
    (2, "two", "a"),
    (3, "THREE", "b"),
    (3, "three", "b"),
    (4, "four", "b"),
]
MERGED = [(1, "one", "a"), (2, "two", "a"), (3, "THREE", "b"), (4, "four", "b")]
REPLACED = [(3, "THREE", "b"), (4, "four", "b")]
KEY = ", unique_key='id'"
PART = ", partition_by=['part']"

CASES = {
    "parquet_append": ("parquet", "append", "", APPENDED),
    "orc_append": ("orc", "append", PART, APPENDED),
    "csv_append": ("csv", "append", "", APPENDED),
    "iceberg_append": ("iceberg", "append", "", APPENDED),
    "delta_append": ("delta", "append", PART, APPENDED),
    "parquet_overwrite": ("parquet", "insert_overwrite", PART, MERGED),
    "orc_overwrite": ("orc", "insert_overwrite", PART, MERGED),
    "parquet_overwrite_all": ("parquet", "insert_overwrite", "", REPLACED),
    "iceberg_overwrite": ("iceberg", "insert_overwrite", PART, MERGED),
    "delta_overwrite": ("delta", "insert_overwrite", PART, MERGED),
    "hudi_overwrite": ("hudi", "insert_overwrite", PART + KEY, MERGED),
    "iceberg_merge": ("iceberg", "merge", KEY, MERGED),
    "iceberg_merge_part": ("iceberg", "merge", KEY + PART, MERGED),
    "delta_merge": ("delta", "merge", KEY, MERGED),
    "delta_merge_part": ("delta", "merge", KEY + PART, MERGED),
    "hudi_merge": ("hudi", "merge", KEY, MERGED),
    "hudi_merge_part": ("hudi", "merge", KEY + PART, MERGED),
    "hudi_key_moves": (
        "hudi",
        "merge",
        ", unique_key='ID', partition_by=['NAME']",
        [(1, "one", "a"), (2, "two", "a"), (3, "THREE", "b"), (4, "four", "b")],
    ),
    "hudi_mor": (
        "hudi",
        "merge",
        KEY + ", hudi_options={'hoodie.datasource.write.table.type': 'MERGE_ON_READ'}",
        MERGED,
    ),
    "iceberg_transforms": ("iceberg", "merge", KEY + ", partition_by=['bucket(4, id)']", MERGED),
    "iceberg_merge_two_keys": ("iceberg", "merge", ", unique_key=['id', 'part']", MERGED),
    "delta_merge_update_columns": (
        "delta",
        "merge",
        KEY + ", merge_update_columns=['part']",
        [(1, "one", "a"), (2, "two", "a"), (3, "three", "b"), (4, "four", "b")],
    ),
    "iceberg_merge_exclude_columns": (
        "iceberg",
        "merge",
        KEY + ", merge_exclude_columns=['name']",
        [(1, "one", "a"), (2, "two", "a"), (3, "three", "b"), (4, "four", "b")],
    ),
    "iceberg_merge_predicates": (
        "iceberg",
        "merge",
        KEY + ", incremental_predicates=['DBT_INTERNAL_DEST.id > 3']",
        APPENDED,
    ),
}


def all_rows() -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every model, by one query."""
    queries = [f"select '{name}', id, name, part from {{{{ ref('{name}') }}}}" for name in CASES]
    shown = run_dbt(["show", "--limit", "-1", "--inline", " union all ".join(queries)])
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in CASES}
    for name, *row in shown.results[0].agate_table.rows:
        found[name].append(tuple(row))
    return {name: sorted(rows) for name, rows in found.items()}


class TestStrategies(OnLivy):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            f"{name}.sql": MODEL.format(file_format=file_format, strategy=strategy, extra=extra)
            for name, (file_format, strategy, extra, _) in CASES.items()
        }

    @pytest.fixture(scope="class")
    def two_runs(self, project: Any) -> dict[str, list[tuple[Any, ...]]]:
        results = run_dbt(["run"])
        assert {result.status for result in results} == {"success"}
        results = run_dbt(["run", "--vars", "run: 2"])
        assert {result.status for result in results} == {"success"}
        return all_rows()

    @pytest.mark.parametrize("name", list(CASES))
    def test_second_run(self, two_runs: dict[str, list[Any]], name: str) -> None:
        assert two_runs[name] == CASES[name][3]

    def test_nothing_temporary_is_left(
        self, two_runs: dict[str, list[Any]], project: Any, glue_client: Any
    ) -> None:
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        synced_by_hudi = {"hudi_mor_ro", "hudi_mor_rt"}
        assert {table["Name"] for table in listed} == set(CASES) | synced_by_hudi

    def test_full_refresh(self, two_runs: dict[str, list[Any]]) -> None:
        results = run_dbt(["run", "--full-refresh", "--vars", "run: 2"])
        assert {result.status for result in results} == {"success"}
        assert all_rows() == dict.fromkeys(CASES, REPLACED)


EMPTIED = """
{{{{ config(materialized='incremental', file_format='{file_format}'{extra}) }}}}
select * from values (1, 'a'), (2, 'b') as t(id, part) where {{{{ var('run', 1) }}}} = 1
"""
WHOLE = ("parquet", "csv", "iceberg", "delta", "hudi")


class TestNothingToWrite:
    """insert_overwrite by a query that returns no row."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        upsert = ", incremental_strategy='insert_overwrite', unique_key='id'"
        whole = {
            f"{name}.sql": EMPTIED.format(file_format=name, extra=upsert if name == "hudi" else "")
            for name in WHOLE
        }
        by_part = "{% set by = ['part'] if var('run', 1) == 1 else none %}"
        still_in_parts = by_part + EMPTIED.format(file_format="iceberg", extra=", partition_by=by")
        return {**whole, "in_parts.sql": still_in_parts}

    def test_a_table_without_partitions_is_emptied(self, project: Any) -> None:
        first = [{"id": 1, "part": "a"}, {"id": 2, "part": "b"}]
        run_dbt(["run"])
        assert found_rows([*WHOLE, "in_parts"]) == dict.fromkeys([*WHOLE, "in_parts"], first)
        run_dbt(["run", "--vars", "run: 2"])
        expected = {**dict.fromkeys(WHOLE, []), "in_parts": first}
        assert found_rows([*WHOLE, "in_parts"]) == expected


def found_rows(models: list[str]) -> dict[str, list[dict[str, Any]]]:
    kept = ("id", "part")
    return {
        name: [{key: row[key] for key in kept} for row in rows]
        for name, rows in rows_of(models).items()
    }


SELF_SQL = """
{{ config(materialized='incremental', file_format='parquet') }}
select 1 as id
{% if is_incremental() %} union all select id + 1 from {{ this }} {% endif %}
"""


class TestReadsItself:
    """insert_overwrite, the default, of a table that the model reads."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"itself.sql": SELF_SQL}

    def test_three_runs(self, project: Any, glue_client: Any) -> None:
        for _ in range(3):
            run_dbt(["run"])
        found = project.run_sql(
            f"select id from {project.test_schema}.itself order by id", fetch="all"
        )
        assert [row[0] for row in found] == [1, 2, 3]
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert [table["Name"] for table in listed] == ["itself"]


CONTRACT_YML = """
models:
  - name: contracted
    config: {contract: {enforced: true}}
    columns: [{name: id, data_type: int}, {name: name, data_type: string}]
"""


class TestContract:
    """The column that dbt-glue adds to a Hudi table is none of the contract's."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "contracted.sql": (
                "{{ config(materialized='incremental', file_format='hudi', unique_key='id',"
                " on_schema_change='fail') }} select 'n' as name, 1 as id"
            ),
            "schema.yml": CONTRACT_YML,
        }

    def test_two_runs(self, project: Any) -> None:
        for _ in range(2):
            assert run_dbt(["run"])[0].status == "success"


class TestRefusals:
    """What a format cannot do is said before anything is touched."""

    CASES = {
        "merge_on_parquet": (
            "file_format='parquet', incremental_strategy='merge', unique_key='id'",
            "merge",
        ),
        "hudi_without_key": ("file_format='hudi', incremental_strategy='merge'", "unique_key"),
        "unknown_format": ("file_format='parkay'", "parkay"),
        "unknown_strategy": ("incremental_strategy='upsert'", "upsert"),
    }

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            f"{name}.sql": f"{{{{ config(materialized='incremental', {config}) }}}} select 1 as id"
            for name, (config, _) in self.CASES.items()
        }

    def test_each_is_named(self, project: Any, glue_client: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        messages = {result.node.name: (result.status, result.message) for result in results}
        for name, (_, word) in self.CASES.items():
            status, message = messages[name]
            assert status == "error" and word in message, (name, message)
        assert not glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]


class TestFailureKeepsTheTable:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "guarded.sql": (
                "{{ config(materialized='incremental', file_format='iceberg',"
                " incremental_strategy='merge', unique_key='id') }}"
                " select 1 as id"
            )
        }

    def test_failed_increment(self, project: Any, glue_client: Any) -> None:
        run_dbt(["run"])
        write_file(
            "{{ config(materialized='incremental', file_format='iceberg',"
            " incremental_strategy='merge', unique_key='id') }}"
            " select cast(raise_error('broken on purpose') as int) as id",
            project.project_root,
            "models",
            "guarded.sql",
        )
        results = run_dbt(["run"], expect_pass=False)
        assert "broken on purpose" in results[0].message
        shown = run_dbt(
            ["show", "--inline", f"select id from glue_catalog.{project.test_schema}.guarded"]
        )
        assert [tuple(row) for row in shown.results[0].agate_table.rows] == [(1,)]
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert [table["Name"] for table in listed] == ["guarded"]
