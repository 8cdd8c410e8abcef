"""Runs one SQL text.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

from .values import encode_columns, fields_of


def run_sql(spark, text, fetch=True, limit=None):
    """Runs one SQL text; returns columns, codecs, values (a list for each column), row_count."""
    frame = spark.sql(text)
    fields = fields_of(frame)
    if not fields:
        return {"columns": [], "codecs": [], "values": [], "row_count": None}
    columns = [[name, simple] for name, simple, _ in fields]
    codecs = [kind for _, _, kind in fields]
    command = _is_command(frame)
    if not fetch and not command:
        frame.write.format("noop").mode("overwrite").save()
        return {"columns": columns, "codecs": codecs, "values": [], "row_count": None}
    if "text" in codecs:
        frame = _as_text(frame, fields)
    if limit is not None and not command:
        frame = frame.limit(limit)
    rows = frame.collect()
    if limit is not None:
        rows = rows[:limit]
    values = encode_columns(rows, codecs, spark)
    codecs = [None if kind in ("text", "json") else kind for kind in codecs]
    count = _affected(rows, [field[0] for field in fields]) if command else len(rows)
    return {"columns": columns, "codecs": codecs, "values": values, "row_count": count}


def _affected(rows, names):
    """Rows that a command changed: Delta answers INSERT, MERGE … with a table of counts."""
    if "num_affected_rows" not in names:
        return len(rows)
    count = rows[0][names.index("num_affected_rows")] if rows else None
    return count if count is not None and count >= 0 else None  # -1: Delta does not know


def _is_command(frame):
    """Commands (SHOW, INSERT, MERGE …) have run when spark.sql returns; a query has not."""
    plan = frame._jdf.queryExecution().commandExecuted()
    return plan.getClass().getSimpleName() in ("CommandResult", "LocalRelation")


def _as_text(frame, fields):
    names = [f"_c{i}" for i in range(len(fields))]
    picked = [
        f"cast({name} as string) as {name}" if field[2] == "text" else name
        for name, field in zip(names, fields, strict=True)
    ]
    return frame.toDF(*names).selectExpr(*picked)
