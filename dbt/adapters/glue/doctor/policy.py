"""Which AWS operations dbt-glue calls, in one place, and the IAM policies that follow.

tests/unit/test_doctor.py compares OPERATIONS with the calls that the code makes. The policies were
not tried on an AWS account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.locations import split_location
from dbt.adapters.glue.table_buckets import TableBucket

Document = dict[str, Any]
Statement = dict[str, Any]

# IAM action -> the operations that need it; an operation that is not here has an action of its
# own name. GetCallerIdentity needs none; CreateBucket is called on local Glue only.
ACTIONS_OF_SEVERAL = {
    "s3:ListBucket": ("s3:ListObjectsV2",),
    "s3:DeleteObject": ("s3:DeleteObject", "s3:DeleteObjects"),
}
WITHOUT_PERMISSION = ("sts:GetCallerIdentity", "s3:CreateBucket")

# What the process that runs dbt calls, by what the call is about.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "Sessions": (
        *("glue:CreateSession", "glue:GetSession", "glue:StopSession", "glue:DeleteSession"),
        *("glue:RunStatement", "glue:GetStatement", "glue:GetSessionEndpoint"),
        *("glue:TagResource", "glue:GetTags"),
    ),
    # On `*`, as AWS's own AwsGlueSessionUserRestrictedPolicy has it.
    "ListSessions": ("glue:ListSessions",),
    "CatalogRead": (
        *("glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"),
        "glue:GetPartitions",
    ),
    "CatalogWrite": (
        *("glue:CreateDatabase", "glue:DeleteDatabase", "glue:CreateTable", "glue:UpdateTable"),
        *("glue:DeleteTable", "glue:BatchCreatePartition", "glue:BatchUpdatePartition"),
        "glue:BatchDeletePartition",
    ),
    "Data": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjects"),
    "List": ("s3:ListObjectsV2",),
    "LakeFormation": (
        *("lakeformation:GetResourceLFTags", "lakeformation:AddLFTagsToResource"),
        *("lakeformation:RemoveLFTagsFromResource", "lakeformation:ListPermissions"),
        *("lakeformation:BatchGrantPermissions", "lakeformation:BatchRevokePermissions"),
        *("lakeformation:ListDataCellsFilter", "lakeformation:CreateDataCellsFilter"),
        *("lakeformation:UpdateDataCellsFilter", "lakeformation:DeleteDataCellsFilter"),
    ),
    # Of whoever assumes a role of the profile; the role then makes the other calls.
    "Role": ("sts:AssumeRole",),
    "WithoutPermission": WITHOUT_PERMISSION,
    # Of `dbt-glue doctor` alone; where they are denied it says what it could not look at.
    "Doctor": ("iam:GetRole", "iam:SimulatePrincipalPolicy", "glue:GetConnection"),
}
# TagResource comes with the tags of CreateSession; no call of that name is made.
IMPLIED = frozenset({"glue:TagResource"})

# What Spark does in the session, with the session role. The catalog's are those of Spark's Hive
# client and of Iceberg's GlueCatalog.
SPARK_CATALOG_READ = (
    *("glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"),
    *("glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"),
    "glue:GetUserDefinedFunctions",
)
SPARK_CATALOG_WRITE = (
    *("glue:CreateDatabase", "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"),
    *("glue:CreatePartition", "glue:BatchCreatePartition", "glue:UpdatePartition"),
    *("glue:DeletePartition", "glue:BatchDeletePartition"),
)
SPARK_DATA = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
# Glue puts a worker with `connections` into the connection's subnet (AWSGlueServiceRole).
NETWORK = (
    *("glue:GetConnection", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"),
    *("ec2:DescribeVpcEndpoints", "ec2:DescribeRouteTables", "ec2:DescribeVpcAttribute"),
    *("ec2:DescribeNetworkInterfaces", "ec2:CreateNetworkInterface"),
    *("ec2:DeleteNetworkInterface", "ec2:CreateTags"),
)
GLUE_SERVICE = "glue.amazonaws.com"


def actions(operations: Iterable[str]) -> list[str]:
    """The IAM actions that allow the operations, sorted."""
    action_of = {op: action for action, ops in ACTIONS_OF_SEVERAL.items() for op in ops}
    needed = {action_of.get(op, op) for op in operations if op not in WITHOUT_PERMISSION}
    return sorted(needed)


@dataclass(frozen=True)
class Places:
    """The ARNs of a profile's catalog, sessions and data."""

    partition: str
    region: str
    account: str
    catalog_account: str
    schemas: tuple[str, ...]
    bucket: str | None
    prefix: str
    buckets_of_tables: tuple[TableBucket, ...] = ()
    other_accounts: tuple[str, ...] = ()  # whose Data Catalogs sources are read from

    @classmethod
    def of(cls, credentials: GlueCredentials) -> "Places":
        """Account and partition are those of role_arn."""
        account = credentials.account or "123456789012"
        bucket, prefix = (None, "")
        if credentials.location:
            bucket, prefix = split_location(credentials.location)
        schemas = [credentials.schema, credentials.temp_schema]
        return cls(
            partition=(credentials.role_arn or "arn:aws").split(":")[1],
            region=credentials.region or "",
            account=account,
            catalog_account=(credentials.catalog_id or account).partition(":")[0],
            schemas=tuple(dict.fromkeys(name.lower() for name in schemas if name)),
            bucket=bucket,
            prefix=prefix.strip("/"),
            buckets_of_tables=tuple(credentials.table_buckets.values()),
            other_accounts=tuple(other.account for other in credentials.other_catalogs.values()),
        )

    def glue(self, resource: str, account: str | None = None) -> str:
        account = account or self.account
        return f"arn:{self.partition}:glue:{self.region}:{account}:{resource}"

    def catalog(self, *resources: str) -> list[str]:
        """The catalog itself, and resources of it; those of the table buckets too."""
        named = [self.glue(resource, self.catalog_account) for resource in ("catalog", *resources)]
        for bucket in self.buckets_of_tables:
            account = bucket.account.partition(":")[0]
            parent = f"s3tablescatalog/{bucket.bucket}"
            above = ("catalog", "catalog/s3tablescatalog")
            below = (f"catalog/{parent}", f"database/{parent}/*", f"table/{parent}/*/*")
            named += [self.glue(resource, account) for resource in (*above, *below)]
        return list(dict.fromkeys(named))

    def read(self) -> list[str]:
        """Of every database: sources lie anywhere."""
        everything = ("database/*", "table/*/*")
        others = [
            self.glue(resource, account)
            for account in self.other_accounts
            for resource in ("catalog", *everything)
        ]
        return [*self.catalog(*everything), *others]

    def written(self) -> list[str]:
        """The databases that dbt builds in: the target's, and those that begin with its name."""
        names = [f"{kind}/{name}*" for name in self.schemas for kind in ("database", "table")]
        return self.catalog(*(f"{n}/*" if n.startswith("table/") else n for n in names))

    @property
    def objects(self) -> str:
        path = f"{self.prefix}/*" if self.prefix else "*"
        return f"arn:{self.partition}:s3:::{self.bucket}/{path}"


