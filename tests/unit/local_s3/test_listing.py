"""Listings of local Glue's S3, of what boto3 and what Spark wrote."""

from typing import Any

import pytest
from unit.local_s3.s3_server import Local, code_of, keys_of


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
