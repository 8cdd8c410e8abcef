"""GlueServices: what the adapter's methods work with, made at the first need."""

import functools
from collections.abc import Callable
from typing import Any

from dbt.adapters.base import BaseRelation
from dbt.adapters.sql import SQLAdapter

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.connections import GlueConnectionManager, translated
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.storage import TableStorage
from dbt.adapters.glue.temporaries import Temporaries


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
    def storage(self) -> TableStorage:
        credentials = self.credentials
        return TableStorage(
            self.connections.clients, self.catalog, credentials.location, credentials.root_location
        )

    @functools.cached_property
    def temporaries(self) -> Temporaries:
        return Temporaries()

    def _bare(self, schema: str) -> str:
        """The schema without the Spark catalog that older projects put before it."""
        return (schema or "").rpartition(".")[2]

    def _name(self, relation: BaseRelation) -> tuple[str, str]:
        return self._bare(relation.schema or ""), relation.identifier or ""

    def _table(self, relation: BaseRelation) -> dict[str, Any] | None:
        return self.catalog.get_table(*self._name(relation))
