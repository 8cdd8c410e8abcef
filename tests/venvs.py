"""Virtual environments for tests that need other packages than the ones under test.

They are cached under `~/.cache/dbt-glue/venvs` (or `$DBT_GLUE_VENVS`), named by what is in them,
and built once under a file lock, so that two clones may ask at the same time.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CONSTRAINTS = REPO / "constraints.txt"


@dataclass(frozen=True)
class Venv:
    """A virtual environment at `root`."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next((self.root / "lib").glob("python*/site-packages"))

    def run(
        self,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run a console script of this venv; its output is returned, stderr folded into stdout."""
        return subprocess.run(
            [str(self.root / "bin" / args[0]), *args[1:]],
            cwd=cwd,
            env=self.environment(env or {}),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The caller's environment, without what would let other packages or profiles in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "DBT_", "AWS_")) and name != "VIRTUAL_ENV"
        }
        path = f"{self.root / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.root), **extra}


def create(root: Path) -> Venv:
    """An empty venv with pip, on the Python that runs the tests."""
    _checked([sys.executable, "-m", "venv", str(root)])
    return Venv(root)


def install(venv: Venv, *args: str) -> None:
    """`pip install` in this venv; fails with pip's own output."""
    _checked([str(venv.python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *args])


def cached(name: str, steps: Sequence[Sequence[str]]) -> Venv:
    """The venv made by running `pip install` with each of `steps` in turn; built once."""
    # whichever clone asks: what the constraints say, not where they are
    said = repr(steps).replace(str(CONSTRAINTS), CONSTRAINTS.read_text())
    key = hashlib.sha256(repr((sys.version_info[:3], said)).encode()).hexdigest()[:12]
    root = _cache() / f"{name}-{key}"
    with (_cache() / f"{name}-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "complete").exists():
            shutil.rmtree(root, ignore_errors=True)
            venv = create(root)
            for step in steps:
                install(venv, *step)
            (root / "complete").touch()
    return Venv(root)


def released_adapter() -> Venv:
    """The released dbt-glue 1.12.4, the yardstick of tests and benchmarks.

    Its own requirement is dbt-core 1.12, which pip cannot install here; 1.11 serves it.
    """
    below = ["dbt-core==1.11.16", "dbt-spark==1.11.0", "boto3", "pyarrow", "pandas", "waiter==1.5"]
    return cached(
        "released-1.12.4",
        [["-c", str(CONSTRAINTS), *below], ["--no-deps", "dbt-glue==1.12.4"]],
    )


def layered(root: Path) -> Venv:
    """A venv that also sees the packages of the running one, below its own.

    The path goes in by a .pth file: the editable install of this tree is itself a .pth file,
    and those are not followed from there, so the tree stays out. dbt's own packages are copied,
    since `dbt --version` looks for adapters only beside them.
    """
    venv = create(root)
    below = [Path(entry) for entry in sys.path if Path(entry).name == "site-packages"]
    _copy_dbt(below[0], venv.site_packages)
    (venv.site_packages / "below.pth").write_text("\n".join(map(str, below)) + "\n")
    return venv


def overlay(venv: Venv, wheel: Path, into: Path) -> dict[str, str]:
    """Environment in which `venv` has `wheel` too, without being changed.

    `into` gets dbt's packages of the venv and the files of the wheel, side by side as pip would
    lay them, and comes before the venv's own site-packages.
    """
    _copy_dbt(venv.site_packages, into)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into)
    return {"PYTHONPATH": str(into)}


def build_wheel(into: Path) -> Path:
    """The wheel of this tree, built from a copy so that no build folder is left in it."""
    copy = into / "source"
    tracked = ["setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE"]
    copy.mkdir(parents=True)
    for name in tracked:
        shutil.copy(REPO / name, copy / name)
    shutil.copytree(REPO / "dbt", copy / "dbt", ignore=shutil.ignore_patterns("__pycache__"))
    _checked(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(into), str(copy)]
    )
    return next(into.glob("dbt_glue-*.whl"))


def copy_project(project: Path, into: Path) -> Path:
    """A copy of a dbt project to run in, so that dbt's target and logs stay out of the tree."""
    return shutil.copytree(
        project,
        into / project.name,
        ignore=shutil.ignore_patterns("target", "logs", ".user.yml", ".dbt-glue"),
    )


def _copy_dbt(site_packages: Path, into: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "glue")
    shutil.copytree(site_packages / "dbt", into / "dbt", ignore=ignore)


def _cache() -> Path:
    folder = Path(os.environ.get("DBT_GLUE_VENVS") or Path.home() / ".cache" / "dbt-glue" / "venvs")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _checked(command: list[str]) -> None:
    done = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
