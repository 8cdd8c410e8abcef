"""Objects of local Glue's S3: keys as paths, conditions, deletes, concurrent writers."""

import hashlib
import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from unit.local_s3.s3_server import MIB, Local, code_of, keys_of

STRANGE_KEYS = [
    "plain",
    "a b/c d",
    "p=1/q=a%20b/x",
    "100%/%2F/ä/日本/😀.txt",
    "quote'\"<&>",
    "plus+and?query#hash",
    "dot./.hidden/..x",
]


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

    def test_a_killed_write_leaves_no_folder_where_a_statement_names_it(
        self, local: Local, s3: Any, bucket: str
    ) -> None:
        top = local.folder / "s3" / bucket
        for table in ("killed", "other", "live"):
            (top / f"db/{table}/_temporary/0").mkdir(parents=True)
        (top / "db/live/_temporary/0/part-0").write_text("rows")
        for table in ("killed", "live"):
            local.s3.forget_dead_writes_in(f"create table t location 's3://{bucket}/db/{table}'")
        assert not (top / "db/killed").exists()
        assert (top / "db/other/_temporary/0").exists()
        assert (top / "db/live/_temporary/0/part-0").exists()

    def test_a_place_within_a_binary_plan_ends_at_a_zero_byte(
        self, local: Local, s3: Any, bucket: str
    ) -> None:
        killed = local.folder / "s3" / bucket / "killed"
        (killed / "_temporary/0").mkdir(parents=True)
        local.s3.forget_dead_writes_in(f"\x0a\x12s3://{bucket}/killed\x00\x01\x00rows")
        assert not killed.exists()

    def test_quiet_and_bad_documents(self, local: Local, s3: Any, bucket: str) -> None:
        delete = {"Objects": [{"Key": "a & <b>"}], "Quiet": True}
        assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete=delete)
        request = urllib.request.Request(f"{local.url}/{bucket}?delete", b"<Delete", method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert b"MalformedXML" in caught.value.read()


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
