"""What setup.py, constraints.txt and the Makefile promise each other."""

import re
import subprocess
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from venvs import REPO

CONSTRAINTS = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1].strip()
    for line in (REPO / "constraints.txt").read_text().splitlines()
    if "==" in line
}


def requirements() -> list[Requirement]:
    """What `pip install dbt-glue[dev]` asks for on this Python."""
    declared = [Requirement(text) for text in metadata.requires("dbt-glue") or []]
    return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": "dev"})]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_of_dev_has_an_exact_version_that_satisfies_it(
    requirement: Requirement,
) -> None:
    pinned = CONSTRAINTS.get(canonicalize_name(requirement.name))
    assert pinned is not None, f"{requirement.name} is not in constraints.txt"
    assert requirement.specifier.contains(pinned)


def test_extras_are_the_documented_ones() -> None:
    extras = metadata.metadata("dbt-glue").get_all("Provides-Extra")
    assert set(extras or []) == {"connect", "local", "dev"}


def test_the_command_is_declared() -> None:
    scripts = metadata.entry_points(group="console_scripts", name="dbt-glue")
    assert [script.value for script in scripts] == ["dbt.adapters.glue.cli:main"]


def test_make_without_a_target_lists_every_target_of_the_readme() -> None:
    listed = subprocess.run(["make"], cwd=REPO, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"(?m)(?:^|`)make ([a-z-]+)", (REPO / "README.md").read_text())
    assert {"demo", "test"} <= set(named)
    for target in named:
        assert f"make {target} " in listed


def test_the_changelog_has_the_version() -> None:
    assert f"## {metadata.version('dbt-glue')}" in (REPO / "CHANGELOG.md").read_text()
