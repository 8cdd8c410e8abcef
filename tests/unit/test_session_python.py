"""Where a project runs Python beside its SQL."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dbt.adapters.glue.session_python import first_use


def config(root: Path) -> Any:
    return SimpleNamespace(
        project_root=str(root),
        model_paths=["models"],
        macro_paths=["macros"],
        packages_install_path="dbt_packages",
    )


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("macros/udf.sql", "{% macro udf() %}\n{{ adapter.execute_pyspark('1') }}", ":2"),
        ("models/deep/er/m.sql", "custom_glue_code_for_dbt_adapter\nprint(1)", ":1"),
        (
            "dbt_project.yml",
            "name: x\n\non-run-start: \"{{ adapter.execute_pyspark('1') }}\"",
            ":3",
        ),
        ("dbt_packages/p/macros/m.sql", "execute_pyspark", ":1"),
    ],
)
def test_found(tmp_path: Path, file: str, text: str, place: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert first_use(config(tmp_path)) == f"{file}{place}"


def test_not_found(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "python_model.py").write_text("def model(dbt, spark): execute_pyspark")
    (tmp_path / "models" / "m.sql").write_bytes(b"select 1 -- \xff")
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "m.sql").write_text("execute_pyspark")
    assert first_use(config(tmp_path)) is None
    assert first_use(SimpleNamespace(project_root=str(tmp_path / "nowhere"))) is None


def test_folders_outside_of_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (outside / "p").mkdir(parents=True)
    (outside / "p" / "m.sql").write_text("execute_pyspark")
    given = config(project)
    given.packages_install_path = str(outside)
    assert first_use(given) == "../outside/p/m.sql:1"
