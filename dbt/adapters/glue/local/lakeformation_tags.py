"""Lake Formation's operations on LF-tags, and on the databases, tables and columns that have them.

A table has the tags of its database, and a column those of its table, unless it has another value
of the same key.
"""

from __future__ import annotations

from typing import Any

from .catalog_store import ACCOUNT_ID, page
from .errors import EntityNotFoundException, InvalidInputException
from .lakeformation_resources import (
    WHOLE,
    Request,
    Resources,
    Response,
    catalog_of,
    chosen_columns,
)
from .lakeformation_store import Owner

_NO_TAG = "Tag or tag value does not exist."


class LFTagOperations(Resources):
    def CreateLFTag(self, request: Request) -> Response:
        catalog_of(request)
        if request["TagKey"] in self.store.tags():
            raise InvalidInputException("Tag key already exists")
        self.store.put_tag(request["TagKey"], list(dict.fromkeys(request["TagValues"])))
        return {}

    def GetLFTag(self, request: Request) -> Response:
        catalog = catalog_of(request)
        key = request["TagKey"]
        return {"CatalogId": catalog, "TagKey": key, "TagValues": self._values(key)}

    def ListLFTags(self, request: Request) -> Response:
        catalog = catalog_of(request)
        tags = self.store.tags()
        shown, token = page(sorted(tags), request, size=50)
        pairs = [{"CatalogId": catalog, "TagKey": key, "TagValues": tags[key]} for key in shown]
        return {"LFTags": pairs, **token}

    def UpdateLFTag(self, request: Request) -> Response:
        catalog_of(request)
        key = request["TagKey"]
        removed = request.get("TagValuesToDelete", [])
        if any(self.store.is_assigned(key, value) for value in removed):
            raise InvalidInputException(
                "Update not allowed. Untag the attribute before deleting the LF-tag key's value."
            )
        values = [value for value in self._values(key) if value not in removed]
        values = list(dict.fromkeys([*values, *request.get("TagValuesToAdd", [])]))
        if not values:
            raise InvalidInputException("An LF-tag has one value at least.")
        self.store.put_tag(key, values)
        return {}

    def DeleteLFTag(self, request: Request) -> Response:
        catalog_of(request)
        self._values(request["TagKey"])
        self.store.delete_tag(request["TagKey"])
        return {}

    def AddLFTagsToResource(self, request: Request) -> Response:
        catalog_of(request)
        owner, columns = self._tagged(request["Resource"])
        tags = self.store.tags()
        failures = []
        for key, value in _pairs(request["LFTags"]):
            if value in tags.get(key, ()):
                self.store.assign(owner, columns, key, value)
            else:
                failures.append(_failure(key, value, _NO_TAG))
        return {"Failures": failures}

    def RemoveLFTagsFromResource(self, request: Request) -> Response:
        catalog_of(request)
        owner, columns = self._tagged(request["Resource"])
        assigned = self.store.assigned(owner)
        failures = []
        for key, value in _pairs(request["LFTags"]):
            if any(assigned.get(column, {}).get(key) != value for column in columns):
                failures.append(_failure(key, value, "The tag is not assigned to the resource."))
            else:
                self.store.unassign(owner, columns, key)
        return {"Failures": failures}

    def GetResourceLFTags(self, request: Request) -> Response:
        catalog_of(request)
        resource = request["Resource"]
        only_assigned = request.get("ShowAssignedLFTags", False)
        if "Database" in resource:
            assigned = self.store.assigned(self.database(resource["Database"]))
            return _answer(LFTagOnDatabase=_tag_pairs(assigned.get(WHOLE, {})))
        table = resource.get("Table") or resource.get("TableWithColumns")
        owner, columns = self._tagged(resource)
        if "Table" in resource:
            columns = self.table(table)[1]
        database = self.database({"Name": table["DatabaseName"]})
        of_database = self.store.assigned(database).get(WHOLE, {})
        assigned = self.store.assigned(owner)
        of_table = assigned.get(WHOLE, {})
        if not only_assigned:
            of_table = {**of_database, **of_table}
        on_columns = []
        for column in columns:
            of_column = assigned.get(column, {})
            if not only_assigned:
                of_column = {**of_table, **of_column}
            if of_column:
                on_columns.append({"Name": column, "LFTags": _tag_pairs(of_column)})
        return _answer(
            LFTagOnDatabase=_tag_pairs(of_database),
            LFTagsOnTable=_tag_pairs(of_table),
            LFTagsOnColumns=on_columns,
        )

    def _values(self, key: str) -> list[str]:
        tags = self.store.tags()
        if key not in tags:
            raise EntityNotFoundException("Tag key not found.")
        return tags[key]

    def _tagged(self, resource: dict[str, Any]) -> tuple[Owner, list[str]]:
        """What is tagged, and its columns; WHOLE for a database or table itself."""
        if "Database" in resource:
            return self.database(resource["Database"]), [WHOLE]
        if "Name" in resource.get("Table", {}):
            return self.table(resource["Table"])[0], [WHOLE]
        if "TableWithColumns" in resource:
            owner, known = self.table(resource["TableWithColumns"])
            return owner, chosen_columns(resource["TableWithColumns"], known)
        raise InvalidInputException(
            f"LF-tags are for a database, a table or columns, not for {', '.join(resource)}."
        )


def _pairs(tags: list[dict[str, Any]]) -> list[tuple[str, str]]:
    keys = [tag["TagKey"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise InvalidInputException("Provided list of tags contains duplicate tag key")
    if any(len(tag["TagValues"]) != 1 or tag["TagValues"] == ["*"] for tag in tags):
        raise InvalidInputException(
            "Tag value wild card was found or input tag value list has size not equal to 1"
        )
    return [(tag["TagKey"], tag["TagValues"][0]) for tag in tags]


def _tag_pairs(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"CatalogId": ACCOUNT_ID, "TagKey": key, "TagValues": [value]}
        for key, value in sorted(tags.items())
    ]


def _failure(key: str, value: str, message: str) -> dict[str, Any]:
    return {
        "LFTag": {"CatalogId": ACCOUNT_ID, "TagKey": key, "TagValues": [value]},
        "Error": {"ErrorCode": "EntityNotFoundException", "ErrorMessage": message},
    }


def _answer(**lists: list[dict[str, Any]]) -> Response:
    return {name: found for name, found in lists.items() if found}
