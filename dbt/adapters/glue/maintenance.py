"""Maintenance of tables, as data: the operations of each format, their arguments, their SQL.

Names of operations and arguments are those of Iceberg's and Hudi's Spark procedures and of Delta's
SQL; so are the defaults of what is not given.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.sql_text import as_text, literal, quoted

AFTER_RUN = "after_run"  # beside the operations: whether they follow each run of the model
KINDS = ("model", "snapshot", "seed")  # nodes that are tables
PERIOD = re.compile(r"(\d+)\s*(minute|hour|day|week)s?")


class Table(NamedTuple):
    """name: as it is rendered in SQL. bare: the same without a Spark catalog."""

    name: str
    bare: str

    @property
    def catalog(self) -> str:
        """The Spark catalog whose procedures are called."""
        return self.name.removesuffix(self.bare).rstrip(".") or "spark_catalog"

    @property
    def plain(self) -> str:
        """As Hudi's procedures want it: they take backticks for a part of the name."""
        return self.bare.replace("`", "")


class Argument(NamedTuple):
    """How a value of the config is written in SQL; `render` raises ValueError for a wrong one."""

    expected: str
    render: Callable[[Any], str]


@dataclass(frozen=True)
class Operation:
    name: str
    arguments: Mapping[str, Argument]
    sql: Callable[[str, Table, Mapping[str, str]], str]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return literal(value)


