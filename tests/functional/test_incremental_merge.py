"""What a merge, delete+insert and replace_where make of the rows that are there."""

from typing import Any, NamedTuple

import pytest
from dbt.tests.util import run_dbt, write_file
from table_rows import in_order, incremental_model, results_of_two_runs, rows_of

pytestmark = pytest.mark.slow


class Case(NamedTuple):
    config: str
    second: str
    expected: list[tuple[Any, ...]]
    first: str = "values (1, 'one', 'a'), (2, 'two', 'a'), (3, 'three', 'b')"
    columns: tuple[str, ...] = ("id", "name", "part")


ONE_TWO = "values (1, 'ONE', 'a'), (2, 'x', 'a'), (4, 'four', 'b'), (5, 'five', 'x')"
CONDITIONS = (
    "unique_key='id', matched_condition=\"DBT_INTERNAL_SOURCE.name != 'x'\", "
    "not_matched_condition=\"DBT_INTERNAL_SOURCE.part != 'x'\""
)
UNCHANGED = [(1, "one", "a"), (2, "two", "a"), (3, "three", "b")]
ODD_COLUMNS = ("order", "a-b", "Größe", "select")
ODD_FIRST = "values (1, 'k', 1.0D, 'x'), (1, 'l', 2.0D, 'y')"
NULL_KEYS = [(None, "none", "a"), (None, "NONE", "b"), (1, "ONE", "b")]

# name -> case, for each format that merges
MERGES = {
    "conditions": Case(
        CONDITIONS, ONE_TWO, [(1, "ONE", "a"), (2, "two", "a"), (3, "three", "b"), (4, "four", "b")]
    ),
    "deletes": Case(
        "unique_key='id', delete_condition=\"s.name = 'x'\", update_condition=\"s.name = 'ONE'\","
        " insert_condition=\"s.part = 'b'\", source_alias='s', target_alias='t'",
        ONE_TWO,
        [(1, "ONE", "a"), (3, "three", "b"), (4, "four", "b")],
    ),
    "skips_update": Case(
        "unique_key='id', skip_matched_step=true",
        ONE_TWO,
        [*UNCHANGED, (4, "four", "b"), (5, "five", "x")],
    ),
    "skips_insert": Case(
        "unique_key='id', skip_not_matched_step=true, merge_exclude_columns=['PART']",
        "values (1, 'ONE', 'z'), (9, 'nine', 'z')",
        [(1, "ONE", "a"), (2, "two", "a"), (3, "three", "b")],
    ),
    "odd_names": Case(
        "unique_key=['order', 'a-b'], merge_update_columns=['Größe']",
        "values (1, 'k', 5.0D, 'changed'), (1, 'm', 6.0D, 'z')",
        [(1, "k", 5.0, "x"), (1, "l", 2.0, "y"), (1, "m", 6.0, "z")],
        ODD_FIRST,
        ODD_COLUMNS,
    ),
    "cte_and_comment": Case(
        "unique_key='id'",
        "* from (with q(id, name, part) as (values (3, ';', 'c')) select * from q) -- last ; line",
        [(1, "one", "a"), (2, "two", "a"), (3, ";", "c")],
    ),
}
# what Hudi cannot do
MORE_MERGES = {
    "by_source": Case(
        "unique_key='id', not_matched_by_source_action='delete',"
        " not_matched_by_source_condition=\"DBT_INTERNAL_DEST.part = 'a'\"",
        "values (1, 'ONE', 'a')",
        [(1, "ONE", "a"), (3, "three", "b")],
    ),
    "by_source_update": Case(
        "unique_key='id', not_matched_by_source_action=\"update set name = 'gone'\"",
        "values (1, 'ONE', 'a')",
        [(1, "ONE", "a"), (2, "gone", "a"), (3, "gone", "b")],
    ),
    "null_keys": Case(
        "unique_key='id'",
        "values (cast(null as int), 'NONE', 'b'), (1, 'ONE', 'b')",
        NULL_KEYS,
        "values (cast(null as int), 'none', 'a'), (1, 'one', 'a')",
    ),
    "delete_insert": Case(
        "incremental_strategy='delete+insert', unique_key='part'",
        "values (7, 'new', 'a'), (7, 'new', 'a'), (8, null, 'c')",
        [(3, "three", "b"), (7, "new", "a"), (7, "new", "a"), (8, None, "c")],
    ),
    "delete_insert_two": Case(
        "incremental_strategy='delete+insert', unique_key=['ID', 'part'],"
        " incremental_predicates=['id < 3']",
        "values (1, 'ONE', 'a'), (2, 'other part', 'b'), (3, 'kept too', 'b')",
        [
            *[(1, "ONE", "a"), (2, "other part", "b"), (2, "two", "a")],
            *[(3, "kept too", "b"), (3, "three", "b")],
        ],
    ),
    "replaces_where": Case(
        "incremental_strategy='replace_where', incremental_predicates=[\"part = 'a'\", 'id > 1']",
        "values (7, 'seven', 'a'), (8, 'eight', 'a')",
        [(1, "one", "a"), (3, "three", "b"), (7, "seven", "a"), (8, "eight", "a")],
    ),
    "replaces_nothing": Case(
        "incremental_strategy='replace_where', incremental_predicates=\"part = 'a'\"",
        "values (7, 'seven', 'a') as t(id, name, part) where false",
        [(3, "three", "b")],
    ),
}
# Hudi's schema is Avro's, whose names have letters, digits and underscores.
HUDI_ODD = Case(
    "unique_key=['order', 'a_b'], merge_update_columns=['set']",
    MERGES["odd_names"].second,
    MERGES["odd_names"].expected,
    ODD_FIRST,
    ("order", "a_b", "set", "select"),
)
CASES = {
    f"{name}_{file_format}": (file_format, case)
    for file_format in ("iceberg", "delta", "hudi")
    for name, case in {**MERGES, **(MORE_MERGES if file_format != "hudi" else {})}.items()
} | {"odd_names_hudi": ("hudi", HUDI_ODD)}


