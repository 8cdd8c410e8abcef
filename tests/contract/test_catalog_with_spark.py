"""One catalog, seen from a Glue session's Spark and from the Data Catalog's API."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from .conftest import on_aws
from .test_catalog import code_of

CONF = {
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.glue_catalog.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
    "spark.sql.catalog.glue_catalog.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
}

Sql = Callable[[str], list[list[Any]]]


@pytest.fixture(scope="module")
def sql(glue_clients: SimpleNamespace, bucket: str) -> Iterator[Sql]:
    """Runs SQL in a Glue session and gives its rows; fails with Spark's own message."""
    glue = glue_clients.glue
    session = f"contract-{uuid.uuid4().hex[:12]}"
    conf = CONF | {"spark.sql.catalog.glue_catalog.warehouse": f"s3://{bucket}/warehouse/"}
    role = os.environ["DBT_GLUE_TEST_ROLE"] if on_aws() else "arn:aws:iam::123456789012:role/Local"
    glue.create_session(
        Id=session,
        Role=role,
        Command={"Name": "glueetl", "PythonVersion": "3"},
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={
            "--enable-glue-datacatalog": "true",
            "--datalake-formats": "iceberg",
            "--conf": " --conf ".join(f"{key}={value}" for key, value in conf.items()),
        },
    )
    while (found := glue.get_session(Id=session)["Session"])["Status"] == "PROVISIONING":
        time.sleep(0.2)
    assert found["Status"] == "READY", found

    def run(text: str) -> list[list[Any]]:
        code = (
            "import json\n"
            f"rows = [list(row) for row in spark.sql({text!r}).collect()]\n"
            "print(json.dumps(rows, default=str))"
        )
        number = glue.run_statement(SessionId=session, Code=code)["Id"]
        while True:
            statement = glue.get_statement(SessionId=session, Id=number)["Statement"]
            if statement["State"] not in ("WAITING", "RUNNING"):
                break
            time.sleep(0.05)
        output = statement["Output"]
        assert output["Status"] == "ok", output.get("ErrorValue")
        return json.loads(output["Data"]["TextPlain"])

    yield run
    glue.stop_session(Id=session)


def names(columns: list[dict[str, Any]]) -> list[str]:
    return [column["Name"] for column in columns]


