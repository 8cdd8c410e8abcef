"""What each `file_format` can do, as data.

The abilities are those of Spark 3.5 with Iceberg 1.10, Delta 3.3 and Hudi 1.0, the versions of
Glue 5.1, over the Glue Data Catalog.
"""

from dataclasses import dataclass, replace

from dbt.adapters.glue.exceptions import ConfigurationError


@dataclass(frozen=True)
class TableFormat:
    """The abilities of one `file_format`; macros read them as attributes."""

    name: str  # the model config `file_format`
    provider: str = ""  # what follows USING where it is not the name
    datalake_format: str | None = None  # what --datalake-formats must hold for it
    prefixed: bool = False  # lives in the catalog `custom_iceberg_catalog_namespace`
    merge: bool = False  # MERGE INTO
    atomic_merge: bool = False  # one MERGE can delete and insert: replace_where, delete+insert
    merge_by_source: bool = False  # MERGE … WHEN NOT MATCHED BY SOURCE
    merge_predicates: bool = False  # more than equality of keys in the ON of a MERGE
    replace_where: bool = False  # INSERT INTO … REPLACE WHERE takes any predicate
    update_delete: bool = False  # UPDATE and DELETE FROM
    insert_overwrite: bool = True  # INSERT OVERWRITE of the partitions written
    overwrites_by_nothing: bool = True  # INSERT OVERWRITE of no row empties an unpartitioned table
    create_or_replace: bool = False  # CREATE OR REPLACE TABLE, atomic
    replaced_in_place: bool = False  # … which leaves the table where it lies
    snapshot: bool = False  # dbt snapshots
    add_column: bool = True
    drop_column: bool = False
    nested_columns: bool = False  # ALTER TABLE reaches the fields of structs
    widens: str = ""  # what ALTER COLUMN TYPE can do: a name of schema_changes.WIDENINGS
    # (table property, value) without which the format refuses the change
    drop_column_needs: tuple[str, str] | None = None
    widens_needs: tuple[str, str] | None = None
    # OPTIONS of the tables that are made, unless write_options has them: names in lower case
    options: tuple[tuple[str, str], ...] = ()
    unreadable: tuple[str, ...] = ()  # types that Spark writes and then cannot read
    small_integers: bool = True  # keeps tinyint and smallint; otherwise they are int
    void: bool = True  # columns without a type, as of `null as x`
    partition_transforms: bool = False  # years(x), bucket(16, x), …
    rename: bool = False  # ALTER TABLE RENAME TO; others are renamed in the catalog
    catalog_lags: bool = False  # writes change the catalog's columns later, in the background
    clone: bool = False  # `dbt clone` makes a table over the same files; else a view
    unique_key_required: bool = False  # merge needs `unique_key` when the table is made
    managed: bool = False  # places and deletes its data itself: no LOCATION, always PURGE


HUDI_METADATA_COLUMNS = (
    "_hoodie_commit_time",
    "_hoodie_commit_seqno",
    "_hoodie_record_key",
    "_hoodie_partition_path",
    "_hoodie_file_name",
)

# Spark by itself writes three digits of a second's fraction to text files.
MICROSECONDS = (
    ("timestampformat", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS][XXX]"),
    ("timestampntzformat", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]"),
)
# … and cuts blanks off, and takes a line break in quotes for the end of a row.
WHOLE_TEXTS = (
    *(("ignoreleadingwhitespace", "false"), ("ignoretrailingwhitespace", "false")),
    ("multiline", "true"),
)

FORMATS: dict[str, TableFormat] = {
    table_format.name: table_format
    for table_format in (
        TableFormat("parquet", void=False),
        TableFormat("orc", void=False),
        TableFormat("csv", void=False, options=WHOLE_TEXTS + MICROSECONDS),
        TableFormat("json", options=MICROSECONDS),
        # Spark refuses ALTER TABLE ADD COLUMNS on these two.
        TableFormat("avro", add_column=False, unreadable=("tinyint", "smallint")),
        TableFormat("text", void=False, add_column=False),
        TableFormat(
            "iceberg",
            datalake_format="iceberg",
            prefixed=True,
            merge=True,
            atomic_merge=True,
            merge_by_source=True,
            merge_predicates=True,
            update_delete=True,
            overwrites_by_nothing=False,
            create_or_replace=True,
            snapshot=True,
            clone=True,
            drop_column=True,
            nested_columns=True,
            widens="iceberg",
            small_integers=False,
            partition_transforms=True,
            rename=True,
        ),
        TableFormat(
            "delta",
            datalake_format="delta",
            merge=True,
            atomic_merge=True,
            merge_by_source=True,
            merge_predicates=True,
            replace_where=True,
            update_delete=True,
            create_or_replace=True,
            replaced_in_place=True,
            snapshot=True,
            clone=True,
            drop_column=True,
            drop_column_needs=("delta.columnMapping.mode", "name"),
            nested_columns=True,
            widens="delta",
            widens_needs=("delta.enableTypeWidening", "true"),
            catalog_lags=True,
        ),
        TableFormat(
            "hudi",
            datalake_format="hudi",
            merge=True,
            update_delete=True,
            snapshot=True,
            small_integers=False,
            unique_key_required=True,
        ),
    )
}

FORMATS["s3tables"] = replace(
    FORMATS["iceberg"],
    name="s3tables",
    provider="iceberg",
    prefixed=False,  # each table bucket is a Spark catalog of its own
    rename=False,  # Glue has no call for it
    void=False,  # the table is made before the query runs
    managed=True,
    clone=False,  # a table bucket keeps its files to itself
)

DEFAULT_FORMAT = "parquet"
INCREMENTAL_STRATEGIES = (
    *("append", "insert_overwrite", "merge"),
    *("delete+insert", "microbatch", "replace_where"),
)


def table_format(name: str | None) -> TableFormat:
    """The abilities of a `file_format`; parquet where none is given.

    Raises ConfigurationError for a name that is no format.
    """
    wanted = (name or DEFAULT_FORMAT).strip().lower()
    if wanted not in FORMATS:
        raise ConfigurationError(
            f"file_format: got {name!r}, expected one of {', '.join(FORMATS)}",
            hint="Set file_format in the model's config, or seed_format in the profile for seeds.",
        )
    return FORMATS[wanted]


def known_format(name: str | None) -> TableFormat:
    """The abilities of an existing table's format; a foreign one can be read and dropped only."""
    wanted = name or DEFAULT_FORMAT
    foreign = TableFormat(wanted, insert_overwrite=False, add_column=False)
    return FORMATS.get(wanted, foreign)
