"""The `basic` classes of dbt-tests-adapter."""

from typing import Any

import pytest
from dbt.tests.adapter.basic import expected_catalog
from dbt.tests.adapter.basic.test_adapter_methods import BaseAdapterMethod
from dbt.tests.adapter.basic.test_base import BaseSimpleMaterializations
from dbt.tests.adapter.basic.test_docs_generate import BaseDocsGenerate, BaseDocsGenReferences
from dbt.tests.adapter.basic.test_empty import BaseEmpty
from dbt.tests.adapter.basic.test_ephemeral import BaseEphemeral
from dbt.tests.adapter.basic.test_generic_tests import BaseGenericTests
from dbt.tests.adapter.basic.test_incremental import (
    BaseIncremental,
    BaseIncrementalBadStrategy,
    BaseIncrementalNotSchemaChange,
)
from dbt.tests.adapter.basic.test_singular_tests import BaseSingularTests
from dbt.tests.adapter.basic.test_singular_tests_ephemeral import BaseSingularTestsEphemeral
from dbt.tests.adapter.basic.test_snapshot_check_cols import BaseSnapshotCheckCols
from dbt.tests.adapter.basic.test_snapshot_timestamp import BaseSnapshotTimestamp
from dbt.tests.adapter.basic.test_table_materialization import BaseTableMaterialization
from dbt.tests.adapter.basic.test_validate_connection import BaseValidateConnection

pytestmark = pytest.mark.slow


class TestSimpleMaterializations(BaseSimpleMaterializations):
    pass


class TestSimpleMaterializationsIceberg(BaseSimpleMaterializations):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "name": "base",
            "models": {"+file_format": "iceberg"},
            "seeds": {"+file_format": "iceberg"},
        }


class TestSingularTests(BaseSingularTests):
    pass


class TestSingularTestsEphemeral(BaseSingularTestsEphemeral):
    pass


class TestEmpty(BaseEmpty):
    pass


class TestEphemeral(BaseEphemeral):
    pass


class TestGenericTests(BaseGenericTests):
    pass


class TestTableMaterialization(BaseTableMaterialization):
    pass


class TestValidateConnection(BaseValidateConnection):
    pass


class TestAdapterMethod(BaseAdapterMethod):
    pass


class TestIncremental(BaseIncremental):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"name": "incremental", "models": {"+incremental_strategy": "append"}}


class TestIncrementalMerge(BaseIncremental):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "name": "incremental",
            "models": {
                "+file_format": "iceberg",
                "+incremental_strategy": "merge",
                "+unique_key": "id",
            },
        }


class TestIncrementalBadStrategy(BaseIncrementalBadStrategy):
    pass


class TestIncrementalNotSchemaChange(BaseIncrementalNotSchemaChange):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "name": "incremental",
            "models": {"+file_format": "iceberg", "+incremental_strategy": "merge"},
        }


class IcebergSnapshots:
    """Seeds that `update` can change."""

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "name": "iceberg_snapshots",
            "seeds": {"+file_format": "iceberg"},
            "snapshots": {"+file_format": "iceberg"},
        }


class TestSnapshotCheckColsIceberg(IcebergSnapshots, BaseSnapshotCheckCols):
    pass


class TestSnapshotTimestampIceberg(IcebergSnapshots, BaseSnapshotTimestamp):
    pass


class AnyOwner(str):
    """Equal to whatever user name the catalog carries, as long as there is one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other)

    __hash__ = str.__hash__


class AnyStats(dict[str, Any]):
    """Equal to any stats that have dbt's own entry."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and "has_stats" in other


def _catalog_types() -> dict[str, Any]:
    return {
        "role": AnyOwner(),
        "id_type": "bigint",
        "text_type": "string",
        "time_type": "timestamp",
        "view_type": "view",
        "table_type": "table",
        "model_stats": AnyStats(),
    }


class TestDocsGenerate(BaseDocsGenerate):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project: Any) -> dict[str, Any]:
        return expected_catalog.base_expected_catalog(project, **_catalog_types())


class TestDocsGenReferences(BaseDocsGenReferences):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project: Any) -> dict[str, Any]:
        types = _catalog_types()
        return expected_catalog.expected_references_catalog(project, **types, bigint_type="bigint")
