from types import SimpleNamespace

import pytest
from dbt_common.exceptions import CompilationError

from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.exceptions import ConfigurationError

from .harness import FakeProject, columns

CLEAR = "CLEAR s3://b/sch/tab"


@pytest.mark.parametrize("name", ["parquet", "csv", "json", "text", "orc", "avro", "delta", "hudi"])
def test_first_build_clears_the_folder_and_creates(name: str) -> None:
    cleared, created = [
        line for line in FakeProject(file_format=name).run("table") if "where false" not in line
    ]
    assert cleared == CLEAR
    assert created.startswith(f"create table `sch`.`tab` using {name} ")
    assert "location 's3://b/sch/tab'" in created


def test_iceberg_is_replaced_in_place() -> None:
    project = FakeProject(file_format="iceberg", partition_by=["days(ts)", "order"])
    project.existing("iceberg")
    assert project.run("table") == [
        "create or replace table glue_catalog.`sch`.`tab` using iceberg "
        "partitioned by (days(ts), `order`) location 's3://b/sch/tab' as select 1 as id"
    ]


def test_delta_is_replaced_in_place_where_spark_can() -> None:
    project = FakeProject(file_format="delta")
    project.existing("delta")
    (replaced,) = project.run("table")
    assert replaced.startswith("create or replace table `sch`.`tab` using delta")
    assert replaced.endswith("as select 1 as id")


@pytest.mark.parametrize("version", ["3.5.4-amzn-0 x", "3.3.0-amzn-1 x"])
def test_delta_that_was_built_aside_stays_in_its_folder(version: str) -> None:
    """Delta refuses CREATE OR REPLACE TABLE at another place."""
    project = FakeProject(file_format="delta")
    project.existing("delta")
    project.adapter.version = version
    (replaced,) = project.run("table")
    assert replaced == (
        "create or replace table `sch`.`tab` using delta location 's3://b/recorded/tab' "
        "as select 1 as id"
    )


@pytest.mark.parametrize("version", ["3.5.6-amzn-1 x", "3.5.7 x"])
def test_delta_is_replaced_by_its_writer_where_sql_cannot(version: str) -> None:
    project = FakeProject(
        file_format="delta", partition_by="day", table_properties={"a": 1, "b": True}
    )
    project.existing("delta")
    project.adapter.version = version
    assert project.run("table") == ["REPLACE `sch`.`tab` BY select 1 as id"]
    assert project.adapter.replaced == {
        "partition_by": ["day"],
        "options": {},
        "properties": {"a": "1", "b": "true"},
        "comment": None,
        "column_comments": {},
    }


def test_the_rows_of_an_unchanged_table_go_to_a_folder_that_it_is_pointed_to() -> None:
    project = FakeProject(file_format="parquet", write_options={"compression": "zstd"})
    project.existing("parquet")
    analysed, written, pointed, noted = project.run("table")
    assert analysed == "select * from ( select 1 as id ) as __dbt_sbq where false limit 0"
    assert written == (
        "insert overwrite directory 's3://b/sch/tab/build_1' using parquet "
        "options ('compression' = 'zstd') select 1 as id"
    )
    assert pointed == "alter table `sch`.`tab` set location 's3://b/sch/tab/build_1'"
    assert noted == "MOVED FROM s3://b/recorded/tab"


@pytest.mark.parametrize("change", ["columns", "definition", "partitions"])
def test_a_changed_table_is_made_under_another_name_first(change: str) -> None:
    partitions = {"partition_by": "day"} if change == "partitions" else {}
    project = FakeProject(file_format="parquet", **partitions)
    project.existing("parquet")
    project.adapter.same_columns = change != "columns"
    project.adapter.same_definition = change != "definition"
    made, placed, refreshed = project.run("table")[-3:]
    assert made.startswith("create table `sch`.`tab__dbt_tmp_1` using parquet")
    assert "location 's3://b/sch/tab/build_1'" in made
    assert placed == "PUT `sch`.`tab__dbt_tmp_1` IN PLACE OF `sch`.`tab`"
    assert refreshed == "refresh table `sch`.`tab`"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (was, becomes)
        for was in ("iceberg", "delta", "csv", None)
        for becomes in ("parquet", "iceberg", "delta", "hudi")
        if was != becomes
    ],
)
def test_another_format_or_kind_takes_the_place_of_what_is_there(
    was: str | None, becomes: str
) -> None:
    project = FakeProject(file_format=becomes)
    project.existing(was, "table" if was else "view")
    project.adapter.same_definition = False
    made, placed, refreshed = project.run("table")[-3:]
    prefix = "glue_catalog." if becomes == "iceberg" else ""
    assert made.startswith(f"create table {prefix}`sch`.`tab__dbt_tmp_1` using {becomes}")
    assert placed.startswith(f"PUT {prefix}`sch`.`tab__dbt_tmp_1` IN PLACE OF")
    assert refreshed == f"refresh table {prefix}`sch`.`tab`"


