"""Tags of databases and sessions, by ARN."""

from __future__ import annotations

import re
from typing import Any

from .catalog_store import ACCOUNT_ID, CatalogStore, database_arn
from .errors import EntityNotFoundException, InvalidInputException
from .sessions import Sessions

Request = dict[str, Any]
Response = dict[str, Any]

_ARN = re.compile(r"arn:aws[^:]*:glue:[^:]*:(?P<account>\d+):(?P<kind>[^/]+)/(?P<name>.+)")


class TagOperations:
    catalog: CatalogStore
    sessions: Sessions

    def GetTags(self, request: Request) -> Response:
        kind, name = _resource(request)
        if kind == "session":
            return {"Tags": self.sessions.find(name).tags()}
        return {"Tags": self.catalog.versions.tags(self._database(name))}

    def TagResource(self, request: Request) -> Response:
        kind, name = _resource(request)
        if kind == "session":
            self.sessions.find(name).tag(request["TagsToAdd"])
        else:
            self.catalog.versions.set_tags(self._database(name), request["TagsToAdd"])
        return {}

    def UntagResource(self, request: Request) -> Response:
        kind, name = _resource(request)
        if kind == "session":
            self.sessions.find(name).untag(request["TagsToRemove"])
        else:
            self.catalog.versions.remove_tags(self._database(name), request["TagsToRemove"])
        return {}

    def _database(self, name: str) -> str:
        return database_arn(self.catalog.require_database(name))


def _resource(request: Request) -> tuple[str, str]:
    """(database or session, its name)."""
    arn = request["ResourceArn"]
    found = _ARN.fullmatch(arn)
    if found is None or found["kind"] not in ("database", "session"):
        raise InvalidInputException(
            f"Local Glue keeps tags of databases and sessions only, not of {arn}."
        )
    if found["account"] != ACCOUNT_ID:
        raise EntityNotFoundException(f"{arn} is not in this account, {ACCOUNT_ID}.")
    return found["kind"], found["name"]
