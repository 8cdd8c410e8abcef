"""ListObjects and ListObjectsV2: prefixes, delimiters, pages."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from werkzeug.datastructures import MultiDict

from .s3_errors import S3Error
from .s3_index import ObjectInfo
from .s3_store import ObjectStore

MAXIMUM_KEYS = 1000
# Sorts behind every key that starts with the same text.
_LAST = "\U0010ffff"


@dataclass
class Page:
    """One page of a listing; `last` is the last key or common prefix in it."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.keys) + len(self.prefixes)


def page_of(
    store: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, limit: int
) -> Page:
    """At most `limit` keys and common prefixes behind `after` (itself a key or common prefix)."""
    page = Page()
    if delimiter and after and _rolled_up(after, prefix, delimiter) == after:
        after += _LAST
    keys = store.keys(bucket, prefix, after)
    while (key := next(keys, None)) is not None:
        if limit == 0:
            break
        if len(page) == limit:
            page.truncated = True
            break
        common = _rolled_up(key, prefix, delimiter) if delimiter else None
        if common:
            page.prefixes.append(common)
            keys = store.keys(bucket, prefix, common + _LAST)
        else:
            page.keys.append(key)
        page.last = common or key
    return page


def _rolled_up(key: str, prefix: str, delimiter: str) -> str | None:
    if not key.startswith(prefix):
        return None
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + delimiter if found else None


def list_objects_v2(
    store: ObjectStore, bucket: str, args: MultiDict[str, str]
) -> tuple[str, dict[str, Any]]:
    token = args.get("continuation-token")
    after = _decode_token(token) if token else args.get("start-after", "")
    prefix, delimiter, limit, encode = _common(args)
    page = page_of(store, bucket, prefix, delimiter, after, limit)
    return "ListBucketResult", {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) or None,
        "MaxKeys": limit,
        "KeyCount": len(page),
        "EncodingType": args.get("encoding-type"),
        "StartAfter": encode(args.get("start-after", "")) or None,
        "ContinuationToken": token,
        "IsTruncated": page.truncated,
        "NextContinuationToken": _encode_token(page.last) if page.truncated else None,
        **_contents(store, bucket, page, encode),
    }


def list_objects(
    store: ObjectStore, bucket: str, args: MultiDict[str, str]
) -> tuple[str, dict[str, Any]]:
    marker = args.get("marker", "")
    prefix, delimiter, limit, encode = _common(args)
    page = page_of(store, bucket, prefix, delimiter, marker, limit)
    return "ListBucketResult", {
        "Name": bucket,
        "Prefix": encode(prefix),
        "Marker": encode(marker),
        "Delimiter": encode(delimiter) or None,
        "MaxKeys": limit,
        "EncodingType": args.get("encoding-type"),
        "IsTruncated": page.truncated,
        "NextMarker": encode(page.last) if page.truncated and delimiter else None,
        **_contents(store, bucket, page, encode),
    }


def _common(args: MultiDict[str, str]) -> tuple[str, str, int, Callable[[str], str]]:
    encoding = args.get("encoding-type")
    if encoding not in (None, "url"):
        message = "Invalid Encoding Method specified in Request"
        raise S3Error("InvalidArgument", message, ArgumentName="encoding-type")
    text = args.get("max-keys", str(MAXIMUM_KEYS))
    if not text.isdigit():
        message = "Provided max-keys not an integer or within integer range"
        raise S3Error("InvalidArgument", message, ArgumentName="max-keys", ArgumentValue=text)

    def encode(text: str) -> str:
        return quote(text, safe="/") if encoding else text

    limit = min(int(text), MAXIMUM_KEYS)
    return args.get("prefix", ""), args.get("delimiter", ""), limit, encode


def _contents(
    store: ObjectStore, bucket: str, page: Page, encode: Callable[[str], str]
) -> dict[str, list]:
    return {
        "Contents": [
            {
                "Key": encode(info.key),
                "LastModified": timestamp(info.modified),
                "ETag": f'"{info.etag}"',
                "Size": info.size,
                "StorageClass": "STANDARD",
            }
            for info in store.describe(bucket, page.keys)
        ],
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
    }


def checksums_of(info: ObjectInfo) -> dict[str, str]:
    return {**info.checksums, "x-amz-checksum-type": "FULL_OBJECT"} if info.checksums else {}


def timestamp(seconds: float) -> str:
    """Epoch seconds as S3's XML has them: 2026-11-24T11:29:00.000Z."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encode_token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        message = "The continuation token provided is incorrect"
        raise S3Error("InvalidArgument", message, ArgumentName="continuation-token") from error
