"""The faults of local Glue, as boto3 and Spark Connect meet them."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError
from contract.conftest import on_aws

pytestmark = pytest.mark.skipif(on_aws(), reason="needs the faults of local Glue")
CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"})


@pytest.fixture
def own(glue_clients: SimpleNamespace) -> SimpleNamespace:
    """Clients with an access key of their own."""
    key = f"AKIA{uuid.uuid4().hex[:12].upper()}"
    options: dict[str, Any] = {
        "endpoint_url": glue_clients.url,
        "region_name": "us-east-1",
        "aws_access_key_id": key,
        "aws_secret_access_key": "secret",
        "config": CONFIG,
    }
    names = ("glue", "s3", "sts", "lakeformation")
    return SimpleNamespace(**{name: boto3.client(name, **options) for name in names}, key=key)


@pytest.fixture
def ask(glue_clients: SimpleNamespace, own: SimpleNamespace) -> Iterator[Callable[..., None]]:
    def ask(**faults: list[Any]) -> None:
        told = {name.replace("__", ":"): rule for name, rule in faults.items()}
        body = json.dumps({"caller": own.key, "faults": told}).encode()
        request = urllib.request.Request(f"{glue_clients.url}/_faults", body, method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    yield ask
    ask()


def test_reset_is_a_reset_and_nothing_is_done(
    glue_clients: SimpleNamespace, own: SimpleNamespace, ask: Any, database: str
) -> None:
    ask(DeleteDatabase=["reset", 1])
    with pytest.raises(ConnectionClosedError, match="closed before we received") as caught:
        own.glue.delete_database(Name=database)
    assert "ConnectionResetError" in repr(caught.value.kwargs["error"])
    assert glue_clients.glue.get_database(Name=database)
    own.glue.delete_database(Name=database)


def test_lost_is_done(
    glue_clients: SimpleNamespace, own: SimpleNamespace, ask: Any, database: str
) -> None:
    ask(DeleteDatabase=["lost", 1])
    with pytest.raises(ConnectionClosedError):
        own.glue.delete_database(Name=database)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue_clients.glue.get_database(Name=database)


def test_others_do_not_meet_it(
    glue_clients: SimpleNamespace, own: SimpleNamespace, ask: Any, database: str
) -> None:
    ask(GetDatabase=["failed", 1])
    assert glue_clients.glue.get_database(Name=database)
    with pytest.raises(ClientError, match="InternalServiceException") as caught:
        own.glue.get_database(Name=database)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_answers_are_cut_or_replaced(
    glue_clients: SimpleNamespace, own: SimpleNamespace, ask: Any, bucket: str, database: str
) -> None:
    ask(GetDatabase=["cut", 1])
    assert "Database" not in own.glue.get_database(Name=database)  # botocore's own leniency
    ask(GetDatabase=["html", 1])
    assert "Database" not in own.glue.get_database(Name=database)
    ask(s3__ListObjectsV2=["cut", 1])
    with pytest.raises(ClientError, match="500"):  # botocore takes S3's XML to its end or for that
        own.s3.list_objects_v2(Bucket=bucket)
    ask(GetCallerIdentity=["cut", 1])
    with pytest.raises(ResponseParserError):
        own.sts.get_caller_identity()
    ask(GetCallerIdentity=["html", 1])
    with pytest.raises(KeyError):
        own.sts.get_caller_identity()
    key = f"{uuid.uuid4().hex}"
    glue_clients.s3.put_object(Bucket=bucket, Key=key, Body=b"0123456789")
    ask(s3__GetObject=["html", 1])
    assert b"sign in" in own.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_each_service_is_throttled_in_its_own_words(
    own: SimpleNamespace, ask: Any, bucket: str
) -> None:
    ask(
        GetDatabases=["throttled", 1],
        s3__ListObjectsV2=["throttled", 1],
        GetCallerIdentity=["throttled", 1],
        ListPermissions=["throttled", 1],
    )
    calls = {
        "ThrottlingException": (
            own.glue.get_databases,
            own.sts.get_caller_identity,
            own.lakeformation.list_permissions,
        ),
        "SlowDown": (lambda: own.s3.list_objects_v2(Bucket=bucket),),
    }
    for code, made in calls.items():
        for call in made:
            with pytest.raises(ClientError) as caught:
                call()
            assert caught.value.response["Error"]["Code"] == code


def test_a_wrong_request_is_told(glue_clients: SimpleNamespace) -> None:
    request = urllib.request.Request(f"{glue_clients.url}/_faults", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 400 and b"faults: expected" in caught.value.read()
