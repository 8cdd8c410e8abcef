"""What is known of the catalog without asking again, and what a statement makes unknown."""

from collections.abc import Iterator
from typing import Any

import pytest

from dbt.adapters.glue.catalog_changes import Change, changes_of
from dbt.adapters.glue.exceptions import NotOwned
from dbt.adapters.glue.known_catalog import DELETION_AGE, KnownCatalog
from dbt.adapters.glue.storage import TableStorage


def table(name: str, location: str | None = None) -> dict[str, Any]:
    place = location or f"s3://bucket/w/s/{name}"
    return {"Name": name, "StorageDescriptor": {"Location": place}}


class Catalog:
    """A DataCatalog of one schema that keeps what it was asked."""

    def __init__(self, *names: str) -> None:
        self.there = {name: table(name) for name in names}
        self.asked: list[str] = []
        self.databases = [{"Name": "s", "LocationUri": "s3://bucket/w/s/"}]
        self.while_listing = lambda: None

    def get_databases(self) -> Iterator[dict[str, Any]]:
        self.asked.append("databases")
        yield from self.databases

    def get_tables(self, schema: str) -> Iterator[dict[str, Any]]:
        self.asked.append(f"list {schema}")
        yield from list(self.there.values())
        self.while_listing()

    def get_table(self, schema: str, name: str) -> dict[str, Any] | None:
        self.asked.append(f"{schema}.{name}")
        return self.there.get(name)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def catalog() -> Catalog:
    return Catalog("a", "b")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(catalog: Catalog, clock: Clock) -> KnownCatalog:
    made = KnownCatalog(catalog, clock)  # type: ignore[arg-type]
    made.list_tables("s")
    catalog.asked.clear()
    return made


def run(known: KnownCatalog, sql: str) -> None:
    with known.changing(sql):
        pass


def test_what_was_listed_is_not_asked_again(known: KnownCatalog, catalog: Catalog) -> None:
    assert known.table("S", "A") == table("a")
    assert known.table("s", "absent") is None
    assert catalog.asked == []


def test_a_schema_that_was_not_listed_is_asked_about(known: KnownCatalog, catalog: Catalog) -> None:
    assert known.table("other", "a") == table("a")
    assert catalog.asked == ["other.a"]


@pytest.mark.parametrize(
    "sql",
    [
        "create table glue_catalog.`s`.`new` using iceberg location 's3://bucket/w/s/new' as x",
        '/* {"app": "dbt"} */\n  create or replace view `s`.`new` as select 1',
        "insert overwrite table s.new select 1",
        "alter table S.New add columns (x int)",
        "drop table if exists new",
    ],
)
def test_a_statement_makes_its_own_table_unknown(
    known: KnownCatalog, catalog: Catalog, sql: str
) -> None:
    run(known, sql)
    catalog.there["new"] = table("new")
    assert known.table("s", "new") == table("new")
    assert known.table("s", "a") and known.table("s", "absent") is None
    assert catalog.asked == ["s.new"]


@pytest.mark.parametrize(
    "sql",
    [
        "call glue_catalog.system.register_table(table => 's.absent', metadata_file => 'x')",
        "alter table s.a rename to s.absent",
        "with x as (select 1) insert into s.absent select * from x",
        "from s.a insert into s.absent select *",
        "drop schema s cascade",
        "select 1 dbt_next_query call something()",
        "custom_glue_code_for_dbt_adapter\nspark.sql('create table s.absent')",
    ],
)
def test_what_is_not_understood_makes_all_unknown(
    known: KnownCatalog, catalog: Catalog, sql: str
) -> None:
    run(known, sql)
    known.table("s", "absent")
    assert catalog.asked == ["s.absent"]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from s.a",
        "-- a note\n/* another */ (select 1) union select 2",
        "with x as (select 1) select * from x",
        "create or replace temporary view new as select 1",
        "set spark.sql.shuffle.partitions = 4",
        "create function twice as 'x.Y'",
        "call glue_catalog.system.expire_snapshots(table => 's.a')",
    ],
)
def test_reads_change_nothing(known: KnownCatalog, catalog: Catalog, sql: str) -> None:
    run(known, sql)
    assert known.table("s", "a") and known.table("s", "new") is None
    assert catalog.asked == []


