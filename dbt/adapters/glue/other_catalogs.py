"""Data Catalogs of other accounts, which sources are read from.

In Spark such a catalog is reached in two ways. Iceberg's GlueCatalog has an account of its own for
each Spark catalog (`glue.id`). All else is read through Spark's session catalog, whose Glue client
takes the account as a part of the database's name, `<account>/<database>`, once it is told by
`aws.glue.catalog.separator` that there is one (Athena user guide, "Configure cross-account AWS Glue
access in Athena for Spark").
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError

SEPARATOR = "/"
SEPARATOR_CONF = "spark.hadoop.aws.glue.catalog.separator"
TAKEN = frozenset({"spark_catalog", "glue_catalog", "awsdatacatalog", "s3tables"})
ACCOUNT = re.compile(r"\d{12}")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class OtherCatalog:
    """name: the Spark catalog of its Iceberg tables, and dbt's for the database of relations."""

    name: str
    account: str

    def schema(self, name: str) -> str:
        """The database's name in Spark's session catalog."""
        return f"{self.account}{SEPARATOR}{name}"


class OtherCatalogs(Mapping[str, OtherCatalog]):
    """By name, whatever its case, or by account id. own: the account of the run's own catalog."""

    def __init__(self, catalogs: tuple[OtherCatalog, ...] = (), own: str | None = None) -> None:
        self.own = own
        self._catalogs = {catalog.name: catalog for catalog in catalogs}

    def known(self, database: str | int | None) -> str | None:
        """The catalog of that name or account id; None if the profile has none."""
        wanted = _text(database)
        for catalog in self._catalogs.values():
            if wanted in (catalog.name, catalog.account):
                return catalog.name
        return None

    def name_of(self, database: str | int | None) -> str | None:
        """The catalog that `database` or catalog_id names; None for the run's own.

        An account that the profile does not name has its id for a name: nothing is known of it
        (`unnamed`), and nothing of the run's own is taken for it.
        """
        wanted = _text(database)
        is_account = ACCOUNT.fullmatch(wanted) is not None and wanted != self.own
        return self.known(database) or (wanted if is_account else None)

    def find(self, database: str | None) -> OtherCatalog | None:
        """The catalog of that name or account id, one that the profile does not name too."""
        name = self.name_of(database)
        return None if name is None else self._catalogs.get(name) or OtherCatalog(name, name)

    def __getitem__(self, name: str) -> OtherCatalog:
        return self._catalogs[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogs)

    def __len__(self) -> int:
        return len(self._catalogs)


def unnamed(account: str) -> ConfigurationError:
    return ConfigurationError(
        f"The Data Catalog of the account {account} is not named in the profile, so the session "
        "knows no way to it",
        hint=f"Add it to the profile, under a name: data_catalogs: {{other: '{account}'}}.",
    )


def _text(database: str | int | None) -> str:
    """A name in lower case; an account id with its zeros, which a number in YAML has lost."""
    return f"{database:012d}" if isinstance(database, int) else (database or "").lower()


def other_catalogs(given: Mapping[str, Any], own: str | None) -> OtherCatalogs:
    """The profile's `data_catalogs`; an account id may be a number, as YAML reads it."""
    found = []
    for name, value in given.items():
        account = _text(value) if isinstance(value, (int, str)) else ""
        if not _NAME.fullmatch(str(name)) or name in TAKEN:
            raise ConfigurationError(
                f"data_catalogs: got the name {name!r}, expected lower-case letters, digits and _ "
                f"that begin with a letter, and none of {', '.join(sorted(TAKEN))}: it becomes a "
                "Spark catalog's"
            )
        if not ACCOUNT.fullmatch(account):
            raise ConfigurationError(
                f"data_catalogs: {name}: got {value!r}, expected an AWS account id of 12 digits",
                hint="Table buckets of S3 Tables belong to s3_tables.",
            )
        found.append(OtherCatalog(str(name), account))
    return OtherCatalogs(tuple(found), own)
