"""Snapshots on Iceberg, Delta and Hudi: what becomes of the history over several runs."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow

FORMATS = ("iceberg", "delta", "hudi")
# The source as it is at each of four runs: 2 changes a row, loses one and has a new one; 3 has the
# lost one back, and a new column; 4 changes a row, and loses the column `note`.
PEOPLE = """
{{ config(materialized='ephemeral') }}
{% set run = var('run', 1) %}
select id, 'p' as part, name, cast(updated_at as timestamp) as Updated_At
  {%- if run < 4 %}, 'n' as note{% endif %}
  {%- if run > 2 %}, case when id = 4 then 'x' end as extra{% endif %}
from values
{% if run == 1 %}
  (1, 'one', '2024-01-01'), (2, 'two', '2024-01-01'), (3, 'gone', '2024-01-01')
{% elif run == 2 %}
  (1, 'one', '2024-01-01'), (2, 'TWO', '2024-01-02'), (4, 'new', '2024-01-02')
{% else %}
  {{ "(1, 'one', '2024-01-01')" if run == 3 else "(1, 'uno', '2024-01-04')" }},
  (2, 'TWO', '2024-01-02'), (3, 'back', '2024-01-03'), (4, 'new', '2024-01-03')
{% endif %} as t(id, name, updated_at)
"""
SNAPSHOT = """
{{% snapshot {name} %}}
{{{{ config(file_format='{file_format}', {config}) }}}}
select * from {{{{ ref('people') }}}} -- a comment at the end
{{% endsnapshot %}}
"""
HOOK = "create view {{{{ target.schema }}}}.{}_{{{{ var('run') }}}} as select 1 as id"
OWN_NAMES = {
    "dbt_valid_from": "Starts_At",
    "dbt_valid_to": "Ends_At",
    "dbt_scd_id": "Version_Id",
    "dbt_updated_at": "Seen_At",
    "dbt_is_deleted": "Is_Deleted",
}
TIMESTAMP = "strategy='timestamp', updated_at='updated_at', unique_key='id'"
CONFIGS = {
    "invalidate": f"{TIMESTAMP}, hard_deletes='invalidate'",
    "check_all": "strategy='check', check_cols='all', unique_key='ID'",
    "own_names": (
        "strategy='check', check_cols=['Name'], unique_key=['id', 'part'], "
        f"hard_deletes='new_record', snapshot_meta_column_names={OWN_NAMES}, "
        "dbt_valid_to_current=\"to_date('9999-12-31')\""
    ),
    "grown": f"{TIMESTAMP}, hard_deletes='new_record' if var('run', 1) > 1 else 'ignore'",
}
CLOSED, CURRENT = "closed", "current"
# (id, name, state, whether it stands for a deletion) after the four runs
HISTORY = {
    "invalidate": [
        *((1, "one", CLOSED, None), (1, "uno", CURRENT, None)),
        *((2, "TWO", CURRENT, None), (2, "two", CLOSED, None)),
        *((3, "back", CURRENT, None), (3, "gone", CLOSED, None)),
        *((4, "new", CLOSED, None), (4, "new", CURRENT, None)),
    ],
    # deletions are ignored; a new column makes every row another one
    "check_all": [
        *((1, "one", CLOSED, None), (1, "one", CLOSED, None), (1, "uno", CURRENT, None)),
        *((2, "TWO", CLOSED, None), (2, "TWO", CURRENT, None), (2, "two", CLOSED, None)),
        *((3, "back", CURRENT, None), (3, "gone", CLOSED, None)),
        *((4, "new", CLOSED, None), (4, "new", CURRENT, None)),
    ],
    # of 4 only `extra` and `updated_at` have changed, which are not compared
    "own_names": [
        *((1, "one", CLOSED, "False"), (1, "uno", CURRENT, "False")),
        *((2, "TWO", CURRENT, "False"), (2, "two", CLOSED, "False")),
        *((3, "back", CURRENT, "False"), (3, "gone", CLOSED, "False"), (3, "gone", CLOSED, "True")),
        (4, "new", CURRENT, "False"),
    ],
    # the column dbt_is_deleted has come by the second run
    "grown": [
        *((1, "one", CLOSED, "False"), (1, "uno", CURRENT, "False")),
        *((2, "TWO", CURRENT, "False"), (2, "two", CLOSED, "False")),
        *((3, "back", CURRENT, "False"), (3, "gone", CLOSED, "False"), (3, "gone", CLOSED, "True")),
        *((4, "new", CLOSED, "False"), (4, "new", CURRENT, "False")),
    ],
}


def _snapshots() -> dict[str, str]:
    found = {}
    for file_format in FORMATS:
        for kind, config in CONFIGS.items():
            if (kind, file_format) == ("invalidate", "delta"):
                config = f"{TIMESTAMP}, invalidate_hard_deletes=true"  # the older name
            name = f"{kind}_{file_format}"
            found[f"{name}.sql"] = SNAPSHOT.format(
                name=name, file_format=file_format, config=config
            )
    return found


def table(project: Any, name: str) -> str:
    prefix = "glue_catalog." if name.endswith("iceberg") else ""
    return f"{prefix}{project.test_schema}.{name}"


class TestHistory:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"people.sql": PEOPLE}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return _snapshots()

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "snapshots": {
                "test": {
                    "invalidate_iceberg": {
                        "+pre-hook": HOOK.format("before"),
                        "+post-hook": HOOK.format("after"),
                    }
                }
            }
        }

    @pytest.fixture(scope="class")
    def four_runs(self, project: Any) -> Any:
        for run in (1, 2, 3, 4):
            results = run_dbt(["snapshot", "--vars", f"run: {run}"])
            assert {result.status for result in results} == {"success"}
        return project

    @pytest.mark.parametrize("file_format", FORMATS)
    @pytest.mark.parametrize("kind", list(CONFIGS))
    def test_pain_18_history(self, four_runs: Any, kind: str, file_format: str) -> None:
        valid_to = "ends_at" if kind == "own_names" else "dbt_valid_to"
        current = f"{valid_to} is null or year({valid_to}) = 9999"
        deleted = {"own_names": "is_deleted", "grown": "dbt_is_deleted"}.get(kind, "null")
        rows = four_runs.run_sql(
            f"select id, name, case when {current} then '{CURRENT}' else '{CLOSED}' end, "
            f"{deleted} from {table(four_runs, f'{kind}_{file_format}')} order by 1, 2, 4, 3",
            fetch="all",
        )
        expected = sorted(HISTORY[kind], key=lambda row: (row[0], row[1], row[3] or "", row[2]))
        assert [tuple(row) for row in rows] == expected

    @pytest.mark.parametrize("file_format", FORMATS)
    def test_columns_that_come_and_go(self, four_runs: Any, file_format: str) -> None:
        rows = four_runs.run_sql(
            "select id, name, note, extra from "
            f"{table(four_runs, f'invalidate_{file_format}')} order by updated_at, id",
            fetch="all",
        )
        assert [tuple(row) for row in rows] == [
            *((1, "one", "n", None), (2, "two", "n", None), (3, "gone", "n", None)),
            *((2, "TWO", "n", None), (4, "new", "n", None)),
            *((3, "back", "n", None), (4, "new", "n", "x")),
            (1, "uno", None, None),
        ]

    def test_periods_follow_each_other(self, four_runs: Any) -> None:
        for name in (f"check_all_{file_format}" for file_format in FORMATS):
            (gaps,) = four_runs.run_sql(
                "select count(*) from (select dbt_valid_to, lead(dbt_valid_from) over ("
                f"partition by id order by dbt_valid_from) as next from {table(four_runs, name)}) "
                "where dbt_valid_to <> next or (dbt_valid_to is null and next is not null)",
                fetch="one",
            )
            assert (name, gaps) == (name, 0)

    def test_hooks_have_run_and_nothing_is_left(self, four_runs: Any, glue_client: Any) -> None:
        found = glue_client.get_tables(DatabaseName=four_runs.test_schema, MaxResults=100)
        built = {f"{kind}_{file_format}" for kind in CONFIGS for file_format in FORMATS}
        hooks = {f"{when}_{run}" for when in ("before", "after") for run in (1, 2, 3, 4)}
        assert {item["Name"] for item in found["TableList"]} == built | hooks


FAILS = """
{% snapshot fails %}
{{ config(file_format='iceberg', strategy='check', check_cols='all', unique_key='id') }}
select 1 as id, {{ "raise_error('no more')" if var('broken', false) else "'fine'" }} as word
{% endsnapshot %}
"""
FLAT = """
{% snapshot flat %}
{{ config(file_format='parquet', strategy='check', check_cols='all', unique_key='id') }}
select 1 as id
{% endsnapshot %}
"""


class TestFailures:
    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {"fails.sql": FAILS, "flat.sql": FLAT}

    def test_what_is_refused_and_what_a_failure_leaves(
        self, project: Any, glue_client: Any
    ) -> None:
        results = {r.node.name: r for r in run_dbt(["snapshot"], expect_pass=False)}
        assert results["fails"].status == "success"
        for word in ("parquet", "iceberg", "delta", "hudi"):
            assert word in results["flat"].message.lower()
        vars_ = ["--vars", "broken: true", "--exclude", "flat"]
        (result,) = run_dbt(["snapshot", *vars_], expect_pass=False)
        assert "no more" in result.message
        rows = project.run_sql(
            f"select id, word, dbt_valid_to from glue_catalog.{project.test_schema}.fails",
            fetch="all",
        )
        assert [tuple(row) for row in rows] == [(1, "fine", None)]
        found = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert [item["Name"] for item in found] == ["fails"]
        shown = project.run_sql(f"show views in {project.test_schema}", fetch="all")
        assert [row for row in shown if "fails" in row[1]] == []


# Run 2 has the fields in another order, and another value of 1; run 3 one more field and column.
SHAPES = """
{{ config(materialized='ephemeral') }}
{% set a = "case when id = 1 then 'ONE' else 'two' end" %}
select id,
{% if var('run', 1) == 1 %}
  named_struct('a', name, 'b', 'x') as s, array(named_struct('n', id, 'm', -id)) as list
{% else %}
  named_struct('b', 'x', 'a', {{ a }}{{ ", 'c', 'new'" if var('run') == 3 }}) as s,
  array(named_struct('m', -id, 'n', id)) as list
  {{- ", cast(1.25 as decimal(18,2)) as price" if var('run') == 3 }}
{% endif %}
from values (1, 'one'), (2, 'two') as t(id, name)
"""
SHAPED = """
{{% snapshot shaped_{file_format} %}}
{{{{ config(file_format='{file_format}', strategy='check', check_cols={check}, unique_key='id') }}}}
select {columns} from {{{{ ref('shapes') }}}};
{{% endsnapshot %}}
"""


class TestStructs:
    """Fields of structs go by name, in what is compared and in what is written."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"shapes.sql": SHAPES}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {
            f"shaped_{name}.sql": SHAPED.format(
                file_format=name,
                check="'all'" if name != "delta" else "['s']",
                # Hudi's MERGE refuses an array that could hold nulls where the table's could not
                columns="*" if name != "hudi" else "id, s",
            )
            for name in FORMATS
        }

    def found(self, project: Any, file_format: str, fields: str) -> list[tuple[Any, ...]]:
        name = table(project, f"shaped_{file_format}")
        of_list = "list[0].n, list[0].m" if file_format != "hudi" else "id, -id"
        rows = project.run_sql(
            f"select id, {fields}, {of_list}, dbt_valid_to is null from {name} "
            "order by id, dbt_valid_from, dbt_valid_to nulls last",
            fetch="all",
        )
        return [tuple(row) for row in rows]

    def test_fields_in_another_order_and_a_new_one(self, project: Any) -> None:
        for run in (1, 2, 2):
            run_dbt(["snapshot", "--vars", f"run: {run}"])
        for name in FORMATS:
            assert self.found(project, name, "s.a, s.b") == [
                *((1, "one", "x", 1, -1, False), (1, "ONE", "x", 1, -1, True)),
                (2, "two", "x", 2, -2, True),
            ], name

        results = run_dbt(["snapshot", "--vars", "run: 3"], expect_pass=False)
        told = {result.node.name: (result.status, result.message) for result in results}
        status, message = told.pop("shaped_hudi")
        assert status == "error" and "hudi cannot add a field to a struct: s.c" in message
        assert {status for status, _ in told.values()} == {"success"}
        for name in ("iceberg", "delta"):
            assert self.found(project, name, "s.a, s.b, s.c") == [
                (1, "one", "x", None, 1, -1, False),
                *((1, "ONE", "x", None, 1, -1, False), (1, "ONE", "x", "new", 1, -1, True)),
                *((2, "two", "x", None, 2, -2, False), (2, "two", "x", "new", 2, -2, True)),
            ], name
            rows = project.run_sql(
                f"select distinct cast(price as string) from {table(project, f'shaped_{name}')} "
                "where dbt_valid_to is null",
                fetch="all",
            )
            assert [row[0] for row in rows] == ["1.25"], name


