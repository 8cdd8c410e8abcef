"""Errors are recognised by what they show, and nothing else is taken for them."""

import json
from pathlib import Path

import pytest

from dbt.adapters.glue import errors_docs
from dbt.adapters.glue.exceptions import (
    AccessDenied,
    CatalogError,
    ConfigurationError,
    GlueError,
    SessionFailed,
    StatementError,
)
from dbt.adapters.glue.explained.table import PARTS

EXPLANATIONS = {item.name: item for part in PARTS.values() for item in part}
# Spark's messages as `session/runtime/errors.py` describes them: pyspark 3.5.7 with the jars of
# local Glue, one statement that fails for each.
RECORDED = json.loads(Path(__file__).with_name("recorded_errors.json").read_text("utf-8"))

IN_RECORDED = {
    "ANSI cast": ["cast", "to_date"],
    "ANSI overflow": ["cast_overflow", "overflow", "decimal_overflow"],
    "Division by zero": ["divide"],
    "Missing column": ["missing_column", "missing_column_plain"],
    "Ambiguous column": ["ambiguous"],
    "No such table": ["missing_table", "missing_table2"],
    "The location is not empty": ["location_ctas", "location_managed", "location_delta"],
    "Not grouped": ["group"],
    "Syntax error": ["syntax"],
    "The columns do not fit": [
        *("arity", "arity2", "arity_iceberg", "arity_delta", "store_iceberg", "delta_schema"),
    ],
    "The unique key is not unique": ["merge_iceberg_dup", "merge_delta_dup"],
    "Unsupported by this catalog": [
        *("view_iceberg", "replace_view_iceberg", "merge_parquet", "update_parquet"),
        *("delete_parquet", "create_or_replace_parquet", "rename_col_parquet"),
        *("rename_col_delta", "delta_change", "alter_parquet_type"),
    ],
    "The Iceberg catalog is not set up": ["nocatalog", "nocatalog2"],
    "The format is not set up": ["hudi_missing"],
    "NULL where there may be none": ["null_delta", "notnull_ice"],
    "Concurrent commit": [
        *("conflict_iceberg", "conflict_delta", "commit_failed_iceberg", "commit_failed_iceberg_1"),
    ],
    "Files were changed": ["vanished"],
    "Out of memory": ["oom_task"],
}

USER = "User: arn:aws:sts::123456789012:assumed-role/ci/run-7 is not authorized to perform: "
ROLE = " on resource: arn:aws:iam::123456789012:role/GlueRole"
TABLE = " on resource: arn:aws:glue:eu-west-1:123456789012:table/a/b"
DENIED = "AccessDeniedException"
V1 = "(Service: AWSGlue; Status Code: 400; Error Code: AccessDeniedException; Request ID: 1-2)"
S3_V1 = (
    "(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: X; Proxy: null)"
)
STAGE = (
    "Job aborted due to stage failure: Task 3 in stage 9.0 failed 4 times, most recent failure: "
    "Lost task 3.3 in stage 9.0 (TID 71) (172.35.1.2 executor 4): "
)

