"""Which statements may run again after their session died under them."""

import pytest

from dbt.adapters.glue.repeatable_sql import created_table, may_repeat

HARMLESS = [
    "select 1",
    "-- a comment\n/* another */ (select 1)",
    "with a as (select 1) select * from a",
    "values (1)",
    "show tables in s",
    "describe table s.t",
    "set spark.sql.ansi.enabled = true",
    "create or replace temporary view v as select 1",
    "create or replace view s.v as select * from s.t",
    "create or replace table s.t using iceberg location 's3://b/t' comment 't' as select * from u",
    "create or replace table `s`.`t` as select 1 /* node: model.p.t */",
    "insert overwrite table s.t select * from s.t_new",
    "insert overwrite `glue_catalog`.`s`.`t` partition (d) select * from s.u",
    "insert overwrite directory 's3://b/t/dbt_build_20261128144711_3c836848' using orc select 1",
    "drop table if exists s.t",
    "create schema if not exists s",
    "refresh table s.t",
    "alter table s.t set tblproperties ('a' = 'b')",
    "alter table s.t write ordered by id",
]
HARMFUL = [
    "insert into s.t select 1",
    "insert into table s.t values (1)",
    "with a as (select 1) insert into s.t select * from a",
    "merge into s.t using u on t.id = u.id when matched then update set x = x + 1",
    "update s.t set x = x + 1",
    "delete from s.t where id in (select id from u)",
    "drop table s.t",
    "create view s.v as select 1",
    "alter table s.t add columns (x int)",
    "alter table s.t rename to s.u",
    "call glue_catalog.system.rollback_to_snapshot('s.t', 1)",
    "from u insert into s.t select *",
    "something that nobody knows",
    # what was done is read again
    "create or replace table s.t as select id + 1 as id from s.t",
    "create or replace table `s`.`t` as select * from delta.`s3://b/s/t`",
    "insert overwrite table s.t select * from s.u where ts > (select max(ts) from s.T)",
    'create or replace table s.t as select id + 1 as id from "s"."t"',
    "create or replace table s.t as select id + 1 as id from/**/t",
    "create or replace table s.t as select id + 1 as id from identifier('s.t')",
    "create or replace table identifier('s.t') as select id + 1 as id from s.t",
    "create or replace table s.t as select id + 1 as id from identifier/**/('s' || '.t')",
    "insert overwrite directory 's3://b/out' using parquet select 1",
    "insert overwrite directory using parquet options (path 's3://b/out') select 1",
]


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_ends_in_the_same_state_may_run_again(sql):
    assert may_repeat(sql)
    assert created_table(sql) is None


@pytest.mark.parametrize("sql", HARMFUL)
def test_what_would_be_done_twice_may_not(sql):
    assert not may_repeat(sql)
    assert created_table(sql) is None


@pytest.mark.parametrize(
    "sql", ["create table S.T as select 1", "/* c */ create table `s`.`t` (a int)"]
)
def test_a_table_that_is_created_fails_by_itself_if_it_is_there(sql):
    table = created_table(sql)
    assert (table.schema, table.name) == ("s", "t")
    assert not may_repeat(sql)


def test_a_table_that_may_be_there_is_not_known_to_be_created():
    assert created_table("create table if not exists s.t as select 1") is None
    assert not may_repeat("create table if not exists s.t as select 1")


VIEWS = {
    "t__dbt_tmp_ab12cd34": "create or replace temporary view `t__dbt_tmp_ab12cd34` (`a` comment "
    "'of t') as select a from s.u",
    "over": "create temporary view over as select total + 1 as total from `s`.`T`",
    "over_over": "create temp view over_over as select * from Over",
    "by_identifier": "create temp view by_identifier as select * from identifier('s.t')",
    "round": "create temp view round as select * from round",
}


@pytest.mark.parametrize(
    ("sql", "again"),
    [
        ("create or replace table s.t as select * from t__dbt_tmp_ab12cd34", True),
        ("insert overwrite s.t select * from round", True),
        ("insert overwrite s.t (`total`) select `total` from `over`", False),
        ("insert overwrite s.t select * from over_over", False),
        ("create or replace table s.t as select * from by_identifier", False),
        ("insert overwrite s.other select * from over_over", True),
        ("insert overwrite s.t select 'over' from s.u -- over", True),
    ],
)
def test_what_reads_its_own_through_a_view_of_the_session_may_not(sql, again):
    assert may_repeat(sql, VIEWS) is again
