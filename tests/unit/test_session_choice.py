"""Which session type a profile gets, and what it says about it."""

from collections.abc import Iterator
from typing import Any

import pytest

from dbt.adapters.glue import session_choice as module
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.session_choice import client_problem, session_choice


def profile(**more: Any) -> GlueCredentials:
    keys = {
        "schema": "analytics",
        "role_arn": "arn:aws:iam::123456789012:role/Glue",
        "region": "eu-west-1",
        "glue_version": "5.1",
    }
    return GlueCredentials.from_dict(keys | more)


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    client_problem.cache_clear()
    yield
    client_problem.cache_clear()


def test_spark_connect_is_taken_when_asked_for_and_the_spec_says_so() -> None:
    asked = profile(session_type="spark_connect")
    assert session_choice(asked).session_type == "spark_connect"
    spec = session_spec(asked, "spark_connect")
    assert spec.create_request("x")["SessionType"] == "SPARK_CONNECT"
    assert not spec.or_livy


def test_clients_of_one_spark_connect_session_keep_no_lists_of_files() -> None:
    """Each has a Spark session of its own, which no REFRESH TABLE of another one reaches."""
    key = "spark.sql.filesourceTableRelationCacheSize"
    shared = {"session_type": "spark_connect", "glue_session_reuse": True}
    assert dict(session_spec(profile(**shared), "spark_connect").conf)[key] == "0"
    assert key not in dict(session_spec(profile(**shared), "livy").conf)
    assert key not in dict(
        session_spec(profile(session_type="spark_connect"), "spark_connect").conf
    )
    own = profile(**shared, conf=f"{key}=9")
    assert dict(session_spec(own, "spark_connect").conf)[key] == "9"


def test_auto_takes_spark_connect_and_a_livy_session_will_do() -> None:
    choice = session_choice(profile())
    assert choice.session_type == "spark_connect"
    assert "Glue 5.1" in choice.reason
    assert session_spec(profile(), choice.session_type).or_livy


def test_auto_takes_livy_where_sql_and_python_must_share_a_session() -> None:
    choice = session_choice(profile(), lambda: "macros/udf.sql:3")
    assert choice.session_type == "livy"
    assert "macros/udf.sql:3 runs Python" in choice.reason
    spec = session_spec(profile(), choice.session_type)
    assert "SessionType" not in spec.create_request("x")
    assert not spec.or_livy


def test_the_project_is_not_searched_where_the_profile_decides() -> None:
    def search() -> str:
        raise AssertionError("searched")

    for keys in ({"session_type": "livy"}, {"session_type": "spark_connect"}, {"region": "cn-1"}):
        session_choice(profile(**keys), search)


def test_auto_of_both_leaves_it_open_what_glue_takes() -> None:
    choice = session_choice(profile(glue_version="auto"))
    assert choice.session_type == "livy"
    assert "glue_version: auto" in choice.reason


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"glue_version": "5.0"}, "needs Glue 5.1 or later, not 5.0"),
        ({"region": "us-west-1"}, "no Spark Connect in us-west-1"),
        ({"region": "us-gov-west-1"}, "no Spark Connect in us-gov-west-1"),
        ({"region": "cn-north-1"}, "no Spark Connect in cn-north-1"),
        (
            {"default_arguments": {"--enable-lakeformation-fine-grained-access": "true"}},
            "no Lake Formation fine-grained access",
        ),
    ],
)
def test_where_it_cannot_be_had(keys: dict[str, Any], reason: str) -> None:
    choice = session_choice(profile(**keys))
    assert choice.session_type == "livy"
    assert reason in choice.reason
    with pytest.raises(ConfigurationError, match=reason) as caught:
        session_choice(profile(session_type="spark_connect", **keys))
    assert "livy" in (caught.value.hint or "")


def test_version_auto_is_left_to_glue() -> None:
    asked = profile(glue_version="auto", session_type="spark_connect")
    assert session_choice(asked).session_type == "spark_connect"


def test_local_glue_is_in_no_region() -> None:
    asked = profile(local=True, region="us-west-1", session_type="spark_connect")
    assert session_choice(asked).session_type == "spark_connect"


def test_fine_grained_access_switched_off_is_no_reason() -> None:
    off = {"--enable-lakeformation-fine-grained-access": "false"}
    asked = profile(default_arguments=off, session_type="spark_connect")
    assert session_choice(asked).session_type == "spark_connect"


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEEDED_MODULES", ("pyspark", "nowhere_at_all", "no.where"))
    choice = session_choice(profile())
    assert choice.session_type == "livy"
    assert "nowhere_at_all, no.where is not installed (pip install" in choice.reason


@pytest.mark.parametrize(
    ("package", "version", "reason"),
    [("pyspark", "4.1.1", "3.5 is needed"), ("botocore", "1.43.22", "1.43.23 is needed")],
)
def test_library_of_the_wrong_age(
    monkeypatch: pytest.MonkeyPatch, package: str, version: str, reason: str
) -> None:
    known = {"pyspark": "3.5.7", "botocore": "1.44.5", package: version}
    monkeypatch.setattr(module.metadata, "version", known.__getitem__)
    assert reason in session_choice(profile()).reason
