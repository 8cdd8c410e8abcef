"""Places on S3 as values: `s3://bucket/prefix`, whichever of s3, s3a, s3n they use."""

import re

from dbt.adapters.glue.exceptions import ConfigurationError


def split_location(location: str) -> tuple[str, str]:
    """Bucket and key prefix of `s3://bucket/prefix`, the prefix without slashes at its ends.

    Raises ConfigurationError for anything else.
    """
    match = re.fullmatch(r"s3[an]?://([^/\\]+)(?:/([^\\]*))?", location.strip())
    if not match:
        raise ConfigurationError(f"location: got {location!r}, expected s3://bucket/path")
    return match.group(1), (match.group(2) or "").strip("/")


def lies_under(location: str, parent: str) -> bool:
    """Whether a location is strictly below another one, whichever of s3, s3a, s3n they use."""
    bucket, prefix = split_location(location)
    parent_bucket, parent_prefix = split_location(parent)
    if bucket != parent_bucket or not prefix:
        return False
    return not parent_prefix or prefix.startswith(parent_prefix + "/")


def same_location(one: str, other: str) -> bool:
    return split_location(one) == split_location(other)


def covers(location: str, other: str) -> bool:
    """Whether another location is this one, or below it."""
    return same_location(location, other) or lies_under(other, location)


def is_s3(location: str) -> bool:
    return location.startswith(("s3://", "s3a://", "s3n://"))
