"""Comments of columns, written into a Table of the Data Catalog itself.

For Hudi: its ALTER COLUMN compares names within the Avro schema of the last commit, and refuses
every table with decimals that was built under another name than it has now.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

from dbt.adapters.glue import table_metadata
from dbt.adapters.glue.catalog import table_input_of

SCHEMA = "spark.sql.sources.schema"
PART_LENGTH = 4000  # Spark's own, spark.sql.sources.schemaStringLengthThreshold


def with_comments(table: dict[str, Any], comments: Mapping[str, str]) -> dict[str, Any]:
    """The TableInput of a Table with comments by column name, in any case."""
    wanted = {name.lower(): text for name, text in comments.items()}
    storage = copy.deepcopy(table.get("StorageDescriptor") or {})
    keys = copy.deepcopy(table.get("PartitionKeys") or [])
    for field in [*(storage.get("Columns") or []), *keys]:
        if field["Name"].lower() in wanted:
            field["Comment"] = wanted[field["Name"].lower()]
    changes = {"StorageDescriptor": storage, "PartitionKeys": keys}
    return table_input_of(table, **changes, Parameters=_settings(table, wanted))


def _settings(table: dict[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """Parameters with Spark's schema, which has the comments once more."""
    settings = dict(table_metadata.parameters(table))
    text = table_metadata.spark_schema_text(settings)
    if not text:
        return settings
    schema = json.loads(text)
    for field in schema["fields"]:
        if field["name"].lower() in wanted:
            field["metadata"] = {
                **(field.get("metadata") or {}),
                "comment": wanted[field["name"].lower()],
            }
    text = json.dumps(schema, separators=(",", ":"))
    if SCHEMA in settings:
        return {**settings, SCHEMA: text}
    parts = [text[start : start + PART_LENGTH] for start in range(0, len(text), PART_LENGTH)]
    others = {k: v for k, v in settings.items() if not k.startswith(f"{SCHEMA}.part.")}
    numbered = {f"{SCHEMA}.part.{number}": part for number, part in enumerate(parts)}
    return {**others, **numbered, f"{SCHEMA}.numParts": str(len(parts))}