# AWS's answers: (explanation, message, code, operation).
ANSWERS = [
    ("Clock", "Signature expired: 20261124T184000Z is now earlier than 20261124T190000Z "
     "(20261124T190500Z - 5 min.)", "InvalidSignatureException", "GetTables"),
    ("Clock", "The difference between the request time and the current time is too large.",
     "RequestTimeTooSkewed", "PutObject"),
    ("Expired credentials", "The security token included in the request is expired",
     "ExpiredTokenException", "GetTables"),
    ("Expired credentials", "Error when retrieving token from sso: Token has expired and refresh "
     "failed", "TokenRetrievalError", "GetTables"),
    ("Unknown credentials", "The security token included in the request is invalid.",
     "UnrecognizedClientException", "GetTables"),
    ("Unknown credentials", "The AWS Access Key Id you provided does not exist in our records.",
     "InvalidAccessKeyId", "PutObject"),
    ("PassRole is missing", USER + "iam:PassRole" + ROLE + " because no identity-based policy "
     "allows the iam:PassRole action", DENIED, "CreateSession"),
    ("A role cannot be assumed", USER + "sts:AssumeRole" + ROLE, "AccessDenied", "GetTables"),
    ("A role cannot be assumed", "Not authorized to perform sts:AssumeRoleWithWebIdentity",
     "AccessDenied", "ListObjectsV2"),
    ("Glue cannot assume the session role", "Role arn:aws:iam::1:role/GlueRole should be given "
     "assume role permissions for Glue Service.", "ValidationException", "CreateSession"),
    ("Glue cannot assume the session role", "Service is unable to assume provided role. Please "
     "verify role's TrustPolicy", "InvalidInputException", "CreateSession"),
    ("Lake Formation denies", "Insufficient Lake Formation permission(s): Required Create Database "
     "on Catalog", DENIED, "CreateDatabase"),
    ("Lake Formation denies", "Insufficient Lake Formation permission(s) on orders", DENIED,
     "GetTable"),
    ("Lake Formation denies", USER + "lakeformation:GetDataAccess", DENIED, None),
    ("A KMS key is denied", USER + "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:1:key/2",
     "AccessDenied", "PutObject"),
    ("The bucket is denied", "Access Denied", "AccessDenied", "PutObject"),
    ("A permission is missing", USER + "glue:GetTables" + TABLE, DENIED, "GetTables"),
    ("No bucket", "The specified bucket does not exist", "NoSuchBucket", "ListObjectsV2"),
    ("Wrong region of a bucket", "The bucket you are attempting to access must be addressed using "
     "the specified endpoint. Please send all future requests to this endpoint.",
     "PermanentRedirect", "ListObjectsV2"),
    ("Wrong region of a bucket", "The authorization header is malformed; the region 'eu-west-1' is "
     "wrong; expecting 'us-east-2'", "AuthorizationHeaderMalformed", "PutObject"),
    ("AWS cannot be reached", 'Could not connect to the endpoint URL: '
     '"https://glue.eu-wst-1.amazonaws.com/"', "EndpointConnectionError", "GetTables"),
    ("AWS cannot be reached", 'Connect timeout on endpoint URL: '
     '"https://glue.eu-west-1.amazonaws.com/"', "ConnectTimeoutError", "CreateSession"),
    ("The session's network", "VPC S3 endpoint validation failed for SubnetId: subnet-1. VPC: "
     "vpc-2. Reason: Could not find S3 endpoint or NAT gateway for subnetId: subnet-1 in Vpc vpc-2",
     "FAILED", None),
    ("The session's network", "At least one security group must open all ingress ports.",
     "InvalidInputException", "CreateSession"),
    ("No free addresses", "The specified subnet does not have enough free addresses to satisfy the "
     "request.", "FAILED", None),
    ("Quota", "Max task DPUs limit exceeded for account", "ResourceNumberLimitExceededException",
     "CreateSession"),
    ("Quota", "Exceeded maximum concurrent compute capacity for your account. Please contact AWS "
     "Support to increase your AWS Glue capacity limit.", "InvalidInputException",
     "CreateSession"),
    ("Another quota", "Table version limit exceeded", "ResourceNumberLimitExceededException",
     "CreateTable"),
    ("No capacity", "Insufficient capacity to start the session", "FAILED", None),
    ("No capacity", "Resource unavailable", "FAILED", None),
    ("Throttling", "Rate exceeded", "ThrottlingException", "GetTables"),
    ("Throttling", "Please reduce your request rate.", "SlowDown", "PutObject"),
    ("Throttling", "Rate exceeded", "ThrottledException", "AddLFTagsToResource"),
    ("Throttling", "Rate exceeded", "RequestThrottledException", "PutObject"),
    ("AWS fails", "We encountered an internal error. Please try again.", "InternalError",
     "PutObject"),
    ("AWS fails", "Service Unavailable", "503", "GetTables"),
    ("AWS does not answer", 'Read timeout on endpoint URL: "https://glue.eu-west-1.amazonaws.com/"',
     "ReadTimeoutError", "GetTables"),
    ("AWS does not answer", "Connection was closed before we received a valid response from "
     'endpoint URL: "https://glue.eu-west-1.amazonaws.com/".', "ConnectionClosedError",
     "GetTables"),
    ("The answer is not one of AWS", "The answer to GetTables cannot be read: it is no JSON",
     "UnreadableAnswer", "GetTables"),
    ("No such database", "Database nope not found.", "EntityNotFoundException", "GetTables"),
    ("Concurrent commit", "Update table failed due to concurrent modifications.",
     "ConcurrentModificationException", "UpdateTable"),
]  # fmt: skip

