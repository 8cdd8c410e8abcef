"""The S3 API over a directory, spoken to by boto3."""

import hashlib
import io
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.serving import make_server

from dbt.adapters.glue.local.s3 import S3

MIB = 1024 * 1024
STRANGE_KEYS = [
    "plain",
    "a b/c d",
    "p=1/q=a%20b/x",
    "100%/%2F/ä/日本/😀.txt",
    "quote'\"<&>",
    "plus+and?query#hash",
    "dot./.hidden/..x",
]


class Local:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3 = S3(folder)
        self.server = make_server("127.0.0.1", 0, self.s3, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def client(self, **config: Any) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.s3.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = Local(tmp_path_factory.mktemp("local glue"))
    yield local
    local.stop()


@pytest.fixture(scope="module")
def s3(local: Local) -> Any:
    return local.client()


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    name = "b-" + hashlib.md5(request.node.name.encode()).hexdigest()
    s3.create_bucket(Bucket=name)
    return name


def code_of(function: Any, **kwargs: Any) -> str:
    with pytest.raises(ClientError) as caught:
        function(**kwargs)
    return caught.value.response["Error"]["Code"]


def keys_of(s3: Any, bucket: str, **kwargs: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **kwargs)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


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


class TestObjects:
    @pytest.mark.parametrize("key", STRANGE_KEYS)
    def test_key_is_path(self, local: Local, s3: Any, bucket: str, key: str) -> None:
        answer = s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"m": "v 1"})
        assert answer["ETag"] == f'"{hashlib.md5(key.encode()).hexdigest()}"'
        assert (local.folder / "s3" / bucket / key).read_bytes() == key.encode()
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == key.encode()
        assert (got["Metadata"], got["ETag"]) == ({"m": "v 1"}, answer["ETag"])
        assert keys_of(s3, bucket) == [key]
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
        assert (listed["ETag"], listed["Size"]) == (answer["ETag"], len(key.encode()))
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"m": "v 1"}
        s3.delete_object(Bucket=bucket, Key=key)
        assert keys_of(s3, bucket) == ["copy"]

    def test_absent(self, s3: Any, bucket: str) -> None:
        assert code_of(s3.get_object, Bucket=bucket, Key="no") == "NoSuchKey"
        assert code_of(s3.head_object, Bucket=bucket, Key="no") == "404"
        assert code_of(s3.get_object, Bucket="nobucket", Key="no") == "NoSuchBucket"
        assert code_of(s3.put_object, Bucket="nobucket", Key="no") == "NoSuchBucket"
        s3.delete_object(Bucket=bucket, Key="no")

    @pytest.mark.parametrize("key", ["a//b", "../x", "a/../../x", "./a", "x" * 300])
    def test_keys_no_file_can_have(self, s3: Any, bucket: str, key: str) -> None:
        assert code_of(s3.put_object, Bucket=bucket, Key=key, Body=b"") in (
            "NotImplemented",
            "NoSuchBucket",
            "MethodNotAllowed",
        )
        assert keys_of(s3, bucket) == []

    def test_no_way_out_of_the_bucket(self, local: Local, s3: Any, bucket: str) -> None:
        secret = local.folder / "secret"
        secret.write_text("secret")
        os.symlink(local.folder, local.folder / "s3" / bucket / "link")
        assert code_of(s3.get_object, Bucket=bucket, Key="link/secret") == "NoSuchKey"
        assert keys_of(s3, bucket) == []
        for path in (f"/{bucket}/../../secret", f"/{bucket}/%2e%2e/%2e%2e/secret", "/../secret"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(local.url + path)
            assert caught.value.code == 404
        assert secret.read_text() == "secret"

    def test_ranges(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
        for asked, expected in (("0-3", b"0123"), ("7-", b"789"), ("-2", b"89"), ("8-99", b"89")):
            got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={asked}")
            assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (
                expected,
                206,
            )
        assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"

    def test_conditions(self, s3: Any, bucket: str) -> None:
        etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
        put = {"Bucket": bucket, "Key": "k", "Body": b"2"}
        assert code_of(s3.put_object, **put, IfNoneMatch="*") == "PreconditionFailed"
        assert code_of(s3.put_object, **put, IfMatch='"0"') == "PreconditionFailed"
        assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
        wrong = code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"0"')
        assert wrong == "PreconditionFailed"
        s3.put_object(**put, IfMatch=etag)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"

    @pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256", "CRC64NVME"])
    @pytest.mark.parametrize("seekable", [True, False])
    def test_uploads_with_checksums(
        self, s3: Any, bucket: str, algorithm: str, seekable: bool
    ) -> None:
        if algorithm == "CRC64NVME":
            pytest.importorskip("awscrt")
        content = os.urandom(3 * MIB + 17)
        body = io.BytesIO(content)
        if not seekable:
            body.seekable = lambda: False  # type: ignore[method-assign]
            size = {"ContentLength": len(content)}
        put = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": algorithm}
        s3.put_object(**put, Body=body, **({} if seekable else size))
        got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got[f"Checksum{algorithm}"]
        assert got["Body"].read() == content
        assert "ContentEncoding" not in got

    def test_wrong_checksums_leave_the_old_object(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="k", Body=b"old")
        put = {"Bucket": bucket, "Key": "k", "Body": b"new"}
        assert code_of(s3.put_object, **put, ChecksumCRC32="AAAAAA==") == "BadDigest"
        assert code_of(s3.put_object, **put, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == "BadDigest"
        assert code_of(s3.put_object, **put, ContentMD5="short") == "InvalidDigest"
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"

    def test_wrong_payload_hash(self, local: Local, bucket: str) -> None:
        headers = {"x-amz-content-sha256": "0" * 64}
        put = urllib.request.Request(f"{local.url}/{bucket}/k", b"x", headers, method="PUT")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(put)
        assert b"XAmzContentSHA256Mismatch" in caught.value.read()

    def test_signed_chunks_of_the_java_sdk(self, local: Local, s3: Any, bucket: str) -> None:
        body = (
            b"5;chunk-signature=0\r\nhello\r\n6;chunk-signature=1\r\n world\r\n"
            b"0;chunk-signature=2\r\nx-amz-checksum-crc32:DUoRhQ==\r\n"
            b"x-amz-trailer-signature:3\r\n\r\n"
        )
        headers = {
            "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": "11",
            "x-amz-trailer": "x-amz-checksum-crc32",
            "Content-Encoding": "aws-chunked,gzip",
        }
        url = f"{local.url}/{bucket}/k"
        put = urllib.request.Request(url, body, headers, method="PUT")
        assert urllib.request.urlopen(put).status == 200
        got = s3.get_object(Bucket=bucket, Key="k")
        assert (got["Body"].read(), got["ContentEncoding"]) == (b"hello world", "gzip")
        cut = {**headers, "x-amz-decoded-content-length": "12"}
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, body, cut, method="PUT"))
        error = ElementTree.fromstring(caught.value.read())
        assert error.findtext("Code") == "IncompleteBody"

    def test_object_and_folder_of_one_name(self, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="a", Body=b"")
        assert code_of(s3.put_object, Bucket=bucket, Key="a/b") == "NotImplemented"
        s3.put_object(Bucket=bucket, Key="c/d")
        assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"x") == "NotImplemented"
        s3.delete_object(Bucket=bucket, Key="c/d")
        s3.put_object(Bucket=bucket, Key="c", Body=b"x")
        assert keys_of(s3, bucket) == ["a", "c"]

    def test_folder_marker(self, local: Local, s3: Any, bucket: str) -> None:
        s3.put_object(Bucket=bucket, Key="a/b/")
        assert (local.folder / "s3" / bucket / "a/b").is_dir()
        assert keys_of(s3, bucket) == ["a/b/"]
        assert s3.head_object(Bucket=bucket, Key="a/b/")["ContentLength"] == 0
        assert s3.get_object(Bucket=bucket, Key="a/b/")["Body"].read() == b""
        s3.put_object(Bucket=bucket, Key="a/b/c")
        s3.delete_object(Bucket=bucket, Key="a/b/c")
        assert keys_of(s3, bucket) == ["a/b/"]
        s3.delete_object(Bucket=bucket, Key="a/b/")
        assert not (local.folder / "s3" / bucket / "a").exists()

    def test_operations_that_are_not_there_are_named(self, s3: Any, bucket: str) -> None:
        for call, name in (
            (s3.get_bucket_versioning, "GetBucketVersioning"),
            (s3.get_bucket_acl, "GetBucketAcl"),
            (s3.get_bucket_lifecycle_configuration, "GetBucketLifecycleConfiguration"),
        ):
            with pytest.raises(ClientError, match=rf"\(NotImplemented\).*{name}"):
                call(Bucket=bucket)
        with pytest.raises(ClientError, match="GetObjectTagging"):
            s3.get_object_tagging(Bucket=bucket, Key="k")


