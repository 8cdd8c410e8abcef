"""Secrets of a profile: masked by name where settings are shown, by value in errors."""

import dataclasses
from typing import Any

import botocore.session
import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue import masking
from dbt.adapters.glue.aws_answers import UnreadableAnswer, check_answer
from dbt.adapters.glue.client_options import ClientOptions
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import CatalogError, StatementError
from dbt.adapters.glue.masking import MASK, hide, is_secret, masked, scrubbed, secrets_in
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.options import options_of
from dbt.adapters.glue.session.connect_endpoint import Token
from dbt.adapters.glue.session.lifecycle import Acquired

ROLE = "arn:aws:iam::123456789012:role/GlueRole"
CLIENT = "arn:aws:iam::123456789012:role/DbtClient"
KEY = "spark.hadoop.fs.s3a.secret.key"
JDBC = "jdbc:mysql://host/db?user=me&password=jdbc-hush&ssl=true"


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", {})
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)


def profile(**changes: Any) -> GlueCredentials:
    data = {"schema": "s", "role_arn": ROLE, "region": "eu-west-1", **changes}
    GlueCredentials.validate(data)
    return GlueCredentials.from_dict(data)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        (KEY, True),
        ("spark.hadoop.fs.s3a.session.token", True),
        ("--DB_PASSWORD", True),
        ("spark.ssl.keyPassphrase", True),
        ("fs.azure.account.key.x.net", True),
        ("x-aws-proxy-auth", True),
        ("external_id", True),
        ("spark.sql.shuffle.partitions", False),
        ("spark.hadoop.fs.s3a.aws.credentials.provider", False),
        ("spark.hadoop.hadoop.security.credential.provider.path", False),
        ("spark.kerberos.renewal.credentials.enabled", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret(name) is secret
    assert (masked({name: "hush"})[name] == MASK) is secret
    assert (masked(f"{name}=hush") == f"{name}={MASK}") is secret


@pytest.mark.parametrize(
    ("shown", "as_"),
    [
        ("spark.x=1", "spark.x=1"),
        (f"{KEY}=hu sh,hu'sh;x --conf spark.x=1", f"{KEY}={MASK} --conf spark.x=1"),
        ("--password=hush, --x=1", f"--password={MASK}, --x=1"),
        (JDBC, f"jdbc:mysql://host/db?user=me&password={MASK}"),
        ("https://user:hush@host/x", "https://host/x"),
        ("jdbc:postgresql://user:hush@host/db", "jdbc:postgresql://host/db"),
        ("s3://b/k?X-Amz-Signature=hush", f"s3://b/k?X-Amz-Signature={MASK}"),
        ("sc://host:443/;x-aws-proxy-auth=hush", f"sc://host:443/;x-aws-proxy-auth={MASK}"),
        ({"a": [{"password": "hush"}], "url": JDBC}, None),
        ("The security token is expired: sign in.", "The security token is expired: sign in."),
        (7, 7),
    ],
)
def test_what_is_shown(shown: Any, as_: Any) -> None:
    assert "hush" not in str(masked(shown))
    if as_ is not None:
        assert masked(shown) == as_


def test_values_of_secrets() -> None:
    settings = {KEY: "hush-1", "spark.url": JDBC, "x": "y", "url": "https://me:hush-2@host"}
    assert list(secrets_in(settings)) == ["hush-1", "jdbc-hush", "hush-2"]


def test_hidden_values_are_masked_in_every_error() -> None:
    hide(["hush-hush-hush", "short", None, "hush-hush"])
    assert scrubbed("short hush-hush-hush, hush-hush") == f"short {MASK}, {MASK}"
    error = CatalogError("Value '{--conf=hush-hush}'", hint="not hush-hush", code="X")
    assert "hush" not in str(error) and "hush" not in repr(error) and "hush" not in error.message
    assert "hush" not in str(StatementError("hush-hush-hush"))


def test_secrets_of_a_profile_are_hidden() -> None:
    made = profile(
        conf={KEY: "hush-hush-1", "spark.url": JDBC, "spark.n": 7},
        default_arguments="--conf=spark.my.password=hush-hush-2, --DB_TOKEN=hush-hush-3",
        endpoint_url="https://me:hush-hush-4@host",
        assume_role_arn=CLIENT,
        assume_role_external_id="hush-hush-5",
    )
    told = "hush-hush-1 hush-hush-2 hush-hush-3 hush-hush-4 hush-hush-5 jdbc-hush 7"
    assert scrubbed(told) == " ".join([MASK] * 6) + " 7"
    for shown in (
        repr(made),
        str(dict(made.connection_info())),
        repr(made.client_settings()),
        repr(session_spec(made, "livy")),
    ):
        assert "hush" not in shown
    assert made.client_settings().roles[0].external_id == "hush-hush-5"
    request = session_spec(made, "livy").create_request("x")["DefaultArguments"]
    assert "hush-hush-1" in request["--conf"] and "jdbc-hush" in request["--conf"]


def test_keys_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush-6")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hush-hush-7")
    profile()
    assert scrubbed("hush-hush-6 hush-hush-7") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    "given",
    [
        {"conf": f"{KEY} hush"},
        {"conf": [f"{KEY}=hush"]},
        {"default_arguments": "password=hush"},
        {"default_arguments": "--x=1", "endpoint_url": "host?password=hush"},
        {"endpoint_url": "ftp://me:hush@host"},
        {"endpoint_url": "me:hush@host:8080"},
        {"endpoint_url": ["me:hush@host:8080"]},
        {"assume_role_arn": CLIENT, "assume_role_external_id": "hush hush"},
    ],
)
def test_a_wrong_value_is_told_without_what_is_secret(given: dict[str, Any]) -> None:
    with pytest.raises(DbtRuntimeError, match="got") as caught:
        profile(**given)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--my-secret hush", f"--my-secret {MASK}"),
        ("--my-secret  hush hush, --x=1", f"--my-secret  {MASK}, --x=1"),
        ("--x=1, --DB_PASSWORD hush", f"--x=1, --DB_PASSWORD {MASK}"),
        ("--my-secret --x=1", "--my-secret --x=1"),
        ("--credentials-provider a.b", "--credentials-provider a.b"),
        ("me:hush@host", "host"),
        ("arn:aws:sts::1:assumed-role/ci/me@corp", "arn:aws:sts::1:assumed-role/ci/me@corp"),
        ("s3://bucket/me@corp", "s3://bucket/me@corp"),
        ("me@corp", "me@corp"),
    ],
)
def test_secrets_without_a_sign_between(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_is_marked_secret_is_no_key_of_debug() -> None:
    secret = {n for n, item in options_of(ClientOptions).items() if item.metadata["secret"]}
    assert secret == {"assume_role_external_id"}
    assert not secret & set(dict(profile().connection_info()))
    fields = {field.name for field in dataclasses.fields(GlueCredentials)}
    assert set(dict(profile().connection_info())) == fields - secret - {"_ALIASES"}


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("glue", "GetSessionEndpoint", b'{"SparkConnect": {"AuthToken": "hush'),
        ("sts", "AssumeRole", b"<AssumeRoleResponse><AssumeRoleResult><Credentials><A>hush"),
    ],
)
def test_half_an_answer_with_keys_is_not_shown(service: str, operation: str, body: bytes) -> None:
    model = botocore.session.Session().get_service_model(service).operation_model(operation)
    with pytest.raises(UnreadableAnswer, match="it may hold keys") as caught:
        check_answer(model, {"status_code": 200, "body": body})
    assert "hush" not in str(caught.value)


def test_what_is_secret_is_in_no_repr() -> None:
    assert "hush" not in repr(Token("hush", 1.0))
    state = {"DefaultArguments": {"--conf": f"{KEY}=hush"}}
    assert "hush" not in repr(Acquired("id", True, 1.0, "livy", state))
