"""The table of `dbt docs generate`, out of the Data Catalog alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dbt.adapters.glue import catalog_relations
from dbt.adapters.glue.catalog import TABLES_A_PAGE, DataCatalog
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.result_table import table_of

if TYPE_CHECKING:
    import agate

SCHEMAS_AT_ONCE = 4

ColumnsFromSpark = Callable[[GlueRelation], list[GlueColumn]]
KnownIn = Callable[[str | None], KnownCatalog]
Place = tuple[str | None, str]  # database, which only table buckets have, and schema


def docs_table(
    known_in: KnownIn,
    wanted: Iterable[tuple[str | None, str | None, str | None]],
    columns_from_spark: ColumnsFromSpark,
) -> tuple["agate.Table", list[Exception]]:
    """A row for each column of the wanted (database, schema, name)s; name None wants the whole
    schema.

    known_in gives the catalog of a database: what it has listed in this run is not asked for
    again. columns_from_spark serves the tables whose columns the catalog does not hold. Errors of
    one schema or table are returned, and leave the others be.
    """
    names_at: dict[Place, set[str | None]] = defaultdict(set)
    for database, schema, name in wanted:
        names_at[database, schema or ""].add(name.lower() if name else None)

    def tables_at(place: Place) -> list[dict[str, Any]] | GlueError:
        schema = place[1]
        try:
            known = known_in(place[0])
            return list(_wanted(known.catalog, schema, names_at[place], known.tables(schema)))
        except GlueError as error:
            return error

    rows: list[tuple] = []
    errors: list[Exception] = []
    with ThreadPoolExecutor(SCHEMAS_AT_ONCE, thread_name_prefix="docs") as pool:
        for (database, schema), tables in zip(names_at, pool.map(tables_at, names_at), strict=True):
            if isinstance(tables, GlueError):
                errors.append(tables)
                continue
            for table in tables:
                try:
                    relation = catalog_relations.relation_of(table, schema, database)
                    columns = _columns(table, relation, columns_from_spark)
                except GlueError as error:
                    errors.append(error)
                else:
                    rows.extend(catalog_relations.docs_rows(table, schema, database, columns))
    return _agate_table(rows), errors


def for_databases(
    table: "agate.Table", named: Iterable[tuple[str | None, str, str | None]]
) -> "agate.Table":
    """The rows under every `database` that nodes of their catalog and schema name: dbt finds nodes
    by it.

    named: database and schema as a node names them, and the table bucket's or other account's
    catalog that it is in (None: the run's own, which is first where two have one name for dbt).
    """
    databases: dict[Place, set[str | None]] = defaultdict(set)
    for database, schema, catalog in named:
        databases[catalog, schema.lower()].add(database)
    rows: list[tuple] = []
    catalogs: dict[tuple, str | None] = {}
    for row in sorted(table.rows, key=lambda row: row["table_database"] or ""):
        catalog, schema, name = row.values()[:3]
        for database in databases.get((catalog, schema.lower()), {catalog}):
            if catalogs.setdefault((database, schema, name), catalog) == catalog:
                rows.append((database, *row.values()[1:]))
    return _agate_table(rows)


def _wanted(
    catalog: DataCatalog,
    schema: str,
    names: set[str | None],
    known: list[dict[str, Any]] | None,
) -> Iterator[dict[str, Any]]:
    """The schema's tables of these names, all for None."""
    if None in names:
        yield from catalog.get_tables(schema) if known is None else known
    elif known is not None:
        yield from (table for table in known if table["Name"] in names)
    else:
        yield from _some(catalog, schema, {name for name in names if name})


def _some(catalog: DataCatalog, schema: str, names: set[str]) -> Iterator[dict[str, Any]]:
    """Out of pages of a hundred tables, until GetTable costs fewer calls than was paid so far."""
    missing = set(names)
    if len(names) > 1:
        for listed, table in enumerate(catalog.get_tables(schema), start=1):
            if table["Name"] in missing:
                missing.remove(table["Name"])
                yield table
            pages, rest = divmod(listed, TABLES_A_PAGE)
            if not missing or (rest == 0 and len(missing) <= pages):
                break
        else:
            return  # all are listed: the missing ones are not there
    for name in sorted(missing):
        found = catalog.get_table(schema, name)
        if found is not None:
            yield found


def _columns(
    table: dict[str, Any], relation: GlueRelation, columns_from_spark: ColumnsFromSpark
) -> list[GlueColumn]:
    known = catalog_relations.columns_of(table)
    return columns_from_spark(relation) if known is None else known


def _agate_table(rows: list[tuple]) -> "agate.Table":
    import agate
    from dbt_common.clients.agate_helper import Integer

    text = agate.Text(null_values=(), cast_nulls=False)
    types = {"column_index": Integer()}
    for name in catalog_relations.STATISTICS:
        types[f"stats:{name}:value"] = Integer()
        types[f"stats:{name}:include"] = agate.Boolean()
    names = catalog_relations.DOCS_COLUMNS
    return table_of(rows, names, [types.get(name, text) for name in names])
