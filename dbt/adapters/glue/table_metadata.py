"""What a Table of the Data Catalog says: columns, format, type, place, statistics.

Sources: Spark's HiveExternalCatalog (spark.sql.sources.*), Iceberg's GlueCatalog
(iceberg.field.*), Delta's and Hudi's entries; docs/architecture.md names what was measured.
"""

import json
from typing import Any

from dbt.adapters.glue.exceptions import NotImplementedByGlue
from dbt.adapters.glue.table_format import FORMATS, HUDI_METADATA_COLUMNS

VIEW = "VIRTUAL_VIEW"
HUDI_QUERY_SUFFIXES = ("_ro", "_rt")  # read-optimized and real-time queries of a MOR table
PLACEHOLDER_SUFFIX = "-__PLACEHOLDER__"
FOREIGN_VIEW = "/* Presto View"

Column = dict[str, Any]  # name, type, comment, partition


def parameters(table: dict[str, Any]) -> dict[str, str]:
    return table.get("Parameters") or {}


def is_view(table: dict[str, Any]) -> bool:
    return table.get("TableType") == VIEW


def is_foreign_view(table: dict[str, Any]) -> bool:
    """Whether Athena or Presto made the view; Spark cannot read such a view."""
    text = table.get("ViewOriginalText") or ""
    return is_view(table) and (
        text.startswith(FOREIGN_VIEW) or parameters(table).get("presto_view") == "true"
    )


def refuse_foreign_view(table: dict[str, Any]) -> None:
    """Raises NotImplementedByGlue for a view of Athena or Presto."""
    if is_foreign_view(table):
        raise NotImplementedByGlue(
            f"{table.get('DatabaseName')}.{table['Name']} is a view made by Athena or Presto, "
            "which Spark cannot read",
            hint="Read the tables beneath it, or make the view in dbt.",
        )


def format_of(table: dict[str, Any]) -> str | None:
    """The `file_format` of a table, None for a view.

    A format that dbt cannot write, such as a Hive table's of a third party, is named by its
    serialization library.
    """
    if is_view(table):
        return None
    settings = parameters(table)
    for key in ("table_type", "spark.sql.sources.provider", "classification"):
        name = settings.get(key, "").lower()
        if name in FORMATS:
            return name
    storage = table.get("StorageDescriptor") or {}
    library = (storage.get("SerdeInfo") or {}).get("SerializationLibrary") or ""
    hints = f"{storage.get('InputFormat') or ''} {library}".lower()
    for mark, name in (
        ("hoodie", "hudi"),
        ("parquet", "parquet"),
        ("orc", "orc"),
        ("avro", "avro"),
        ("json", "json"),
        ("opencsv", "csv"),
    ):
        if mark in hints:
            return name
    return library.rpartition(".")[2] or "unknown"


def location_of(table: dict[str, Any]) -> str | None:
    """Where the table's data lies, without a trailing slash; None for views.

    Tables that are not Hive-compatible carry a placeholder in the storage descriptor and the
    real path in the serde's.
    """
    storage = table.get("StorageDescriptor") or {}
    path = ((storage.get("SerdeInfo") or {}).get("Parameters") or {}).get("path")
    location = path or storage.get("Location") or ""
    if not location or is_view(table) or location.rstrip("/").endswith(PLACEHOLDER_SUFFIX):
        return None
    return location.rstrip("/")


def columns_of(table: dict[str, Any]) -> list[Column] | None:
    """The columns in order, partition columns included; None where the catalog has no schema."""
    partitions = {key["Name"].lower() for key in table.get("PartitionKeys") or ()}
    schema = _spark_schema(parameters(table))
    if schema is not None:
        columns = [_from_spark(field, partitions) for field in schema]
    elif is_placeholder(table):
        return None
    else:
        columns = catalog_columns(table)
    return [column for column in columns if column["name"] not in HUDI_METADATA_COLUMNS]


