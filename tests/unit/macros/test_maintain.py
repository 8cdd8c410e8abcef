from .harness import FakeProject

WANTED = {"expire_snapshots": True}


def test_upkeep_comes_after_the_table_and_only_where_asked() -> None:
    plain = FakeProject(file_format="iceberg").run("table")
    asked = FakeProject(file_format="iceberg", maintenance=WANTED).run("table")
    assert asked == [*plain, f"MAINTAIN glue_catalog.`sch`.`tab` {WANTED}"]


def test_a_view_has_no_files() -> None:
    view = FakeProject(materialized="view", maintenance=WANTED).run("view")
    assert view == FakeProject(materialized="view").run("view")
