"""The metadata file of an Iceberg table's clone: a table of its own over the same data files.

Field names are those of Iceberg's table spec, appendix C (JSON serialization).
"""

import gzip
import json
import uuid
from typing import Any

# Properties that say where files are written: the clone's go below its own location.
PLACES = frozenset(
    {
        "write.data.path",
        "write.metadata.path",
        "write.object-storage.path",
        "write.folder-storage.path",
    }
)
# Iceberg then deletes no data file for the clone: they are the other table's.
KEEP_FILES = {"gc.enabled": "false"}
# A property of a clone: the locations, as a JSON list, whose files it may read.
CLONE_OF = "dbt-glue.clone-of"
OF_A_SNAPSHOT = ("snapshots", "snapshot-log", "statistics", "partition-statistics")


def read(body: bytes) -> dict[str, Any]:
    """A metadata file, which may be compressed (`write.metadata.compression-codec`)."""
    found: dict[str, Any] = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    return found


def places_of(metadata: dict[str, Any]) -> list[str]:
    """The table's location, and those of the tables that it is a clone of."""
    known = json.loads(metadata.get("properties", {}).get(CLONE_OF, "[]"))
    return [metadata["location"], *(place for place in known if place != metadata["location"])]


def cloned(metadata: dict[str, Any], location: str) -> dict[str, Any]:
    """The metadata with the current snapshot only, for a table at another location.

    The log of metadata files begins anew, so that none of the other table's is ever deleted.
    """
    current = metadata.get("current-snapshot-id")
    properties = {k: v for k, v in metadata.get("properties", {}).items() if k not in PLACES}
    clone = {
        **metadata,
        "table-uuid": str(uuid.uuid4()),
        "location": location,
        "properties": properties | KEEP_FILES | {CLONE_OF: json.dumps(places_of(metadata))},
        "metadata-log": [],
        "refs": {k: v for k, v in metadata.get("refs", {}).items() if k == "main"},
    }
    for key in OF_A_SNAPSHOT:
        clone[key] = [item for item in metadata.get(key, ()) if item["snapshot-id"] == current]
    return clone
