"""GlueCredentials: keys of dbt-glue 1.12.4, validation, what a session is asked for."""

import dataclasses
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.masking import masked
from dbt.adapters.glue.node_session import effective_credentials, session_name, session_spec
from dbt.adapters.glue.spark_conf import parse_arguments, parse_conf, session_conf
from dbt.adapters.glue.table_format import table_format

ROLE = "arn:aws:iam::123456789012:role/path/GlueRole"
BASE = {"schema": "analytics", "role_arn": ROLE, "region": "eu-west-1"}

UPSTREAM_DEFAULTS = {
    "role_arn": None,
    "region": None,
    "workers": None,
    "worker_type": None,
    "session_provisioning_timeout_in_seconds": 120,
    "location": None,
    "extra_jars": None,
    "idle_timeout": 10,
    "query_timeout_in_minutes": 300,
    "glue_version": "5.0",
    "security_configuration": None,
    "connections": None,
    "conf": None,
    "extra_py_files": None,
    "delta_athena_prefix": None,
    "tags": None,
    "database": None,
    "schema": None,
    "temp_schema": None,
    "seed_format": "parquet",
    "seed_mode": "overwrite",
    "default_arguments": None,
    "iceberg_glue_commit_lock_table": "myGlueLockTable",
    "use_interactive_session_role_for_api_calls": False,
    "lf_tags": None,
    "glue_session_id": None,
    "glue_session_reuse": False,
    "datalake_formats": None,
    "enable_session_per_model": False,
    "group_session_id": None,
    "use_arrow": False,
    "custom_iceberg_catalog_namespace": "glue_catalog",
    "enable_spark_seed_casting": False,
    "statement_poll_interval": 1.0,
    "boto_retry_mode": "adaptive",
    "boto_retry_max_attempts": 10,
    "root_location": False,
    "packages": None,
}


def profile(**changes: Any) -> GlueCredentials:
    data = {**BASE, **changes}
    GlueCredentials.validate(data)
    return GlueCredentials.from_dict(data)


@pytest.fixture(autouse=True)
def not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)


def test_local_glue_is_version_5_1_unless_the_profile_says_otherwise() -> None:
    assert profile(local=True).glue_version == "5.1"
    assert profile(local=True, glue_version="5.0").glue_version == "5.0"


def test_every_key_of_the_older_adapter_has_its_default() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(GlueCredentials)}
    defaults["glue_version"] = profile().glue_version  # another one on local Glue
    assert {name: defaults[name] for name in UPSTREAM_DEFAULTS} == UPSTREAM_DEFAULTS


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("role_arn", "GlueRole", "an ARN such as"),
        ("workers", 1, "an integer of at least 2"),
        ("workers", "2", "an integer of at least 2"),
        ("workers", True, "an integer of at least 2"),
        ("worker_type", "G.3X", "one of Standard, G.025X, G.1X"),
        ("worker_type", "Z.2X", "one of Standard"),
        ("location", "/tmp/x", "s3://bucket or s3://bucket/path"),
        ("location", "s3://", "s3://bucket or s3://bucket/path"),
        ("glue_version", "7.7", "one of 4.0, 5.0, 5.1"),
        ("glue_version", "3.0", "one of 4.0, 5.0, 5.1"),
        ("idle_timeout", 0, "at least 1 minute"),
        ("query_timeout_in_minutes", 0, "at least 1 minute"),
        ("session_provisioning_timeout_in_seconds", 0, "at least 1 second"),
        ("boto_retry_mode", "fast", "one of legacy, standard, adaptive"),
        ("boto_retry_max_attempts", 0, "at least 1"),
        ("statement_poll_interval", 0, "a number above 0"),
        ("seed_format", "xls", "one of parquet"),
        ("seed_mode", "merge", "one of overwrite, append"),
        ("session_type", "ssh", "one of auto, livy, spark_connect"),
        ("conf", ["a=b"], "a text or mapping"),
        ("local", "yes", "a boolean"),
    ],
)
def test_a_wrong_value_says_what_was_got_and_expected(key: str, value: Any, expected: str) -> None:
    with pytest.raises(DbtRuntimeError) as caught:
        profile(**{key: value})
    assert f"{key}: got {value!r}, expected " in str(caught.value)
    assert expected in str(caught.value)


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(DbtRuntimeError, match="(?s)workers: got 0.*worker_type: got 'X'"):
        profile(workers=0, worker_type="X")


