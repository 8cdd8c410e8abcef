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

from dbt.adapters.glue.other_catalogs import OtherCatalog, OtherCatalogs
from dbt.adapters.glue.sql_text import quoted
from dbt.adapters.glue.table_buckets import TableBuckets
from dbt.adapters.glue.table_format import DEFAULT_FORMAT, FORMATS

logger = AdapterLogger("Glue")

PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
VIEW_MATERIALIZATIONS = ("view",)
# Nodes whose config says which format they are written in.
FORMATTED_NODES = ("model", "snapshot")
BUILT_NODES = (*FORMATTED_NODES, "seed")


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

    `database` is the Spark catalog of a table bucket of S3 Tables, the name of another account's
    Data Catalog, and None for all else: in Spark a database is a schema. So tables of one name in
    two catalogs are two relations to dbt.
    """

    quote_policy: Policy = field(default_factory=GlueQuotePolicy)
    include_policy: Policy = field(default_factory=GlueIncludePolicy)
    quote_character: str = "`"
    require_alias: bool = False
    table_format: str | None = None
    catalog_prefix: str | None = None

    iceberg_catalog: ClassVar[str | None] = "glue_catalog"
    table_buckets: ClassVar[TableBuckets] = TableBuckets()
    other_catalogs: ClassVar[OtherCatalogs] = OtherCatalogs()
    seed_format: ClassVar[str | None] = None
    resolver: ClassVar[Callable[["GlueRelation"], str | None] | None] = None

    @classmethod
    def create_from(
        cls, quoting: Any, relation_config: RelationConfig, **kwargs: Any
    ) -> "GlueRelation":
        for name, value in format_hint(relation_config).items():
            kwargs.setdefault(name, value)
        catalog = cls.configured_catalog(relation_config)
        if catalog:
            kwargs["table_format"] = "s3tables"
        else:
            catalog = cls.catalog_of_source(relation_config)
        if not catalog:
            _warn_of_database(relation_config)
        relation = super().create_from(quoting, relation_config, **kwargs)
        return replace(relation, path=replace(relation.path, database=catalog))

    @classmethod
    def configured_catalog(
        cls, relation_config: RelationConfig, database: str | None = None
    ) -> str | None:
        """The table bucket's Spark catalog that a node or source is in; None for no bucket.

        A model, snapshot or seed says so by `catalog_name`, by `file_format: s3tables` or by
        `database`; a source by `database`. A view is never in one: S3 Tables holds tables only.
        """
        buckets = cls.table_buckets
        named = buckets.catalog(database or configured_database(relation_config))
        get = _config_getter(relation_config)
        kind = str(getattr(relation_config, "resource_type", ""))
        if get is None or kind not in BUILT_NODES or not buckets:
            return named
        if get("materialized") in VIEW_MATERIALIZATIONS:
            return None
        file_format = get("file_format") or (cls.seed_format if kind == "seed" else None)
        chosen = get("catalog_name") or get("catalog")
        if chosen:
            return buckets.catalog(chosen)
        if named or file_format == "s3tables":
            return named or buckets.default
        return buckets.catalog(cls.iceberg_catalog) if file_format == "iceberg" else None

    @classmethod
    def catalog_of_source(cls, relation_config: RelationConfig) -> str | None:
        """The other account's Data Catalog that a source is in, by `meta.catalog_id` or `database`.

        Raises DbtRuntimeError for a catalog_id that is none.
        """
        if str(getattr(relation_config, "resource_type", "")) != "source":
            return None
        get = _config_getter(relation_config)
        meta = {
            **(getattr(relation_config, "meta", None) or {}),
            **((get("meta") if get else None) or {}),
        }
        catalog_id = meta.get("catalog_id")
        found = cls.other_catalogs.name_of(catalog_id or configured_database(relation_config))
        if catalog_id and not found and str(catalog_id) != cls.other_catalogs.own:
            raise DbtRuntimeError(
                f"catalog_id: got {catalog_id!r} in the meta of {relation_config.identifier}, "
                "expected an AWS account id, or a name of the profile's data_catalogs"
            )
        return found

    @classmethod
    def catalog_named(cls, database: str | None) -> str | None:
        """The table bucket's or the other account's catalog; None for the run's own."""
        return cls.table_buckets.catalog(database) or cls.other_catalogs.name_of(database)

    def __post_init__(self) -> None:
        bucket = self.table_buckets.catalog(self.database)
        if bucket is None and self.table_format == "s3tables":
            bucket = self.table_buckets.default
        catalog = bucket or self.other_catalogs.name_of(self.database)
        if catalog != self.database:
            object.__setattr__(self, "path", replace(self.path, database=catalog))
        if bucket and self.type not in (RelationType.View, RelationType.CTE):
            object.__setattr__(self, "table_format", "s3tables")

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
        """Whether it is an Iceberg table, in S3 Tables or elsewhere."""
        return self.table_format in ("iceberg", "s3tables")

    @property
    def is_delta(self) -> bool:
        return self.table_format == "delta"

    @property
    def is_hudi(self) -> bool:
        return self.table_format == "hudi"

    def quoted(self, identifier: str) -> str:
        """The name in backticks; a backtick within is doubled, as Spark's lexer wants."""
        return quoted(identifier)

    def render(self) -> str:
        rendered = super().render()
        if not self._is_in_a_schema():
            return rendered
        prefix = self._prefix()
        if not prefix:
            return self._in_the_session_catalog() if self.other else rendered
        return f"{prefix if PLAIN_NAME.fullmatch(prefix) else self.quoted(prefix)}.{rendered}"

    def _is_in_a_schema(self) -> bool:
        included = self.include_policy.get_part(ComponentName.Schema)
        return bool(included and self.schema and self.identifier)

    def _prefix(self) -> str | None:
        if self.type in (RelationType.View, RelationType.CTE):
            return None
        if self.database and not self.other:
            return self.database
        if self.catalog_prefix is not None and not self.other:
            return self.catalog_prefix
        known = self.table_format
        if known is None and self.resolver is not None:
            known = type(self).resolver(self)  # type: ignore[misc]
        prefixed = known in FORMATS and FORMATS[known].prefixed
        return (self.database if self.other else self.iceberg_catalog) if prefixed else None

    @property
    def other(self) -> OtherCatalog | None:
        """The other account's Data Catalog that the table is in."""
        return self.other_catalogs.find(self.database)

    def _in_the_session_catalog(self) -> str:
        assert self.other
        schema = self.other.schema(self.schema or "")
        return f"{self.quoted(schema)}.{self.quoted(self.identifier or '')}"

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


