"""The IAM roles that the client assumes, one after the other, before it calls AWS."""

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dbt.adapters.glue.exceptions import GlueError

DEFAULT_SESSION_NAME = "dbt-glue"
# Shares of the credentials' life that are left when they are renewed: from the first on by one
# thread while the others go on, from the second on all wait. botocore's 15 and 10 minutes would
# have credentials of 15 minutes renewed at each call.
RENEW_AT, WAIT_AT = 0.25, 0.1
MOST_RENEW_AT, MOST_WAIT_AT = 900.0, 600.0


@dataclass(frozen=True)
class Role:
    """A role, and how AssumeRole is asked for it (members of its request). Duration in seconds."""

    arn: str
    session_name: str = DEFAULT_SESSION_NAME
    external_id: str | None = field(default=None, repr=False)
    duration: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()

    def request(self) -> dict[str, Any]:
        """The arguments of sts.assume_role."""
        asked: dict[str, Any] = {"RoleArn": self.arn, "RoleSessionName": self.session_name}
        if self.external_id:
            asked["ExternalId"] = self.external_id
        if self.duration:
            asked["DurationSeconds"] = self.duration
        if self.tags:
            asked["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags]
        if self.transitive_tag_keys:
            asked["TransitiveTagKeys"] = list(self.transitive_tag_keys)
        return asked


def role_credentials(
    assume: Callable[[], dict[str, Any]], clock: Callable[[], datetime] | None = None
) -> Any:
    """botocore credentials out of AssumeRole's answers, the first one at the first use, the next
    one before the last one expires.

    assume raises what the caller of the client is to see: botocore hands it on. Whoever waits for
    an answer of AssumeRole gets its error too, and does not ask again.
    """
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.utils import parse_timestamp

    def now() -> datetime:
        return clock() if clock else datetime.now().astimezone()

    failures: list[GlueError] = []
    here = threading.local()  # known: how many failures there were when this thread came

    class Shared(DeferredRefreshableCredentials):
        """botocore lets one thread renew, and each that waited for it try after it."""

        def _refresh(self) -> None:
            here.known = len(failures)
            super()._refresh()

    def asked() -> dict[str, Any]:
        if here.known < len(failures):
            raise _again(failures[-1])
        try:
            return assume()["Credentials"]
        except GlueError as error:
            failures.append(_again(error))
            raise

    def renew() -> dict[str, str]:
        answer = asked()
        expires = answer["Expiration"]
        if not isinstance(expires, datetime):
            expires = parse_timestamp(expires)
        life = (expires - now()).total_seconds()
        made._advisory_refresh_timeout = min(life * RENEW_AT, MOST_RENEW_AT)
        made._mandatory_refresh_timeout = min(life * WAIT_AT, MOST_WAIT_AT)
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": expires.isoformat(),
        }

    made = Shared(renew, "sts-assume-role", time_fetcher=now)
    return made


def _again(error: GlueError) -> GlueError:
    """The error for another thread, which adds what it knows to the context."""
    twin = copy.copy(error)
    twin.context = dict(error.context)
    return twin


def session_as(
    factory: Callable[..., Any], credentials: Any, *, profile_name: str | None, region: str
) -> Any:
    """A boto3 session of the AWS profile's settings, with these credentials."""
    import botocore.session

    assumed = botocore.session.Session(profile=profile_name)
    assumed._credentials = credentials
    return factory(botocore_session=assumed, region_name=region)
