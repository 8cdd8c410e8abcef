"""Model configs of the adapter: what each means, as data."""

from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.base import AdapterConfig


def config(kind: str, default: str, meaning: str, example: str = "") -> Any:
    """A model config for the documentation; the value itself is dbt's to hold."""
    metadata = {"kind": kind, "default": default, "meaning": meaning, "example": example}
    return field(default=None, metadata=metadata)


@dataclass
class GlueConfig(AdapterConfig):
    """The model configs that the adapter knows besides dbt's own."""

    file_format: Any = config(
        "text",
        "parquet",
        "Format of the table: parquet, orc, avro, csv, json, text, iceberg, delta, hudi. "
        "Seeds take the profile's `seed_format`.",
        "iceberg",
    )
    partition_by: Any = config(
        "text or list",
        "none",
        "Partition columns; on Iceberg also transforms: `months(ts)`, `bucket(16, id)`.",
        "['year', 'month']",
    )
    clustered_by: Any = config(
        "text or list",
        "none",
        "Columns to bucket by; needs `buckets`. Not on Iceberg, Delta, Hudi.",
    )
    buckets: Any = config("integer", "none", "Number of buckets of `clustered_by`.", "8")
    custom_location: Any = config(
        "text",
        "`<location>/<schema>/<name>`",
        "Where the table's data goes, in place of the profile's location.",
        "s3://other-bucket/events",
    )
    table_properties: Any = config(
        "mapping", "none", "TBLPROPERTIES of the table.", "{write.format.default: orc}"
    )
    write_options: Any = config(
        "mapping", "none", "OPTIONS of the table's format.", "{compression: zstd}"
    )
    unique_key: Any = config(
        "text or list", "none", "Key of `merge` and of snapshots. Hudi needs it.", "order_id"
    )
    incremental_strategy: Any = config(
        "text",
        "insert_overwrite",
        "`insert_overwrite` replaces the partitions that it writes, `append` adds rows, `merge` "
        "updates by `unique_key` (Iceberg, Delta, Hudi).",
        "merge",
    )
    merge_update_columns: Any = config("list", "all", "Columns that `merge` updates.")
    merge_exclude_columns: Any = config("list", "none", "Columns that `merge` does not update.")
    incremental_predicates: Any = config(
        "list",
        "none",
        "Conditions on the target in `merge`; `predicates` is the same.",
        "[\"DBT_INTERNAL_DEST.day > '2024-01-01'\"]",
    )
    on_schema_change: Any = config(
        "text", "ignore", "ignore, fail, append_new_columns or sync_all_columns."
    )
    hudi_options: Any = config(
        "mapping", "none", "Hudi options of the table.", "{hoodie.index.type: BLOOM}"
    )
    add_iceberg_timestamp: Any = config(
        "boolean", "false", "Add a column `update_iceberg_ts` with the time of the run."
    )
    iceberg_expire_snapshots: Any = config(
        "boolean", "false", "Expire all snapshots but the last one after an incremental run."
    )
    purge_dropped_iceberg_data: Any = config(
        "boolean", "false", "DROP TABLE … PURGE for Iceberg tables that dbt drops."
    )
    use_iceberg_temp_views: Any = config(
        "boolean", "true", "Accepted; intermediate results are always temporary views."
    )
    custom_temp_suffix: Any = config("text", "none", "Suffix of intermediate relations.")
    substitute_variables: Any = config("list", "none", "Not implemented in this version.")
    lf_tags_config: Any = config("mapping", "none", "Not implemented in this version.")
    lf_grants: Any = config("mapping", "none", "Not implemented in this version.")
    packages: Any = config("list", "none", "Packages of python models.")