# What Spark on AWS says of AWS, of memory and of what cannot be made to fail here.
STATEMENTS = [
    ("Lake Formation denies", "org.apache.hadoop.hive.ql.metadata.HiveException: Unable to fetch "
     f"table orders. Insufficient Lake Formation permission(s) on orders {V1}"),
    ("The bucket is denied", "java.nio.file.AccessDeniedException: s3a://b/wh: getFileStatus on "
     f"s3a://b/wh: com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied {S3_V1}"),
    ("The bucket is denied", "[TASK_WRITE_FAILED] Task failed while writing rows to s3://b/wh/t.\n"
     "Caused by: software.amazon.awssdk.services.s3.model.S3Exception: Access Denied (Service: S3, "
     "Status Code: 403, Request ID: 1)"),
    ("A permission is missing", "org.apache.hadoop.hive.ql.metadata.HiveException: "
     f"AccessDeniedException: {USER}glue:UpdateTable{TABLE} {V1}"),
    ("A permission is missing", "software.amazon.awssdk.services.glue.model.AccessDeniedException: "
     f"{USER}glue:UpdateTable{TABLE} (Service: Glue, Status Code: 400, Request ID: 5)"),
    ("A KMS key is denied", f"software.amazon.awssdk.services.s3.model.S3Exception: {USER}"
     "kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/2 (Service: S3, Status Code: 403)"),
    ("Expired credentials", "com.amazonaws.services.s3.model.AmazonS3Exception: The provided token "
     "has expired. (Service: Amazon S3; Status Code: 400; Error Code: ExpiredToken)"),
    ("No such database", "[SCHEMA_NOT_FOUND] The schema `spark_catalog`.`nope` cannot be found."),
    ("No such database", "org.apache.spark.sql.catalyst.analysis.NoSuchDatabaseException: Database "
     "'nope' not found"),
    ("A value does not fit its column", "[CAST_OVERFLOW_IN_TABLE_INSERT] Fail to insert a value of "
     '"BIGINT" type into the "INT" type column `id` due to an overflow. Use `try_cast` on the '
     "input value to tolerate overflow and return NULL instead."),
    ("A Python package is missing", "ModuleNotFoundError: No module named 'pandas'"),
    ("Commit of unknown outcome", "org.apache.iceberg.exceptions.CommitStateUnknownException: "
     "Cannot determine whether the commit was successful or not, the underlying data files may or "
     "may not be needed.\nCaused by: org.apache.iceberg.exceptions.CommitFailedException: x"),
    ("Concurrent commit", "org.apache.iceberg.exceptions.ValidationException: Found new "
     "conflicting delete files that can apply to records matching true: [file:/a]"),
    ("Concurrent commit", "java.lang.IllegalStateException: Runtime file filtering is not "
     "possible: the table has been concurrently modified. Row-level operation scan snapshot ID: 1, "
     "current table snapshot ID: 2. If an external process modifies the table, enable table "
     "caching in the catalog."),
    ("Concurrent commit", "org.apache.iceberg.exceptions.ValidationException: Cannot commit, "
     "missing data files: [file:/a]"),
    ("Concurrent commit", "org.apache.iceberg.exceptions.CommitFailedException: Cannot commit "
     "glue_catalog.a.b because Glue detected concurrent update"),
    ("Concurrent commit", "org.apache.hudi.exception.HoodieWriteConflictException: "
     "java.util.ConcurrentModificationException: Cannot resolve conflicts for overlapping writes"),
    ("The driver is out of memory", "Job aborted due to stage failure: Total size of serialized "
     "results of 17 tasks (1027.5 MiB) is bigger than spark.driver.maxResultSize (1024.0 MiB)"),
    ("The driver is out of memory", "Not enough memory to build and broadcast the table to all "
     "worker nodes. As a workaround, you can either disable broadcast by setting "
     "spark.sql.autoBroadcastJoinThreshold to -1"),
    ("The driver is out of memory", "Cannot broadcast the table that is larger than 8.0 GiB: 9.1 "
     "GiB."),
    ("An executor is out of memory", STAGE + "ExecutorLostFailure (executor 4 exited caused by one "
     "of the running tasks) Reason: Container killed by YARN for exceeding physical memory limits. "
     "10.4 GB of 10.4 GB physical memory used."),
    ("An executor is out of memory", STAGE + "ExecutorLostFailure (executor 4 exited caused by one "
     "of the running tasks) Reason: Container from a bad node: c_1 on host: h. Exit status: 137."),
    ("An executor is out of memory", STAGE + "java.lang.OutOfMemoryError: Java heap space"),
    ("An executor is out of memory", "org.apache.spark.memory.SparkOutOfMemoryError: "
     "[UNABLE_TO_ACQUIRE_MEMORY] Unable to acquire 65536 bytes of memory, got 0."),
    ("A disk is full", STAGE + "java.io.IOException: No space left on device"),
]  # fmt: skip


