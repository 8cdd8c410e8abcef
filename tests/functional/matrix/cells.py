"""The matrix as dbt files: one model, view or snapshot for each format and feature."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import rows as r
from .rows import FIRST, SECOND, Rows

FORMATS = ("parquet", "orc", "avro", "csv", "json", "text", "iceberg", "delta", "hudi", "s3tables")
SOURCE = (
    "{{ config(materialized='table', event_time='day') }}\n"
    f"{{% if var('run') == 1 %}} {r.sql(FIRST)} {{% else %}} {r.sql(SECOND)} {{% endif %}}"
)
Columns = dict[str, str]  # name to the expression that it is selected by
ALL: Columns = {name: name for name in FIRST[0]}
WITH_EXTRA: Columns = {**ALL, "extra": "'new'"}
WITHOUT_NAME: Columns = {name: sql for name, sql in WITH_EXTRA.items() if name != "name"}
OTHER_TYPES: Columns = {"id": "cast(id as string)", "label": "upper(name)", "part": "part"}


@dataclass(frozen=True, eq=False)
class Feature:
    """A row of the matrix: how a model of it is written, and what the second run makes of it."""

    title: str
    slug: str
    second: Callable[[Rows, Rows], Rows]  # the rows of the first run and those of the source
    config: dict[str, Any] = field(default_factory=dict)
    kind: str = "model"  # model, python, snapshot or clone
    partition: str = "part"
    where: str = ""  # of an increment
    selects: tuple[Columns, Columns, Columns] = (ALL, ALL, ALL)  # by run
    needs: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # configs of a format, by its name
    second_fails: str = ""  # a word of the error in which the second run has to end
    refreshed: Callable[[Rows], Rows] | None = None  # a third run, with --full-refresh


def _incremental(strategy: str, second: Callable[[Rows, Rows], Rows], **more: Any) -> Feature:
    config = {"materialized": "incremental", "incremental_strategy": strategy}
    config.update(more.pop("config", {}))
    title = more.pop("title", strategy)
    slug = title.lower().replace(": ", "_").replace("+", "_").replace(" ", "_")
    return Feature(title, slug, second, config, **more)


def _schema_change(mode: str, second: Callable[[Rows, Rows], Rows], **more: Any) -> Feature:
    more.setdefault("selects", (ALL, WITH_EXTRA, WITH_EXTRA))
    title = f"on_schema_change: {mode}"
    return _incremental("append", second, title=title, config={"on_schema_change": mode}, **more)


def _grown(old: Rows, new: Rows) -> Rows:
    return r.with_values(old, extra=None) + r.with_values(new, extra="new")


KEY = {"unique_key": "id"}
FEATURES = (
    Feature("table", "table", r.rebuilt, {"materialized": "table"}, partition=""),
    Feature("view", "view", r.rebuilt, {"materialized": "view"}, partition=""),
    _incremental("append", r.appended),
    _incremental("insert_overwrite", lambda old, new: r.overwritten(old, new, "part")),
    _incremental("merge", lambda old, new: r.merged(old, new, "id"), config=KEY),
    _incremental("delete+insert", lambda old, new: r.merged(old, new, "id"), config=KEY),
    _incremental(
        "microbatch",
        lambda old, new: r.replaced(old, new, lambda row: row["day"] >= "2024-01-02"),
        config={"event_time": "day", "batch_size": "day", "begin": "2024-01-01"},
        partition="day",
    ),
    _incremental(
        "replace_where",
        lambda old, new: r.replaced(
            old, [row for row in new if row["part"] == "b"], lambda row: row["part"] == "b"
        ),
        config={"incremental_predicates": ["part = 'b'"]},
        where="part = 'b'",
    ),
    Feature(
        "snapshot",
        "snapshot",
        lambda old, new: r.snapshotted(old, new, "id", "name"),
        {**KEY, "strategy": "check", "check_cols": ["name"]},
        kind="snapshot",
        partition="",
    ),
    _schema_change("ignore", r.appended),
    _schema_change("fail", lambda old, new: old, second_fails="extra"),
    _schema_change("append_new_columns", _grown),
    _schema_change(
        "sync_all_columns",
        lambda old, new: r.without(_grown(old, new), "name"),
        selects=(ALL, WITHOUT_NAME, WITHOUT_NAME),
        needs={"delta": {"table_properties": {"delta.columnMapping.mode": "name"}}},
    ),
    Feature("Python table", "python_table", r.rebuilt, {"materialized": "table"}, kind="python"),
    _incremental(
        "insert_overwrite",
        lambda old, new: r.overwritten(old, new, "part"),
        title="Python incremental",
        kind="python",
    ),
    _incremental(
        "append",
        r.appended,
        title="full refresh",
        selects=(ALL, ALL, OTHER_TYPES),
        refreshed=lambda new: [
            {"id": str(row["id"]), "label": row["name"].upper(), "part": row["part"]} for row in new
        ],
    ),
    Feature("clone", "clone", r.rebuilt, kind="clone", partition=""),
)

PYTHON = """
def model(dbt, session):
    dbt.config({config})
    return dbt.ref("source_rows").selectExpr({columns})
