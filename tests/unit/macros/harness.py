"""Runs macros as dbt does: core's, dbt-spark's and ours, over an adapter that only takes notes."""

import datetime
import functools
import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dbt.include.global_project
import dbt.include.spark
from dbt_common.clients.jinja import get_environment
from dbt_common.exceptions import CompilationError
from dbt_common.exceptions.macros import MacroReturn

from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.data_methods import DataMethods
from dbt.adapters.glue.incremental_methods import IncrementalMethods
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.schema_changes import SchemaChanges, why_not
from dbt.adapters.glue.table_format import table_format
from dbt.adapters.glue.table_options import (
    custom_location,
    file_options,
    hudi_properties,
    iceberg_properties,
    texts,
)

OURS = Path(__file__).parents[3] / "dbt" / "include" / "glue" / "macros"
# In the order that dbt looks in: the adapter's own, its dependency's, core's.
PACKAGES = [
    OURS,
    Path(dbt.include.spark.PACKAGE_PATH) / "macros",
    Path(dbt.include.global_project.PACKAGE_PATH) / "macros",
]
PREFIX = "dbt_macro__"


@functools.cache
def macro_templates() -> dict[str, Any]:
    """Macro name -> the template that defines it."""
    environment = get_environment(None, capture_macros=False)
    found: dict[str, Any] = {}
    for package in PACKAGES:
        for path in sorted(package.rglob("*.sql")):
            source = path.read_text()
            template = environment.from_string(source)
            for name in template.make_module({}, False).__dict__:
                if name.startswith(PREFIX):
                    found.setdefault(name.removeprefix(PREFIX), template)
    return found


class FakeConfig(dict):
    def persist_relation_docs(self) -> bool:
        return bool(self.get("persist_docs", {}).get("relation"))

    def persist_column_docs(self) -> bool:
        return bool(self.get("persist_docs", {}).get("columns"))