def query_of(text: str, columns: tuple[str, ...]) -> str:
    if text.startswith("*"):
        return f"select {text}\n"
    names = ", ".join(f"`{name}`" for name in columns)
    rows, _, rest = text.partition(" as t(")
    where = rest.partition(")")[2]
    return f"select * from {rows} as t({names}){where}"


def model_of(file_format: str, case: Case) -> str:
    config = f"file_format='{file_format}', {case.config}"
    if "incremental_strategy" not in config:
        config += ", incremental_strategy='merge'"
    first, second = (query_of(text, case.columns) for text in (case.first, case.second))
    return incremental_model(config, first, second)


DUPLICATES = """
{{{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['id', 'part'],
            file_format='{file_format}') }}}}
{{% if var('run', 1) == 1 %}} select 1 as id, 'p' as part, 'first' as name
{{% else %}} select * from values (1, 'p', 'x'), (1, 'p', 'y'), (2, 'p', 'z') as t(id, part, name)
{{% endif %}}
"""
OUTSIDE = """
{{{{ config(materialized='incremental', incremental_strategy='replace_where',
            file_format='{file_format}', incremental_predicates='id < 5') }}}}
select {{% if var('run', 1) == 1 %}} 1 {{% else %}} 9 {{% endif %}} as id
"""


