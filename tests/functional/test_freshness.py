"""`dbt source freshness` of sources without a loaded_at_field: by the tables' own metadata."""

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "csv", "iceberg", "delta", "hudi")
MODEL = """
{{{{ config(materialized='incremental', incremental_strategy='append', file_format='{file_format}',
            partition_by=['part']) }}}}
select 1 as id, 'x' as word, {{{{ var('run', 1) }}}} as part
"""
SOURCES = """
sources:
  - name: landed
    schema: "{{ target.schema }}"
    freshness: {warn_after: {count: 1, period: day}, error_after: {count: 2, period: day}}
    tables:
"""


class TestFreshnessByMetadata:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        named = "".join(f"      - name: in_{name}\n" for name in (*FORMATS, "view", "nowhere"))
        return {
            **{f"in_{name}.sql": MODEL.format(file_format=name) for name in FORMATS},
            "in_view.sql": "select 1 as id",
            "sources.yml": SOURCES + named,
        }

    def test_the_time_of_the_last_write(self, project: Any, glue_client: Any) -> None:
        run_dbt(["run"])
        between = now()
        wait_for_the_next_second(between)
        run_dbt(["run", "--vars", "run: 2"])
        after = now()
        # a change of the catalog writes no rows
        table = glue_client.get_table(DatabaseName=project.test_schema, Name="in_parquet")["Table"]
        told = {key: table[key] for key in ("Name", "StorageDescriptor", "Parameters")}
        told.update(TableType=table["TableType"], PartitionKeys=table["PartitionKeys"])
        glue_client.update_table(
            DatabaseName=project.test_schema, TableInput={**told, "Description": "another"}
        )
        known = sessions(glue_client)

        results, log = run_dbt_and_capture(["source", "freshness"], expect_pass=False)
        statuses = {result.node.name: str(result.status) for result in results}
        assert statuses.pop("in_view") == statuses.pop("in_nowhere") == "runtime error"
        assert set(statuses.values()) == {"pass"} and len(statuses) == len(FORMATS)
        found = {
            result["unique_id"].rpartition(".in_")[2]: result
            for result in json.loads(Path("target/sources.json").read_text())["results"]
        }
        for name in FORMATS:
            written = datetime.fromisoformat(found[name]["max_loaded_at"])
            assert between <= written <= after, name
        assert "is a view: no metadata says" in log and "loaded_at_field" in log
        assert "There is no table" in log
        # neither a session nor a statement
        assert sessions(glue_client) == known
        assert "Glue session" not in log


def now() -> datetime:
    return datetime.now(timezone.utc)


def wait_for_the_next_second(moment: datetime) -> None:
    """S3 gives times in seconds."""
    while now().replace(microsecond=0) <= moment:
        time.sleep(0.05)


def sessions(glue_client: Any) -> dict[str, Any]:
    listed = glue_client.list_sessions()["Sessions"]
    return {session["Id"]: session["Status"] for session in listed}
