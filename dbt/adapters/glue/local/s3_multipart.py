"""Multipart uploads: parts as files under `local_dir/uploads/<upload id>/`, until completed."""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from .s3_errors import S3Error
from .s3_index import ObjectInfo, Part, Upload
from .s3_store import ObjectStore, Staged

MINIMUM_PART = 5 * 1024 * 1024
_BLOCK = 1024 * 1024


class MultipartUploads:
    """Uploads under way; they outlive a restart, as on S3."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def create(self, bucket: str, key: str, headers: dict[str, str]) -> Upload:
        self._store.bucket(bucket)
        upload = Upload(uuid.uuid4().hex, bucket, key, time.time(), headers)
        (self._folder / upload.id).mkdir(parents=True)
        self._store.index.put_upload(upload)
        return upload

    def find(self, bucket: str, key: str, upload_id: str) -> Upload:
        """S3Error NoSuchBucket, NoSuchUpload."""
        self._store.bucket(bucket)
        for upload in self._store.index.uploads(bucket):
            if (upload.id, upload.key) == (upload_id, key):
                return upload
        message = "The specified multipart upload does not exist."
        raise S3Error("NoSuchUpload", message, UploadId=upload_id)

    def listed(self, bucket: str, prefix: str) -> list[Upload]:
        self._store.bucket(bucket)
        return [u for u in self._store.index.uploads(bucket) if u.key.startswith(prefix)]

    def parts(self, upload: Upload) -> list[Part]:
        return self._store.index.parts(upload.id)

    def add_part(self, upload: Upload, number: int, staged: Staged) -> Part:
        if not 1 <= number <= 10000:
            message = "Part number must be an integer between 1 and 10000, inclusive"
            raise S3Error("InvalidArgument", message, ArgumentName="partNumber")
        os.replace(staged.path, self._folder / upload.id / str(number))
        part = Part(number, staged.size, staged.md5, time.time())
        self._store.index.put_part(upload.id, part)
        return part

    def complete(
        self, upload: Upload, wanted: list[tuple[int, str]], if_none_match: str | None = None
    ) -> ObjectInfo:
        """Join the wanted (part number, ETag) pairs into the object.

        S3Error InvalidPart, InvalidPartOrder, EntityTooSmall, PreconditionFailed.
        """
        parts = self._checked(upload, wanted)
        digest = hashlib.md5(usedforsecurity=False)
        for part in parts:
            digest.update(bytes.fromhex(part.etag))
        files = [self._folder / upload.id / str(part.number) for part in parts]
        with self._store.stage(_joined(files)) as staged:
            info = self._store.commit(
                upload.bucket,
                upload.key,
                staged,
                upload.headers,
                etag=f"{digest.hexdigest()}-{len(parts)}",
                if_none_match=if_none_match,
            )
        self.abort(upload)
        return info

    def _checked(self, upload: Upload, wanted: list[tuple[int, str]]) -> list[Part]:
        if not wanted:
            raise S3Error("MalformedXML", "You must specify at least one part")
        numbers = [number for number, _ in wanted]
        if numbers != sorted(set(numbers)):
            message = "The list of parts was not in ascending order."
            raise S3Error("InvalidPartOrder", message, UploadId=upload.id)
        present = {part.number: part for part in self.parts(upload)}
        for number, etag in wanted:
            if number not in present or present[number].etag != etag.strip('"'):
                message = (
                    "One or more of the specified parts could not be found. The part may not have"
                    " been uploaded, or the specified entity tag may not match."
                )
                raise S3Error("InvalidPart", message, PartNumber=str(number))
        for number in numbers[:-1]:
            if present[number].size < MINIMUM_PART:
                message = "Your proposed upload is smaller than the minimum allowed size"
                raise S3Error("EntityTooSmall", message, PartNumber=str(number))
        return [present[number] for number in numbers]

    def abort(self, upload: Upload) -> None:
        self._store.index.forget_upload(upload.id)
        shutil.rmtree(self._folder / upload.id, ignore_errors=True)


def _joined(files: Iterable[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                yield block
