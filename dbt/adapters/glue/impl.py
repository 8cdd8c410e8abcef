"""GlueAdapter: what dbt may ask of Glue. The work lives one floor down."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from multiprocessing.context import SpawnContext
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation, available
from dbt.adapters.base.impl import ConstraintSupport, FreshnessResponse
from dbt.adapters.capability import Capability, CapabilityDict, CapabilitySupport, Support
from dbt.adapters.catalogs import CatalogIntegration, CatalogIntegrationConfig
from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.contracts.macros import MacroResolverProtocol
from dbt.adapters.contracts.relation import RelationConfig
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.contracts.constraints import ConstraintType

from dbt.adapters.glue import catalog_relations, retries, table_metadata
from dbt.adapters.glue.catalogs import S3TablesIntegration, of_profile, of_project
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.docs import docs_table, for_databases
from dbt.adapters.glue.exceptions import CatalogError
from dbt.adapters.glue.incremental_methods import IncrementalMethods
from dbt.adapters.glue.last_modified import last_modified
from dbt.adapters.glue.model_config import GlueConfig, refuse_catalog, refuse_variables
from dbt.adapters.glue.python_methods import PythonMethods
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import glue_errors
from dbt.adapters.glue.session import connect_mode
from dbt.adapters.glue.sql_text import quoted
from dbt.adapters.glue.table_format import (
    INCREMENTAL_STRATEGIES,
    TableFormat,
    known_format,
)

if TYPE_CHECKING:
    import agate

logger = AdapterLogger("Glue")

UNSUPPORTED = (
    *(ConstraintType.check, ConstraintType.not_null, ConstraintType.unique),
    *(ConstraintType.primary_key, ConstraintType.foreign_key),
)


class GlueAdapter(PythonMethods, IncrementalMethods):
    Relation = GlueRelation
    Column = GlueColumn
    ConnectionManager = GlueConnectionManager
    AdapterSpecificConfigs = GlueConfig
    connections: GlueConnectionManager

    CATALOG_INTEGRATIONS = [S3TablesIntegration]
    CONSTRAINT_SUPPORT = dict.fromkeys(UNSUPPORTED, ConstraintSupport.NOT_SUPPORTED)
    _capabilities = CapabilityDict(
        {
            Capability.SchemaMetadataByRelations: CapabilitySupport(support=Support.Full),
            Capability.TableLastModifiedMetadata: CapabilitySupport(support=Support.Full),
            # where a format's batches conflict, IncrementalMethods sets concurrent_batches: false
            Capability.MicrobatchConcurrency: CapabilitySupport(support=Support.Full),
        }
    )

    def __init__(self, config: Any, mp_context: SpawnContext) -> None:
        super().__init__(config, mp_context)
        GlueRelation.iceberg_catalog = self.get_custom_iceberg_catalog_namespace()
        GlueRelation.seed_format = self.credentials.seed_format
        GlueRelation.table_buckets = self.credentials.table_buckets
        GlueRelation.other_catalogs = self.credentials.other_catalogs
        for bucket in self.credentials.table_buckets.values():
            super().add_catalog_integration(of_profile(bucket))
        for integration in of_project(config):
            self.add_catalog_integration(integration)
        GlueRelation.resolver = self._format_in_catalog
        self.connections.lost_sessions.take_back = self.take_back
        self.connections.at_end = self.remove_what_is_left

    @glue_errors
    def add_catalog_integration(
        self, catalog_integration: CatalogIntegrationConfig
    ) -> CatalogIntegration:
        """A table bucket of catalogs.yml, unless the profile has the name; before any relation."""
        if self.credentials.table_buckets.catalog(catalog_integration.name):
            return self.get_catalog_integration(catalog_integration.name)
        added = super().add_catalog_integration(catalog_integration)
        if isinstance(added, S3TablesIntegration):
            self.credentials.add_table_bucket(added.name, added.table_bucket)
        GlueRelation.table_buckets = self.credentials.table_buckets
        return added

    # --- types

    @classmethod
    def date_function(cls) -> str:
        return "current_timestamp()"

    @classmethod
    def convert_text_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        return "string"

    @classmethod
    def convert_number_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        import agate

        return "double" if agate_table.aggregate(agate.MaxPrecision(col_idx)) else "bigint"

    @classmethod
    def convert_integer_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        return "bigint"

    @classmethod
    def convert_datetime_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        return "timestamp"

    @classmethod
    def convert_time_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        return "string"  # Spark has no type for a time of day

    @available
    @classmethod
    def quote(cls, identifier: str) -> str:
        return quoted(str(identifier))  # dbt's own tests quote a database of None

    # --- formats and models

    @available
    def table_format(self, name: str | None = None) -> TableFormat:
        """The abilities of a relation's table_format; none for a format that dbt cannot write."""
        return known_format(name)

    def cancel_open_connections(self) -> Iterable[str] | None:
        """Ends what runs, and before long what is repeated: dbt waits for the threads."""
        retries.ending.set()
        return super().cancel_open_connections()

    def cleanup_connections(self) -> None:
        try:
            super().cleanup_connections()
        finally:
            connect_mode.leave()
            retries.ending.clear()

    @glue_errors
    def pre_model_hook(self, config: Mapping[str, Any]) -> None:
        """Refuses what cannot work, before the node sends anything."""
        refuse_variables(config.get("substitute_variables"))
        self.refuse_grants(config.get("grants"))
        self.check_lake_formation(config)
        if config.get("materialized") not in ("view", "ephemeral", "test", "unit"):
            self.validate_file_format(config.get("file_format"))
            refuse_catalog(config, self.credentials)
            self.check_maintenance(config)

    def post_model_hook(self, config: Mapping[str, Any], context: Any) -> None:
        """dbt calls it whether or not the node has failed."""
        self.drop_views()
        self.python_nodes.end()
        self.remove_temporaries()

    def valid_incremental_strategies(self) -> list[str]:
        return list(INCREMENTAL_STRATEGIES)

    # --- schemas

    @glue_errors
    def list_schemas(self, database: str | None = None) -> list[str]:
        known = self.known_in((database or "").strip("`"))
        return [item["Name"] for item in known.databases(fresh=True)]

    @available.parse(lambda *a, **k: False)
    @glue_errors
    def check_schema_exists(self, database: str | None, schema: str) -> bool:
        return self.catalog_in(database).get_database(self._bare(schema)) is not None

    @available.parse_none
    @glue_errors
    def create_schema(self, relation: BaseRelation) -> None:
        schema = relation.schema or ""
        if relation.database:
            self.create_namespace(relation.database, schema)
            return
        location = self.storage.database_location(schema)
        if self.catalog.create_database(schema, location):
            self.tag_new_database(schema)
        self.known.add_database(schema, location)

    @available.parse_none
    @glue_errors
    def drop_schema(self, relation: BaseRelation) -> None:
        """Drops the database, its relations, and the data of theirs that dbt owns."""
        schema, known = relation.schema or "", self.known_in(relation.database)
        places = []
        for table in list(known.catalog.get_tables(schema)):
            places.append((table["Name"], table_metadata.location_of(table)))
            known.catalog.delete_table(schema, table["Name"])
            known.forget_table(schema, table["Name"])
        for name, place in places if known is self.known else ():
            self._delete_data(schema, name, place, None)
        known.catalog.delete_database(schema)
        self.cache.drop_schema(relation.database, schema)

    # --- relations

    @glue_errors
    def list_relations_without_caching(self, schema_relation: BaseRelation) -> list[BaseRelation]:
        schema = schema_relation.schema or ""
        database = schema_relation.database
        return [
            catalog_relations.relation_of(table, schema, database)
            for table in self.known_in(database).list_tables(schema)
        ]

    def list_relations(self, database: str | None, schema: str) -> list[BaseRelation]:
        database = GlueRelation.catalog_named(database)
        return super().list_relations(database, self._bare(schema))

    @available.parse_none
    @glue_errors
    def get_relation(
        self,
        database: str | None,
        schema: str,
        identifier: str,
        file_format: str | None = None,
    ) -> BaseRelation | None:
        """The relation, from dbt's cache or the catalog. file_format counts for s3tables only:
        without a database, that is the default table bucket.

        The cache does not know what a hook or macro has made; the catalog is asked about that.
        """
        if not identifier:
            return None
        schema, buckets = self._bare(schema), GlueRelation.table_buckets
        catalog = GlueRelation.catalog_named(database)
        if catalog is None and file_format == "s3tables":
            catalog = buckets.default
        found = super().get_relation(catalog, schema, identifier)
        if found is None and (table := self.known_in(catalog).table(schema, identifier)):
            found = catalog_relations.relation_of(table, schema, catalog)
            self.cache_added(found)
        return found

    @available.parse_none
    def drop_relation(self, relation: BaseRelation) -> None:
        super().drop_relation(relation)
        schema, name = self._name(relation)
        self.temporaries.forget_table(schema, name)
        self.temporaries.forget_view(name)

    @available.parse_list
    @glue_errors
    def get_columns_in_relation(self, relation: BaseRelation) -> list[GlueColumn]:
        """The columns, out of the catalog.

        Spark is asked, by a statement, about a temporary view, a table whose columns the catalog
        does not hold, and a format that writes its columns to the catalog late.
        """
        if not (relation.schema and relation.include_policy.schema):
            return self._columns_in_session(relation)
        table = self._table(relation)
        if table is None:
            return []
        table_metadata.refuse_foreign_view(table)
        known = catalog_relations.columns_of(table)
        lags = known_format(table_metadata.format_of(table)).catalog_lags
        if known is not None and not lags:
            return known
        return catalog_relations.with_catalog_notes(self._columns_in_session(relation), known)

    @available.parse_none
    @glue_errors
    def glue_rename_relation(self, from_relation: GlueRelation, to_relation: GlueRelation) -> None:
        """Renames in the catalog; the data stays where it is."""
        catalog_relations.rename(self.catalog, from_relation, to_relation)
        self.known.forget_table(*self._name(from_relation))
        self.known.forget_table(*self._name(to_relation))
        known = self.cache.get_relations(to_relation.database, to_relation.schema)
        # adapter.rename_relation has renamed in dbt's cache before it calls the macro
        if not any(found.matches(identifier=to_relation.identifier) for found in known):
            self.cache_renamed(from_relation, to_relation)

    def debug_query(self) -> None:
        self.execute("select 1 as id", fetch=True)

    # --- freshness

    @glue_errors
    def calculate_freshness_from_metadata(
        self, source: BaseRelation, macro_resolver: MacroResolverProtocol | None = None
    ) -> tuple[AdapterResponse | None, FreshnessResponse]:
        """The age of a source without a `loaded_at_field`, by last_modified.py; no session."""
        catalog = self.catalog_in(source.database)
        table = catalog.get_table(*self._name(source))
        if table is None:
            raise CatalogError(
                f"There is no table {source}: its freshness cannot be told.",
                hint="Correct the source's `schema` (the Glue database) or `identifier`.",
                operation="GetTable",
                code=retries.GONE,
            )
        found = last_modified(table, catalog, self.storage)
        return None, self._create_freshness_response(found, datetime.now(timezone.utc))

    # --- docs

    def get_filtered_catalog(
        self,
        relation_configs: Iterable[RelationConfig],
        used_schemas: frozenset[tuple[str, str]],
        relations: set[BaseRelation] | None = None,
    ) -> tuple["agate.Table", list[Exception]]:
        nodes = list(relation_configs)
        rows, errors = super().get_filtered_catalog(nodes, used_schemas, relations)
        of_sources = [(n.database, n.schema, GlueRelation.catalog_of_source(n)) for n in nodes]
        sources = [named for named in of_sources if named[2]]
        others = [(d, s, GlueRelation.catalog_named(d)) for d, s in used_schemas]
        return for_databases(rows, [*sources, *others]), errors

    def get_catalog(
        self,
        relation_configs: Iterable[RelationConfig],
        used_schemas: frozenset[tuple[str, str]],
    ) -> tuple["agate.Table", list[Exception]]:
        found = self._get_catalog_relations(relation_configs)
        names = {(r.database, r.schema, None) for r in found}
        return docs_table(self.known_in, names, self._columns_in_session)

    def get_catalog_by_relations(
        self, used_schemas: frozenset[tuple[str, str]], relations: set[BaseRelation]
    ) -> tuple["agate.Table", list[Exception]]:
        names = {(r.database, r.schema, r.identifier) for r in relations}
        return docs_table(self.known_in, names, self._columns_in_session)

    # --- private

    @glue_errors
    def _format_in_catalog(self, relation: GlueRelation) -> str | None:
        if self.get_macro_resolver() is None and self.connections.get_if_exists() is None:
            return None  # dbt is parsing: it hands the macros over when it has done so
        found = self.get_relation(
            relation.database, relation.schema or "", relation.identifier or ""
        )
        if not isinstance(found, GlueRelation):
            return None
        catalog_relations.refuse_unreadable(found, self.credentials)
        return found.table_format

    def _columns_in_session(self, relation: BaseRelation) -> list[GlueColumn]:
        _, cursor = self.connections.add_select_query(f"select * from {relation} limit 0")
        columns = [GlueColumn(name, kind) for name, kind, *_ in cursor.description or ()]
        hidden = table_metadata.HUDI_METADATA_COLUMNS
        return [column for column in columns if column.name not in hidden]
