"""Methods of dbt-glue 1.12.4 that macros call, over moto's catalog: what they send and make."""

from types import SimpleNamespace
from typing import Any

import agate
import pytest
from dbt_common.exceptions import DbtRuntimeError
from unit import test_impl
from unit.test_impl import add, answer, relation

from dbt.adapters.glue import athena_twin, older_sql
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.python_submissions import older_script
from dbt.adapters.glue.session.result import Printed, Result

adapter = test_impl.adapter  # the fixture
DELTA = {"Parameters": {"spark.sql.sources.provider": "delta"}}


def one_line(sql: str) -> str:
    return " ".join(sql.split())


def twins(adapter: GlueAdapter) -> dict[str, dict[str, Any]]:
    return {t["Name"]: t for t in adapter.catalog.get_tables("s") if t["Name"].startswith("ath")}


# --- SQL


def test_a_table_with_every_clause() -> None:
    sql = older_sql.create_table_as(
        "`s`.`t`",
        "select 1",
        "delta",
        location="location 's3://b/t'",
        partition_by=["a`b"],
        options={"it's": True},
        properties={"n": 1},
    )
    assert one_line(sql) == (
        "create table `s`.`t` using delta options ('it\\'s' = 'true') partitioned by (`a``b`) "
        "location 's3://b/t' tblproperties ('n' = '1') as select 1"
    )


def test_hudi_options_by_their_names_in_sql() -> None:
    made = older_sql.hudi_properties(
        ["a", "b"],
        {"hoodie.datasource.write.precombine.field": "at", "hoodie.table.type": "MERGE_ON_READ"},
    )
    assert (made["primaryKey"], made["preCombineField"], made["type"]) == ("a,b", "at", "mor")


def test_the_older_columns_are_not_the_models_own() -> None:
    sql = older_sql.hudi_query("select *", ["Id", "dbt_unique_key", "UPDATE_HUDI_TS"])
    assert one_line(sql).startswith("select `Id`, current_timestamp() as `update_hudi_ts` from")


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, []), ("a, b", ["a", "b"]), (["a", "b"], ["a", "b"]), ("", [])],
)
def test_column_names(given: Any, found: list[str]) -> None:
    assert older_sql.names(given) == found


# --- Delta


