import botocore.session
import pytest
from botocore.validate import ParamValidator

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.session.spec import OWNER_TAG, SessionSpec

ROLE = "arn:aws:iam::123456789012:role/Glue"


def valid(request):
    model = botocore.session.Session().get_service_model("glue").operation_model("CreateSession")
    report = ParamValidator().validate(request, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    return request


def test_smallest():
    request = valid(SessionSpec(role_arn=ROLE).create_request("dbt-glue__1"))
    assert request["Id"] == "dbt-glue__1" and request["Role"] == ROLE
    assert request["Command"] == {"Name": "glueetl", "PythonVersion": "3"}
    assert (request["Timeout"], request["IdleTimeout"], request["GlueVersion"]) == (300, 10, "5.0")
    assert request["DefaultArguments"] == {"--enable-glue-datacatalog": "true"}
    assert request["RequestOrigin"] == "dbt-glue"
    assert request["Tags"][OWNER_TAG[0]] == OWNER_TAG[1]
    assert "SessionType" not in request and "NumberOfWorkers" not in request


def test_everything():
    spec = SessionSpec(
        role_arn=ROLE,
        workers=3,
        worker_type="G.1X",
        default_arguments=(
            ("--conf", "spark.c=3 --conf spark.d=4"),
            ("--extra-jars", "s3://b/two.jar"),
            ("--enable-glue-datacatalog", "false"),
            ("--TempDir", "s3://b/t=1"),
        ),
        conf=(("spark.a", "1=2"), ("spark.b", "x")),
        datalake_formats=("iceberg", "delta"),
        extra_jars="s3://b/one.jar",
        extra_py_files="s3://b/x.py",
        connections=("c1", "c2"),
        security_configuration="sec",
        tags=(("team", "a"),),
        session_type="spark_connect",
    )
    request = valid(spec.create_request("s"))
    arguments = request["DefaultArguments"]
    assert arguments["--conf"] == ("spark.a=1=2 --conf spark.b=x --conf spark.c=3 --conf spark.d=4")
    assert arguments["--extra-jars"] == "s3://b/one.jar,s3://b/two.jar"
    assert arguments["--datalake-formats"] == "iceberg,delta"
    assert arguments["--extra-py-files"] == "s3://b/x.py"
    assert arguments["--enable-glue-datacatalog"] == "false"
    assert arguments["--TempDir"] == "s3://b/t=1"
    assert request["Connections"] == {"Connections": ["c1", "c2"]}
    assert request["Tags"]["team"] == "a"
    assert (request["NumberOfWorkers"], request["WorkerType"]) == (3, "G.1X")
    assert request["SessionType"] == "SPARK_CONNECT"


def test_formats_of_both_places_are_joined():
    spec = SessionSpec(
        role_arn=ROLE,
        datalake_formats=("iceberg",),
        default_arguments=(("--datalake-formats", "hudi, iceberg"),),
    )
    arguments = spec.create_request("s")["DefaultArguments"]
    assert arguments["--datalake-formats"] == "iceberg,hudi"


def test_too_long_conf_names_the_key():
    spec = SessionSpec(role_arn=ROLE, conf=(("spark.x", "y" * 4096),))
    with pytest.raises(ConfigurationError, match="--conf is 4104 characters"):
        spec.create_request("s")


def test_too_many_arguments():
    spec = SessionSpec(role_arn=ROLE, default_arguments=tuple((f"--a{i}", "1") for i in range(80)))
    with pytest.raises(ConfigurationError, match="75"):
        spec.create_request("s")


def test_too_many_tags():
    spec = SessionSpec(role_arn=ROLE, tags=tuple((f"t{i}", "1") for i in range(48)))
    with pytest.raises(ConfigurationError, match="50 tags"):
        spec.create_request("s")


def test_equal_specs_are_one_key():
    assert {SessionSpec(role_arn=ROLE): 1}[SessionSpec(role_arn=ROLE)] == 1
