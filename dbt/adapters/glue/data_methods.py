"""DataMethods: what macros ask about the data of tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation, available
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import CompilationError

from dbt.adapters.glue import catalog_relations, seeds, table_metadata
from dbt.adapters.glue.athena_twin import manifest_location, twin_name
from dbt.adapters.glue.build_folders import base_of, is_abandoned, is_staging
from dbt.adapters.glue.catalog_changes import Change
from dbt.adapters.glue.column_comments import catalog_comment, with_comments
from dbt.adapters.glue.exceptions import GlueError, NotOwned, SessionError
from dbt.adapters.glue.known_catalog import DELETION_AGE
from dbt.adapters.glue.locations import same_location
from dbt.adapters.glue.maintenance_methods import MaintenanceMethods
from dbt.adapters.glue.model_config import PartitionItem, partition_items, refuse_grants
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import glue_errors, shared_property
from dbt.adapters.glue.sql_text import escaped, literal, quoted, unescaped, without_comments
from dbt.adapters.glue.storage import RESULTS_FOLDER, TEMPORARY_FOLDER
from dbt.adapters.glue.table_format import TableFormat, table_format
from dbt.adapters.glue.table_metadata import HUDI_QUERY_SUFFIXES
from dbt.adapters.glue.temporaries import StagingTable

if TYPE_CHECKING:
    import agate

logger = AdapterLogger("Glue")


class DataMethods(MaintenanceMethods):
    _has_uploaded = False

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

    @shared_property
    def _spark_versions(self) -> dict[str, str]:
        return {}

    @available
    def validate_file_format(self, name: str | None = None) -> TableFormat:
        """Raises CompilationError for an unknown format, or one the session is not set up for."""
        try:
            found = table_format(name)
        except GlueError as error:
            raise CompilationError(str(error)) from error
        if not self.credentials.has_format(found):
            raise CompilationError(
                f"file_format {found.name} needs datalake_formats to hold "
                f"{found.datalake_format}: got {', '.join(self.credentials.formats) or 'none'}\n"
                f"Add datalake_formats: {found.datalake_format} to the profile."
            )
        return found

    @available
    def table_bucket_of(self, node: Any, database: str | None) -> str | None:
        """The Spark catalog of the table bucket that a node is in; None for no bucket."""
        if node is None:
            return GlueRelation.table_buckets.catalog(database)
        return GlueRelation.configured_catalog(node, database)

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
        """Where the relation's data goes, as a LOCATION clause or alone; "" for S3 Tables, which
        chooses itself."""
        if relation.database:
            return ""
        schema, name = self._bare(relation.schema or ""), relation.identifier or ""
        path = self.storage.location_for(schema, name, custom_location)
        path += "/" if trailing_slash else ""
        return f"location {literal(path)}" if as_clause else path

    @available.parse_none
    @glue_errors
    def recorded_location(self, relation: BaseRelation) -> str | None:
        """Where the catalog says that the table's data is; None for a view or an absent table, and
        for S3 Tables, whose data is not dbt's."""
        if relation.database:
            return None
        table = self._table(relation, DELETION_AGE)
        return table_metadata.location_of(table) if table else None

    @available.parse_none
    @glue_errors
    def drop_query_tables(self, relation: BaseRelation, location: str | None) -> None:
        """Drops the tables over a table's data that Spark's DROP TABLE leaves.

        `<name>_ro` and `<name>_rt`, which Hudi syncs beside a merge-on-read table; the twin of a
        Delta table. Only those over the same data are dropped.
        """
        schema = self._bare(relation.schema or "")
        for name in self._query_tables(relation):
            table = self.known.table(schema, name, DELETION_AGE)
            place = table_metadata.location_of(table) if table else None
            if location and place and _is_over(place, location):
                self.catalog.delete_table(schema, name)
                self.known.forget_table(schema, name)

    def _query_tables(self, relation: BaseRelation) -> list[str]:
        """Names of the tables that may stand beside a table, over its data."""
        table_format, name = getattr(relation, "table_format", None), relation.identifier or ""
        prefix = self.credentials.delta_athena_prefix
        if table_format == "delta":
            return [twin_name(prefix, name)] if prefix else []
        return [name + suffix for suffix in HUDI_QUERY_SUFFIXES] if table_format == "hudi" else []

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
        if not location:
            return 0
        with warned_of_what_is_left():
            return self.storage.clear(*self._name(relation), location)
        return 0

    @available.parse_none
    @glue_errors
    def comment_columns(self, relation: BaseRelation, comments: Mapping[str, str]) -> None:
        """Writes comments of columns into the catalog, without a statement."""
        schema, name = self._name(relation)
        table = self._table(relation, 0)
        if table is not None and comments:
            self.catalog.update_table(schema, with_comments(table, comments))
            self.known.forget_table(schema, name)

    @available
    @staticmethod
    def literal(value: Any) -> str:
        """A value as a Spark string literal that means it, whatever it holds."""
        return literal(value)

    @available
    @staticmethod
    def escaped(text: str) -> str:
        """What stands between the quotes of such a literal."""
        return escaped(text)

    @available
    @staticmethod
    def unescaped(text: str) -> str:
        """What `escaped` was given."""
        return unescaped(text)

    @available
    @staticmethod
    @glue_errors
    def column_comment(description: str | None) -> str:
        """A column's description as the Data Catalog takes it."""
        return catalog_comment(description)

    @available
    @staticmethod
    @glue_errors
    def refuse_grants(given: Any) -> None:
        """Raises for a config `grants` that is not empty."""
        refuse_grants(given)

    @available
    @staticmethod
    def partition_items(given: str | Sequence[str] | None) -> list[PartitionItem]:
        """The config `partition_by` as items of `text` and `is_name`."""
        return partition_items(given)

    @available
    @staticmethod
    def names_relation(sql: str, relation: BaseRelation) -> bool:
        """Whether a query names the relation as it is rendered, in any case, elsewhere than in a
        comment."""
        return relation.render().lower() in without_comments(sql).lower()

    @available.parse_none
    @glue_errors
    def refuse_to_share(self, relation: GlueRelation, location: str) -> None:
        """Raises where a table cannot be made in the place of the relation, since another table's
        data lies in that folder."""
        with_it = self._query_tables(relation)
        self.storage.refuse_to_share(*self._name(relation), location, with_it)

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
        self._has_uploaded = True
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
        name = self._name(relation)
        place = None if relation.database else self.storage.location_for(*name)
        self.temporaries.tables.append(StagingTable(*name, place, relation.database))

    @available.parse_none
    def keep_temporary(self, relation: BaseRelation) -> None:
        """The table is whole, and stays whatever becomes of the node."""
        self.temporaries.forget_table(*self._name(relation))

    @available.parse_none
    def remember_view(self, view: BaseRelation) -> None:
        """Has a view of the session dropped, if the node ends before `drop_relation` does it."""
        self.temporaries.views.append(view.identifier or "")

    def drop_views(self) -> None:
        """Drops the views that this thread's node left in its session, if that is still there."""
        for name in list(self.temporaries.views):
            self.temporaries.forget_view(name)
            try:
                self.connections.clean_up(f"drop view if exists {quoted(name)}")
            except SessionError:
                continue  # it went with the session
            except GlueError as error:
                logger.warning(f"The temporary view {name} is left in the session: {error}")

    def take_back(self, table: Change) -> None:
        """Of a table of this node's own: what a session that died may have left of it."""
        schema = table.schema or ""
        self.temporaries.take_back(schema, table.name, self.catalog_in, self.storage)

    def remove_temporaries(self) -> None:
        """Removes what this thread's node left, a failed one mostly; warns of what it cannot."""
        cancelled = self.connections.is_interrupted()
        for line in self.temporaries.remove(self.catalog_in, self.storage, cancelled):
            logger.warning(line)

    def remove_what_is_left(self) -> None:
        """At the end of a run, when its sessions have been stopped, however it ends. May be called
        again."""
        for line in self.temporaries.remove_all(self.catalog_in, self.storage):
            logger.warning(line)
        self._clear_our_folders()

    def _clear_our_folders(self) -> None:
        """Results of this run that nobody has read; and what runs that were killed have left."""
        own, self.connections.results_folders = self.connections.results_folders, set()
        folders = {RESULTS_FOLDER} if own else set()
        if self._has_uploaded:
            self._has_uploaded = False
            folders.add(TEMPORARY_FOLDER)
        for folder in sorted(folders):
            try:
                self.storage.clear_folder(folder, own)
            except GlueError as error:
                logger.warning(f"Files are left in {folder}: {error}")

    def remove_abandoned(self, schema: str, name: str) -> None:
        """Has what killed builds of a table have left in the catalog go with this node."""
        for table in self.known.listed(schema):
            made = table.get("CreateTime")
            if is_staging(table["Name"], of=name) and made is not None and is_abandoned(made):
                place = table_metadata.location_of(table)
                base = base_of(place) if place else None
                self.temporaries.tables.append(
                    StagingTable(schema, table["Name"], place, None, (schema, name), base)
                )

    def _delete_data(self, schema: str, name: str, location: str | None, custom: str | None) -> int:
        if location:
            with warned_of_what_is_left():
                return self.storage.delete_data(schema, name, location, custom)
        return 0


def _is_over(place: str, location: str) -> bool:
    """Whether a table at `place` shows the data of the one at `location`."""
    return same_location(place, location) or same_location(place, manifest_location(location))


@contextmanager
def warned_of_what_is_left() -> Iterator[None]:
    """Data that dbt does not own is left, and a warning says why."""
    try:
        yield
    except NotOwned as error:
        logger.warning(str(error))
