"""Python that a project runs from its SQL files, in the session of its SQL."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dbt.adapters.glue.sql_text import PYTHON_PREFIX

MARKS = ("execute_pyspark", PYTHON_PREFIX)
SUFFIXES = frozenset({".sql", ".yml", ".yaml"})
FOLDERS = ("model_paths", "macro_paths", "snapshot_paths", "analysis_paths", "test_paths")


def first_use(config: Any) -> str | None:
    """Where the project first runs Python beside its SQL: "macros/udf.sql:3"; None if nowhere.

    Such code may register functions or temporary views that SQL then reads, which only works where
    both run in one session. A comment that names it counts too. config: dbt's RuntimeConfig.
    """
    root = Path(getattr(config, "project_root", ""))
    folders = [name for kind in FOLDERS for name in getattr(config, kind, [])]
    packages = getattr(config, "packages_install_path", None)
    for path in _files(root, [*folders, *([packages] if packages else [])]):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # dbt itself says what it cannot read
        positions = [text.find(mark) for mark in MARKS if mark in text]
        if positions:
            line = text.count("\n", 0, min(positions)) + 1
            return f"{os.path.relpath(path, root)}:{line}"
    return None


def _files(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    if (project := root / "dbt_project.yml").is_file():
        yield project
    for folder in dict.fromkeys(folders):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path
