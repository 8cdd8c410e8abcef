"""Bad input: one clear error each, and nothing lost."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow


class TestNames:
    """A dash in a table's name: the Data Catalog of Spark's Hive client has no such tables."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "dashed.sql": "{{ config(materialized='table', alias='with-dash') }} select 1 as id",
            "kept.sql": "{{ config(materialized='table') }} select 1 as id",
        }

    def test_dash_is_named_and_the_rest_is_built(self, project: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        found = {result.node.name: (result.status, result.message) for result in results}
        assert found["kept"][0] == "success"
        status, message = found["dashed"]
        assert status == "error"
        assert "with-dash" in message


class TestLocationOfItsOwn:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "elsewhere.sql": (
                "{{ config(materialized='table',"
                " custom_location='s3://a-bucket-of-its-own/' ~ target.schema) }} select 1 as id"
            )
        }

    def test_bucket_first_named_in_a_model(self, project: Any, s3_client: Any) -> None:
        for _ in range(2):
            assert run_dbt(["run"])[0].status == "success"
        found = s3_client.list_objects_v2(Bucket="a-bucket-of-its-own", Prefix=project.test_schema)
        assert [entry for entry in found["Contents"] if entry["Key"].endswith(".parquet")]


class TestFolderInUse:
    """The data of another table is not deleted to make room."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = (
            "{{ config(materialized='table',"
            " custom_location='s3://functional-tests/shared/' ~ target.schema) }}"
        )
        return {
            "first.sql": config + " select 1 as id",
            "second.sql": "-- depends_on: {{ ref('first') }}\n" + config + " select 2 as id",
        }

    def test_second_table_is_refused(self, project: Any) -> None:
        results = run_dbt(["run"], expect_pass=False)
        status = {result.node.name: result.status for result in results}
        assert status == {"first": "success", "second": "error"}
        found = project.run_sql(f"select id from {project.test_schema}.first", fetch="all")
        assert [row[0] for row in found] == [1]


class TestProfiles:
    """What is wrong in a profile is said while it is read, or at the first call."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"location": "not-a-bucket/path"}, ["location", "not-a-bucket/path", "s3://"]),
            ({"database": "other"}, ["database", "other", "schema"]),
            ({"worker_type": "G.99X"}, ["worker_type", "G.99X", "G.1X"]),
            ({"workers": 1}, ["workers", "1", "2"]),
            ({"session_type": "telnet"}, ["session_type", "telnet", "livy"]),
            ({"datalake_formats": "parkay"}, ["datalake_formats", "parkay", "iceberg"]),
            ({"local": False, "region": "us-east-1"}, ["role_arn"]),
        ],
    )
    def test_named_before_anything_runs(
        self, project: Any, profiles_root: Any, changes: dict[str, Any], words: list[str]
    ) -> None:
        path = Path(str(profiles_root)) / "profiles.yml"
        original = path.read_text()
        profile = yaml.safe_load(original)
        profile["test"]["outputs"]["default"].update(changes)
        path.write_text(yaml.safe_dump(profile))
        try:
            # `dbt debug` prints what the profile's reader says
            _, output = run_dbt_and_capture(["debug"], expect_pass=False)
        finally:
            path.write_text(original)
        for word in words:
            assert word in output
        assert "Traceback" not in output