class TestMerges:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {f"{name}.sql": model_of(*case) for name, case in CASES.items()}

    @pytest.fixture(scope="class")
    def second_run(self, project: Any) -> dict[str, Any]:
        return results_of_two_runs()

    @pytest.fixture(scope="class")
    def rows(self, second_run: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        return rows_of(CASES)

    @pytest.mark.parametrize("name", list(CASES))
    def test_pain_30_rows_after_the_second_run(
        self, second_run: dict[str, Any], rows: dict[str, Any], name: str
    ) -> None:
        _, case = CASES[name]
        assert second_run[name].status == "success", second_run[name].message
        found = [{k.lower(): v for k, v in row.items() if "_hoodie" not in k} for row in rows[name]]
        for row in found:
            row.pop("update_hudi_ts", None)
        names = [column.lower() for column in case.columns]
        expected = [
            {k: v for k, v in zip(names, row, strict=True) if v is not None}
            for row in case.expected
        ]
        assert in_order(found) == in_order(expected)

    def test_pain_16_nothing_temporary_is_left(
        self, second_run: dict[str, Any], project: Any, glue_client: Any, s3_client: Any
    ) -> None:
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert {table["Name"] for table in listed} == set(second_run)
        found = s3_client.list_objects_v2(
            Bucket="functional-tests", Prefix=f"warehouse/{project.test_schema}/", Delimiter="/"
        )
        folders = {
            prefix["Prefix"].rstrip("/").rpartition("/")[2] for prefix in found["CommonPrefixes"]
        }
        assert folders == set(second_run)


class TestFaultyRows:
    """Rows that a strategy cannot write: the model says which and why, and the table stays."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            f"{name}_{file_format}.sql": text.format(file_format=file_format)
            for name, text in (("doubled", DUPLICATES), ("outside", OUTSIDE))
            for file_format in ("iceberg", "delta")
        } | {
            "null_key.sql": incremental_model(
                "file_format='hudi', unique_key='id'",
                "select 1 as id, 'first' as name",
                "select * from values (1, 'x'), (null, 'y') as t(id, name)",
            )
        }

    @pytest.fixture(scope="class")
    def second_run(self, project: Any) -> dict[str, Any]:
        return results_of_two_runs(expect_pass=False)

    @pytest.fixture(scope="class")
    def rows(self, second_run: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        return rows_of(second_run)

    @pytest.mark.parametrize("file_format", ["iceberg", "delta"])
    def test_doubled_keys_are_named(
        self, second_run: dict[str, Any], rows: dict[str, Any], file_format: str
    ) -> None:
        result = second_run[f"doubled_{file_format}"]
        assert result.status == "error"
        assert "expected one row for each `id`, `part`" in result.message
        assert "`id` = 1, `part` = p (2 rows)" in result.message
        assert [row["name"] for row in rows[f"doubled_{file_format}"]] == ["first"]

    @pytest.mark.parametrize("file_format", ["iceberg", "delta"])
    def test_a_row_outside_of_the_condition_is_refused(
        self, second_run: dict[str, Any], rows: dict[str, Any], file_format: str
    ) -> None:
        result = second_run[f"outside_{file_format}"]
        assert result.status == "error"
        words = "a row outside of incremental_predicates", "DELTA_REPLACE_WHERE_MISMATCH"
        assert any(word in result.message for word in words), result.message
        assert rows[f"outside_{file_format}"] == [{"id": 1}]

    def test_hudi_takes_no_null_as_a_key(
        self, second_run: dict[str, Any], rows: dict[str, Any]
    ) -> None:
        assert second_run["null_key"].status == "error"
        assert "cannot be null or empty" in second_run["null_key"].message
        assert [(row["id"], row["name"]) for row in rows["null_key"]] == [(1, "first")]


OWN_STRATEGY = """
{% macro get_incremental_twice_sql(arg_dict) %}
  {% set columns = adapter.get_columns_in_relation(arg_dict['temp_relation']) %}
  {% set names = columns | map(attribute='name') | join(', ') %}
  insert into {{ arg_dict['target_relation'] }} ({{ names }})
  select {{ names }} from {{ arg_dict['temp_relation'] }}
  union all
  select {{ arg_dict['temp_relation'] }}.* from {{ arg_dict['temp_relation'] }}
{% endmacro %}
"""
ORDERED = """
{{ config(materialized='incremental', file_format='iceberg', incremental_strategy='append',
          partition_by=['part'],
          pre_hook="create or replace temporary view hooked as select 7 as id",
          post_hook="drop view hooked") }}
select id, 'p' as part from hooked {% if is_incremental() %} order by (id, part) {% endif %}
"""
TWO_PARTITIONS = """
{{ config(materialized='incremental', file_format='delta', incremental_strategy='merge',
          unique_key='id', partition_by=['a', 'b']) }}
select id, {{ var('run', 1) }} as v, 'x' as a, b from values (1, 'y'), (2, 'z') as t(id, b)
"""
MOVED = """
{{ config(materialized='incremental', file_format='hudi', incremental_strategy='merge',
          unique_key='id', partition_by=['part']) }}
select * from values (1, 'p{{ var("run", 1) }}'), (2, 'p') as t(id, part)
"""
ANY_CONF = """
{{ config(materialized='incremental', file_format='parquet', partition_by=['part']) }}
{% if var('run', 1) == 1 %} select * from values (1, 'a'), (2, 'b') as t(id, part)
{% else %} select 3 as id, 'b' as part {% endif %}
"""


class TestPainsOfIncrements:
    """Single models of upstream's issues, in two runs."""

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        return {"twice.sql": OWN_STRATEGY}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "own.sql": incremental_model(
                "file_format='orc', incremental_strategy='twice'",
                "select 1 as id",
                "select 2 as id",
            ),
            "ordered.sql": ORDERED,
            "two_partitions.sql": TWO_PARTITIONS,
            "moved.sql": MOVED,
            "kept.sql": ANY_CONF,
        }

    @pytest.fixture(scope="class")
    def rows(self, project: Any) -> dict[str, list[dict[str, Any]]]:
        run_dbt(["run"])
        run_dbt(["run", "--vars", "run: 2"])
        return rows_of(["own", "ordered", "two_partitions", "moved", "kept"])

    def test_a_strategy_of_the_project(self, rows: dict[str, Any]) -> None:
        assert rows["own"] == [{"id": 1}, {"id": 2}, {"id": 2}]

    def test_pain_06_insert_overwrite_keeps_other_partitions(self, rows: dict[str, Any]) -> None:
        assert rows["kept"] == [{"id": 1, "part": "a"}, {"id": 3, "part": "b"}]

    def test_pain_14_delta_merges_with_two_partition_columns(self, rows: dict[str, Any]) -> None:
        found = [(row["id"], row["v"], row["b"]) for row in rows["two_partitions"]]
        assert sorted(found) == [(1, 2, "y"), (2, 2, "z")]

    def test_pain_41_a_hudi_row_that_moves_to_another_partition_is_one_row(
        self, rows: dict[str, Any]
    ) -> None:
        found = [(row["id"], row["part"]) for row in rows["moved"]]
        assert sorted(found) == [(1, "p2"), (2, "p")]

    def test_pain_43_pre_hooks_run_before_the_increment_is_read(self, rows: dict[str, Any]) -> None:
        """The second run reads a view that its own pre_hook has made."""
        assert {row["id"] for row in rows["ordered"]} == {7}

    def test_pain_51_append_to_iceberg_with_an_order_by(self, rows: dict[str, Any]) -> None:
        assert rows["ordered"] == [{"id": 7, "part": "p"}] * 2


