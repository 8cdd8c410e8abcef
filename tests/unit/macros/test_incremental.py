import pytest
from dbt_common.exceptions import CompilationError, DbtRuntimeError

from .harness import FakeProject, columns

TARGET = {"id": "int", "order": "string", "d": "date"}


def increment(name: str, **config: object) -> FakeProject:
    project = FakeProject(materialized="incremental", file_format=name, **config)
    project.existing(name)
    project.adapter.columns["tab"] = columns(**TARGET)
    project.adapter.increment_columns = columns(**TARGET)
    return project


def test_default_overwrites_the_partitions_written() -> None:
    (written,) = increment("parquet").run("incremental")
    assert written == (
        "insert overwrite `sch`.`tab` (`id`, `order`, `d`) select `id`, `order`, `d` "
        "from ( select 1 as id )"
    )


def test_append() -> None:
    (written,) = increment("orc", incremental_strategy="append").run("incremental")
    assert written.startswith("insert into `sch`.`tab` (`id`, `order`, `d`) select")


@pytest.mark.parametrize("name", ["iceberg", "delta"])
def test_merge(name: str) -> None:
    project = increment(
        name,
        incremental_strategy="merge",
        unique_key=["id", "order"],
        merge_exclude_columns=["ID"],
        incremental_predicates=["DBT_INTERNAL_DEST.d > '2024-01-01'"],
    )
    (merged,) = project.run("incremental")
    assert project.adapter.keys == ["`id`", "`order`"]
    assert merged.endswith(
        f"merge into {project.adapter.relation} as DBT_INTERNAL_DEST "
        "using ( select 1 as id ) as DBT_INTERNAL_SOURCE "
        "on (DBT_INTERNAL_DEST.d > '2024-01-01') "
        "and ((DBT_INTERNAL_SOURCE.`id` = DBT_INTERNAL_DEST.`id`)) "
        "and ((DBT_INTERNAL_SOURCE.`order` = DBT_INTERNAL_DEST.`order`)) "
        "when matched then update set `order` = DBT_INTERNAL_SOURCE.`order`, "
        "`d` = DBT_INTERNAL_SOURCE.`d` "
        "when not matched then insert (`id`, `order`, `d`) values (DBT_INTERNAL_SOURCE.`id`, "
        "DBT_INTERNAL_SOURCE.`order`, DBT_INTERNAL_SOURCE.`d`)"
    )


def test_merge_without_a_key_appends() -> None:
    (merged,) = increment("iceberg", incremental_strategy="merge").run("incremental")
    assert "on (false) when not matched then insert" in merged


def test_hudi_merges_by_key_unless_told_otherwise() -> None:
    project = increment("hudi", unique_key="id", predicates=["x = 1"])
    merged = project.run("incremental")[1]
    assert "on (DBT_INTERNAL_SOURCE.`id` = DBT_INTERNAL_DEST.`id`) when matched" in merged
    assert "predicates are not used" in project.warnings[0]


@pytest.mark.parametrize(
    "name,config,message",
    [
        ("hudi", {}, "unique_key"),
        (
            "parquet",
            {"incremental_strategy": "merge", "unique_key": "id"},
            "append, insert_overwrite",
        ),
        ("iceberg", {"incremental_strategy": "upsert"}, "append, insert_overwrite, merge"),
    ],
)
def test_what_cannot_work_is_refused_before_any_sql(name: str, config: dict, message: str) -> None:
    project = increment(name, **config)
    with pytest.raises(CompilationError, match=message):
        project.run("incremental")
    assert project.adapter.log == []


def test_a_plain_table_that_reads_itself_is_staged() -> None:
    project = increment("parquet", sql="select * from `sch`.`tab`")
    staged, written, dropped, deleted = project.run("incremental")
    assert staged == (
        "create table `sch`.`tab__dbt_tmp_1` using parquet "
        "location 's3://b/sch/tab__dbt_tmp_1' as select * from `sch`.`tab`"
    )
    assert project.adapter.remembered == ["`sch`.`tab__dbt_tmp_1`"]
    assert written.endswith("from `sch`.`tab__dbt_tmp_1`")
    assert dropped == "drop table if exists `sch`.`tab__dbt_tmp_1`"
    assert deleted == "DELETE DATA s3://b/recorded/tab__dbt_tmp_1"


