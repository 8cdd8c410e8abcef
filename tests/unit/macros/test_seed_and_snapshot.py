import pytest
from dbt_common.exceptions import CompilationError

from dbt.adapters.glue.column import GlueColumn

from .harness import FakeProject, columns


def seed(**config: object) -> FakeProject:
    types = {"id": "bigint", "n": "string", "tags": "array<string>"}
    return FakeProject("seed", materialized="seed", column_types=types, **config)


def test_seed_travels_as_text_and_gets_its_types_in_one_query() -> None:
    view, cleared, created, dropped, deleted = seed().run("seed")
    assert view == (
        "create or replace temporary view `tab__dbt_tmp_1` ( `id` string, `n` string, "
        "`tags` string ) using json options (path 's3://b/tmp/1', mode 'FAILFAST', "
        "columnNameOfCorruptRecord '')"
    )
    assert cleared == "CLEAR s3://b/sch/tab"
    assert created.startswith("create table `sch`.`tab` using parquet location")
    assert (
        "case when cast(`id` as bigint) is null and trim(`id`) <> '' then raise_error("
        "concat('seed tab, column id: cannot cast \"', `id`, '\" to bigint')) "
        "else cast(`id` as bigint) end as `id`, `n` as `n`," in created
    )
    assert "from_json(`tags`, 'array<string>')" in created
    assert (dropped, deleted) == (
        "drop view if exists `tab__dbt_tmp_1`",
        "DELETE PATH s3://b/tmp/1",
    )


def test_seed_append() -> None:
    project = seed(seed_mode="append")
    project.existing("parquet")
    assert project.run("seed")[1].startswith("insert into `sch`.`tab` (`id`, `n`, `tags`) select")


def test_seed_in_the_profiles_format() -> None:
    project = seed()
    project.context["target"]["seed_format"] = "iceberg"
    assert "create table glue_catalog.`sch`.`tab` using iceberg" in project.run("seed")[2]


def test_seed_over_a_view_is_refused() -> None:
    project = seed()
    project.existing(None, type="view")
    with pytest.raises(CompilationError, match="it is a view"):
        project.run("seed")


def snapshot(name: str, **more: object) -> FakeProject:
    project = FakeProject(
        "snapshot",
        materialized="snapshot",
        file_format=name,
        strategy="timestamp",
        unique_key="id",
        updated_at="ts",
        **more,
    )
    scd = {"dbt_scd_id": "string", "dbt_valid_to": "timestamp"}
    project.adapter.columns["tab"] = columns(id="int", **scd)
    project.adapter.increment_columns = columns(
        dbt_change_type="string", id="int", new="decimal(18,2)", dbt_unique_key="int", **scd
    )
    return project


def test_snapshot_takes_formats_that_update() -> None:
    with pytest.raises(CompilationError, match="expected iceberg, delta, hudi or s3tables"):
        snapshot("parquet").run("snapshot")


def test_snapshot_in_hudi_is_keyed_by_the_version_of_the_row() -> None:
    assert "'primaryKey' = 'dbt_scd_id'" in snapshot("hudi").run("snapshot")[-1]


def test_snapshot_stages_and_merges_in_one_statement_and_adds_new_columns() -> None:
    project = snapshot("delta")
    project.existing("delta")
    added, merged = project.run("snapshot")
    assert added == "alter table `sch`.`tab` add columns (`new` decimal(18,2))"
    assert "merge into `sch`.`tab` as DBT_INTERNAL_DEST using ( with snapshot_query" in merged
    assert "insert (`id`, `new`, `dbt_scd_id`, `dbt_valid_to`) values" in merged


def test_snapshot_gets_the_column_of_deleted_rows_when_it_is_first_asked_for() -> None:
    project = snapshot("delta", hard_deletes="new_record")
    project.existing("delta")
    added, filled, noted, *_ = project.run("snapshot")
    assert added == (
        "alter table `sch`.`tab` add columns (`dbt_is_deleted` string "
        "comment 'being filled by dbt')"
    )
    assert filled == (
        "update `sch`.`tab` set `dbt_is_deleted` = 'False' where `dbt_is_deleted` is null"
    )
    assert noted == "alter table `sch`.`tab` alter column `dbt_is_deleted` comment ''"


@pytest.mark.parametrize(
    "comment,filled", [("being filled by dbt", True), ("of the docs", False), (None, False)]
)
def test_snapshot_fills_the_column_of_deleted_rows_after_a_failure(
    comment: str | None, filled: bool
) -> None:
    project = snapshot("delta", hard_deletes="new_record")
    project.existing("delta")
    project.adapter.columns["tab"].append(GlueColumn("dbt_is_deleted", "string", comment=comment))
    log = project.run("snapshot")
    assert (log[0].startswith("update `sch`.`tab` set `dbt_is_deleted`")) is filled
    assert not [line for line in log if "add columns (`dbt_is_deleted`" in line]


def test_snapshot_with_structs_writes_and_compares_fields_by_name() -> None:
    project = snapshot("iceberg")
    project.existing("iceberg")
    project.adapter.columns["tab"].extend(columns(s="struct<a:int,b:int>"))
    project.adapter.increment_columns.extend(columns(s="struct<b:int,c:int,a:int>"))
    added, *_, merged = project.run("snapshot")
    assert added == "alter table glue_catalog.`sch`.`tab` add columns (`s`.`c` int)"
    # this catalog is not told of the change, so the new field is left out
    assert "with snapshot_query as ( select * from ( select" in merged
    assert "named_struct('a', `s`.`a`, 'b', `s`.`b`)) as `s`" in merged


def test_snapshot_of_another_format_is_refused() -> None:
    project = snapshot("delta")
    project.existing("iceberg")
    with pytest.raises(CompilationError, match="configured as delta"):
        project.run("snapshot")


def test_check_strategy_compares_names_in_any_case() -> None:
    project = snapshot("delta")
    project.existing("delta")
    project.adapter.query_columns = ["ID"]
    check = project.macro("snapshot_check_all_get_existing_columns")
    assert check(project.context["model"], True, "all") == (False, ["`id`"])
    project.adapter.query_columns = ["ID", "more"]
    assert check(project.context["model"], True, ["ID", "more"]) == (True, ["`id`"])
