"""A profile and configs of dbt-glue 1.12.4 mean here what they meant there."""

from typing import Any

import pytest
from unit.macros.harness import FakeProject

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.model_config import GlueConfig
from dbt.adapters.glue.node_session import session_name, session_spec

ROLE = "arn:aws:iam::123456789012:role/GlueInteractiveSessionRole"
# In the form that the README of 1.12.4 gives.
PROFILE: dict[str, Any] = {
    "type": "glue",
    "query-comment": "my comment",
    "project_name": "p",
    "user": "u",
    "role_arn": ROLE,
    "region": "eu-west-1",
    "glue_version": "4.0",
    "workers": 3,
    "worker_type": "G.2X",
    "schema": "analytics",
    "database": "analytics",
    "session_provisioning_timeout_in_seconds": 240,
    "location": "s3://lake/warehouse/",
    "idle_timeout": 20,
    "query_timeout_in_minutes": 60,
    "security_configuration": "sec",
    "connections": "one,two",
    "conf": "spark.serializer=org.apache.spark.serializer.KryoSerializer --conf spark.x=a=b",
    "extra_jars": "s3://lake/one.jar",
    "extra_py_files": "s3://lake/two.py",
    "tags": "team=data,env=prod",
    "default_arguments": "--enable-metrics=true, --TempDir=s3://lake/tmp",
    "datalake_formats": "hudi",
    "packages": ["numpy"],
    "boto_retry_mode": "standard",
    "boto_retry_max_attempts": 4,
    "use_interactive_session_role_for_api_calls": True,
}


def profile(**changes: Any) -> GlueCredentials:
    data = {**PROFILE, **changes}
    GlueCredentials.validate(data)
    return GlueCredentials.from_dict(data)


@pytest.fixture(autouse=True)
def not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)


def test_create_session_is_asked_what_the_profile_says() -> None:
    credentials = profile()
    name = session_name(credentials, {}, None, "run")
    request = session_spec(credentials, "livy").create_request(name.id)
    assert request["Role"] == ROLE
    assert (request["NumberOfWorkers"], request["WorkerType"]) == (3, "G.2X")
    assert (request["IdleTimeout"], request["Timeout"], request["GlueVersion"]) == (20, 60, "4.0")
    assert request["SecurityConfiguration"] == "sec"
    assert request["Connections"] == {"Connections": ["one", "two"]}
    assert request["RequestOrigin"] == "dbt-glue"
    assert {"team": "data", "env": "prod"}.items() <= request["Tags"].items()
    arguments = request["DefaultArguments"]
    assert arguments["--enable-glue-datacatalog"] == "true"
    assert arguments["--datalake-formats"] == "hudi"
    assert arguments["--extra-jars"] == "s3://lake/one.jar"
    assert arguments["--extra-py-files"] == "s3://lake/two.py"
    assert arguments["--enable-metrics"] == "true"
    assert arguments["--TempDir"] == "s3://lake/tmp"
    assert arguments["--additional-python-modules"] == "numpy"
    conf = arguments["--conf"].split(" --conf ")
    assert "spark.serializer=org.apache.spark.serializer.KryoSerializer" in conf
    assert "spark.x=a=b" in conf


def test_calls_outside_the_session() -> None:
    settings = profile().client_settings()
    assert (settings.region, [role.arn for role in settings.roles]) == ("eu-west-1", [ROLE])
    assert (settings.retry_mode, settings.retry_max_attempts) == ("standard", 4)
    own = profile(use_interactive_session_role_for_api_calls=False).client_settings()
    assert own.roles == ()


def test_temp_schema_has_the_staging_tables() -> None:
    project = FakeProject(file_format="parquet")
    staged = project.macro("glue__make_staging_table")(project.this)
    assert staged.schema == "sch"
    project.context["target"]["temp_schema"] = "scratch"
    staged = project.macro("glue__make_staging_table")(project.this)
    assert staged.schema == "scratch" and project.adapter.remembered[-1] == staged.render()


def test_configs_that_are_accepted_and_not_used() -> None:
    """A temporary relation has a name of its own, and no schema, whatever these say."""
    plain = FakeProject(file_format="iceberg")
    told = FakeProject(
        file_format="iceberg", custom_temp_suffix="mine", use_iceberg_temp_views=False
    )
    named = [
        project.macro("make_temp_relation")(project.this, "_mine").render()
        for project in (plain, told)
    ]
    assert named[0] == named[1] == "`tab__dbt_tmp_1`"
    fields = GlueConfig.__dataclass_fields__
    assert {"custom_temp_suffix", "use_iceberg_temp_views"} <= set(fields)


def test_variables_are_substituted_in_the_models_query() -> None:
    project = FakeProject(
        sql="select <SUBSTITUTE_VARIABLE_0> as id",
        file_format="parquet",
        substitute_variables=["newest"],
    )
    assert project.run("table")[-1].endswith("as select value of newest as id")


@pytest.mark.parametrize("materialized", ["table", "incremental"])
@pytest.mark.parametrize("prefix", ["athena", None])
def test_delta_athena_prefix_ends_each_write(materialized: str, prefix: str | None) -> None:
    project = FakeProject(file_format="delta", partition_by="d", materialized=materialized)
    project.context["target"]["delta_athena_prefix"] = prefix
    log = project.run(materialized)
    told = [line for line in log if line.startswith("MANIFEST")]
    assert told == (["MANIFEST `sch`.`tab` None ['d']"] if prefix else [])


@pytest.mark.parametrize("prefix", ["athena", None])
def test_a_dropped_delta_table_takes_its_twin_along(prefix: str | None) -> None:
    project = FakeProject(file_format="delta")
    project.context["target"]["delta_athena_prefix"] = prefix
    project.macro("glue__drop_relation")(project.this.incorporate(table_format="delta"))
    dropped = [line for line in project.adapter.log if line.startswith("DROP QUERY TABLES")]
    assert len(dropped) == (1 if prefix else 0)
