"""Every boto3 client, made once: region, endpoint, profile, retries, assumed role."""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, ConfigurationError

ACCESS_DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
RETRYABLE_CODES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "InternalServiceException",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "OperationTimeoutException",
        "RequestTimeout",
        "SessionBusyException",
        "ConcurrentModificationException",
    }
)
CREDENTIALS_HINT = (
    "Give AWS credentials in the usual places: environment, ~/.aws (`aws_profile_name` in the "
    "profile picks one), `aws sso login`, or the role of the machine. "
    "`local: true` needs none."
)
MAX_CONNECTIONS = 50


@dataclass(frozen=True)
class ClientSettings:
    """What the clients are made from; equal settings share clients.

    retry_mode and retry_max_attempts are botocore's `retries`. With `local`, local Glue is found
    or started at the first use of a client, and region, endpoint and keys are its own.
    """

    region: str | None = None
    profile_name: str | None = None
    endpoint_url: str | None = None
    assume_role_arn: str | None = None
    retry_mode: str = "adaptive"
    retry_max_attempts: int = 10
    catalog_id: str | None = None
    local: bool = False
    local_dir: str | None = None


class GlueClients:
    """The boto3 clients of one ClientSettings. Thread-safe; boto3 is imported at the first use."""

    def __init__(
        self, settings: ClientSettings, *, session_factory: Callable[..., Any] | None = None
    ) -> None:
        self.settings = settings
        self._session_factory = session_factory
        self._lock = threading.RLock()
        self._session: Any = None
        self._endpoint_url = settings.endpoint_url
        self._clients: dict[str, Any] = {}

    @property
    def region(self) -> str:
        """The AWS region: the profile's, else that of the AWS profile or environment."""
        return self._ready_session().region_name

    @property
    def glue(self) -> Any:
        return self._client("glue")

    @property
    def s3(self) -> Any:
        return self._client("s3")

    @property
    def sts(self) -> Any:
        return self._client("sts")

    @property
    def lakeformation(self) -> Any:
        return self._client("lakeformation")

    @property
    def iam(self) -> Any:
        return self._client("iam")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(self._ready_session(), service)
            return self._clients[service]

    def _make(self, session: Any, service: str) -> Any:
        from botocore.config import Config

        style = {"addressing_style": "path"} if self._endpoint_url else None
        config = Config(
            user_agent_extra=f"dbt-glue/{version}",
            retries={
                "mode": self.settings.retry_mode,
                "max_attempts": self.settings.retry_max_attempts,
            },
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=10,
            read_timeout=70,
            s3=style,
        )
        return session.client(service, endpoint_url=self._endpoint_url, config=config)

    def _ready_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._make_session()
            return self._session

    def _make_session(self) -> Any:
        from botocore.exceptions import ProfileNotFound

        factory = self._session_factory
        if factory is None:
            import boto3

            factory = boto3.Session
        if self.settings.local:
            return self._local_session(factory)
        try:
            session = factory(
                profile_name=self.settings.profile_name, region_name=self.settings.region
            )
            region = session.region_name
        except ProfileNotFound as error:
            raise ConfigurationError(
                str(error),
                hint="`aws_profile_name` must name a profile of ~/.aws/config "
                "(`aws configure list-profiles`).",
            ) from error
        if not region:
            raise ConfigurationError(
                "No AWS region is set.",
                hint="Set `region` in the profile, or AWS_REGION, or a region in the AWS profile.",
            )
        if self.settings.assume_role_arn:
            return self._assume_role(factory, session, self.settings.assume_role_arn)
        return session

    def _local_session(self, factory: Callable[..., Any]) -> Any:
        from dbt.adapters.glue.local import launcher
        from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable

        try:
            local = launcher.ensure_running(self.settings.local_dir)
        except LocalGlueUnavailable as error:
            raise ConfigurationError(
                str(error), hint="`local: true` in the profile asks for local Glue."
            ) from error
        self._endpoint_url = local.url
        return factory(
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name=self.settings.region or local.region,
        )

    def _assume_role(self, factory: Callable[..., Any], session: Any, role_arn: str) -> Any:
        import botocore.session

        assumed = botocore.session.Session(profile=self.settings.profile_name)
        assumed._credentials = assumed_role_credentials(self._make(session, "sts"), role_arn)
        return factory(botocore_session=assumed, region_name=session.region_name)


def assumed_role_credentials(
    sts: Any, role_arn: str, time_fetcher: Callable[[], datetime] | None = None
) -> Any:
    """Credentials of an assumed role, fetched at the first use and again before they expire."""
    from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher

    refresh = create_assume_role_refresher(
        sts, {"RoleArn": role_arn, "RoleSessionName": "dbt-glue"}
    )
    optional = {"time_fetcher": time_fetcher} if time_fetcher else {}
    return DeferredRefreshableCredentials(refresh, "sts-assume-role", **optional)


@functools.cache
def _clients_of(settings: ClientSettings) -> GlueClients:
    return GlueClients(settings)


_memo_lock = threading.Lock()


def get_clients(settings: ClientSettings) -> GlueClients:
    """The clients of these settings, the same object every time."""
    with _memo_lock:
        return _clients_of(settings)


def call(operation: str, fn: Callable[..., Any], /, **kwargs: Any) -> Any:
    """Runs one boto3 call and translates what botocore raises.

    operation is AWS's name ("GetTable"). Raises AccessDenied or CatalogError with AWS's own text
    and code, ConfigurationError where credentials are missing.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        SSOError,
        TokenRetrievalError,
    )

    try:
        return fn(**kwargs)
    except ClientError as error:
        raise _translate(operation, error) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        told = ConfigurationError(str(error), operation=operation)
        told.hint = told.hint or CREDENTIALS_HINT
        raise told from error
    except (SSOError, TokenRetrievalError) as error:
        raise ConfigurationError(
            str(error),
            hint="The SSO sign-in is missing or has expired: run `aws sso login`.",
            operation=operation,
        ) from error
    except BotoCoreError as error:
        raise CatalogError(
            str(error),
            operation=operation,
            code=type(error).__name__,
            retryable=isinstance(error, (HTTPClientError, ConnectionError)),
        ) from error


def _translate(operation: str, error: Any) -> CatalogError:
    details = error.response.get("Error", {})
    code = details.get("Code") or type(error).__name__
    message = details.get("Message") or error.response.get("Message") or str(error)
    kind = AccessDenied if code in ACCESS_DENIED_CODES else CatalogError
    return kind(message, operation=operation, code=code, retryable=code in RETRYABLE_CODES)