def integer(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return str(value)


def boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise ValueError
    return str(value).lower()


def moment(value: Any) -> str:
    """A period before now, or a time of its own; UTC where it names no zone."""
    period = PERIOD.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if period:
        found = datetime.now(timezone.utc) - timedelta(**{f"{period[2]}s": int(period[1])})
    elif isinstance(value, (str, date)):
        found = datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
    else:
        raise ValueError
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return f"timestamp '{found.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}Z'"


def options(value: Any) -> str:
    return f"map({', '.join(text(part) for pair in _pairs(value) for part in pair)})"


def options_in_a_text(value: Any) -> str:
    return text(",".join("=".join(pair) for pair in _pairs(value)))


def _pairs(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    return [(str(k), as_text(v)) for k, v in value.items()]


def columns(value: Any) -> str:
    names = [value] if isinstance(value, str) else value
    listed = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    if not names or not listed:
        raise ValueError
    return ", ".join(quoted(name) for name in names)


def condition(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


TEXT = Argument("a text", text)
INTEGER = Argument("a whole number", integer)
BOOLEAN = Argument("true or false", boolean)
MOMENT = Argument("a period such as '7 days' or a time such as '2026-01-31 12:00'", moment)
OPTIONS = Argument("a mapping of options", options)
OPTIONS_IN_A_TEXT = Argument("a mapping of options", options_in_a_text)
COLUMNS = Argument("a column or a list of columns", columns)
CONDITION = Argument("an SQL condition", condition)


def iceberg_call(name: str, table: Table, given: Mapping[str, str]) -> str:
    return _call(f"{table.catalog}.system.{name}", text(table.bare), given)


def hudi_call(name: str, table: Table, given: Mapping[str, str]) -> str:
    return _call(name, text(table.plain), given)


def hudi_service(name: str, table: Table, given: Mapping[str, str]) -> str:
    """Hudi only lists what is planned, unless it is told to plan and to run."""
    return hudi_call(name, table, {"op": "'scheduleandexecute'", **given})


def _call(procedure: str, table: str, given: Mapping[str, str]) -> str:
    arguments = {"table": table, **given}
    return f"call {procedure}({', '.join(f'{k} => {v}' for k, v in arguments.items())})"


def optimize(name: str, table: Table, given: Mapping[str, str]) -> str:
    where = f" where {given['where']}" if "where" in given else ""
    order = f" zorder by ({given['zorder_by']})" if "zorder_by" in given else ""
    return f"optimize {table.name}{where}{order}"


def vacuum(name: str, table: Table, given: Mapping[str, str]) -> str:
    retain = f" retain {given['retain_hours']} hours" if "retain_hours" in given else ""
    return f"vacuum {table.name}{retain}{' dry run' if given.get('dry_run') == 'true' else ''}"


# In the order in which they run: small files are put together before what that leaves is removed.
OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "iceberg": (
        Operation(
            "rewrite_data_files",
            {"strategy": TEXT, "sort_order": TEXT, "options": OPTIONS, "where": TEXT},
            iceberg_call,
        ),
        Operation(
            "rewrite_position_delete_files", {"options": OPTIONS, "where": TEXT}, iceberg_call
        ),
        Operation("rewrite_manifests", {"use_caching": BOOLEAN, "spec_id": INTEGER}, iceberg_call),
        Operation(
            "expire_snapshots",
            {
                "older_than": MOMENT,
                "retain_last": INTEGER,
                "max_concurrent_deletes": INTEGER,
                "stream_results": BOOLEAN,
            },
            iceberg_call,
        ),
        Operation(
            "remove_orphan_files",
            {
                "older_than": MOMENT,
                "location": TEXT,
                "dry_run": BOOLEAN,
                "max_concurrent_deletes": INTEGER,
            },
            iceberg_call,
        ),
    ),
    "delta": (
        Operation("optimize", {"where": CONDITION, "zorder_by": COLUMNS}, optimize),
        Operation("vacuum", {"retain_hours": INTEGER, "dry_run": BOOLEAN}, vacuum),
    ),
    "hudi": (
        Operation(
            "run_compaction",
            {"op": TEXT, "options": OPTIONS_IN_A_TEXT, "limit": INTEGER},
            hudi_service,
        ),
        Operation(
            "run_clustering",
            {"op": TEXT, "order": TEXT, "predicate": TEXT, "options": OPTIONS_IN_A_TEXT},
            hudi_service,
        ),
        Operation(
            "run_clean",
            {
                "clean_policy": TEXT,
                "retain_commits": INTEGER,
                "hours_retained": INTEGER,
                "file_versions_retained": INTEGER,
                "trigger_max_commits": INTEGER,
                "options": OPTIONS_IN_A_TEXT,
            },
            hudi_call,
        ),
    ),
}


def follows_each_run(wanted: Mapping[str, Any] | None) -> bool:
    return bool(wanted) and bool((wanted or {}).get(AFTER_RUN, True))


def statements(format_name: str, wanted: Mapping[str, Any], table: Table) -> list[tuple[str, str]]:
    """(operation, SQL) of each operation that the config `maintenance` asks for, in our order.

    Raises ConfigurationError where the format lacks an operation, or a value is not as expected.
    """
    check(format_name, wanted)
    return [
        (operation.name, operation.sql(operation.name, table, _given(operation, wanted)))
        for operation in OPERATIONS[format_name]
        if wanted.get(operation.name) not in (None, False)
    ]


def check(format_name: str, wanted: Any) -> None:
    """Raises ConfigurationError for a `maintenance` that the format cannot do."""
    known = {operation.name: operation for operation in OPERATIONS.get(format_name, ())}
    if not known:
        _refuse("maintenance", f"a table in {format_name}", f"one in {_listed(OPERATIONS)}")
    if not isinstance(wanted, Mapping):
        _refuse("maintenance", repr(wanted), f"a mapping of operations: {_listed(known)}")
    for name, value in wanted.items():
        if name == AFTER_RUN:
            if not isinstance(value, bool):
                _refuse(f"maintenance.{AFTER_RUN}", repr(value), BOOLEAN.expected)
        elif name not in known:
            _refuse("maintenance", f"{name} for a table in {format_name}", f"{_listed(known)}")
        elif value is not None:
            _given(known[name], wanted)


def _given(operation: Operation, wanted: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of an operation as SQL."""
    value, where = wanted[operation.name], f"maintenance.{operation.name}"
    if isinstance(value, bool):
        return {}
    if not isinstance(value, Mapping):
        arguments = _listed(operation.arguments)
        _refuse(where, repr(value), f"true, false or a mapping of arguments: {arguments}")
    given = {}
    for name, item in value.items():
        argument = operation.arguments.get(name)
        if argument is None:
            _refuse(where, name, _listed(operation.arguments))
        try:
            given[name] = argument.render(item)
        except (ValueError, OverflowError):  # a moment before the year 1
            _refuse(f"{where}.{name}", repr(item), argument.expected)
    return given


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _refuse(what: str, got: str, expected: str) -> NoReturn:
    raise ConfigurationError(
        f"{what}: got {got}, expected {expected}",
        hint="docs/maintenance.md has the operations of each format and their arguments.",
    )


class Task(NamedTuple):
    """A table, and the config `maintenance` that says what to do with it."""

    schema: str
    identifier: str
    wanted: Mapping[str, Any]
    database: str | None = None  # a table bucket's Spark catalog
    named: bool = False  # by the argument `relation`

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.identifier}"


def chosen(
    nodes: Iterable[Mapping[str, Any]],
    select: str | list[str] | None,
    relation: str | None,
    wanted: Mapping[str, Any] | None,
) -> list[Task]:
    """The tables to maintain.

    nodes: of dbt's graph. select: names of nodes, or `tag:<tag>`; None for all. relation: one
    table, `schema.table`, in place of nodes. wanted: in place of the nodes' own config.
    Raises ConfigurationError for a name that is no node's.
    """
    if relation is not None:
        schema, dot, identifier = relation.partition(".")
        if not dot or "." in identifier:
            _refuse("relation", repr(relation), "schema.table")
        if not wanted:
            _refuse("maintenance", "nothing", f"the operations to run on {relation}")
        return [Task(schema, identifier, wanted, named=True)]
    asked = {select} if isinstance(select, str) else set(select or ())
    tasks, known = [], set()
    for node in nodes:
        if node["resource_type"] not in KINDS:
            continue
        names = {node["name"], *(f"tag:{tag}" for tag in node["tags"])}
        known |= names
        own = wanted or node["config"].get("maintenance")
        if own and (not asked or names & asked):
            tasks.append(Task(node["schema"], node["alias"], own, node["database"]))
    for name in sorted(asked - known):
        _refuse("select", repr(name), "the name of a model, snapshot or seed, or tag:<tag>")
    return tasks


def told(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """What an operation has answered, in a few words: the numbers of its row that are not zero.

    Structs are JSON text, as dbt's tables have them.
    """
    if len(rows) != 1:
        return f"{len(rows)} × {names[0]}" if rows else "nothing to do"
    numbers = _numbers(dict(zip(names, rows[0], strict=True)))
    if not numbers:
        return "done"  # VACUUM answers where it was, and no number
    return ", ".join(f"{name} {value}" for name, value in numbers if value) or "nothing to do"


def _numbers(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in row.items():
        if isinstance(value, str):
            found += _numbers(_struct(value))
        elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            found.append((name, value))
    return found


def _struct(text: str) -> dict[str, Any]:
    """Empty for a text that is none, such as a path or a message."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