class FakeAdapter:
    """Answers from `relations` and `columns`; keeps the SQL and what was done to data in `log`."""

    behavior = SimpleNamespace(enable_truthy_nulls_equals_macro=SimpleNamespace(no_warn=False))

    def __init__(self, project: "FakeProject") -> None:
        self.project = project
        self.log: list[str] = []
        self.remembered: list[str] = []
        self.relation: GlueRelation | None = None
        self.columns: dict[str, list[GlueColumn]] = {}
        self.increment_columns: list[GlueColumn] = []
        self.properties: dict[str, str] = {}  # of a table
        self.query_columns: list[str] = []
        self.rows: list[tuple[Any, ...]] = []  # of each answer
        self.formats = ["iceberg", "delta"]  # of the session
        self.shared = False  # whether another table lies in the folder
        # what the table that is there has in common with the config
        self.same_definition = self.same_columns = self.in_place = True
        self.version = "3.5.4 abc"
        self.asked: dict[str, GlueRelation] = {}  # the target of the last question of a kind

    def dispatch(self, name: str, package: str | None = None) -> Any:
        for prefix in ("glue__", "spark__", "default__"):
            if prefix + name in macro_templates():
                return self.project.macro(prefix + name)
        raise CompilationError(f"no macro for {name}")

    def execute(self, sql: str, **kwargs: Any) -> tuple[str, Any]:
        text = " ".join(sql.split())
        self.log.append(text)
        columns = [SimpleNamespace(name=name) for name in self.query_columns]
        return "OK", SimpleNamespace(columns=columns, rows=self.rows)

    def get_relation(self, *args: Any, **kwargs: Any) -> GlueRelation | None:
        return self.relation

    def get_columns_in_relation(self, relation: GlueRelation) -> list[GlueColumn]:
        if not relation.include_policy.schema:
            return self.increment_columns
        return self.columns.get(relation.identifier or "", self.increment_columns)

    def drop_relation(self, relation: GlueRelation) -> None:
        self.dispatch("drop_relation")(relation)

    def spark_version(self) -> str:
        return self.version

    def use_python_session(self, model: Any) -> None:
        """The models of these tests are SQL."""

    names_relation = staticmethod(DataMethods.names_relation)
    literal = staticmethod(DataMethods.literal)
    escaped = staticmethod(DataMethods.escaped)
    unescaped = staticmethod(DataMethods.unescaped)
    column_comment = staticmethod(DataMethods.column_comment)
    refuse_grants = staticmethod(DataMethods.refuse_grants)
    partition_items = staticmethod(DataMethods.partition_items)

    def comment_columns(self, relation: GlueRelation, comments: dict[str, str]) -> None:
        self.log.append(f"COMMENT {relation} {comments}")

    def substituted(self, sql: str, variables: Any) -> str:
        for index, value in enumerate(variables or ()):
            sql = sql.replace(f"<SUBSTITUTE_VARIABLE_{index}>", f"value of {value}")
        return sql

    def delta_update_manifest(self, relation: GlueRelation, location: Any, by: list[str]) -> None:
        self.log.append(f"MANIFEST {relation} {location} {by}")

    def remember_temporary(self, relation: GlueRelation) -> None:
        self.remembered.append(str(relation))

    def remember_view(self, view: GlueRelation) -> None:
        """What becomes of views is for functional tests."""

    def session_has(self, file_format: str) -> bool:
        return file_format in self.formats

    def temp_identifier(self, base: str) -> str:
        return f"{base}__dbt_tmp_1"

    def validate_file_format(self, name: str | None = None) -> Any:
        return table_format(name)

    table_format = validate_file_format

    def get_location(
        self, relation: GlueRelation, custom_location: Any = None, as_clause: bool = True
    ) -> str:
        path = custom_location or f"s3://b/{relation.schema}/{relation.identifier}"
        return f"location '{path}'" if as_clause else path

    def custom_location(self, relation: GlueRelation, given: str | None) -> str | None:
        return custom_location(given)

    def recorded_location(self, relation: GlueRelation) -> str:
        return f"s3://b/recorded/{relation.identifier}"

    def drop_query_tables(self, relation: GlueRelation, location: str) -> None:
        self.log.append(f"DROP QUERY TABLES {relation} {location}")

    def render_raw_columns_constraints(self, raw_columns: Any) -> list[str]:
        self.log.append(f"CONSTRAINTS {', '.join(raw_columns)}")
        return []

    def render_raw_model_constraints(self, raw_constraints: Any) -> list[str]:
        return []

    def delete_table_data(
        self, relation: Any, location: str, custom: Any = None, required: bool = False
    ) -> None:
        self.log.append(f"DELETE DATA {location}")

    def clear_location(self, relation: Any, location: str) -> None:
        self.log.append(f"CLEAR {location}")

    def begin_build(self, target: Any, custom: Any = None, kind: str = "table") -> GlueRelation:
        return target.incorporate(path={"identifier": "tab__dbt_tmp_1"}, type=kind)

    def build_location(self, build: GlueRelation) -> str:
        return "s3://b/sch/tab/build_1"

    def is_defined_so(
        self, existing: Any, target: Any, custom: Any, name: str, **definition: Any
    ) -> bool:
        self.definition = definition
        self.asked["definition"] = target
        return self.same_definition

    def has_columns(self, existing: Any, columns: list[GlueColumn]) -> bool:
        return self.same_columns

    def stays_in_place(self, existing: Any, target: Any, custom: Any = None) -> bool:
        self.asked["place"] = target
        return self.in_place

    def put_in_place(self, build: Any, existing: Any, custom: Any = None) -> None:
        self.log.append(f"PUT {build} IN PLACE OF {existing}")

    def moved(self, build: Any, existing: Any, custom: Any, old: str) -> None:
        self.log.append(f"MOVED FROM {old}")

    def replace_delta(self, relation: Any, code: str, query: str, **wanted: Any) -> None:
        self.log.append(f"REPLACE {relation} BY {' '.join(query.split())}")
        self.replaced = wanted

    config_texts = staticmethod(texts)

    def file_options(self, given: Any, file_format: str) -> dict[str, str]:
        return file_options(given, table_format(file_format))

    iceberg_properties = staticmethod(iceberg_properties)
    hudi_properties = staticmethod(hudi_properties)

    def refuse_to_share(self, relation: Any, location: str) -> None:
        if self.shared:
            raise CompilationError(f"{location} is shared")

    def get_column_schema_from_query(self, sql: str) -> list[GlueColumn]:
        self.log.append(" ".join(sql.split()))
        kinds = [re.split("[(<]", column.dtype)[0].upper() for column in self.increment_columns]
        return [
            GlueColumn(column.name, kind)
            for column, kind in zip(self.increment_columns, kinds, strict=True)
        ]

    def upload_seed(self, table: Any, relation: Any, types: Any) -> dict[str, Any]:
        columns = [{"name": name, "type": kind} for name, kind in (types or {}).items()]
        return {"path": "s3://b/tmp/1", "columns": columns}

    def delete_path(self, path: str) -> None:
        self.log.append(f"DELETE PATH {path}")

    def cache_added(self, relation: GlueRelation) -> None:
        self.log.append(f"CACHE {relation}")

    def cache_dropped(self, relation: GlueRelation) -> None:
        """dbt's cache: nothing that a test looks at."""

    def maintain_after_run(self, relation: GlueRelation, wanted: Any) -> None:
        self.log.append(f"MAINTAIN {relation} {wanted}")

    def iceberg_expire_snapshots(self, relation: GlueRelation) -> None:
        self.log.append(f"EXPIRE {relation}")

    def add_lf_tags(self, relation: Any, config: Any) -> None:
        self.log.append(f"TAGS {relation}")

    def apply_lf_grants(self, relation: Any, config: Any) -> None:
        self.log.append(f"LF GRANTS {relation}")

    def glue_rename_relation(self, old: GlueRelation, new: GlueRelation) -> None:
        self.log.append(f"RENAME {old} {new}")

    def duplicate_view(self, old: GlueRelation, new: GlueRelation) -> str:
        return f"create or replace view {new} as select 1"

    def get_hard_deletes_behavior(self, config: Any) -> str:
        return config.get("hard_deletes", "ignore")

    def assert_valid_snapshot_target_given_strategy(self, *args: Any) -> None:
        return None

    default_incremental_strategy = staticmethod(IncrementalMethods.default_incremental_strategy)
    incremental_refusal = staticmethod(IncrementalMethods.incremental_refusal)
    incremental_predicates = staticmethod(IncrementalMethods.incremental_predicates)
    knows_strategy = staticmethod(IncrementalMethods.knows_strategy)
    query_relation = staticmethod(IncrementalMethods.query_relation)
    as_subquery = staticmethod(IncrementalMethods.as_subquery)
    changed_columns = staticmethod(IncrementalMethods.changed_columns)
    changes_to_apply = staticmethod(IncrementalMethods.changes_to_apply)
    has_structs = staticmethod(IncrementalMethods.has_structs)
    shaped_increment = staticmethod(IncrementalMethods.shaped_increment)
    batch_is_aligned = staticmethod(IncrementalMethods.batch_is_aligned)
    batch_window = IncrementalMethods.batch_window
    batch_partitions = IncrementalMethods.batch_partitions
    has_partitions = IncrementalMethods.has_partitions

    def refused_changes(self, relation: GlueRelation, changes: SchemaChanges) -> list[str]:
        return why_not(changes, table_format(relation.table_format), self.properties)

    def write_increment(self, sql: str, source: Any, keys: list[str]) -> tuple[str, Any]:
        self.keys = list(keys)
        return self.execute(sql)

    def get_incremental_strategy_macro(self, context: Any, strategy: str) -> Any:
        return self.project.macro(f"get_incremental_{strategy.replace('+', '_')}_sql")

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"