def test_pain_10_a_view_takes_the_place_of_a_table_once_it_is_known_to_work() -> None:
    project = FakeProject(file_format="iceberg", materialized="view")
    project.existing("iceberg")
    assert project.run("view") == [
        "create or replace view `sch`.`tab__dbt_tmp_1` as select 1 as id",
        "PUT `sch`.`tab__dbt_tmp_1` IN PLACE OF glue_catalog.`sch`.`tab`",
        "refresh table `sch`.`tab`",
    ]


@pytest.mark.parametrize("type_", ["smallint", "struct<a:TINYINT>"])
def test_what_avro_could_not_read_again_is_not_written(type_: str) -> None:
    project = FakeProject(file_format="avro")
    project.adapter.increment_columns = columns(n=type_)
    with pytest.raises(CompilationError, match="the column n is .* Cast it to int"):
        project.run("table")
    assert all("where false" in line for line in project.adapter.log)


@pytest.mark.parametrize(
    ("query", "found", "told"),
    [
        ("select 1 as a, 2 as A", {"a": "int", "A": "int"}, "more than one column"),
        ("select null as a", {"a": "VOID"}, "has no type, which parquet cannot store"),
        ("select 1 as a", {"a": "int"}, "is shared"),
    ],
)
def test_a_query_that_no_table_can_be_made_of_costs_no_table(
    query: str, found: dict[str, str], told: str
) -> None:
    project = FakeProject(file_format="parquet", sql=query)
    project.existing("parquet")
    project.adapter.increment_columns = columns(**found)
    project.adapter.shared = told == "is shared"
    with pytest.raises(CompilationError, match=told):
        project.run("table")
    assert all("where false" in line for line in project.adapter.log)


def test_partitions_take_the_case_of_the_query_where_hudi_insists() -> None:
    project = FakeProject(file_format="parquet", partition_by=["DAY", "unknown"])
    assert "partitioned by (`DAY`, `unknown`)" in project.run("table")[-1]
    project = FakeProject(file_format="parquet", partition_by=["DAY", "unknown"])
    project.adapter.formats = ["hudi"]
    project.adapter.increment_columns = columns(id="int", Day="string")
    _, asked, created = project.run("table")
    assert asked.startswith("select * from ( select 1 as id ) as __dbt_sbq where false")
    assert "partitioned by (`Day`, `unknown`)" in created


def test_json_stores_what_has_no_type() -> None:
    project = FakeProject(file_format="json")
    project.existing("json")
    project.adapter.increment_columns = columns(a="VOID")
    assert project.run("table")[1].startswith("insert overwrite directory")


def test_what_a_custom_location_holds_is_left_alone() -> None:
    project = FakeProject(file_format="parquet", custom_location="s3://mine/x")
    assert project.run("table") == [
        "create table `sch`.`tab` using parquet location 's3://mine/x' as select 1 as id"
    ]


def test_clauses() -> None:
    project = FakeProject(
        file_format="parquet",
        description="it's a \\ and\na line",
        persist_docs={"relation": True},
        partition_by="d",
        clustered_by=["a b"],
        buckets=4,
        table_properties={"n": 1, "b": True, "q": "it's"},
        write_options={"compression": "zstd"},
    )
    assert project.run("table")[-1] == (
        "create table `sch`.`tab` using parquet options ('compression' = 'zstd') "
        "partitioned by (`d`) clustered by (`a b`) into 4 buckets location 's3://b/sch/tab' "
        "comment 'it\\'s a \\\\ and\\na line' "
        "tblproperties ('n' = '1', 'b' = 'true', 'q' = 'it\\'s') as select 1 as id"
    )


