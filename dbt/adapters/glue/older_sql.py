"""SQL that methods of dbt-glue 1.12.4 stand for: adapter.delta_create_table and its kin."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dbt.adapters.glue import table_options
from dbt.adapters.glue.sql_text import as_text, literal, quoted

HUDI_TIMESTAMP = "update_hudi_ts"
# Columns of a request that are not the model's own.
NOT_THE_MODELS = ("dbt_unique_key", HUDI_TIMESTAMP)


def create_table_as(
    table: str,
    query: str,
    file_format: str,
    *,
    location: str = "",
    partition_by: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> str:
    """location is a whole LOCATION clause, as `adapter.get_location` gives it."""
    clauses = [
        f"create table {table} using {file_format}",
        f"options ({_pairs(options)})" if options else "",
        f"partitioned by ({', '.join(quoted(name) for name in partition_by)})"
        if partition_by
        else "",
        location,
        f"tblproperties ({_pairs(properties)})" if properties else "",
        f"as {query}",
    ]
    return "\n".join(clause for clause in clauses if clause)


def hudi_properties(keys: Sequence[str], options: Mapping[str, Any] | None) -> dict[str, Any]:
    """TBLPROPERTIES of a Hudi table of these keys."""
    own = {"primaryKey": ",".join(keys), "preCombineField": HUDI_TIMESTAMP}
    return table_options.hudi_properties(own, options or {})


def hudi_query(request: str, columns: Iterable[str]) -> str:
    """The request with the time of the write, by which Hudi tells which of two rows is newer."""
    own = [quoted(name) for name in columns if name.lower() not in NOT_THE_MODELS]
    now = f"current_timestamp() as {quoted(HUDI_TIMESTAMP)}"
    return f"select {', '.join([*own, now])} from (\n{request}\n) as __dbt_request"


def upsert(table: str, query: str, keys: Iterable[str]) -> str:
    """MERGE of every column by key."""
    matches = " and ".join(f"new.{quoted(key)} = old.{quoted(key)}" for key in keys)
    return (
        f"merge into {table} as old using (\n{query}\n) as new on {matches}\n"
        "when matched then update set *\nwhen not matched then insert *"
    )


def names(given: str | Iterable[str] | None) -> list[str]:
    """Column names given as a list, or as text with commas."""
    if given is None:
        return []
    listed = given.split(",") if isinstance(given, str) else list(given)
    return [name.strip() for name in listed if name.strip()]


def as_in(columns: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The wanted names in the case that the query has them in; Hudi finds no other."""
    known = {name.lower(): name for name in columns}
    return [known.get(name.lower(), name) for name in wanted]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{literal(k)} = {literal(as_text(v))}" for k, v in values.items())
