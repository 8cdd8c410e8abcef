"""What killed runs have left: found, listed, removed; over moto's Data Catalog and S3."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto import mock_aws
from unit.test_temporaries import BASE, Place

from dbt.adapters.glue import build_folders
from dbt.adapters.glue.build_folders import new_build
from dbt.adapters.glue.exceptions import NotOwned
from dbt.adapters.glue.leftovers import Leftover, Leftovers


@pytest.fixture
def place() -> Any:
    with mock_aws():
        yield Place()


@pytest.fixture
def leftovers(place: Place) -> Leftovers:
    return Leftovers(place.catalog, place.storage)


def put(place: Place, *places: str) -> None:
    for one in places:
        place.put(f"{one.removeprefix(BASE + '/')}/part-0")


def test_all_kinds_are_found_and_removed_and_nothing_else(
    place: Place, leftovers: Leftovers
) -> None:
    live, dead = new_build(f"{BASE}/s/t"), new_build(f"{BASE}/s/t")
    elsewhere, lost = new_build("s3://bucket/else/u"), new_build("s3://bucket/else/u")
    place.make("t", live)
    place.make("u", elsewhere)
    place.make("t__dbt_tmp_01234567", staged := new_build(f"{BASE}/s/t"))
    folder = f"{BASE}/s/v__dbt_tmp_89abcdef"  # of a table that was never made
    seed, result = f"{BASE}/_dbt_glue_tmp/1", f"{BASE}/_dbt_glue_results/run"
    put(place, live, dead, staged, folder, seed, result, f"{BASE}/s/t/day=1", f"{BASE}/s/plain")
    for path in (elsewhere, lost):
        place.storage.put(f"{path}/part-0", b"x")
    found = list(leftovers.find(leftovers.schemas()))
    assert {(left.kind, str(left)) for left in found} == {
        ("table", "s.t__dbt_tmp_01234567"),
        *[("build", dead), ("build", lost), ("build", folder)],
        *[("seed", seed), ("result", result)],
    }
    for left in found:
        leftovers.remove(left)
    assert list(leftovers.find(["s"])) == []
    assert place.names() == {"t", "u"}
    kept = [live, elsewhere, f"{BASE}/s/t/day=1", f"{BASE}/s/plain"]
    assert {f"s3://bucket/w/{key}" for key in place.objects() if key.startswith("s/")} == {
        f"{path}/part-0" for path in kept if path.startswith(BASE)
    }
    assert list(place.storage.objects_below(elsewhere))
    assert not list(place.storage.objects_below(lost))


def test_a_build_that_has_come_into_its_place_since_is_left(
    place: Place, leftovers: Leftovers
) -> None:
    build = new_build(f"{BASE}/s/t")
    put(place, build)
    (left,) = leftovers.find(["s"])
    place.make("t", build)
    with pytest.raises(NotOwned, match=r"it holds the table s\.t"):
        leftovers.remove(left)
    entry = Leftover("table", "s", "t__dbt_tmp_01234567", build, datetime.now(timezone.utc))
    place.make(entry.name, build)
    leftovers.remove(entry)  # its entry alone
    assert place.names() == {"t"} and len(place.objects()) == 1


def test_only_schemas_below_the_location_are_looked_into(
    place: Place, leftovers: Leftovers
) -> None:
    place.catalog.create_database("other", "s3://bucket/other/")
    place.catalog.create_database("none")
    assert leftovers.schemas() == ["s"]


def test_the_next_build_of_a_table_takes_what_a_killed_one_has_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt.adapters.glue.data_methods import DataMethods

    base = f"{BASE}/s/t"
    place.make("t__dbt_tmp_01234567", build := new_build(base))
    place.make("tt__dbt_tmp_01234567", other := new_build(f"{BASE}/s/tt"))
    put(place, build, other)
    place.storage._known.list_tables("s")
    adapter: Any = type("Adapter", (), {})()
    adapter.known, adapter.temporaries = place.storage._known, place.temporaries
    DataMethods.remove_abandoned(adapter, "s", "T")
    assert place.temporaries.tables == []  # it may belong to a run under way
    later = datetime.now(timezone.utc) + build_folders.ABANDONED_AFTER + timedelta(hours=1)
    monkeypatch.setattr(build_folders, "_now", lambda: later)
    DataMethods.remove_abandoned(adapter, "s", "T")
    assert place.temporaries.remove(place.catalog_in, place.storage) == []
    assert place.names() == {"tt__dbt_tmp_01234567"}
    assert place.objects() == [f"{other.removeprefix(BASE + '/')}/part-0"]
