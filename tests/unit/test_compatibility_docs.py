"""docs/compatibility.md has a row for all that dbt-glue 1.12.4 has, and the tests that it names."""

import ast
import dataclasses
import functools
import re
from pathlib import Path

import pytest
from unit.test_credentials import UPSTREAM_DEFAULTS

from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.model_config import GlueConfig

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
VERDICTS = {"same", "more", "different", "not used", "refused"}

# The surface of 1.12.4; its profile keys are UPSTREAM_DEFAULTS.
ACCEPTED_KEYS = ["project_name", "user", "query-comment"]
# Configs of the adapter's own, as far as their names say it, and those that dbt has.
OWN_CONFIGS = """
file_format partition_by clustered_by buckets custom_location table_properties write_options
unique_key incremental_strategy merge_update_columns merge_exclude_columns incremental_predicates
on_schema_change hudi_options add_iceberg_timestamp iceberg_expire_snapshots
purge_dropped_iceberg_data use_iceberg_temp_views custom_temp_suffix substitute_variables
snapshot_table_column_names dbt_valid_to_current lf_tags_config lf_grants grants catalog packages
""".split()
OTHER_CONFIGS = [
    *("predicates", "contract", "persist_docs", "meta"),
    *("materialized: python_model", "update_hudi_ts", "_hoodie_*"),
]
METHODS = """
glue_rename_relation duplicate_view get_location get_custom_iceberg_catalog_namespace
create_csv_table delta_update_manifest delta_create_table get_table_type hudi_merge_table
iceberg_expire_snapshots add_lf_tags apply_lf_grants execute_pyspark execute_python
""".split()
TEXTS = ["custom_glue_code_for_dbt_adapter", "dbt_next_query"]
PYTHON = [
    *("model(dbt, session)", "dbt.ref", "dbt.source"),
    *("dbt.config", "dbt.this", "dbt.is_incremental"),
]
DIFFERENCES = [
    *("a statement that fails", "snapshots of Iceberg history"),
    *("insert_overwrite on a partitioned table", "view on Iceberg", "cancel", "Lake Formation"),
]
SURFACE = {
    "Profile keys": [*UPSTREAM_DEFAULTS, *ACCEPTED_KEYS],
    "Model configs": [*OWN_CONFIGS, *OTHER_CONFIGS],
    "Jinja methods of `adapter`, and texts": [*METHODS, *TEXTS],
    "Python models": PYTHON,
    "Where we differ, on purpose": DIFFERENCES,
}


@functools.cache
def rows() -> dict[str, dict[str, list[str]]]:
    """Section -> name -> the cells behind the name."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = found.setdefault(line[3:], {})
        elif line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            assert name.strip("`") not in section, f"two rows for {name}"
            section[name.strip("`")] = cells
    return found


@functools.cache
def names_in(path: Path) -> set[str]:
    """`test_x`, `TestX` and `TestX::test_y` of a file; methods of a base class in it too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    methods = [
        f"{owner.name}::{node.name}"
        for owner in classes
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return {*functions, *(owner.name for owner in classes), *methods}


@pytest.mark.parametrize("section", SURFACE)
def test_every_item_has_a_row(section: str) -> None:
    assert sorted(rows()[section]) == sorted(SURFACE[section])


@pytest.mark.parametrize("section", SURFACE)
def test_every_row_has_a_verdict_and_a_test_that_exists(section: str) -> None:
    wrong = []
    for name, cells in rows()[section].items():
        said, verdict, shown = cells
        path, _, test = shown.strip("`").partition("::")
        if not said or verdict not in VERDICTS:
            wrong.append(f"{name}: {verdict!r}, expected one of {', '.join(sorted(VERDICTS))}")
        elif not re.fullmatch(r"tests/[\w/]+\.py", path) or not (ROOT / path).is_file():
            wrong.append(f"{name}: no file {path}")
        elif test not in names_in(ROOT / path):
            wrong.append(f"{name}: no {test} in {path}")
    assert wrong == []


def test_the_adapter_has_them() -> None:
    fields = {field.name for field in dataclasses.fields(GlueConfig)}
    assert set(OWN_CONFIGS) <= fields
    assert set(METHODS) <= GlueAdapter._available_
