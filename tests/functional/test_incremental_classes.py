"""dbt's own tests of incremental models."""

from typing import Any

import pytest
from dbt.tests.adapter.incremental.test_incremental_microbatch import BaseMicrobatch
from dbt.tests.adapter.incremental.test_incremental_on_schema_change import (
    BaseIncrementalOnSchemaChange,
)
from dbt.tests.adapter.incremental.test_incremental_predicates import (
    BaseIncrementalPredicates,
)

pytestmark = pytest.mark.slow


class IcebergModels:
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+file_format": "iceberg", "+incremental_strategy": "append"}}


class TestOnSchemaChange(IcebergModels, BaseIncrementalOnSchemaChange):
    """ignore, append_new_columns, sync_all_columns and fail."""


class TestMicrobatch(BaseMicrobatch):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+file_format": "iceberg"}}

    @pytest.fixture(scope="class")
    def insert_two_rows_sql(self, project: Any) -> str:
        name = f"glue_catalog.{project.test_schema}.input_model"
        return (
            f"insert into {name} (id, event_time) values "
            "(4, timestamp'2020-01-04 00:00:00+00:00'), (5, timestamp'2020-01-05 00:00:00+00:00')"
        )


class TestDeleteInsertPredicates(BaseIncrementalPredicates):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "models": {
                "+file_format": "iceberg",
                "+incremental_strategy": "delete+insert",
                "+incremental_predicates": ["id != 2"],
            }
        }
