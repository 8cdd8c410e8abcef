"""The S3 API over a directory, as a WSGI application.

One machine, one user: signatures, ACLs, storage classes and encryption headers are accepted and
change nothing. An operation that is not here is refused by its name.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from .errors import ApiError
from .s3_body import BLOCK, UploadBody
from .s3_errors import S3Error, injected, no_such_bucket
from .s3_index import ObjectInfo
from .s3_listing import (
    checksums_of,
    list_objects,
    list_objects_v2,
    timestamp,
)
from .s3_multipart import MultipartUploads
from .s3_routing import address_of, operation_of
from .s3_store import ObjectStore
from .s3_xml import children_of, document_of, error_response, has_body, text_of, xml_answer

REGION = "us-east-1"
_OWNER = {"ID": "local", "DisplayName": "local"}
_KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)


class S3:
    """WSGI application over `local_dir/s3/<bucket>/<key>`; thread-safe."""

    def __init__(self, root: Path, enter: Callable[[str], object] = lambda name: None) -> None:
        """`root` is local Glue's folder (`local_dir`).

        `enter` gets the name of each call ("s3:PutObject"); an ApiError from it is the answer.
        """
        self._enter = enter
        self.store = ObjectStore(root)
        self._uploads = MultipartUploads(self.store, root.absolute() / "uploads")
        self._operations: dict[str, Callable[[Request, str, str], Response]] = {
            "ListBuckets": self._list_buckets,
            "CreateBucket": self._create_bucket,
            "HeadBucket": self._head_bucket,
            "DeleteBucket": self._delete_bucket,
            "GetBucketLocation": self._get_bucket_location,
            "ListObjects": self._list_objects,
            "ListObjectsV2": self._list_objects,
            "GetObject": self._get_object,
            "HeadObject": self._get_object,
            "PutObject": self._put_object,
            "CopyObject": self._copy_object,
            "DeleteObject": self._delete_object,
            "DeleteObjects": self._delete_objects,
            "CreateMultipartUpload": self._create_upload,
            "UploadPart": self._upload_part,
            "UploadPartCopy": self._upload_part_copy,
            "CompleteMultipartUpload": self._complete_upload,
            "AbortMultipartUpload": self._abort_upload,
            "ListParts": self._list_parts,
            "ListMultipartUploads": self._list_uploads,
        }

    def create_bucket(self, name: str) -> bool:
        """True if it was made, False if it was there. S3Error InvalidBucketName."""
        return self.store.create_bucket(name)

    def ensure_buckets_in(self, text: str) -> list[str]:
        """Make the buckets that s3://, s3a:// and s3n:// addresses in `text` name; the new ones."""
        return self.store.ensure_buckets_in(text)

    def forget_dead_writes_in(self, text: str) -> None:
        self.store.forget_dead_writes_in(text)

    def close(self) -> None:
        self.store.close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """The answer to a call; errors are answers, too."""
        try:
            response = self._dispatch(request)
        except S3Error as error:
            response = error_response(request, error)
        response.headers["x-amz-request-id"] = uuid.uuid4().hex[:16].upper()
        response.headers["Server"] = "AmazonS3"
        return response

    def _dispatch(self, request: Request) -> Response:
        bucket, key = address_of(request)
        operation = operation_of(request, bucket, key, self._operations)
        if operation is None:
            message = "The specified method is not allowed against this resource."
            raise S3Error("MethodNotAllowed", message, Method=request.method)
        try:
            self._enter(f"s3:{operation}")
        except ApiError as error:
            raise injected(error) from error
        if operation not in self._operations:
            message = f"Local Glue does not implement the S3 operation {operation}."
            raise S3Error("NotImplemented", message, Operation=operation)
        if request.args.get("versionId", "null") != "null":
            raise S3Error("NotImplemented", "Local Glue keeps no object versions.")
        return self._operations[operation](request, bucket, key)

    # Buckets

    def _list_buckets(self, request: Request, bucket: str, key: str) -> Response:
        buckets = [
            {"Name": name, "CreationDate": timestamp(created)}
            for name, created in self.store.buckets().items()
            if name.startswith(request.args.get("prefix", ""))
        ]
        content = {"Owner": _OWNER, "Buckets": {"Bucket": buckets}}
        return xml_answer("ListAllMyBucketsResult", content)

    def _create_bucket(self, request: Request, bucket: str, key: str) -> Response:
        location = text_of(document_of(request), "LocationConstraint") if has_body(request) else ""
        made = self.store.create_bucket(bucket, location)
        if not made and self.store.bucket_location(bucket):
            # S3 tells so in every region but us-east-1.
            message = "Your previous request to create the named bucket succeeded and you own it."
            raise S3Error("BucketAlreadyOwnedByYou", message, BucketName=bucket)
        return Response(headers={"Location": f"/{bucket}"})

    def _head_bucket(self, request: Request, bucket: str, key: str) -> Response:
        region = self.store.bucket_location(bucket) or REGION
        return Response(headers={"x-amz-bucket-region": region})

    def _delete_bucket(self, request: Request, bucket: str, key: str) -> Response:
        self.store.delete_bucket(bucket)
        return Response(status=204)

    def _get_bucket_location(self, request: Request, bucket: str, key: str) -> Response:
        return xml_answer("LocationConstraint", self.store.bucket_location(bucket))

    def _list_objects(self, request: Request, bucket: str, key: str) -> Response:
        answer = list_objects_v2 if request.args.get("list-type") == "2" else list_objects
        return xml_answer(*answer(self.store, bucket, request.args))

    # Objects

    def _get_object(self, request: Request, bucket: str, key: str) -> Response:
        info, content = self.store.open(bucket, key)
        body = wrap_file(request.environ, content, BLOCK) if content else []
        response = Response(body, direct_passthrough=content is not None)
        response.content_type = info.headers.get("content-type", "binary/octet-stream")
        response.headers.update({k: v for k, v in info.headers.items() if k != "content-type"})
        for name, value in request.args.items():
            if name.startswith("response-"):
                response.headers[name.removeprefix("response-")] = value
        response.set_etag(info.etag)
        response.last_modified = datetime.fromtimestamp(info.modified, timezone.utc)
        response.content_length = info.size
        try:
            response.make_conditional(request, accept_ranges=True, complete_length=info.size)
        except RequestedRangeNotSatisfiable as error:
            response.close()
            message = "The requested range is not satisfiable"
            raise S3Error("InvalidRange", message, ActualObjectSize=str(info.size)) from error
        if response.status_code == 412:
            response.close()
            message = "At least one of the pre-conditions you specified did not hold"
            raise S3Error("PreconditionFailed", message, Condition="If-Match")
        whole = response.status_code == 200
        if whole and request.headers.get("x-amz-checksum-mode") == "ENABLED":
            response.headers.update(checksums_of(info))
        return response

    def _put_object(self, request: Request, bucket: str, key: str) -> Response:
        self.store.bucket(bucket)
        body = UploadBody(request)
        with self.store.stage(body.blocks()) as staged:
            staged.checksums = body.checksums
            info = self.store.commit(
                bucket,
                key,
                staged,
                _object_headers(request),
                if_match=request.headers.get("If-Match"),
                if_none_match=request.headers.get("If-None-Match"),
            )
        return Response(headers={"ETag": f'"{info.etag}"', **checksums_of(info)})

    def _copy_object(self, request: Request, bucket: str, key: str) -> Response:
        self.store.bucket(bucket)
        source_bucket, source_key = _copy_source(request)
        replace = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
        if (source_bucket, source_key) == (bucket, key) and not replace:
            message = (
                "This copy request is illegal because it is trying to copy an object to itself"
                " without changing the object's metadata, storage class, website redirect location"
                " or encryption attributes."
            )
            raise S3Error("InvalidRequest", message)
        source, content = self.store.open(source_bucket, source_key)
        _check_copy_conditions(request, source)
        headers = _object_headers(request) if replace else source.headers
        with self.store.stage(_blocks(content)) as staged:
            staged.checksums = source.checksums
            info = self.store.commit(bucket, key, staged, headers)
        return xml_answer("CopyObjectResult", _copied(info.etag, info.modified))

    def _delete_object(self, request: Request, bucket: str, key: str) -> Response:
        self.store.delete(bucket, key)
        return Response(status=204)

    def _delete_objects(self, request: Request, bucket: str, key: str) -> Response:
        self.store.bucket(bucket)
        document = document_of(request)
        keys = [text_of(item, "Key") for item in children_of(document, "Object")]
        if not 1 <= len(keys) <= 1000:
            message = "The XML you provided was not well-formed or did not validate: 1 to 1000 keys"
            raise S3Error("MalformedXML", message)
        for one in keys:
            self.store.delete(bucket, one)
        quiet = text_of(document, "Quiet") == "true"
        return xml_answer(
            "DeleteResult", {"Deleted": [] if quiet else [{"Key": one} for one in keys]}
        )

    # Multipart uploads

    def _create_upload(self, request: Request, bucket: str, key: str) -> Response:
        upload = self._uploads.create(bucket, key, _object_headers(request))
        content = {"Bucket": bucket, "Key": key, "UploadId": upload.id}
        return xml_answer("InitiateMultipartUploadResult", content)

    def _upload_part(self, request: Request, bucket: str, key: str) -> Response:
        upload = self._uploads.find(bucket, key, request.args["uploadId"])
        body = UploadBody(request)
        with self.store.stage(body.blocks()) as staged:
            part = self._uploads.add_part(upload, _part_number(request), staged)
        return Response(headers={"ETag": f'"{part.etag}"', **body.checksums})

    def _upload_part_copy(self, request: Request, bucket: str, key: str) -> Response:
        upload = self._uploads.find(bucket, key, request.args["uploadId"])
        source, content = self.store.open(*_copy_source(request))
        _check_copy_conditions(request, source)
        first, length = _copy_range(request, source.size)
        with self.store.stage(_blocks(content, first, length)) as staged:
            part = self._uploads.add_part(upload, _part_number(request), staged)
        return xml_answer("CopyPartResult", _copied(part.etag, part.modified))

    def _complete_upload(self, request: Request, bucket: str, key: str) -> Response:
        upload = self._uploads.find(bucket, key, request.args["uploadId"])
        parts = [
            (int(text_of(item, "PartNumber") or 0), text_of(item, "ETag"))
            for item in children_of(document_of(request), "Part")
        ]
        info = self._uploads.complete(upload, parts, request.headers.get("If-None-Match"))
        content = {
            "Location": f"{request.host_url}{bucket}/{key}",
            **{"Bucket": bucket, "Key": key, "ETag": f'"{info.etag}"'},
        }
        return xml_answer("CompleteMultipartUploadResult", content)

    def _abort_upload(self, request: Request, bucket: str, key: str) -> Response:
        self._uploads.abort(self._uploads.find(bucket, key, request.args["uploadId"]))
        return Response(status=204)

    def _list_parts(self, request: Request, bucket: str, key: str) -> Response:
        upload = self._uploads.find(bucket, key, request.args["uploadId"])
        parts = [
            {
                "PartNumber": part.number,
                "LastModified": timestamp(part.modified),
                "ETag": f'"{part.etag}"',
                "Size": part.size,
            }
            for part in self._uploads.parts(upload)
        ]
        content = {"Bucket": bucket, "Key": key, "UploadId": upload.id, "IsTruncated": False}
        return xml_answer("ListPartsResult", {**content, "Part": parts})

    def _list_uploads(self, request: Request, bucket: str, key: str) -> Response:
        uploads = [
            {"Key": one.key, "UploadId": one.id, "Initiated": timestamp(one.initiated)}
            for one in self._uploads.listed(bucket, request.args.get("prefix", ""))
        ]
        content = {"Bucket": bucket, "IsTruncated": False, "Upload": uploads}
        return xml_answer("ListMultipartUploadsResult", content)


