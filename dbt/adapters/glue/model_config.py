"""Model configs of the adapter: what each means, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.base import AdapterConfig

from dbt.adapters.glue.credentials import GlueCredentials


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
        "A seed's default is the profile's `seed_format`.",
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
        "Columns to bucket by; needs `buckets`. On Iceberg a partition `bucket(n, column)`, of one "
        "column. Delta refuses it.",
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
        "mapping",
        "none",
        "OPTIONS of the CREATE TABLE: what Spark's writer of the format takes.",
        "{compression: zstd}",
    )
    unique_key: Any = config(
        "text or list",
        "none",
        "Key of `merge` and of snapshots, one column or several. `merge` on Hudi needs it; on "
        "Iceberg and Delta every row is inserted without it.",
        "order_id",
    )
    incremental_strategy: Any = config(
        "text",
        "insert_overwrite; merge on Hudi",
        "`insert_overwrite` replaces the partitions that it writes, or all of a table without "
        "partitions; `append` adds rows; `merge` updates by `unique_key` (Iceberg, Delta, Hudi).",
        "merge",
    )
    merge_update_columns: Any = config("list", "all", "Columns that `merge` updates.")
    merge_exclude_columns: Any = config("list", "none", "Columns that `merge` does not update.")
    incremental_predicates: Any = config(
        "list",
        "none",
        "More conditions of the ON clause of `merge`; `predicates` is the same. Hudi, which finds "
        "rows by key alone, does not use them and warns.",
        "[\"DBT_INTERNAL_DEST.day > '2024-01-01'\"]",
    )
    on_schema_change: Any = config(
        "text", "ignore", "ignore, fail, append_new_columns or sync_all_columns."
    )
    hudi_options: Any = config(
        "mapping",
        "none",
        "Hudi options, put into TBLPROPERTIES; the writer's names of key, precombine field and "
        "table type are taken too.",
        "{hoodie.index.type: BLOOM}",
    )
    add_iceberg_timestamp: Any = config(
        "boolean", "false", "Add a column `update_iceberg_ts`, the time of the write, on Iceberg."
    )
    iceberg_expire_snapshots: Any = config(
        "boolean", "false", "Expire all snapshots but the last one after an incremental run."
    )
    purge_dropped_iceberg_data: Any = config(
        "boolean", "false", "DROP TABLE … PURGE for Iceberg tables that dbt drops."
    )
    use_iceberg_temp_views: Any = config(
        "boolean",
        "true",
        "Accepted, not used: an increment is a temporary view wherever Spark can read one.",
    )
    custom_temp_suffix: Any = config(
        "text",
        "none",
        "Accepted, not used: intermediate relations have names that are unique in every run.",
    )
    snapshot_table_column_names: Any = config(
        "mapping",
        "dbt's names",
        "Names of a snapshot's own columns, as in dbt.",
        "{dbt_valid_to: ended_at}",
    )
    dbt_valid_to_current: Any = config(
        "text",
        "null",
        "What a snapshot's current rows have as `dbt_valid_to`, as in dbt.",
        "to_date('9999-12-31')",
    )
    grants: Any = config(
        "mapping", "none", "Refused: access is given by IAM and Lake Formation, not by SQL."
    )
    substitute_variables: Any = config(
        "mapping", "none", "Refused: not implemented in this version."
    )
    lf_tags_config: Any = config("mapping", "none", "Refused: not implemented in this version.")
    lf_grants: Any = config("mapping", "none", "Refused: not implemented in this version.")
    catalog: Any = config(
        "text", "none", "Refused: catalogs.yml has no integration for Glue in this version."
    )
    packages: Any = config(
        "list",
        "none",
        "What a Python model imports, as pip names it. The model fails before it runs where the "
        "session lacks one; Glue installs them by `--additional-python-modules`.",
        "['scikit-learn==1.5.2']",
    )
    submission_method: Any = config(
        "text",
        "glue_session",
        "Where a Python model's code runs: `glue_session`, in Glue; `spark_connect`, in dbt's own "
        "process, over a Spark Connect session.",
    )
    timeout: Any = config(
        "number", "none", "Seconds after which a Python model is cancelled.", "1800"
    )


def refusal(config: Mapping[str, Any], credentials: GlueCredentials) -> tuple[str, str] | None:
    """(what, the way out) of the first setting of a node that is not implemented, or None."""
    if config.get("substitute_variables"):
        return "substitute_variables", "Write the values into the SQL, by var() or env_var()."
    if (config.get("lf_tags_config") or {}).get("enabled"):
        return "lf_tags_config", "Remove it, and set the tags in Lake Formation."
    if ((config.get("lf_grants") or {}).get("data_cell_filters") or {}).get("enabled"):
        return "lf_grants", "Remove it, and set the filters in Lake Formation."
    if config.get("catalog"):
        return "The config catalog", "Remove it, and choose the format by file_format."
    if credentials.delta_athena_prefix and (
        config.get("file_format") == "delta"
        and config.get("materialized") in ("table", "incremental", "snapshot")
    ):
        return (
            "delta_athena_prefix",
            "Remove it from the profile: Athena reads Delta tables by itself, without a manifest.",
        )
    return None