@pytest.fixture
def prefixed(adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to a session in which every table has the columns id and part."""
    monkeypatch.setattr(adapter.credentials, "delta_athena_prefix", "Ath")
    add(adapter, "d", **DELTA)
    return answer(adapter, monkeypatch, ("Id", "bigint"), ("part", "string"))


def test_the_twin_of_a_delta_table(
    adapter: GlueAdapter,
    prefixed: list[str],
) -> None:
    adapter.delta_update_manifest(relation("d"), None, ["PART"])
    assert prefixed[0] == "generate symlink_format_manifest for table `s`.`d`"
    assert prefixed[-1] == "msck repair table `s`.`ath_d` sync partitions"
    twin = twins(adapter)["ath_d"]
    storage = twin["StorageDescriptor"]
    assert storage["Columns"] == [{"Name": "Id", "Type": "bigint"}]
    assert twin["PartitionKeys"] == [{"Name": "part", "Type": "string"}]
    assert storage["Location"] == "s3://bucket/w/s/d/_symlink_format_manifest/"
    assert storage["AdditionalLocations"] == ["s3://bucket/w/s/d"]


def test_the_twin_follows_the_columns(
    adapter: GlueAdapter,
    prefixed: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[dict[str, Any]] = []
    create = adapter.catalog.create_table
    monkeypatch.setattr(adapter.catalog, "create_table", lambda *a: (made.append(a[1]), create(*a)))
    for _ in range(2):
        adapter.delta_update_manifest(relation("d"), "empty", None)
    assert len(made) == 1 and not any("msck" in sql for sql in prefixed)
    answer(adapter, monkeypatch, ("Id", "bigint"), ("part", "string"), ("new", "int"))
    adapter.delta_update_manifest(relation("d"), None, None)
    columns = twins(adapter)["ath_d"]["StorageDescriptor"]["Columns"]
    assert [column["Name"] for column in columns] == ["Id", "part", "new"]


def test_no_twin_without_a_prefix(
    adapter: GlueAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = answer(adapter, monkeypatch)
    adapter.delta_update_manifest(relation("d"), None, ["part"])
    assert sent == [] and twins(adapter) == {}


def test_a_table_takes_its_twin_along(
    adapter: GlueAdapter,
    prefixed: list[str],
) -> None:
    adapter.delta_update_manifest(relation("d"), None, None)
    delta = relation("d", table_format="delta")
    adapter.drop_query_tables(delta, "s3://bucket/w/s/elsewhere")
    assert set(twins(adapter)) == {"ath_d"}
    adapter.refuse_to_share(delta, "s3://bucket/w/s/d")
    adapter.drop_query_tables(delta, "s3://bucket/w/s/d")
    assert twins(adapter) == {}


def test_delta_create_table(
    adapter: GlueAdapter,
    prefixed: list[str],
) -> None:
    adapter.delta_create_table(relation("n"), "select 1", "id", ["part"], None, {"k": 1})
    assert one_line(prefixed[0]) == (
        "create table `s`.`n` using delta options ('k' = '1') partitioned by (`part`) "
        "location 's3://bucket/w/s/n' as select 1"
    )
    assert set(twins(adapter)) == {"ath_n"}


def test_a_column_that_is_another_makes_another_twin() -> None:
    columns = [GlueColumn("id", "int"), GlueColumn("p", "date")]
    twin = athena_twin.twin_input("a_t", "s3://b/t/", columns, ["p"])
    assert athena_twin.describes(twin, twin)
    assert not athena_twin.describes({**twin, "PartitionKeys": []}, twin)


def test_a_twins_keys_are_in_the_order_of_its_folders() -> None:
    columns = [GlueColumn("a", "int"), GlueColumn("B", "int"), GlueColumn("c", "int")]
    twin = athena_twin.twin_input("a_t", "s3://b/t/", columns, ["c", "b"])
    assert [field["Name"] for field in twin["PartitionKeys"]] == ["c", "B"]


def test_a_table_that_has_a_twins_name_stays(adapter: GlueAdapter, prefixed: list[str]) -> None:
    add(adapter, "ath_d")
    with pytest.raises(DbtRuntimeError, match="s.ath_d is another table"):
        adapter.delta_update_manifest(relation("d", table_format="delta"))
    assert twins(adapter)["ath_d"]["StorageDescriptor"]["Location"] == "s3://bucket/w/s/ath_d"


# --- Hudi


def test_hudi_merge_table_makes_and_then_merges(
    adapter: GlueAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        adapter, "get_column_schema_from_query", lambda sql: [GlueColumn("Id", "int")]
    )
    sent = answer(adapter, monkeypatch)
    arguments = ("select 1 as Id", "id", ["id"], None, {"hoodie.index.type": "SIMPLE"}, [])
    adapter.hudi_merge_table(relation("h"), *arguments)
    made = one_line(sent[-1])
    assert made.startswith("create table `s`.`h` using hudi partitioned by (`Id`) location")
    assert "'primaryKey' = 'Id'" in made and "'hoodie.index.type' = 'SIMPLE'" in made
    add(adapter, "h", Parameters={"spark.sql.sources.provider": "hudi"})
    adapter.known.forget_table("s", "h")
    adapter.hudi_merge_table(relation("h"), *arguments)
    merged = one_line(sent[-1])
    assert merged.startswith("merge into `s`.`h` as old using ( select `Id`, current_timestamp()")
    assert "on new.`Id` = old.`Id` when matched then update set * when not" in merged


def test_hudi_merge_table_asks_for_columns_without_rows(
    adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def columns(sql: str) -> list[GlueColumn]:
        asked.append(one_line(sql))
        return [GlueColumn("id", "int")]

    monkeypatch.setattr(adapter, "get_column_schema_from_query", columns)
    sent = answer(adapter, monkeypatch)
    adapter.hudi_merge_table(relation("h"), "select 1 as id; ", "id")
    assert asked == ["select * from ( select 1 as id ) as __dbt_request limit 0"]
    assert one_line(sent[-1]).endswith("from ( select 1 as id ) as __dbt_request")


# --- the session's Python


@pytest.fixture
def python(adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The code that is run; it prints what the first expression is."""
    ran: list[str] = []

    def run_python(code: str) -> Result:
        ran.append(code)
        printed: list[str] = []
        exec(code, {"print": lambda text: printed.append(str(text)), "x": 5})
        return Result([], [(Printed("\n".join(printed), "1"),)], None, "s", "1", 0.0)

    handle = adapter.connections.get_thread_connection().handle
    monkeypatch.setattr(handle, "run_python", run_python)
    return ran


def test_variables_of_the_session_go_into_the_sql(
    adapter: GlueAdapter,
    python: list[str],
) -> None:
    sql = "select <SUBSTITUTE_VARIABLE_0>, '<SUBSTITUTE_VARIABLE_1>', <SUBSTITUTE_VARIABLE_0>"
    assert adapter.substituted(sql, ["x + 1", '"it\'s"']) == "select 6, 'it's', 6"
    assert len(python) == 1
    assert adapter.substituted(sql, None) == sql and len(python) == 1


def test_variables_are_a_list(adapter: GlueAdapter) -> None:
    message = r"substitute_variables: got 'x', expected a list of Python expressions"
    with pytest.raises(DbtRuntimeError, match=message):
        adapter.substituted("select 1", "x")
    with pytest.raises(DbtRuntimeError, match=message):
        adapter.pre_model_hook({"materialized": "table", "substitute_variables": "x"})


def test_execute_pyspark_is_python(adapter: GlueAdapter, python: list[str]) -> None:
    adapter.execute_pyspark("\n    y = x\n    print(y)\n")
    assert python[0].partition("\n")[2] == "y = x\nprint(y)"


class Frame:
    views: list[str]

    def createOrReplaceTempView(self, name: str) -> None:
        self.views = [name]


@pytest.mark.parametrize("function", ["model", "main"])
def test_execute_python_calls_the_users_function(function: str) -> None:
    frame = Frame()
    code = f"""
        def {function}(dbt, session):
            dbt.config(materialized="table")
            assert dbt.this == "s.t" and dbt.is_incremental() is True
            return dbt.source("a", "b") if dbt.ref("c") else None
    """
    tables = {"a.b": frame, "c": True}
    names = {"spark": SimpleNamespace(table=tables.get)}
    shown = "def spark_frame(frame):\n    return frame"
    exec(older_script(code, shown, relation("t"), True, "v"), names)
    assert frame.views == ["v"]


def test_execute_python_without_a_function() -> None:
    with pytest.raises(NameError, match="neither model"):
        exec(older_script("x = 1", "", relation("t"), False, "v"), {})


# --- names


def test_the_namespace_of_iceberg(adapter: GlueAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert adapter.get_custom_iceberg_catalog_namespace() == "glue_catalog"
    monkeypatch.setattr(adapter.credentials, "custom_iceberg_catalog_namespace", "")
    assert adapter.get_custom_iceberg_catalog_namespace() is None


# --- seeds


def test_create_csv_table(
    adapter: GlueAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the alias, typed, and overwritten where it is there."""
    sent = answer(adapter, monkeypatch)
    model = {"schema": "s", "name": "n", "alias": "other", "config": {"column_types": {"a": "int"}}}
    rows = agate.Table([["1"]], ["a"], [agate.Text()])
    adapter.create_csv_table(model, rows)
    assert "cast(`a` as int) as `a`" in sent[1]
    assert sent[1].startswith("create table `s`.`other` using parquet location 's3://bucket/w/s/o")
    add(adapter, "other")
    adapter.known.forget_table("s", "other")
    adapter.create_csv_table(model, rows)
    assert sent[4].startswith("insert overwrite `s`.`other` (`a`) select cast(`a` as int)")
    listed = adapter.connections.clients.s3.list_objects_v2(Bucket="bucket")
    assert "Contents" not in listed