def catalog_columns(table: dict[str, Any]) -> list[Column]:
    """The columns that the catalog itself lists; none where Spark has put its stand-in there."""
    return [] if is_placeholder(table) else [*_stored_columns(table), *_partition_columns(table)]


def is_placeholder(table: dict[str, Any]) -> bool:
    """Whether the columns are the stand-in `col array<string>` that Spark writes without one."""
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    return [(c["Name"], c.get("Type")) for c in columns] in ([("col", "array<string>")], [])


def spark_schema_text(settings: dict[str, str]) -> str:
    """Spark's schema as JSON, of which a long one is kept in parts; empty if there is none."""
    text = settings.get("spark.sql.sources.schema")
    if text is None:
        count = int(settings.get("spark.sql.sources.schema.numParts", 0))
        parts = [settings.get(f"spark.sql.sources.schema.part.{i}", "") for i in range(count)]
        text = "".join(parts)
    return text


def _spark_schema(settings: dict[str, str]) -> list[dict[str, Any]] | None:
    text = spark_schema_text(settings)
    if not text:
        return None
    return json.loads(text)["fields"] or None


def _from_spark(field: dict[str, Any], partitions: set[str]) -> Column:
    metadata = field.get("metadata") or {}
    return {
        "name": field["name"],
        # char and varchar are strings to Spark; the declared type is kept beside.
        "type": metadata.get("__CHAR_VARCHAR_TYPE_STRING") or simple_type(field["type"]),
        "comment": metadata.get("comment"),
        "partition": field["name"].lower() in partitions,
    }


def simple_type(spark_type: Any) -> str:
    """A type of Spark's schema JSON as its simpleString: "map<string,array<int>>"."""
    if isinstance(spark_type, str):
        return {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}.get(
            spark_type, spark_type
        )
    kind = spark_type["type"]
    if kind == "array":
        return f"array<{simple_type(spark_type['elementType'])}>"
    if kind == "map":
        key, value = simple_type(spark_type["keyType"]), simple_type(spark_type["valueType"])
        return f"map<{key},{value}>"
    if kind == "struct":
        inner = (f"{f['name']}:{simple_type(f['type'])}" for f in spark_type["fields"])
        return f"struct<{','.join(inner)}>"
    return simple_type(spark_type.get("sqlType", kind))  # a user-defined type


def _stored_columns(table: dict[str, Any]) -> list[Column]:
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    return [
        _from_catalog(column, partition=False)
        for column in columns
        # Iceberg leaves dropped columns in the list.
        if (column.get("Parameters") or {}).get("iceberg.field.current") != "false"
    ]


def _partition_columns(table: dict[str, Any]) -> list[Column]:
    return [_from_catalog(key, partition=True) for key in table.get("PartitionKeys") or ()]


def _from_catalog(column: dict[str, Any], *, partition: bool) -> Column:
    return {
        "name": column["Name"],
        "type": column.get("Type") or "string",
        "comment": column.get("Comment"),
        "partition": partition,
    }


def hudi_query_suffixes(table: dict[str, Any]) -> tuple[str, ...]:
    """What the names of the tables end with that Hudi may have synced beside this one."""
    if format_of(table) != "hudi" or parameters(table).get("type") == "cow":
        return ()
    return HUDI_QUERY_SUFFIXES


def comment_of(table: dict[str, Any]) -> str | None:
    return parameters(table).get("comment") or table.get("Description") or None


def statistics_of(table: dict[str, Any]) -> dict[str, int]:
    """`bytes` and `rows`, where the catalog has them (ANALYZE TABLE, Hive, crawlers)."""
    settings = parameters(table)
    found = {}
    for name, keys in (
        ("bytes", ("spark.sql.statistics.totalSize", "totalSize", "sizeKey")),
        ("rows", ("spark.sql.statistics.numRows", "numRows", "recordCount")),
    ):
        values = [settings[key] for key in keys if str(settings.get(key, "")).isdigit()]
        if values:
            found[name] = int(values[0])
    return found
