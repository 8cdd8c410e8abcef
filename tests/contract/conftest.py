"""The same calls against local Glue, or against AWS with DBT_GLUE_TEST_AWS=1 and credentials."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from knobs import turned_back

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

# Exceptions are looked at as the service gives them, so nothing is retried.
_CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def on_aws() -> bool:
    return os.environ.get("DBT_GLUE_TEST_AWS") == "1"


@pytest.fixture(scope="session")
def local_glue_or_aws(request: pytest.FixtureRequest) -> LocalGlue | None:
    """None on AWS."""
    return None if on_aws() else request.getfixturevalue("local_glue")


@pytest.fixture(scope="session")
def glue_clients(local_glue_or_aws: LocalGlue | None) -> SimpleNamespace:
    """boto3 clients: glue, s3, sts, lakeformation; `url` is None on AWS."""
    options: dict[str, Any] = {"config": _CONFIG}
    if local_glue_or_aws is not None:
        options |= {
            "endpoint_url": local_glue_or_aws.url,
            "region_name": local_glue_or_aws.region,
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }
    clients = {
        name: boto3.client(name, **options) for name in ("glue", "s3", "sts", "lakeformation")
    }
    return SimpleNamespace(**clients, url=options.get("endpoint_url"))


@pytest.fixture
def knobs(glue_clients: SimpleNamespace) -> Iterator[Callable[..., None]]:
    """Turns local Glue's knobs, and back."""
    with turned_back(glue_clients.url) as turn:
        yield turn


@pytest.fixture(scope="session")
def bucket(glue_clients: SimpleNamespace) -> Iterator[str]:
    """The name of an S3 bucket to point locations at; DBT_GLUE_TEST_BUCKET on AWS."""
    if on_aws():
        yield os.environ["DBT_GLUE_TEST_BUCKET"]
        return
    name = f"contract-{uuid.uuid4().hex[:12]}"
    glue_clients.s3.create_bucket(Bucket=name)
    yield name


@pytest.fixture
def database(glue_clients: SimpleNamespace, bucket: str) -> Iterator[str]:
    """A database of this test, dropped after it."""
    name = f"contract_{uuid.uuid4().hex[:12]}"
    glue_clients.glue.create_database(
        DatabaseInput={"Name": name, "LocationUri": f"s3://{bucket}/{name}/"}
    )
    yield name
    try:
        glue_clients.glue.delete_database(Name=name)
    except glue_clients.glue.exceptions.EntityNotFoundException:
        pass  # the test dropped it
