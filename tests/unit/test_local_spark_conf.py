"""What a session's Spark is started with, from CreateSession's DefaultArguments."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from dbt.adapters.glue.local.class_archive import RECORD_OPTION, archive_path
from dbt.adapters.glue.local.spark_conf import (
    KernelSettings,
    ServerSettings,
    SessionConfError,
    kernel_settings,
    local_path,
    parse_conf,
)

URL = "http://127.0.0.1:4321"
CATALOG = "spark.sql.catalog.glue_catalog"


def jars(tmp_path: Path, *names: str) -> list[Path]:
    """The jars of the formats, empty ones."""
    paths = [tmp_path / f"{name}.jar" for name in names]
    for path in paths:
        if not path.exists():
            path.touch()
    return paths


def settings(tmp_path: Path, arguments: dict[str, str], **server: Any) -> KernelSettings:
    options: dict[str, Any] = {
        "local_dir": tmp_path,
        "endpoint_url": URL,
        "region": "us-east-1",
        "metastore_uri": lambda: "thrift://127.0.0.1:9",
        "jars_for": lambda formats: jars(tmp_path, *formats),
    }
    return kernel_settings("s/1", arguments, ServerSettings(**options | server), tmp_path / "w")


@pytest.mark.parametrize(
    ("text", "conf"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("a=b --conf c=d", {"a": "b", "c": "d"}),
        ("--conf a=b  --conf  c=d=e ", {"a": "b", "c": "d=e"}),
        ("a=x y --conf c=", {"a": "x y", "c": ""}),
        ("a=b --conf a=c", {"a": "c"}),
    ],
)
def test_parse_conf(text: str, conf: dict[str, str]) -> None:
    assert parse_conf(text) == conf


@pytest.mark.parametrize("text", ["a", "a=b --conf c", "=b", "a b=c"])
def test_parse_conf_refuses(text: str) -> None:
    with pytest.raises(SessionConfError, match="expected key=value"):
        parse_conf(text)


def test_temporary_files_go_with_the_session(tmp_path: Path) -> None:
    mine = "-Djava.io.tmpdir=/mine"
    made = settings(tmp_path, {"--conf": f"spark.driver.extraJavaOptions={mine}"})
    options = made.conf["spark.driver.extraJavaOptions"]
    assert f'"-Djava.io.tmpdir={made.folder}" {mine}' in options
    assert made.env["TMPDIR"] == str(made.folder)


def test_the_user_wins_over_our_defaults(tmp_path: Path) -> None:
    conf = settings(tmp_path, {"--conf": "spark.sql.shuffle.partitions=9"}).conf
    assert conf["spark.sql.shuffle.partitions"] == "9"
    assert conf["spark.ui.enabled"] == "false"


def test_cluster_sizes_are_left_out_and_noted(tmp_path: Path) -> None:
    made = settings(tmp_path, {"--conf": "spark.driver.memory=64g --conf spark.executor.cores=8"})
    assert made.conf["spark.driver.memory"] == "2g"
    assert "spark.executor.cores" not in made.conf
    assert len(made.notes) == 2


def test_iceberg_glue_catalogs_are_pointed_at_this_server(tmp_path: Path) -> None:
    text = " --conf ".join(
        [
            f"{CATALOG}=org.apache.iceberg.spark.SparkCatalog",
            f"{CATALOG}.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
            f"{CATALOG}.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
            f"{CATALOG}.lock-impl=org.apache.iceberg.aws.dynamodb.DynamoDbLockManager",
            f"{CATALOG}.lock.table=locks",
            f"{CATALOG}.warehouse=s3://b/w",
            "spark.sql.catalog.other=org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.other.type=hadoop",
        ]
    )
    made = settings(tmp_path, {"--conf": text})
    ours = {key: value for key, value in made.conf.items() if key.startswith(f"{CATALOG}.")}
    assert ours == {
        f"{CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{CATALOG}.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        f"{CATALOG}.warehouse": "s3://b/w",
        f"{CATALOG}.glue.endpoint": URL,
        f"{CATALOG}.client.region": "us-east-1",
    }
    assert "spark.sql.catalog.other.glue.endpoint" not in made.conf
    assert [note.split("=")[0] for note in made.notes] == [
        f"{CATALOG}.lock-impl",
        f"{CATALOG}.lock.table",
    ]


@pytest.mark.parametrize(
    ("arguments", "implementation"),
    [
        ({}, "in-memory"),
        ({"--enable-glue-datacatalog": "false"}, "in-memory"),
        ({"--enable-glue-datacatalog": "true"}, "hive"),
        ({"--enable-glue-datacatalog": ""}, "hive"),
    ],
)
def test_the_data_catalog_is_the_hive_metastore(
    tmp_path: Path, arguments: dict[str, str], implementation: str
) -> None:
    conf = settings(tmp_path, arguments).conf
    assert conf["spark.sql.catalogImplementation"] == implementation
    assert ("spark.hadoop.hive.metastore.uris" in conf) == (implementation == "hive")


def test_formats_and_extra_jars_are_on_the_class_path(tmp_path: Path) -> None:
    jar = tmp_path / "s3" / "b" / "mine.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    made = settings(
        tmp_path, {"--datalake-formats": "iceberg, delta", "--extra-jars": "s3://b/mine.jar"}
    )
    formats = jars(tmp_path, "iceberg", "delta", "avro", "connect")
    expected = ":".join(map(str, [*formats, jar]))
    assert made.conf["spark.driver.extraClassPath"] == expected


def test_avro_and_spark_connect_are_part_of_glue(tmp_path: Path) -> None:
    class_path = settings(tmp_path, {}).conf["spark.driver.extraClassPath"]
    assert class_path == ":".join(map(str, jars(tmp_path, "avro", "connect")))


class TestSmallData:
    """The knob: Spark generates and compiles little code; the user's own `conf` wins."""

    CODEGEN = "spark.sql.codegen.wholeStage"

    def test_compiles_little(self, tmp_path: Path) -> None:
        conf = settings(tmp_path, {}, small_data=True).conf
        assert conf[self.CODEGEN] == "false"
        assert "-XX:TieredStopAtLevel=1" in conf["spark.driver.extraJavaOptions"].split()

    def test_the_users_conf_wins(self, tmp_path: Path) -> None:
        arguments = {"--conf": f"{self.CODEGEN}=true"}
        assert settings(tmp_path, arguments, small_data=True).conf[self.CODEGEN] == "true"

    def test_is_off_unless_asked_for(self, tmp_path: Path) -> None:
        conf = settings(tmp_path, {}).conf
        assert self.CODEGEN not in conf
        assert "TieredStopAtLevel" not in conf["spark.driver.extraJavaOptions"]


