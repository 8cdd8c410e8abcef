"""CloneMethods: what `dbt clone` asks of the adapter."""

import itertools
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from dbt.adapters.base import BaseRelation, available

from dbt.adapters.glue import iceberg_clone, table_metadata
from dbt.adapters.glue.catalog_changes import NAME, names_of
from dbt.adapters.glue.exceptions import CatalogError, NotOwned
from dbt.adapters.glue.iceberg_clone import CLONE_OF
from dbt.adapters.glue.locations import covers
from dbt.adapters.glue.option_methods import OptionMethods
from dbt.adapters.glue.services import glue_errors
from dbt.adapters.glue.sql_text import without_comments


class CloneMethods(OptionMethods):
    @available.parse_none
    @glue_errors
    def refuse_to_clone_into(
        self, source: BaseRelation, target: BaseRelation, *places: str | None
    ) -> None:
        """Raises NotOwned where one of the places has to do with the data of the source, or the
        target is a table that the source, a view, reads."""
        wanted = [place for place in places if place]
        if not wanted:
            return
        table = self._table(source, 0) or {}
        if table_metadata.is_view(table):
            if self._name(target) in self._read_by(self._name(source)):
                raise NotOwned(
                    f"{source} is not cloned: it reads {target}, which the clone would replace",
                    hint="Leave it out by --exclude, or build the table that it stands for anew.",
                )
            return
        own = table_metadata.location_of(table)
        for known, place in itertools.product(self._places_of(source, table), wanted):
            if not covers(known, place) and not covers(place, known):
                continue
            if known == own:
                raise NotOwned(
                    f"{source} is not cloned: its data at {own} would be in the clone's place, "
                    f"{place}",
                    hint="Give the clone's target a location of its own: another `location` in "
                    "the profile, or a custom_location that holds {{ target.schema }}.",
                )
            raise NotOwned(
                f"{source} is not cloned: it is a clone that reads data at {known}, which the new "
                f"clone's place, {place}, would take from it",
                hint="If it has been built anew since it was cloned, unset its table property "
                f"{CLONE_OF}.",
            )

    def _places_of(self, source: BaseRelation, table: dict[str, Any]) -> list[str]:
        """Where the data of a table lies; a clone reads others' too."""
        own = table_metadata.location_of(table)
        file = table_metadata.parameters(table).get("metadata_location")
        if file:
            known = iceberg_clone.places_of(iceberg_clone.read(self.storage.read(file)))
        elif table_metadata.format_of(table) == "delta":
            known = self._clone_of(source)
        else:
            known = []
        return [*([own] if own else []), *known]

    def _clone_of(self, source: BaseRelation) -> list[str]:
        """The locations of other tables that a Delta table may read."""
        _, answer = self.execute(f"show tblproperties {source}", fetch=True)
        for row in answer.rows:
            if row[0] == CLONE_OF:
                found: list[str] = json.loads(row[1])
                return found
        return []

    def _read_by(self, view: tuple[str, str]) -> set[tuple[str, str]]:
        """Every name with a schema in the text of a view, and of the views that it reads."""
        found: set[tuple[str, str]] = set()
        waiting = [view]
        while waiting:
            table = self.known.table(*waiting.pop()) or {}
            named = set(_names_in(table.get("ViewOriginalText") or "")) - found
            found |= named
            waiting += named
        return found

    @available.parse_none
    @glue_errors
    def clone_properties(self, source: BaseRelation) -> dict[str, str]:
        """Table properties of the clone of a Delta table: the locations that it may read."""
        table = self._table(source) or {}
        return {CLONE_OF: json.dumps(list(dict.fromkeys(self._places_of(source, table))))}

    @available.parse_none
    @glue_errors
    def write_clone_metadata(self, source: BaseRelation, location: str) -> str:
        """Writes the metadata of an Iceberg table's clone below its location; returns the file."""
        schema, name = self._name(source)
        table = self.catalog.get_table(schema, name) or {}
        place = table_metadata.parameters(table).get("metadata_location")
        if not place:
            raise CatalogError(
                f"{schema}.{name} has no metadata_location in the Data Catalog",
                operation="GetTable",
            )
        if self.credentials.local:
            self.storage.ensure_bucket()
        clone = iceberg_clone.cloned(iceberg_clone.read(self.storage.read(place)), location)
        file = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
        self.storage.put(file, json.dumps(clone).encode())
        return file


def _names_in(sql: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(NAME, without_comments(sql)):
        schema, name = names_of(found["name"])
        if schema:
            yield schema, name