def shown_by(message, code=None, operation=None):
    return CatalogError(message, code=code, operation=operation).explanation


def name_of(explanation):
    return explanation.name if explanation else None


@pytest.mark.parametrize(("name", "message", "code", "operation"), ANSWERS)
def test_an_answer_of_aws(name, message, code, operation):
    assert name_of(shown_by(message, code, operation)) == name


@pytest.mark.parametrize(("name", "message"), STATEMENTS)
def test_a_statement(name, message):
    assert name_of(StatementError(message).explanation) == name


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, keys in IN_RECORDED.items() for key in keys]
)
def test_a_recorded_statement(name, key):
    recorded = RECORDED[key]
    error = StatementError(
        recorded["message"], error_class=recorded["error_class"], sqlstate=recorded["sqlstate"]
    )
    assert name_of(error.explanation) == name
    assert str(error).startswith(recorded["message"])


@pytest.mark.parametrize("key", ["datatype", "badfn"])
def test_a_recorded_statement_that_explains_itself(key):
    assert StatementError(RECORDED[key]["message"]).hint is None


# For each cause, an error of the same words that has another one, or none.
NEAR_MISSES = {
    "Clock": StatementError("java.lang.RuntimeException: RequestTimeTooSkewed"),
    "Expired credentials": StatementError("java.lang.RuntimeException: the token has expired"),
    "Unknown credentials": CatalogError("m", code="InvalidInputException", operation="GetTable"),
    "PassRole is missing": StatementError(
        "[UNRESOLVED_ROUTINE] x\n== SQL ==\nselect 'iam:PassRole'"
    ),
    "A role cannot be assumed": AccessDenied(USER + "sts:GetCallerIdentity", code="AccessDenied"),
    "Glue cannot assume the session role": AccessDenied(
        USER + "sts:AssumeRole" + ROLE, code=DENIED
    ),
    "Lake Formation denies": StatementError(
        RECORDED["missing_table"]["message"].replace("nope", "lake formation")
    ),
    "A KMS key is denied": AccessDenied(USER + "s3:PutObject on resource: b/kms:key", code=DENIED),
    "The bucket is denied": CatalogError("Access Denied", code="AccessDenied", operation="GetRole"),
    "A permission is missing": StatementError("java.lang.RuntimeException: x is not authorized"),
    "No bucket": CatalogError("The specified key does not exist.", code="NoSuchKey"),
    "Wrong region of a bucket": CatalogError("m", code="TemporaryRedirect", operation="PutObject"),
    "AWS cannot be reached": CatalogError(
        'Could not connect to the endpoint URL: "http://127.0.0.1:1/"',
        code="EndpointConnectionError",
    ),
    "The session's network": SessionFailed("The security group sg-1 does not exist"),
    "No free addresses": SessionFailed("The subnet subnet-1 does not exist"),
    "Quota": StatementError("java.lang.RuntimeException: select max(sessions) from dpus"),
    "Another quota": SessionFailed(
        "m", code="ResourceNumberLimitExceededException", operation="CreateSession"
    ),
    "No capacity": StatementError("java.io.IOException: Resource temporarily unavailable"),
    "Throttling": StatementError("java.lang.RuntimeException: Rate exceeded"),
    "AWS fails": CatalogError("Not Found", code="404", operation="GetTables"),
    "AWS does not answer": StatementError("java.net.SocketTimeoutException: Read timed out"),
    "The answer is not one of AWS": StatementError("java.io.IOException: cannot be read"),
    "Commit of unknown outcome": StatementError("the commit state is unknown"),
    "The format is not set up": StatementError(
        "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: icebergs."
    ),
    "The Iceberg catalog is not set up": StatementError(
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `REQUIRES_SINGLE_PART_NAMESPACE` is not there"
    ),
    "A Python package is missing": StatementError("ImportError: cannot import name 'pandas'"),
    "No such database": CatalogError("Table nope not found.", code="EntityNotFoundException"),
    "No such table": StatementError("[ROUTINE_NOT_FOUND] The function `a` cannot be found."),
    "The location is not empty": StatementError(
        "[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `a`.`b` because it already "
        "exists."
    ),
    "Concurrent commit": CatalogError(
        "m", code="ConcurrentModificationException", operation="DeleteSession"
    ),
    "Files were changed": StatementError("java.io.FileNotFoundException: File s3://b/k not found"),
    "The unique key is not unique": StatementError("[DUPLICATE_KEY] Found duplicate keys `a`."),
    "The columns do not fit": StatementError(
        "[COLUMN_ALREADY_EXISTS] The column `a` already exists."
    ),
    "NULL where there may be none": StatementError("java.lang.NullPointerException"),
    "Unsupported by this catalog": StatementError(
        "[UNSUPPORTED_FEATURE.LATERAL_JOIN_USING] The feature is not supported: JOIN USING with "
        "LATERAL correlation."
    ),
    "The driver is out of memory": StatementError(
        "Could not execute broadcast in 300 secs. You can increase the timeout for broadcasts"
    ),
    "An executor is out of memory": StatementError(
        STAGE
        + "ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: "
        "Executor heartbeat timed out after 148564 ms"
    ),
    "Out of memory": StatementError("java.lang.OutOfMemoryError: unable to create native thread"),
    "A disk is full": StatementError("java.io.IOException: Read-only file system"),
    "A value does not fit its column": StatementError("[CAST_OVERFLOW] The value 3L overflows."),
    "ANSI overflow": StatementError("java.lang.StackOverflowError"),
    "Division by zero": StatementError("ZeroDivisionError: division by zero"),
    "ANSI cast": StatementError('java.lang.NumberFormatException: For input string: "x"'),
    "Ambiguous column": StatementError("[AMBIGUOUS_LATERAL_COLUMN_ALIAS] Lateral column alias `a`"),
    "Missing column": StatementError("[UNRESOLVED_ROUTINE] Cannot resolve function `a`"),
    "Not grouped": StatementError("[GROUPING_SIZE_LIMIT_EXCEEDED] Grouping sets size"),
    "Syntax error": StatementError("[INVALID_SQL_SYNTAX] Invalid SQL syntax."),
}


