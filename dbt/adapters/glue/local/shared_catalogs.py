"""Data Catalogs of other accounts that are shared with this one: the knob `shared_catalogs`.

They are kept apart from the metastore, so Spark's session catalog sees nothing of them, and
Iceberg's GlueCatalog with a `glue.id` does. Any other account's catalog is refused
(`check_catalog`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import table_mapping as mapping
from .catalog_store import ACCOUNT_ID
from .federated_operations import CATALOG_OPERATIONS, FederatedOperations
from .table_buckets import TableBucketStore
from .table_mapping import Document
from .table_operations import table_answer, table_input
from .versions import Entity

Request = dict[str, Any]
Response = dict[str, Any]


class SharedCatalogStore(TableBucketStore):
    """The same for accounts, whose databases lie where they are said to."""

    def _placed(self, bucket: str, document: Document) -> Document:
        return document


class SharedCatalogOperations(FederatedOperations):
    """`accounts` gives the knob: account ids, separated by commas."""

    kind = "the catalog of another account"

    def __init__(self, store: SharedCatalogStore, accounts: Callable[[], str]) -> None:
        super().__init__(store, lambda _: None)
        self._accounts = accounts

    def serves(self, operation: str, request: Request) -> bool:
        account = str(request.get("CatalogId") or "")
        if operation in CATALOG_OPERATIONS or account in ("", ACCOUNT_ID):
            return False
        return account in self._accounts().split(",")

    def dispatch(self, operation: str, request: Request) -> Response:
        self._store.ensure_bucket(self._bucket(request))
        return super().dispatch(operation, request)

    def ensure_bucket(self, bucket: str) -> None:
        """An account has its catalog from the start."""

    def _bucket(self, request: Request) -> str:
        return str(request["CatalogId"])

    def _document(self, request: Request) -> Document:
        return mapping.lower_names(table_input(request))

    def _database(self, request: Request, entity: Entity) -> Response:
        account = self._bucket(request)
        return {**entity.document, "CreateTime": entity.created, "CatalogId": account}

    def _table(self, request: Request, entity: Entity) -> Response:
        answer = table_answer(str(request["DatabaseName"]).lower(), entity)
        return {**answer, "CatalogId": self._bucket(request)}