class FakeProject:
    """One node with its config, and everything that a macro may read."""

    def __init__(self, resource_type: str = "model", sql: str = "select 1 as id", **config: Any):
        self.adapter = FakeAdapter(self)
        self.warnings: list[str] = []
        results: dict[str, Any] = {}
        config.setdefault("materialized", "table")
        self.config = FakeConfig(config)
        self.this = GlueRelation.create(
            schema="sch", identifier="tab", type="table", table_format=config.get("file_format")
        )

        def give_back(value: Any = None) -> None:
            raise MacroReturn(value)

        def fail(message: str) -> None:
            raise CompilationError(message)

        self.context: dict[str, Any] = {
            "adapter": self.adapter,
            "api": SimpleNamespace(Relation=GlueRelation, Column=GlueColumn),
            "config": self.config,
            "execute": True,
            "exceptions": SimpleNamespace(
                raise_compiler_error=fail,
                warn=self.warnings.append,
                relation_wrong_type=lambda relation, kind: fail(f"{relation} is not a {kind}"),
            ),
            "flags": SimpleNamespace(FULL_REFRESH=False, STORE_FAILURES=False),
            "load_agate_table": lambda: SimpleNamespace(rows=[1, 2]),
            "load_result": results.get,
            "log": lambda *args, **kwargs: "",
            "model": FakeModel(resource_type, self.config, sql),
            "modules": SimpleNamespace(re=re, datetime=datetime, itertools=itertools),
            "post_hooks": [],
            "pre_hooks": [],
            "return": give_back,
            "sql": sql,
            "store_raw_result": lambda name, **kwargs: results.update({name: kwargs}) or "",
            "store_result": lambda name, response, agate_table=None: (
                results.update({name: SimpleNamespace(table=agate_table)}) or ""
            ),
            "target": {"seed_format": "parquet", "seed_mode": "overwrite"},
            "this": self.this,
            "write": lambda text: "",
        }
        macros = {name: self.macro(name) for name in macro_templates()}
        self.context = macros | self.context
        self.context |= {"context": self.context, "dbt": SimpleNamespace(**macros)}

    def macro(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            module = macro_templates()[name].make_module(self.context, False)
            try:
                return getattr(module, PREFIX + name)(*args, **kwargs)
            except MacroReturn as returned:
                return returned.value

        return call

    def run(self, materialization: str) -> list[str]:
        """What the materialization sent to Spark and did to data, in order."""
        self.macro(f"materialization_{materialization}_glue")()
        return self.adapter.log

    def render(self, name: str, *args: Any, **kwargs: Any) -> str:
        return " ".join(str(self.macro(name)(*args, **kwargs)).split())

    def existing(self, name: str | None, type: str = "table") -> None:
        self.adapter.relation = GlueRelation.create(
            schema="sch", identifier="tab", type=type, table_format=name
        )


class FakeModel(dict):
    """A node, read by Jinja both as attributes and as items."""

    def __init__(self, resource_type: str, config: FakeConfig, sql: str) -> None:
        super().__init__(
            resource_type=resource_type,
            config=config,
            compiled_code=sql,
            name="tab",
            alias="tab",
            schema="sch",
            database=None,
            description=config.pop("description", ""),
            columns=config.pop("columns", {}),
            constraints=[],
            unique_id=f"{resource_type}.proj.tab",
            batch=None,
            language="sql",
        )
        self.__dict__ = self


def columns(**types: str) -> list[GlueColumn]:
    return [GlueColumn(name, kind) for name, kind in types.items()]