class TestClassArchive:
    """The JVM maps an archive of classes where there is one of just these jars."""

    OPTIONS = "spark.driver.extraJavaOptions"
    ICEBERG: ClassVar = {"--datalake-formats": "iceberg"}

    @pytest.fixture
    def archive(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        monkeypatch.setenv("DBT_GLUE_JARS", str(tmp_path / "cache" / "jars"))
        path = archive_path(jars(tmp_path, "iceberg", "avro", "connect"))
        path.parent.mkdir(parents=True)
        path.touch()
        return path

    def test_is_used(self, tmp_path: Path, archive: Path) -> None:
        options = settings(tmp_path, self.ICEBERG).conf[self.OPTIONS]
        assert f"-XX:SharedArchiveFile={archive}" in options.split()

    def test_is_not_used_with_other_jars(self, tmp_path: Path, archive: Path) -> None:
        options = settings(tmp_path, {"--datalake-formats": "iceberg,delta"}).conf[self.OPTIONS]
        assert "SharedArchiveFile" not in options

    def test_is_not_used_while_one_is_recorded(self, tmp_path: Path, archive: Path) -> None:
        conf = {"--conf": f"{self.OPTIONS}={RECORD_OPTION}/tmp/new.jsa"}
        options = settings(tmp_path, self.ICEBERG | conf).conf[self.OPTIONS]
        assert options.endswith("-XX:ArchiveClassesAtExit=/tmp/new.jsa")
        assert "SharedArchiveFile" not in options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"--datalake-formats": "paimon"}, "paimon unknown"),
        ({"--extra-py-files": "s3://b/no.py"}, "s3://b/no.py does not exist"),
        ({"--additional-python-modules": "pytest,surely-not-here==1"}, "surely-not-here==1 not"),
    ],
)
def test_arguments_that_cannot_work(tmp_path: Path, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(SessionConfError, match=said):
        settings(tmp_path, arguments)


def test_nothing_leads_to_the_real_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere")
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    env = settings(tmp_path, {}).env
    assert "AWS_PROFILE" not in env and "AWS_ENDPOINT_URL_S3" not in env
    assert "SPARK_CONNECT_MODE_ENABLED" not in env
    assert (env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"]) == (URL, "local")
    assert env["TZ"] == "UTC"


def test_session_ids_with_slashes_have_a_log(tmp_path: Path) -> None:
    assert settings(tmp_path, {}).log == tmp_path / "log" / "s%2F1.log"


def test_local_path(tmp_path: Path) -> None:
    assert local_path("s3a://b/x/y.py", tmp_path) == tmp_path / "s3" / "b" / "x" / "y.py"
    assert local_path("file:///a/b%20c", tmp_path) == Path("/a/b c")
    assert local_path("/a/b", tmp_path) == Path("/a/b")
