"""What Lake Formation knows and the Data Catalog does not: LF-tags, data cells filters and grants.
One SQLite file.

What belongs to a database or table is kept under its name and time of creation: what is dropped
and made again is another object, without tags, filters and grants.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .sqlite_file import SqliteFile

_SCHEMA = """
create table if not exists lf_tag (key text primary key, possible text not null);
create table if not exists assigned (
    owner text not null, created real not null, column_name text not null,
    key text not null, value text not null, primary key (owner, column_name, key));
create table if not exists cells_filter (
    owner text not null, created real not null, name text not null, document text not null,
    primary key (owner, name));
create table if not exists granted (
    principal text not null, resource text not null, owner text not null, created real not null,
    permissions text not null, grantable text not null, primary key (principal, resource));
"""
_OWNED = ("assigned", "cells_filter", "granted")

Document = dict[str, Any]


class Owner(NamedTuple):
    """A database (`db`), a table (`db.table`), or nothing of the catalog (`""`)."""

    name: str
    created: float = 0.0  # epoch seconds


class Grant(NamedTuple):
    """`resource` is the API's Resource; `grantable` its PermissionsWithGrantOption."""

    principal: str
    resource: Document
    owner: Owner
    permissions: frozenset[str]
    grantable: frozenset[str]


class LakeFormationStore(SqliteFile):
    """Thread-safe; each method is one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    def forget_earlier(self, owner: Owner) -> None:
        """Forgets what an earlier object of this name had."""
        with self._transaction() as connection:
            for table in _OWNED:
                connection.execute(
                    f"delete from {table} where owner = ? and created <> ?", tuple(owner)
                )

    # --- LF-tags and what they are assigned to

    def tags(self) -> dict[str, list[str]]:
        """Key -> possible values."""
        with self._transaction() as connection:
            rows = connection.execute("select key, possible from lf_tag order by key")
            return {key: json.loads(possible) for key, possible in rows}

    def put_tag(self, key: str, possible: list[str]) -> None:
        with self._transaction() as connection:
            connection.execute(
                "insert or replace into lf_tag values (?, ?)", (key, json.dumps(possible))
            )

    def delete_tag(self, key: str) -> None:
        """It is taken from the resources that have it, too."""
        with self._transaction() as connection:
            connection.execute("delete from lf_tag where key = ?", (key,))
            connection.execute("delete from assigned where key = ?", (key,))

    def is_assigned(self, key: str, value: str) -> bool:
        with self._transaction() as connection:
            found = connection.execute(
                "select 1 from assigned where key = ? and value = ? limit 1", (key, value)
            )
            return found.fetchone() is not None

    def assigned(self, owner: Owner) -> dict[str, dict[str, str]]:
        """Column -> {key: value}; the column `""` stands for the database or table itself."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select column_name, key, value from assigned where owner = ? order by key",
                (owner.name,),
            )
            found: dict[str, dict[str, str]] = {}
            for column, key, value in rows:
                found.setdefault(column, {})[key] = value
            return found

    def assign(self, owner: Owner, columns: Iterable[str], key: str, value: str) -> None:
        with self._transaction() as connection:
            connection.executemany(
                "insert or replace into assigned values (?, ?, ?, ?, ?)",
                [(*owner, column, key, value) for column in columns],
            )

    def unassign(self, owner: Owner, columns: Iterable[str], key: str) -> None:
        with self._transaction() as connection:
            connection.executemany(
                "delete from assigned where owner = ? and column_name = ? and key = ?",
                [(owner.name, column, key) for column in columns],
            )

    # --- data cells filters

    def filters(self, owner: Owner) -> dict[str, Document]:
        """Name -> DataCellsFilter, as the API answers it."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select name, document from cells_filter where owner = ? order by name",
                (owner.name,),
            )
            return {name: json.loads(document) for name, document in rows}

    def put_filter(self, owner: Owner, name: str, document: Document) -> None:
        with self._transaction() as connection:
            connection.execute(
                "insert or replace into cells_filter values (?, ?, ?, ?)",
                (*owner, name, json.dumps(document)),
            )

    def delete_filter(self, owner: Owner, name: str) -> None:
        with self._transaction() as connection:
            connection.execute(
                "delete from cells_filter where owner = ? and name = ?", (owner.name, name)
            )

    # --- permissions

    def grants(self) -> list[Grant]:
        with self._transaction() as connection:
            rows = connection.execute("select * from granted order by principal, resource")
            return [
                Grant(
                    principal,
                    json.loads(resource),
                    Owner(owner, created),
                    frozenset(json.loads(permissions)),
                    frozenset(json.loads(grantable)),
                )
                for principal, resource, owner, created, permissions, grantable in rows
            ]

    def put_grant(self, grant: Grant) -> None:
        """Replaces the grant of this principal on this resource; one without permissions goes."""
        resource = json.dumps(grant.resource, sort_keys=True)
        with self._transaction() as connection:
            connection.execute(
                "delete from granted where principal = ? and resource = ?",
                (grant.principal, resource),
            )
            if grant.permissions or grant.grantable:
                names = [json.dumps(sorted(some)) for some in (grant.permissions, grant.grantable)]
                connection.execute(
                    "insert into granted values (?, ?, ?, ?, ?, ?)",
                    (grant.principal, resource, *grant.owner, *names),
                )
