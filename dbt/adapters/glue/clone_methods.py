"""CloneMethods: what `dbt clone` asks of the adapter."""

import itertools
import json
import uuid
from typing import Any

from dbt.adapters.base import BaseRelation, available

from dbt.adapters.glue import iceberg_clone, table_metadata
from dbt.adapters.glue.exceptions import CatalogError, NotOwned
from dbt.adapters.glue.services import GlueServices, glue_errors
from dbt.adapters.glue.storage import covers


class CloneMethods(GlueServices):
    @available.parse_none
    @glue_errors
    def refuse_to_clone_into(self, source: BaseRelation, *places: str | None) -> None:
        """Raises NotOwned where one of the places has to do with the data of the source."""
        wanted = [place for place in places if place]
        if not wanted:
            return
        table = self.catalog.get_table(*self._name(source)) or {}
        for own, place in itertools.product(self._places_of(table), wanted):
            if covers(own, place) or covers(place, own):
                raise NotOwned(
                    f"{source} is not cloned: its data at {own} would be in the clone's place, "
                    f"{place}",
                    hint="Give the clone's target a location of its own: another `location` in "
                    "the profile, or a custom_location that holds {{ target.schema }}.",
                )

    def _places_of(self, table: dict[str, Any]) -> list[str]:
        """Where the data of a table lies; an Iceberg table that is a clone reads others' too."""
        own = table_metadata.location_of(table)
        file = table_metadata.parameters(table).get("metadata_location")
        known = iceberg_clone.places_of(iceberg_clone.read(self.storage.read(file))) if file else []
        return [*([own] if own else []), *known]

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
