"""Incremental strategies: which a format has, why not the others, and what configs they take."""

from collections.abc import Mapping
from typing import Any

from dbt.adapters.glue import microbatch
from dbt.adapters.glue.table_format import (
    FORMATS,
    INCREMENTAL_STRATEGIES,
    TableFormat,
)

# Configs of `merge` that other adapters know by another name.
SYNONYMS = {
    "matched_condition": "update_condition",
    "not_matched_condition": "insert_condition",
}
MERGE_CONFIGS = (
    *("matched_condition", "update_condition", "not_matched_condition", "insert_condition"),
    *("delete_condition", "not_matched_by_source_action", "not_matched_by_source_condition"),
    *("skip_matched_step", "skip_not_matched_step"),
)


def why_not(table_format: TableFormat, strategy: str) -> str | None:
    """Why the format does not have a strategy; None where it has it."""
    name = table_format.name
    if strategy == "merge" and not table_format.merge:
        return f"Spark has no MERGE INTO for {name}"
    if strategy == "delete+insert" and not table_format.atomic_merge:
        if table_format.merge:
            return f"{name} keeps one row per key, so that merge does what delete+insert would do"
        return f"Spark cannot delete rows of {name}"
    if strategy == "replace_where" and not table_format.atomic_merge:
        return f"{name} cannot replace the rows of a condition in one commit"
    return None


def strategies_of(table_format: TableFormat) -> list[str]:
    return [name for name in INCREMENTAL_STRATEGIES if why_not(table_format, name) is None]


def default_strategy(table_format: TableFormat) -> str:
    """As in dbt-glue 1.12, where every write to Hudi is an upsert."""
    return "merge" if table_format.unique_key_required else "insert_overwrite"


def refusal(
    table_format: TableFormat, strategy: str, config: Mapping[str, Any], own: bool
) -> str | None:
    """What is wrong with an incremental model's configs, and what to do; None if nothing is.

    own: the project has a macro get_incremental_<strategy>_sql of its own.
    """
    possible = ", ".join(strategies_of(table_format))
    if strategy not in INCREMENTAL_STRATEGIES:
        if own:
            return None
        macro = f"get_incremental_{strategy.replace('+', '_')}_sql"
        return (
            f"incremental_strategy: got '{strategy}', expected one of {possible} for file_format "
            f"{table_format.name}. As a strategy of your own: dbt could not find an incremental "
            f'strategy macro with the name "{macro}" in the project'
        )
    reason = why_not(table_format, strategy)
    if reason:
        return (
            f"incremental_strategy: got '{strategy}' for file_format {table_format.name}, which "
            f"can do {possible}: {reason}. {_way_out(table_format, strategy)}"
        )
    if strategy == "microbatch":
        return microbatch.refusal(table_format, config)
    return _key_refusal(table_format, strategy, config) or _merge_refusal(
        table_format, strategy, config
    )


def _way_out(table_format: TableFormat, strategy: str) -> str:
    if table_format.merge:
        return (
            "Use merge." if strategy == "delete+insert" else "Use insert_overwrite or microbatch."
        )
    others = [name for name, known in FORMATS.items() if why_not(known, strategy) is None]
    return f"It needs file_format {', '.join(others)}."


def _key_refusal(table_format: TableFormat, strategy: str, config: Mapping[str, Any]) -> str | None:
    key = config.get("unique_key")
    if strategy == "merge" and table_format.unique_key_required and not key:
        return (
            f"unique_key: got none, expected one or more columns: {table_format.name} merges rows "
            "by key. Add unique_key, or set incremental_strategy: append."
        )
    if strategy == "delete+insert" and not key:
        return (
            "unique_key: got none, expected one or more columns: delete+insert replaces the rows "
            "of each key. Add unique_key, or set incremental_strategy: append."
        )
    if strategy == "replace_where" and not predicates_of(config):
        return (
            "incremental_predicates: got none, expected the condition of the rows that "
            "replace_where replaces. Add it, or set incremental_strategy: append."
        )
    return None


def _merge_refusal(
    table_format: TableFormat, strategy: str, config: Mapping[str, Any]
) -> str | None:
    given = [name for name in MERGE_CONFIGS if config.get(name)]
    if given and strategy != "merge":
        return (
            f"{given[0]}: got it for incremental_strategy '{strategy}', expected 'merge', which "
            "alone knows it. Remove it."
        )
    for name, other in SYNONYMS.items():
        if config.get(name) and config.get(other):
            return f"{name}: got {other} too, expected one of them: they are the same. Remove one."
    action = config.get("not_matched_by_source_action")
    if action and not table_format.merge_by_source:
        return (
            f"not_matched_by_source_action: got it for file_format {table_format.name}, expected "
            "iceberg or delta: Hudi leaves WHEN NOT MATCHED BY SOURCE undone, without an error. "
            "Remove it, or delete these rows in a post_hook."
        )
    if action and not str(action).strip().lower().startswith(("delete", "update")):
        return (
            f"not_matched_by_source_action: got '{action}', expected delete, or "
            "update set <column> = <value>. Write one of them."
        )
    if action and not config.get("unique_key"):
        return (
            f"not_matched_by_source_action: got '{action}' without unique_key, expected one or "
            "more columns: no row of the table would be matched, so that it befalls all. Add "
            "unique_key."
        )
    if action and predicates_of(config):
        return (
            f"not_matched_by_source_action: got '{action}' and predicates, expected one: "
            "these stand in ON, so that no row outside of them is matched, and it befalls "
            "all such rows. Write them as not_matched_by_source_condition."
        )
    if config.get("not_matched_by_source_condition") and not action:
        return (
            "not_matched_by_source_condition: got it alone, expected not_matched_by_source_action "
            "with it. Say what is to be done with these rows: delete, or update set …"
        )
    return None


def predicates_of(config: Mapping[str, Any]) -> list[str]:
    """`predicates`, the older name, or `incremental_predicates`, as a list."""
    given = config.get("predicates") or config.get("incremental_predicates") or []
    return [given] if isinstance(given, str) else list(given)