class TestFailedIncrements:
    """A failing query leaves the table as it was, and nothing of its own."""

    BROKEN = "select cast(raise_error('broken on purpose') as int) as id, 'a' as part"

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"here.sql": "select 1 as id"}

    def test_the_table_stays_and_nothing_is_left(
        self, project: Any, glue_client: Any, s3_client: Any
    ) -> None:
        strategies = {
            "parquet_overwrite": "file_format='parquet', partition_by=['part']",
            "parquet_append": "file_format='parquet', incremental_strategy='append'",
            "parquet_itself": "file_format='parquet'",
            "iceberg_merge": "file_format='iceberg', incremental_strategy='merge', unique_key='id'",
            "iceberg_delete_insert": (
                "file_format='iceberg', incremental_strategy='delete+insert', unique_key='id'"
            ),
            "delta_replace": (
                "file_format='delta', incremental_strategy='replace_where', "
                "incremental_predicates='id < 5'"
            ),
            "hudi_merge": "file_format='hudi', unique_key='id'",
        }
        for name, config in strategies.items():
            broken = self.BROKEN
            if name == "parquet_itself":
                broken += " from {{ this }}"
            text = incremental_model(config, "select 1 as id, 'a' as part", broken)
            write_file(text, project.project_root, "models", f"{name}.sql")
        run_dbt(["run"])
        results = run_dbt(["run", "--vars", "run: 2", "--exclude", "here"], expect_pass=False)
        for result in results:
            assert result.status == "error" and "broken on purpose" in result.message, (
                result.message
            )
        rows = rows_of(strategies)
        for name in strategies:
            assert [(row["id"], row["part"]) for row in rows[name]] == [(1, "a")], name
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert {table["Name"] for table in listed} == {"here", *strategies}
        prefix = f"warehouse/{project.test_schema}/"
        found = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=prefix)["Contents"]
        keys = [item["Key"].removeprefix(prefix) for item in found]
        assert {key.partition("/")[0] for key in keys} == set(strategies)
        assert not [key for key in keys if "staging" in key or "_temporary" in key]