"""


@dataclass(frozen=True, eq=False)
class Cell:
    """A format and a feature: the dbt node that shows whether they go together."""

    file_format: str
    feature: Feature

    @property
    def name(self) -> str:
        """The name of the node; a clone has that of the table that it is cloned from."""
        slug = "table" if self.feature.kind == "clone" else self.feature.slug
        return f"{self.file_format}_{slug}"

    @property
    def id(self) -> str:
        return f"{self.file_format}_{self.feature.slug}"

    @property
    def needs(self) -> dict[str, Any]:
        """Configs without which the format refuses what the feature asks for."""
        return self.feature.needs.get(self.file_format, {})

    @property
    def tags(self) -> list[str]:
        return ["refreshed"] if self.feature.refreshed else []

    def config(self) -> dict[str, Any]:
        config = {**self.feature.config, **self.needs, "tags": self.tags}
        if config.get("materialized") != "view":
            config["file_format"] = self.file_format
        if self.feature.partition:
            config["partition_by"] = [self.feature.partition]
        return config

    def expressions(self, run: int) -> list[str]:
        """What the node selects; the format text has one column beside its partitions."""
        columns = self.feature.selects[run - 1]
        if self.file_format == "text":
            joined = ", ".join(sql for name, sql in columns.items() if name not in self._kept())
            columns = {
                "value": f"concat_ws('|', {joined})",
                **{name: sql for name, sql in columns.items() if name in self._kept()},
            }
        return [sql if sql == name else f"{sql} as {name}" for name, sql in columns.items()]

    def _kept(self) -> tuple[str, ...]:
        return (self.feature.partition, "extra")

    def file(self) -> str:
        config = ", ".join(f"{key}={value!r}" for key, value in self.config().items())
        if self.feature.kind == "python":
            columns = ", ".join(map(repr, self.expressions(1)))
            return PYTHON.format(config=config, columns=columns)
        where = self.feature.where and (
            f"{{% if is_incremental() %}} where {self.feature.where} {{% endif %}}"
        )
        if self.feature.slug == "view":
            query = f"select * from {{{{ ref('{self.file_format}_table') }}}}"
        else:
            columns = [", ".join(self.expressions(run)) for run in (1, 2, 3)]
            chosen = f"{{{{ {columns!r}[var('run') - 1] }}}}"
            query = f"select {chosen} from {{{{ ref('source_rows') }}}} {where}"
        text = f"{{{{ config({config}) }}}}\n{query}"
        if self.feature.kind == "snapshot":
            return f"{{% snapshot {self.name} %}}\n{text}\n{{% endsnapshot %}}"
        return text

    def expected(self, run: int) -> Rows:
        """The rows after the first, second or third run."""
        if run == 3 and self.feature.refreshed:
            rows = self.feature.refreshed(SECOND)
        elif run == 1 and self.feature.kind == "snapshot":
            rows = r.with_values(FIRST, current=True)
        else:
            rows = FIRST if run == 1 else self.feature.second(FIRST, SECOND)
        return r.as_text(rows, self._kept()) if self.file_format == "text" else rows


CELLS = [Cell(file_format, feature) for feature in FEATURES for file_format in FORMATS]


def files(kind: str) -> dict[str, str]:
    """The dbt files of the cells of a kind, by their names."""
    ending = "py" if kind == "python" else "sql"
    return {f"{cell.name}.{ending}": cell.file() for cell in CELLS if cell.feature.kind == kind}
