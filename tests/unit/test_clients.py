import subprocess
import sys

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    TokenRetrievalError,
)

from dbt.adapters.glue.clients import (
    ClientSettings,
    GlueClients,
    call,
    get_clients,
)
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, ConfigurationError
from dbt.adapters.glue.retries import Budget

ONE = Budget(attempts=1)


@pytest.fixture(autouse=True)
def no_aws_of_this_machine(monkeypatch, tmp_path):
    for name in (
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def raising(error):
    def fn(**kwargs):
        raise error

    return fn


def test_clients_are_made_once_and_as_configured():
    clients = GlueClients(
        ClientSettings(region="eu-west-1", retry_mode="standard", retry_max_attempts=4)
    )
    assert clients.glue is clients.glue
    config = clients.glue.meta.config
    assert clients.region == "eu-west-1"
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 1  # the repeats are ours: test_retries.py
    assert "dbt-glue/" in config.user_agent_extra


def test_equal_settings_share_clients():
    assert get_clients(ClientSettings(region="a-b-1")) is get_clients(
        ClientSettings(region="a-b-1")
    )
    assert get_clients(ClientSettings(region="a-b-1")) is not get_clients(
        ClientSettings(region="c")
    )


def test_endpoint():
    clients = GlueClients(ClientSettings(region="eu-west-1", endpoint_url="http://127.0.0.1:1"))
    assert clients.glue.meta.endpoint_url == "http://127.0.0.1:1"
    assert clients.s3.meta.config.s3["addressing_style"] == "path"


def test_region_from_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert GlueClients(ClientSettings()).region == "ap-south-1"


def test_no_region():
    with pytest.raises(ConfigurationError, match="No AWS region"):
        _ = GlueClients(ClientSettings()).glue


def test_unknown_profile():
    with pytest.raises(ConfigurationError, match="nope") as caught:
        _ = GlueClients(ClientSettings(region="x-y-1", profile_name="nope")).glue
    assert "aws_profile_name" in caught.value.hint


UNREADABLE = "[profile p"
PROCESS = "[profile p]\ncredential_process = /bin/false"
NO_SOURCE = "[profile p]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = nobody"


@pytest.mark.parametrize(
    ("config", "told", "hint"),
    [
        (UNREADABLE, "Unable to parse config file", "~/.aws/config"),
        (PROCESS, "Error when retrieving credentials from custom-process", "aws_profile_name"),
        (NO_SOURCE, 'The source_profile "nobody" referenced', "~/.aws/config"),
    ],
)
def test_keys_that_cannot_be_read_are_a_configuration_error(tmp_path, config, told, hint):
    """botocore reads them when a client is made."""
    (tmp_path / "config").write_text(config)
    clients = GlueClients(ClientSettings(region="eu-west-1", profile_name="p"))
    with pytest.raises(ConfigurationError, match=told) as caught:
        _ = clients.glue
    assert hint in caught.value.hint


def test_half_a_key_pair(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    with pytest.raises(ConfigurationError, match="Partial credentials found in env") as caught:
        _ = GlueClients(ClientSettings(region="eu-west-1")).glue
    assert "local: true" in caught.value.hint


def test_no_name_of_a_region():
    with pytest.raises(ConfigurationError, match="eu west 1") as caught:
        _ = GlueClients(ClientSettings(region="eu west 1")).glue
    assert "`region`" in caught.value.hint
    assert caught.value.explanation.name == "AWS cannot be reached"


def test_an_endpoint_that_is_no_url():
    clients = GlueClients(ClientSettings(region="a-b-1", endpoint_url="http://me:hush@a b"))
    with pytest.raises(ConfigurationError, match="Invalid endpoint") as caught:
        _ = clients.glue
    assert "endpoint_url" in caught.value.hint and "hush" not in str(caught.value)


def test_a_config_that_cannot_be_read_ends_local_glue_too(monkeypatch, tmp_path):
    from dbt.adapters.glue.local import launcher

    local = type("Local", (), {"url": "http://127.0.0.1:9", "region": "us-east-1"})
    monkeypatch.setattr(launcher, "ensure_running", lambda local_dir: local)
    (tmp_path / "config").write_text(UNREADABLE)
    with pytest.raises(ConfigurationError, match="Unable to parse config file"):
        _ = GlueClients(ClientSettings(local=True)).glue


def test_local_uses_the_local_server(monkeypatch):
    import types

    import dbt.adapters.glue.local as local_package

    asked = []
    launcher = types.ModuleType("launcher")

    def ensure_running(local_dir):
        asked.append(local_dir)
        return types.SimpleNamespace(url="http://127.0.0.1:9", region="us-east-1")

    launcher.ensure_running = ensure_running
    monkeypatch.setitem(sys.modules, "dbt.adapters.glue.local.launcher", launcher)
    monkeypatch.setattr(local_package, "launcher", launcher, raising=False)
    clients = GlueClients(ClientSettings(local=True, local_dir="/somewhere"))
    assert asked == []
    assert clients.glue.meta.endpoint_url == "http://127.0.0.1:9"
    assert clients.region == "us-east-1"
    assert clients.s3 is not None and asked == ["/somewhere"]


def test_local_that_cannot_start_is_a_configuration_error(monkeypatch):
    from dbt.adapters.glue.local import launcher
    from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable

    def ensure_running(local_dir):
        raise LocalGlueUnavailable("no java is on PATH. Install Java 17")

    monkeypatch.setattr(launcher, "ensure_running", ensure_running)
    with pytest.raises(ConfigurationError, match="Install Java 17") as caught:
        _ = GlueClients(ClientSettings(local=True)).glue
    assert "local: true" in caught.value.hint


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
def test_access_denied(code):
    error = ClientError({"Error": {"Code": code, "Message": "User: u is not allowed"}}, "GetTable")
    with pytest.raises(AccessDenied) as caught:
        call("GetTable", raising(error), Name="t")
    assert caught.value.message == "User: u is not allowed"
    assert (caught.value.operation, caught.value.code) == ("GetTable", code)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("code", "retryable"), [("ThrottlingException", True), ("EntityNotFoundException", False)]
)
def test_other_errors(code, retryable):
    error = ClientError({"Error": {"Code": code, "Message": "m"}}, "GetTable")
    with pytest.raises(CatalogError) as caught:
        call("GetTable", raising(error), budget=ONE)
    assert type(caught.value) is CatalogError and caught.value.retryable is retryable


def test_expired_credentials_say_what_to_do():
    error = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "m"}}, "GetTable")
    with pytest.raises(CatalogError, match="aws sso login"):
        call("GetTable", raising(error))


