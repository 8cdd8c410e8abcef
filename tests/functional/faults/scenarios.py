"""For each operation of AWS the smallest work of the adapter that makes the call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.identity import Role
from dbt.adapters.glue.lakeformation_config import DataCellFilter, DataCellFilters, LfTags
from dbt.adapters.glue.sessions_command import _ours, _starters

from .cell import Cell

TAG = "faults_level"  # an LF-tag with the values low and high
ANALYST = "arn:aws:iam::123456789012:role/analyst"
INTERN = "arn:aws:iam::123456789012:role/intern"
COLUMNS = {"id": "id", "name": "name"}


def nothing(cell: Cell) -> None:
    """No preparation."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """A row of the matrix.

    act meets the fault; what it returns, and what is there afterwards, is compared with the
    undisturbed run. session: a warm one that it needs ("livy", "connect"), or "new": it makes one.
    also: further faults that lead to the operation. leaves: what the operation was to take away
    may stay, if a message says so. excused: slugs of faults that may make it fail, though they
    pass, and why. spared: slugs of faults that cannot come, and why.
    """

    operation: str  # "glue:GetTable", "connect:ExecutePlan", or "spark:UpdateTable" of Spark's own
    act: Callable[[Cell], Any]
    prepare: Callable[[Cell], None] = nothing
    session: str = ""
    also: Mapping[str, Any] = field(default_factory=dict)
    leaves: bool = False
    caller: str = ""  # whose calls meet the fault, if not those of the cell's clients
    excused: Mapping[str, str] = field(default_factory=dict)
    spared: Mapping[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.operation.replace(":", "_")

    @property
    def of_local_glue(self) -> str:
        """The name that local Glue knows the operation by."""
        service, _, name = self.operation.partition(":")
        return self.operation if service in ("s3", "connect") else name


# --- the Data Catalog


def get_databases(cell: Cell) -> bool:
    return cell.database in [found["Name"] for found in cell.catalog.get_databases()]


def get_database(cell: Cell) -> Any:
    found = cell.catalog.get_database(cell.database)
    return found and found["Name"].replace(cell.database, "OWN")


def get_tables(cell: Cell) -> list[str]:
    return [found["Name"] for found in cell.catalog.get_tables(cell.database)]


def get_table_of(catalog: DataCatalog, database: str) -> Any:
    found = catalog.get_table(database, "there")
    return found and found["Name"]


def get_table(cell: Cell) -> Any:
    return get_table_of(cell.catalog, cell.database)


def get_partitions(cell: Cell) -> list[Any]:
    return [found["Values"] for found in cell.catalog.get_partitions(cell.database, "there")]


def create_database(cell: Cell) -> None:
    # whether it was there already a repeated call cannot know, and nobody may rely on it
    cell.catalog.create_database(f"{cell.database}_new", f"{cell.location}_new/")


def delete_database(cell: Cell) -> None:
    cell.catalog.delete_database(cell.database)


def create_table(cell: Cell) -> None:
    cell.catalog.create_table(cell.database, cell.table("new", Description="made"))


def update_table(cell: Cell) -> None:
    cell.catalog.update_table(
        cell.database, cell.table("there", Parameters={"classification": "parquet", "new": "yes"})
    )


def delete_table(cell: Cell) -> None:
    cell.catalog.delete_table(cell.database, "there")


def create_partitions(cell: Cell) -> None:
    new = [cell.partition("3"), cell.partition("4")]
    cell.catalog.create_partitions(cell.database, "there", new)


def update_partitions(cell: Cell) -> None:
    cell.catalog.update_partitions(cell.database, "there", [cell.partition("1", new="yes")])


def delete_partitions(cell: Cell) -> None:
    cell.catalog.delete_partitions(cell.database, "there", [["2"]])


# --- S3


def read_object(cell: Cell) -> str:
    return cell.storage.read(f"{cell.location}/there/p=1/a").decode()


def put_object(cell: Cell) -> None:
    cell.storage.put(f"{cell.location}/new", b"new")


def delete_data(cell: Cell) -> int:
    return cell.storage.delete_data(cell.database, "there", f"{cell.location}/there")


def ensure_bucket(cell: Cell) -> None:
    cell.storage.ensure_bucket()


# --- Lake Formation


def tag(cell: Cell) -> None:
    asked = LfTags(False, {}, {TAG: "low"}, {})
    cell.lakeformation.tag_table(cell.database, "there", asked, COLUMNS)


def untag(cell: Cell) -> None:
    cell.lakeformation.tag_table(cell.database, "there", LfTags(True, {}, {}, {}), COLUMNS)


def tagged(cell: Cell) -> None:
    table = {"Table": {"DatabaseName": cell.database, "Name": "there"}}
    pairs = [{"TagKey": TAG, "TagValues": ["low"]}]
    cell.clean.lakeformation.add_lf_tags_to_resource(Resource=table, LFTags=pairs)


def _filters(rows: str, *principals: str) -> DataCellFilters:
    return DataCellFilters(True, {"own": DataCellFilter(rows, principals, (), ("name",))})


def set_filter(cell: Cell) -> None:
    asked = _filters("id > 1")
    cell.lakeformation.set_filters(cell.database, "there", asked, COLUMNS)


def change_filter(cell: Cell) -> None:
    asked = _filters("id > 2", ANALYST)
    cell.lakeformation.set_filters(cell.database, "there", asked, COLUMNS)


def grant(cell: Cell) -> None:
    asked = _filters("id > 1", ANALYST, INTERN)
    cell.lakeformation.set_filters(cell.database, "there", asked, COLUMNS)


def revoke(cell: Cell) -> None:
    cell.lakeformation.set_filters(cell.database, "there", _filters("id > 1"), COLUMNS)


def drop_filters(cell: Cell) -> None:
    cell.lakeformation.set_filters(cell.database, "there", DataCellFilters(True, {}), COLUMNS)


def filtered(cell: Cell) -> None:
    key = {"TableCatalogId": "123456789012", "DatabaseName": cell.database}
    key |= {"TableName": "there", "Name": "own"}
    shown = {
        "RowFilter": {"FilterExpression": "id > 1"},
        "ColumnWildcard": {"ExcludedColumnNames": ["name"]},
    }
    client = cell.clean.lakeformation
    client.create_data_cells_filter(TableData={**key, **shown})
    client.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": ANALYST},
        Resource={"DataCellsFilter": key},
        Permissions=["SELECT"],
    )


# --- STS, and what the command asks


def account(cell: Cell) -> str:
    return cell.lakeformation.account


def with_assumed_role(cell: Cell) -> Any:
    role = Role("arn:aws:iam::123456789012:role/other")
    assumed = DataCatalog(cell.clients_with(roles=(role,)))
    return get_table_of(assumed, cell.database)


def list_sessions(cell: Cell) -> bool:
    found = _ours(cell.clients.glue, ended=False)
    return cell.memory["livy"] in [session["Id"] for session in found]


def starters(cell: Cell) -> list[str]:
    found = _starters(cell.clients, [cell.memory["livy"]])
    cell.told += [f"unknown ({one['why']})" for one in found.values() if "why" in one]
    return list(found)


OF_CATALOG = (
    Scenario("glue:GetDatabases", get_databases),
    Scenario("glue:GetDatabase", get_database),
    Scenario("glue:GetTables", get_tables),
    Scenario("glue:GetTable", get_table),
    Scenario("glue:GetPartitions", get_partitions),
    Scenario("glue:CreateDatabase", create_database),
    Scenario("glue:DeleteDatabase", delete_database),
    Scenario("glue:CreateTable", create_table),
    Scenario("glue:UpdateTable", update_table),
    Scenario("glue:DeleteTable", delete_table),
    Scenario("glue:BatchCreatePartition", create_partitions),
    Scenario("glue:BatchUpdatePartition", update_partitions),
    Scenario("glue:BatchDeletePartition", delete_partitions),
)
OF_STORAGE = (
    Scenario("s3:GetObject", read_object),
    Scenario("s3:PutObject", put_object),
    Scenario("s3:DeleteObjects", delete_data),
    Scenario("s3:ListObjectsV2", delete_data),
    Scenario("s3:CreateBucket", ensure_bucket),
)
OF_LAKE_FORMATION = (
    Scenario("lakeformation:GetResourceLFTags", tag),
    Scenario("lakeformation:AddLFTagsToResource", tag),
    Scenario("lakeformation:RemoveLFTagsFromResource", untag, tagged),
    Scenario("lakeformation:ListDataCellsFilter", set_filter),
    Scenario("lakeformation:CreateDataCellsFilter", set_filter),
    Scenario("lakeformation:UpdateDataCellsFilter", change_filter, filtered),
    Scenario("lakeformation:DeleteDataCellsFilter", drop_filters, filtered),
    Scenario("lakeformation:ListPermissions", grant, filtered),
    Scenario("lakeformation:BatchGrantPermissions", grant, filtered),
    Scenario("lakeformation:BatchRevokePermissions", revoke, filtered),
)
OF_STS = (
    Scenario("sts:GetCallerIdentity", account),
    Scenario("sts:AssumeRole", with_assumed_role),
)
OF_COMMAND = (
    Scenario("glue:ListSessions", list_sessions, session="livy"),
    Scenario("glue:GetTags", starters, session="livy"),
)
