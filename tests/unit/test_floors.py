"""Imports go down only: docs/architecture.md draws the floors."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "dbt" / "adapters" / "glue"
PREFIX = "dbt.adapters.glue"

# From the roof down. A module imports from its own floor or from a lower one.
FLOORS = [
    {"__init__"},
    {"impl", "cli", "config_docs", "doctor", "errors_docs", "sessions_command"}
    | {"leftovers_command"},
    {"python_methods"},
    {"older_methods"},
    {"lakeformation_methods"},
    {"rebuild_methods"},
    {"data_methods"},
    {"maintenance_methods"},
    {"clone_methods"},
    {"option_methods"},
    {"incremental_methods"},
    {"services"},
    {"connections", "docs"},
    {"table_swap", "catalog_relations", "handle", "python_submissions", "lakeformation"}
    | {"result_table", "seeds", "lost_sessions"},
    {"temporaries", "older_builds", "leftovers", "catalogs", "commit_conflicts"}
    | {"last_modified"},
    {"query_relation"},
    {"schema_changes"},
    {"relation", "column", "storage", "node_session", "model_config"}
    | {"athena_twin", "column_comments", "lakeformation_calls", "lakeformation_config"},
    {"ownership"},
    {"table_metadata", "catalog", "known_catalog"},
    {"session_choice", "session_python"},
    {"credentials", "client_options"},
    {"incremental"},
    {"repeatable_sql"},
    {"microbatch"},
    {"spark_conf", "table_format", "options", "sql_text", "catalog_changes"}
    | {"maintenance", "iceberg_clone", "build_folders", "table_options"}
    | {"table_buckets", "other_catalogs", "older_sql", "generated_page", "locations"},
    {"session"},
    {"clients"},
    {"aws_answers"},
    {"retries", "identity"},
    {"exceptions"},
    {"explained"},
    {"masking"},
    {"__version__"},
]
HEIGHT = {name: -index for index, floor in enumerate(FLOORS) for name in floor}
# The way down to local Glue is clients.py, at the first call; the command line starts it by hand.
COMMANDS = {"cli", "doctor", "sessions_command"}


def module_of(path: Path) -> str:
    """The top name under dbt.adapters.glue: `session` for session/pool.py."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def ours(path: Path) -> list[tuple[str, int, bool]]:
    """(module, line, whether it is imported when the file is) of each import of ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lazy = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            if module == PREFIX:
                names = [f"{PREFIX}.{alias.name}" for alias in node.names]
            else:
                names = [module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith(PREFIX + "."):
                top = name.removeprefix(PREFIX + ".").split(".")[0]
                found.append((top, node.lineno, id(node) not in lazy))
    return found


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module of a from-import, a relative one resolved."""
    if not node.level:
        return node.module or ""
    parts = [*PREFIX.split("."), *path.relative_to(PACKAGE).parts[:-1]]
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    here = module_of(path)
    for there, line, at_import in ours(path):
        where = f"{path.relative_to(ROOT)}:{line} imports {there}"
        if here == "local":
            assert there in ("local", "__version__"), where
        elif there == "local":
            assert here in COMMANDS or (here == "clients" and not at_import), where
        elif there != here:
            assert HEIGHT[there] <= HEIGHT[here], where


def test_every_module_has_a_floor() -> None:
    assert {module_of(path) for path in FILES} - set(HEIGHT) == {"local"}


@pytest.mark.parametrize(
    "folder",
    [
        "session",
        "clients.py",
        "aws_answers.py",
        "retries.py",
        "exceptions.py",
        "explained",
        "local",
    ],
)
def test_the_lower_floors_know_nothing_of_dbt(folder: str) -> None:
    root = PACKAGE / folder
    for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            strangers = [
                name
                for name in names
                if name.split(".")[0] in ("dbt", "dbt_common") and not name.startswith(PREFIX)
            ]
            assert strangers == [], path


def test_files_stay_readable() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in long.items() if count > 400} == {}