@pytest.mark.parametrize("missing", ["role_arn", "region", "schema"])
def test_what_is_required(missing: str) -> None:
    with pytest.raises(DbtRuntimeError, match=f"{missing}: got nothing, expected"):
        profile(**{missing: None})


def test_database_must_be_the_schema() -> None:
    assert profile(database="analytics").database is None
    with pytest.raises(DbtRuntimeError, match="database: got 'other'"):
        profile(database="other")


def test_local_needs_nothing_but_a_schema() -> None:
    credentials = GlueCredentials.from_dict({"schema": "analytics", "local": True})
    assert (credentials.workers, credentials.worker_type) == (2, "G.1X")
    assert credentials.location == "s3://dbt-glue-local/warehouse"
    assert credentials.formats == ("iceberg", "delta", "hudi")
    assert credentials.client_settings().local


def test_local_run_makes_a_profile_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_GLUE_LOCAL", "1")
    assert profile().local
    assert profile().role_arn == ROLE


def test_yaml_numbers_are_versions_too() -> None:
    assert profile(glue_version=5.1).glue_version == "5.1"
    assert profile(packages="numpy, pandas").packages == ["numpy", "pandas"]


def test_pain_39_conf_keeps_its_first_item_and_values_with_equals_signs() -> None:
    text = "spark.a=b --conf spark.c=d=e --conf spark.f=x y"
    expected = {"spark.a": "b", "spark.c": "d=e", "spark.f": "x y"}
    assert parse_conf(text) == expected
    assert parse_conf("--conf " + text) == expected
    assert profile(conf={"spark.a": True, "spark.b": 1}).conf_settings == {
        "spark.a": "true",
        "spark.b": "1",
    }
    with pytest.raises(DbtRuntimeError, match="conf: got 'spark.a', expected key=value"):
        profile(conf="spark.a")


def test_pain_39_default_arguments_keep_equals_signs_commas_and_flags() -> None:
    text = "--conf=spark.a=b --conf spark.c=d, --enable-metrics, --x=1,2, --y=z"
    assert parse_arguments(text) == {
        "--conf": "spark.a=b --conf spark.c=d",
        "--enable-metrics": "true",
        "--x": "1,2",
        "--y": "z",
    }
    credentials = profile(default_arguments=text, conf="spark.c=mine")
    assert credentials.conf_settings == {"spark.a": "b", "spark.c": "mine"}
    assert "--conf" not in credentials.arguments
    assert profile(default_arguments={"--flag": True}).arguments == {"--flag": "true"}
    with pytest.raises(ConfigurationError, match="default_arguments: got ") as caught:
        parse_arguments("--my-secret hunter2, --b=1")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="default_arguments: got 'x=1'"):
        parse_arguments("x=1")


def test_formats_from_either_place() -> None:
    assert profile(datalake_formats="Iceberg, hudi").formats == ("iceberg", "hudi")
    assert profile(default_arguments="--datalake-formats=delta").formats == ("delta",)
    with pytest.raises(DbtRuntimeError, match="datalake_formats: got 'paimon'"):
        profile(datalake_formats="paimon")


def test_a_format_is_set_up_by_name_or_by_own_conf() -> None:
    iceberg = table_format("iceberg")
    assert not profile().has_format(iceberg)
    assert profile().has_format(table_format("orc"))
    assert profile(datalake_formats="iceberg").has_format(iceberg)
    own = {"spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog"}
    assert profile(conf=own).has_format(iceberg)


def conf_of(formats: tuple[str, ...], **own: str) -> dict[str, str]:
    return session_conf(
        formats,
        {key.replace("__", "."): value for key, value in own.items()},
        iceberg_catalog="glue_catalog",
        warehouse="s3://bucket/w",
        catalog_id=None,
    )


def test_three_formats_in_one_session() -> None:
    conf = conf_of(("iceberg", "delta", "hudi"))
    assert conf["spark.sql.extensions"].split(",") == [
        "io.delta.sql.DeltaSparkSessionExtension",
        "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
    ]
    assert conf["spark.sql.catalog.spark_catalog"].endswith("DeltaCatalog")
    assert conf["spark.sql.catalog.glue_catalog"].endswith("iceberg.spark.SparkCatalog")
    assert conf["spark.sql.catalog.glue_catalog.warehouse"] == "s3://bucket/w"
    assert conf["spark.sql.sources.partitionOverwriteMode"] == "dynamic"