@pytest.mark.parametrize("value", [1, 1.5, True, "it's"])
def test_pain_54_table_properties_take_numbers_and_booleans(value: object) -> None:
    project = FakeProject(file_format="iceberg", table_properties={"p": value, "gone": None})
    text = str(value).lower().replace("'", "\\'")
    assert f"tblproperties ('p' = '{text}') as" in project.run("table")[-1]


def test_a_list_is_no_table_property() -> None:
    with pytest.raises(ConfigurationError, match="table_properties: got .1. for p, expected"):
        FakeProject(file_format="orc", table_properties={"p": [1]}).run("table")


def test_pain_52_write_options_of_iceberg_are_its_properties() -> None:
    options = {"compression-codec": "zstd", "write-format": "orc", "fanout-enabled": True}
    created = FakeProject(file_format="iceberg", write_options=options).run("table")[-1]
    assert " options (" not in created
    assert (
        "tblproperties ('write.orc.compression-codec' = 'zstd', 'write.format.default' = 'orc', "
        "'write.spark.fanout.enabled' = 'true') as" in created
    )
    with pytest.raises(ConfigurationError, match="write_options: got isolation-level for"):
        FakeProject(file_format="iceberg", write_options={"isolation-level": "x"}).run("table")


def test_pain_29_transforms_are_partitions_and_the_order_is_written_apart() -> None:
    project = FakeProject(
        file_format="iceberg",
        partition_by=["months(ts)", "bucket(16, id)"],
        sorted_by=["order desc nulls last", "zorder(a, b)"],
    )
    created, ordered = [line for line in project.run("table") if not line.startswith("CLEAR")]
    keys = "`order` desc nulls last, zorder(a, b)"
    assert "partitioned by (months(ts), bucket(16, id))" in created
    assert created.endswith(f"as select * from ( select 1 as id ) order by {keys}")
    assert ordered == f"alter table glue_catalog.`sch`.`tab` write ordered by {keys}"


def test_buckets_are_sorted() -> None:
    project = FakeProject(file_format="orc", clustered_by="a", buckets=4, sorted_by="b")
    assert "clustered by (`a`) sorted by (`b`) into 4 buckets" in project.run("table")[-1]


@pytest.mark.parametrize("name", ["parquet", "delta", "hudi"])
def test_an_order_that_nothing_keeps_is_refused(name: str) -> None:
    with pytest.raises(CompilationError, match="sorted_by: got a"):
        FakeProject(file_format=name, sorted_by="a").run("table")


def test_a_contract_on_a_view_warns_of_constraints() -> None:
    project = FakeProject(
        materialized="view",
        columns={"id": {"name": "id", "data_type": "int"}},
        contract=SimpleNamespace(enforced=True),
    )
    project.context["get_assert_columns_equivalent"] = lambda sql: ""
    warned, created = project.run("view")
    assert warned == "CONSTRAINTS id"
    assert created == "create or replace view `sch`.`tab` as select 1 as id"


def test_clustered_by_needs_buckets() -> None:
    with pytest.raises(CompilationError, match="buckets"):
        FakeProject(file_format="parquet", clustered_by="a").run("table")


def test_hudi_has_its_key_and_the_time_of_the_write() -> None:
    project = FakeProject(
        file_format="hudi",
        unique_key=["a", "b"],
        hudi_options={"hoodie.datasource.write.table.type": "MERGE_ON_READ", "hoodie.x": 1},
    )
    project.adapter.query_columns = ["a", "update_hudi_ts"]
    created = project.run("table")[-1]
    assert (
        "tblproperties ('type' = 'mor', 'hoodie.index.type' = 'GLOBAL_BLOOM', "
        "'hoodie.bloom.index.update.partition.path' = 'true', "
        "'primaryKey' = 'a,b', 'preCombineField' = 'update_hudi_ts',"
        " 'hoodie.x' = '1') as select `a`, current_timestamp() as `update_hudi_ts` from" in created
    )


