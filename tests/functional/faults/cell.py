"""A cell's own world on local Glue: clients that meet faults, a database, its folder."""

import json
import time
import urllib.request
import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import boto3
import botocore.loaders
import botocore.session

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.clients import ClientSettings, GlueClients
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.lakeformation import LakeFormation
from dbt.adapters.glue.storage import TableStorage

BUCKET = "fault-matrix"
REGION = "us-east-1"
ALIVE = ("PROVISIONING", "READY", "STOPPING")
# A catalog sets these by the clock.
VOLATILE = ("transient_lastDdlTime",)
_loader = botocore.loaders.create_loader()


def clients_of(url: str, access_key: str, **settings: Any) -> GlueClients:
    """The adapter's clients, of local Glue, signed with an access key of their own."""

    def session(
        profile_name: str | None = None, region_name: str | None = None, **rest: Any
    ) -> Any:
        if rest:  # the adapter has made a session of an assumed role
            return boto3.Session(region_name=region_name, **rest)
        inner = botocore.session.Session()
        inner.register_component("data_loader", _loader)  # models are read once for all cells
        return boto3.Session(
            botocore_session=inner,
            region_name=region_name,
            aws_access_key_id=access_key,
            aws_secret_access_key="secret",
        )

    told = ClientSettings(region=REGION, endpoint_url=url, **settings)
    return GlueClients(told, session_factory=session)


