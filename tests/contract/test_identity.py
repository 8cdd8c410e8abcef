"""Assumed roles over HTTP, and catalogs of other accounts, on local Glue."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.clients import ClientSettings, GlueClients, call
from dbt.adapters.glue.exceptions import AccessDenied
from dbt.adapters.glue.identity import Role

from .conftest import on_aws

pytestmark = pytest.mark.skipif(on_aws(), reason="local Glue's own keys and accounts")

CLIENT = "arn:aws:iam::123456789012:role/DbtClient"
SECOND = "arn:aws:iam::123456789012:role/Second"
FRIEND, STRANGER = "210987654321", "444455556666"


@pytest.fixture(autouse=True)
def nobody(glue_clients: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The first keys are those of the environment; returns the folder of ~/.aws's files."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def made(glue_clients: SimpleNamespace) -> Callable[..., GlueClients]:
    """Clients of a profile whose endpoint_url is local Glue."""

    def make(*roles: Role, **settings: Any) -> GlueClients:
        given = {"region": "us-east-1", "endpoint_url": glue_clients.url, **settings}
        return GlueClients(ClientSettings(roles=roles, **given))

    return make


@pytest.fixture
def assumed(glue_clients: SimpleNamespace) -> Callable[[], int]:
    """How often AssumeRole was called since the test began."""

    def read() -> int:
        with urllib.request.urlopen(f"{glue_clients.url}/_stats", timeout=10) as answer:
            calls: dict[str, int] = json.load(answer)["calls"]
        return calls.get("AssumeRole", 0)

    before = read()
    return lambda: read() - before


def who(clients: GlueClients) -> str:
    return str(call("GetCallerIdentity", clients.sts.get_caller_identity)["Arn"])


def signer(client: Any) -> Any:
    return client._request_signer._credentials


class TestRoles:
    def test_pain_25_calls_are_made_as_the_role(self, made: Any, assumed: Any) -> None:
        role = Role(
            CLIENT,
            session_name="nightly",
            external_id="ext/1:2",
            duration=900,
            tags=(("team", "data"),),
            transitive_tag_keys=("team",),
        )
        clients = made(role)
        assert assumed() == 0
        assert who(clients).endswith(":assumed-role/DbtClient/nightly")
        call("GetDatabases", clients.glue.get_databases)
        call("GetDatabases", clients.glue.get_databases)
        assert assumed() == 1  # every client of a run has the same keys
        life = signer(clients.glue)._expiry_time - datetime.now(timezone.utc)
        assert timedelta(minutes=14) < life <= timedelta(minutes=15)

    def test_a_role_assumed_by_a_role(self, made: Any, assumed: Any) -> None:
        clients = made(Role(CLIENT), Role(SECOND))
        assert who(clients).endswith(":assumed-role/Second/dbt-glue")
        assert assumed() == 2

    def test_pain_58_keys_are_renewed_in_mid_run(self, made: Any, assumed: Any) -> None:
        clients = made(Role(CLIENT), Role(SECOND))
        call("GetDatabases", clients.glue.get_databases)
        credentials = signer(clients.glue)
        first = credentials.get_frozen_credentials()
        credentials._time_fetcher = lambda: datetime.now(timezone.utc) + timedelta(minutes=58)
        call("GetDatabases", clients.glue.get_databases)
        credentials._time_fetcher = lambda: datetime.now(timezone.utc)
        renewed = credentials.get_frozen_credentials()
        assert renewed.access_key != first.access_key and renewed.token != first.token
        assert who(clients).endswith(":assumed-role/Second/dbt-glue")
        assert assumed() == 3  # CLIENT's own keys were still good

    def test_a_named_profile_assumes(self, made: Any, nobody: Path, assumed: Any) -> None:
        (nobody / "credentials").write_text(
            "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = x\n"
        )
        assert who(made(Role(CLIENT), profile_name="team")).endswith("DbtClient/dbt-glue")
        assert assumed() == 1

    def test_a_role_of_the_aws_profile(
        self, made: Any, nobody: Path, glue_clients: Any, assumed: Any, monkeypatch: Any
    ) -> None:
        """botocore's own way: role_arn and source_profile in ~/.aws/config."""
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", glue_clients.url)
        (nobody / "config").write_text(
            f"[profile team]\nrole_arn = {CLIENT}\nsource_profile = base\nregion = us-east-1\n"
            "role_session_name = of-profile\nexternal_id = ext\n"
            "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = x\n"
        )
        assert who(made(profile_name="team")).endswith(":assumed-role/DbtClient/of-profile")
        chained = made(Role(SECOND), profile_name="team")
        assert who(chained).endswith(":assumed-role/Second/dbt-glue")
        assert assumed() == 3

    def test_web_identity(
        self, made: Any, nobody: Path, glue_clients: Any, monkeypatch: Any
    ) -> None:
        """As a service account of EKS, or a CI job of GitHub or GitLab, has it."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", glue_clients.url)
        (nobody / "token").write_text("a.web.token")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(nobody / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", CLIENT)
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "ci")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        assert who(made()).endswith(":assumed-role/DbtClient/ci")
        assert who(made(Role(SECOND))).endswith(":assumed-role/Second/dbt-glue")

    def test_a_throttled_assume_role_is_repeated_and_a_refused_one_is_told(
        self, made: Any, knobs: Any, assumed: Any
    ) -> None:
        knobs(throttle={"AssumeRole": 2})
        call("GetDatabases", made(Role(CLIENT)).glue.get_databases)
        assert assumed() == 3
        knobs(fail={"AssumeRole": ["AccessDenied", 1]})
        with pytest.raises(AccessDenied) as caught:
            call("GetDatabases", made(Role(CLIENT)).glue.get_databases)
        assert caught.value.operation == "AssumeRole"


def test_a_service_that_is_not_here_is_told_in_its_own_form(made: Any) -> None:
    """IAM's answers are XML: JSON in their place could not be read."""
    with pytest.raises(AccessDenied, match="for the service iam"):
        call("GetRole", made().iam.get_role, RoleName="x")


