"""The Spark conf of a session, from the profile's `datalake_formats` and `conf`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.masking import masked_entry
from dbt.adapters.glue.other_catalogs import SEPARATOR, SEPARATOR_CONF, OtherCatalog
from dbt.adapters.glue.sql_text import as_text
from dbt.adapters.glue.table_buckets import TableBucket

SPARK_CATALOG = "spark.sql.catalog.spark_catalog"
PYTHON_MODULES = "--additional-python-modules"
DATALAKE_FORMATS = ("hudi", "iceberg", "delta")

# The order of the extensions, Delta, Iceberg, Hudi, is the one that was measured to work together.
EXTENSIONS = {
    "delta": "io.delta.sql.DeltaSparkSessionExtension",
    "iceberg": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "hudi": "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
}


# A Spark session keeps the list of a table's files, and finds them deleted when another client's
# Spark session has had the table built anew: REFRESH TABLE reaches its own session only.
NO_LISTS_OF_FILES = {"spark.sql.filesourceTableRelationCacheSize": "0"}


def parse_conf(text: str | dict[str, Any] | None) -> dict[str, str]:
    """The profile's `conf`, `a=b --conf c=d` or a mapping, as a mapping; `=` may stand in values.

    Raises ConfigurationError for an entry without `=`.
    """
    if not isinstance(text, str):
        return _as_text(text)
    conf: dict[str, str] = {}
    for entry in re.split(r"\s--conf\s", " " + text.strip()):
        entry = entry.strip().removeprefix("--conf").strip()
        if not entry:
            continue
        key, separator, value = entry.partition("=")
        if not separator:
            raise ConfigurationError(
                f"conf: got {masked_entry(entry)!r}, expected key=value --conf key=value …"
            )
        conf[key.strip()] = value.strip()
    return conf


def parse_arguments(text: str | dict[str, Any] | None) -> dict[str, str]:
    """The profile's `default_arguments`, `--k=v, --flag, --l=w` or a mapping, as a mapping.

    A new argument begins at a comma that `--` follows, so values may hold commas, spaces and `=`.
    A flag without `=` means true, as Glue's own flags do.
    """
    if not isinstance(text, str):
        return _as_text(text)
    arguments: dict[str, str] = {}
    for entry in _split_at_flags(text):
        key, separator, value = entry.partition("=")
        if not re.fullmatch(r"--[^\s=]+", key.strip()):
            raise ConfigurationError(
                f"default_arguments: got {masked_entry(entry)!r}, expected --key=value, "
                "--key=value, …"
            )
        arguments[key.strip()] = value.strip() if separator else "true"
    return arguments


def _split_at_flags(text: str) -> list[str]:
    entries: list[str] = []
    for piece in text.split(","):
        if piece.strip().startswith("--") or not entries:
            entries.append(piece.strip())
        else:
            entries[-1] += "," + piece
    return [entry.strip() for entry in entries if entry.strip()]


def with_packages(
    arguments: dict[str, str], packages: Iterable[str] | str | None
) -> dict[str, str]:
    """The arguments of a session, with Python packages added to those that they install."""
    names = packages.split(",") if isinstance(packages, str) else list(packages or ())
    wanted = [name.strip() for name in [arguments.get(PYTHON_MODULES, ""), *names] if name.strip()]
    return {**arguments, PYTHON_MODULES: ",".join(wanted)} if names else arguments


def parse_datalake_formats(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """`hudi, iceberg` as a tuple of names. Raises ConfigurationError for an unknown one."""
    names = text.split(",") if isinstance(text, str) else list(text or ())
    formats = tuple(dict.fromkeys(name.strip().lower() for name in names if name.strip()))
    for name in formats:
        if name not in DATALAKE_FORMATS:
            raise ConfigurationError(
                f"datalake_formats: got {name!r}, expected a comma-separated list of "
                f"{', '.join(DATALAKE_FORMATS)}"
            )
    return formats


def configured_formats(conf: Mapping[str, str]) -> set[str]:
    """The formats that a user's own conf sets up, by extensions or catalogs."""
    text = " ".join(value for key, value in conf.items() if key.startswith("spark.sql.")).lower()
    return {
        name
        for name, mark in (("iceberg", "iceberg"), ("delta", "delta"), ("hudi", "hudi"))
        if mark in text or (name == "hudi" and "hoodie" in text)
    }


