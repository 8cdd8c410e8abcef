"""Buckets of local Glue's S3, spoken to by boto3."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError
from unit.local_s3.s3_server import Local, code_of

from dbt.adapters.glue.local.s3_errors import S3Error


class TestBuckets:
    def test_life(self, s3: Any) -> None:
        s3.create_bucket(Bucket="life")
        s3.create_bucket(Bucket="life")
        assert "life" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
        s3.head_bucket(Bucket="life")
        assert s3.get_bucket_location(Bucket="life")["LocationConstraint"] is None
        s3.put_object(Bucket="life", Key="a/b")
        assert code_of(s3.delete_bucket, Bucket="life") == "BucketNotEmpty"
        s3.delete_object(Bucket="life", Key="a/b")
        s3.delete_bucket(Bucket="life")
        assert code_of(s3.head_bucket, Bucket="life") == "404"
        assert code_of(s3.list_objects_v2, Bucket="life") == "NoSuchBucket"

    def test_location_constraint_is_told_and_owned(self, s3: Any) -> None:
        place = {"LocationConstraint": "eu-west-1"}
        s3.create_bucket(Bucket="in-europe", CreateBucketConfiguration=place)
        assert s3.get_bucket_location(Bucket="in-europe")["LocationConstraint"] == "eu-west-1"
        again = code_of(s3.create_bucket, Bucket="in-europe", CreateBucketConfiguration=place)
        assert again == "BucketAlreadyOwnedByYou"

    @pytest.mark.parametrize("name", ["Upper", "a_b", "127.0.0.1", "xn--a", "a..b", "ab", "a-"])
    def test_invalid_names(self, local: Local, s3: Any, name: str) -> None:
        if len(name) > 2:
            assert code_of(s3.create_bucket, Bucket=name) == "InvalidBucketName"
        assert not (local.folder / "s3" / name).exists()

    @pytest.mark.parametrize(("first", "second"), [("cl", "cl.a"), ("co.a.b", "co.a")])
    def test_names_that_spark_could_not_tell_apart(
        self, tmp_path: Path, first: str, second: str
    ) -> None:
        local = Local(tmp_path)
        first, second = f"bucket-{first}", f"bucket-{second}"
        local.client().create_bucket(Bucket=first)
        local.client().create_bucket(Bucket=f"{first}-x.a")
        with pytest.raises(ClientError, match=f"cannot have the buckets {first} and {second}"):
            local.client().create_bucket(Bucket=second)
        with pytest.raises(S3Error, match="InvalidBucketName"):
            local.s3.ensure_buckets_in(f"select * from parquet.`s3://{second}/t`")
        assert not (tmp_path / "s3" / second).exists()
        local.stop()

    def test_virtual_host(self, local: Local, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k/x", Body=b"content")
        request = urllib.request.Request(
            f"{local.url}/k/x", headers={"Host": f"{bucket}.localhost"}
        )
        assert urllib.request.urlopen(request).read() == b"content"

    def test_ensure_buckets_in_text(self, local: Local, s3: Any) -> None:
        text = (
            "create table t location 's3://from-sql/x'; -- s3a://from-a, s3n://from-n. s3://Bad_1/"
            ' {"location": "s3://from-json", "t": "s3://data-{{ env }}/x", "u": "s3://data{env}/"}'
        )
        assert local.s3.ensure_buckets_in(text) == ["from-a", "from-json", "from-n", "from-sql"]
        assert local.s3.ensure_buckets_in(text) == []
        s3.head_bucket(Bucket="from-sql")


class TestRestart:
    def test_objects_uploads_and_mounts_survive(self, tmp_path: Path) -> None:
        first = Local(tmp_path)
        s3 = first.client()
        for name in ("one", "two.x", "three"):
            s3.create_bucket(Bucket=name)
        etag = s3.put_object(Bucket="one", Key="k", Body=b"x", ContentType="a/b")["ETag"]
        name = {"Bucket": "one", "Key": "m"}
        upload = {**name, "UploadId": s3.create_multipart_upload(**name)["UploadId"]}
        part = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
        s3.delete_bucket(Bucket="three")
        first.stop()
        (tmp_path / "tmp" / "left-over").write_bytes(b"half")
        (tmp_path / "s3" / "by-hand").mkdir()

        second = Local(tmp_path)
        s3 = second.client()
        got = s3.get_object(Bucket="one", Key="k")
        assert (got["ETag"], got["ContentType"]) == (etag, "a/b")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        s3.complete_multipart_upload(**upload, MultipartUpload=parts)
        assert s3.get_object(Bucket="one", Key="m")["Body"].read() == b"part"
        second.stop()
        assert not list((tmp_path / "tmp").iterdir())
        tables = sorted((tmp_path / "mounts").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        assert len(tables) <= 4
        mounts = {
            item.findtext("name"): item.findtext("value")
            for item in ElementTree.parse(tables[-1]).getroot()
        }
        assert mounts == {
            f"fs.viewfs.mounttable.{bucket}.linkFallback": f"rawfile://{tmp_path}/s3/{bucket}"
            for bucket in ("by-hand", "one", "two.x")
        }
