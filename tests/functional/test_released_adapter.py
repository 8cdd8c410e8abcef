"""The released dbt-glue 1.12.4, in a venv of its own, on local Glue.

It knows nothing of local Glue: it finds it as any AWS client would, by AWS_ENDPOINT_URL. What does
not work for it here would not be the Glue that it was written for.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import venvs

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PROJECT = Path(__file__).parent / "projects" / "released"


@pytest.fixture(scope="module")
def released() -> venvs.Venv:
    return venvs.released_adapter()


@pytest.fixture(scope="module")
def dbt(
    released: venvs.Venv, local_glue: "LocalGlue", tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Runs dbt in a copy of the project; gives the run results by name, after checking success."""
    from dbt.adapters.glue.local import launcher

    project = venvs.copy_project(PROJECT, tmp_path_factory.mktemp("released"))
    env = {**launcher.environment(local_glue), "TEST_ROLE_ARN": local_glue.role_arn}

    def run(*args: str) -> dict[str, dict[str, Any]]:
        done = released.run("dbt", *args, cwd=project, env=env, timeout=1200)
        log = (project / "logs" / "dbt.log").read_text()[-8000:]
        assert done.returncode == 0, f"{done.stdout}\n--- end of dbt.log\n{log}"
        results = project / "target" / "run_results.json"
        return {
            result["unique_id"].split(".")[2]: result
            for result in json.loads(results.read_text())["results"]
        }

    run.project = project  # type: ignore[attr-defined]
    return run


def test_the_plugin_is_the_released_one(released: venvs.Venv) -> None:
    assert "- glue:  1.12.4" in released.run("dbt", "--version").stdout


def test_it_runs_a_plain_project_to_the_end(dbt: Any) -> None:
    first = dbt("build")
    assert {result["status"] for result in first.values()} <= {"success", "pass"}
    assert {"parcels", "towns", "parcel_towns", "iceberg_state", "hudi_state"} <= set(first)

    incremental = ("iceberg_state", "hudi_state", "by_country")
    second = dbt("build", "--vars", "batch: 2", "--select", *incremental)
    assert {result["status"] for result in second.values()} <= {"success", "pass"}

    merged = {"iceberg_merged", "hudi_merged", "other_partitions_kept"}
    assert merged <= set(second), "the tests that look at the merged rows did not run"

    dbt("docs", "generate", "--vars", "batch: 2")
    catalog = json.loads((dbt.project / "target" / "catalog.json").read_text())
    documented = {name.split(".")[2] for name in catalog["nodes"]}
    assert {"parcels", "country_weights", "iceberg_state", "hudi_state"} <= documented
