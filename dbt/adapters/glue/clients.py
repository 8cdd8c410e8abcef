"""Every boto3 client, made once: region, endpoint, profile, assumed roles; how one is called."""

import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.aws_answers import attempt, check_answer, made
from dbt.adapters.glue.exceptions import CatalogError, ConfigurationError
from dbt.adapters.glue.identity import Role, role_credentials, session_as
from dbt.adapters.glue.retries import ATTEMPTS, Budget, Tried

MAX_CONNECTIONS = 50
# A key of an answer: an attempt before the one that brought it may have been done.
MAY_HAVE_BEEN_DONE = "MayHaveBeenDone"


@dataclass(frozen=True)
class ClientSettings:
    """What the clients are made from; equal settings share clients.

    roles are assumed one after the other. retry_max_attempts repeats are made, by `call` and not by
    botocore; of botocore's retry modes, `adaptive` slows a throttled client down. With `local`,
    local Glue is found or started at the first use of a client, and region, endpoint and keys are
    its own.
    """

    region: str | None = None
    profile_name: str | None = None
    endpoint_url: str | None = field(default=None, repr=False)  # it may hold a password
    roles: tuple[Role, ...] = ()
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
            retries={"mode": self.settings.retry_mode, "total_max_attempts": 1},
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=10,
            read_timeout=70,
            s3=style,
        )
        client = made(session.client, service, endpoint_url=self._endpoint_url, config=config)
        client.meta.events.register("before-parse", check_answer)
        client.dbt_glue_attempts = self.settings.retry_max_attempts + 1
        return client

    def _ready_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._make_session()
            return self._session

    def _make_session(self) -> Any:
        factory = self._session_factory
        if factory is None:
            import boto3

            factory = boto3.Session
        if self.settings.local:
            return self._local_session(factory)
        session = made(
            factory, profile_name=self.settings.profile_name, region_name=self.settings.region
        )
        if not session.region_name:
            raise ConfigurationError(
                "No AWS region is set.",
                hint="Set `region` in the profile, or AWS_REGION, or a region in the AWS profile.",
            )
        for role in self.settings.roles:
            session = self._assume_role(factory, session, role)
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
        return made(
            factory,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            region_name=self.settings.region or local.region,
        )

    def _assume_role(self, factory: Callable[..., Any], session: Any, role: Role) -> Any:
        sts = self._make(session, "sts")
        return session_as(
            factory,
            role_credentials(lambda: call("AssumeRole", sts.assume_role, **role.request())),
            profile_name=self.settings.profile_name,
            region=session.region_name,
        )


@functools.cache
def _clients_of(settings: ClientSettings) -> GlueClients:
    return GlueClients(settings)


_memo_lock = threading.Lock()


def get_clients(settings: ClientSettings) -> GlueClients:
    """The clients of these settings, the same object every time."""
    with _memo_lock:
        return _clients_of(settings)


def call(
    operation: str, fn: Callable[..., Any], /, *, budget: Budget | None = None, **kwargs: Any
) -> Any:
    """Makes one boto3 call, again where `retries.OPERATIONS` allows it.

    operation is AWS's name ("GetTable"). budget: that of the client's settings. Where the last
    attempt says that an earlier one, whose answer was lost, has done it, the answer is {}.
    Raises AccessDenied or CatalogError with AWS's own text and code, ConfigurationError where
    credentials are missing.
    """
    tried = Tried(operation, budget or Budget(_attempts_of(fn)))
    while True:
        try:
            answer = attempt(operation, fn, kwargs)
            tried.check(answer)
        except CatalogError as error:
            if tried.failed(error):
                return {}
            tried.wait(error)
        else:
            if tried.unsure and isinstance(answer, dict):
                answer[MAY_HAVE_BEEN_DONE] = True
            return answer


def _attempts_of(fn: Callable[..., Any]) -> int:
    client = getattr(inspect.unwrap(fn), "__self__", None)
    return getattr(client, "dbt_glue_attempts", ATTEMPTS)
