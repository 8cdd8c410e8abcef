import pytest
from dbt_common.exceptions import CompilationError

from .harness import FakeProject, columns


def seed(**config: object) -> FakeProject:
    types = {"id": "bigint", "n": "string", "tags": "array<string>"}
    return FakeProject("seed", materialized="seed", column_types=types, **config)


def test_seed_travels_as_text_and_gets_its_types_in_one_query() -> None:
    view, cleared, created, dropped, deleted = seed().run("seed")
    assert view == (
        "create or replace temporary view `tab__dbt_tmp_1` ( `id` string, `n` string, "
        "`tags` string ) using json options (path 's3://b/tmp/1')"
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
        dbt_change_type="string", id="int", new="int", dbt_unique_key="int", **scd
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
    asked, added, merged = project.run("snapshot")
    assert asked.startswith("select * from ( with snapshot_query as")
    assert added == "alter table `sch`.`tab` add columns (`new` int)"
    assert "merge into `sch`.`tab` as DBT_INTERNAL_DEST using ( with snapshot_query" in merged
    assert "insert (`id`, `new`, `dbt_scd_id`, `dbt_valid_to`) values" in merged


def test_snapshot_gets_the_column_of_deleted_rows_when_it_is_first_asked_for() -> None:
    project = snapshot("delta", hard_deletes="new_record")
    project.existing("delta")
    added, filled, *_ = project.run("snapshot")
    assert added == "alter table `sch`.`tab` add columns (`dbt_is_deleted` string)"
    assert filled == "update `sch`.`tab` set `dbt_is_deleted` = 'False'"


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