@pytest.mark.slow
class TestOneCatalog:
    def test_what_spark_makes_the_api_shows(
        self, glue_clients: SimpleNamespace, sql: Sql, database: str, bucket: str
    ) -> None:
        columns = "Id int, day string"
        sql(f"create table {database}.orders ({columns}) using parquet partitioned by (day)")
        sql(f"insert into {database}.orders values (1, 'mon'), (2, 'tue')")
        sql(f"create view {database}.v as select Id from {database}.orders")
        where = {"DatabaseName": database}
        table = glue_clients.glue.get_table(**where, Name="orders")["Table"]
        assert table["Parameters"]["spark.sql.sources.provider"] == "parquet"
        assert table["StorageDescriptor"]["Location"] == f"s3://{bucket}/{database}/orders"
        assert names(table["PartitionKeys"]) == ["day"]
        partitions = glue_clients.glue.get_partitions(**where, TableName="orders")["Partitions"]
        assert sorted(each["Values"] for each in partitions) == [["mon"], ["tue"]]
        view = glue_clients.glue.get_table(**where, Name="v")["Table"]
        assert view["TableType"] == "VIRTUAL_VIEW"
        assert view["ViewOriginalText"] == f"select Id from {database}.orders"
        listed = glue_clients.s3.list_objects_v2(
            Bucket=bucket, Prefix=f"{database}/orders/day=mon/"
        )
        assert listed["KeyCount"] > 0

    def test_what_the_api_makes_spark_reads(
        self, glue_clients: SimpleNamespace, sql: Sql, database: str, bucket: str
    ) -> None:
        glue, s3 = glue_clients.glue, glue_clients.s3
        s3.put_object(Bucket=bucket, Key=f"{database}/csv/part.csv", Body=b"1,eins\n2,zwei\n")
        text = "org.apache.hadoop.mapred.TextInputFormat"
        out = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
        glue.create_table(
            DatabaseName=database,
            TableInput={
                "Name": "numbers",
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": {
                    "Columns": [{"Name": "n", "Type": "int"}, {"Name": "word", "Type": "string"}],
                    "Location": f"s3://{bucket}/{database}/csv/",
                    "InputFormat": text,
                    "OutputFormat": out,
                    "SerdeInfo": {
                        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy."
                        "LazySimpleSerDe",
                        "Parameters": {"field.delim": ","},
                    },
                },
            },
        )
        query = f"select word from {database}.numbers where n = 2"
        assert sql(query) == [["zwei"]]
        glue.create_table(
            DatabaseName=database,
            TableInput={
                "Name": "two",
                "TableType": "VIRTUAL_VIEW",
                "ViewOriginalText": query,
                "ViewExpandedText": query,
                "StorageDescriptor": {"Columns": [{"Name": "word", "Type": "string"}]},
            },
        )
        assert sql(f"select * from {database}.two") == [["zwei"]]

    def test_a_change_by_spark_is_a_version_and_keeps_the_rest(
        self, glue_clients: SimpleNamespace, sql: Sql, database: str
    ) -> None:
        glue = glue_clients.glue
        sql(f"create table {database}.t (a int) using parquet")
        table = glue.get_table(DatabaseName=database, Name="t")["Table"]
        known = ("Name", "Owner", "StorageDescriptor", "TableType", "Parameters")
        given = {name: table[name] for name in known if name in table} | {"Description": "mine"}
        given["StorageDescriptor"]["Columns"][0]["Parameters"] = {"k": "v"}
        glue.update_table(DatabaseName=database, TableInput=given, VersionId=table["VersionId"])
        before = glue.get_table(DatabaseName=database, Name="t")["Table"]
        sql(f"alter table {database}.t set tblproperties ('x' = 'y')")
        after = glue.get_table(DatabaseName=database, Name="t")["Table"]
        assert int(after["VersionId"]) == int(before["VersionId"]) + 1
        assert after["Parameters"]["x"] == "y"
        assert after["Description"] == "mine"
        assert after["StorageDescriptor"]["Columns"][0]["Parameters"] == {"k": "v"}
        code, _ = code_of(
            glue.update_table,
            DatabaseName=database,
            TableInput=given,
            VersionId=before["VersionId"],
        )
        assert code == "ConcurrentModificationException"
        sql(f"drop table {database}.t")
        code, _ = code_of(glue.get_table, DatabaseName=database, Name="t")
        assert code == "EntityNotFoundException"

    def test_iceberg_commits_renames_and_drops(
        self, glue_clients: SimpleNamespace, sql: Sql, database: str, bucket: str
    ) -> None:
        glue = glue_clients.glue
        table = f"glue_catalog.{database}.ice"
        sql(f"create table {table} (id int comment 'key', gone string) using iceberg")
        sql(f"insert into {table} values (1, 'a')")
        sql(f"alter table {table} drop column gone")
        sql(
            f"merge into {table} t using (select 2 as id) s on t.id = s.id when not matched "
            "then insert *"
        )
        assert sql(f"select * from {table} order by id") == [[1], [2]]
        found = glue.get_table(DatabaseName=database, Name="ice")["Table"]
        assert found["Parameters"]["table_type"] == "ICEBERG"
        assert found["StorageDescriptor"]["Location"] == f"s3://{bucket}/{database}/ice"
        columns = found["StorageDescriptor"]["Columns"]
        current = {each["Name"]: each["Parameters"]["iceberg.field.current"] for each in columns}
        assert current == {"id": "true", "gone": "false"}
        assert columns[0]["Comment"] == "key"
        assert int(found["VersionId"]) == 3
        sql(f"alter table {table} rename to {database}.renamed")
        assert sql(f"select count(*) from glue_catalog.{database}.renamed") == [[2]]
        sql(f"drop table glue_catalog.{database}.renamed")
        assert glue.get_tables(DatabaseName=database)["TableList"] == []

    @pytest.mark.skipif(on_aws(), reason="buckets do not come into being there")
    def test_a_bucket_that_is_first_named_in_sql(
        self, glue_clients: SimpleNamespace, sql: Sql, database: str
    ) -> None:
        new = f"fresh-{uuid.uuid4().hex[:12]}"
        sql(f"create table {database}.far using parquet location 's3://{new}/far' as select 1 a")
        assert sql(f"select a from {database}.far") == [[1]]
        listed = glue_clients.s3.list_objects_v2(Bucket=new, Prefix="far/")
        assert listed["KeyCount"] > 0