class Cell:
    """clients, catalog, storage and lakeformation meet the faults; what is in `clean` does not.

    repeats: the profile's boto_retry_max_attempts.
    """

    def __init__(self, url: str, clean: GlueClients, repeats: int) -> None:
        self.url, self.clean, self.repeats = url, clean, repeats
        ident = uuid.uuid4().hex[:12]
        self.access_key = f"AKIA{ident.upper()}"
        self.database = f"faults_{ident}"
        self.location = f"s3://{BUCKET}/{self.database}"
        self.session_id = f"faults-{ident}"
        self.told: list[str] = []  # what the adapter reports and warns of
        self.memory: dict[str, Any] = {}  # what `prepare` hands to `act`

    def clients_with(self, **settings: Any) -> GlueClients:
        settings = {"retry_max_attempts": self.repeats, **settings}
        return clients_of(self.url, self.access_key, **settings)

    @cached_property
    def clients(self) -> GlueClients:
        return self.clients_with()

    @cached_property
    def catalog(self) -> DataCatalog:
        return DataCatalog(self.clients)

    @cached_property
    def storage(self) -> TableStorage:
        return TableStorage(self.clients, KnownCatalog(self.catalog), self.location)

    @cached_property
    def lakeformation(self) -> LakeFormation:
        return LakeFormation(self.clients)

    def meets(self, faults: Mapping[str, Any], caller: str = "") -> dict[str, int]:
        """From now on; {} takes all faults of the caller back, which is this cell by itself.

        Operation -> how many calls have met what was asked for before.
        """
        body = json.dumps({"caller": caller or self.access_key, "faults": faults}).encode()
        request = urllib.request.Request(f"{self.url}/_faults", body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            met: dict[str, int] = json.load(answer)["met"]
        return met

    # --- what is there

    def furnish(self) -> None:
        """A database with a partitioned table, whose data is three objects."""
        glue, s3 = self.clean.glue, self.clean.s3
        glue.create_database(DatabaseInput={"Name": self.database, "LocationUri": self.location})
        glue.create_table(DatabaseName=self.database, TableInput=self.table("there"))
        glue.batch_create_partition(
            DatabaseName=self.database,
            TableName="there",
            PartitionInputList=[self.partition("1"), self.partition("2")],
        )
        for key in ("p=1/a", "p=2/a", "p=2/b"):
            s3.put_object(Bucket=BUCKET, Key=f"{self.database}/there/{key}", Body=b"data")

    def table(self, name: str, **more: Any) -> dict[str, Any]:
        """A TableInput."""
        return {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": self._storage(f"{self.location}/{name}"),
            "PartitionKeys": [{"Name": "p", "Type": "string"}],
            "Parameters": {"classification": "parquet"},
            **more,
        }

    def partition(self, value: str, **parameters: str) -> dict[str, Any]:
        """A PartitionInput."""
        return {
            "Values": [value],
            "StorageDescriptor": self._storage(f"{self.location}/there/p={value}"),
            "Parameters": parameters,
        }

    def _storage(self, location: str) -> dict[str, Any]:
        parquet = "org.apache.hadoop.hive.ql.io.parquet"
        return {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}],
            "Location": location,
            "InputFormat": f"{parquet}.MapredParquetInputFormat",
            "OutputFormat": f"{parquet}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{parquet}.serde.ParquetHiveSerDe"},
        }

    # --- what an undisturbed caller sees

    def state(self, lakeformation: bool = False) -> Any:
        """Databases, tables, partitions, objects, and sessions that live; Lake Formation's too."""
        state = {
            "databases": {name: self._tables(name, lakeformation) for name in self._databases()},
            "objects": self._objects(),
            "sessions": alive_after_a_while(self.clean, self.session_id),
        }
        text = json.dumps(state, sort_keys=True, default=str)
        for name in (self.database, self.session_id):
            text = text.replace(name, "OWN")
        return json.loads(text)

    def _databases(self) -> list[str]:
        catalog = DataCatalog(self.clean)
        names = (self.database, f"{self.database}_new")
        return [name for name in names if catalog.get_database(name)]

    def _tables(self, database: str, lakeformation: bool) -> dict[str, Any]:
        glue = self.clean.glue
        found: dict[str, Any] = {}
        for table in glue.get_tables(DatabaseName=database)["TableList"]:
            if table["Name"] == "written":
                found["written"] = "by Spark: its rows are looked at"
                continue
            parameters = table.get("Parameters", {})
            where = {"DatabaseName": database, "TableName": table["Name"]}
            partitions = glue.get_partitions(**where)["Partitions"] if _partitioned(table) else []
            found[table["Name"]] = {
                "parameters": {k: v for k, v in parameters.items() if k not in VOLATILE},
                "storage": table.get("StorageDescriptor", {}).get("Location"),
                "columns": table.get("StorageDescriptor", {}).get("Columns"),
                "partitions": [_shown(partition) for partition in partitions],
            }
            if lakeformation:
                found[table["Name"]]["grants"] = self._lakeformation(database, table["Name"])
        return found

    def _lakeformation(self, database: str, table: str) -> Any:
        client = self.clean.lakeformation
        place = {"DatabaseName": database, "Name": table}
        tags = client.get_resource_lf_tags(Resource={"Table": place}, ShowAssignedLFTags=True)
        catalog = {"TableCatalogId": "123456789012", **place}
        filters = client.list_data_cells_filter(
            Table={"CatalogId": "123456789012", "DatabaseName": database, "Name": table}
        )["DataCellsFilters"]
        grants = []
        for one in filters:
            key = {"TableCatalogId": catalog["TableCatalogId"], "DatabaseName": database}
            key |= {"TableName": table, "Name": one["Name"]}
            listed = client.list_permissions(Resource={"DataCellsFilter": key})
            grants += [p["Principal"] for p in listed["PrincipalResourcePermissions"]]
        return {
            "tags": tags.get("LFTagsOnTable", []),
            "columns": tags.get("LFTagsOnColumns", []),
            "filters": [{k: f.get(k) for k in ("Name", "RowFilter")} for f in filters],
            "grants": grants,
        }

    def _objects(self) -> list[str]:
        pages = self.clean.s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=f"{self.database}/")
        return [o["Key"] for page in found for o in page.get("Contents", ())]

    def clear(self) -> None:
        """Takes away what the cell has left on purpose."""
        glue = self.clean.glue
        for session, status in sessions_of(self.clean).items():
            if session.startswith(self.session_id) and status in ("PROVISIONING", "READY"):
                glue.stop_session(Id=session)
        for name in self._databases():
            glue.delete_database(Name=name)


def sessions_of(clients: GlueClients, tags: Mapping[str, str] | None = None) -> dict[str, str]:
    """Id -> Status of every session with the tags, on whichever page."""
    found: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        page = clients.glue.list_sessions(Tags=dict(tags or {}), **token)
        found |= {session["Id"]: session["Status"] for session in page["Sessions"]}
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def alive_after_a_while(
    clients: GlueClients, prefix: str = "", tags: Mapping[str, str] | None = None
) -> list[str]:
    """Sessions that have not ended, though some time was given."""
    until = time.monotonic() + 20
    while True:
        found = sessions_of(clients, tags)
        alive = [i for i, status in found.items() if i.startswith(prefix) and status in ALIVE]
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.5)


def _partitioned(table: dict[str, Any]) -> bool:
    return bool(table.get("PartitionKeys"))


def _shown(partition: dict[str, Any]) -> list[Any]:
    kept = {k: v for k, v in partition.get("Parameters", {}).items() if k not in VOLATILE}
    return [partition["Values"], partition["StorageDescriptor"]["Location"], kept]