def test_partitions_and_table_formats_may_read_themselves() -> None:
    sql = "select * from `sch`.`tab`"
    assert len(increment("parquet", sql=sql, partition_by="d").run("incremental")) == 1
    assert len(increment("delta", sql=sql).run("incremental")) == 1


def test_full_refresh_rebuilds() -> None:
    project = increment("iceberg", full_refresh=True)
    assert project.run("incremental")[0].startswith("create or replace table glue_catalog.")


def test_another_format_rebuilds_from_all_rows() -> None:
    project = increment("parquet")
    project.existing("iceberg")
    assert project.macro("is_incremental")() is False
    assert not [line for line in project.run("incremental") if line.startswith("insert into")]


def test_is_incremental() -> None:
    assert increment("parquet").macro("is_incremental")() is True
    assert increment("parquet", full_refresh=True).macro("is_incremental")() is False


def change(name: str, mode: str, **increment_types: str) -> FakeProject:
    project = increment(name, on_schema_change=mode, incremental_strategy="append")
    project.adapter.increment_columns = columns(**increment_types)
    return project


def test_new_columns_are_added_and_absent_ones_written_as_null() -> None:
    project = change("iceberg", "append_new_columns", ID="int", extra="array<int>")
    log = project.run("incremental")
    assert log[0] == "alter table glue_catalog.`sch`.`tab` add columns (`extra` array<int>)"
    assert "cast(null as string) as `order`" in log[1]


def test_fail_says_what_changed() -> None:
    project = change("parquet", "fail", id="int", order="string", d="date", extra="int")
    with pytest.raises(CompilationError, match="out of sync"):
        project.run("incremental")


def test_sync_drops_columns_where_the_format_can() -> None:
    log = change("iceberg", "sync_all_columns", id="bigint", order="string").run("incremental")
    assert log[0] == "alter table glue_catalog.`sch`.`tab` drop columns (`d`)"
    assert log[1] == "alter table glue_catalog.`sch`.`tab` alter column `id` type bigint"


def test_sync_is_refused_where_the_format_cannot() -> None:
    with pytest.raises(CompilationError, match="parquet cannot drop columns"):
        change("parquet", "sync_all_columns", id="int", order="string").run("incremental")


def test_fields_of_structs_are_added_and_written_by_name() -> None:
    project = change("iceberg", "append_new_columns", id="int", s="struct<b:int,c:int,a:int>")
    project.adapter.columns["tab"] = columns(id="int", s="struct<a:int,b:int>")
    added, written = project.run("incremental")
    assert added == "alter table glue_catalog.`sch`.`tab` add columns (`s`.`c` int)"
    # this catalog is not told of the change, so the new field is left out
    assert "named_struct('a', `s`.`a`, 'b', `s`.`b`)) as `s`" in written


def test_fields_of_structs_are_quoted_where_the_increment_lacks_them() -> None:
    nothing = "cast(null as struct<`my-col`:int>)"
    for strategy in ("append", "replace_where"):
        project = increment(
            "iceberg",
            on_schema_change="append_new_columns",
            incremental_strategy=strategy,
            incremental_predicates=["true"],
        )
        project.adapter.columns["tab"] = columns(**{"s": "struct<my-col:int>", **TARGET})
        project.adapter.version = "3.5.4"
        written = project.run("incremental")[-1]
        assert nothing in written or "struct(*)" in written
    checked = project.render(
        "glue__checked_columns",
        {"target_columns": project.adapter.columns["tab"], "dest_columns": columns(**TARGET)},
        "true",
        "raise_error('x')",
    )
    assert checked.startswith(
        f"if(coalesce(true, false), {nothing}, cast(raise_error('x') as struct<`my-col`:int>))"
    )


def test_a_mixed_name_is_seen_in_the_query() -> None:
    project = increment("parquet", sql="select * from `sch`.`Tab`")
    assert project.run("incremental")[0].startswith("create table `sch`.`tab__dbt_tmp_1` using")


def test_a_python_model_that_names_its_table_in_another_case_reads_it() -> None:
    project = increment("parquet")
    model = project.context["model"]
    model["language"] = model.language = "python"
    model["raw_code"] = model.raw_code = "spark.sql('from sch.Tab')"
    assert project.macro("glue__reads_itself")(project.adapter.relation, "") is True


