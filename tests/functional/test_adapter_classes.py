"""More classes of dbt-tests-adapter: what a dbt user expects beyond `basic`."""

from typing import Any

import pytest
from dbt.tests.adapter.concurrency.test_concurrency import BaseConcurrency
from dbt.tests.adapter.dbt_show.test_dbt_show import BaseShowLimit, BaseShowSqlHeader
from dbt.tests.adapter.empty.test_empty import (
    BaseTestEmpty,
    BaseTestEmptyInlineSourceRef,
)
from dbt.tests.adapter.incremental.test_incremental_merge_exclude_columns import (
    BaseMergeExcludeColumns,
)
from dbt.tests.adapter.persist_docs.test_persist_docs import (
    BasePersistDocs,
    BasePersistDocsColumnMissing,
)
from dbt.tests.adapter.query_comment.test_query_comment import (
    BaseEmptyQueryComments,
    BaseMacroQueryComments,
    BaseQueryComments,
)
from dbt.tests.adapter.unit_testing.test_case_insensitivity import BaseUnitTestCaseInsensivity
from dbt.tests.adapter.unit_testing.test_invalid_input import BaseUnitTestInvalidInput
from dbt.tests.adapter.unit_testing.test_types import BaseUnitTestingTypes

pytestmark = pytest.mark.slow


class TestShowLimit(BaseShowLimit):
    pass


class TestShowSqlHeader(BaseShowSqlHeader):
    pass


class TestEmptyFlag(BaseTestEmpty):
    pass


class TestEmptyInlineSourceRef(BaseTestEmptyInlineSourceRef):
    pass


class TestMergeExcludeColumns(BaseMergeExcludeColumns):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+file_format": "delta"}, "seeds": {"+file_format": "delta"}}


class DocsInOneLine:
    """Glue takes column comments of one line and 255 characters; relations keep all of theirs."""

    def _assert_common_comments(self, *comments: str) -> None:
        for comment in comments:
            assert '"with double quotes"' in comment
            assert "'''abc123'''" in comment
            assert "/* comment */" in comment
            assert "--" in comment
        assert "Some $lbl$ labeled $lbl$ and $$ unlabeled $$ dollar-quoting" in comments[0]
        if len(comments) > 1:
            assert "\n" in comments[0]
            assert not [text for text in comments[1:] if "\n" in text or len(text) > 255]


class TestPersistDocs(DocsInOneLine, BasePersistDocs):
    pass


class TestPersistDocsColumnMissing(BasePersistDocsColumnMissing):
    pass


class TestPersistDocsIceberg(DocsInOneLine, BasePersistDocs):
    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "models": {
                "test": {
                    "+persist_docs": {"relation": True, "columns": True},
                    "+file_format": "iceberg",
                }
            }
        }


class TestQueryComments(BaseQueryComments):
    pass


class TestMacroQueryComments(BaseMacroQueryComments):
    pass


class TestEmptyQueryComments(BaseEmptyQueryComments):
    pass


class TestUnitTestCaseInsensitivity(BaseUnitTestCaseInsensivity):
    pass


class TestUnitTestInvalidInput(BaseUnitTestInvalidInput):
    pass


class TestUnitTestingTypes(BaseUnitTestingTypes):
    @pytest.fixture
    def data_types(self) -> list[list[str]]:
        return [
            ["1", "1"],
            ["'1'", "1"],
            ["true", "true"],
            ["date '2020-01-02'", "2020-01-02"],
            ["timestamp '2013-11-03 00:00:00'", "'2013-11-03 00:00:00'"],
            ["cast(1.5 as decimal(10,2))", "1.50"],
            ["cast(1 as bigint)", "1"],
            ["""'{"bar": "baz", "balance": 7.77}'""", """'{"bar": "baz", "balance": 7.77}'"""],
        ]


class TestConcurrency(BaseConcurrency):
    pass
