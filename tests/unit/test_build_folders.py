"""Folders of builds, and what of them is deleted when."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dbt.adapters.glue import build_folders
from dbt.adapters.glue.build_folders import base_of, build_name, is_left_over, new_build
from dbt.adapters.glue.older_builds import KEPT_FOR, OlderBuild, OlderBuilds


def test_a_build_lies_below_the_base_under_a_name_that_nothing_hides() -> None:
    one, other = new_build("s3://b/s/t/"), new_build("s3://b/s/t")
    assert one != other and base_of(one) == base_of(other) == "s3://b/s/t"
    name = build_name(one) or ""
    assert name.startswith("dbt_build_") and "=" not in name
    assert base_of("s3://b/s/t/") == "s3://b/s/t" and build_name("s3://b/s/t") is None
    assert base_of("s3://b/s/dbt_build_of_mine") == "s3://b/s/dbt_build_of_mine"


def test_what_another_run_may_be_writing_is_not_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    young, old = (build_name(new_build("s3://b/t")) for _ in range(2))
    assert is_left_over("part-0.parquet", old) and is_left_over("day=1/part-0", None)
    assert is_left_over(f"{old}/part-0", old) and not is_left_over(f"{young}/part-0", old)
    later = build_folders._now() + build_folders.ABANDONED_AFTER + timedelta(hours=1)
    monkeypatch.setattr(build_folders, "_now", lambda: later)
    assert is_left_over(f"{young}/part-0", old)


def test_older_builds_wait_for_those_who_read_them() -> None:
    now = [0.0]
    builds = OlderBuilds(lambda: now[0])
    first, second = (
        OlderBuild("s", name, "s3://b/t", None, datetime.now(timezone.utc), None) for name in "ab"
    )
    builds.add(first)
    now[0] = 30.0
    builds.add(second)
    assert list(builds.take()) == []
    now[0] = KEPT_FOR
    assert list(builds.take()) == [first]
    assert list(builds.take(all_of_them=True)) == [second]
    builds.add(first)
    builds.forget("s", "a")
    assert list(builds.take(all_of_them=True)) == []


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
def test_texts_take_no_lists(value: Any) -> None:
    from dbt.adapters.glue.exceptions import ConfigurationError
    from dbt.adapters.glue.table_options import texts

    assert texts("p", {"a": 1, "b": False, "c": None, "d": 0.5}) == {
        "a": "1",
        "b": "false",
        "d": "0.5",
    }
    with pytest.raises(ConfigurationError, match="p: got"):
        texts("p", {"x": value})
    with pytest.raises(ConfigurationError, match="expected a mapping"):
        texts("p", "empty")