UNFILLED = """
{% snapshot unfilled %}
{{ config(file_format='delta', strategy='check', check_cols='all', unique_key='id',
          hard_deletes='new_record' if var('run', 1) > 1 else 'ignore') }}
select * from values (1, 'kept'), (2, 'gone') as t(id, name)
where id = 1 or {{ var('run', 1) }} < 3
{% endsnapshot %}
"""


class TestUnfilledColumn:
    """The one UPDATE that fills dbt_is_deleted fails: the next run makes up for it."""

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {"unfilled.sql": UNFILLED}

    def test_deletions_are_seen_all_the_same(self, project: Any) -> None:
        name = f"{project.test_schema}.unfilled"
        append_only = f"alter table {name} set tblproperties ('delta.appendOnly' = '{{}}')"
        run_dbt(["snapshot"])
        project.run_sql(append_only.format("true"))
        (result,) = run_dbt(["snapshot", "--vars", "run: 2"], expect_pass=False)
        assert "append" in result.message
        project.run_sql(append_only.format("false"))
        for _ in range(2):
            run_dbt(["snapshot", "--vars", "run: 3"])
        rows = project.run_sql(
            f"select id, dbt_is_deleted, dbt_valid_to is null from {name} order by 1, 2",
            fetch="all",
        )
        expected = [(1, "False", True), (2, "False", False), (2, "True", True)]
        assert [tuple(row) for row in rows] == expected
        described = project.run_sql(f"describe {name}", fetch="all")
        assert [row[2] or "" for row in described if row[0] == "dbt_is_deleted"] == [""]