def session_conf(
    formats: tuple[str, ...],
    user_conf: Mapping[str, str],
    *,
    iceberg_catalog: str | None,
    warehouse: str | None,
    catalog_id: str | None,
    table_buckets: Iterable[TableBucket] = (),
    other_catalogs: Iterable[OtherCatalog] = (),
) -> dict[str, str]:
    """The whole Spark conf of a session: ours from the formats, then the user's, which wins."""
    conf = {
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "hive.exec.dynamic.partition.mode": "nonstrict",
        # What Spark Connect tells of an error's Java trace, in characters. The causes of a failed
        # write stand up to 13,000 deep (measured); Spark's default is 1,024.
        "spark.connect.jvmStacktrace.maxSize": "16384",
    }
    if catalog_id:
        conf["spark.hadoop.hive.metastore.glue.catalogid"] = catalog_id
    if others := tuple(other_catalogs):
        conf[SEPARATOR_CONF] = SEPARATOR
    if formats:
        conf["spark.serializer"] = "org.apache.spark.serializer.KryoSerializer"
        conf["spark.sql.extensions"] = ",".join(
            extension for name, extension in EXTENSIONS.items() if name in formats
        )
    if "delta" in formats:
        conf[SPARK_CATALOG] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        conf["spark.databricks.delta.catalog.update.enabled"] = "true"
    elif "hudi" in formats:
        # Beside Delta it would break Delta's CREATE TABLE AS.
        conf[SPARK_CATALOG] = "org.apache.spark.sql.hudi.catalog.HoodieCatalog"
    if "iceberg" in formats:
        conf.update(_iceberg_conf(formats, iceberg_catalog, warehouse, catalog_id, user_conf))
        for bucket in table_buckets:
            if f"spark.sql.catalog.{bucket.catalog}" not in user_conf:
                # S3 Tables chooses where tables lie; Iceberg wants a `warehouse` all the same
                # ("Cannot derive default warehouse location").
                place = f"s3://{bucket.bucket}/warehouse/"
                conf.update(_glue_catalog(bucket.catalog, bucket.catalog_id, place))
        for other in others:
            if f"spark.sql.catalog.{other.name}" not in user_conf:
                conf.update(_glue_catalog(other.name, other.account, warehouse))
                conf.update(_any_name(other.name))
    conf.update(user_conf)
    return conf


def _iceberg_conf(
    formats: tuple[str, ...],
    catalog: str | None,
    warehouse: str | None,
    catalog_id: str | None,
    user_conf: Mapping[str, str],
) -> dict[str, str]:
    prefix = f"spark.sql.catalog.{catalog}" if catalog else SPARK_CATALOG
    if prefix in user_conf:
        return {}  # the user defines this catalog, whole
    if not catalog and ("delta" in formats or "hudi" in formats):
        raise ConfigurationError(
            "custom_iceberg_catalog_namespace: got '' with datalake_formats "
            f"{','.join(formats)}, expected a name: spark_catalog can serve Iceberg or "
            "Delta and Hudi, not both",
            hint="Set custom_iceberg_catalog_namespace: glue_catalog.",
        )
    name, kind = (catalog, "SparkCatalog") if catalog else ("spark_catalog", "SparkSessionCatalog")
    return _glue_catalog(name, catalog_id, warehouse, kind) | _any_name(name)


def _glue_catalog(
    name: str, catalog_id: str | None, warehouse: str | None, kind: str = "SparkCatalog"
) -> dict[str, str]:
    """A Spark catalog of Iceberg tables, in the Data Catalog of that id or of the session's own."""
    prefix = f"spark.sql.catalog.{name}"
    conf = {
        prefix: f"org.apache.iceberg.spark.{kind}",
        f"{prefix}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{prefix}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    }
    if warehouse:
        conf[f"{prefix}.warehouse"] = warehouse
    if catalog_id:
        conf[f"{prefix}.glue.id"] = catalog_id
    return conf


def _any_name(catalog: str) -> dict[str, str]:
    """Names with a dash are legal in Glue; Iceberg refuses them by itself."""
    return {f"spark.sql.catalog.{catalog}.glue.skip-name-validation": "true"}


def uncached(conf: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The conf for a session whose tables another one rewrites: it reads them anew each time.

    Of Spark's own tables the list of files is kept otherwise, of Iceberg's the metadata. What the
    conf itself says of that wins.
    """
    given = dict(conf)
    catalogs = [
        key
        for key, value in given.items()
        if re.fullmatch(r"spark\.sql\.catalog\.[^.]+", key) and "org.apache.iceberg." in value
    ]
    uncached = NO_LISTS_OF_FILES | {f"{catalog}.cache-enabled": "false" for catalog in catalogs}
    return tuple((uncached | given).items())


def _as_text(settings: dict[str, Any] | None) -> dict[str, str]:
    """A YAML mapping with every value as text."""
    return {str(key): as_text(value) for key, value in (settings or {}).items()}
