"""Lake Formation's operations on permissions: who may do what with a resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .catalog_store import ACCOUNT_ID, error_detail, page
from .errors import ApiError, EntityNotFoundException, InvalidInputException
from .lakeformation_resources import Request, Resources, Response, catalog_of
from .lakeformation_store import Document, Grant, Owner

_BATCH = 20  # entries, as the API reference says; botocore's model has no bound
_KINDS = {
    "CATALOG": ("Catalog",),
    "DATABASE": ("Database",),
    "TABLE": ("Table", "TableWithColumns"),
    "DATA_LOCATION": ("DataLocation",),
    "LF_TAG": ("LFTag",),
    "LF_TAG_POLICY": ("LFTagPolicy",),
}


class PermissionOperations(Resources):
    def GrantPermissions(self, request: Request) -> Response:
        catalog_of(request)
        principal, resource, owner = self._subject(request)
        granted = self._grant(principal, resource, owner)
        asked, grantable = _asked(request)
        self.store.put_grant(
            granted._replace(
                permissions=granted.permissions | asked | grantable,
                grantable=granted.grantable | grantable,
            )
        )
        return {}

    def RevokePermissions(self, request: Request) -> Response:
        catalog_of(request)
        principal, resource, owner = self._subject(request)
        granted = self._grant(principal, resource, owner)
        asked, grantable = _asked(request)
        lacking = sorted((asked - granted.permissions) | (grantable - granted.grantable))
        if lacking:
            raise InvalidInputException(
                f"No permissions revoked. Grantee does not have:[{', '.join(lacking)}]"
            )
        self.store.put_grant(
            granted._replace(
                permissions=granted.permissions - asked,
                grantable=granted.grantable - grantable - asked,
            )
        )
        return {}

    def BatchGrantPermissions(self, request: Request) -> Response:
        return self._batch(request, self.GrantPermissions)

    def BatchRevokePermissions(self, request: Request) -> Response:
        return self._batch(request, self.RevokePermissions)

    def ListPermissions(self, request: Request) -> Response:
        """Those on this very resource: a table's do not hold those of its columns and filters."""
        catalog_of(request)
        if "Principal" in request and "Resource" not in request:
            raise InvalidInputException("Resource is mandatory if Principal is set in the input.")
        principal = request.get("Principal", {}).get("DataLakePrincipalIdentifier")
        kinds = _kinds(request)
        wanted = None
        if "Resource" in request:
            wanted, owner = _normal(request["Resource"]), self._owner_of(request["Resource"])
            self.store.forget_earlier(owner)
        found = {
            f"{number:08}": _answer(grant)
            for number, grant in enumerate(self.store.grants())
            if (principal is None or grant.principal == principal)
            and (wanted is None or grant.resource == wanted)
            and (kinds is None or set(grant.resource) & set(kinds))
        }
        shown, token = page(list(found), request)
        return {"PrincipalResourcePermissions": [found[key] for key in shown], **token}

    def _batch(self, request: Request, one: Callable[[Request], Response]) -> Response:
        entries = request["Entries"]
        if len(entries) > _BATCH:
            raise InvalidInputException(f"Entries: at most {_BATCH}, got {len(entries)}.")
        failures = []
        for entry in entries:
            try:
                one({**entry, "CatalogId": catalog_of(request)})
            except ApiError as error:
                failures.append({"RequestEntry": entry, "Error": error_detail(error)})
        return {"Failures": failures}

    def _subject(self, request: Request) -> tuple[str, Document, Owner]:
        if "Principal" not in request or "Resource" not in request:
            raise InvalidInputException("Principal and Resource are mandatory.")
        principal = request["Principal"].get("DataLakePrincipalIdentifier")
        if not principal:
            raise InvalidInputException("DataLakePrincipalIdentifier is mandatory.")
        return principal, _normal(request["Resource"]), self._owner_of(request["Resource"])

    def _owner_of(self, resource: dict[str, Any]) -> Owner:
        if "Database" in resource:
            return self.database(resource["Database"])
        if "Name" in resource.get("Table", {}):
            return self.table(resource["Table"])[0]
        if "Table" in resource:
            return self.database({**resource["Table"], "Name": resource["Table"]["DatabaseName"]})
        if "TableWithColumns" in resource:
            return self.table(resource["TableWithColumns"])[0]
        if "DataCellsFilter" in resource:
            return self._owner_of_filter(resource["DataCellsFilter"])
        return Owner("")

    def _owner_of_filter(self, resource: dict[str, Any]) -> Owner:
        owner, _ = self.table_of_filter(resource)
        if resource.get("Name") not in self.store.filters(owner):
            raise EntityNotFoundException("Data cells filter not found.")
        return owner

    def _grant(self, principal: str, resource: Document, owner: Owner) -> Grant:
        for grant in self.store.grants():
            if (grant.principal, grant.resource) == (principal, resource):
                return grant
        return Grant(principal, resource, owner, frozenset(), frozenset())


def _kinds(request: Request) -> tuple[str, ...] | None:
    asked = request.get("ResourceType")
    if asked is not None and asked not in _KINDS:
        raise InvalidInputException(f"Local Glue does not list by ResourceType {asked}.")
    return _KINDS[asked] if asked else None


def _asked(request: Request) -> tuple[frozenset[str], frozenset[str]]:
    asked = frozenset(request.get("Permissions", []))
    grantable = frozenset(request.get("PermissionsWithGrantOption", []))
    if not asked and not grantable:
        raise InvalidInputException("Permissions list is empty.")
    return asked, grantable


def _normal(resource: dict[str, Any]) -> Document:
    """A Resource with the catalog that it leaves out, and names in lower case."""
    if len(resource) != 1:
        raise InvalidInputException("Resource must have exactly one field populated.")
    [(kind, given)] = resource.items()
    catalog = "TableCatalogId" if kind == "DataCellsFilter" else "CatalogId"
    normal = dict(given) if kind == "Catalog" else {catalog: ACCOUNT_ID, **given}
    for name in ("DatabaseName", "TableName"):
        if name in normal:
            normal[name] = normal[name].lower()
    if kind in ("Database", "Table", "TableWithColumns") and "Name" in normal:
        normal["Name"] = normal["Name"].lower()
    return {kind: normal}


def _answer(grant: Grant) -> Document:
    return {
        "Principal": {"DataLakePrincipalIdentifier": grant.principal},
        "Resource": grant.resource,
        "Permissions": sorted(grant.permissions),
        "PermissionsWithGrantOption": sorted(grant.grantable),
    }
