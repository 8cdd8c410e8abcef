"""Causes that Spark and the table formats tell: set-up, data, memory and queries.

The texts are those of Spark 3.5.7, Iceberg 1.10 and Delta 3.3, recorded in
tests/unit/recorded_errors.json.
"""

from dbt.adapters.glue.explained.model import Explanation, Sign

# What it says is known not to have been done: commit_conflicts.py repeats it.
CONCURRENT_COMMIT = "Concurrent commit"
OUT_OF_HEAP = r"OutOfMemoryError: (Java heap space|GC overhead limit exceeded)"

SET_UP = (
    Explanation(
        "The format is not set up",
        "The session was made without this table format.",
        "Name it in the profile's `datalake_formats`.",
        (
            Sign(text=r"(?i)Failed to find (the )?data source: (iceberg|delta|hudi)\b"),
            Sign(
                text=r"ClassNotFoundException: (org\.apache\.iceberg|io\.delta|org\.apache\.hudi"
                r"|org\.apache\.spark\.sql\.delta)\."
            ),
            Sign(text=r"Cannot find catalog plugin class for catalog '\w+': org\.apache\.iceberg"),
        ),
    ),
    Explanation(
        "The Iceberg catalog is not set up",
        "The session has no Spark catalog of that name: a name of three parts means a catalog, and "
        "Iceberg's is made with `datalake_formats: iceberg`.",
        "Set that, or correct `custom_iceberg_catalog_namespace` against the catalog that `conf` "
        "defines.",
        (
            Sign(classes=("REQUIRES_SINGLE_PART_NAMESPACE", "CATALOG_NOT_FOUND")),
            Sign(text=r"Catalog '\w+' plugin class not found"),
        ),
    ),
    Explanation(
        "A Python package is missing",
        "Python does not find that module.",
        "Glue installs packages when it starts a session: name them in `packages` of the profile, "
        "or of the model's `meta` for a session of its own. On local Glue, and for "
        "`submission_method: spark_connect`, install them by pip where dbt runs.",
        (Sign(text=r"ModuleNotFoundError: No module named |PackagesMissing"),),
    ),
    Explanation(
        "No such database",
        "The database does not exist in this account, region and catalog.",
        "Check `schema`, `region` and `catalog_id`; dbt creates the target's schemas only, not "
        "those of sources.",
        (
            Sign(classes=("SCHEMA_NOT_FOUND",)),
            Sign(codes=("EntityNotFoundException",), text=r"^Database \S+ not found"),
            Sign(text=r"NoSuchDatabaseException: Database "),
            Sign(text=r"NoSuchNamespaceException: "),
        ),
    ),
    Explanation(
        "No such table",
        "There is no such table or view in that database, or the session role may not see it.",
        "A ref: build it first (`dbt build --select +<model>`). A source: its `schema` in the YAML "
        "file must be the Glue database, and `identifier` the table.",
        (Sign(classes=("TABLE_OR_VIEW_NOT_FOUND",)),),
    ),
)

