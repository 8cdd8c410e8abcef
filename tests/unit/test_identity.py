"""Who dbt is on AWS: the default chain, a profile of ~/.aws, assumed roles, SSO."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue import clients as clients_module
from dbt.adapters.glue.clients import ClientSettings, GlueClients, call
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import AccessDenied, ConfigurationError
from dbt.adapters.glue.identity import Role, role_credentials

ROLE = "arn:aws:iam::123456789012:role/GlueRole"
CLIENT = "arn:aws:iam::123456789012:role/DbtClient"
START = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials of this machine; returns the folder of ~/.aws's files."""
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN", "DBT_GLUE_LOCAL"),
        *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def profile(**changes: Any) -> GlueCredentials:
    data = {"schema": "s", "role_arn": ROLE, "region": "eu-west-1", **changes}
    GlueCredentials.validate(data)
    return GlueCredentials.from_dict(data)


def keys_of(clients: GlueClients) -> Any:
    """What the next call of Glue would be signed with."""
    return clients.glue._request_signer._credentials.get_frozen_credentials()


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Sts:
    """AssumeRole, whose nth answer has the key `key-n`."""

    def __init__(self, clock: Callable[[], datetime], seconds: float = 3600) -> None:
        self.clock = clock
        self.seconds = seconds
        self.calls: list[dict[str, Any]] = []
        self.failure: Exception | None = None

    def assume_role(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        if self.failure:
            raise self.failure
        return {
            "Credentials": {
                "AccessKeyId": f"key-{len(self.calls)}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": self.clock() + timedelta(seconds=self.seconds),
            }
        }


class TestRenewal:
    def credentials(self, sts: Sts, clock: Clock) -> Any:
        return role_credentials(
            lambda: call("AssumeRole", sts.assume_role, **Role(CLIENT).request()), clock
        )

    def test_pain_58_an_assumed_role_is_renewed_before_it_expires(self) -> None:
        clock = Clock()
        sts = Sts(clock)
        made = self.credentials(sts, clock)
        assert sts.calls == []
        assert made.get_frozen_credentials().access_key == "key-1"
        clock.forward(minutes=44)
        assert made.get_frozen_credentials().access_key == "key-1"
        clock.forward(minutes=2)
        assert made.get_frozen_credentials().access_key == "key-2"

    @pytest.mark.parametrize("seconds", [900, 3600, 43200])
    def test_each_answer_serves_most_of_its_life(self, seconds: float) -> None:
        """botocore's own margin of 15 minutes would renew keys of 15 minutes at each call."""
        clock = Clock()
        sts = Sts(clock, seconds)
        made = self.credentials(sts, clock)
        for _ in range(100):
            made.get_frozen_credentials()
            clock.forward(seconds=seconds / 100)
        assert len(sts.calls) == 2

    def test_keys_that_are_still_good_serve_on_when_they_cannot_be_renewed(self) -> None:
        clock = Clock()
        sts = Sts(clock)
        made = self.credentials(sts, clock)
        made.get_frozen_credentials()
        sts.failure = denied("sts:AssumeRole")
        clock.forward(minutes=50)
        assert made.get_frozen_credentials().access_key == "key-1"
        clock.forward(minutes=5)
        with pytest.raises(AccessDenied, match="sts:AssumeRole"):
            made.get_frozen_credentials()
        sts.failure = None
        assert made.get_frozen_credentials().access_key.startswith("key-")

    def test_many_threads_renew_once(self) -> None:
        clock = Clock()
        sts = Sts(clock)
        made = self.credentials(sts, clock)
        threads = [threading.Thread(target=made.get_frozen_credentials) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sts.calls) == 1

    def test_a_failure_is_that_of_all_who_waited_for_it(self) -> None:
        """botocore has them wait for one lock: each would try for as long as the first one."""
        tried, told = [], []
        entered, go = threading.Event(), threading.Event()

        def assume() -> dict[str, Any]:
            tried.append(1)
            entered.set()
            assert go.wait(10)
            raise AccessDenied("no", operation="AssumeRole", code="AccessDenied")

        made = role_credentials(assume)

        def use(node: str) -> None:
            with pytest.raises(AccessDenied) as caught:
                made.get_frozen_credentials()
            told.append(caught.value.add_context(node=node))

        threads = [threading.Thread(target=use, args=(f"node {n}",)) for n in range(8)]
        threads[0].start()
        assert entered.wait(10)
        for thread in threads[1:]:
            thread.start()
        wait_for_waiting(7)
        go.set()
        for thread in threads:
            thread.join(10)
        assert len(tried) == 1 and len(told) == 8
        # Each one's own: what is known of a node is added to it.
        assert {error.context["node"] for error in told} == {f"node {n}" for n in range(8)}
        with pytest.raises(AccessDenied):
            made.get_frozen_credentials()
        assert len(tried) == 2  # who comes later tries again


def wait_for_waiting(count: int) -> None:
    """Until so many threads wait for botocore's lock."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        codes = [frame.f_code for frame in sys._current_frames().values()]
        waiting = [c for c in codes if c.co_name == "_refresh" and "botocore" in c.co_filename]
        if len(waiting) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{count} threads do not wait")


def denied(action: str) -> ClientError:
    message = f"User: arn:aws:iam::1:user/x is not authorized to perform: {action}"
    return ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "AssumeRole")


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Sts:
    """Every STS client of GlueClients; whose keys it was made with is in `signers`."""
    found = Sts(lambda: datetime.now(timezone.utc))
    found.signers = []  # type: ignore[attr-defined]
    made = GlueClients._make

    def make(self: GlueClients, session: Any, name: str) -> Any:
        if name != "sts":
            return made(self, session, name)
        found.signers.append(session.get_credentials())  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(GlueClients, "_make", make)
    return found


class TestRoles:
    def test_pain_25_the_clients_role_is_not_the_sessions(
        self, sts: Sts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
        made = GlueClients(
            profile(
                assume_role_arn=CLIENT,
                assume_role_external_id="ext/1:2",
                assume_role_session_name="nightly",
                assume_role_duration_seconds=900,
                assume_role_tags={"team": "data", "cost": 7},
                assume_role_transitive_tags="team",
            ).client_settings()
        )
        assert keys_of(made).access_key == "key-1"
        assert keys_of(made).access_key == "key-1"
        assert sts.calls == [
            {
                "RoleArn": CLIENT,
                "RoleSessionName": "nightly",
                "ExternalId": "ext/1:2",
                "DurationSeconds": 900,
                "Tags": [{"Key": "team", "Value": "data"}, {"Key": "cost", "Value": "7"}],
                "TransitiveTagKeys": ["team"],
            }
        ]
        assert sts.signers[0].access_key == "mine"  # type: ignore[attr-defined]

    def test_one_role_after_the_other(self, sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
        given = profile(assume_role_arn=CLIENT, use_interactive_session_role_for_api_calls=True)
        made = GlueClients(given.client_settings())
        keys_of(made)
        assert sts.calls == [{"RoleArn": ROLE, "RoleSessionName": "dbt-glue"}]
        first, second = sts.signers  # type: ignore[attr-defined]
        assert first.access_key == "mine"
        assert second.get_frozen_credentials().access_key == "key-2"  # CLIENT's
        assert sts.calls[1]["RoleArn"] == CLIENT

    def test_tags_as_text(self) -> None:
        (role,) = profile(assume_role_arn=CLIENT, assume_role_tags="a=b, c=d=e").roles
        assert role.tags == (("a", "b"), ("c", "d=e"))

    def test_local_glue_has_no_roles(self) -> None:
        assert profile(local=True, assume_role_arn=CLIENT).client_settings().roles == ()

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"assume_role_external_id": "abc"}, "there is no assume_role_arn"),
            ({"assume_role_tags": "a=b"}, "there is no assume_role_arn"),
            ({"assume_role_arn": "DbtClient"}, "expected an ARN such as"),
            ({"assume_role_arn": CLIENT, "assume_role_duration_seconds": 60}, "from 900 to 43200"),
            ({"assume_role_arn": CLIENT, "assume_role_session_name": "a b"}, "2 to 64 letters"),
            ({"assume_role_arn": CLIENT, "assume_role_tags": "a"}, "expected key=value,key=value"),
            (
                {"assume_role_arn": CLIENT, "assume_role_transitive_tags": "team"},
                r"expected keys of assume_role_tags \(there are none\)",
            ),
            (
                {"assume_role_arn": CLIENT, "assume_role_tags": dict.fromkeys(map(str, range(51)))},
                "got 51 tags, expected at most 50",
            ),
        ],
    )
    def test_keys_that_cannot_be(self, given: dict[str, Any], told: str) -> None:
        with pytest.raises(DbtRuntimeError, match=told):
            profile(**given)

    def test_a_role_that_may_not_be_assumed(self, sts: Sts) -> None:
        """The error of AssumeRole is told as what it is, not as that of the call behind it."""
        sts.failure = denied("sts:AssumeRole")
        made = GlueClients(profile(assume_role_arn=CLIENT).client_settings())

        def get_table(**_: Any) -> Any:
            return keys_of(made)

        with pytest.raises(AccessDenied) as caught:
            call("GetTable", get_table, Name="t")
        assert caught.value.operation == "AssumeRole" and len(sts.calls) == 1
        assert "trust policy" in str(caught.value.hint)


class Answers(BaseHTTPRequestHandler):
    """Credentials by HTTP, as SSO, ECS and EC2 give them; the nth have the key `key-n`."""

    given = 0
    seconds = 3600
    tokens: list[str] = []

    def _answer(self) -> None:
        kind = type(self)
        expires = datetime.now(timezone.utc) + timedelta(seconds=kind.seconds)
        if self.path == "/latest/api/token":
            body = "token"
        elif self.path.endswith("/security-credentials/"):
            body = "TheRole"
        elif self.path.startswith("/federation"):  # GetRoleCredentials of SSO's portal
            kind.given += 1
            kind.tokens.append(self.headers["x-amz-sso_bearer_token"])
            body = json.dumps(
                {
                    "roleCredentials": {
                        "accessKeyId": f"key-{kind.given}",
                        "secretAccessKey": "secret",
                        "sessionToken": "token",
                        "expiration": int(expires.timestamp() * 1000),
                    }
                }
            )
        else:
            kind.given += 1
            body = json.dumps(
                {
                    "Code": "Success",
                    "AccessKeyId": f"key-{kind.given}",
                    "SecretAccessKey": "secret",
                    "Token": "token",
                    "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_PUT = _answer

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def answers() -> Iterator[tuple[str, type[Answers]]]:
    handler = type("Given", (Answers,), {"given": 0, "tokens": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


class TestChain:
    """botocore's own chain, as far as our clients must not stand in its way."""

    def test_a_named_profile_wins_over_the_environment(
        self, nobody: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        (nobody / "credentials").write_text(
            "[team]\naws_access_key_id = team\naws_secret_access_key = x\n"
        )
        assert keys_of(GlueClients(profile().client_settings())).access_key == "environment"
        named = GlueClients(profile(aws_profile_name="team").client_settings())
        assert keys_of(named).access_key == "team"

    def test_a_named_profile_is_what_a_role_is_assumed_with(self, nobody: Path, sts: Sts) -> None:
        (nobody / "credentials").write_text(
            "[team]\naws_access_key_id = team\naws_secret_access_key = x\n"
        )
        given = profile(aws_profile_name="team", assume_role_arn=CLIENT)
        keys_of(GlueClients(given.client_settings()))
        assert sts.signers[0].access_key == "team"  # type: ignore[attr-defined]

    @pytest.mark.parametrize("where", ["ecs", "ec2"])
    def test_the_role_of_the_machine(
        self, where: str, answers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url, handler = answers
        if where == "ecs":
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/role")
        else:
            monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
            monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        made = GlueClients(profile().client_settings())
        assert keys_of(made).access_key == "key-1"
        credentials = made.glue._request_signer._credentials
        credentials._time_fetcher = lambda: datetime.now(timezone.utc) + timedelta(minutes=55)
        assert credentials.get_frozen_credentials().access_key == "key-2" and handler.given == 2


SSO_CONFIG = """
[profile team]
sso_session = ours
sso_account_id = 123456789012
sso_role_name = Analyst
region = eu-west-1
[sso-session ours]
sso_start_url = https://ours.awsapps.com/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
"""


class TestSso:
    @pytest.fixture
    def signed_in(self, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Writes a token as `aws sso login` does, good for so many seconds."""
        import hashlib

        from botocore.tokens import SSOTokenProvider

        (nobody / "config").write_text(SSO_CONFIG)
        cache = nobody / "cache"
        cache.mkdir()
        monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(cache))
        monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))

        def write(seconds: float) -> None:
            expires = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            token = {
                "accessToken": "the-sso-token",
                "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "startUrl": "https://ours.awsapps.com/start",
                "region": "eu-west-1",
            }
            name = hashlib.sha1(b"ours").hexdigest()
            (cache / f"{name}.json").write_text(json.dumps(token))

        return write

    def test_a_sign_in_gives_keys(
        self, signed_in: Any, answers: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url, handler = answers
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", url)
        signed_in(3600)
        made = GlueClients(profile(aws_profile_name="team").client_settings())
        assert keys_of(made).access_key == "key-1"
        assert handler.tokens == ["the-sso-token"]

    @pytest.mark.parametrize("expired", [True, False])
    @pytest.mark.parametrize("role", [None, CLIENT])
    def test_pain_25_one_that_is_over_says_to_sign_in_again(
        self, signed_in: Any, expired: bool, role: str | None
    ) -> None:
        if expired:
            signed_in(-60)
        given = profile(
            aws_profile_name="team", assume_role_arn=role, endpoint_url="http://127.0.0.1:9"
        )
        made = GlueClients(given.client_settings())
        with pytest.raises(ConfigurationError) as caught:
            call("GetDatabases", made.glue.get_databases)
        assert "aws sso login" in str(caught.value)
        assert "the-sso-token" not in str(caught.value)


def test_what_is_secret_is_in_no_repr() -> None:
    settings = ClientSettings(
        endpoint_url="https://me:hush@host", roles=(Role(CLIENT, external_id="hush"),)
    )
    assert CLIENT in repr(settings) and "hush" not in repr(settings)
    assert "hush" not in repr(clients_module.GlueClients(settings))