class TestListing:
    KEYS = ["a", "a-b", "a/1", "a/2/x", "a/2/y", "a0", "b/1", "c"]

    @pytest.fixture
    def filled(self, s3: Any, bucket: str) -> str:
        for key in self.KEYS:
            if key != "a":
                s3.put_object(Bucket=bucket, Key=key, Body=b"")
        return bucket

    def test_order_and_pages(self, s3: Any, filled: str) -> None:
        expected = sorted(self.KEYS[1:])
        for size in (1, 2, 3, 1000):
            assert keys_of(s3, filled, PaginationConfig={"PageSize": size}) == expected
        pages = s3.get_paginator("list_objects").paginate(
            Bucket=filled, PaginationConfig={"PageSize": 2}
        )
        assert [item["Key"] for page in pages for item in page["Contents"]] == expected

    @pytest.mark.parametrize("size", [1, 2, 1000])
    @pytest.mark.parametrize("call", ["list_objects", "list_objects_v2"])
    def test_delimiter(self, s3: Any, filled: str, call: str, size: int) -> None:
        def listed(prefix: str) -> tuple[list[str], list[str]]:
            pages = list(
                s3.get_paginator(call).paginate(
                    Bucket=filled,
                    Prefix=prefix,
                    Delimiter="/",
                    PaginationConfig={"PageSize": size},
                )
            )
            return (
                [item["Key"] for page in pages for item in page.get("Contents", [])],
                [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])],
            )

        assert listed("") == (["a-b", "a0", "c"], ["a/", "b/"])
        assert listed("a/") == (["a/1"], ["a/2/"])
        assert listed("a") == (["a-b", "a0"], ["a/"])
        assert listed("a/2") == ([], ["a/2/"])
        assert listed("zzz") == ([], [])

    def test_start_after_and_counts(self, s3: Any, filled: str) -> None:
        page = s3.list_objects_v2(Bucket=filled, StartAfter="a/2/x", MaxKeys=2)
        assert [item["Key"] for item in page["Contents"]] == ["a/2/y", "a0"]
        assert (page["KeyCount"], page["IsTruncated"]) == (2, True)
        empty = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
        assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)

    def test_bad_arguments(self, s3: Any, bucket: str) -> None:
        wrong = code_of(s3.list_objects_v2, Bucket=bucket, ContinuationToken="!!!")
        assert wrong == "InvalidArgument"

    def test_what_spark_wrote(self, local: Local, s3: Any, bucket: str) -> None:
        folder = local.folder / "s3" / bucket / "t"
        (folder / "empty" / "nested").mkdir(parents=True)
        (folder / "part-0.parquet").write_bytes(b"123")
        (folder / ".part-0.parquet.crc").write_bytes(b"crc")
        (folder / "alone.crc").write_bytes(b"")
        assert keys_of(s3, bucket) == ["t/alone.crc", "t/part-0.parquet"]
        etag = s3.head_object(Bucket=bucket, Key="t/part-0.parquet")["ETag"]
        assert etag.endswith('-1"')
        (folder / "part-0.parquet").write_bytes(b"4567")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="t/part")["Contents"][0]
        assert listed["Size"] == 4 and listed["ETag"] != etag

    def test_file_replaced_behind_the_api_loses_its_headers(
        self, local: Local, s3: Any, bucket: str
    ) -> None:
        etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="a/b")["ETag"]
        (local.folder / "s3" / bucket / "k").write_bytes(b"longer")
        got = s3.get_object(Bucket=bucket, Key="k")
        assert got["ETag"] != etag and got["ContentType"] == "binary/octet-stream"


