"""GlueServices: what the adapter's methods work with, made at the first need."""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import BaseRelation
from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.sql import SQLAdapter

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.connections import GlueConnectionManager, translated
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.storage import TableStorage
from dbt.adapters.glue.temporaries import Temporaries

if TYPE_CHECKING:
    import agate


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

    @functools.cached_property
    def catalog(self) -> DataCatalog:
        return DataCatalog(self.connections.clients, self.credentials.catalog_id)

    @functools.cached_property
    def known(self) -> KnownCatalog:
        return KnownCatalog(self.catalog)

    @functools.cached_property
    def storage(self) -> TableStorage:
        credentials = self.credentials
        return TableStorage(
            self.connections.clients, self.known, credentials.location, credentials.root_location
        )

    @functools.cached_property
    def temporaries(self) -> Temporaries:
        return Temporaries()

    # --- every statement of a run passes here, so that what it changes is not taken as known

    def execute(
        self, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
    ) -> tuple[AdapterResponse, "agate.Table"]:
        with self.known.changing(sql):
            return super().execute(sql, auto_begin=auto_begin, fetch=fetch, limit=limit)

    def add_query(self, sql: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with self.known.changing(sql):
            return super().add_query(sql, *args, **kwargs)

    def run_sql_for_tests(self, sql: str, fetch: str, conn: Any) -> Any:
        with self.known.changing(sql):
            return super().run_sql_for_tests(sql, fetch, conn)

    def _bare(self, schema: str) -> str:
        """The schema without the Spark catalog that older projects put before it."""
        return (schema or "").rpartition(".")[2]

    def _name(self, relation: BaseRelation) -> tuple[str, str]:
        return self._bare(relation.schema or ""), relation.identifier or ""

    def _table(self, relation: BaseRelation, max_age: float = math.inf) -> dict[str, Any] | None:
        return self.known.table(*self._name(relation), max_age)
