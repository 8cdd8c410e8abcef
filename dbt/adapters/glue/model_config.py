"""Model configs of the adapter: what each means, as data."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dbt.adapters.base import AdapterConfig

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.table_options import custom_location


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
        "Format of the table: parquet, orc, avro, csv, json, text, iceberg, delta, hudi, s3tables. "
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
    sorted_by: Any = config(
        "text or list",
        "none",
        "Order of the rows. Iceberg: the table's write order, set when it is built and followed by "
        "increments; `name desc` and transforms too. Plain files: within the buckets of "
        "`clustered_by`. Delta and Hudi refuse it.",
        "['customer_id', 'ordered_at desc']",
    )
    custom_location: Any = config(
        "text",
        "`<location>/<schema>/<name>`",
        "Where the table's data goes, in place of the profile's location. `{schema}` and `{name}` "
        "stand for the table's own, so that a folder of models can share the setting.",
        "s3://other-bucket/{schema}/{name}",
    )
    table_properties: Any = config(
        "mapping",
        "none",
        "TBLPROPERTIES of the table: text, numbers, true or false. What is null is left out.",
        "{write.format.default: orc}",
    )
    write_options: Any = config(
        "mapping",
        "none",
        "What the writer of the format takes. Plain files and Hudi: OPTIONS of the table, which "
        "increments follow too. Delta: options of a build, not of increments. Iceberg: as the "
        "table properties of the same meaning; what has none is refused.",
        "{compression: zstd}",
    )
    unique_key: Any = config(
        "text or list",
        "none",
        "Key of `merge`, `delete+insert` and snapshots, one column or several. `merge` on Hudi "
        "needs it; on Iceberg and Delta every row is inserted without it.",
        "order_id",
    )
    incremental_strategy: Any = config(
        "text",
        "insert_overwrite; merge on Hudi",
        "append, insert_overwrite, merge, delete+insert, microbatch, replace_where, or one of the "
        "project; [incremental.md](incremental.md) says what each does, and on which formats.",
        "merge",
    )
    merge_update_columns: Any = config("list", "all", "Columns that `merge` updates.")
    merge_exclude_columns: Any = config("list", "none", "Columns that `merge` does not update.")
    incremental_predicates: Any = config(
        "list",
        "none",
        "More conditions of the ON clause of `merge`, or the rows that `replace_where` replaces; "
        "`predicates` is the same. Hudi finds rows by key alone, does not use them and warns.",
        "[\"DBT_INTERNAL_DEST.day > '2024-01-01'\"]",
    )
    on_schema_change: Any = config(
        "text", "ignore", "ignore, fail, append_new_columns or sync_all_columns."
    )
    matched_condition: Any = config(
        "text",
        "none",
        "Which matched rows `merge` updates; `update_condition` is the same.",
        "DBT_INTERNAL_SOURCE.ts > DBT_INTERNAL_DEST.ts",
    )
    update_condition: Any = config("text", "none", "The same as `matched_condition`.")
    delete_condition: Any = config(
        "text", "none", "Which matched rows `merge` deletes.", "DBT_INTERNAL_SOURCE.is_deleted"
    )
    not_matched_condition: Any = config(
        "text", "none", "Which new rows `merge` inserts; `insert_condition` is the same."
    )
    insert_condition: Any = config("text", "none", "The same as `not_matched_condition`.")
    not_matched_by_source_action: Any = config(
        "text",
        "none",
        "What `merge` does with rows that the increment lacks: `delete`, or `update set …`. "
        "Iceberg and Delta.",
        "delete",
    )
    not_matched_by_source_condition: Any = config(
        "text", "none", "Which of these rows.", "DBT_INTERNAL_DEST.day > '2024-01-01'"
    )
    skip_matched_step: Any = config("boolean", "false", "`merge` updates no row.")
    skip_not_matched_step: Any = config("boolean", "false", "`merge` inserts no row.")
    source_alias: Any = config("text", "DBT_INTERNAL_SOURCE", "The increment's name in a `merge`.")
    target_alias: Any = config("text", "DBT_INTERNAL_DEST", "The table's name in a `merge`.")
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
    maintenance: Any = config(
        "mapping",
        "none",
        "Upkeep of the table after each run of the model, or by `dbt run-operation glue_maintain` "
        "alone with `after_run: false`: docs/maintenance.md has each format's operations.",
        "{rewrite_data_files: true, expire_snapshots: {older_than: 7 days}}",
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
        "list",
        "none",
        "Python expressions of the session; their values replace `<SUBSTITUTE_VARIABLE_0>`, "
        "`<SUBSTITUTE_VARIABLE_1>`, … in the SQL of a table or incremental model. Mostly names "
        "that a pre_hook has set by `adapter.execute_pyspark`.",
        "['newest_commit']",
    )
    lf_tags_config: Any = config(
        "mapping",
        "none",
        "LF-tags of the table, its columns and its database, in Lake Formation: "
        "docs/lake-formation.md.",
        "{enabled: true, tags_table: {domain: sales}}",
    )
    lf_grants: Any = config(
        "mapping",
        "none",
        "Data cells filters of the table, and who may read through them: docs/lake-formation.md.",
    )
    catalog_name: Any = config(
        "text",
        "none",
        "S3 Tables: the table bucket that the table is in, by its name in the profile's "
        "`s3_tables` or in catalogs.yml.",
        "lake",
    )
    catalog: Any = config("text", "none", "Older name of `catalog_name`, as in dbt.")
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


def refuse_variables(given: Any) -> None:
    """Raises ConfigurationError for a `substitute_variables` that is no list."""
    if not isinstance(given, (list, tuple, type(None))):
        raise ConfigurationError(
            f"substitute_variables: got {given!r}, expected a list of Python expressions",
            hint=f"Write it as a list: {[str(given)]}.",
        )


def refuse_grants(given: Any) -> None:
    """Raises ConfigurationError for a `grants` that names anything.

    The Data Catalog has no GRANT in SQL: the config would have no effect at all.
    """
    if given:
        raise ConfigurationError(
            "grants: the config has no meaning on AWS Glue, where access is given by IAM and Lake "
            "Formation",
            hint="Remove it, and grant in Lake Formation, or with the config lf_grants.",
        )


_ITEM = re.compile(r"(?:`(?:[^`]|``)*`|\([^)]*\)|[^,])+")
_QUOTED = re.compile(r"`(?:[^`]|``)*`")
# a transform, days(ts), or the path to a field of a struct
_AS_IT_IS = re.compile(r"\w+\s*\(.*\)|\w+(?:\.\w+)+", re.S)


class PartitionItem(NamedTuple):
    """text: a column's bare name; or what SQL takes as it is, `days(ts)`."""

    text: str
    is_name: bool


