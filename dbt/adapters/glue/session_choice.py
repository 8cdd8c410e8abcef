"""Which kind of Glue session a profile gets, and why."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError

LIVY, CONNECT = "livy", "spark_connect"
# Spark Connect sessions came with Glue 5.1 and are not in these regions (glue-api.md 2.7).
VERSIONS_WITHOUT = ("3.0", "4.0", "5.0")
REGIONS_WITHOUT = ("us-west-1", "eu-south-2", "us-gov-", "cn-")
FINE_GRAINED_ACCESS = "--enable-lakeformation-fine-grained-access"
NEEDED_MODULES = ("pyspark", "pandas", "pyarrow", "grpc", "grpc_status", "google.rpc")
INSTALL = "pip install 'dbt-glue[connect]'"
# The first with SessionType in its model.
OLDEST_BOTOCORE = (1, 43, 23)


@dataclass(frozen=True)
class SessionChoice:
    session_type: str  # "livy" or "spark_connect"
    reason: str


def session_choice(
    credentials: GlueCredentials, python_use: Callable[[], str | None] = lambda: None
) -> SessionChoice:
    """What `session_type` comes to.

    python_use: where the project runs Python beside its SQL, which then must share a session.
    Raises ConfigurationError, with the reason, for `spark_connect` where it cannot be had.
    """
    asked = credentials.session_type
    if asked == LIVY:
        return SessionChoice(LIVY, "the profile says so")
    problem = connect_problem(credentials)
    if asked == CONNECT:
        if problem is not None:
            raise ConfigurationError(
                f"session_type: got 'spark_connect', and {problem}.",
                hint="Use `session_type: livy`, or `auto`.",
            )
        return SessionChoice(CONNECT, "the profile says so")
    if credentials.glue_version == "auto":
        problem = problem or "`glue_version: auto` may be one without Spark Connect"
    if problem is not None:
        return SessionChoice(LIVY, problem)
    if place := python_use():
        return SessionChoice(
            LIVY, f"{place} runs Python beside SQL, and Spark Connect would keep the two apart"
        )
    return SessionChoice(CONNECT, f"Glue {credentials.glue_version} and this Python have it")


def connect_problem(credentials: GlueCredentials) -> str | None:
    """Why a profile cannot have a Spark Connect session; None if it can."""
    version, region = credentials.glue_version, credentials.region or ""
    if version in VERSIONS_WITHOUT:
        return f"Spark Connect needs Glue 5.1 or later, not {version}"
    if not credentials.local and region.startswith(REGIONS_WITHOUT):
        return f"Glue has no Spark Connect in {region}"
    if credentials.arguments.get(FINE_GRAINED_ACCESS, "false").lower() != "false":
        return "Spark Connect has no Lake Formation fine-grained access"
    return client_problem()


@functools.cache
def client_problem() -> str | None:
    """Why the libraries of this Python cannot do Spark Connect; None if they can."""
    missing = [name for name in NEEDED_MODULES if not _is_there(name)]
    if missing:
        return f"{', '.join(missing)} is not installed ({INSTALL})"
    spark = metadata.version("pyspark")
    # A client of Spark 4 fails on the Spark 3.5 of Glue 5.1 (measured).
    if not spark.startswith("3.5."):
        return f"pyspark is {spark}, and 3.5 is needed ({INSTALL})"
    botocore = metadata.version("botocore")
    if tuple(int(part) for part in botocore.split(".")[:3]) < OLDEST_BOTOCORE:
        return f"botocore is {botocore}, and 1.43.23 is needed (pip install -U boto3)"
    return None


def _is_there(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
