"""Configs of a table as Spark takes them: `table_properties`, `write_options`, its place."""

from collections.abc import Mapping
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.sql_text import as_text
from dbt.adapters.glue.table_format import TableFormat

# Iceberg's write options by the table property of the same meaning: SQL can give no write option.
# iceberg.apache.org/docs/1.10.0/spark-configuration, "Write options".
ICEBERG_WRITE_OPTIONS = {
    "write-format": "write.format.default",
    "target-file-size-bytes": "write.target-file-size-bytes",
    "fanout-enabled": "write.spark.fanout.enabled",
    "distribution-mode": "write.distribution-mode",
    "delete-granularity": "write.delete.granularity",
}
# For the file format that the table has.
ICEBERG_FILE_OPTIONS = ("compression-codec", "compression-level", "compression-strategy")
# What Hudi's SQL calls the writer's options.
HUDI_SQL_NAMES = {
    "hoodie.datasource.write.recordkey.field": "primaryKey",
    "hoodie.datasource.write.precombine.field": "preCombineField",
    "hoodie.datasource.write.table.type": "type",
    "hoodie.table.type": "type",
}
HUDI_TABLE_TYPES = {"copy_on_write": "cow", "merge_on_read": "mor"}
# The index of dbt-glue 1.12.4: a key is one row of the table, whichever partition it moves to.
HUDI_DEFAULTS = {
    "type": "cow",
    "hoodie.index.type": "GLOBAL_BLOOM",
    "hoodie.bloom.index.update.partition.path": "true",
}


def custom_location(given: str | None) -> str | None:
    """The config of that name; None where it asks for nothing, as dbt-glue 1.12's "empty" does."""
    return None if given in (None, "", "empty") else given


def texts(key: str, given: Any) -> dict[str, str]:
    """A mapping of a model's config with all values as text; what is null is left out.

    Raises ConfigurationError for what is no mapping of text, numbers and booleans.
    """
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{key}: got {given!r}, expected a mapping of names to values")
    found = {}
    for name, value in given.items():
        if isinstance(value, (Mapping, list, tuple)):
            raise ConfigurationError(
                f"{key}: got {value!r} for {name}, expected text, a number or true or false",
                hint="Write a list or a mapping as the text that Spark is to read.",
            )
        if value is not None:
            found[str(name)] = as_text(value)
    return found


def file_options(given: Any, table_format: TableFormat) -> dict[str, str]:
    """The config write_options as text, with those of the format that it leaves open."""
    wanted = texts("write_options", given)
    named = {name.lower() for name in wanted}
    return {name: value for name, value in table_format.options if name not in named} | wanted


def iceberg_properties(options: Mapping[str, str], file_format: str) -> dict[str, str]:
    """Iceberg's write options as table properties.

    file_format: the table's `write.format.default`. Raises ConfigurationError for an option that
    would have no effect.
    """
    properties = {}
    for name, value in options.items():
        if name.startswith("write."):
            properties[name] = value
        elif name in ICEBERG_WRITE_OPTIONS:
            properties[ICEBERG_WRITE_OPTIONS[name]] = value
        elif name in ICEBERG_FILE_OPTIONS:
            properties[f"write.{file_format}.{name}"] = value
        else:
            known = sorted([*ICEBERG_WRITE_OPTIONS, *ICEBERG_FILE_OPTIONS])
            raise ConfigurationError(
                f"write_options: got {name} for file_format iceberg, expected one of "
                f"{', '.join(known)}, or a table property write.…",
                hint="Set what is no write option by table_properties.",
            )
    return properties


def hudi_properties(own: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """TBLPROPERTIES of a Hudi table: key and precombine field as `own` has them, then hudi_options
    by the names of Hudi's SQL."""
    properties: dict[str, Any] = {**HUDI_DEFAULTS, **own}
    for key, value in options.items():
        name = HUDI_SQL_NAMES.get(key, key)
        kind = HUDI_TABLE_TYPES.get(str(value).lower(), value)
        properties[name] = kind if name == "type" else value
    return properties
