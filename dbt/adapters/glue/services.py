"""GlueServices: what the adapter's methods work with, made at the first need."""

import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from dbt.adapters.base import BaseRelation
from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.sql import SQLAdapter

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.connections import GlueConnectionManager, translated
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import CatalogError, NotImplementedByGlue
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.other_catalogs import unnamed
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.storage import TableStorage
from dbt.adapters.glue.temporaries import Temporaries

if TYPE_CHECKING:
    import agate

_T = TypeVar("_T")


_making = threading.RLock()


class shared_property(functools.cached_property[_T]):
    """A cached_property of which all of dbt's threads get one object: from Python 3.12 on functools
    makes one for each thread that asks at the same time."""

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        with _making:
            return super().__get__(instance, owner)


def glue_errors(method: Callable[..., Any]) -> Callable[..., Any]:
    """Raises our errors as dbt's."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with translated():
            return method(*args, **kwargs)

    return wrapped


class GlueServices(SQLAdapter):
    ConnectionManager = GlueConnectionManager
    connections: GlueConnectionManager

    @property
    def credentials(self) -> GlueCredentials:
        return self.config.credentials

    @shared_property
    def catalog(self) -> DataCatalog:
        return DataCatalog(self.connections.clients, self.credentials.catalog_id)

    @shared_property
    def known(self) -> KnownCatalog:
        return KnownCatalog(self.catalog)

    @shared_property
    def _known_elsewhere(self) -> dict[str, KnownCatalog]:
        """Of the table buckets and of other accounts' Data Catalogs."""
        clients, credentials = self.connections.clients, self.credentials
        ids = {
            **{name: bucket.catalog_id for name, bucket in credentials.table_buckets.items()},
            **{name: other.account for name, other in credentials.other_catalogs.items()},
        }
        return {name: KnownCatalog(DataCatalog(clients, found)) for name, found in ids.items()}

    def known_in(self, database: str | None) -> KnownCatalog:
        """What is known of the Data Catalog, or of the other catalog that database names.

        Raises ConfigurationError for an account that the profile does not name.
        """
        catalog = GlueRelation.catalog_named(database)
        if catalog is None:
            return self.known
        if catalog not in self._known_elsewhere:
            raise unnamed(catalog)
        return self._known_elsewhere[catalog]

    def catalog_in(self, database: str | None) -> DataCatalog:
        return self.known_in(database).catalog

    @shared_property
    def storage(self) -> TableStorage:
        credentials = self.credentials
        return TableStorage(
            self.connections.clients, self.known, credentials.location, credentials.root_location
        )

    @shared_property
    def temporaries(self) -> Temporaries:
        return Temporaries()

    def create_namespace(self, database: str, schema: str) -> None:
        """A database in a table bucket; where it lies is S3 Tables' to say."""
        if self.credentials.lf_tags:
            raise NotImplementedByGlue(
                f"lf_tags is not implemented for databases of S3 Tables such as {schema}",
                hint=f"Make the namespace {schema} and tag it yourself, or remove lf_tags.",
            )
        known = self.known_in(database)
        try:
            known.catalog.create_database(schema)
        except CatalogError as error:
            if error.code != "EntityNotFoundException":
                raise
            raise CatalogError(
                error.message,
                operation="CreateDatabase",
                code=error.code,
                hint=f"The table bucket of {database} must exist, and be integrated with AWS "
                "analytics services: the catalog s3tablescatalog of the Data Catalog.",
            ) from error
        known.add_database(schema, None)

    # --- every statement of a run passes here, so that what it changes is not taken as known

    def execute(
        self, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
    ) -> tuple[AdapterResponse, "agate.Table"]:
        with self.changing(sql):
            return super().execute(sql, auto_begin=auto_begin, fetch=fetch, limit=limit)

    def add_query(self, sql: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with self.changing(sql):
            return super().add_query(sql, *args, **kwargs)

    def run_sql_for_tests(self, sql: str, fetch: str, conn: Any) -> Any:
        with self.changing(sql):
            return super().run_sql_for_tests(sql, fetch, conn)

    @contextmanager
    def changing(self, sql: str) -> Iterator[None]:
        """What the SQL may change is not taken as known from here on, in any catalog."""
        with ExitStack() as stack:
            for known in (self.known, *self._known_elsewhere.values()):
                stack.enter_context(known.changing(sql))
            yield

    def _bare(self, schema: str) -> str:
        """The schema without the Spark catalog that older projects put before it."""
        return (schema or "").rpartition(".")[2]

    def _name(self, relation: BaseRelation) -> tuple[str, str]:
        return self._bare(relation.schema or ""), relation.identifier or ""

    def _table(self, relation: BaseRelation, max_age: float = math.inf) -> dict[str, Any] | None:
        return self.known_in(relation.database).table(*self._name(relation), max_age)
