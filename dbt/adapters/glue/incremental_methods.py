"""IncrementalMethods: what the macros of incremental models ask of the adapter."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation, available
from dbt.adapters.contracts.connection import AdapterResponse
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dbt.adapters.glue import incremental, microbatch, schema_changes
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.query_relation import QueryRelation, as_subquery
from dbt.adapters.glue.schema_changes import SchemaChanges
from dbt.adapters.glue.services import GlueServices, glue_errors
from dbt.adapters.glue.table_format import INCREMENTAL_STRATEGIES, known_format, table_format

if TYPE_CHECKING:
    import agate

# What Iceberg (by Spark) and Delta say where rows of the increment have the same key.
SAME_KEY = (
    "MERGE_CARDINALITY_VIOLATION",
    "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
)
# What Iceberg says where a file has rows inside and outside of what is replaced.
NOT_ALIGNED = "Cannot delete file where some, but not all, rows match filter"
SHOWN_KEYS = 3


class IncrementalMethods(GlueServices):
    def set_macro_resolver(self, macro_resolver: Any) -> None:
        """dbt hands over its manifest here, before it runs anything."""
        super().set_macro_resolver(macro_resolver)
        microbatch.run_one_by_one(getattr(macro_resolver, "nodes", {}).values())

    @available
    @staticmethod
    def default_incremental_strategy(file_format: str) -> str:
        return incremental.default_strategy(table_format(file_format))

    @available
    @staticmethod
    def incremental_refusal(
        file_format: str, strategy: str, config: Mapping[str, Any], own: bool
    ) -> str | None:
        """What is wrong with an incremental model's configs; None if nothing is.

        own: the project has a macro get_incremental_<strategy>_sql.
        """
        return incremental.refusal(table_format(file_format), strategy, config, own)

    @available
    @staticmethod
    def incremental_predicates(config: Mapping[str, Any]) -> list[str]:
        """The config `predicates`, or `incremental_predicates`, as a list."""
        return incremental.predicates_of(config)

    @available
    @staticmethod
    def knows_strategy(strategy: str) -> bool:
        """Whether the strategy is dbt-glue's, whose SQL reads the increment as a query."""
        return strategy in (*INCREMENTAL_STRATEGIES, "default")

    @available
    @staticmethod
    def query_relation(name: str, sql: str) -> QueryRelation:
        """The query as a relation that can be read, of the name that a view of it would have."""
        return QueryRelation.of(name, sql)

    @available
    @staticmethod
    def as_subquery(sql: str) -> str:
        """The query without the semicolon at its end."""
        return as_subquery(sql)

    # --- columns

    @available
    @staticmethod
    def changed_columns(
        relation: BaseRelation, source: Iterable[GlueColumn], target: Iterable[GlueColumn]
    ) -> SchemaChanges:
        """How the columns of a query differ from the table's."""
        found = known_format(getattr(relation, "table_format", None))
        return schema_changes.changes_between(source, target, found)

    @available
    @staticmethod
    def changes_to_apply(changes: SchemaChanges, mode: str) -> SchemaChanges:
        """What of them on_schema_change has made in the table."""
        return schema_changes.to_apply(changes, mode)

    @available.parse(lambda *a, **k: [])
    def refused_changes(self, relation: BaseRelation, changes: SchemaChanges) -> list[str]:
        """The reason for each change that the table's format cannot make."""
        found = known_format(getattr(relation, "table_format", None))
        properties: dict[str, str] = {}
        if schema_changes.needs_properties(changes, found):
            _, answer = self.execute(f"show tblproperties {relation}", fetch=True)
            properties = {str(key): str(value) for key, value in answer.rows}
        return schema_changes.why_not(changes, found, properties)

    @available
    @staticmethod
    def has_structs(columns: Iterable[GlueColumn]) -> bool:
        """Whether any column holds a struct, whose fields Spark would write by position."""
        return any(schema_changes.is_nested(column.dtype) for column in columns)

    @available
    @staticmethod
    def shaped_increment(
        increment: BaseRelation, source: Iterable[GlueColumn], target: Iterable[GlueColumn]
    ) -> BaseRelation:
        """The increment with the fields of its structs as the table has them, by name."""
        types = {column.name.lower(): column.dtype for column in target}
        values, changed = [], False
        for column in source:
            wanted = types.get(column.name.lower(), column.dtype)
            value = schema_changes.value_of(column.quoted, column.dtype, wanted)
            changed = changed or value != column.quoted
            values.append(value if value == column.quoted else f"{value} as {column.quoted}")
        if not changed:
            return increment
        query = f"select {', '.join(values)}\nfrom {increment}"
        return QueryRelation.of(increment.identifier or "", query)

    # --- batches

    @available
    @staticmethod
    def batch_is_aligned(file_format: str, config: Mapping[str, Any]) -> bool:
        """Whether the table's partitions by event_time lie in one batch each."""
        return microbatch.is_aligned(table_format(file_format), config)

    @available
    @glue_errors
    def batch_window(
        self,
        event_time: str,
        columns: Iterable[GlueColumn],
        batch: Mapping[str, Any],
        file_format: str | None = None,
    ) -> str:
        """The condition of the rows of `model.batch`, on the table's columns."""
        start, end = (moment_of(batch.get(f"event_time_{end}")) for end in ("start", "end"))
        types = {column.name.lower(): column.dtype for column in columns}
        return microbatch.window(event_time, types, start, end, known_format(file_format))

    @available.parse(lambda *a, **k: "true")
    def batch_partitions(self, increment: BaseRelation, columns: Iterable[GlueColumn]) -> str:
        """The condition of the rows of the partitions that the increment has rows of.

        columns: the table's. Raises where none of them is a partition's.
        """
        by = [(column.quoted, column.dtype) for column in columns if column.partition]
        if not by:
            raise DbtRuntimeError(
                "partition_by: the table has no partitions, so that each batch would replace all "
                "of it. Run the model once with --full-refresh."
            )
        values = ", ".join(f"cast(cast({name} as {kind}) as string)" for name, kind in by)
        _, found = self.execute(f"select distinct {values}\nfrom {increment}", fetch=True)
        return microbatch.of_partitions(by, found.rows)

    @available.parse(lambda *a, **k: False)
    def has_partitions(self, relation: BaseRelation) -> bool:
        """Whether Spark says so of the table; the catalog does not know it of Iceberg's."""
        _, found = self.execute(f"describe table {relation}", fetch=True)
        names = [str(row[0]) for row in found.rows]
        # Spark 3.3 has the heading for each table
        return "Not partitioned" not in names and any(name.startswith("# Part") for name in names)

    # --- the write

    @available
    def write_increment(
        self, sql: str, source: BaseRelation, keys: Sequence[str] = ()
    ) -> tuple[AdapterResponse, "agate.Table"]:
        """Runs what writes an increment, as `execute` does; says why where its rows are at fault.

        keys: the columns by which rows of the source are matched, as SQL. Only after a failure is
        anything asked.
        """
        try:
            return self.execute(sql, auto_begin=False, fetch=False)
        except DbtDatabaseError as error:
            reason = self._reason(str(error), source, keys)
            if reason is None:
                raise
            raise DbtDatabaseError(f"{reason}\n{error.msg}") from error

    def _reason(self, message: str, source: BaseRelation, keys: Sequence[str]) -> str | None:
        if NOT_ALIGNED in message:
            return (
                "partition_by: the table is not partitioned by event_time as the config says, so "
                "that files of it have rows of other batches too. Run the model once with "
                "--full-refresh."
            )
        if not (keys and any(word in message for word in SAME_KEY)):
            return None
        names = ", ".join(keys)
        _, found = self.execute(
            f"select {names}, count(*) as rows_of_it, count(*) over () as keys_in_all\n"
            f"from {source}\nwhere {' and '.join(f'{key} is not null' for key in keys)}\n"
            f"group by {names}\nhaving count(*) > 1\norder by rows_of_it desc limit {SHOWN_KEYS}",
            fetch=True,
        )
        if not found.rows:
            return None
        shown = "; ".join(_key_of(row, keys) for row in found.rows)
        return (
            f"unique_key: got more than one row of a key in the increment, expected one row for "
            f"each {names}. Keys with more than one row: {found.rows[0][-1]}, such as {shown}. "
            "Have the query return one row per key, or add columns to unique_key."
        )


def _key_of(row: Sequence[Any], keys: Sequence[str]) -> str:
    values = ", ".join(f"{key} = {value}" for key, value in zip(keys, row, strict=False))
    return f"{values} ({row[len(keys)]} rows)"


def moment_of(value: Any) -> datetime | None:
    """A bound of a batch, which dbt gives as a datetime or as its text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
