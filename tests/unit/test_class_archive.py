"""When the archive of Spark's classes is made; tests/contract makes a real one."""

import os
from pathlib import Path
from typing import Any

import pytest

from dbt.adapters.glue.local import class_archive
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable


@pytest.fixture(autouse=True)
def archives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the archives; no format has a jar."""
    monkeypatch.setenv("DBT_GLUE_JARS", str(tmp_path / "jars"))
    monkeypatch.setattr(class_archive, "jars_for", lambda formats: [])
    return tmp_path / "class-archives"


def no_server(folder: Path) -> Any:
    raise LocalGlueUnavailable(f"no server in {folder.name}")


def test_one_that_is_there_is_not_made_again(archives: Path) -> None:
    archives.mkdir()
    path = class_archive.archive_path([])
    path.touch()
    os.utime(path, (0, 0))
    class_archive.make_archive([], no_server, no_server, lambda line: pytest.fail(line))
    assert path.stat().st_mtime > 0  # as used


def test_jars_installed_anew_have_one_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The JVM refuses an archive of jars that have another time now, though all names are equal."""
    monkeypatch.setattr(class_archive, "pyspark_jars", lambda: tmp_path)
    jar = tmp_path / "spark-core.jar"
    jar.touch()
    before = class_archive.archive_path([])
    assert class_archive.archive_path([]) == before
    os.utime(jar, (1000, 1000))
    assert class_archive.archive_path([]) != before


def test_a_failure_says_why_and_leaves_nothing(archives: Path) -> None:
    with pytest.raises(LocalGlueUnavailable, match="no server in glue"):
        class_archive.make_archive([], no_server, no_server, lambda line: None)
    assert [path.suffix for path in archives.iterdir()] == [".lock"]


def test_an_older_java_keeps_none(monkeypatch: pytest.MonkeyPatch, archives: Path) -> None:
    monkeypatch.setattr(class_archive, "java_told", lambda: 'openjdk version "11.0.2" 2019-01-15')
    said: list[str] = []
    class_archive.make_archive([], no_server, no_server, said.append)
    assert said == ["Java 11 keeps no archive of Spark's classes; Java 13 does"]
    assert not archives.exists()


def test_the_longest_unused_go(archives: Path) -> None:
    archives.mkdir()
    for age in range(6):
        archive = archives / f"{age}.jsa"
        archive.touch()
        os.utime(archive, (1000 - age, 1000 - age))
    class_archive._remove_unused(archives)
    assert sorted(path.name for path in archives.iterdir()) == [f"{age}.jsa" for age in range(4)]
