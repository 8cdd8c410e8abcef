"""Local Glue's S3 and Spark see the same objects."""

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

ROLE = "arn:aws:iam::123456789012:role/LocalGlue"


def client(local: "LocalGlue", service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=local.url,
        region_name=local.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


class Spark:
    """One Glue session; `run` gives what the statement's code printed."""

    def __init__(self, glue: Any) -> None:
        self._glue = glue
        self.id = f"s3-contract-{uuid.uuid4().hex[:8]}"
        glue.create_session(
            Id=self.id, Role=ROLE, Command={"Name": "glueetl", "PythonVersion": "3"}
        )
        self._wait(lambda: glue.get_session(Id=self.id)["Session"]["Status"], {"READY"})

    def run(self, code: str) -> str:
        number = self._glue.run_statement(SessionId=self.id, Code=code)["Id"]
        states = {"AVAILABLE", "ERROR", "CANCELLED"}
        self._wait(lambda: self._statement(number)["State"], states)
        output = self._statement(number)["Output"]
        assert output["Status"] == "ok", output
        return output["Data"]["TextPlain"]

    def _statement(self, number: int) -> dict[str, Any]:
        return self._glue.get_statement(SessionId=self.id, Id=number)["Statement"]

    @staticmethod
    def _wait(state: Any, wanted: set[str], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while (now := state()) not in wanted:
            assert now != "FAILED" and time.monotonic() < deadline, now
            time.sleep(0.05)


@pytest.fixture(scope="module")
def s3(local_glue: "LocalGlue") -> Any:
    return client(local_glue, "s3")


@pytest.fixture(scope="module")
def spark(local_glue: "LocalGlue") -> Iterator[Spark]:
    glue = client(local_glue, "glue")
    session = Spark(glue)
    yield session
    glue.stop_session(Id=session.id)


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket that is younger than the session."""
    name = f"young-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name


def keys_of(s3: Any, bucket: str, prefix: str = "") -> list[str]:
    return [k["Key"] for k in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


@pytest.mark.slow
class TestSparkAndS3:
    @pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
    def test_spark_writes_boto3_reads(
        self, spark: Spark, s3: Any, bucket: str, scheme: str
    ) -> None:
        spark.run(
            "df = spark.range(6).selectExpr('id', 'id % 2 as p', 'concat(\"a b=\", id % 2) as q')\n"
            f"df.write.partitionBy('p', 'q').parquet('{scheme}://{bucket}/t')"
        )
        keys = keys_of(s3, bucket)
        assert "t/_SUCCESS" in keys
        data = [key for key in keys if key.endswith(".parquet")]
        assert {key.rpartition("/")[0] for key in data} >= {"t/p=0/q=a b%3D0", "t/p=1/q=a b%3D1"}
        assert not [key for key in keys if key.endswith(".crc") or "_temporary" in key]
        body = s3.get_object(Bucket=bucket, Key=data[0])["Body"].read()
        assert body[:4] == body[-4:] == b"PAR1"

    def test_boto3_writes_spark_reads(self, spark: Spark, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="in/ä b.csv", Body="id,name\n1,Zoë\n".encode())
        read = f"spark.read.csv('s3://{bucket}/in', header=True).collect()[0]"
        assert spark.run(f"print({read}['name'])") == "Zoë"
        s3.put_object(Bucket=bucket, Key="in/ä b.csv", Body=b"id,name\n1,changed\n")
        assert spark.run(f"print({read}['name'])") == "changed"

    def test_bucket_that_only_a_statement_names(self, spark: Spark, s3: Any) -> None:
        name = f"named-{uuid.uuid4().hex[:8]}"
        spark.run(f"spark.range(1).write.parquet('s3://{name}/t')")
        assert "t/_SUCCESS" in keys_of(s3, name)

    def test_deleted_prefix_is_a_free_location(self, spark: Spark, s3: Any, bucket: str) -> None:
        write = (
            "df = spark.range(1).selectExpr('id', '7 as p')\n"
            f"df.write.partitionBy('p').parquet('s3://{bucket}/db/t')"
        )
        spark.run(write)
        found = [{"Key": key} for key in keys_of(s3, bucket)]
        assert not s3.delete_objects(Bucket=bucket, Delete={"Objects": found}).get("Errors")
        exists = (
            f"path = spark._jvm.org.apache.hadoop.fs.Path('s3://{bucket}/db')\n"
            "fs = path.getFileSystem(spark._jsc.hadoopConfiguration())\n"
            "print(fs.exists(path))"
        )
        assert spark.run(exists) == "False"
        spark.run(write)
        assert keys_of(s3, bucket, "db/t/p=7/")
