"""Uploads to local Glue's S3: checksums, chunked bodies, multipart."""

import io
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from boto3.s3.transfer import TransferConfig
from unit.local_s3.s3_server import MIB, Local, code_of, keys_of


class TestChecksums:
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
