"""OlderMethods: methods of dbt-glue 1.12.4 that projects call in their own macros."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation, available
from dbt_common.exceptions import CompilationError

from dbt.adapters.glue import athena_twin, older_sql, seeds, table_metadata, table_options
from dbt.adapters.glue.exceptions import NotOwned
from dbt.adapters.glue.lakeformation_methods import LakeFormationMethods
from dbt.adapters.glue.model_config import refuse_variables
from dbt.adapters.glue.query_relation import as_subquery
from dbt.adapters.glue.services import glue_errors
from dbt.adapters.glue.sql_text import PYTHON_PREFIX, quoted

if TYPE_CHECKING:
    import agate


class OlderMethods(LakeFormationMethods):
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
        self.temporaries.views.append(view)
        try:
            self.execute(seeds.view_over_file(view, upload["path"], upload["columns"]))
            if self._table(relation) is None:
                place = self.get_location(relation, config.get("custom_location"))
                made = f"create table {relation} using {self.credentials.seed_format} {place}"
                self.execute(f"{made} as {query}")
            else:
                how = "overwrite" if self.credentials.seed_mode == "overwrite" else "into"
                names = ", ".join(quoted(column["name"]) for column in upload["columns"])
                self.execute(f"insert {how} {relation} ({names}) {query}")
            self.execute(f"drop view if exists {quoted(view)}")
            self.temporaries.forget_view(view)
        finally:
            self.delete_path(upload["path"])

    @available.parse_none
    @glue_errors
    def delta_update_manifest(
        self,
        target_relation: BaseRelation,
        custom_location: str | None = None,
        partition_by: str | Iterable[str] | None = None,
    ) -> None:
        """Writes the manifests of a Delta table, and makes the twin that is read through them.

        Nothing without `delta_athena_prefix` in the profile.
        """
        prefix = self.credentials.delta_athena_prefix
        if not prefix:
            return
        schema, name = self._name(target_relation)
        location = self.recorded_location(target_relation) or self.storage.location_for(
            schema, name, custom_location
        )
        self.execute(f"generate symlink_format_manifest for table {target_relation}")
        columns = self.get_columns_in_relation(target_relation)
        by = older_sql.names(partition_by)
        twin = athena_twin.twin_input(athena_twin.twin_name(prefix, name), location, columns, by)
        self._put_twin(schema, twin)
        if by:
            path = f"{quoted(schema)}.{quoted(twin['Name'])}"
            self.execute(f"msck repair table {path} sync partitions")

    def _put_twin(self, schema: str, twin: dict[str, Any]) -> None:
        found = self.known.table(schema, twin["Name"])
        if found is not None and athena_twin.describes(found, twin):
            return
        if found is not None:
            if not athena_twin.is_over_manifests(found):
                raise NotOwned(
                    f"delta_athena_prefix: {schema}.{twin['Name']} is another table, expected none "
                    "or one over manifests",
                    hint="Give that table another name, or the profile another prefix.",
                )
            # partitions keep the columns that they were made with: all go, and are found again
            self.catalog.delete_table(schema, twin["Name"])
        self.catalog.create_table(schema, twin)
        self.known.forget_table(schema, twin["Name"])

    @available.parse_none
    @glue_errors
    def delta_create_table(
        self,
        target_relation: BaseRelation,
        request: str,
        primary_key: Any = None,
        partition_key: str | Iterable[str] | None = None,
        custom_location: str | None = None,
        delta_create_table_write_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Makes a Delta table from a query, and its twin for manifests; primary_key is not used."""
        by = older_sql.names(partition_key)
        self._make_table(
            target_relation,
            request,
            "delta",
            custom_location,
            partition_by=by,
            options=delta_create_table_write_options,
        )
        self.delta_update_manifest(target_relation, custom_location, by)

    @available.parse_none
    @glue_errors
    def hudi_merge_table(
        self,
        target_relation: BaseRelation,
        request: str,
        primary_key: str | Iterable[str],
        partition_key: str | Iterable[str] | None = None,
        custom_location: str | None = None,
        hudi_config: Mapping[str, Any] | None = None,
        substitute_variables: Iterable[str] | None = None,
    ) -> None:
        """Merges a query into a Hudi table by key; the table is made if it is absent.

        hudi_config is what a table is made with, as the model config `hudi_options`.
        """
        request = as_subquery(self.substituted(request, substitute_variables))
        no_rows = f"select * from (\n{request}\n) as __dbt_request limit 0"
        columns = [column.name for column in self.get_column_schema_from_query(no_rows)]
        query = older_sql.hudi_query(request, columns)
        keys = older_sql.as_in(columns, older_sql.names(primary_key))
        if self._table(target_relation) is not None:
            self.execute(older_sql.upsert(target_relation.render(), query, keys))
            return
        self._make_table(
            target_relation,
            query,
            "hudi",
            custom_location,
            partition_by=older_sql.as_in(columns, older_sql.names(partition_key)),
            properties=older_sql.hudi_properties(keys, hudi_config),
        )

    @available.parse(lambda *a, **k: "")
    @glue_errors
    def substituted(self, sql: str, variables: Iterable[str] | None) -> str:
        """SQL with `<SUBSTITUTE_VARIABLE_0>` and so on replaced by values of the session.

        variables: Python expressions, mostly names that a pre_hook has set by `execute_pyspark`.
        """
        refuse_variables(variables)
        expressions = [str(expression) for expression in variables or ()]
        if not expressions:
            return sql
        code = f"import json\nprint(json.dumps([str(eval(e)) for e in {expressions!r}]))"
        _, cursor = self.add_query(f"{PYTHON_PREFIX}\n{code}")
        values = json.loads(cursor.result.rows[0][0].splitlines()[-1])
        for index, value in enumerate(values):
            sql = sql.replace(f"<SUBSTITUTE_VARIABLE_{index}>", value)
        return sql

    def _make_table(
        self,
        relation: BaseRelation,
        query: str,
        file_format: str,
        custom_location: str | None = None,
        **clauses: Any,
    ) -> None:
        """CREATE TABLE AS, in the place of what a failed run has left; what a custom_location
        holds is left alone."""
        place = self.get_location(relation, custom_location, as_clause=False)
        if table_options.custom_location(custom_location) is None:
            self.clear_location(relation, place)
        clause = self.get_location(relation, custom_location)
        table = relation.render()
        self.execute(
            older_sql.create_table_as(table, query, file_format, location=clause, **clauses)
        )