def test_a_list_pays_where_all_is_unknown(known: KnownCatalog, catalog: Catalog) -> None:
    run(known, "call something()")
    for name in ("a", "b", "absent", "a", "b"):
        known.table("s", name)
    assert catalog.asked == ["s.a", "list s"]


def test_a_table_that_changed_is_asked_about_alone(known: KnownCatalog, catalog: Catalog) -> None:
    for _ in range(3):
        run(known, "insert into s.a select 1")
        known.table("s", "a")
    assert catalog.asked == ["s.a"] * 3


def test_what_changes_while_the_catalog_lists_is_not_lost(
    known: KnownCatalog, catalog: Catalog
) -> None:
    catalog.while_listing = lambda: run(known, "create view s.late as select 1")
    known.list_tables("s")
    catalog.there["late"] = table("late")
    assert known.table("s", "late") is not None


def test_a_statement_that_fails_may_have_changed_its_table(
    known: KnownCatalog, catalog: Catalog
) -> None:
    with pytest.raises(RuntimeError), known.changing("create table s.new as select 1"):
        raise RuntimeError
    known.table("s", "new")
    assert catalog.asked == ["s.new"]


def test_what_decides_on_deletion_is_young(
    known: KnownCatalog, catalog: Catalog, clock: Clock
) -> None:
    clock.now = DELETION_AGE + 1
    assert known.table("s", "a") and catalog.asked == []
    catalog.there["a"] = table("a", "s3://bucket/moved")
    assert known.table("s", "a", DELETION_AGE) == catalog.there["a"]
    catalog.there["c"] = table("c", "s3://bucket/w/s/a/c")
    assert ("c", "s3://bucket/w/s/a/c") in known.places("s")
    assert catalog.asked == ["s.a", "list s"]


def test_a_table_made_without_a_location_may_lie_anywhere(
    known: KnownCatalog, catalog: Catalog
) -> None:
    run(known, "create table s.c location 's3://bucket/w/s/a/c' as select 1")
    assert ("c", "s3://bucket/w/s/a/c") in known.places("s") and catalog.asked == []
    run(known, "create table s.d as select 1")
    catalog.there["d"] = table("d", "s3://bucket/w/s/a/d")
    assert ("d", "s3://bucket/w/s/a/d") in known.places("s")
    assert catalog.asked == ["list s"]


