"""Names of macros: none twice, the prefix rule, and nothing read that is never set."""

import re
from collections import Counter
from pathlib import Path

import pytest
from dbt_common.clients.jinja import get_environment
from jinja2 import meta, nodes

from .harness import OURS, PREFIX, macro_templates

# Names without the prefix: what dbt-glue 1.12 projects call, what core does not dispatch, and what
# users run by name.
KEPT_NAMES = {
    "add_iceberg_timestamp_column",
    "get_incremental_replace_where_sql",
    "glue_exec_query",
    "glue_maintain",
    "is_incremental",
    "snapshot_check_all_get_existing_columns",
    "set_table_properties",
}
# https://docs.getdbt.com/reference/dbt-jinja-functions, and what core sets for materializations.
DBT_CONTEXT = {
    *("adapter", "api", "builtins", "config", "context", "dbt", "defer_relation", "execute"),
    *("exceptions", "flags", "graph", "load_agate_table", "load_result", "log", "model"),
    *(
        "modules",
        "post_hooks",
        "pre_hooks",
        "render",
        "return",
        "sql",
        "store_raw_result",
        "store_result",
    ),
    *("target", "this", "write"),
}
FILES = sorted(OURS.rglob("*.sql"))


def defined_in(path: Path) -> list[str]:
    return re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text())


def test_there_are_macros() -> None:
    assert len(FILES) > 15


def test_no_macro_is_defined_twice() -> None:
    counts = Counter(name for path in FILES for name in defined_in(path))
    assert [name for name, count in counts.items() if count > 1] == []


def test_macros_carry_the_prefix() -> None:
    names = {name for path in FILES for name in defined_in(path)}
    assert {name for name in names if not name.startswith("glue__")} == KEPT_NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(OURS)))
def test_every_name_that_is_read_is_set(path: Path) -> None:
    tree = get_environment(None, capture_macros=False).parse(path.read_text())
    read = {name.removeprefix(PREFIX) for name in meta.find_undeclared_variables(tree)}
    # Jinja reports names that only one branch of an `if` sets as well.
    assigned = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    assert read - assigned - DBT_CONTEXT - macro_templates().keys() == set()
