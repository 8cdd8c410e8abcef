"""OptionMethods: what macros ask to write the clauses of CREATE TABLE out of a model's configs."""

from collections.abc import Mapping
from typing import Any

from dbt.adapters.base import BaseRelation, available

from dbt.adapters.glue import table_options
from dbt.adapters.glue.services import GlueServices, glue_errors
from dbt.adapters.glue.table_format import table_format


class OptionMethods(GlueServices):
    @available
    @glue_errors
    def config_texts(self, key: str, given: Any) -> dict[str, str]:
        """A mapping of a model's config with numbers and booleans as Spark writes them."""
        return table_options.texts(key, given)

    @available
    @glue_errors
    def file_options(self, given: Any, file_format: str) -> dict[str, str]:
        """The OPTIONS of a table: the config write_options, and what the format needs besides."""
        return table_options.file_options(given, table_format(file_format))

    @available
    @glue_errors
    def iceberg_properties(self, options: dict[str, str], file_format: str) -> dict[str, str]:
        """write_options of an Iceberg table as table properties."""
        return table_options.iceberg_properties(options, file_format)

    @available
    @staticmethod
    def hudi_properties(own: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """TBLPROPERTIES of a Hudi table; own: its key, options: the config hudi_options."""
        return table_options.hudi_properties(own, options)

    @available
    @glue_errors
    def custom_location(self, relation: BaseRelation, given: str | None) -> str | None:
        """The config with {schema} and {name} filled in; None where it is not set."""
        if table_options.custom_location(given) is None:
            return None
        return self.storage.location_for(*self._name(relation), given)
