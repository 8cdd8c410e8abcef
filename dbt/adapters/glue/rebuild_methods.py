"""RebuildMethods: what macros ask to build a table anew while the older one is read."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from dbt.adapters.base import BaseRelation, available
from dbt.adapters.contracts.relation import RelationType
from dbt.adapters.events.logging import AdapterLogger

from dbt.adapters.glue import catalog_relations, table_metadata, table_swap
from dbt.adapters.glue.build_folders import base_of, new_build
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.data_methods import DataMethods, warned_of_what_is_left
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.locations import same_location
from dbt.adapters.glue.older_builds import OlderBuild, OlderBuilds
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import glue_errors, shared_property
from dbt.adapters.glue.sql_text import collapse_catalog_prefix
from dbt.adapters.glue.temporaries import StagingTable

logger = AdapterLogger("Glue")

SWAP_WITHIN = 5.0  # seconds that a table may take to come into its place when a signal ends the run


class RebuildMethods(DataMethods):
    @shared_property
    def older_builds(self) -> OlderBuilds:
        return OlderBuilds()

    @shared_property
    def swaps(self) -> table_swap.Swaps:
        return table_swap.Swaps()

    @available.parse_none
    @glue_errors
    def begin_build(
        self, target: GlueRelation, custom_location: str | None = None, kind: str = "table"
    ) -> GlueRelation:
        """The relation that is built to take the target's place; `build_location` is its place.

        What there is of it goes if the node ends before `put_in_place` or `moved`.
        """
        name, schema = self._name(target), self.credentials.temp_schema or self._name(target)[0]
        staging = catalog_relations.temporary_name(name[1])
        self.remove_abandoned(schema, name[1])
        place, base = None, None
        if kind == "table":
            base = self.storage.location_for(*name, custom_location)
            place = new_build(base)
        self.temporaries.tables.append(StagingTable(schema, staging, place, None, name, base))
        return target.incorporate(
            path={"schema": schema, "identifier": staging}, type=RelationType(kind)
        )

    @available.parse_none
    def build_location(self, build: BaseRelation) -> str | None:
        """Where the rows of `begin_build`'s relation go."""
        return self.temporaries.place_of(*self._name(build))

    @available.parse(lambda *a, **k: False)
    @glue_errors
    def is_defined_so(
        self,
        existing: BaseRelation,
        target: BaseRelation,
        custom_location: str | None,
        table_format: str,
        **definition: Any,
    ) -> bool:
        """Whether a table is what CREATE TABLE would make of it, but for columns and rows."""
        table = self._table(existing)
        if table is None or not self.stays_in_place(existing, target, custom_location):
            return False
        return table_swap.definition_of(table) == table_swap.Definition(table_format, **definition)

    @available.parse(lambda *a, **k: False)
    @glue_errors
    def has_columns(self, existing: BaseRelation, columns: Sequence[GlueColumn]) -> bool:
        """Whether the catalog has just these columns of the table, in this order."""
        known = catalog_relations.columns_of(self._table(existing) or {})
        wanted = [(column.name, column.dtype.lower()) for column in columns]
        return known is not None and [(c.name, c.dtype.lower()) for c in known] == wanted

    @available.parse(lambda *a, **k: False)
    @glue_errors
    def stays_in_place(
        self, existing: BaseRelation, target: BaseRelation, custom_location: str | None = None
    ) -> bool:
        """Whether the table lies where the config wants it, in whichever build of it.

        target: the node's own relation, of whose name the folder is; the catalog has the name in
        lower case.
        """
        location = table_metadata.location_of(self._table(existing) or {})
        wanted = self.storage.location_for(*self._name(target), custom_location)
        return location is not None and same_location(base_of(location), wanted)

    @available.parse_none
    @glue_errors
    def put_in_place(
        self, build: GlueRelation, existing: GlueRelation, custom_location: str | None = None
    ) -> None:
        """The relation that was built takes the place of the existing one in the catalog."""
        name, staging = self._name(existing), self._name(build)
        place = self.build_location(build)
        with self.swaps.one():
            swapped = table_swap.put_in_place(self.catalog, staging, name, self._table(existing))
        before = swapped.before or {}
        location = table_metadata.location_of(before)
        self.temporaries.forget_table(*staging)
        self.known.forget_table(*staging)
        suffixes = {table_metadata.hudi_query_suffixes(t) for t in (before, swapped.after)}
        beside = {name[1] + suffix for some in suffixes for suffix in some}
        for changed in {name[1], *beside, *self._query_tables(existing)}:
            self.known.forget_table(name[0], changed)
        self.cache_dropped(existing)
        if beside or not existing.is_hudi:
            self.drop_query_tables(existing, location)
        self._leave(name, location, place, custom_location)

    @available.parse_none
    @glue_errors
    def moved(
        self, build: GlueRelation, existing: GlueRelation, custom_location: str | None, old: str
    ) -> None:
        """The table has been pointed to the place of the build; it lay at `old`."""
        place = self.build_location(build)
        self.temporaries.forget_table(*self._name(build))
        self._leave(self._name(existing), old, place, custom_location)

    def _leave(
        self, name: tuple[str, str], old: str | None, new: str | None, custom: str | None
    ) -> None:
        own = self.storage.location_for(*name, custom) if custom or not old else None
        self.older_builds.add(OlderBuild(*name, old or own or "", new, _now(), own))

    # --- data that tables have moved away from

    def remove_temporaries(self) -> None:
        super().remove_temporaries()
        self._delete_older_builds()

    def cleanup_connections(self) -> None:
        """dbt calls it at the end of a run."""
        try:
            super().cleanup_connections()
        finally:
            self.remove_what_is_left()

    def remove_what_is_left(self) -> None:
        self.swaps.wait(SWAP_WITHIN)
        self._delete_older_builds(all_of_them=True)
        super().remove_what_is_left()

    def _delete_older_builds(self, all_of_them: bool = False) -> None:
        for build in self.older_builds.take(all_of_them):
            try:
                with warned_of_what_is_left():
                    self.storage.delete_older_builds(*build)
            except GlueError as error:  # the table is new and whole: nothing of it has failed
                logger.warning(
                    f"Older data of {build.schema}.{build.name} is left at {build.old}: {error}"
                )

    def _delete_data(self, schema: str, name: str, location: str | None, custom: str | None) -> int:
        """Of the table's every build."""
        self.older_builds.forget(schema, name)
        return super()._delete_data(schema, name, base_of(location) if location else None, custom)

    # --- Delta

    @available.parse_none
    @glue_errors
    def replace_delta(self, relation: GlueRelation, code: str, query: str, **wanted: Any) -> None:
        """Runs Python that replaces a Delta table by the rows of a query, in one commit.

        code reads a JSON text from its name `wanted`: table, query, and what the macro adds.
        """
        catalog = self.credentials.custom_iceberg_catalog_namespace
        query = collapse_catalog_prefix(query, catalog)
        text = json.dumps({"table": relation.render(), "query": query, **wanted})
        try:
            self.connections.run_python_with_sql(f"wanted = {text!r}\n{code}")
        finally:
            self.known.forget_table(*self._name(relation))


def _now() -> datetime:
    return datetime.now(timezone.utc)
