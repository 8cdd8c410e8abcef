"""docs/formats.md: every format with every strategy and kind of model, each run twice.

DBT_GLUE_MATRIX_JSON names the file that the verdicts are written to, for `make formats`.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt
from functional.conftest import TRANSPORT
from functional.matrix import page
from functional.matrix.cells import CELLS, SOURCE, Cell, files
from functional.matrix.outcomes import Outcome, Runs, Seen
from functional.matrix.rows import Rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

HIDDEN = ("_hoodie_", "update_hudi_ts", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from")
BUCKET = "functional-tests"
SESSION = f"matrix-{TRANSPORT}"
TABLE_BUCKET = "123456789012:s3tablescatalog/matrix-tests"


def seen_row(text: str) -> dict[str, Any]:
    """A row out of to_json, without the columns that formats and snapshots add."""
    row = {name.lower(): value for name, value in json.loads(text).items()}
    if "dbt_valid_to" in row:
        row["current"] = row.pop("dbt_valid_to") is None
    return {name: value for name, value in row.items() if not name.startswith(HIDDEN)}


class Project:
    """The project of the matrix, its runs and what they leave."""

    def __init__(self, project: Any, glue_client: Any) -> None:
        self.project, self.glue = project, glue_client
        self.errors: dict[str, str] = {}
        self.runs = {cell: Runs() for cell in CELLS}

    def command(self, *arguments: str) -> dict[str, Any]:
        """The results of a dbt command, by the names of nodes."""
        self.errors.clear()
        results = run_dbt(list(arguments), expect_pass=None, callbacks=[self._keep_error])
        return {result.node.name: result for result in results}

    def _keep_error(self, event: Any) -> None:
        """dbt tells why a batch has failed in an event only."""
        if event.info.name in ("GenericExceptionOnRun", "CatchableExceptionOnRun"):
            said = event.data.exc.removeprefix("Exception on worker thread. ")
            self.errors.setdefault(event.data.node_info.unique_id, said)

    def see(self, cells: list[Cell], results: dict[str, Any], schema: str) -> None:
        """Adds what became of the cells in a command."""
        kinds = self.kinds(schema)
        rows = self.rows(cells, results, schema, kinds)
        for cell in cells:
            result = results[cell.name]
            message = self.errors.get(result.node.unique_id, result.message or "")
            self.runs[cell].seen.append(
                Seen(
                    "success" if result.status == "success" else str(result.status),
                    message,
                    rows.get(cell.name),
                    kinds.get(cell.name) == "VIRTUAL_VIEW",
                )
            )

    def kinds(self, schema: str) -> dict[str, str]:
        """The type of each table and view in the catalog."""
        kinds = {}
        for catalog in ({}, {"CatalogId": TABLE_BUCKET}):
            pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=schema, **catalog)
            for found in pages:
                kinds.update({table["Name"]: table["TableType"] for table in found["TableList"]})
        return kinds

    def rows(
        self, cells: list[Cell], results: dict[str, Any], schema: str, kinds: dict[str, str]
    ) -> dict[str, Rows]:
        """The rows of each relation that is there, by one query for all."""
        create = self.project.adapter.Relation.create_from
        queries = []
        for cell in cells:
            if cell.name in kinds:
                relation = create(self.project.adapter.config, results[cell.name].node)
                relation = relation.incorporate(path={"schema": schema})
                if kinds[cell.name] == "VIRTUAL_VIEW":
                    relation = relation.incorporate(type="view")
                queries.append(
                    f"select '{cell.name}', to_json(struct(*), map('ignoreNullFields', 'false'))"
                    f" from {relation}"
                )
        found: dict[str, Rows] = {cell.name: [] for cell in cells if cell.name in kinds}
        for start in range(0, len(queries), 20):
            sql = " union all ".join(queries[start : start + 20])
            for name, row in self.project.run_sql(sql, fetch="all"):
                found[name].append(seen_row(row))
        return found


@pytest.fixture(scope="class")
def clones_schema(unique_schema: str) -> str:
    return f"{unique_schema}_clones"


class TestMatrix:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"source_rows.sql": SOURCE, **files("model"), **files("python")}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return files("snapshot")

    @pytest.fixture(scope="class")
    def dbt_profile_data(
        self, unique_schema: str, clones_schema: str, dbt_profile_target: dict[str, Any]
    ) -> dict[str, Any]:
        target = {
            **dbt_profile_target,
            "glue_session_id": SESSION,  # of its own, since a table bucket is in a session's conf
            "s3_tables": {"lake": "matrix-tests"},
        }
        outputs = {
            "default": {**target, "schema": unique_schema},
            "clones": {**target, "schema": clones_schema},
        }
        return {"test": {"target": "default", "outputs": outputs}}

    @pytest.fixture(scope="class")
    def runs(self, project: Any, glue_client: Any, clones_schema: str) -> Iterator[Project]:
        """All commands of the matrix."""
        matrix = Project(project, glue_client)
        cloned = [cell for cell in CELLS if cell.feature.kind == "clone"]
        built = [cell for cell in CELLS if cell not in cloned]
        refreshed = [cell for cell in built if cell.feature.refreshed]
        for run, first_day in ((1, "2024-01-01"), (2, "2024-01-02")):
            period = ["--event-time-start", first_day, "--event-time-end", "2024-01-04"]
            results = matrix.command("build", "--vars", f"run: {run}", *period)
            matrix.see(built, results, project.test_schema)
        state = Path(project.project_root) / "state"
        state.mkdir()
        shutil.copy(Path(project.project_root) / "target" / "manifest.json", state)
        results = matrix.command(
            *("run", "--full-refresh", "--vars", "run: 3", "--select", "tag:refreshed")
        )
        matrix.see(refreshed, results, project.test_schema)
        names = " ".join(cell.name for cell in cloned)
        results = matrix.command(
            *("clone", "--state", str(state), "--target", "clones", "--vars", "run: 2"),
            *("--select", names),
        )
        matrix.see(cloned, results, clones_schema)
        yield matrix
        with project.adapter.connection_named("__clones"):
            relation = project.adapter.Relation.create(schema=clones_schema)
            project.adapter.drop_schema(relation)
        for session in glue_client.list_sessions()["Ids"]:
            if session.startswith(SESSION):
                glue_client.stop_session(Id=session)

    @pytest.fixture(scope="class")
    def outcomes(self, runs: Project) -> dict[Cell, Outcome]:
        outcomes = {cell: seen.outcome(cell) for cell, seen in runs.runs.items()}
        told = os.environ.get("DBT_GLUE_MATRIX_JSON")
        if told:
            Path(told).write_text(page.to_json(outcomes), encoding="utf-8")
        return outcomes

    @pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
    def test_cell(self, outcomes: dict[Cell, Outcome], cell: Cell) -> None:
        assert outcomes[cell].verdict in ("passed", "refused"), outcomes[cell].reason

    def test_nothing_temporary_is_left(
        self, runs: Project, project: Any, s3_client: Any, outcomes: dict[Cell, Outcome]
    ) -> None:
        kept = {"source_rows"} | {
            cell.name for cell, runs in runs.runs.items() if runs.seen[-1].rows is not None
        }
        assert set(runs.kinds(project.test_schema)) == kept
        prefix = f"warehouse/{project.test_schema}/"
        pages = s3_client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        keys = [entry["Key"] for found in pages for entry in found.get("Contents", [])]
        assert {key.removeprefix(prefix).split("/")[0] for key in keys} <= kept

    def test_the_page_is_current(self, outcomes: dict[Cell, Outcome]) -> None:
        written = page.TARGET.read_text(encoding="utf-8")
        assert written == page.document(json.loads(page.to_json(outcomes))), page.HINT