def test_only_what_is_asked_for_is_set_up() -> None:
    assert not [value for value in conf_of(("iceberg",)).values() if "delta" in value.lower()]
    assert "spark.sql.extensions" not in conf_of(())


def test_the_users_conf_wins() -> None:
    own = {"spark.sql.sources.partitionOverwriteMode": "static"}
    conf = session_conf((), own, iceberg_catalog=None, warehouse=None, catalog_id=None)
    assert conf["spark.sql.sources.partitionOverwriteMode"] == "static"
    own = {"spark.sql.catalog.glue_catalog": "my.Catalog"}
    conf = session_conf(
        ("iceberg",), own, iceberg_catalog="glue_catalog", warehouse="s3://b", catalog_id=None
    )
    assert "spark.sql.catalog.glue_catalog.catalog-impl" not in conf


def test_no_namespace_takes_the_session_catalog_for_iceberg_alone() -> None:
    arguments: dict[str, Any] = {"iceberg_catalog": None, "warehouse": None, "catalog_id": None}
    conf = session_conf(("iceberg",), {}, **arguments)
    assert conf["spark.sql.catalog.spark_catalog"].endswith("SparkSessionCatalog")
    with pytest.raises(ConfigurationError, match="custom_iceberg_catalog_namespace"):
        session_conf(("iceberg", "delta"), {}, **arguments)


def test_the_spec_carries_the_profile() -> None:
    spec = session_spec(
        profile(
            workers=5,
            worker_type="G.2X",
            tags="team=data, env=prod",
            connections="a,b,a",
            datalake_formats="iceberg",
        ),
        "livy",
    )
    assert (spec.workers, spec.worker_type, spec.glue_version) == (5, "G.2X", "5.0")
    assert spec.tags == (("team", "data"), ("env", "prod"))
    assert spec.connections == ("a", "b")
    assert spec.datalake_formats == ("iceberg",)
    assert spec.create_request("x")["Role"] == ROLE


@pytest.mark.parametrize(
    ("keys", "meta", "expected", "shared"),
    [
        ({}, {}, "dbt-glue__path/GlueRole__RUN", False),
        ({"glue_session_id": "mine"}, {}, "mine__path/GlueRole__RUN", False),
        ({"glue_session_reuse": True}, {}, "dbt-glue", True),
        ({"glue_session_id": "a.b", "glue_session_reuse": True}, {}, "a_b", True),
        ({"enable_session_per_model": True}, {}, "dbt-glue__model_p_x__RUN", False),
        ({}, {"workers": 9}, "dbt-glue__model_p_x__RUN", False),
        ({}, {"group_session_id": "big", "workers": 9}, "dbt-glue__big__RUN", False),
        ({}, {"owner": "me"}, "dbt-glue__path/GlueRole__RUN", False),
        ({"glue_session_reuse": True}, {"group_session_id": "big"}, "dbt-glue__big", True),
        ({"glue_session_reuse": True}, {"workers": 9}, "dbt-glue__model_p_x", True),
    ],
)
def test_session_ids(keys: dict, meta: dict, expected: str, shared: bool) -> None:
    credentials = effective_credentials(profile(**keys), meta)
    name = session_name(credentials, meta, "model.p.x", "RUN")
    assert (name.id, name.shared) == (expected, shared)


def test_long_session_ids_stay_legal_and_apart() -> None:
    credentials = profile(enable_session_per_model=True)
    ids = {session_name(credentials, {}, "m" * 300 + end, "R").id for end in "ab"}
    assert len(ids) == 2 and max(map(len, ids)) <= 255


def test_a_wrong_value_in_meta_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="meta: workers: got 'many', expected"):
        effective_credentials(profile(), {"workers": "many"})


def test_debug_shows_every_key_but_secrets() -> None:
    credentials = profile(
        conf={"spark.hadoop.fs.s3a.secret.key": "hush"},
        default_arguments="--password=hush, --x=1",
        endpoint_url="https://user:hush@host",
    )
    shown = dict(credentials.connection_info())
    fields = {field.name for field in dataclasses.fields(credentials)}
    assert set(shown) == {name for name in fields if not name.startswith("_")} - {
        "assume_role_external_id"
    }
    assert "hush" not in str(shown)
    assert shown["default_arguments"].endswith("--x=1")
    assert masked("spark.x=1") == "spark.x=1"
