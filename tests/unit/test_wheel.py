"""The wheel, not the tree: what is in it, and that dbt finds the adapter once it is installed."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import venvs
import yaml

RUN_DBT = "from dbt.cli.main import cli; cli()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return venvs.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[venvs.Venv]:
    venv = venvs.layered(tmp_path_factory.mktemp("installed") / "venv")
    venvs.install(venv, "--no-deps", "--no-index", str(wheel))
    yield venv


def test_every_file_of_the_packages_is_in_it(contents: set[str]) -> None:
    tree = {
        str(path.relative_to(venvs.REPO))
        for path in (venvs.REPO / "dbt").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tree == contents


def test_it_holds_macros_project_files_and_session_runtime(contents: set[str]) -> None:
    for wanted in (
        "dbt/include/glue/dbt_project.yml",
        "dbt/include/glue/profile_template.yml",
        "dbt/include/glue/macros/adapters/",
        "dbt/include/glue/macros/materializations/",
        "dbt/adapters/glue/session/runtime/",
        "dbt/adapters/glue/local/repl.py",
    ):
        assert any(name.startswith(wanted) for name in contents), wanted


def test_it_holds_the_adapter_and_nothing_else(contents: set[str]) -> None:
    strays = {
        name
        for name in contents
        if not name.startswith(("dbt/adapters/glue/", "dbt/include/glue/"))
        or Path(name).name.startswith("test_")
    }
    assert strays == set()


def test_dbt_folders_stay_namespace_packages(contents: set[str]) -> None:
    for package in ("dbt", "dbt/adapters", "dbt/include"):
        assert f"{package}/__init__.py" not in contents


@pytest.mark.slow
def test_dbt_lists_the_installed_plugin(installed: venvs.Venv, tmp_path: Path) -> None:
    done = installed.run("python", "-c", RUN_DBT, "--version", cwd=tmp_path)
    assert "- glue:" in done.stdout, done.stdout


@pytest.mark.slow
def test_the_installed_adapter_loads_from_the_wheel(installed: venvs.Venv, tmp_path: Path) -> None:
    code = (
        "import dbt.adapters.glue as glue, dbt.adapters.glue.impl, dbt.include.glue as include;"
        "print(glue.__file__); print(include.PACKAGE_PATH)"
    )
    done = installed.run("python", "-c", code, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert len(lines) == 2 and all(line.startswith(str(installed.root)) for line in lines), lines


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "profile"),
    [
        (["1", "shop", "2"], {"type": "glue", "local": True, "schema": "shop", "threads": 2}),
        (
            ["2", "arn:aws:iam::1:role/R", "eu-west-1", "s3://bkt/w", "shop", "", "", "", "", ""],
            {
                "type": "glue",
                "role_arn": "arn:aws:iam::1:role/R",
                "region": "eu-west-1",
                "location": "s3://bkt/w",
                "schema": "shop",
                "workers": 2,
                "worker_type": "G.1X",
                "glue_version": "5.0",
                "datalake_formats": "iceberg",
                "threads": 4,
            },
        ),
    ],
)
def test_dbt_init_asks_for_a_profile_that_works(
    installed: venvs.Venv, tmp_path: Path, answers: list[str], profile: dict[str, Any]
) -> None:
    ask = "from dbt.version import _get_adapter_plugin_names as names; print(*names())"
    plugins = installed.run("python", "-c", ask, cwd=tmp_path).stdout.split()
    choice = str(plugins.index("glue") + 1)
    (tmp_path / "profiles").mkdir()
    where = ["--profiles-dir", str(tmp_path / "profiles")]
    done = subprocess.run(
        [str(installed.root / "bin/python"), "-c", RUN_DBT, "init", "my_shop", *where],
        cwd=tmp_path,
        env=installed.environment({}),
        input="\n".join([choice, *answers, ""]),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load((tmp_path / "profiles/profiles.yml").read_text())
    assert written["my_shop"]["outputs"]["dev"] == profile
    parsed = installed.run("python", "-c", RUN_DBT, "parse", *where, cwd=tmp_path / "my_shop")
    assert parsed.returncode == 0, parsed.stdout


@pytest.mark.slow
def test_the_command_is_installed(installed: venvs.Venv, tmp_path: Path) -> None:
    done = installed.run("dbt-glue", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "local" in done.stdout
