"""The profile of `type: glue`: its keys, their defaults, and what each must look like."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue import spark_conf
from dbt.adapters.glue.client_options import ClientOptions, Mapping_
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.masking import hide, masked, scrubbed, secrets_in
from dbt.adapters.glue.options import (
    at_least,
    key_values,
    matches,
    one_of,
    option,
    options_of,
    problems,
    unknown_keys,
)
from dbt.adapters.glue.session.spec import GLUE_VERSIONS, WORKER_TYPES
from dbt.adapters.glue.table_buckets import TableBuckets, named_buckets, table_buckets
from dbt.adapters.glue.table_format import FORMATS, TableFormat

logger = AdapterLogger("Glue")

LOCAL_ENVIRONMENT = "DBT_GLUE_LOCAL"
LOCAL_DEFAULTS: dict[str, Any] = {
    "role_arn": "arn:aws:iam::123456789012:role/LocalGlue",
    "region": "us-east-1",
    "workers": 2,
    "worker_type": "G.1X",
    "location": "s3://dbt-glue-local/warehouse",
    "datalake_formats": "iceberg,delta,hudi",
    "glue_version": "5.1",
}

SESSION_TYPES = ("auto", "livy", "spark_connect")
SEED_MODES = ("overwrite", "append")
LOCATION = re.compile(r"s3[an]?://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")
CATALOG_NAME = re.compile(r"\w*")

SECRET_ENVIRONMENT = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# Keys that are fine in a profile and mean nothing to the adapter.
ACCEPTED_KEYS = frozenset({"type", "threads", "project_name", "user", "query-comment", "project"})


@dataclass
class GlueCredentials(ClientOptions):
    """What profiles.yml says. Every key of dbt-glue 1.12.4 has its default and its meaning."""

    schema: str | None = option(  # type: ignore[assignment]
        None, "text", "The Glue database that models are built in.", example="analytics"
    )
    database: str | None = option(  # type: ignore[assignment]
        None,
        "text",
        "Leave it out: in Spark a database is a schema. Accepted when equal to `schema`.",
    )
    workers: int | None = option(
        None,
        "integer",
        "Number of workers of the session, the driver included.",
        **at_least(2),
        example="5",
        session=True,
    )
    worker_type: str | None = option(
        None, "text", "Size of a worker.", **one_of(*WORKER_TYPES), example="G.1X", session=True
    )
    location: str | None = option(
        None,
        "text",
        "Where tables live: `<location>/<schema>/<name>`. Needed by every model but views.",
        expected="s3://bucket or s3://bucket/path",
        check=matches(LOCATION),
        example="s3://my-bucket/warehouse",
    )
    root_location: bool = option(False, "boolean", "Leave the schema out of `location` paths.")
    session_type: str = option(
        "auto",
        "text",
        "How SQL reaches the session: Livy statements, or Spark Connect (Glue 5.1 and later; "
        "Python has a Livy session beside it). `auto`: the latter, unless SQL files run Python.",
        **one_of(*SESSION_TYPES),
        session=True,
    )
    glue_version: str | None = option(
        None,
        "text",
        "Glue version of the session (5.0). Glue 3.0's Python 3.7 cannot run what dbt-glue sends.",
        **one_of(*GLUE_VERSIONS),
        session=True,
    )
    session_provisioning_timeout_in_seconds: int = option(
        120,
        "integer",
        "How long to wait for a session to become ready.",
        **at_least(1, "second"),
        session=True,
    )
    idle_timeout: int = option(
        10,
        "integer",
        "Minutes without a statement after which Glue stops the session.",
        **at_least(1, "minute"),
        session=True,
    )
    query_timeout_in_minutes: int = option(
        300,
        "integer",
        "Minutes that the session may live in all (its Timeout), not one query.",
        **at_least(1, "minute"),
        session=True,
    )
    security_configuration: str | None = option(
        None, "text", "Glue security configuration of the session.", session=True
    )
    connections: str | None = option(
        None,
        "text",
        "Glue connections of the session, separated by commas.",
        example="redshift_conn,vpc_conn",
        session=True,
    )
    datalake_formats: str | None = option(
        None,
        "text",
        "Table formats of the session, separated by commas: their jars and the whole Spark conf "
        "that they need.",
        expected="a comma-separated list of hudi, iceberg, delta",
        example="iceberg,delta,hudi",
        session=True,
    )
    conf: Mapping_ = option(
        None,
        "text or mapping",
        "Spark conf, as a mapping or as `a=b --conf c=d`. It wins over what the adapter sets.",
        example="{spark.sql.shuffle.partitions: 16}",
        session=True,
    )
    default_arguments: Mapping_ = option(
        None,
        "text or mapping",
        "Arguments of the session, as a mapping or as `--key=value, --flag`.",
        example="{--enable-auto-scaling: true}",
        session=True,
    )
    extra_jars: str | None = option(
        None, "text", "Jars on S3, separated by commas.", example="s3://b/a.jar", session=True
    )
    extra_py_files: str | None = option(
        None, "text", "Python files on S3, separated by commas.", session=True
    )
    tags: str | None = option(
        None, "text", "Tags of the session.", example="team=data,env=prod", session=True
    )
    glue_session_id: str | None = option(
        None, "text", "Start of the session's id, in place of `dbt-glue`.", session=True
    )
    glue_session_reuse: bool | None = option(
        False,
        "boolean",
        "Leave the session running at the end, and attach to it in the next command.",
        session=True,
    )
    enable_session_per_model: bool | None = option(
        False, "boolean", "A session for each node instead of one for the run.", session=True
    )
    group_session_id: str | None = option(
        None, "text", "Name of a session that several models share; usual in `meta`.", session=True
    )
    seed_format: str | None = option("parquet", "text", "File format of seeds.", **one_of(*FORMATS))
    seed_mode: str | None = option(
        "overwrite", "text", "What a seed does to rows that are there.", **one_of(*SEED_MODES)
    )
    enable_spark_seed_casting: bool | None = option(
        False, "boolean", "Accepted; seeds are always cast to their column types."
    )
    temp_schema: str | None = option(
        None, "text", "Schema of intermediate tables. It must exist; default: the model's own."
    )
    custom_iceberg_catalog_namespace: str | None = option(
        "glue_catalog",
        "text",
        "Name of the Spark catalog that Iceberg tables are in; empty for none.",
        expected="a Spark catalog name (letters, digits, _) or ''",
        check=matches(CATALOG_NAME),
    )
    s3_tables: Mapping_ = option(
        None,
        "text or mapping",
        "S3 Tables: a name for each table bucket that the project uses, and the bucket's name or "
        "ARN. Models choose by `catalog_name`; `file_format: s3tables` means the first.",
        example="{lake: 'arn:aws:s3tables:eu-west-1:123456789012:bucket/lake'}",
    )
    iceberg_glue_commit_lock_table: str | None = option(
        "myGlueLockTable",
        "text",
        "Accepted, not used: Iceberg's Glue catalog locks by the table's version.",
    )
    lf_tags: str | None = option(
        None, "text", "LF-tags (Lake Formation) of the databases that dbt makes.", **key_values()
    )
    delta_athena_prefix: str | None = option(
        None,
        "text",
        "Beside each Delta table a table `<prefix>_<name>` over Delta's manifests, for what cannot "
        "read Delta. Athena can, and needs none.",
    )
    use_arrow: bool | None = option(
        False, "boolean", "Results above 1 kB, not only those above 256 kB, go through S3."
    )
    statement_poll_interval: float = option(
        1.0,
        "number",
        "The longest pause, in seconds, between two looks at a running statement.",
        expected="a number above 0",
        check=lambda value: value > 0,
    )
    packages: list[str] | None = option(
        None,
        "text or list",
        "Python packages, as pip names them, that Glue installs when it starts the session.",
        session=True,
    )

    @property
    def type(self) -> str:
        return "glue"

    @property
    def unique_field(self) -> str:
        """The AWS account; dbt hashes it."""
        return self.account or self.endpoint_url or "local"

    @classmethod
    def validate(cls, data: Any) -> None:
        """Raises DbtRuntimeError that lists every wrong value: got …, expected …."""
        data = cls.__pre_deserialize__(dict(data))
        wrong = problems(cls, data)
        if wrong:
            raise DbtRuntimeError("\n  ".join(["", *wrong]))
        for line in unknown_keys(cls, data, ACCEPTED_KEYS):
            logger.warning(f"Profile: {line}")
        super().validate(data)

    @classmethod
    def __pre_deserialize__(cls, data: dict[str, Any]) -> dict[str, Any]:
        data = super().__pre_deserialize__(data)
        if isinstance(data.get("glue_version"), (int, float)):
            data["glue_version"] = str(float(data["glue_version"]))  # 5.0 unquoted in YAML
        if isinstance(data.get("catalog_id"), int):
            data["catalog_id"] = f"{data['catalog_id']:012d}"
        if isinstance(data.get("packages"), str):
            data["packages"] = [name.strip() for name in data["packages"].split(",")]
        return data

    def __post_init__(self) -> None:
        if not self.schema:
            raise DbtRuntimeError("schema: got nothing, expected the name of a Glue database")
        if self.database is not None and self.database != self.schema:
            raise DbtRuntimeError(
                f"database: got {self.database!r}, expected no database, or the same as "
                f"schema ({self.schema!r}): in Spark a database is a schema"
            )
        self.database = None
        if self.local or os.environ.get(LOCAL_ENVIRONMENT) == "1":
            self._take_local_defaults()
        self.glue_version = self.glue_version or "5.0"
        self._check_required()
        try:
            self._hide_secrets()
            self.arguments, self.formats, self.table_buckets  # noqa: B018 each parses its key
            self.roles  # noqa: B018
            self._refuse_two_of_one_name()
        except ConfigurationError as error:
            raise DbtRuntimeError(str(error)) from error

    def _take_local_defaults(self) -> None:
        self.local = True
        for name, value in LOCAL_DEFAULTS.items():
            if getattr(self, name) is None:
                setattr(self, name, value)

    def _check_required(self) -> None:
        for name, expected in (
            ("role_arn", "the IAM role of the session, or local: true"),
            ("region", "an AWS region such as eu-west-1, or local: true"),
        ):
            if not getattr(self, name):
                raise DbtRuntimeError(f"{name}: got nothing, expected {expected}")

    @property
    def conf_settings(self) -> dict[str, str]:
        """The user's Spark conf, that in `--conf` of default_arguments included."""
        conf = spark_conf.parse_conf(self._arguments().get("--conf", ""))
        return conf | spark_conf.parse_conf(self.conf)

    @property
    def arguments(self) -> dict[str, str]:
        """The user's default_arguments but those that have a place of their own in a session."""
        taken = ("--conf", "--datalake-formats")
        given = {key: value for key, value in self._arguments().items() if key not in taken}
        return spark_conf.with_packages(given, self.packages)

    @property
    def formats(self) -> tuple[str, ...]:
        """The data lake formats that the session is made with."""
        named = self.datalake_formats or self._arguments().get("--datalake-formats")
        return spark_conf.parse_datalake_formats(named)

    @property
    def table_buckets(self) -> TableBuckets:
        """The table buckets of S3 Tables that are Spark catalogs of every session."""
        account = self.catalog_id or self.account
        return table_buckets(self.s3_tables, self.conf_settings, account, os.environ)

    def add_table_bucket(self, catalog: str, bucket: str) -> None:
        """catalogs.yml names a table bucket. Raises ConfigurationError for what is no name."""
        self.s3_tables = {**named_buckets(self.s3_tables), catalog: bucket}
        self.table_buckets  # noqa: B018 it parses the names

    def has_format(self, table_format: TableFormat) -> bool:
        """Whether a session of this profile can read and write the format."""
        there = {*self.formats, *spark_conf.configured_formats(self.conf_settings)}
        return table_format.datalake_format is None or table_format.datalake_format in there

    def _arguments(self) -> dict[str, str]:
        return spark_conf.parse_arguments(self.default_arguments)

    def _refuse_two_of_one_name(self) -> None:
        taken = {*self.table_buckets, self.custom_iceberg_catalog_namespace}
        if both := taken & set(self.other_catalogs):
            raise ConfigurationError(
                f"data_catalogs: got the name {both.pop()!r}, which s3_tables or "
                "custom_iceberg_catalog_namespace has too: each is a Spark catalog of its own"
            )

    def _hide_secrets(self) -> None:
        """Errors of AWS and Spark may quote what they were sent."""
        settings = {**self.conf_settings, **self.arguments, "endpoint_url": self.endpoint_url or ""}
        hide(secrets_in(settings))
        hide([self.assume_role_external_id, *map(os.environ.get, SECRET_ENVIRONMENT)])

    def _connection_keys(self) -> tuple[str, ...]:
        secret = {name for name, item in options_of(type(self)).items() if item.metadata["secret"]}
        names = (item.name for item in fields(self))
        return tuple(name for name in names if name[0] != "_" and name not in secret)

    def connection_info(self, *, with_aliases: bool = False) -> Iterable[tuple[str, Any]]:
        """Keys and values for `dbt debug`; settings that look like secrets are masked."""
        for key, value in super().connection_info(with_aliases=with_aliases):
            shown = masked(value)
            yield key, scrubbed(shown) if isinstance(shown, str) else shown

    def __repr__(self) -> str:
        return f"GlueCredentials({dict(self.connection_info())})"
