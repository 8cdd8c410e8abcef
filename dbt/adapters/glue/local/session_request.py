"""What CreateSession checks beyond the API's model, and what it fills in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .catalog_store import ACCOUNT_ID
from .errors import InvalidInputException, OperationNotSupportedException

DEFAULT_GLUE_VERSION = "5.1"
DEFAULT_TIMEOUT = 2880  # minutes
DEFAULT_WORKERS = 5
DEFAULT_WORKER_TYPE = "G.1X"

# All run on this machine's one Spark 3.5; versions of other major Sparks are refused.
SERVED_VERSIONS = ("3.0", "4.0", "5.0", "5.1")
_RETIRED_VERSIONS = ("0.9", "1.0", "2.0")
_CATALOG_ID = re.compile(r"hive\.metastore\.glue\.catalogid=(\S+)")
_DPU = {
    "Standard": 1.0,
    "G.025X": 0.25,
    "G.1X": 1.0,
    "G.2X": 2.0,
    "G.4X": 4.0,
    "G.8X": 8.0,
    "G.12X": 12.0,
    "G.16X": 16.0,
    "R.1X": 1.0,
    "R.2X": 2.0,
    "R.4X": 4.0,
    "R.8X": 8.0,
    "Z.2X": 2.0,
}


@dataclass(frozen=True)
class SessionRequest:
    """A checked CreateSession; `timeout` and `idle_timeout` in minutes."""

    id: str
    arguments: dict[str, str]
    timeout: int
    idle_timeout: int
    max_capacity: float  # DPU
    tags: dict[str, str]
    connect: bool = False  # SessionType SPARK_CONNECT
    echoed: dict[str, Any] = field(default_factory=dict)  # members that GetSession gives back


def check(request: dict[str, Any]) -> SessionRequest:
    """Raises InvalidInputException for what AWS refuses, OperationNotSupportedException for what
    AWS serves and local Glue does not."""
    session_type = request.get("SessionType", "LIVY")
    version = _glue_version(request.get("GlueVersion", DEFAULT_GLUE_VERSION))
    if session_type == "SPARK_CONNECT":
        if version != "5.1":
            raise InvalidInputException(
                f"SessionType SPARK_CONNECT is not supported for GlueVersion {version}"
            )
    _refuse_another_catalog(request.get("DefaultArguments", {}).get("--conf", ""))
    timeout = request.get("Timeout", DEFAULT_TIMEOUT)
    capacity = _capacity(request)
    echoed = {
        name: request[name]
        for name in (
            "Description",
            "Role",
            "Command",
            "DefaultArguments",
            "Connections",
            "SecurityConfiguration",
        )
        if name in request
    }
    return SessionRequest(
        id=request["Id"],
        arguments=dict(request.get("DefaultArguments", {})),
        timeout=timeout,
        idle_timeout=request.get("IdleTimeout", timeout),
        max_capacity=capacity["MaxCapacity"],
        tags=dict(request.get("Tags", {})),
        connect=session_type == "SPARK_CONNECT",
        echoed=echoed | capacity | {"GlueVersion": version, "SessionType": session_type},
    )


def _refuse_another_catalog(conf: str) -> None:
    """Spark's session catalog is the Hive metastore, which has our own account's tables."""
    for account in _CATALOG_ID.findall(conf):
        if account != ACCOUNT_ID:
            raise OperationNotSupportedException(
                f"local Glue has the Data Catalog of {ACCOUNT_ID} as Spark's session catalog, not "
                f"that of {account}, which the conf hive.metastore.glue.catalogid asks for"
            )


def _glue_version(version: str) -> str:
    if version == "auto":
        return DEFAULT_GLUE_VERSION
    if version in SERVED_VERSIONS:
        return version
    if version in _RETIRED_VERSIONS or version != "6.0":
        raise InvalidInputException(f"Glue version {version} is not supported")
    raise OperationNotSupportedException(
        f"local Glue runs Spark 3.5 and does not serve GlueVersion {version}: "
        f"use one of {', '.join(SERVED_VERSIONS)}"
    )


def _capacity(request: dict[str, Any]) -> dict[str, Any]:
    workers, worker_type = request.get("NumberOfWorkers"), request.get("WorkerType")
    if request.get("MaxCapacity") is not None:
        if workers is not None or worker_type is not None:
            raise InvalidInputException(
                "Please do not set Max Capacity if using Worker Type and Number of Workers."
            )
        if request["MaxCapacity"] < 2:
            raise InvalidInputException("MaxCapacity must be at least 2")
        return {"MaxCapacity": float(request["MaxCapacity"])}
    if (workers is None) != (worker_type is None):
        raise InvalidInputException("Please set both Worker Type and Number of Workers.")
    workers = DEFAULT_WORKERS if workers is None else workers
    worker_type = worker_type or DEFAULT_WORKER_TYPE
    if workers < 2:
        raise InvalidInputException(f"NumberOfWorkers must be at least 2, got {workers}")
    return {
        "MaxCapacity": workers * _DPU[worker_type],
        "NumberOfWorkers": workers,
        "WorkerType": worker_type,
    }
