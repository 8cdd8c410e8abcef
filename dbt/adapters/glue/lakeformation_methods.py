"""LakeFormationMethods: what macros and the adapter ask of Lake Formation.

Nothing here is called, nor Lake Formation or STS, unless a config or the profile names it.
"""

import threading
from collections.abc import Mapping
from typing import Any

from dbt.adapters.base import BaseRelation, available

from dbt.adapters.glue import lakeformation_config, table_metadata
from dbt.adapters.glue.exceptions import CatalogError
from dbt.adapters.glue.lakeformation import Columns, LakeFormation
from dbt.adapters.glue.rebuild_methods import RebuildMethods
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import glue_errors


class LakeFormationMethods(RebuildMethods):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lake_formations: dict[str | None, LakeFormation] = {}
        self._making_lake_formation = threading.Lock()

    def lake_formation(self, database: str | None = None) -> LakeFormation:
        """That of the Data Catalog, or of a table bucket where database is one's.

        One for all threads: it remembers the account and what databases are tagged with.
        """
        bucket = GlueRelation.table_buckets.catalog(database)
        catalog_id = self.credentials.catalog_id
        if bucket:
            catalog_id = GlueRelation.table_buckets[bucket].catalog_id
        with self._making_lake_formation:
            if catalog_id not in self._lake_formations:
                made = LakeFormation(self.connections.clients, catalog_id)
                self._lake_formations[catalog_id] = made
            return self._lake_formations[catalog_id]

    @available.parse_none
    @glue_errors
    def add_lf_tags(self, relation: BaseRelation, lf_tags_config: Mapping[str, Any]) -> None:
        """Tags of a relation, its columns and its database, as lf_tags_config asks."""
        asked = lakeformation_config.lf_tags(lf_tags_config)
        if asked is not None:
            columns = self._catalog_columns(relation) if asked.columns else {}
            manager = self.lake_formation(relation.database)
            manager.tag_table(*self._name(relation), asked, columns)

    @available.parse_none
    @glue_errors
    def apply_lf_grants(self, relation: BaseRelation, lf_grants_config: Mapping[str, Any]) -> None:
        """Data cells filters of a relation and their grants, as lf_grants asks."""
        asked = lakeformation_config.data_cell_filters(lf_grants_config)
        if asked is not None:
            columns = self._catalog_columns(relation) if asked.names_columns else {}
            manager = self.lake_formation(relation.database)
            manager.set_filters(*self._name(relation), asked, columns)

    def check_lake_formation(self, config: Mapping[str, Any]) -> None:
        """Raises ConfigurationError for a wrong shape, before the node sends anything."""
        lakeformation_config.lf_tags(config.get("lf_tags_config"))
        lakeformation_config.data_cell_filters(config.get("lf_grants"))

    def tag_new_database(self, schema: str) -> None:
        """Gives a database that was just made the profile's lf_tags.

        dbt makes a database once: one that could not be tagged is taken away again, so that the
        next run does not go on without the tags.
        """
        tags = lakeformation_config.database_tags(self.credentials.lf_tags)
        if not tags:
            return
        self.lake_formation().forget_database(schema)
        try:
            self.lake_formation().tag_database(schema, tags)
        except CatalogError as error:
            self._take_back(schema, error)
            raise

    def _take_back(self, schema: str, refused: CatalogError) -> None:
        try:
            if not any(self.catalog.get_tables(schema)):
                self.catalog.delete_database(schema)
                return
            reason = "others have made tables in it"
        except CatalogError as error:
            reason = error.message
        refused.hint = (
            f"The database {schema} is there now, without tags, since {reason}: tag it by hand. "
            f"{refused.hint or ''}"
        )

    def _catalog_columns(self, relation: BaseRelation) -> Columns:
        """The columns that Lake Formation goes by."""
        table = self._table(relation)
        columns = table_metadata.catalog_columns(table) if table else []
        return {column["name"].lower(): column["name"] for column in columns}
