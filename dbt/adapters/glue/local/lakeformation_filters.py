"""Lake Formation's operations on data cells filters: which rows and columns a grant shows."""

from __future__ import annotations

import uuid
from typing import Any

from .catalog_store import page
from .errors import (
    AlreadyExistsException,
    ConcurrentModificationException,
    EntityNotFoundException,
    InvalidInputException,
)
from .lakeformation_resources import Request, Resources, Response, chosen_columns
from .lakeformation_store import Document, Owner


class FilterOperations(Resources):
    def CreateDataCellsFilter(self, request: Request) -> Response:
        data = request["TableData"]
        owner, columns = self.table_of_filter(data)
        if data["Name"] in self.store.filters(owner):
            raise AlreadyExistsException("Data cells filter already exists.")
        self.store.put_filter(owner, data["Name"], _document(data, columns))
        return {}

    def UpdateDataCellsFilter(self, request: Request) -> Response:
        data = request["TableData"]
        owner, columns = self.table_of_filter(data)
        current = self._filter(owner, data["Name"])
        if data.get("VersionId", current["VersionId"]) != current["VersionId"]:
            raise ConcurrentModificationException("The data cells filter has another version.")
        self.store.put_filter(owner, data["Name"], _document(data, columns))
        return {}

    def GetDataCellsFilter(self, request: Request) -> Response:
        owner, _ = self.table_of_filter(request)
        return {"DataCellsFilter": self._filter(owner, request["Name"])}

    def DeleteDataCellsFilter(self, request: Request) -> Response:
        """Its grants go with it."""
        missing = {"TableCatalogId", "DatabaseName", "TableName", "Name"} - set(request)
        if missing:
            raise InvalidInputException(f"Missing: {', '.join(sorted(missing))}")
        owner, _ = self.table_of_filter(request)
        self._filter(owner, request["Name"])
        for grant in self.store.grants():
            on_filter = grant.resource.get("DataCellsFilter", {})
            if grant.owner.name == owner.name and on_filter.get("Name") == request["Name"]:
                self.store.put_grant(grant._replace(permissions=frozenset(), grantable=frozenset()))
        self.store.delete_filter(owner, request["Name"])
        return {}

    def ListDataCellsFilter(self, request: Request) -> Response:
        """The filters of a table; of an absent one there are none."""
        table = request.get("Table", {})
        if "Name" not in table:
            raise InvalidInputException("Local Glue lists the data cells filters of one table.")
        try:
            owner, _ = self.table(table)
        except EntityNotFoundException:
            return {"DataCellsFilters": []}
        filters = self.store.filters(owner)
        shown, token = page(sorted(filters), request)
        return {"DataCellsFilters": [filters[name] for name in shown], **token}

    def _filter(self, owner: Owner, name: str) -> Document:
        filters = self.store.filters(owner)
        if name not in filters:
            raise EntityNotFoundException("Data cells filter not found.")
        return filters[name]


def _document(data: dict[str, Any], known: list[str]) -> Document:
    chosen_columns(data, known)
    rows = data.get("RowFilter", {})
    if ("AllRowsWildcard" in rows) == bool(rows.get("FilterExpression")):
        raise InvalidInputException("Give either FilterExpression or AllRowsWildcard.")
    if "AllRowsWildcard" in rows:
        rows = {"FilterExpression": "TRUE", "AllRowsWildcard": {}}
    return {
        **{name: data[name] for name in ("TableCatalogId", "Name")},
        "DatabaseName": data["DatabaseName"].lower(),
        "TableName": data["TableName"].lower(),
        "RowFilter": rows,
        "ColumnNames": data.get("ColumnNames", []),
        **({"ColumnWildcard": data["ColumnWildcard"]} if "ColumnWildcard" in data else {}),
        "VersionId": uuid.uuid4().hex,
    }
