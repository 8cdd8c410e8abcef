from types import SimpleNamespace

from .harness import FakeProject


def test_a_view_with_documented_columns_may_end_in_a_semicolon() -> None:
    project = FakeProject(
        materialized="view",
        sql="select 1 as id; -- done",
        persist_docs={"columns": True},
        columns={"id": SimpleNamespace(description="the key")},
    )
    project.adapter.query_columns = ["id"]
    asked, created = project.run("view")
    assert asked == "select * from ( select 1 as id -- done ) as __dbt_sbq where false limit 0"
    assert created.startswith("create or replace view `sch`.`tab` (`id` comment 'the key') as")