@pytest.mark.parametrize(
    "config", [{"merge_exclude_columns": "ORDER"}, {"merge_update_columns": "d"}]
)
def test_columns_of_a_merge_given_as_a_text(config: dict[str, str]) -> None:
    project = increment("iceberg", incremental_strategy="merge", unique_key="d", **config)
    updated = project.run("incremental")[0].partition("then update set ")[2].partition(" when")[0]
    left = ["id", "d"] if "merge_exclude_columns" in config else ["d"]
    assert updated == ", ".join(f"`{name}` = DBT_INTERNAL_SOURCE.`{name}`" for name in left)


def test_pain_44_an_increment_is_read_without_a_schema() -> None:
    project = increment("delta", incremental_strategy="merge", unique_key="id")
    assert "using ( select 1 as id ) as DBT_INTERNAL_SOURCE" in project.run("incremental")[0]
    view = project.macro("make_temp_relation")(project.this)
    assert str(view) == "`tab__dbt_tmp_1`"


def test_conditions_of_a_merge() -> None:
    (merged,) = increment(
        "delta",
        incremental_strategy="merge",
        unique_key="id",
        source_alias="s",
        target_alias="t",
        delete_condition="s.gone",
        matched_condition="s.d > t.d",
        insert_condition="s.id > 0",
        not_matched_by_source_action="delete",
        not_matched_by_source_condition="t.d is null",
    ).run("incremental")
    assert "as t using ( select 1 as id ) as s on (s.`id` = t.`id`)" in merged.replace("((", "(")
    steps = [step.split(" then ")[0] for step in merged.split(" when ")[1:]]
    assert steps == [
        "matched and (s.gone)",
        "matched and (s.d > t.d)",
        "not matched and (s.id > 0)",
        "not matched by source and (t.d is null)",
    ]


def test_steps_of_a_merge_are_skipped() -> None:
    (merged,) = increment(
        "delta", incremental_strategy="merge", unique_key="id", skip_matched_step=True
    ).run("incremental")
    assert "when matched" not in merged and "when not matched then insert" in merged


@pytest.mark.parametrize("name", ["iceberg", "delta"])
def test_delete_insert_is_one_merge(name: str) -> None:
    project = increment(name, incremental_strategy="delete+insert", unique_key=["id", "d"])
    (merged,) = project.run("incremental")
    assert "partition by __dbt_key_1, __dbt_key_2 order by 1" in merged
    assert "when matched then delete when not matched and not" in merged


def test_replace_where() -> None:
    config = {"incremental_strategy": "replace_where", "incremental_predicates": ["id > 1", "d"]}
    (written,) = increment("delta", **config).run("incremental")
    assert written.startswith("insert into `sch`.`tab` replace where (id > 1) and (d) select")
    (merged,) = increment("iceberg", **config).run("incremental")
    assert merged.endswith(
        "DBT_INTERNAL_SOURCE.__dbt_row.`order`, DBT_INTERNAL_SOURCE.__dbt_row.`d`)"
    )
    assert "raise_error('The increment has a row outside of incremental_predicates" in merged


def batch_of(name: str, **config: object) -> FakeProject:
    project = increment(
        name, incremental_strategy="microbatch", event_time="d", batch_size="day", **config
    )
    model = project.context["model"]
    model["batch"] = model.batch = {
        "event_time_start": "2024-03-01T00:00:00+00:00",
        "event_time_end": "2024-03-02T00:00:00+00:00",
    }
    return project


WINDOW = "`d` >= date'2024-03-01' and `d` < date'2024-03-02'"


@pytest.mark.parametrize(
    "name,partition_by,verb",
    [
        ("iceberg", "days(d)", "insert into glue_catalog.`sch`.`tab` replace where (`d` >= date"),
        ("iceberg", None, "merge into glue_catalog.`sch`.`tab`"),
        ("delta", None, "insert into `sch`.`tab` replace where (`d` >= date'2024-03-01' and `d` <"),
        ("parquet", "d", "insert overwrite `sch`.`tab`"),
    ],
)
def test_microbatch(name: str, partition_by: str | None, verb: str) -> None:
    (written,) = batch_of(name, partition_by=partition_by).run("incremental")
    assert written.startswith(verb)
    assert "union all select `id`" not in written


