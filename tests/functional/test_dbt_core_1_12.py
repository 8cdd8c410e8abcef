"""dbt-core 1.12 with this adapter: it loads, parses, and builds on local Glue.

dbt-core 1.12.6 requires `dbt-core-experimental-parser`, whose source package downloads a binary
from outside PyPI when it is built; dbt does not need it unless asked for, so it is left out here.
"""

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import venvs
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent / "projects" / "tiny"
OF_DBT_CORE = [
    "agate",
    "click",
    "daff",
    "dbt-extractor",
    "dbt-protos",
    "jinja2",
    "jsonschema",
    "mashumaro[msgpack]",
    "metricflow>=0.213.0",
    "networkx",
    "opentelemetry-api",
    "packaging",
    "pathspec",
    "protobuf",
    "pydantic",
    "python-dotenv",
    "pytz",
    "pyyaml",
    "requests",
    "snowplow-tracker",
    "sqlparse",
    "sqlparams",
    "typing-extensions",
]


def _of_the_adapter() -> list[str]:
    """Requirements of `dbt-glue[local]`, without the two that would bring another dbt-core."""
    declared = [Requirement(text) for text in metadata.requires("dbt-glue") or []]
    return [
        f"{one.name}[{','.join(one.extras)}]{one.specifier}" if one.extras else str(one.name)
        for one in declared
        if one.name not in ("dbt-core", "dbt-spark")
        and (one.marker is None or one.marker.evaluate({"extra": "local"}))
    ]


@pytest.fixture(scope="module")
def dbt_1_12() -> venvs.Venv:
    return venvs.cached(
        "dbt-core-1.12",
        [
            ["--no-deps", "dbt-core==1.12.6", "dbt-spark==1.11.0"],
            ["-c", str(venvs.CONSTRAINTS), *OF_DBT_CORE, *_of_the_adapter()],
        ],
    )


@pytest.fixture(scope="module")
def adapter(dbt_1_12: venvs.Venv, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which this tree's wheel is importable; the cached venv stays without it."""
    work = tmp_path_factory.mktemp("adapter")
    return venvs.overlay(dbt_1_12, venvs.build_wheel(work / "wheel"), work / "site")


def test_version_lists_the_plugin(dbt_1_12: venvs.Venv, adapter: dict[str, str]) -> None:
    done = dbt_1_12.run("dbt", "--version", env=adapter)
    assert "installed: 1.12.6" in done.stdout, done.stdout
    assert "- glue:" in done.stdout, done.stdout


def test_a_project_parses_and_builds_twice(
    dbt_1_12: venvs.Venv, adapter: dict[str, str], local_glue: "LocalGlue", tmp_path: Path
) -> None:
    project = venvs.copy_project(PROJECT, tmp_path)
    env = {
        **adapter,
        "TEST_LOCAL_DIR": str(local_glue.local_dir),
        "TEST_SCHEMA": "dbt_core_1_12",
    }
    for command in (["parse"], ["build"], ["build"]):
        done = dbt_1_12.run("dbt", *command, cwd=project, env=env)
        assert done.returncode == 0, done.stdout
    assert "ERROR=0" in done.stdout and "PASS=5" in done.stdout, done.stdout
