"""DataMethods: what macros ask about the data of tables."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation, available
from dbt.adapters.events.logging import AdapterLogger

from dbt.adapters.glue import catalog_relations, seeds, table_metadata
from dbt.adapters.glue.exceptions import NotOwned
from dbt.adapters.glue.known_catalog import DELETION_AGE
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import GlueServices, glue_errors
from dbt.adapters.glue.sql_text import without_comments
from dbt.adapters.glue.storage import same_location
from dbt.adapters.glue.table_format import table_format
from dbt.adapters.glue.temporaries import StagingTable

if TYPE_CHECKING:
    import agate

logger = AdapterLogger("Glue")

HUDI_QUERY_SUFFIXES = ("_ro", "_rt")  # read-optimized and real-time queries of a MOR table


class DataMethods(GlueServices):
    @available
    def get_custom_iceberg_catalog_namespace(self) -> str | None:
        return self.credentials.custom_iceberg_catalog_namespace or None

    @available.parse(lambda *args, **kwargs: "")
    @glue_errors
    def spark_version(self) -> str:
        """What Spark's `version()` says, `3.5.6 <revision>`; each session is asked once."""
        session = self.connections.transport().session_id
        if session not in self._spark_versions:
            _, answer = self.execute("select version() as version", fetch=True)
            self._spark_versions[session] = str(answer.rows[0][0])
        return self._spark_versions[session]

    @functools.cached_property
    def _spark_versions(self) -> dict[str, str]:
        return {}

    @available
    def session_has(self, file_format: str) -> bool:
        """Whether the session is set up for a format, as datalake_formats asks."""
        return self.credentials.has_format(table_format(file_format))

    @available
    def temp_identifier(self, base: str) -> str:
        """`<base>__dbt_tmp_<8 hex digits>`, lower-case, at most 255 characters."""
        return catalog_relations.temporary_name(base)

    @available.parse_none
    @glue_errors
    def get_view_text(self, relation: BaseRelation) -> str | None:
        """The SELECT of a view; None if it is absent or no view."""
        table = self._table(relation)
        return table.get("ViewOriginalText") if table else None

    @available
    @glue_errors
    def get_location(
        self,
        relation: BaseRelation,
        custom_location: str | None = None,
        as_clause: bool = True,
        trailing_slash: bool = False,
    ) -> str:
        """Where the relation's data goes, as a LOCATION clause or alone."""
        schema, name = self._bare(relation.schema or ""), relation.identifier or ""
        path = self.storage.location_for(schema, name, custom_location)
        path += "/" if trailing_slash else ""
        return f"location '{path}'" if as_clause else path

    @available.parse_none
    @glue_errors
    def recorded_location(self, relation: BaseRelation) -> str | None:
        """Where the catalog says that the table's data is; None for a view or an absent table."""
        table = self._table(relation, DELETION_AGE)
        return table_metadata.location_of(table) if table else None

    @available.parse_none
    @glue_errors
    def drop_data_of(self, relation: BaseRelation, custom_location: str | None = None) -> int:
        """Deletes the table's data at its recorded location, if dbt owns that; returns objects."""
        place = self.recorded_location(relation)
        return self._delete_data(*self._name(relation), place, custom_location)

    @available.parse_none
    @glue_errors
    def drop_query_tables(self, relation: BaseRelation, location: str | None) -> None:
        """Drops `<name>_ro` and `<name>_rt`, which Hudi syncs beside a merge-on-read table.

        Spark's DROP TABLE leaves them. Only those over the same data are dropped.
        """
        schema, name = self._name(relation)
        for suffix in HUDI_QUERY_SUFFIXES:
            table = self.known.table(schema, name + suffix, DELETION_AGE)
            place = table_metadata.location_of(table) if table else None
            if location and place and same_location(place, location):
                self.catalog.delete_table(schema, name + suffix)
                self.known.forget_table(schema, name + suffix)

    @available.parse_none
    @glue_errors
    def delete_table_data(
        self,
        relation: BaseRelation,
        location: str | None,
        custom_location: str | None = None,
        required: bool = False,
    ) -> int:
        """Deletes what lies at a location, if dbt owns that; returns how many objects.

        Owned: below the profile's location, or the model's custom_location. What is not owned is
        left, and a warning says why; an error where the deletion is required.
        """
        schema, name = self._name(relation)
        if required and location:
            return self.storage.delete_data(schema, name, location, custom_location)
        return self._delete_data(schema, name, location, custom_location)

    @available.parse_none
    @glue_errors
    def clear_location(self, relation: BaseRelation, location: str) -> int:
        """Deletes what lies where dbt is about to make a table, if it owns that."""
        with warned_of_what_is_left():
            return self.storage.clear(*self._name(relation), location)
        return 0

    @available
    @staticmethod
    def names_relation(sql: str, relation: BaseRelation) -> bool:
        """Whether a query names the relation as it is rendered, elsewhere than in a comment."""
        return relation.render() in without_comments(sql)

    @available.parse_none
    @glue_errors
    def refuse_to_share(self, relation: GlueRelation, location: str) -> None:
        """Raises where a table cannot be made in the place of the relation, since another table's
        data lies in that folder."""
        schema, name = self._name(relation)
        with_it = [name + suffix for suffix in HUDI_QUERY_SUFFIXES] if relation.is_hudi else ()
        self.storage.refuse_to_share(schema, name, location, with_it)

    @available.parse_none
    @glue_errors
    def upload_seed(
        self,
        agate_table: "agate.Table",
        relation: BaseRelation,
        column_types: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Puts a seed's rows on S3 as gzip JSON lines, all values as text.

        Returns {path, columns: [{name, type}]}. Raises for a value that is not of its type.
        """
        given = {name.lower(): kind for name, kind in (column_types or {}).items()}
        types = {
            name: given.get(name.lower()) or self.convert_type(agate_table, index) or "string"
            for index, name in enumerate(agate_table.column_names)
        }
        seeds.check_values(agate_table, types)
        if self.credentials.local:
            self.storage.ensure_bucket()
        path = self.storage.new_temporary()
        self.temporaries.folders.append(path)
        self.storage.put(f"{path}/rows.json.gz", seeds.seed_file(agate_table))
        columns = [{"name": name, "type": kind} for name, kind in types.items()]
        return {"path": path, "columns": columns}

    @available.parse_none
    @glue_errors
    def delete_path(self, path: str) -> int:
        """Deletes the folder of `upload_seed`."""
        deleted = self.storage.delete_temporary(path)
        self.temporaries.forget_folder(path)
        return deleted

    @available.parse_none
    @glue_errors
    def remember_temporary(self, relation: BaseRelation) -> None:
        """Has the table dropped, with its data, if the node ends before `drop_relation` does it."""
        place = self.storage.location_for(*self._name(relation))
        self.temporaries.tables.append(StagingTable(*self._name(relation), place))

    def remove_temporaries(self) -> None:
        """Removes what this thread's node left, a failed one mostly; warns of what it cannot."""
        for line in self.temporaries.remove(self.catalog, self.storage):
            logger.warning(line)

    def _delete_data(self, schema: str, name: str, location: str | None, custom: str | None) -> int:
        if location:
            with warned_of_what_is_left():
                return self.storage.delete_data(schema, name, location, custom)
        return 0


@contextmanager
def warned_of_what_is_left() -> Iterator[None]:
    """Data that dbt does not own is left, and a warning says why."""
    try:
        yield
    except NotOwned as error:
        logger.warning(str(error))
