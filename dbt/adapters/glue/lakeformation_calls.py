"""LakeFormationCalls: one call of Lake Formation, and what its errors mean.

The API answers some refusals with success and a list of Failures: they are errors here too. Each
error says what it was about and, where a permission is missing, which.
"""

import functools
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from dbt.adapters.glue.aws_answers import ACCESS_DENIED_CODES, fault_of
from dbt.adapters.glue.clients import GlueClients, call
from dbt.adapters.glue.exceptions import CatalogError, Fault
from dbt.adapters.glue.retries import CONFLICT

# Lake Formation refuses what comes at the same time as another change, and asks for a repetition.
CONFLICT_ATTEMPTS = 6
CONFLICT_PAUSE = 0.25  # seconds, doubled each time

PRINCIPAL = "DataLakePrincipalIdentifier"

ON_TAGGED = (
    "ASSOCIATE on the LF-tag, and on what is tagged all permissions with the grant option (who "
    "made it has them)"
)
ON_TABLE = "SELECT with the grant option on the whole table"
# What Lake Formation asks for beside IAM's lakeformation:<operation>.
GRANTED_THERE = {
    "GetResourceLFTags": "DESCRIBE on the LF-tags and on the database or table",
    "AddLFTagsToResource": ON_TAGGED,
    "RemoveLFTagsFromResource": ON_TAGGED,
    "ListDataCellsFilter": ON_TABLE,
    "CreateDataCellsFilter": ON_TABLE,
    "UpdateDataCellsFilter": ON_TABLE,
    "DeleteDataCellsFilter": "DROP on the data cells filter",
    "ListPermissions": ON_TABLE,
    "BatchGrantPermissions": ON_TABLE,
    "BatchRevokePermissions": ON_TABLE,
}


def repeated_on_conflict(method: Callable[..., None]) -> Callable[..., None]:
    """Runs a method again that reads what is there and changes what differs: after a conflict, and
    where it is not known whether a change was made."""

    @functools.wraps(method)
    def wrapped(self: "LakeFormationCalls", *args: Any, **kwargs: Any) -> None:
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                return method(self, *args, **kwargs)
            except CatalogError as error:
                passing = error.code == CONFLICT or error.unsure
                if not passing or attempt == CONFLICT_ATTEMPTS - 1:
                    raise
            self._sleep(CONFLICT_PAUSE * 2**attempt * random.uniform(0.5, 1.5))

    return wrapped


class LakeFormationCalls:
    """Thread-safe. catalog_id None: the account's own catalog."""

    def __init__(
        self,
        clients: GlueClients,
        catalog_id: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clients = clients
        self._catalog_id = catalog_id
        self._catalog = {"CatalogId": catalog_id} if catalog_id else {}
        self._sleep = sleep
        self._lock = threading.RLock()

    @property
    def account(self) -> str:
        """The catalog's id: the profile's catalog_id, else the caller's account, asked once."""
        if self._catalog_id:
            return self._catalog_id
        with self._lock:
            return self._account_of_caller

    @functools.cached_property
    def _account_of_caller(self) -> str:
        return call("GetCallerIdentity", self._clients.sts.get_caller_identity)["Account"]

    def _call(self, operation: str, about: str, **kwargs: Any) -> dict[str, Any]:
        """One call; `about` names what it is about. Raises CatalogError, for Failures too."""
        from botocore import xform_name

        method = getattr(self._clients.lakeformation, xform_name(operation))
        try:
            answer = call(operation, method, **kwargs)
        except CatalogError as error:
            raise _explained(error, operation, about) from error
        if answer.get("Failures"):
            raise _explained(_refused(answer["Failures"]), operation, about)
        return answer

    def _pages(self, operation: str, key: str, about: str, **kwargs: Any) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            answer = self._call(operation, about, **kwargs, **token)
            yield from answer.get(key, ())
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}


def parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _refused(failures: list[dict[str, Any]]) -> CatalogError:
    """Failures of a call as one error, which passes only if they all do."""
    messages = []
    for failed in failures:
        tag = failed.get("LFTag")
        entry = failed.get("RequestEntry", {}).get("Principal", {})
        name = f"{tag['TagKey']}={tag['TagValues'][0]}" if tag else entry.get(PRINCIPAL)
        messages.append(f"{name}: {failed.get('Error', {}).get('ErrorMessage')}")
    codes = [failed.get("Error", {}).get("ErrorCode") for failed in failures]
    lasting = [code for code in codes if fault_of(code) is None]
    # The rest of the call may be done.
    fault: Fault | None = None if lasting else "unknown"
    return CatalogError("; ".join(messages), code=(lasting or codes)[0], fault=fault)


def _explained(error: CatalogError, operation: str, about: str) -> CatalogError:
    told = type(error)(
        f"{error.message} ({about})",
        operation=operation,
        code=error.code,
        fault=error.fault,
        hint=_hint(operation, error.code) or error.hint,
    )
    told.unsure = error.unsure
    told.add_context(**error.context)
    return told


def _hint(operation: str, code: str | None) -> str | None:
    if code in ACCESS_DENIED_CODES:
        return (
            f"The role that makes this call needs lakeformation:{operation} in IAM, and in Lake "
            f"Formation {GRANTED_THERE[operation]}: docs/lake-formation.md."
        )
    if code == "EntityNotFoundException" and operation == "AddLFTagsToResource":
        return (
            "dbt does not make LF-tags: have an administrator add the key or the value (aws "
            "lakeformation create-lf-tag or update-lf-tag), or correct the config."
        )
    return None
