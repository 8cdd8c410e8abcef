"""Ownership: which data on S3 is dbt's to delete, and what else lies there."""

import math
from collections.abc import Iterator

from dbt.adapters.glue.build_folders import STAGING, base_of
from dbt.adapters.glue.exceptions import AccessDenied
from dbt.adapters.glue.known_catalog import DELETION_AGE, KnownCatalog
from dbt.adapters.glue.locations import covers, is_s3, lies_under, same_location, split_location
from dbt.adapters.glue.table_options import custom_location

# Keys of a Database whose tables are those of a database or a source elsewhere.
ELSEWHERE = {"TargetDatabase", "FederatedDatabase"}


class Ownership:
    """What dbt owns: a location below the profile's, or the model's own custom_location; never a
    bucket's root, nor a folder that holds another table or database.

    Tables of other schemas are looked for where they may be: not below `<location>/<schema>`, which
    only a custom_location of another schema could name. `root_location` has schemas share a folder.
    """

    def __init__(self, known: KnownCatalog, location: str | None) -> None:
        self._known = known
        self._location = location

    def why_not_ours(self, location: str, custom: str | None) -> str | None:
        """By where it lies alone; the catalog is not asked."""
        _, prefix = split_location(location)
        if not prefix:
            return "it is the root of a bucket"
        own = custom_location(custom)
        custom_here = own is not None and same_location(base_of(location), base_of(own))
        below = self._location is not None and lies_under(location, self._location)
        if not (custom_here or below):
            return f"it is not below the profile's location ({self._location})"
        return None

    def holds_others(self, schema: str, names: set[str], location: str) -> str | None:
        """Which other table or database than these of the schema lies there."""
        # what is known is where tables are or were; only the catalog says what is there now
        return self._holder(schema, names, location, DELETION_AGE, math.inf) and self._holder(
            schema, names, location, -1, -1
        )

    def holds_any(self, schema: str, location: str) -> str | None:
        """Which table of any schema, or which database, lies there now."""
        return self._holder(schema, set(), location, -1, DELETION_AGE, beside=True)

    def places_everywhere(self) -> set[str]:
        """Where the tables of every database lie now."""
        self._known.databases(fresh=True)
        return {place for _, place in self._places_beside(None, -1)}

    def _holder(
        self,
        schema: str,
        names: set[str],
        location: str,
        age: float,
        age_beside: float,
        beside: bool = False,
    ) -> str | None:
        """The ages, in seconds, of what may be known of the schema, and of those beside it: there
        may be hundreds, so that a run lists them once."""
        own = {name.lower() for name in names}
        for database in self._known.databases(fresh=age < 0):
            place = database.get("LocationUri") or ""
            if is_s3(place) and covers(location, place):
                return f"it holds the database {database['Name']}"
        for other, place in self._known.places(schema, age):
            if not own.isdisjoint({other, STAGING.sub("", other)}):
                continue  # a build of the table itself lies below its base
            if is_s3(place) and covers(location, place):
                return f"it holds the table {schema}.{other}"
        if beside or not self._is_the_schemas(location, schema):
            for other, place in self._places_beside(schema, age_beside):
                if covers(location, place):
                    return f"it holds the table {other}"
        return None

    def _is_the_schemas(self, location: str, schema: str) -> bool:
        return self._location is not None and lies_under(location, f"{self._location}/{schema}")

    def _places_beside(self, schema: str | None, age: float) -> Iterator[tuple[str, str]]:
        """Name and place of the other schemas' tables, but of those that the role may not read."""
        for database in self._known.databases():
            name = database["Name"]
            if name == (schema or "").lower() or database.keys() & ELSEWHERE:
                continue
            try:
                known = self._known.places(name, age)
            except AccessDenied:
                continue
            yield from ((f"{name}.{table}", place) for table, place in known if is_s3(place))
