"""S3 Tables: the table buckets of a run, each one a Spark catalog.

A table bucket is a catalog of its own in the Data Catalog, of the CatalogId
`<account>:s3tablescatalog/<bucket>` (S3 user guide, "Integrating with AWS analytics services").
Its Spark catalog's name is what dbt calls the database of its relations.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError

DEFAULT_CATALOG = "s3tables"  # the Spark catalog of a bucket that is given no name
BUCKET_ENVIRONMENT = "DBT_S3_TABLES_BUCKET"  # of dbt-glue 1.12.4
EXPECTED = (
    "a table bucket's name, its ARN (arn:aws:s3tables:<region>:<account>:bucket/<name>) or its "
    "CatalogId (<account>:s3tablescatalog/<name>)"
)

_BUCKET = r"(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])"
_FORMS = (
    re.compile(rf"arn:aws[\w-]*:s3tables:[\w-]*:(?P<account>\d{{12}}):bucket/{_BUCKET}"),
    re.compile(rf"(?:(?P<account>\d{{12}}):)?s3tablescatalog/{_BUCKET}"),
    re.compile(_BUCKET),
)
_CATALOG = re.compile(r"[a-z_][a-z0-9_]*")
_GLUE_ID = re.compile(r"spark\.sql\.catalog\.(?P<catalog>[^.]+)\.glue\.id")


@dataclass(frozen=True)
class TableBucket:
    """catalog: the name of its Spark catalog, and dbt's for the database of its relations."""

    catalog: str
    account: str
    bucket: str

    @property
    def catalog_id(self) -> str:
        return f"{self.account}:s3tablescatalog/{self.bucket}"


class TableBuckets(Mapping[str, TableBucket]):
    """Table buckets by Spark catalog, whatever the case of the name; the first is the default."""

    def __init__(self, buckets: tuple[TableBucket, ...] = ()) -> None:
        self._buckets = {bucket.catalog.lower(): bucket for bucket in buckets}

    @property
    def default(self) -> str | None:
        """The Spark catalog of `file_format: s3tables` where a node names none."""
        return next((bucket.catalog for bucket in self._buckets.values()), None)

    def catalog(self, name: str | None) -> str | None:
        """The Spark catalog of that name; None if it is no table bucket's."""
        found = self._buckets.get(name.lower()) if name else None
        return found.catalog if found else None

    def __getitem__(self, catalog: str) -> TableBucket:
        return self._buckets[catalog.lower()]

    def __iter__(self) -> Iterator[str]:
        return (bucket.catalog for bucket in self._buckets.values())

    def __len__(self) -> int:
        return len(self._buckets)


def named_buckets(given: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """The profile's `s3_tables`, a mapping or one bucket alone, as a mapping."""
    return {DEFAULT_CATALOG: given} if isinstance(given, str) else dict(given or {})


def table_buckets(
    given: Mapping[str, Any] | str | None,
    conf: Mapping[str, str],
    account: str | None,
    environment: Mapping[str, str],
) -> TableBuckets:
    """The profile's `s3_tables`, then those that the user's `conf` makes Spark catalogs of.

    Where neither names one, DBT_S3_TABLES_BUCKET does, as in dbt-glue 1.12.4; where `conf` names
    several, it says which is the default. account: that of buckets given by name alone.
    """
    named = named_buckets(given)
    buckets = [_bucket(f"s3_tables: {name}", name, value, account) for name, value in named.items()]
    for key, value in conf.items():
        match = _GLUE_ID.fullmatch(key)
        if match and ":s3tablescatalog/" in value:
            known = {bucket.catalog for bucket in buckets}
            if match["catalog"] not in known:
                buckets.append(_parsed(f"conf: {key}", match["catalog"], value, account))
    text = environment.get(BUCKET_ENVIRONMENT)
    if text and not named:
        wanted = _parsed(BUCKET_ENVIRONMENT, DEFAULT_CATALOG, text, account)
        same = [bucket for bucket in buckets if bucket.catalog_id == wanted.catalog_id]
        buckets = [*(same or [wanted]), *(bucket for bucket in buckets if bucket not in same)]
    return TableBuckets(tuple(buckets))


def _bucket(where: str, catalog: Any, value: Any, account: str | None) -> TableBucket:
    if not _CATALOG.fullmatch(str(catalog)) or catalog == "spark_catalog":
        raise ConfigurationError(
            f"{where}: got the name {catalog!r}, expected lower-case letters, digits and _ that "
            "begin with a letter: it becomes a Spark catalog's"
        )
    return _parsed(where, str(catalog), value, account)


def _parsed(where: str, catalog: str, value: Any, account: str | None) -> TableBucket:
    match = next(filter(None, (form.fullmatch(str(value)) for form in _FORMS)), None)
    if match is None:
        raise ConfigurationError(f"{where}: got {value!r}, expected {EXPECTED}")
    owner = match.groupdict().get("account") or account
    if not owner:
        raise ConfigurationError(
            f"{where}: got {value!r}, and no account to look for it in",
            hint="Give the bucket's ARN, or a role_arn that holds the account.",
        )
    return TableBucket(catalog, owner, match["bucket"])
