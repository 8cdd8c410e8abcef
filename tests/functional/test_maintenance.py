"""The config `maintenance` and `dbt run-operation glue_maintain`, by files before and after."""

from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

LATER = "2100-01-01"  # expires every snapshot that need not be kept
LOG = """
{{{{ config(materialized='incremental', file_format='{file_format}', {config}) }}}}
select 1 as id, {{{{ var('run', 1) }}}} as run
"""
APPEND = "incremental_strategy='append'"
EXPIRE = {"expire_snapshots": {"older_than": LATER, "retain_last": 1}}
MODELS = {
    # pain 36: nothing is expired that was not asked for
    "kept": ("iceberg", APPEND),
    "last_one": ("iceberg", f"{APPEND}, iceberg_expire_snapshots=true"),
    "after_run": ("iceberg", f"{APPEND}, maintenance={EXPIRE}"),
    "at_night": (
        "iceberg",
        f"{APPEND}, tags=['nightly'], maintenance="
        + str(
            {"after_run": False, "rewrite_data_files": {"options": {"min-input-files": 2}}} | EXPIRE
        ),
    ),
    "delta_log": (
        "delta",
        f"{APPEND}, table_properties={{'delta.deletedFileRetentionDuration': 'interval 0 hours'}}, "
        "maintenance=" + str({"after_run": False, "optimize": {"zorder_by": "id"}, "vacuum": True}),
    ),
    "hudi_log": (
        "hudi",
        "unique_key='id', hudi_options={'hoodie.table.type': 'MERGE_ON_READ'}, maintenance="
        + str(
            {
                "after_run": False,
                "run_compaction": {"options": {"hoodie.compact.inline.max.delta.commits": 1}},
                "run_clean": {
                    "clean_policy": "KEEP_LATEST_FILE_VERSIONS",
                    "file_versions_retained": 1,
                },
            }
        ),
    ),
}
REFUSED = LOG.format(file_format="delta", config="maintenance={'expire_snapshots': true}")


class TestMaintenance:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        found = {
            f"{name}.sql": LOG.format(file_format=file_format, config=config)
            for name, (file_format, config) in MODELS.items()
        }
        return found | {"view.sql": "{{ config(materialized='view') }} select 1 as id"}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"test": {"view": {"+maintenance": EXPIRE}}}}

    @pytest.fixture(scope="class")
    def three_runs(self, project: Any) -> Any:
        for run in (1, 2, 3):
            run_dbt(["run", "--vars", f"run: {run}"])
        return project

    def count(self, project: Any, name: str, kind: str) -> int:
        sql = f"select count(*) from glue_catalog.{project.test_schema}.{name}.{kind}"
        (found,) = project.run_sql(sql, fetch="one")
        return int(found)

    def rows(self, project: Any, name: str) -> list[tuple[Any, ...]]:
        prefix = "glue_catalog." if MODELS[name][0] == "iceberg" else ""
        sql = f"select id, run from {prefix}{project.test_schema}.{name} order by run"
        return [tuple(row) for row in project.run_sql(sql, fetch="all")]

    def files(self, s3_client: Any, project: Any, name: str) -> list[str]:
        prefix = f"warehouse/{project.test_schema}/{name}/"
        found = s3_client.list_objects_v2(Bucket="functional-tests", Prefix=prefix)["Contents"]
        keys = [item["Key"].removeprefix(prefix) for item in found]
        return [key for key in keys if "/" not in key]  # not of _delta_log or .hoodie

    def test_pain_36_snapshots_stay_unless_asked(self, three_runs: Any) -> None:
        found = {
            name: self.count(three_runs, name, "snapshots")
            for name in ("kept", "last_one", "after_run", "at_night")
        }
        assert found == {"kept": 3, "last_one": 1, "after_run": 1, "at_night": 3}

    def test_run_operation(self, three_runs: Any, s3_client: Any) -> None:
        schema = three_runs.test_schema
        before = {name: self.rows(three_runs, name) for name in MODELS}
        assert self.count(three_runs, "at_night", "files") == 3
        delta_files = self.files(s3_client, three_runs, "delta_log")
        hudi_files = self.files(s3_client, three_runs, "hudi_log")
        assert [key for key in hudi_files if ".log." in key]

        _, output = run_dbt_and_capture(["run-operation", "glue_maintain"])

        assert f"{schema}.at_night: rewrite_data_files: rewritten_data_files_count 3" in output
        assert f"{schema}.delta_log: optimize: numFilesAdded 1, numFilesRemoved 3" in output
        assert f"{schema}.delta_log: vacuum: done" in output
        assert f"{schema}.hudi_log: run_compaction:" in output
        assert f"{schema}.view: left out, since it is a view" in output
        assert self.count(three_runs, "at_night", "files") == 1
        assert self.count(three_runs, "at_night", "snapshots") == 1
        assert self.count(three_runs, "kept", "snapshots") == 3
        assert len(delta_files) == 3 and len(self.files(s3_client, three_runs, "delta_log")) == 1
        assert set(hudi_files) != set(self.files(s3_client, three_runs, "hudi_log"))
        assert not [k for k in self.files(s3_client, three_runs, "hudi_log") if ".log." in k]
        assert {name: self.rows(three_runs, name) for name in MODELS} == before

    def test_one_table_and_sparks_own_safety_check(self, three_runs: Any) -> None:
        young = "{remove_orphan_files: {older_than: 1 hour}}"
        arguments = f"{{relation: {three_runs.test_schema}.kept, maintenance: {young}}}"
        _, output = run_dbt_and_capture(
            ["run-operation", "glue_maintain", "--args", arguments], expect_pass=False
        )
        assert "1 of 1 tables were not maintained" in output
        assert "interval less than 24 hours" in output

    def test_selection_and_dry_run(self, three_runs: Any) -> None:
        arguments = "{select: ['tag:nightly', delta_log], dry_run: true}"
        _, output = run_dbt_and_capture(["run-operation", "glue_maintain", "--args", arguments])
        assert "at_night: rewrite_data_files: call glue_catalog.system.rewrite" in output
        assert "delta_log: vacuum: vacuum" in output
        assert "hudi_log" not in output and "2 tables were seen to" in output

    def test_what_the_format_lacks_is_refused_before_anything_is_sent(
        self, three_runs: Any, plans: Any
    ) -> None:
        path = three_runs.project_root + "/models/refused.sql"
        with open(path, "w") as file:
            file.write(REFUSED)
        sent = plans()
        (result,) = run_dbt(["run", "--select", "refused"], expect_pass=False)
        assert "expire_snapshots for a table in delta, expected optimize, vacuum" in result.message
        assert plans() == sent
