"""What each `file_format` can do, as data.

The abilities are those of Spark 3.5 with Iceberg 1.10, Delta 3.3 and Hudi 1.0, the versions of
Glue 5.1, over the Glue Data Catalog.
"""

from dataclasses import dataclass

from dbt.adapters.glue.exceptions import ConfigurationError, NotImplementedByGlue


@dataclass(frozen=True)
class TableFormat:
    """The abilities of one `file_format`; macros read them as attributes."""

    name: str  # the model config `file_format`, and what follows USING
    datalake_format: str | None = None  # what --datalake-formats must hold for it
    prefixed: bool = False  # lives in the catalog `custom_iceberg_catalog_namespace`
    merge: bool = False  # MERGE INTO
    update_delete: bool = False  # UPDATE and DELETE FROM
    insert_overwrite: bool = True  # INSERT OVERWRITE of the partitions written
    create_or_replace: bool = False  # CREATE OR REPLACE TABLE, atomic
    snapshot: bool = False  # dbt snapshots
    add_column: bool = True
    drop_column: bool = False
    rename_column: bool = False
    alter_column_type: bool = False  # widening: int to bigint, float to double, decimal
    comment_column: bool = True
    not_null: bool = False  # NOT NULL is checked when rows are written
    check_constraint: bool = False  # ALTER TABLE ADD CONSTRAINT CHECK
    void: bool = True  # columns without a type, as of `null as x`
    partition_transforms: bool = False  # years(x), bucket(16, x), …
    rename: bool = False  # ALTER TABLE RENAME TO; others are renamed in the catalog
    purge: bool = False  # DROP TABLE PURGE deletes the data
    catalog_lags: bool = False  # writes change the catalog's columns later, in the background
    clustered: bool = False  # CLUSTERED BY … INTO n BUCKETS
    unique_key_required: bool = False  # merge needs `unique_key` when the table is made
    metadata_columns: tuple[str, ...] = ()  # columns of the format's own, hidden from dbt


HUDI_METADATA_COLUMNS = (
    "_hoodie_commit_time",
    "_hoodie_commit_seqno",
    "_hoodie_record_key",
    "_hoodie_partition_path",
    "_hoodie_file_name",
)

FORMATS: dict[str, TableFormat] = {
    table_format.name: table_format
    for table_format in (
        TableFormat("parquet", void=False, clustered=True),
        TableFormat("orc", void=False, clustered=True),
        TableFormat("csv", void=False, clustered=True),
        TableFormat("json", clustered=True),
        # Spark refuses ALTER TABLE ADD COLUMNS on these two.
        TableFormat("avro", add_column=False, clustered=True),
        TableFormat("text", void=False, add_column=False, clustered=True),
        TableFormat(
            "iceberg",
            datalake_format="iceberg",
            prefixed=True,
            merge=True,
            update_delete=True,
            create_or_replace=True,
            snapshot=True,
            drop_column=True,
            rename_column=True,
            alter_column_type=True,
            not_null=True,
            partition_transforms=True,
            rename=True,
            purge=True,
            clustered=True,
        ),
        TableFormat(
            "delta",
            datalake_format="delta",
            merge=True,
            update_delete=True,
            create_or_replace=True,
            snapshot=True,
            not_null=True,
            check_constraint=True,
            catalog_lags=True,
        ),
        TableFormat(
            "hudi",
            datalake_format="hudi",
            merge=True,
            update_delete=True,
            snapshot=True,
            unique_key_required=True,
            metadata_columns=HUDI_METADATA_COLUMNS,
        ),
    )
}

DEFAULT_FORMAT = "parquet"
INCREMENTAL_STRATEGIES = ("append", "insert_overwrite", "merge")


def table_format(name: str | None) -> TableFormat:
    """The abilities of a `file_format`; parquet where none is given.

    Raises ConfigurationError for a name that is no format, NotImplementedByGlue for `s3tables`.
    """
    wanted = (name or DEFAULT_FORMAT).strip().lower()
    if wanted == "s3tables":
        raise NotImplementedByGlue(
            "file_format 's3tables' is not implemented in this version",
            hint="Use file_format: iceberg, which writes the same tables to a bucket of yours.",
        )
    if wanted not in FORMATS:
        raise ConfigurationError(
            f"file_format: got {name!r}, expected one of {', '.join(FORMATS)}",
            hint="Set file_format in the model's config, or seed_format in the profile for seeds.",
        )
    return FORMATS[wanted]


def known_format(name: str | None) -> TableFormat:
    """The abilities of an existing table's format; a foreign one can be read and dropped only."""
    wanted = name or DEFAULT_FORMAT
    foreign = TableFormat(wanted, insert_overwrite=False, add_column=False, comment_column=False)
    return FORMATS.get(wanted, foreign)