@pytest.mark.parametrize(("name", "error"), NEAR_MISSES.items(), ids=NEAR_MISSES)
def test_a_near_miss_is_not_taken_for_it(name, error):
    assert name_of(error.explanation) != name


def test_every_cause_has_a_hit_and_a_near_miss():
    hits = {row[0] for row in (*ANSWERS, *STATEMENTS)} | set(IN_RECORDED)
    assert hits == set(EXPLANATIONS) == set(NEAR_MISSES)


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_words_of_the_user_are_no_sign(name):
    """A query, and names in it, that say what an error says."""
    words = [row[1] for row in (*ANSWERS, *STATEMENTS) if row[0] == name] or [name]
    text = words[0].replace("`", "").replace("\n", " ")
    error = StatementError(
        f"[UNRESOLVED_ROUTINE] Cannot resolve function `{text}`\n== SQL ==\n{text}"
    )
    assert error.explanation is None


@pytest.mark.parametrize(
    "value", ["Max concurrent sessions", "The specified bucket does not exist", USER + "kms:x"]
)
def test_values_of_rows_are_no_sign_of_aws(value):
    """Spark quotes them where it gives an error class."""
    told = f'The value \'{value}\' of the type "STRING" cannot be cast to "INT"'
    assert name_of(StatementError(f"[CAST_INVALID_INPUT] {told}").explanation) == "ANSI cast"
    assert StatementError(f"[USER_RAISED_EXCEPTION] {value}").explanation is None


