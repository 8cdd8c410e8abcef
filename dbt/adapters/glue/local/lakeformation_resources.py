"""What Lake Formation's operations are about: databases, tables and columns of the Data Catalog."""

from __future__ import annotations

from typing import Any

from .catalog_store import ACCOUNT_ID, CatalogStore, check_catalog
from .errors import EntityNotFoundException, InvalidInputException
from .lakeformation_store import LakeFormationStore, Owner

Request = dict[str, Any]
Response = dict[str, Any]

WHOLE = ""  # in place of a column: the database or table itself


class Resources:
    catalog: CatalogStore
    store: LakeFormationStore

    def database(self, resource: dict[str, Any]) -> Owner:
        """Raises EntityNotFoundException, or what Glue answers to a foreign CatalogId."""
        catalog_of(resource)
        entity = self.catalog.database(resource["Name"])
        return self._owner(entity.name, entity.created)

    def table(self, resource: dict[str, Any]) -> tuple[Owner, list[str]]:
        """The table and its columns, as the catalog lists them."""
        catalog_of(resource)
        database = resource["DatabaseName"].lower()
        entity = self.catalog.table(database, resource["Name"])
        storage = entity.document.get("StorageDescriptor") or {}
        columns = [*storage.get("Columns", ()), *entity.document.get("PartitionKeys", ())]
        owner = self._owner(f"{database}.{entity.name}", entity.created)
        return owner, [column["Name"] for column in columns]

    def table_of_filter(self, resource: dict[str, Any]) -> tuple[Owner, list[str]]:
        """The table that a data cells filter belongs to, and its columns."""
        return self.table(
            {
                "CatalogId": resource["TableCatalogId"],
                "DatabaseName": resource["DatabaseName"],
                "Name": resource["TableName"],
            }
        )

    def _owner(self, name: str, created: float) -> Owner:
        owner = Owner(name, created)
        self.store.forget_earlier(owner)
        return owner


def chosen_columns(resource: dict[str, Any], known: list[str]) -> list[str]:
    """The columns of a TableWithColumns or a DataCellsFilter, in the catalog's spelling."""
    spelling = {name.lower(): name for name in known}
    wildcard = resource.get("ColumnWildcard")
    named = resource.get("ColumnNames") or []
    if bool(named) == (wildcard is not None):
        raise InvalidInputException("Give either ColumnNames or ColumnWildcard.")
    excluded = (wildcard or {}).get("ExcludedColumnNames") or []
    absent = [name for name in (*named, *excluded) if name.lower() not in spelling]
    if absent:
        raise EntityNotFoundException(f"Column not found: {', '.join(absent)}")
    if named:
        return [spelling[name.lower()] for name in named]
    without = {name.lower() for name in excluded}
    return [name for lower, name in spelling.items() if lower not in without]


def catalog_of(request: Request) -> str:
    """The catalog that a request or resource names, by default the account's."""
    catalog = request.get("CatalogId", ACCOUNT_ID)
    if catalog.startswith(f"{ACCOUNT_ID}:"):
        raise InvalidInputException(
            f"Local Glue has Lake Formation for the account's own catalog only, not for {catalog}."
        )
    check_catalog(request, "GetDatabase")
    return catalog
