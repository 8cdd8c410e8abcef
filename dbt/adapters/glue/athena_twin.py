"""The twin of a Delta table that readers of manifests use: `delta_athena_prefix` of the profile.

Delta writes lists of its current data files to `<table>/_symlink_format_manifest`; the twin is a
table over those lists, `<prefix>_<name>`, as dbt-glue 1.12.4 makes it.
"""

from collections.abc import Iterable
from typing import Any

from dbt.adapters.glue.column import GlueColumn

MANIFEST_FOLDER = "_symlink_format_manifest"


def twin_name(prefix: str, name: str) -> str:
    return f"{prefix}_{name}".lower()


def manifest_location(location: str) -> str:
    return f"{location.rstrip('/')}/{MANIFEST_FOLDER}"


def twin_input(
    name: str, location: str, columns: Iterable[GlueColumn], partition_by: Iterable[str]
) -> dict[str, Any]:
    """TableInput of CreateTable; location is the Delta table's.

    AdditionalLocations has Lake Formation hand out access to the data files, which lie elsewhere
    than the lists. The keys stand in the order of partition_by, in which the folders are nested:
    MSCK REPAIR passes over folders of another order.
    """
    by = [column.lower() for column in partition_by]
    fields = [{"Name": column.name, "Type": column.dtype} for column in columns]
    keys = [field for field in fields if field["Name"].lower() in by]
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE"},
        "PartitionKeys": sorted(keys, key=lambda field: by.index(field["Name"].lower())),
        "StorageDescriptor": {
            "Columns": [field for field in fields if field["Name"].lower() not in by],
            "Location": f"{manifest_location(location)}/",
            "AdditionalLocations": [location],
            "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": (
                    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                ),
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def is_over_manifests(table: dict[str, Any]) -> bool:
    """Whether a Table of the catalog is a twin, whichever columns it has."""
    return MANIFEST_FOLDER in ((table.get("StorageDescriptor") or {}).get("Location") or "")


def describes(table: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a Table of the catalog is the twin as it should be."""
    return _shape(table) == _shape(wanted)


def _shape(table: dict[str, Any]) -> tuple[Any, ...]:
    storage = table.get("StorageDescriptor") or {}
    return (
        [(field["Name"].lower(), field["Type"]) for field in storage.get("Columns") or ()],
        [(field["Name"].lower(), field["Type"]) for field in table.get("PartitionKeys") or ()],
        (storage.get("Location") or "").rstrip("/"),
        storage.get("AdditionalLocations") or [],
    )
