"""OlderMethods: methods of dbt-glue 1.12.4 that projects call in their own macros."""

from typing import TYPE_CHECKING, Any, NoReturn

from dbt.adapters.base import BaseRelation, available
from dbt_common.exceptions import CompilationError

from dbt.adapters.glue import seeds, table_metadata
from dbt.adapters.glue.data_methods import DataMethods
from dbt.adapters.glue.exceptions import NotImplementedByGlue
from dbt.adapters.glue.services import glue_errors
from dbt.adapters.glue.sql_text import PYTHON_PREFIX

if TYPE_CHECKING:
    import agate


class OlderMethods(DataMethods):
    @available.parse_none
    @glue_errors
    def get_table_type(self, relation: BaseRelation, file_format: str | None = None) -> str | None:
        """`iceberg_table`, `table` or `view`; None if the relation is absent."""
        table = self._table(relation)
        if table is None:
            return None
        if table_metadata.is_view(table):
            return "view"
        return "iceberg_table" if table_metadata.format_of(table) == "iceberg" else "table"

    @available.parse_none
    def duplicate_view(self, from_relation: BaseRelation, to_relation: BaseRelation) -> str:
        """The SQL that makes a view's twin under another name."""
        text = self.get_view_text(from_relation)
        if text is None:
            raise CompilationError(f"{from_relation} is not a view in the catalog")
        return f"create or replace view {to_relation} as {text}"

    @available.parse_none
    def execute_pyspark(self, codeblock: str) -> None:
        """Runs Python in the session, with `spark` set."""
        self.add_query(f"{PYTHON_PREFIX}\n{codeblock}")

    @available.parse_none
    @glue_errors
    def create_csv_table(self, model: dict[str, Any], agate_table: "agate.Table") -> None:
        """Loads a seed into its table: made if absent, else overwritten or appended to."""
        config = model.get("config") or {}
        relation = self.Relation.create(
            schema=model["schema"],
            identifier=model.get("alias") or model["name"],
            table_format=self.credentials.seed_format,
        )
        upload = self.upload_seed(agate_table, relation, config.get("column_types"))
        view = self.temp_identifier(relation.identifier or "")
        query = seeds.cast_columns(view, upload["columns"])
        try:
            self.execute(seeds.view_over_file(view, upload["path"], upload["columns"]))
            if self._table(relation) is None:
                place = self.get_location(relation, config.get("custom_location"))
                made = f"create table {relation} using {self.credentials.seed_format} {place}"
                self.execute(f"{made} as {query}")
            else:
                how = "overwrite" if self.credentials.seed_mode == "overwrite" else "into"
                self.execute(f"insert {how} {relation} {query}")
            self.execute(f"drop view if exists {seeds.quoted(view)}")
        finally:
            self.delete_path(upload["path"])

    @available.parse_none
    def iceberg_expire_snapshots(self, relation: BaseRelation) -> None:
        """Expires every snapshot of an Iceberg table but the last one."""
        catalog = self.get_custom_iceberg_catalog_namespace() or "spark_catalog"
        _, newest = self.execute(
            f"select cast(max(committed_at) as string) from {relation}.snapshots", fetch=True
        )
        moment = newest.rows[0][0]
        if moment is not None:
            table = f"{relation.schema}.{relation.identifier}"
            self.execute(
                f"call {catalog}.system.expire_snapshots(table => '{table}', "
                f"older_than => timestamp '{moment}', retain_last => 1)"
            )

    @available.parse_none
    def add_lf_tags(self, relation: BaseRelation, lf_tags_config: dict[str, Any]) -> None:
        if lf_tags_config.get("enabled"):
            self._not_implemented("lf_tags_config", "Set the tags in Lake Formation.")

    @available.parse_none
    def apply_lf_grants(self, relation: BaseRelation, lf_grants_config: dict[str, Any]) -> None:
        if (lf_grants_config.get("data_cell_filters") or {}).get("enabled"):
            self._not_implemented("lf_grants", "Set the filters in Lake Formation.")

    @available.parse_none
    def delta_update_manifest(
        self, target_relation: BaseRelation, custom_location: Any, partition_by: Any
    ) -> None:
        self._not_implemented(
            "delta_update_manifest", "Athena reads Delta tables by itself, without manifests."
        )

    @available.parse_none
    def delta_create_table(self, target_relation: BaseRelation, *args: Any, **kwargs: Any) -> None:
        self._not_implemented(
            "delta_create_table", "Use materialized='table', file_format='delta'."
        )

    @available.parse_none
    def hudi_merge_table(self, target_relation: BaseRelation, *args: Any, **kwargs: Any) -> None:
        self._not_implemented(
            "hudi_merge_table",
            "Use materialized='incremental', file_format='hudi', incremental_strategy='merge'.",
        )

    @available.parse_none
    def execute_python(self, code: str, **kwargs: Any) -> None:
        self._not_implemented(
            "execute_python", "Use adapter.execute_pyspark, or write the model in SQL."
        )

    def _not_implemented(self, what: str, way_out: str) -> NoReturn:
        error = NotImplementedByGlue(f"{what} is not implemented in this version", hint=way_out)
        raise CompilationError(str(error)) from error
