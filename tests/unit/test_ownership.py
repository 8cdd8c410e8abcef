"""Data of another table is never deleted, whichever schema that is in; over moto."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto import mock_aws
from unit.test_temporaries import BASE, Place

from dbt.adapters.glue.build_folders import new_build
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, HoldsOthers, NotOwned
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.leftovers import Leftover, Leftovers
from dbt.adapters.glue.storage import TableStorage

ORDERS = f"{BASE}/orders"
NOW = datetime.now(timezone.utc)


@pytest.fixture
def place() -> Any:
    """A project with root_location: the schemas s and prod share a folder."""
    with mock_aws():
        found = Place()
        found.storage = TableStorage(
            found.clients,  # type: ignore[arg-type]
            KnownCatalog(found.catalog),
            BASE,
            root_location=True,
        )
        found.catalog.create_database("prod", f"{BASE}/prod/")
        yield found


def made(place: Place, schema: str, name: str, location: str) -> None:
    storage = {"Location": location, "Columns": []}
    place.catalog.create_table(schema, {"Name": name, "StorageDescriptor": storage})
    place.storage.put(f"{location}/part-0", b"x")


def test_a_folder_that_schemas_share_keeps_the_others_table(place: Place) -> None:
    live = new_build(ORDERS)
    made(place, "prod", "orders", live)
    before = place.objects()
    assert place.storage.location_for("s", "orders") == ORDERS
    for delete in (
        lambda: place.storage.clear("s", "orders", ORDERS),
        lambda: place.storage.delete_data("s", "orders", ORDERS),
        lambda: place.storage.delete_older_builds("s", "orders", new_build(ORDERS), None, NOW),
        lambda: place.storage.refuse_to_share("s", "orders", ORDERS),
    ):
        with pytest.raises(NotOwned, match=r"it holds the table prod\.orders"):
            delete()
    assert place.objects() == before


def test_an_own_table_there_is_deleted_and_the_others_are_listed_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("orders", "items"):
        made(place, "s", name, f"{BASE}/{name}")
    made(place, "prod", "customers", f"{BASE}/customers")
    listed = []
    get_tables = place.catalog.get_tables

    def counted(database: str) -> Any:
        listed.append(database)
        return get_tables(database)

    monkeypatch.setattr(place.catalog, "get_tables", counted)
    for name in ("orders", "items"):
        assert place.storage.delete_data("s", name, f"{BASE}/{name}") == 1
    assert place.objects() == ["customers/part-0"]
    assert sorted(listed) == ["prod", "s"]


def test_schemas_that_the_role_may_not_read_are_left_out(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(place, "s", "orders", ORDERS)
    get_tables = place.catalog.get_tables

    def refused(database: str) -> Any:
        if database == "prod":
            raise AccessDenied("no glue:GetTables", operation="GetTables")
        return get_tables(database)

    monkeypatch.setattr(place.catalog, "get_tables", refused)
    assert place.storage.delete_data("s", "orders", ORDERS) == 1


def test_a_table_that_no_listing_has_shown_keeps_its_data(place: Place) -> None:
    """Another process has made it since, or Lake Formation keeps it out of GetTables."""
    assert place.storage._known.places("s") == set()
    made(place, "s", "orders", ORDERS)
    with pytest.raises(CatalogError, match=r"s\.orders was not in the list of tables") as caught:
        place.storage.clear("s", "orders", ORDERS)
    assert "run dbt again" in str(caught.value) and not isinstance(caught.value, NotOwned)
    assert place.objects() == ["orders/part-0"]


def test_leftovers_are_no_other_schemas_tables(place: Place) -> None:
    live, dead = new_build(ORDERS), new_build(ORDERS)
    made(place, "prod", "orders", live)
    place.storage.put(f"{dead}/part-0", b"x")
    leftovers = Leftovers(place.catalog, place.storage)
    (left,) = leftovers.find(["s"])
    assert left.place == dead
    with pytest.raises(HoldsOthers, match=r"it holds the table prod\.orders"):
        leftovers.remove(Leftover("build", "s", "orders", live, NOW - timedelta(days=9)))
    leftovers.remove(left)
    assert place.objects() == [f"{live.removeprefix(BASE + '/')}/part-0"]


def test_marks_of_folders_are_no_leftovers(place: Place) -> None:
    for path in ("_dbt_glue_tmp/", "_dbt_glue_tmp/mine/rows.json.gz", "_dbt_glue_tmp/x_$folder$"):
        place.put(path)
    leftovers = Leftovers(place.catalog, place.storage)
    assert [left.place for left in leftovers.find([])] == [f"{BASE}/_dbt_glue_tmp/mine"]
    for path in (f"{BASE}/_dbt_glue_tmp/", f"{BASE}/_dbt_glue_tmp", f"{BASE}/_dbt_glue_tmp/a/b"):
        with pytest.raises(Exception, match="is not a temporary folder"):
            place.storage.delete_temporary(path)
    assert len(place.objects()) == 3


def test_a_build_among_thousands_of_partitions_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = new_build(ORDERS)
    made(place, "s", "orders", ORDERS)
    place.storage.put(f"{dead}/part-0", b"x")
    for hour in range(12):
        place.put(f"orders/hour={hour}/part-0")
    monkeypatch.setattr("dbt.adapters.glue.storage.FOLDER_PAGES", 1)
    listed = place.clients.s3.list_objects_v2

    def of_two(**asked: Any) -> Any:
        return listed(MaxKeys=2, **asked)

    monkeypatch.setattr(place.clients.s3, "list_objects_v2", of_two)
    found = [left.place for left in Leftovers(place.catalog, place.storage).find(["s"])]
    assert found == [dead]


def test_what_is_not_ours_of_a_staging_table_is_told(place: Place) -> None:
    elsewhere = "s3://bucket/elsewhere/t"
    made(place, "s", "t__dbt_tmp_01234567", elsewhere)
    (left,) = Leftovers(place.catalog, place.storage).find(["s"])
    with pytest.raises(NotOwned, match="was not deleted: it is not below the profile's location"):
        Leftovers(place.catalog, place.storage).remove(left)
    assert place.names() == set()
