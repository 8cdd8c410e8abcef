from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.table_buckets import TableBucket, TableBuckets

from .harness import FakeProject


@pytest.mark.parametrize(("database", "cloned"), [(None, False), ("lake", True)])
def test_a_table_of_another_table_bucket_is_not_the_same(
    database: str | None, cloned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets = TableBuckets((TableBucket("lake", "1", "b"),))
    monkeypatch.setattr(GlueRelation, "table_buckets", buckets)
    project = FakeProject()
    source = GlueRelation.create(schema="sch", identifier="tab", type="view", database=database)
    project.context |= {
        "defer_relation": source,
        "load_cached_relation": lambda found: source if found is source else None,
    }
    project.adapter.refuse_to_clone_into = lambda *names: None  # type: ignore[attr-defined]
    assert bool(project.run("clone")) == cloned


def test_grants_of_a_clone_are_refused_before_it_is_made() -> None:
    project = FakeProject(grants={"select": ["bob"]})
    source = GlueRelation.create(schema="prod", identifier="tab", type="view")
    project.context |= {
        "defer_relation": source,
        "load_cached_relation": lambda found: source if found is source else None,
    }
    with pytest.raises(DbtRuntimeError, match="Lake Formation"):
        project.run("clone")
    assert project.adapter.log == []


@pytest.mark.parametrize("name", ["delta", "iceberg"])
def test_a_clone_is_made_aside_and_nothing_is_dropped(name: str) -> None:
    project = FakeProject(file_format=name)
    source = GlueRelation.create(schema="prod", identifier="tab", type="table", table_format=name)
    existing = project.this.incorporate(type="table", table_format=name)
    project.context |= {
        "defer_relation": source,
        "load_cached_relation": lambda found: source if found is source else existing,
        "flags": SimpleNamespace(FULL_REFRESH=True),
    }
    adapter: Any = project.adapter
    adapter.refuse_to_clone_into = lambda *names: None
    adapter.clone_properties = lambda source: {"dbt-glue.clone-of": "[]"}
    adapter.write_clone_metadata = lambda source, place: f"{place}/metadata/0.json"
    lines = project.run("clone")
    assert not [line for line in lines if line.startswith("drop")]
    made = next(line for line in lines if "clone" in line or "register_table" in line)
    assert "__dbt_tmp" in made
    assert lines.index(made) < next(i for i, line in enumerate(lines) if line.startswith("PUT"))
    assert any(line.startswith("refresh table") for line in lines)
