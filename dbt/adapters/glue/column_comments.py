"""Comments of columns, written into a Table of the Data Catalog itself.

For Hudi: its ALTER COLUMN compares names within the Avro schema of the last commit, and refuses
every table with decimals that was built under another name than it has now.
"""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from dbt.adapters.glue import table_metadata
from dbt.adapters.glue.catalog import table_input_of
from dbt.adapters.glue.exceptions import ConfigurationError

SCHEMA = "spark.sql.sources.schema"
PART_LENGTH = 4000  # Spark's own, spark.sql.sources.schemaStringLengthThreshold
# CommentString of the Data Catalog (botocore, glue service model).
MAX_COMMENT = 255
NOT_IN_A_COMMENT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def catalog_comment(description: str | None) -> str:
    """A description as the catalog takes one of a column: on one line, of at most 255 characters.

    The ends of lines, with the blanks around them, become a blank; a longer text ends in "…".
    Raises ConfigurationError for characters that the catalog refuses.
    """
    line = re.sub(r"[ \t]*[\r\n][ \t\r\n]*", " ", (description or "").strip(" \t\r\n"))
    if refused := NOT_IN_A_COMMENT.search(line):
        raise ConfigurationError(
            f"The Data Catalog takes no comment of a column with U+{ord(refused[0]):04X} in it: "
            f"{line[:MAX_COMMENT]!r}",
            hint="Take that character out of the column's description.",
        )
    return line if len(line) <= MAX_COMMENT else line[: MAX_COMMENT - 1] + "…"


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