def statement(sid: str, names: Iterable[str], resource: Any, condition: Any = None) -> Statement:
    made: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions(names),
        "Resource": resource,
    }
    return made | ({"Condition": condition} if condition else {})


def document(statements: list[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def client_policy(credentials: GlueCredentials) -> Document:
    """For who runs dbt, or for the assume_role_arn that it assumes.

    With use_interactive_session_role_for_api_calls that is one AssumeRole.
    """
    if credentials.use_interactive_session_role_for_api_calls:
        return document([statement("Assume", OPERATIONS["Role"], credentials.role_arn)])
    return document(_client_statements(credentials))


def _client_statements(credentials: GlueCredentials) -> list[Statement]:
    places = Places.of(credentials)
    sessions = [places.glue("session/*")]
    made = [
        statement("Sessions", OPERATIONS["Sessions"], sessions),
        statement("ListSessions", OPERATIONS["ListSessions"], "*"),
        statement("CatalogRead", OPERATIONS["CatalogRead"], places.read()),
        statement("CatalogWrite", OPERATIONS["CatalogWrite"], places.written()),
    ]
    if places.bucket:
        made += [
            statement("Data", OPERATIONS["Data"], places.objects),
            _listing(places, OPERATIONS["List"]),
        ]
    made.append(
        statement(
            "PassTheServiceRole",
            ["iam:PassRole"],
            credentials.role_arn,
            {"StringEquals": {"iam:PassedToService": GLUE_SERVICE}},
        )
    )
    if credentials.lf_tags:
        made.append(lake_formation())
    return made


def lake_formation() -> Statement:
    """For projects that tag, filter or grant; Lake Formation's actions have no resources."""
    return statement("LakeFormation", OPERATIONS["LakeFormation"], "*")


def _listing(places: Places, operations: Iterable[str]) -> Statement:
    bucket = f"arn:{places.partition}:s3:::{places.bucket}"
    below = {"StringLike": {"s3:prefix": [places.prefix, f"{places.prefix}/*"]}}
    return statement("List", operations, bucket, below if places.prefix else None)


def service_role_policy(credentials: GlueCredentials) -> Document:
    """For the session role: what Spark does, and the client's part where it does that too."""
    places = Places.of(credentials)
    functions = places.glue("userDefinedFunction/*/*", places.catalog_account)
    logs = f"arn:{places.partition}:logs:{places.region}:{places.account}:log-group:/aws-glue/*"
    made = [
        statement("SparkCatalogRead", SPARK_CATALOG_READ, [*places.read(), functions]),
        statement("SparkCatalogWrite", SPARK_CATALOG_WRITE, places.written()),
        statement("Logs", LOGS, logs),
    ]
    if places.bucket:
        made += [
            statement("SparkData", SPARK_DATA, places.objects),
            statement(
                "SparkList",
                ["s3:ListBucket", "s3:GetBucketLocation"],
                f"arn:{places.partition}:s3:::{places.bucket}",
            ),
        ]
    if files := _files(credentials, places):
        made.append(statement("Files", ["s3:GetObject"], files))
    if credentials.connections:
        made.append(statement("Network", NETWORK, "*"))
    if places.buckets_of_tables:
        made.append(statement("TableBuckets", ["lakeformation:GetDataAccess"], "*"))
    if credentials.use_interactive_session_role_for_api_calls:
        made += _client_statements(credentials)
    return document(made)


def _files(credentials: GlueCredentials, places: Places) -> list[str]:
    named = f"{credentials.extra_jars or ''},{credentials.extra_py_files or ''}".split(",")
    addresses = [name.strip().partition("://")[2] for name in named if name.strip()]
    return [f"arn:{places.partition}:s3:::{address}" for address in addresses if address]


def trust_policy(credentials: GlueCredentials, caller: str | None = None) -> Document:
    """Who may assume the session role: Glue, and the caller (an ARN) where dbt assumes it too."""
    principal: dict[str, str] = {"Service": GLUE_SERVICE}
    if caller and credentials.use_interactive_session_role_for_api_calls:
        principal["AWS"] = caller
    made = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return document([made])
