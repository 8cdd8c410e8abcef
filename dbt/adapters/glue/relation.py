"""GlueRelation: a name, what it is, and which Spark catalog it is read through."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from dbt.adapters.base.relation import BaseRelation, Policy
from dbt.adapters.contracts.relation import ComponentName, RelationConfig, RelationType
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.table_format import FORMATS

logger = AdapterLogger("Glue")

PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
VIEW_MATERIALIZATIONS = ("view",)
# Nodes whose config says which format they are written in.
FORMATTED_NODES = ("model", "snapshot")


@dataclass
class GlueQuotePolicy(Policy):
    database: bool = True
    schema: bool = True
    identifier: bool = True


@dataclass
class GlueIncludePolicy(Policy):
    database: bool = False
    schema: bool = True
    identifier: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class GlueRelation(BaseRelation):
    """A table or view of the Data Catalog.

    table_format is a name of `table_format.FORMATS`, or None for a view and for what is not known
    yet. catalog_prefix is the Spark catalog to render before the schema: None where it follows
    from table_format, "" for none.

    Rendering a relation of unknown format asks `resolver`, which the adapter sets and which
    answers at run time only; so a source in Iceberg gets its prefix too.

    `database` is always None: in Spark a database is a schema.
    """

    quote_policy: Policy = field(default_factory=GlueQuotePolicy)
    include_policy: Policy = field(default_factory=GlueIncludePolicy)
    quote_character: str = "`"
    require_alias: bool = False
    table_format: str | None = None
    catalog_prefix: str | None = None

    iceberg_catalog: ClassVar[str | None] = "glue_catalog"
    resolver: ClassVar[Callable[["GlueRelation"], str | None] | None] = None

    @classmethod
    def create_from(
        cls, quoting: Any, relation_config: RelationConfig, **kwargs: Any
    ) -> "GlueRelation":
        for name, value in format_hint(relation_config).items():
            kwargs.setdefault(name, value)
        database = configured_database(relation_config)
        if database and database.lower() != (relation_config.schema or "").lower():
            warn_of_database(database)
        return super().create_from(quoting, relation_config, **kwargs)

    def __post_init__(self) -> None:
        if self.database:
            object.__setattr__(self, "path", replace(self.path, database=None))

    def matches(
        self,
        database: str | None = None,
        schema: str | None = None,
        identifier: str | None = None,
    ) -> bool:
        """Whether this is the relation of that name; the Data Catalog knows lower case only."""
        if not (schema or identifier):
            raise DbtRuntimeError("Tried to match relation, but no search path was passed!")
        return all(
            wanted is None or wanted.lower() == (part or "").lower()
            for wanted, part in ((schema, self.schema), (identifier, self.identifier))
        )

    @property
    def is_iceberg(self) -> bool:
        return self.table_format == "iceberg"

    @property
    def is_delta(self) -> bool:
        return self.table_format == "delta"

    @property
    def is_hudi(self) -> bool:
        return self.table_format == "hudi"

    def quoted(self, identifier: str) -> str:
        """The name in backticks; a backtick within is doubled, as Spark's lexer wants."""
        return "`" + identifier.replace("`", "``") + "`"

    def render(self) -> str:
        rendered = super().render()
        prefix = self._prefix() if self._is_in_a_schema() else None
        if not prefix:
            return rendered
        return f"{prefix if PLAIN_NAME.fullmatch(prefix) else self.quoted(prefix)}.{rendered}"

    def _is_in_a_schema(self) -> bool:
        included = self.include_policy.get_part(ComponentName.Schema)
        return bool(included and self.schema and self.identifier)

    def _prefix(self) -> str | None:
        if self.type in (RelationType.View, RelationType.CTE):
            return None
        if self.catalog_prefix is not None:
            return self.catalog_prefix
        known = self.table_format
        if known is None and self.resolver is not None:
            known = type(self).resolver(self)  # type: ignore[misc]
        prefixed = known in FORMATS and FORMATS[known].prefixed
        return self.iceberg_catalog if prefixed else None

    def render_bare(self) -> str:
        """The name without a Spark catalog, as the Data Catalog and its procedures know it."""
        return super().render()

    def _identity(self) -> dict[str, Any]:
        known = self.to_dict(omit_none=True)
        return {k: v for k, v in known.items() if k not in ("table_format", "catalog_prefix")}

    def __eq__(self, other: object) -> bool:
        """What is known of the format does not make it another relation."""
        return isinstance(other, GlueRelation) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.schema, self.identifier))


def configured_database(relation_config: RelationConfig) -> str | None:
    """The `database` that a source, model or snapshot names."""
    get = getattr(getattr(relation_config, "config", None), "get", None)
    return relation_config.database or (get("database") if get else None)


@functools.cache
def warn_of_database(name: str) -> None:
    """Says once for each name that a `database` has no effect."""
    logger.warning(
        f"database: {name} is not used: in Spark a database is a schema, so `schema` alone says "
        "where a source or model is. Remove `database` from its properties or config."
    )


def format_hint(relation_config: RelationConfig) -> dict[str, str]:
    """What a node's config says of its format; empty for sources and seeds."""
    config = getattr(relation_config, "config", None)
    get = getattr(config, "get", None)
    kind = str(getattr(relation_config, "resource_type", ""))
    if get is None or kind not in FORMATTED_NODES:
        return {}
    if get("materialized") in VIEW_MATERIALIZATIONS:
        return {"catalog_prefix": ""}
    name = get("file_format")
    return {"table_format": str(name).strip().lower()} if name else {"table_format": "parquet"}
