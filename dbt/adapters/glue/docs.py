"""The table of `dbt docs generate`, out of the Data Catalog alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dbt.adapters.glue import catalog_relations
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.relation import GlueRelation

if TYPE_CHECKING:
    import agate

# Up to so many tables of a schema are asked for one by one; more are cheaper listed whole.
FEW_TABLES = 20

ColumnsFromSpark = Callable[[GlueRelation], list[GlueColumn]]


def docs_table(
    catalog: DataCatalog,
    wanted: Iterable[tuple[str | None, str | None]],
    columns_from_spark: ColumnsFromSpark,
) -> tuple["agate.Table", list[Exception]]:
    """A row for each column of the wanted (schema, name)s; name None wants the whole schema.

    columns_from_spark serves the tables whose columns the catalog does not hold. Errors of one
    schema or table are returned, and leave the others be.
    """
    by_schema: dict[str, set[str | None]] = defaultdict(set)
    for schema, name in wanted:
        by_schema[schema or ""].add(name.lower() if name else None)
    rows: list[tuple] = []
    errors: list[Exception] = []
    for schema, names in by_schema.items():
        try:
            for table in _tables(catalog, schema, names):
                columns = _columns(table, schema, columns_from_spark)
                rows.extend(catalog_relations.docs_rows(table, schema, None, columns))
        except GlueError as error:
            errors.append(error)
    return _agate_table(rows), errors


def for_databases(
    table: "agate.Table", used_schemas: Iterable[tuple[str | None, str]]
) -> "agate.Table":
    """The rows under every `database` that nodes of their schema name: dbt finds nodes by it."""
    databases: dict[str, set[str | None]] = defaultdict(set)
    for database, schema in used_schemas:
        databases[schema.lower()].add(database)
    rows = [
        (database, *row.values()[1:])
        for row in table.rows
        for database in databases.get(row["table_schema"].lower(), {None})
    ]
    return _agate_table(rows)


def _tables(catalog: DataCatalog, schema: str, names: set[str | None]) -> Iterator[dict[str, Any]]:
    if None not in names and len(names) <= FEW_TABLES:
        found = (catalog.get_table(schema, name) for name in names if name)
        yield from (table for table in found if table is not None)
        return
    for table in catalog.get_tables(schema):
        if None in names or table["Name"] in names:
            yield table


def _columns(
    table: dict[str, Any], schema: str, columns_from_spark: ColumnsFromSpark
) -> list[GlueColumn]:
    known = catalog_relations.columns_of(table)
    if known is not None:
        return known
    return columns_from_spark(catalog_relations.relation_of(table, schema))


def _agate_table(rows: list[tuple]) -> "agate.Table":
    import agate
    from dbt_common.clients.agate_helper import Integer

    text = agate.Text(null_values=(), cast_nulls=False)
    types = {"column_index": Integer()}
    for name in catalog_relations.STATISTICS:
        types[f"stats:{name}:value"] = Integer()
        types[f"stats:{name}:include"] = agate.Boolean()
    names = catalog_relations.DOCS_COLUMNS
    return agate.Table(rows, names, [types.get(name, text) for name in names])