def _object_headers(request: Request) -> dict[str, str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    kept = {
        name: value
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith("x-amz-meta-")
    }
    encodings = [e.strip() for e in kept.pop("content-encoding", "").split(",")]
    if encoding := ",".join(e for e in encodings if e not in ("", "aws-chunked")):
        kept["content-encoding"] = encoding
    return kept


def _copy_source(request: Request) -> tuple[str, str]:
    source, _, version = request.headers["x-amz-copy-source"].partition("?versionId=")
    if version not in ("", "null"):
        raise S3Error("NotImplemented", "Local Glue keeps no object versions.")
    bucket, _, key = unquote(source).removeprefix("/").partition("/")
    if not bucket:
        raise no_such_bucket(bucket)
    return bucket, key


def _check_copy_conditions(request: Request, source: ObjectInfo) -> None:
    for name in ("if-match", "if-none-match"):
        wanted = request.headers.get(f"x-amz-copy-source-{name}")
        if wanted and (wanted.strip('"') == source.etag) != (name == "if-match"):
            message = "At least one of the pre-conditions you specified did not hold"
            raise S3Error("PreconditionFailed", message, Condition=f"x-amz-copy-source-{name}")


def _copy_range(request: Request, size: int) -> tuple[int, int]:
    """(first byte, number of bytes) that x-amz-copy-source-range asks for."""
    text = request.headers.get("x-amz-copy-source-range", f"bytes=0-{size - 1}")
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last) < size):
        raise S3Error("InvalidArgument", "The x-amz-copy-source-range value is not valid")
    return int(first), int(last) - int(first) + 1


def _blocks(content: BinaryIO | None, first: int = 0, length: int | None = None) -> Iterator[bytes]:
    if content is None:
        return
    with content:
        content.seek(first)
        left = length
        while block := content.read(BLOCK if left is None else min(BLOCK, left)):
            left = None if left is None else left - len(block)
            yield block


def _part_number(request: Request) -> int:
    text = request.args["partNumber"]
    return int(text) if text.isdigit() else 0


def _copied(etag: str, modified: float) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "LastModified": timestamp(modified)}