def test_hudi_key_and_partitions_take_the_case_of_the_query() -> None:
    project = FakeProject(
        file_format="hudi",
        unique_key="Id",
        partition_by=["Day"],
        hudi_options={"hoodie.index.type": "SIMPLE"},
    )
    project.adapter.query_columns = ["ID", "Day"]
    created = project.run("table")[-1]
    assert "partitioned by (`day`)" in created
    assert "'primaryKey' = 'id'" in created and "'hoodie.index.type' = 'SIMPLE'" in created
    assert "select `id`, `day`, current_timestamp()" in created


@pytest.mark.parametrize("materialization", ["table", "incremental"])
def test_contract_is_of_the_query_without_the_added_column(materialization: str) -> None:
    column = {"name": "n", "data_type": "string"}
    project = FakeProject(
        materialized=materialization,
        file_format="hudi",
        unique_key="n",
        columns={"n": column},
        contract=SimpleNamespace(enforced=True),
    )
    asserted: list[str] = []
    project.context["get_assert_columns_equivalent"] = lambda sql: asserted.append(sql) or ""
    project.adapter.query_columns = ["n"]
    log = project.run(materialization)
    assert asserted == ["select 1 as id"]
    assert "CONSTRAINTS n" in log
    assert "select `n`, current_timestamp() as `update_hudi_ts` from ( select n from" in log[-1]


def test_pain_40_a_view_is_dropped_in_spark_s_own_words() -> None:
    project = FakeProject(materialized="view")
    project.existing(None, "view")
    project.adapter.drop_relation(project.adapter.relation)
    assert project.adapter.log == ["drop view if exists `sch`.`tab`"]


def test_a_dropped_hudi_table_takes_its_query_tables_along() -> None:
    project = FakeProject(file_format="hudi")
    project.existing("hudi")
    project.adapter.drop_relation(project.adapter.relation)
    assert project.adapter.log[1] == "DROP QUERY TABLES `sch`.`tab` s3://b/recorded/tab"


def test_iceberg_timestamp_column() -> None:
    project = FakeProject(file_format="iceberg", add_iceberg_timestamp="True")
    project.adapter.query_columns = ["id"]
    assert (
        "select `id`, current_timestamp() as `update_iceberg_ts` from" in project.run("table")[-1]
    )


@pytest.mark.parametrize("name", ["iceberg", "delta"])
@pytest.mark.parametrize("as_text", [True, False])
def test_partitions_are_quoted_unless_they_are_calls(name: str, as_text: bool) -> None:
    given = ["a-b", "months(`a-b`)", "bucket(4, id)", "`a``b`", "place.city", "my day", "größe"]
    project = FakeProject(file_format=name, partition_by=", ".join(given) if as_text else given)
    assert (
        "partitioned by (`a-b`, months(`a-b`), bucket(4, id), `a``b`, place.city, `my day`, "
        "`größe`)" in project.run("table")[-1]
    )


@pytest.mark.parametrize("given", ["a, `b-c` ,d e", ["`a`", "b-c", "d e"], ["a, b-c", "d e"]])
def test_deltas_writer_takes_bare_names_of_partitions(given: object) -> None:
    project = FakeProject(file_format="delta", partition_by=given)
    project.existing("delta")
    project.adapter.version = "3.5.7 x"
    project.run("table")
    assert project.adapter.replaced["partition_by"] == ["a", "b-c", "d e"]


def test_the_twin_of_a_delta_table_takes_bare_names_of_partitions() -> None:
    project = FakeProject(file_format="delta", partition_by="a, `b-c`")
    project.context["target"]["delta_athena_prefix"] = "athena"
    assert project.run("table")[-1] == "MANIFEST `sch`.`tab` None ['a', 'b-c']"


DESCRIBED = {"id": {"description": "a number"}, "Day": {"description": "its day"}}


def documented(name: str, *lines: str) -> None:
    project = FakeProject(
        file_format=name, partition_by="day", persist_docs={"columns": True}, columns=DESCRIBED
    )
    found = [GlueColumn("id", "int"), GlueColumn("day", "date", partition=True)]
    project.adapter.columns["tab"] = found
    log = project.run("table")
    assert log[-len(lines) :] == list(lines)
    assert not [line for line in log[: -len(lines)] if "comment " in line]


