"""Bodies of S3 uploads: the aws-chunked encoding, and the checksums that come with them.

Source: "Signature calculations for the Authorization header: transferring payload in multiple
chunks" and "Checking object integrity" in the Amazon S3 documentation.
"""

import base64
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from .s3_errors import S3Error

BLOCK = 1024 * 1024
CHECKSUM_PREFIX = "x-amz-checksum-"
_CONTENT_MD5 = "content-md5"
_PAYLOAD_HASH = "x-amz-content-sha256"
_SHA256_LENGTH = 64
_NOT_VALUES = ("algorithm", "mode", "type")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


# CRC32C and CRC64NVME are not in Python's library: their values are kept and given back, which
# lets the reading client check them.
_CHECKED: dict[str, Callable[[], _Hash]] = {
    _CONTENT_MD5: hashlib.md5,
    _PAYLOAD_HASH: hashlib.sha256,
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": hashlib.sha1,
    "x-amz-checksum-sha256": hashlib.sha256,
}


class UploadBody:
    """The content of one PutObject or UploadPart request, decoded and checked as it is read."""

    def __init__(self, request: Request) -> None:
        self._headers = {name.lower(): value for name, value in request.headers.items()}
        self._stream = io.BufferedReader(cast(io.RawIOBase, request.stream), BLOCK)
        self._payload_hash = self._headers.get(_PAYLOAD_HASH, "")
        self._chunked = self._payload_hash.startswith("STREAMING-") or "aws-chunked" in (
            self._headers.get("content-encoding", "")
        )
        self.checksums = {
            name: value for name, value in self._headers.items() if _is_checksum(name)
        }

    def blocks(self) -> Iterator[bytes]:
        """The content, a block of at most 1 MiB at a time; then the checks.

        Raises S3Error IncompleteBody, BadDigest, InvalidDigest or XAmzContentSHA256Mismatch.
        """
        hashes, length = self._hashes(), 0
        try:
            for block in self._decoded() if self._chunked else self._plain():
                length += len(block)
                for one in hashes.values():
                    one.update(block)
                yield block
        except ClientDisconnected as error:
            raise _incomplete() from error
        self._check_length(length)
        self._check_digests({name: one.digest() for name, one in hashes.items()})

    def _hashes(self) -> dict[str, _Hash]:
        announced = self._headers.get("x-amz-trailer", "").lower().replace(" ", "").split(",")
        names = {*self.checksums, *announced, *self._headers}
        if len(self._payload_hash) != _SHA256_LENGTH:
            names.discard(_PAYLOAD_HASH)
        return {name: make() for name, make in _CHECKED.items() if name in names}

    def _plain(self) -> Iterator[bytes]:
        while block := self._stream.read(BLOCK):
            yield block

    def _decoded(self) -> Iterator[bytes]:
        while left := self._chunk_size():
            while left:
                block = self._stream.read(min(left, BLOCK))
                if not block:
                    raise _incomplete()
                left -= len(block)
                yield block
            if self._stream.readline(8) != b"\r\n":
                raise _incomplete()
        while (line := self._stream.readline(8192).strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            if _is_checksum(name.lower()):
                self.checksums[name.lower()] = value.strip()

    def _chunk_size(self) -> int:
        line = self._stream.readline(8192)
        try:
            return int(line.split(b";")[0].strip(), 16)
        except ValueError as error:
            raise _incomplete() from error

    def _check_length(self, length: int) -> None:
        expected = self._headers.get(
            "x-amz-decoded-content-length" if self._chunked else "content-length"
        )
        if expected is not None and expected != str(length):
            raise _incomplete()

    def _check_digests(self, digests: dict[str, bytes]) -> None:
        md5 = digests.pop(_CONTENT_MD5, None)
        if md5 is not None:
            wanted = self._headers[_CONTENT_MD5]
            if len(wanted) != 24:
                raise S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.")
            if wanted != base64.b64encode(md5).decode():
                raise S3Error(
                    "BadDigest", "The Content-MD5 you specified did not match what we received."
                )
        sha256 = digests.pop(_PAYLOAD_HASH, None)
        if sha256 is not None and sha256.hex() != self._payload_hash:
            raise S3Error(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        for name, digest in digests.items():
            if self.checksums.get(name) != base64.b64encode(digest).decode():
                algorithm = name.removeprefix(CHECKSUM_PREFIX).upper()
                raise S3Error(
                    "BadDigest",
                    f"The {algorithm} you specified did not match the calculated checksum.",
                )


def _is_checksum(name: str) -> bool:
    return name.startswith(CHECKSUM_PREFIX) and name.removeprefix(CHECKSUM_PREFIX) not in (
        _NOT_VALUES
    )


def _incomplete() -> S3Error:
    return S3Error(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    )