class TestOtherAccounts:
    def test_pain_25_an_unknown_account_is_refused_and_not_answered_with_our_tables(
        self, made: Any, database: str
    ) -> None:
        clients = made()
        assert any(found["Name"] == database for found in DataCatalog(clients).get_databases())
        catalog = DataCatalog(clients, STRANGER)
        for ask in (
            lambda: list(catalog.get_databases()),
            lambda: catalog.get_database(database),
            lambda: list(catalog.get_tables(database)),
            lambda: catalog.get_table(database, "t"),
        ):
            with pytest.raises(AccessDenied, match=rf"not authorized .*{STRANGER}:catalog"):
                ask()

    @pytest.fixture
    def friend(self, made: Any, knobs: Any) -> Iterator[DataCatalog]:
        knobs(shared_catalogs=FRIEND)
        catalog = DataCatalog(made(), FRIEND)
        catalog.create_database("sales", "s3://friends/sales")
        yield catalog
        for table in list(catalog.get_tables("sales")):
            catalog.delete_table("sales", table["Name"])
        catalog.delete_database("sales")

    def test_a_shared_catalog_is_apart_from_ours(
        self, made: Any, friend: DataCatalog, knobs: Any
    ) -> None:
        friend.create_table("sales", {"Name": "orders", "Parameters": {"table_type": "ICEBERG"}})
        friend.create_table("sales", {"Name": "plain", "TableType": "EXTERNAL_TABLE"})
        assert [table["Name"] for table in friend.get_tables("sales")] == ["orders", "plain"]
        found = friend.get_table("sales", "orders")
        assert found is not None and found["CatalogId"] == FRIEND and "FederatedTable" not in found
        place = friend.get_database("sales")
        assert place is not None and place["LocationUri"] == "s3://friends/sales"
        assert DataCatalog(made()).get_table("sales", "orders") is None
        knobs(shared_catalogs=STRANGER)
        with pytest.raises(AccessDenied):
            friend.get_table("sales", "orders")
        assert DataCatalog(made(), STRANGER).get_database("sales") is None
        knobs(shared_catalogs=FRIEND)

    def test_what_a_shared_catalog_cannot_do_is_said(
        self, glue_clients: SimpleNamespace, friend: DataCatalog
    ) -> None:
        with pytest.raises(ClientError, match="GetPartitions on the catalog of another account"):
            glue_clients.glue.get_partitions(
                CatalogId=FRIEND, DatabaseName="sales", TableName="orders"
            )

    def test_a_session_does_not_show_our_tables_as_anothers(
        self, glue_clients: SimpleNamespace
    ) -> None:
        conf = f"spark.hadoop.hive.metastore.glue.catalogid={FRIEND}"
        with pytest.raises(ClientError, match=f"not that of {FRIEND}"):
            glue_clients.glue.create_session(
                Id="of-a-friend",
                Role=CLIENT,
                Command={"Name": "glueetl"},
                DefaultArguments={"--conf": conf},
            )
