"""CatalogRelations: relations, columns and docs rows out of the Data Catalog."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dbt.adapters.contracts.relation import RelationType

from dbt.adapters.glue import table_metadata
from dbt.adapters.glue.build_folders import MAX_NAME_LENGTH
from dbt.adapters.glue.catalog import DataCatalog, partition_input_of, table_input_of
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import (
    CatalogError,
    ConfigurationError,
    NotImplementedByGlue,
)
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.table_format import FORMATS

CATALOG_COLUMNS = (
    *("table_database", "table_schema", "table_name", "table_type", "table_comment"),
    *("table_owner", "column_name", "column_index", "column_type", "column_comment"),
)
STATISTICS = {"bytes": "Approximate Size", "rows": "Row Count"}
STATISTIC_FIELDS = ("label", "value", "description", "include")
DOCS_COLUMNS = CATALOG_COLUMNS + tuple(
    f"stats:{name}:{part}" for name in STATISTICS for part in STATISTIC_FIELDS
)


def relation_of(table: dict[str, Any], schema: str, database: str | None = None) -> GlueRelation:
    """A Table of the catalog, or of the table bucket `database`, as a relation with its format."""
    view = table_metadata.is_view(table)
    return GlueRelation.create(
        database=database,
        schema=schema,
        identifier=table["Name"],
        type=RelationType.View if view else RelationType.Table,
        table_format=table_metadata.format_of(table),
        catalog_prefix="" if view else None,
    )


def refuse_unreadable(found: GlueRelation, credentials: GlueCredentials) -> None:
    """Raises where a table of another account's Data Catalog cannot be read as what it is."""
    if found.other is None:
        return
    where = f"{found.schema}.{found.identifier} in the Data Catalog of {found.other.account}"
    if found.type == RelationType.View:
        raise ConfigurationError(
            f"{where} is a view: Spark would look for the tables that it names in your own catalog",
            hint="Read the tables behind it as sources, and select from them as the view does.",
        )
    if found.is_iceberg and not credentials.has_format(FORMATS["iceberg"]):
        raise ConfigurationError(
            f"{where} is an Iceberg table, which a session without Iceberg cannot read",
            hint="Add iceberg to datalake_formats in the profile.",
        )
    if credentials.local and not found.is_iceberg:
        raise NotImplementedByGlue(
            f"{where} is of format {found.table_format}: from the catalog of another account local "
            "Glue's Spark reads Iceberg tables only",
            hint="On AWS Spark's Glue client reads it.",
        )


def columns_of(table: dict[str, Any]) -> list[GlueColumn] | None:
    """The columns of a Table; None where only Spark knows them (a Delta table, mostly)."""
    columns = table_metadata.columns_of(table)
    if columns is None:
        return None
    return [
        GlueColumn(c["name"], c["type"], comment=c["comment"], partition=c["partition"])
        for c in columns
    ]


def with_catalog_notes(
    columns: list[GlueColumn], known: list[GlueColumn] | None
) -> list[GlueColumn]:
    """Columns as Spark tells them, with the comments and partition marks of the catalog's."""
    notes = {column.name.lower(): column for column in known or ()}
    return [
        replace(column, comment=note.comment, partition=note.partition)
        if (note := notes.get(column.name.lower()))
        else column
        for column in columns
    ]


def docs_rows(
    table: dict[str, Any], schema: str, database: str | None, columns: list[GlueColumn]
) -> Iterable[tuple]:
    """A row of `dbt docs` for each column of a Table; column_index counts from 1."""
    statistics = table_metadata.statistics_of(table)
    stats: list[Any] = []
    for name, label in STATISTICS.items():
        known = name in statistics
        stats += [label, statistics.get(name), f"{label} in the Data Catalog", known]
    head = (
        database,
        schema,
        table["Name"],
        "view" if table_metadata.is_view(table) else "table",
        table_metadata.comment_of(table),
        table.get("Owner") or None,
    )
    for index, column in enumerate(columns, start=1):
        yield (*head, column.name, index, column.dtype, column.comment or None, *stats)


def rename(catalog: DataCatalog, source: GlueRelation, target: GlueRelation) -> None:
    """Renames a table or view in the catalog; no data moves, views keep their text.

    Raises CatalogError if the source is absent or the target is there, ConfigurationError for
    Iceberg, which renames itself.
    """
    schema, name = source.schema or "", source.identifier or ""
    if source.database or target.database:
        raise NotImplementedByGlue(
            f"{source} cannot be renamed: Glue has no call that renames a table of S3 Tables",
            hint="Rename it by the AWS CLI, `aws s3tables rename-table`, or build it anew.",
        )
    table = catalog.get_table(schema, name)
    if table is None:
        raise CatalogError(f"{schema}.{name} is not in the catalog", code="EntityNotFoundException")
    if FORMATS.get(table_metadata.format_of(table) or "") == FORMATS["iceberg"]:
        raise ConfigurationError(
            f"{schema}.{name} is an Iceberg table: rename it with ALTER TABLE … RENAME TO"
        )
    target_schema, target_name = target.schema or "", (target.identifier or "").lower()
    catalog.create_table(target_schema, table_input_of(table, Name=target_name))
    try:
        if table.get("PartitionKeys"):
            partitions = [partition_input_of(p) for p in catalog.get_partitions(schema, name)]
            catalog.create_partitions(target_schema, target_name, partitions)
    except CatalogError:
        catalog.delete_table(target_schema, target_name)
        raise
    catalog.delete_table(schema, name)


def temporary_name(base: str) -> str:
    """`<base>__dbt_tmp_<8 hex digits>`: unique, lower-case, short enough for the catalog."""
    suffix = f"__dbt_tmp_{uuid.uuid4().hex[:8]}"
    return f"{base.lower()[: MAX_NAME_LENGTH - len(suffix)]}{suffix}"
