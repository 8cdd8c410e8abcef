"""dbt projects on local Glue: every test shares one warm session."""

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from knobs import turned_back

# livy or spark_connect: the whole suite runs on either
TRANSPORT = os.environ.get("DBT_GLUE_TEST_TRANSPORT", "spark_connect")
WAREHOUSE = "s3://functional-tests/warehouse"


@pytest.fixture(scope="class")
def dbt_profile_target(local_glue: Any) -> dict[str, Any]:
    return {
        "type": "glue",
        "local": True,
        "local_dir": str(local_glue.local_dir),
        "location": WAREHOUSE,
        "datalake_formats": "iceberg,delta,hudi",
        "glue_version": "5.1",
        "session_type": TRANSPORT,
        "glue_session_id": f"functional-tests-{TRANSPORT}",
        "glue_session_reuse": True,
        "idle_timeout": 60,
        "threads": 4,
    }


class OnLivy:
    """For test classes: in a Livy session, whatever TRANSPORT says."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        livy = {"session_type": "livy", "glue_session_id": "functional-tests-livy"}
        return {**dbt_profile_target, **livy}


class OnConnect:
    """For test classes: in a Spark Connect session, whatever TRANSPORT says."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        session = {"session_type": "spark_connect", "glue_session_id": "functional-tests-connect"}
        return {**dbt_profile_target, **session}


def stop_sessions(glue_client: Any, prefix: str) -> None:
    """Those whose id begins so: they have a conf of their own, and are no use to other tests."""
    for session in glue_client.list_sessions()["Sessions"]:
        if session["Id"].startswith(prefix) and session["Status"] == "READY":
            glue_client.stop_session(Id=session["Id"])


@pytest.fixture
def turn(local_glue: Any) -> Iterator[Callable[..., None]]:
    """Turns local Glue's knobs, and back."""
    with turned_back(local_glue.url) as turn:
        yield turn


@pytest.fixture(scope="session")
def glue_client(local_glue: Any) -> Any:
    """boto3's own Glue client, to look at what dbt left in the catalog."""
    return local_glue.client("glue")


@pytest.fixture
def s3_client(local_glue: Any) -> Any:
    return local_glue.client("s3")


@pytest.fixture(scope="session")
def lakeformation_client(local_glue: Any) -> Any:
    return local_glue.client("lakeformation")


@pytest.fixture
def plans(local_glue: Any) -> Callable[[], int]:
    """How many plans Spark Connect sessions were sent since the last reset."""

    def read() -> int:
        with urllib.request.urlopen(f"{local_glue.url}/_stats", timeout=10) as response:
            counted: dict[str, int] = json.load(response)["calls"]
        return counted.get("connect:ExecutePlan", 0)

    return read


@pytest.fixture
def calls(local_glue: Any) -> Callable[[], dict[str, int]]:
    """API calls by operation since the last time this was asked."""

    def read() -> dict[str, int]:
        with urllib.request.urlopen(f"{local_glue.url}/_stats", timeout=10) as response:
            counted: dict[str, int] = json.load(response)["calls"]
        request = urllib.request.Request(f"{local_glue.url}/_stats/reset", method="POST")
        urllib.request.urlopen(request, timeout=10).close()
        return counted

    read()
    return read