class TestDeleting:
    def test_folders_without_objects_vanish(self, local: Local, s3: Any, bucket: str) -> None:
        """Hudi leaves empty folders, which must not make a deleted table look alive."""
        top = local.folder / "s3" / bucket
        for key in ("db/t/.hoodie/hoodie.properties", "db/t/.hoodie/metadata/x", "db/t/p=1/f"):
            s3.put_object(Bucket=bucket, Key=key)
        (top / "db/t/.hoodie/.aux/.bootstrap").mkdir(parents=True)
        (top / "db/u/_temporary/0").mkdir(parents=True)
        found = keys_of(s3, bucket, Prefix="db/t/")
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in found]}
        )
        assert sorted(item["Key"] for item in answer["Deleted"]) == found
        assert not (top / "db/t").exists()
        assert (top / "db/u/_temporary/0").exists(), "a write is under way there"

    def test_quiet_and_bad_documents(self, local: Local, s3: Any, bucket: str) -> None:
        delete = {"Objects": [{"Key": "a & <b>"}], "Quiet": True}
        assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete=delete)
        request = urllib.request.Request(f"{local.url}/{bucket}?delete", b"<Delete", method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert b"MalformedXML" in caught.value.read()


class TestMultipart:
    CONFIG = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)

    def test_upload_copy_download(self, local: Local, s3: Any, bucket: str, tmp_path: Path) -> None:
        content = os.urandom(12 * MIB)
        extra = {"ContentType": "a/b", "Metadata": {"m": "1"}}
        s3.upload_fileobj(io.BytesIO(content), bucket, "k", ExtraArgs=extra, Config=self.CONFIG)
        head = s3.head_object(Bucket=bucket, Key="k")
        assert head["ETag"].endswith('-3"') and head["Metadata"] == {"m": "1"}
        source = {"Bucket": bucket, "Key": "k"}
        s3.copy(source, bucket, "copied/k", Config=self.CONFIG)
        s3.download_file(bucket, "copied/k", str(tmp_path / "got"), Config=self.CONFIG)
        assert (tmp_path / "got").read_bytes() == content
        assert list((local.folder / "uploads").iterdir()) == []
        assert list((local.folder / "tmp").iterdir()) == []

    def test_errors_and_abort(self, s3: Any, bucket: str) -> None:
        name = {"Bucket": bucket, "Key": "k"}
        upload = {**name, "UploadId": s3.create_multipart_upload(**name)["UploadId"]}
        etags = [s3.upload_part(**upload, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]
        parts = [{"PartNumber": n, "ETag": etag} for n, etag in zip((1, 2), etags, strict=True)]

        def complete(parts: list[dict]) -> str:
            return code_of(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})

        assert complete(parts) == "EntityTooSmall"
        assert complete(parts[::-1]) == "InvalidPartOrder"
        assert complete([{"PartNumber": 3, "ETag": etags[0]}]) == "InvalidPart"
        assert code_of(s3.upload_part, **upload, PartNumber=10001) == "InvalidArgument"
        assert [part["Size"] for part in s3.list_parts(**upload)["Parts"]] == [5, 5]
        assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Key"] == "k"
        assert keys_of(s3, bucket) == []
        s3.abort_multipart_upload(**upload)
        assert code_of(s3.upload_part, **upload, PartNumber=1) == "NoSuchUpload"


class TestConcurrency:
    def test_two_writers_and_a_reader(self, local: Local, s3: Any, bucket: str) -> None:
        """A reader sees one writer's whole object, never a mixture, never a short one."""
        bodies = [bytes([n]) * (2 * MIB) for n in (1, 2)]
        s3.put_object(Bucket=bucket, Key="k", Body=bodies[0])

        def write(body: bytes) -> None:
            for _ in range(15):
                s3.put_object(Bucket=bucket, Key="k", Body=body)

        with ThreadPoolExecutor(2) as pool:
            writers = [pool.submit(write, body) for body in bodies]
            while not all(writer.done() for writer in writers):
                assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() in bodies
            for writer in writers:
                writer.result()

    def test_writers_and_deleters_in_one_folder(self, s3: Any, bucket: str) -> None:
        def put_and_delete(n: int) -> None:
            for _ in range(30):
                s3.put_object(Bucket=bucket, Key=f"a/b/c/{n}", Body=b"x")
                s3.get_object(Bucket=bucket, Key=f"a/b/c/{n}")
                s3.delete_object(Bucket=bucket, Key=f"a/b/c/{n}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put_and_delete, range(4)))
        assert keys_of(s3, bucket) == []


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
