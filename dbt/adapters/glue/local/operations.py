"""Local Glue's API operations, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .catalog_store import CatalogStore
from .database_operations import DatabaseOperations
from .errors import UnknownOperationException
from .federated_operations import CATALOG_OPERATIONS, FederatedOperations
from .knobs import CallGate
from .partition_operations import PartitionOperations
from .session_operations import SessionOperations
from .sessions import Sessions
from .shared_catalogs import SharedCatalogOperations
from .table_operations import TableOperations
from .tag_operations import TagOperations
from .validation import checked_request, operation_model

# Operations whose requests name locations that are to come into being.
_NAMING_LOCATIONS = frozenset(
    {
        "CreateDatabase",
        "UpdateDatabase",
        "CreateTable",
        "UpdateTable",
        "CreatePartition",
        "BatchCreatePartition",
        "UpdatePartition",
        "BatchUpdatePartition",
    }
)


class Operations(
    DatabaseOperations, TableOperations, PartitionOperations, SessionOperations, TagOperations
):
    """`dispatch` is the only way in: it counts, checks the input, and calls the operation."""

    def __init__(
        self,
        catalog: CatalogStore,
        sessions: Sessions,
        gate: CallGate,
        on_text: Callable[[str], object],
        federated: FederatedOperations,
        shared: SharedCatalogOperations | None = None,
    ) -> None:
        """`on_text` gets what may name S3 buckets, before the operation runs."""
        self.catalog = catalog
        self.sessions = sessions
        self._gate = gate
        self._on_text = on_text
        self._federated = federated
        self._elsewhere = [federated, *([shared] if shared else [])]

    def dispatch(self, operation: str, request: Any) -> dict[str, Any]:
        """The answer's members. Raises ApiError."""
        self._gate.enter(operation)
        operation_model(operation)
        method = getattr(self, operation, None)
        if method is None and operation not in CATALOG_OPERATIONS:
            raise UnknownOperationException(
                f"Local Glue does not implement {operation}. It has interactive sessions and the "
                "Data Catalog's databases, tables and partitions."
            )
        checked = checked_request(operation, request)
        if operation in _NAMING_LOCATIONS:
            self._on_text(json.dumps(checked, ensure_ascii=False))
        for elsewhere in self._elsewhere:
            if elsewhere.serves(operation, checked):
                return elsewhere.dispatch(operation, checked)
        if operation == "CreateSession":
            self._federated.ensure_buckets_in(checked.get("DefaultArguments", {}).get("--conf", ""))
        answer: dict[str, Any] = method(checked)  # type: ignore[misc]
        return answer