@pytest.mark.parametrize("name", ["parquet", "orc", "csv", "json", "avro", "text"])
def test_comments_of_partitions_go_to_the_catalog(name: str) -> None:
    """Spark's ALTER COLUMN finds only the columns of the data."""
    documented(
        name,
        "alter table `sch`.`tab` alter column `id` comment 'a number'",
        "COMMENT `sch`.`tab` {'day': 'its day'}",
        "refresh table `sch`.`tab`",
    )


def test_comments_of_hudi_go_to_the_catalog() -> None:
    documented("hudi", "COMMENT `sch`.`tab` {'id': 'a number', 'day': 'its day'}")


def test_comments_of_a_delta_table_s_partitions_go_to_delta() -> None:
    documented(
        "delta",
        "alter table `sch`.`tab` alter column `id` comment 'a number'",
        "alter table `sch`.`tab` alter column `Day` comment 'its day'",
    )


def test_a_name_of_mixed_case_is_compared_as_the_node_has_it() -> None:
    """The catalog's name is in lower case, the folder's is not."""
    for name, asked in (("delta", "place"), ("parquet", "definition")):
        project = FakeProject(file_format=name)
        project.existing(name)
        project.context["this"] = project.this.incorporate(path={"identifier": "Tab"})
        project.run("table")
        assert project.adapter.asked[asked].identifier == "Tab"


def test_fields_of_structs_are_quoted_where_a_table_is_made() -> None:
    kind = "struct<my-col:int,größe:array<struct<a b:string>>>"
    project = FakeProject(file_format="iceberg")
    assert project.render("glue__column_definitions", [GlueColumn("s", kind)]) == (
        "`s` struct<`my-col`:int, `größe`:array<struct<`a b`:string>>>"
    )


def test_lake_formation_is_called_where_configured() -> None:
    project = FakeProject(file_format="parquet", lf_tags_config={"enabled": True})
    assert project.run("table")[-1] == "TAGS `sch`.`tab`"


def test_purge_is_asked_for() -> None:
    project = FakeProject(file_format="iceberg", purge_dropped_iceberg_data="True")
    project.existing("iceberg")
    project.adapter.drop_relation(project.adapter.relation)
    assert project.adapter.log[0] == "drop table if exists glue_catalog.`sch`.`tab` purge"


def test_view_carries_comments() -> None:
    project = FakeProject(
        materialized="view",
        description="v",
        columns={"id": FakeConfigColumn("it's")},
        persist_docs={"relation": True, "columns": True},
    )
    project.adapter.query_columns = ["Id", "n"]
    assert project.run("view")[-1] == (
        "create or replace view `sch`.`tab` (`id` comment 'it\\'s', `n`) comment 'v' "
        "as select 1 as id"
    )


class FakeConfigColumn(dict):
    def __init__(self, description: str) -> None:
        super().__init__(description=description, quote=False)
        self.description = description


@pytest.mark.parametrize(
    "name,expected",
    [
        ("iceberg", "alter table glue_catalog.`sch`.`tab` rename to `sch`.`new`"),
        ("parquet", "RENAME `sch`.`tab` `sch`.`new`"),
    ],
)
def test_rename(name: str, expected: str) -> None:
    project = FakeProject(file_format=name)
    project.existing(name)
    new = project.this.incorporate(path={"identifier": "new"})
    project.macro("rename_relation")(project.adapter.relation, new)
    assert project.adapter.log == [expected]


@pytest.mark.parametrize(
    "config", [{"file_format": "hudi", "unique_key": "a"}, {"file_format": "iceberg"}]
)
def test_a_semicolon_at_the_end_of_the_query_is_left_out(config: dict[str, str]) -> None:
    project = FakeProject(sql="select 1 as a; -- done", sorted_by="a", **config)
    if config["file_format"] == "hudi":
        project.config.pop("sorted_by")
    project.adapter.query_columns = ["a"]
    assert not [line for line in project.run("table") if ";" in line]
