"""One S3 server for each test file, and a bucket of its own for each test."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from unit.local_s3.s3_server import Local


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = Local(tmp_path_factory.mktemp("local glue"))
    yield local
    local.stop()


@pytest.fixture(scope="module")
def s3(local: Local) -> Any:
    return local.client()


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    name = "b-" + hashlib.md5(request.node.name.encode()).hexdigest()
    s3.create_bucket(Bucket=name)
    return name