def _config_getter(relation_config: RelationConfig) -> Callable[[str], Any] | None:
    return getattr(getattr(relation_config, "config", None), "get", None)


def configured_database(relation_config: RelationConfig) -> str | None:
    """The `database` that a source, model or snapshot names."""
    get = _config_getter(relation_config)
    return relation_config.database or (get("database") if get else None)


def _warn_of_database(relation_config: RelationConfig) -> None:
    database = configured_database(relation_config)
    known = GlueRelation.table_buckets.catalog(database)
    if database and not known and database.lower() != (relation_config.schema or "").lower():
        warn_of_database(database)


@functools.cache
def warn_of_database(name: str) -> None:
    """Says once for each name that a `database` has no effect."""
    logger.warning(
        f"database: {name} is not used: in Spark a database is a schema, so `schema` alone says "
        "where a source or model is. Remove `database` from its properties or config."
    )


def format_hint(relation_config: RelationConfig) -> dict[str, str]:
    """What a node's config says of its format; empty for sources and seeds."""
    get = _config_getter(relation_config)
    kind = str(getattr(relation_config, "resource_type", ""))
    if get is None or kind not in FORMATTED_NODES:
        return {}
    if get("materialized") in VIEW_MATERIALIZATIONS:
        return {"catalog_prefix": ""}
    return {"table_format": str(get("file_format") or DEFAULT_FORMAT).strip().lower()}