def test_what_aws_says_in_a_class_without_a_name_is_a_sign():
    """HiveExternalCatalog tells the metastore's errors so (Spark 3.5.7)."""
    error = StatementError(
        "org.apache.hadoop.hive.ql.metadata.HiveException: Unable to fetch table orders. "
        "Insufficient Lake Formation permission(s) on orders",
        error_class="_LEGACY_ERROR_TEMP_3065",
    )
    assert name_of(error.explanation) == "Lake Formation denies"


def test_the_cause_below_the_query_counts():
    error = StatementError(
        "[FAILED_EXECUTE_UDF] Failed to execute user defined function\n== SQL(line 1) ==\n"
        "select f()\n       ^^^\n\nCaused by: java.io.IOException: No space left on device"
    )
    assert name_of(error.explanation) == "A disk is full"


def test_a_cause_that_passes_makes_the_error_retryable():
    assert StatementError(RECORDED["conflict_iceberg"]["message"]).retryable
    assert not StatementError(RECORDED["missing_column"]["message"]).retryable


def test_a_hint_of_the_place_wins():
    error = CatalogError("Rate exceeded", code="ThrottlingException", hint="Wait.")
    assert (error.hint, name_of(error.explanation)) == ("Wait.", "Throttling")


def test_pain_11_the_real_cause_is_kept_and_explained():
    """The text of AWS, whole, where it happened, and what to do."""
    message = USER + "iam:PassRole" + ROLE
    error = AccessDenied(
        message, operation="CreateSession", code=DENIED, session_id="s-1", node="model.shop.a"
    )
    lines = str(error).split("\n")
    assert lines[0] == message
    assert lines[1] == (
        "(session s-1, node model.shop.a, operation CreateSession, code AccessDeniedException)"
    )
    assert lines[2].startswith("Hint: Whoever runs dbt may not hand the session role")


def test_pain_46_the_table_that_is_missing_is_the_one_that_is_named():
    """A source whose YAML file is wrong: its own name, and where to correct it."""
    error = StatementError(RECORDED["missing_table"]["message"])
    assert "The table or view `nope`.`orders` cannot be found" in str(error)
    assert "its `schema` in the YAML file must be the Glue database" in str(error)


def test_unknown_errors_have_no_explanation():
    for error in (GlueError("Column `a` is odd"), ConfigurationError("conf: got 'a'")):
        assert (error.explanation, error.hint) == (None, None)


def test_sentences_are_short_and_whole():
    for item in EXPLANATIONS.values():
        for text in (item.cause, item.next_step):
            assert text.endswith("."), item.name
            assert len(text) < 260, item.name


def test_the_page_is_current():
    assert errors_docs.TARGET.read_text("utf-8") == errors_docs.document()