def partition_items(given: str | Sequence[str] | None) -> list[PartitionItem]:
    """The config `partition_by`: a text or a list, commas in either, names with or without
    backticks."""
    texts = [given] if isinstance(given, str) else given or []
    items = [item.strip() for text in texts for item in _ITEM.findall(str(text))]
    return [_partition_item(item) for item in items if item]


def _partition_item(item: str) -> PartitionItem:
    if _QUOTED.fullmatch(item):
        return PartitionItem(item[1:-1].replace("``", "`"), True)
    return PartitionItem(item, not _AS_IT_IS.fullmatch(item))


def in_table_bucket(config: Mapping[str, Any], credentials: GlueCredentials) -> bool:
    """Whether a table of this config is in a table bucket of S3 Tables."""
    buckets, file_format = credentials.table_buckets, config.get("file_format")
    if config.get("catalog_name") or config.get("catalog") or file_format == "s3tables":
        return True
    if buckets.catalog(config.get("database")):
        return True
    own = credentials.custom_iceberg_catalog_namespace
    return file_format == "iceberg" and bool(buckets.catalog(own))


def refuse_catalog(config: Mapping[str, Any], credentials: GlueCredentials) -> None:
    """Raises ConfigurationError where a table is to be in a table bucket and cannot."""
    buckets, file_format = credentials.table_buckets, config.get("file_format")
    chosen = config.get("catalog_name") or config.get("catalog")
    if chosen and buckets.catalog(chosen) is None:
        raise ConfigurationError(
            f"catalog_name: got {chosen!r}, expected one of {', '.join(buckets) or 'none'}",
            hint="Name the table bucket in the profile's s3_tables, or in catalogs.yml.",
        )
    if other := credentials.other_catalogs.find(config.get("database")):
        raise ConfigurationError(
            f"database: got {config['database']!r}, the Data Catalog of another account "
            f"({other.account}): dbt reads sources there, and builds "
            "in the target's own",
            hint="Remove `database`; to build in another account's catalog, set catalog_id in a "
            "target of its own.",
        )
    if file_format == "s3tables" and not buckets:
        raise ConfigurationError(
            "file_format: got 's3tables', and no table bucket is known",
            hint="Name it in the profile: s3_tables: {lake: <name or ARN of the table bucket>}.",
        )
    in_bucket = in_table_bucket(config, credentials)
    if in_bucket and file_format not in (None, "iceberg", "s3tables"):
        raise ConfigurationError(
            f"file_format: got {file_format!r}, expected s3tables or nothing: a table bucket "
            "holds Iceberg tables only"
        )
    if in_bucket and custom_location(config.get("custom_location")) is not None:
        raise ConfigurationError(
            "custom_location: S3 Tables itself chooses where a table lies. Remove it."
        )