DATA = (
    Explanation(
        "The location is not empty",
        "Files lie at the table's location, and there is no such table in the catalog.",
        "Delete them, or choose another `location` or `custom_location`.",
        (
            Sign(classes=("LOCATION_ALREADY_EXISTS",)),
            Sign(classes=("DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION",)),
            Sign(text=r"cannot create table with location to a non-empty directory"),
        ),
    ),
    Explanation(
        "Commit of unknown outcome",
        "Whether this commit was made is not known: the catalog's answer to it was lost.",
        "Look at the table's newest snapshot (`select * from <table>.snapshots`) before you repeat "
        "it; dbt-glue does not repeat it.",
        (Sign(text=r"exceptions\.CommitStateUnknownException"),),
    ),
    Explanation(
        CONCURRENT_COMMIT,
        "Another writer changed the table in the meantime, and the table format refused this "
        "commit; nothing was written.",
        "Repeat it (`dbt retry`), and let one process at a time write the table, or each one its "
        "own partitions.",
        (
            Sign(text=r"exceptions\.CommitFailedException: "),
            # org.apache.iceberg.MergingSnapshotProducer and ManifestFilterManager of 1.10
            Sign(text=r"Found (new )?conflicting (deleted? )?files that can (contain|apply to)"),
            # SparkCopyOnWriteScan, where threads of one session write
            Sign(text=r"Runtime file filtering is not possible: the table has been concurrently"),
            Sign(text=r"Found concurrently added DV for |Missing required files to delete: "),
            Sign(text=r"Cannot commit, (missing data files|found new (position )?delete for rep)"),
            Sign(text=r"because Glue detected concurrent update"),
            # a service's own repeat may have met what its first attempt had done
            Sign(
                text=r"\.glue\.model\.ConcurrentModificationException: "
                r"(?!.*SDK Attempt Count: ([2-9]|1\d))"
            ),
            Sign(
                classes=("DELTA_CONCURRENT_APPEND", "DELTA_CONCURRENT_DELETE_READ")
                + ("DELTA_CONCURRENT_DELETE_DELETE", "DELTA_CONCURRENT_WRITE")
                + ("DELTA_METADATA_CHANGED", "DELTA_PROTOCOL_CHANGED")
                + ("DELTA_CONCURRENT_TRANSACTION",)
            ),
            Sign(
                text=r"delta\.exceptions\.(Concurrent\w+|MetadataChanged|ProtocolChanged)Exception"
            ),
            Sign(text=r"HoodieWriteConflictException: "),
            Sign(codes=("ConcurrentModificationException",), operations=("UpdateTable",)),
        ),
        retryable=True,
    ),
    Explanation(
        "Files were changed",
        "Files of a table were replaced or deleted while Spark read it.",
        "Repeat it (`dbt retry`); if it stays, the catalog names files that are gone.",
        (Sign(text=r"It is possible the underlying files have been updated"),),
        retryable=True,
    ),
    Explanation(
        "The unique key is not unique",
        "Several rows of the model have the same `unique_key`, and MERGE cannot tell which one "
        "counts.",
        "Make the model's rows unique (row_number), or add columns to `unique_key`; a `unique` "
        "test on it shows which.",
        (
            Sign(classes=("MERGE_CARDINALITY_VIOLATION",)),
            Sign(classes=("DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",)),
        ),
    ),
    Explanation(
        "The columns do not fit",
        "The model's columns are not those of the table that is there.",
        "Set `on_schema_change`, or rebuild the table with --full-refresh.",
        (
            Sign(classes=("INSERT_COLUMN_ARITY_MISMATCH", "DELTA_INSERT_COLUMN_ARITY_MISMATCH")),
            Sign(classes=("INCOMPATIBLE_DATA_FOR_TABLE",)),
            Sign(text=r"\bA schema mismatch detected when writing to the Delta table"),
        ),
    ),
    Explanation(
        "NULL where there may be none",
        "A row has NULL in a column that is declared `not_null`.",
        "Find the rows by a `not_null` test, and filter or fill them in the model.",
        (
            Sign(classes=("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "NOT_NULL_ASSERT_VIOLATION")),
            Sign(text=r"Null value appeared in non-nullable field"),
        ),
    ),
    Explanation(
        "Unsupported by this catalog",
        "The table's format, or the catalog that the name leads to, cannot do that.",
        "docs/configuration.md shows which `file_format` can do what: choose one that can "
        "(merge, update and delete need iceberg, delta or hudi; views belong to spark_catalog).",
        (
            Sign(classes=("UNSUPPORTED_FEATURE.TABLE_OPERATION",)),
            Sign(text=r"\b(Creating|Replacing) a view is not supported by catalog: "),
            Sign(text=r"\b[A-Z][A-Z ]+ is not supported temporarily\."),
            Sign(text=r"\bCatalog \S+ does not support (views|functions|namespaces|tables)\b"),
            Sign(classes=("NOT_SUPPORTED_CHANGE_COLUMN", "DELTA_UNSUPPORTED_RENAME_COLUMN")),
            Sign(classes=("DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",)),
        ),
    ),
)

MEMORY = (
    Explanation(
        "The driver is out of memory",
        "A result, a broadcast table or the plan is too large for the driver of the session.",
        "Take a larger `worker_type` (the driver is one of the workers); for a broadcast set "
        "spark.sql.autoBroadcastJoinThreshold: -1 in `conf`.",
        (
            Sign(text=r"is bigger than (local result size limit )?spark\.driver\.maxResultSize"),
            Sign(text=r"Not enough memory to build and broadcast the table"),
            Sign(text=r"Cannot broadcast the table that is larger than"),
        ),
    ),
    Explanation(
        "An executor is out of memory",
        "A worker ran out of memory and was ended, with the part of the data that it held.",
        "Take a larger `worker_type` or more `workers`, and look for a key that most rows share.",
        (
            Sign(text=r"Container killed by YARN for exceeding (physical |virtual )?memory limits"),
            Sign(text=r"ExecutorLostFailure .*(exit(ed with)? (code|status):? 137|OOMKilled)"),
            Sign(text=r"Exit status: 137\b|Exit code is 137\b"),
            Sign(text=r"(?s)Lost task .*" + OUT_OF_HEAP),
            Sign(classes=("UNABLE_TO_ACQUIRE_MEMORY",)),
            Sign(text=r"Unable to acquire \d+ bytes of memory, got \d+"),
        ),
    ),
    Explanation(
        "Out of memory",
        "Spark ran out of memory.",
        "Take a larger `worker_type` or more `workers`.",
        (Sign(text=r"java\.lang\." + OUT_OF_HEAP),),
    ),
    Explanation(
        "A disk is full",
        "A worker's disk is full: shuffles and sorts spill to it.",
        "Take a larger `worker_type` or more `workers`, or read less data at once.",
        (Sign(text=r"java\.io\.IOException: No space left on device"),),
    ),
)

QUERIES = (
    Explanation(
        "A value does not fit its column",
        "A number is too large for the type that the table's column has.",
        "Cast it in the model (try_cast gives NULL), or make the column larger: "
        "`on_schema_change: sync_all_columns` where the format can widen it, else --full-refresh.",
        (Sign(classes=("CAST_OVERFLOW_IN_TABLE_INSERT",)),),
    ),
    Explanation(
        "ANSI overflow",
        "A number does not fit its type, and in ANSI mode that is an error.",
        "Cast to a larger type before the calculation, or use try_add, try_multiply or try_cast, "
        "which give NULL. Glue 6.0 has ANSI mode on; `conf: {spark.sql.ansi.enabled: false}` "
        "turns it off.",
        (
            Sign(classes=("ARITHMETIC_OVERFLOW", "CAST_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE")),
            Sign(classes=("BINARY_ARITHMETIC_OVERFLOW", "INTERVAL_ARITHMETIC_OVERFLOW")),
        ),
    ),
    Explanation(
        "Division by zero",
        "A divisor is 0, and in ANSI mode that is an error.",
        "Use try_divide or nullif(divisor, 0). Glue 6.0 has ANSI mode on; "
        "`conf: {spark.sql.ansi.enabled: false}` turns it off.",
        (Sign(classes=("DIVIDE_BY_ZERO",)),),
    ),
    Explanation(
        "ANSI cast",
        "A text is not a value of the type that it is cast to, and in ANSI mode that is an error.",
        "Use try_cast (try_to_timestamp), which gives NULL, or correct the data. Glue 6.0 has ANSI "
        "mode on; `conf: {spark.sql.ansi.enabled: false}` turns it off.",
        (Sign(classes=("CAST_INVALID_INPUT", "CANNOT_PARSE_TIMESTAMP")),),
    ),
    Explanation(
        "Ambiguous column",
        "Several tables of the query have a column of that name.",
        "Put the table's alias before it.",
        (Sign(classes=("AMBIGUOUS_REFERENCE", "AMBIGUOUS_COLUMN_OR_FIELD")),),
    ),
    Explanation(
        "Missing column",
        "No table of the query has such a column.",
        "Compare with the columns that Spark names, and with the query in target/run; if the model "
        "above has changed, build it first (`dbt build --select +<model>`).",
        (
            Sign(classes=("UNRESOLVED_COLUMN", "UNRESOLVED_FIELD", "FIELD_NOT_FOUND")),
            Sign(classes=("UNRESOLVED_USING_COLUMN_FOR_JOIN",)),
        ),
    ),
    Explanation(
        "Not grouped",
        "A column is neither grouped by nor inside of an aggregate.",
        "Add it to GROUP BY, or put any_value() around it.",
        (Sign(classes=("MISSING_AGGREGATION", "MISSING_GROUP_BY")),),
    ),
    Explanation(
        "Syntax error",
        "Spark cannot read the query.",
        "The line and position belong to the query in target/run.",
        (Sign(classes=("PARSE_SYNTAX_ERROR", "PARSE_EMPTY_STATEMENT")),),
    ),
)
