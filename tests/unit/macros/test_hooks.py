"""Hooks run in every materialization, also those that dbt puts outside of a transaction."""

import pytest

from dbt.adapters.glue.column import GlueColumn

from .harness import FakeProject

# before_begin() and after_commit() make transaction: false
PRE = [
    {"sql": "set pre = inside", "transaction": True},
    {"sql": "set pre = outside", "transaction": False},
]
POST = [
    {"sql": "set post = outside", "transaction": False},
    {"sql": "set post = inside", "transaction": True},
    {"sql": "  ", "transaction": False},
]


def with_hooks(materialization: str, **config: object) -> FakeProject:
    kinds = {"seed": "seed", "snapshot": "snapshot"}
    project = FakeProject(kinds.get(materialization, "model"), file_format="iceberg", **config)
    project.context |= {"pre_hooks": PRE, "post_hooks": POST, "render": lambda text: text}
    project.adapter.increment_columns = [GlueColumn("id", "int")]
    project.adapter.query_columns = ["id"]
    return project


@pytest.mark.parametrize("materialization", ["table", "incremental", "view", "seed", "snapshot"])
def test_all_hooks_run_and_the_outer_ones_are_outermost(materialization: str) -> None:
    snapshot = {"strategy": "check", "check_cols": ["id"], "unique_key": "id"}
    project = with_hooks(materialization, **(snapshot if materialization == "snapshot" else {}))
    lines = project.run(materialization)
    hooks = [line for line in lines if line.startswith("set ")]
    assert lines[:2] == ["set pre = outside", "set pre = inside"] == hooks[:2]
    assert lines[-2:] == ["set post = inside", "set post = outside"] == hooks[2:]
    assert "commit;" not in lines


@pytest.mark.parametrize("materialization", ["table", "incremental", "python_model"])
def test_hooks_of_python_models(materialization: str) -> None:
    project = with_hooks(materialization)
    model = project.context["model"]
    model["language"] = model.language = "python"
    model["raw_code"] = model.raw_code = ""
    project.adapter.leave_python_session = lambda: False  # type: ignore[attr-defined]
    project.context["submit_python_job"] = lambda model, code: "OK"
    hooks = [line for line in project.run(materialization) if line.startswith("set ")]
    assert [line.split(" = ")[1] for line in hooks] == ["outside", "inside", "inside", "outside"]
