"""LakeFormation: LF-tags of databases, tables and columns; data cells filters and their grants.

What is there is read first, and only what differs is changed: a second run changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dbt.adapters.glue.clients import GlueClients
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.lakeformation_calls import (
    PRINCIPAL,
    LakeFormationCalls,
    parts,
    repeated_on_conflict,
)
from dbt.adapters.glue.lakeformation_config import DataCellFilter, DataCellFilters, LfTags

TAGS_A_CALL = 50  # LFTagsList in botocore's model
ENTRIES_A_BATCH = 20  # the API reference of BatchGrantPermissions

Tags = Mapping[str, str]  # key -> value
Columns = Mapping[str, str]  # name in lower case -> name as the catalog has it


class LakeFormation(LakeFormationCalls):
    """What the node of a table asks for. `columns` may be empty where it names no column."""

    def __init__(self, clients: GlueClients, catalog_id: str | None = None, **rest: Any) -> None:
        super().__init__(clients, catalog_id, **rest)
        self._database_tags: dict[str, Tags] = {}

    # --- LF-tags

    @repeated_on_conflict
    def tag_database(self, schema: str, tags: Tags) -> None:
        self._tag_database(schema, tags, drop_existing=False)

    def _tag_database(self, schema: str, tags: Tags, drop_existing: bool) -> None:
        """Many models tag one database: what it has is asked once a run."""
        name = schema.lower()
        resource = {"Database": {**self._catalog, "Name": name}}
        with self._lock:
            assigned = self._database_tags.pop(name, None)
            if assigned is None:
                answer = self._resource_tags(resource, f"database {name}")
                assigned = _plain(answer.get("LFTagOnDatabase"))
            self._retag(resource, f"database {name}", tags, assigned, drop_existing)
            kept = {} if drop_existing else _without(assigned, tags)
            self._database_tags[name] = {**kept, **tags}

    def forget_database(self, schema: str) -> None:
        """The database was dropped."""
        with self._lock:
            self._database_tags.pop(schema.lower(), None)

    @repeated_on_conflict
    def tag_table(self, schema: str, name: str, asked: LfTags, columns: Columns) -> None:
        """Tags the database too, where asked."""
        what = f"{schema}.{name}"
        wanted = _spelled(asked.columns, columns, what, "lf_tags_config.tags_columns")
        if asked.database:
            self._tag_database(schema, asked.database, asked.drop_existing)
        if not (asked.table or wanted or asked.drop_existing):
            return
        table = {**self._catalog, "DatabaseName": schema.lower(), "Name": name.lower()}
        answer = self._resource_tags({"Table": table}, what)
        assigned = _plain(answer.get("LFTagsOnTable"))
        self._retag({"Table": table}, what, asked.table, assigned, asked.drop_existing)
        on_columns = {
            found["Name"]: _plain(found["LFTags"]) for found in answer.get("LFTagsOnColumns", ())
        }
        self._retag_columns(table, what, wanted, on_columns, asked.drop_existing)

    def _resource_tags(self, resource: dict[str, Any], what: str) -> dict[str, Any]:
        # Without ShowAssignedLFTags it answers what is inherited too, which cannot be removed.
        return self._call(
            "GetResourceLFTags", what, Resource=resource, ShowAssignedLFTags=True, **self._catalog
        )

    def _retag(
        self, resource: dict[str, Any], what: str, wanted: Tags, assigned: Tags, drop: bool
    ) -> None:
        if drop:
            self._change("RemoveLFTagsFromResource", resource, what, _without(assigned, wanted))
        self._change("AddLFTagsToResource", resource, what, _missing(wanted, assigned))

    def _retag_columns(
        self,
        table: dict[str, Any],
        what: str,
        wanted: Mapping[str, Tags],
        assigned: Mapping[str, Tags],
        drop: bool,
    ) -> None:
        """One call for the columns that get, or lose, the same tags."""
        removed = {name: _without(assigned[name], wanted.get(name, {})) for name in assigned}
        added = {name: _missing(wanted[name], assigned.get(name, {})) for name in wanted}
        changes = [("RemoveLFTagsFromResource", removed)] if drop else []
        for operation, tags_of in (*changes, ("AddLFTagsToResource", added)):
            for tags, names in _by_tags(tags_of):
                resource = {"TableWithColumns": {**table, "ColumnNames": names}}
                self._change(operation, resource, f"{what}, columns {', '.join(names)}", tags)

    def _change(self, operation: str, resource: dict[str, Any], what: str, tags: Tags) -> None:
        for part in parts(list(tags.items()), TAGS_A_CALL):
            named = ", ".join(f"{key}={value}" for key, value in part)
            pairs = [{**self._catalog, "TagKey": k, "TagValues": [v]} for k, v in part]
            about = f"LF-tags {named} of {what}"
            self._call(operation, about, Resource=resource, LFTags=pairs, **self._catalog)

    # --- data cells filters

    @repeated_on_conflict
    def set_filters(self, schema: str, name: str, asked: DataCellFilters, columns: Columns) -> None:
        """Makes filters of a table what the config says, and their grants too.

        A principal that the config of a filter does not name loses SELECT on that filter. Filters
        that the config does not name are deleted with drop_existing, else left as they are.
        """
        table = {"DatabaseName": schema.lower(), "Name": name.lower()}
        what = f"{schema}.{name}"
        wanted = {
            key: self._filter(table, what, key, found, columns)
            for key, found in asked.filters.items()
        }
        listed = self._pages(
            "ListDataCellsFilter",
            "DataCellsFilters",
            f"data cells filters of {what}",
            Table={"CatalogId": self.account, **table},
        )
        there = {found["Name"]: found for found in listed}
        if asked.drop_existing:
            for key in sorted(there.keys() - wanted.keys()):
                about = f"data cells filter {key} of {what}"
                self._call("DeleteDataCellsFilter", about, **_key(there[key]))
        for key, data in wanted.items():
            about = f"data cells filter {key} of {what}"
            if key not in there:
                self._call("CreateDataCellsFilter", about, TableData=data)
            elif _shown(there[key]) != _shown(data):
                self._call("UpdateDataCellsFilter", about, TableData=data)
            self._set_principals(_key(data), about, asked.filters[key].principals)

    def _filter(
        self,
        table: dict[str, str],
        what: str,
        name: str,
        asked: DataCellFilter,
        columns: Columns,
    ) -> dict[str, Any]:
        """A DataCellsFilter of the API."""
        place = f"lf_grants.data_cell_filters.filters.{name}"
        included = _spelled(dict.fromkeys(asked.column_names, {}), columns, what, place)
        excluded = _spelled(dict.fromkeys(asked.excluded_column_names, {}), columns, what, place)
        shown: dict[str, Any] = {"ColumnWildcard": {"ExcludedColumnNames": list(excluded)}}
        rows = {"FilterExpression": asked.row_filter} if asked.row_filter else None
        return {
            "TableCatalogId": self.account,
            "DatabaseName": table["DatabaseName"],
            "TableName": table["Name"],
            "Name": name,
            "RowFilter": rows or {"AllRowsWildcard": {}},
            **({"ColumnNames": list(included)} if included else shown),
        }

    def _set_principals(self, key: dict[str, str], about: str, wanted: tuple[str, ...]) -> None:
        there = dict(self._principals(key, about))
        revoked = {name: option for name, option in there.items() if name not in wanted}
        granted = dict.fromkeys((name for name in wanted if name not in there), False)
        self._permit("BatchRevokePermissions", key, about, revoked)
        self._permit("BatchGrantPermissions", key, about, granted)

    def _principals(self, key: dict[str, str], about: str) -> Iterator[tuple[str, bool]]:
        """Who has SELECT on the filter, and whether with the grant option."""
        resource = {"DataCellsFilter": key}
        for found in self._pages(
            "ListPermissions",
            "PrincipalResourcePermissions",
            about,
            Resource=resource,
            **self._catalog,
        ):
            of_filter = found["Resource"].get("DataCellsFilter", {}).get("Name") == key["Name"]
            if of_filter and "SELECT" in found.get("Permissions", ()):
                option = "SELECT" in found.get("PermissionsWithGrantOption", ())
                yield found["Principal"][PRINCIPAL], option

    def _permit(
        self, operation: str, key: dict[str, str], about: str, principals: Mapping[str, bool]
    ) -> None:
        """SELECT of each principal, with the grant option where True."""
        for part in parts(list(principals.items()), ENTRIES_A_BATCH):
            entries = [
                {
                    "Id": str(number),
                    "Principal": {PRINCIPAL: principal},
                    "Resource": {"DataCellsFilter": key},
                    "Permissions": ["SELECT"],
                    "PermissionsWithGrantOption": ["SELECT"] if option else [],
                }
                for number, (principal, option) in enumerate(part)
            ]
            named = f"SELECT of {', '.join(name for name, _ in part)} on {about}"
            self._call(operation, named, CatalogId=self.account, Entries=entries)


def _plain(pairs: Iterable[dict[str, Any]] | None) -> dict[str, str]:
    """A resource has one value of each tag."""
    return {pair["TagKey"]: pair["TagValues"][0] for pair in pairs or ()}


def _missing(wanted: Tags, assigned: Tags) -> dict[str, str]:
    there = {key.lower(): value for key, value in assigned.items()}
    return {key: value for key, value in wanted.items() if there.get(key.lower()) != value}


def _without(assigned: Tags, wanted: Tags) -> dict[str, str]:
    """What is assigned under a key that is not wanted; the case of a key does not matter."""
    keys = {key.lower() for key in wanted}
    return {key: value for key, value in assigned.items() if key.lower() not in keys}


def _by_tags(columns: Mapping[str, Tags]) -> list[tuple[Tags, list[str]]]:
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, tags in columns.items():
        if tags:
            groups.setdefault(tuple(sorted(tags.items())), []).append(name)
    return [(dict(tags), names) for tags, names in groups.items()]


def _spelled(named: Mapping[str, Tags], columns: Columns, what: str, place: str) -> dict[str, Tags]:
    """What is said of columns, under their names in the catalog."""
    absent = [name for name in named if name.lower() not in columns]
    if absent:
        raise ConfigurationError(
            f"{place}: got {', '.join(absent)}, expected columns that the Data Catalog has of "
            f"{what}: {', '.join(columns.values()) or 'none'}. Correct the names; "
            "docs/lake-formation.md tells for which formats the catalog has no columns."
        )
    found: dict[str, Tags] = {}
    for name, tags in named.items():
        column = columns[name.lower()]
        found[column] = {**found.get(column, {}), **tags}
    return found


def _key(data: dict[str, Any]) -> dict[str, str]:
    return {name: data[name] for name in ("TableCatalogId", "DatabaseName", "TableName", "Name")}


def _shown(data: dict[str, Any]) -> tuple[str | None, frozenset[str], frozenset[str]]:
    """What a DataCellsFilter shows: rows (None: all), columns, or all columns but some.

    Lake Formation answers the expression TRUE for all rows.
    """
    rows = data.get("RowFilter") or {}
    expression = (rows.get("FilterExpression") or "").strip()
    everything = "AllRowsWildcard" in rows or expression.lower() == "true"
    named = data.get("ColumnNames") or ()
    excluded = (data.get("ColumnWildcard") or {}).get("ExcludedColumnNames") or ()
    return None if everything else expression, _lower(named), _lower(excluded)


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
