"""One local Glue for the whole test run, started when the first test asks for it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

pytest_plugins = ["dbt.tests.fixtures.project"]


def pytest_configure() -> None:
    """A run that is ended by SIGTERM tears its fixtures down, as one ended by Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def local_glue(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalGlue"]:
    """A running local Glue in a folder of this test run.

    DBT_GLUE_TEST_LOCAL_DIR keeps the folder (and a server that already runs on it), which makes
    repeated runs of single tests quicker.
    """
    from dbt.adapters.glue.local import launcher

    kept = os.environ.get("DBT_GLUE_TEST_LOCAL_DIR")
    local_dir = Path(kept) if kept else tmp_path_factory.mktemp("local-glue")
    # Killed with -9, a run leaves its server; that ends by itself once its sessions have.
    running = launcher.ensure_running(local_dir, idle_exit=900.0)
    yield running
    if not kept:
        launcher.stop(local_dir)
