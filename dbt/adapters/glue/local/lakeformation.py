"""Lake Formation: LF-tags, data cells filters and permissions, of the databases and tables that
the Data Catalog has. They are kept, not enforced.

moto has these operations in part only: it forgets the other tags of a resource when one is added,
does not look for tables and tag values, and cannot list the grants of a filter.
"""

from __future__ import annotations

import threading
from typing import Any

from .catalog_store import CatalogStore
from .lakeformation_filters import FilterOperations
from .lakeformation_permissions import PermissionOperations
from .lakeformation_store import LakeFormationStore
from .lakeformation_tags import LFTagOperations
from .validation import checked_request, service_model

SERVICE = "lakeformation"


class LakeFormation(LFTagOperations, FilterOperations, PermissionOperations):
    """`dispatch` is the only way in: it checks the input and calls the operation."""

    def __init__(self, catalog: CatalogStore, store: LakeFormationStore) -> None:
        self.catalog = catalog
        self.store = store
        self._lock = threading.Lock()

    def has(self, operation: str) -> bool:
        known = operation in service_model(SERVICE).operation_names
        return known and hasattr(self, operation)

    def dispatch(self, operation: str, request: Any) -> dict[str, Any]:
        """The answer's members. Raises ApiError."""
        checked = checked_request(operation, request, SERVICE)
        with self._lock:  # an operation reads what it is about to change
            return getattr(self, operation)(checked)

    def close(self) -> None:
        self.store.close()