def test_a_batch_keeps_what_its_partitions_have_of_other_times() -> None:
    project = batch_of("hudi", partition_by="order", unique_key="id")
    project.adapter.columns["tab"][1].partition = True
    project.adapter.rows = [("x",), (None,)]
    _, asked, written = project.run("incremental")
    assert asked.startswith("select distinct cast(cast(`order` as string) as string) from (")
    touched = "((`order` in ('x') or `order` is null))"
    assert f"select if(coalesce(({WINDOW}) and {touched}, false), `id`, cast(raise" in written
    assert written.endswith(
        f"union all select `id`, `order`, `d` from `sch`.`tab` where {touched} "
        f"and not coalesce({WINDOW}, false)"
    )


@pytest.mark.parametrize(("by", "name"), [("order", "hudi"), ("order", "csv"), ("d", "parquet")])
def test_a_batch_keeps_what_incremental_predicates_leave_out(by: str, name: str) -> None:
    """Also where a partition has rows of one batch only."""
    predicates = ["`order` > 'a'", "id < 9"]
    project = batch_of(name, partition_by=by, unique_key="id", incremental_predicates=predicates)
    at = list(TARGET).index(by)
    project.adapter.columns["tab"][at].partition = True
    project.adapter.rows = [("2024-03-01",)]
    written = project.run("incremental")[-1]
    replaced = f"({WINDOW}) and (`order` > 'a') and (id < 9)"
    kind = "'2024-03-01'" if by == "order" else "cast('2024-03-01' as date)"
    touched = f"((`{by}` in ({kind})))"
    assert f"select if(coalesce(({replaced}) and {touched}, false), `id`, cast(raise" in written
    assert written.endswith(
        f"union all select `id`, `order`, `d` from `sch`.`tab` where {touched} "
        f"and not coalesce({replaced}, false)"
    )


def test_rows_that_predicates_leave_out_are_of_the_same_batch() -> None:
    project = batch_of(
        "orc", partition_by="order", concurrent_batches=True, incremental_predicates=["id < 9"]
    )
    project.adapter.columns["tab"][1].partition = True
    written = project.run("incremental")[-1]
    assert f"union all select if(coalesce({WINDOW}, false), `id`, cast(raise_error(" in written


def test_batches_that_meet_at_the_same_time_fail() -> None:
    project = batch_of("orc", partition_by="order", concurrent_batches=True)
    project.adapter.columns["tab"][1].partition = True
    written = project.run("incremental")[-1]
    assert "union all select cast(raise_error('partition_by: a partition has rows" in written


def test_batches_of_a_table_that_has_no_partitions_are_refused() -> None:
    with pytest.raises(DbtRuntimeError, match="full-refresh"):
        batch_of("orc", partition_by="order").run("incremental")


@pytest.mark.parametrize(
    "described,replaced",
    [
        ([("id", "int", None)], True),
        ([("id", "int", None), ("# Partitioning", "", ""), ("Not partitioned", "", "")], True),
        ([("id", "int", None), ("# Partition Information", "", "")], False),
        ([("id", "int", None), ("# Partitioning", "", ""), ("Part 0", "days(d)", "")], False),
    ],
)
def test_an_iceberg_table_without_partitions_is_replaced_by_no_rows_too(
    described: list[tuple[object, ...]], replaced: bool
) -> None:
    project = increment("iceberg")
    project.adapter.rows = described
    asked, written = project.run("incremental")
    assert asked == "describe table glue_catalog.`sch`.`tab`"
    assert written.startswith(
        "insert into glue_catalog.`sch`.`tab` replace where true select `id` as `id`,"
        if replaced
        else "insert overwrite glue_catalog.`sch`.`tab` ("
    )


def test_snapshots_are_expired_when_asked() -> None:
    assert "EXPIRE" not in " ".join(increment("iceberg").run("incremental"))
    asked = increment("iceberg", iceberg_expire_snapshots="True").run("incremental")
    assert asked[-1] == "EXPIRE glue_catalog.`sch`.`tab`"


def test_a_refused_schema_change_changes_nothing() -> None:
    project = increment(
        "parquet", incremental_strategy="append", on_schema_change="sync_all_columns"
    )
    project.adapter.increment_columns = columns(id="int", order="string", new="int")
    with pytest.raises(CompilationError, match="cannot drop columns"):
        project.run("incremental")
    assert not [line for line in project.adapter.log if line.startswith("alter")]
