"""The plans that ConnectTransport sends: SQL, and what is put around it.

Imported when a Spark Connect session is used: it needs pyspark.
"""

import re
from collections.abc import Sequence
from typing import Any

import pyspark.sql.connect.proto as protocol

from dbt.adapters.glue.session.arrow import Field
from dbt.adapters.glue.session.runtime.lexer import COMMENTS, segments

QUERY = re.compile(r"[\s(]*(select|with)\b", re.I)
# The statements that WITH may begin besides a query.
WRITES = re.compile(r"\b(insert|merge|update|delete)\b", re.I)


def is_query(sql: str) -> bool:
    """Whether this is a query for sure: as one it can run in one operation.

    A WITH that has one of WRITES anywhere, in a string too, is left to Spark to judge.
    """
    bare = " ".join(text for _, text in segments(sql) if not text.startswith(COMMENTS))
    found = QUERY.match(bare)
    if found is None:
        return False
    return found.group(1).lower() == "select" or not WRITES.search(bare)


def query(sql: str) -> Any:
    """SQL as a relation. Spark runs a command in it while it analyses the plan, more than once."""
    relation = protocol.Relation()
    relation.sql.query = sql
    return relation


def command(sql: str) -> Any:
    """SQL as a command: Spark answers what a command returned, or the query as a relation."""
    plan = protocol.Plan()
    plan.command.sql_command.sql = sql
    return plan


def written_nowhere(relation: Any) -> Any:
    plan = protocol.Plan()
    write = plan.command.write_operation
    write.input.CopyFrom(relation)
    write.source = "noop"
    write.mode = protocol.WriteOperation.SaveMode.SAVE_MODE_OVERWRITE
    return plan


def rooted(relation: Any) -> Any:
    plan = protocol.Plan()
    plan.root.CopyFrom(relation)
    return plan


def limited(relation: Any, limit: int) -> Any:
    outer = protocol.Relation()
    outer.limit.input.CopyFrom(relation)
    outer.limit.limit = limit
    return outer


def cast_to_text(relation: Any, fields: Sequence[Field]) -> Any:
    """The relation with its columns by position (names may repeat), some of them as strings."""
    names = [f"_c{number}" for number in range(len(fields))]
    outer = protocol.Relation()
    outer.project.input.to_df.input.CopyFrom(relation)
    outer.project.input.to_df.column_names.extend(names)
    for name, item in zip(names, fields, strict=True):
        expression = outer.project.expressions.add()
        if item.as_text:
            expression = expression.cast
            expression.type_str = "string"
            expression = expression.expr
        expression.unresolved_attribute.unparsed_identifier = name
    return outer