class Buckets:
    """S3 of one bucket, as far as TableStorage asks."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.asked: list[str] = []
        self.s3 = self

    def list_objects_v2(self, Bucket: str, Prefix: str, Delimiter: str = "") -> dict[str, Any]:
        self.asked.append(f"list {Prefix}{Delimiter and ' by ' + Delimiter}")
        found = [key for key in self.keys if key.startswith(Prefix)]
        if not Delimiter:
            return {"IsTruncated": False, "Contents": [{"Key": key} for key in found]}
        names = {key[len(Prefix) :].split("/")[0] for key in found if "/" in key[len(Prefix) :]}
        folders = [{"Prefix": f"{Prefix}{name}/"} for name in sorted(names)]
        return {"IsTruncated": False, "CommonPrefixes": folders}

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        gone = [item["Key"] for item in Delete["Objects"]]
        self.asked.append(f"delete {' '.join(gone)}")
        self.keys = [key for key in self.keys if key not in gone]
        return {}


@pytest.fixture
def buckets() -> Buckets:
    return Buckets("w/s/a/1", "w/s/a/2", "w/s/left/1")


@pytest.fixture
def storage(buckets: Buckets, known: KnownCatalog) -> TableStorage:
    return TableStorage(buckets, known, "s3://bucket/w")  # type: ignore[arg-type]


def test_folders_are_listed_once_for_all_new_tables(
    storage: TableStorage, buckets: Buckets, catalog: Catalog
) -> None:
    for number in range(50):
        assert storage.clear("s", f"new_{number}", f"s3://bucket/w/s/new_{number}") == 0
    assert buckets.asked == ["list w/s/ by /"] and catalog.asked == []


def test_what_a_failed_run_left_is_cleared(storage: TableStorage, buckets: Buckets) -> None:
    assert storage.clear("s", "left", "s3://bucket/w/s/left") == 1
    assert buckets.asked == ["list w/s/ by /", "list w/s/left/", "delete w/s/left/1"]


def test_a_folder_is_looked_into_again_once_a_table_was_made_there(
    storage: TableStorage, buckets: Buckets
) -> None:
    storage.clear("s", "new", "s3://bucket/w/s/new")
    buckets.keys.append("w/s/new/1")
    assert storage.clear("s", "new", "s3://bucket/w/s/new") == 1


def test_a_table_is_dropped_and_made_again_by_one_list_and_one_deletion(
    storage: TableStorage, buckets: Buckets, catalog: Catalog
) -> None:
    storage.clear("s", "new", "s3://bucket/w/s/new")
    buckets.asked.clear()
    assert storage.delete_data("s", "a", "s3://bucket/w/s/a") == 2
    assert storage.clear("s", "a", "s3://bucket/w/s/a") == 0
    assert buckets.asked == ["list w/s/a/", "delete w/s/a/1 w/s/a/2"]
    assert catalog.asked == ["databases"]


def test_a_database_of_this_run_is_not_deleted_with_a_table(
    storage: TableStorage, catalog: Catalog, known: KnownCatalog
) -> None:
    known.databases()
    known.add_database("A", "s3://bucket/w/s/a/")
    assert known.databases()[-1] == {"Name": "a", "LocationUri": "s3://bucket/w/s/a/"}
    catalog.databases.append(known.databases()[-1])
    with pytest.raises(NotOwned, match="it holds the database a"):
        storage.delete_data("s", "a", "s3://bucket/w/s/a")


def test_many_folders_are_not_listed_to_the_end(
    storage: TableStorage, buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"CommonPrefixes": [], "IsTruncated": True, "NextContinuationToken": "more"}
    monkeypatch.setattr(buckets, "list_objects_v2", lambda Delimiter="", **_: page | {"n": 1})
    assert storage._folders_in("s3://bucket/w/s") is None


def test_another_tables_folder_is_told_from_one_that_has_moved(
    storage: TableStorage, buckets: Buckets, catalog: Catalog
) -> None:
    catalog.there["b"] = table("b", "s3://bucket/w/s/a/b")
    storage._known.list_tables("s")
    with pytest.raises(NotOwned, match=r"cannot be made anew at .*: it holds the table s\.b"):
        storage.refuse_to_share("s", "a", "s3://bucket/w/s/a")
    with pytest.raises(NotOwned, match="not deleted: it holds"):
        storage.delete_data("s", "a", "s3://bucket/w/s/a")
    catalog.there["b"] = table("b")
    assert storage.delete_data("s", "a", "s3://bucket/w/s/a") == 2


def test_a_table_that_is_pointed_elsewhere_has_another_place() -> None:
    (moved,) = changes_of("alter table `s`.`t` set location 's3://b/t/build'") or []
    assert moved == Change("s", "t", "s3://b/t/build")
    assert changes_of("insert overwrite directory 's3://b/t/build' using orc select 1") == []


def test_names_are_read_as_spark_reads_them() -> None:
    made = changes_of("create table `glue_catalog`.`S`.`Odd``name.x` using iceberg as select 1")
    assert made == [Change("s", "odd`name.x", None, placed=False)]