def provider_error(code, message="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
    response = {"Error": {"Code": code, "Message": message}}
    return ClientError(response, "AssumeRoleWithWebIdentity")


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetTables"])
def test_the_error_of_a_credential_provider_is_told_as_its_own(operation):
    """botocore asks STS for keys in the middle of the call that needs them."""
    with pytest.raises(AccessDenied) as caught:
        call(operation, raising(provider_error("AccessDenied")))
    assert caught.value.explanation.name == "A role cannot be assumed"
    assert "(operation AssumeRoleWithWebIdentity, code AccessDenied" in str(caught.value)


def test_a_credential_provider_that_was_throttled_is_asked_again():
    outcomes = [provider_error("Throttling", "Rate exceeded"), {"TableList": []}]

    def get_tables(**kwargs):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    budget = Budget(sleep=lambda seconds: None)
    assert call("GetTables", get_tables, budget=budget) == {"TableList": []}


def test_no_credentials():
    with pytest.raises(ConfigurationError, match="Unable to locate credentials") as caught:
        call("GetTable", raising(NoCredentialsError()))
    assert "local: true" in caught.value.hint


def test_sso_sign_in_expired():
    with pytest.raises(ConfigurationError, match="aws sso login"):
        call("GetTable", raising(TokenRetrievalError(provider="sso", error_msg="expired")))


def test_no_connection():
    with pytest.raises(CatalogError) as caught:
        call("GetTable", raising(EndpointConnectionError(endpoint_url="https://x")), budget=ONE)
    assert caught.value.code == "EndpointConnectionError" and caught.value.retryable


def test_boto3_is_not_imported_before_a_client_is_used():
    code = (
        "import sys; from dbt.adapters.glue.clients import ClientSettings, get_clients; "
        "get_clients(ClientSettings()); print('boto3' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
