"""What the adapter asks of Lake Formation: shapes, changes, errors. Local Glue's own operations
answer, over a catalog of two tables."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, ConfigurationError
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.lakeformation import LakeFormation
from dbt.adapters.glue.lakeformation_config import data_cell_filters, database_tags, lf_tags
from dbt.adapters.glue.local.errors import ApiError, EntityNotFoundException
from dbt.adapters.glue.local.lakeformation import LakeFormation as LocalLakeFormation
from dbt.adapters.glue.local.lakeformation_store import LakeFormationStore, Owner
from dbt.adapters.glue.local.versions import Entity

ACCOUNT = "123456789012"
ANALYST = f"arn:aws:iam::{ACCOUNT}:role/analyst"
INTERN = f"arn:aws:iam::{ACCOUNT}:user/intern"
COLUMNS = {"id": "id", "email": "Email", "day": "day"}


class Catalog:
    """The databases and tables of a CatalogStore."""

    def __init__(self) -> None:
        self.created = {"sales": 1.0, "sales.orders": 1.0, "sales.other": 1.0}

    def database(self, name: str) -> Entity:
        return self._entity(name.lower(), {})

    def table(self, database: str, name: str) -> Entity:
        columns = [{"Name": "id"}, {"Name": "Email"}]
        document = {"StorageDescriptor": {"Columns": columns}, "PartitionKeys": [{"Name": "day"}]}
        return self._entity(f"{database}.{name.lower()}", document)

    def _entity(self, key: str, document: dict[str, Any]) -> Entity:
        if key not in self.created:
            raise EntityNotFoundException(f"{key} not found.")
        return Entity(key.rpartition(".")[2], document, 0, self.created[key], 0.0)


class Client:
    """boto3's Lake Formation and STS: calls are counted, and fail as `failing` says."""

    def __init__(self, local: LocalLakeFormation) -> None:
        self.local = local
        self.calls: Counter[str] = Counter()
        self.failing: dict[str, list[Any]] = {}  # operation -> errors or answers, in order

    def __getattr__(self, name: str) -> Any:
        names = {xform_name(operation): operation for operation in dir(self.local)}
        return lambda **request: self.run(names[name], request)

    def get_caller_identity(self) -> dict[str, str]:
        self.calls["GetCallerIdentity"] += 1
        return {"Account": ACCOUNT}

    def run(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.calls[operation] += 1
        if self.failing.get(operation):
            answer = self.failing[operation].pop(0)
            if isinstance(answer, dict):
                return answer
            raise ClientError({"Error": {"Code": answer, "Message": "said AWS"}}, operation)
        try:
            return self.local.dispatch(operation, request)
        except ApiError as error:
            details = {"Code": error.code, "Message": error.message}
            raise ClientError({"Error": details}, operation) from error

    def taken(self) -> dict[str, int]:
        """The calls since this was asked last."""
        taken, self.calls = dict(self.calls), Counter()
        return taken


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    store = LakeFormationStore(tmp_path / "lakeformation.sqlite")
    made = Client(LocalLakeFormation(Catalog(), store))  # type: ignore[arg-type]
    for key, values in {"pii": ["no", "yes"], "team": ["a", "b"]}.items():
        made.create_lf_tag(TagKey=key, TagValues=values)
    made.taken()
    yield made
    store.close()


@pytest.fixture
def manager(client: Client) -> LakeFormation:
    clients: Any = SimpleNamespace(lakeformation=client, sts=client)
    return LakeFormation(clients, sleep=lambda seconds: None)


def tag(manager: LakeFormation, **config: Any) -> None:
    asked = lf_tags({"enabled": True, **config})
    assert asked is not None
    manager.tag_table("sales", "orders", asked, COLUMNS)


def grant(manager: LakeFormation, drop_existing: bool = False, **filters: Any) -> None:
    given = {"enabled": True, "drop_existing": drop_existing, "filters": filters}
    asked = data_cell_filters({"data_cell_filters": given})
    assert asked is not None
    manager.set_filters("sales", "orders", asked, COLUMNS)


def tags_of(client: Client, kind: str, **resource: Any) -> Any:
    answer = client.local.GetResourceLFTags({"Resource": resource, "ShowAssignedLFTags": True})
    return {each["TagKey"]: each["TagValues"][0] for each in answer.get(kind, ())}


def column_tags(client: Client) -> dict[str, dict[str, str]]:
    answer = client.local.GetResourceLFTags({"Resource": TABLE, "ShowAssignedLFTags": True})
    return {
        each["Name"]: {pair["TagKey"]: pair["TagValues"][0] for pair in each["LFTags"]}
        for each in answer.get("LFTagsOnColumns", ())
    }


TABLE = {"Table": {"DatabaseName": "sales", "Name": "orders"}}


def filters_of(client: Client) -> dict[str, Any]:
    found = client.local.ListDataCellsFilter({"Table": TABLE["Table"]})["DataCellsFilters"]
    return {each["Name"]: each for each in found}


def principals_of(client: Client, name: str) -> set[str]:
    key = {"DatabaseName": "sales", "TableName": "orders", "Name": name}
    resource = {"DataCellsFilter": {"TableCatalogId": ACCOUNT, **key}}
    found = client.local.ListPermissions({"Resource": resource})["PrincipalResourcePermissions"]
    return {each["Principal"]["DataLakePrincipalIdentifier"] for each in found}


class TestTags:
    def test_set_and_not_set_again(self, client: Client, manager: LakeFormation) -> None:
        config = {
            "tags_database": {"team": "a"},
            "tags_table": {"pii": "no"},
            "tags_columns": {"pii": {"yes": ["EMAIL", "id"]}, "team": {"b": ["email"]}},
        }
        tag(manager, **config)
        assert tags_of(client, "LFTagOnDatabase", Database={"Name": "sales"}) == {"team": "a"}
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"pii": "no"}
        wanted = {"id": {"pii": "yes"}, "Email": {"pii": "yes", "team": "b"}}
        assert column_tags(client) == wanted
        assert client.taken()["AddLFTagsToResource"] == 4  # database, table, each set of columns
        tag(manager, **config)
        assert client.taken() == {"GetResourceLFTags": 1}  # the database's are known

    def test_what_is_there_stays_without_drop_existing(
        self, client: Client, manager: LakeFormation
    ) -> None:
        tag(manager, tags_table={"pii": "no"}, tags_columns={"pii": {"yes": ["id"]}})
        tag(manager, tags_table={"team": "a"}, tags_columns={"team": {"a": ["id"]}})
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"pii": "no", "team": "a"}
        assert column_tags(client) == {"id": {"pii": "yes", "team": "a"}}
        assert client.taken()["AddLFTagsToResource"] == 4

    def test_drop_existing_removes_the_rest(self, client: Client, manager: LakeFormation) -> None:
        tag(manager, tags_database={"pii": "no", "team": "a"}, tags_table={"pii": "no"})
        tag(manager, tags_columns={"pii": {"yes": ["id", "day"]}})
        client.taken()
        config = {
            "drop_existing": True,
            "tags_table": {"team": "b"},
            "tags_columns": {"pii": {"no": ["id"]}},
        }
        tag(manager, **config)
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"team": "b"}
        assert column_tags(client) == {"id": {"pii": "no"}}
        # tags_database is not in this config: the database's tags are not its business.
        database = tags_of(client, "LFTagOnDatabase", Database={"Name": "sales"})
        assert database == {"pii": "no", "team": "a"}
        client.taken()
        tag(manager, **config)
        assert client.taken() == {"GetResourceLFTags": 1}
        tag(manager, drop_existing=True, tags_database={"team": "a"})
        assert tags_of(client, "LFTagOnDatabase", Database={"Name": "sales"}) == {"team": "a"}
        assert tags_of(client, "LFTagsOnTable", **TABLE) == column_tags(client) == {}

    def test_inherited_tags_are_neither_removed_nor_taken_for_own_ones(
        self, client: Client, manager: LakeFormation
    ) -> None:
        manager.tag_database("sales", {"pii": "no"})
        tag(manager, drop_existing=True, tags_table={"team": "a"})
        assert client.taken()["AddLFTagsToResource"] == 2
        tag(manager, tags_table={"pii": "no"})
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"pii": "no", "team": "a"}

    def test_the_database_is_asked_about_once_a_run(
        self, client: Client, manager: LakeFormation
    ) -> None:
        for _ in range(5):
            tag(manager, tags_database={"pii": "no"})
        assert client.taken() == {"GetResourceLFTags": 1, "AddLFTagsToResource": 1}
        tag(manager, tags_database={"pii": "yes"})
        assert client.taken() == {"AddLFTagsToResource": 1}
        assert tags_of(client, "LFTagOnDatabase", Database={"Name": "sales"}) == {"pii": "yes"}

    def test_a_column_that_the_catalog_lacks(self, client: Client, manager: LakeFormation) -> None:
        with pytest.raises(ConfigurationError) as raised:
            tag(manager, tags_database={"pii": "no"}, tags_columns={"pii": {"no": ["mail"]}})
        text = str(raised.value)
        assert "lf_tags_config.tags_columns: got mail, expected columns that the Data" in text
        assert "sales.orders: id, Email, day" in text
        assert client.taken() == {}

    def test_a_tag_that_is_not_there(self, client: Client, manager: LakeFormation) -> None:
        with pytest.raises(CatalogError) as raised:
            tag(manager, tags_table={"team": "a", "pii": "maybe", "absent": "x"})
        text = str(raised.value)
        assert "pii=maybe: Tag or tag value does not exist.; absent=x: Tag" in text
        assert "LF-tags team=a, pii=maybe, absent=x of sales.orders" in text
        assert "dbt does not make LF-tags" in text

    def test_a_table_that_is_not_there(self, manager: LakeFormation) -> None:
        asked = lf_tags({"enabled": True, "tags_table": {"pii": "no"}})
        assert asked is not None
        with pytest.raises(CatalogError, match="sales.absent not found"):
            manager.tag_table("sales", "absent", asked, {})

    def test_want_of_a_permission_names_it(self, client: Client, manager: LakeFormation) -> None:
        client.failing["AddLFTagsToResource"] = ["AccessDeniedException"]
        with pytest.raises(AccessDenied) as raised:
            tag(manager, tags_table={"pii": "no"})
        text = str(raised.value)
        assert text.startswith("said AWS (LF-tags pii=no of sales.orders)")
        assert "lakeformation:AddLFTagsToResource in IAM" in text and "ASSOCIATE" in text
        failure = {
            "LFTag": {"TagKey": "pii", "TagValues": ["no"]},
            "Error": {"ErrorCode": "AccessDeniedException", "ErrorMessage": "no ASSOCIATE"},
        }
        client.failing["AddLFTagsToResource"] = [{"Failures": [failure]}]
        with pytest.raises(CatalogError, match="pii=no: no ASSOCIATE") as in_answer:
            tag(manager, tags_table={"pii": "no"})
        assert "lakeformation:AddLFTagsToResource in IAM" in str(in_answer.value)

    def test_a_change_at_the_same_time_is_repeated(
        self, client: Client, manager: LakeFormation
    ) -> None:
        conflict = "ConcurrentModificationException"
        failure = {
            "LFTag": {"TagKey": "team", "TagValues": ["a"]},
            "Error": {"ErrorCode": conflict, "ErrorMessage": "Please retry in a short while"},
        }
        client.failing["AddLFTagsToResource"] = [conflict, {"Failures": [failure]}]
        tag(manager, tags_database={"team": "a"}, tags_table={"team": "a"})
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"team": "a"}
        client.failing["AddLFTagsToResource"] = [conflict] * 9
        with pytest.raises(CatalogError, match="said AWS"):
            tag(manager, tags_table={"team": "b"})

    @pytest.mark.parametrize(
        "code", ["ThrottledException", "InternalServiceException", "OperationTimeoutException"]
    )
    def test_a_failure_in_an_answer_that_passes_is_repeated(
        self, client: Client, manager: LakeFormation, code: str
    ) -> None:
        """The table is built by now: the node is not to fail for it."""
        failure = {
            "LFTag": {"TagKey": "team", "TagValues": ["a"]},
            "Error": {"ErrorCode": code, "ErrorMessage": "busy"},
        }
        client.failing["AddLFTagsToResource"] = [{"Failures": [failure]}]
        tag(manager, tags_table={"team": "a"})
        assert tags_of(client, "LFTagsOnTable", **TABLE) == {"team": "a"}
        client.failing["AddLFTagsToResource"] = [{"Failures": [failure]}] * 9
        with pytest.raises(CatalogError, match="team=a: busy") as caught:
            tag(manager, tags_table={"team": "b"})
        assert caught.value.code == code

    def test_failures_that_do_not_all_pass_are_told_at_once(
        self, client: Client, manager: LakeFormation
    ) -> None:
        codes = ["ThrottledException", "EntityNotFoundException"]
        failures = [{"Error": {"ErrorCode": code, "ErrorMessage": "no"}} for code in codes]
        client.failing["AddLFTagsToResource"] = [{"Failures": failures}]
        with pytest.raises(CatalogError) as caught:
            tag(manager, tags_table={"team": "a"})
        assert caught.value.code == "EntityNotFoundException" and not caught.value.unsure

    def test_catalog_id_is_named_and_sts_not_asked(self, client: Client) -> None:
        clients: Any = SimpleNamespace(lakeformation=client, sts=client)
        manager = LakeFormation(clients, ACCOUNT)
        tag(manager, tags_database={"pii": "no"}, tags_table={"pii": "no"})
        grant(manager, f={"row_filter": "true", "principals": [ANALYST]})
        assert "GetCallerIdentity" not in client.taken()
        foreign = LakeFormation(clients, "210987654321")
        with pytest.raises(AccessDenied):
            tag(foreign, tags_table={"pii": "no"})


class TestFilters:
    def test_made_and_not_made_again(self, client: Client, manager: LakeFormation) -> None:
        config = {
            "rows": {"row_filter": "id > 15", "principals": [ANALYST, INTERN]},
            "some": {"row_filter": "true", "principals": [ANALYST], "column_names": ["EMAIL"]},
            "rest": {"row_filter": "TRUE", "excluded_column_names": ["email", "day"]},
        }
        grant(manager, **config)
        found = filters_of(client)
        assert found["rows"]["RowFilter"] == {"FilterExpression": "id > 15"}
        assert found["rows"]["ColumnWildcard"] == {"ExcludedColumnNames": []}
        assert found["some"]["ColumnNames"] == ["Email"]
        assert "AllRowsWildcard" in found["some"]["RowFilter"]
        assert found["rest"]["ColumnWildcard"] == {"ExcludedColumnNames": ["Email", "day"]}
        assert principals_of(client, "rows") == {ANALYST, INTERN}
        assert principals_of(client, "some") == {ANALYST}
        assert principals_of(client, "rest") == set()
        assert client.taken() == {
            "GetCallerIdentity": 1,
            "ListDataCellsFilter": 1,
            "CreateDataCellsFilter": 3,
            "ListPermissions": 3,
            "BatchGrantPermissions": 2,
        }
        grant(manager, **config)
        assert client.taken() == {"ListDataCellsFilter": 1, "ListPermissions": 3}

    def test_changed_and_revoked(self, client: Client, manager: LakeFormation) -> None:
        grant(manager, f={"row_filter": "id > 15", "principals": [ANALYST]}, g={"row_filter": "id"})
        client.taken()
        grant(manager, f={"row_filter": "id > 9", "principals": [INTERN], "column_names": ["id"]})
        found = filters_of(client)
        assert sorted(found) == ["f", "g"]  # without drop_existing
        assert found["f"]["RowFilter"] == {"FilterExpression": "id > 9"}
        assert found["f"]["ColumnNames"] == ["id"]
        assert principals_of(client, "f") == {INTERN}
        assert client.taken()["UpdateDataCellsFilter"] == 1

    def test_drop_existing(self, client: Client, manager: LakeFormation) -> None:
        grant(manager, f={"row_filter": "true"}, g={"row_filter": "true", "principals": [INTERN]})
        grant(manager, drop_existing=True, f={"row_filter": "true"})
        assert sorted(filters_of(client)) == ["f"]
        grant(manager, drop_existing=True)
        assert filters_of(client) == {}

    def test_a_grant_option_is_revoked_too(self, client: Client, manager: LakeFormation) -> None:
        grant(manager, f={"row_filter": "true"})
        key = {"DatabaseName": "sales", "TableName": "orders", "Name": "f"}
        client.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": INTERN},
            Resource={"DataCellsFilter": {"TableCatalogId": ACCOUNT, **key}},
            Permissions=["SELECT", "DESCRIBE"],
            PermissionsWithGrantOption=["SELECT"],
        )
        grant(manager, f={"row_filter": "true"})
        [found] = client.local.ListPermissions({})["PrincipalResourcePermissions"]
        assert (found["Permissions"], found["PermissionsWithGrantOption"]) == (["DESCRIBE"], [])
        grant(manager, f={"row_filter": "true"})  # DESCRIBE is nothing that dbt gives or takes

    def test_many_principals_go_in_batches(self, client: Client, manager: LakeFormation) -> None:
        principals = [f"arn:aws:iam::{ACCOUNT}:role/r{number}" for number in range(45)]
        grant(manager, f={"row_filter": "true", "principals": principals})
        assert client.taken()["BatchGrantPermissions"] == 3
        assert principals_of(client, "f") == set(principals)

    def test_failures_of_a_batch_are_errors(self, client: Client, manager: LakeFormation) -> None:
        entry = {"Principal": {"DataLakePrincipalIdentifier": INTERN}}
        error = {"ErrorCode": "InvalidInputException", "ErrorMessage": "Invalid principal"}
        client.failing["BatchGrantPermissions"] = [
            {"Failures": [{"RequestEntry": entry, "Error": error}]}
        ]
        with pytest.raises(CatalogError) as raised:
            grant(manager, f={"row_filter": "true", "principals": [ANALYST, INTERN]})
        assert f"{INTERN}: Invalid principal" in str(raised.value)
        assert f"SELECT of {ANALYST}, {INTERN} on data cells filter f" in str(raised.value)

    def test_a_column_that_the_catalog_lacks(self, client: Client, manager: LakeFormation) -> None:
        with pytest.raises(ConfigurationError, match=r"filters\.f: got mail, expected columns"):
            grant(manager, f={"row_filter": "true", "excluded_column_names": ["mail"]})
        assert "CreateDataCellsFilter" not in client.taken()


class Databases:
    """What tag_new_database asks of the Data Catalog."""

    def __init__(self, tables: tuple[str, ...] = ()) -> None:
        self.tables = tables
        self.deleted: list[str] = []

    def get_tables(self, database: str) -> Iterator[str]:
        yield from self.tables

    def delete_database(self, name: str) -> None:
        self.deleted.append(name)


def adapter_with(client: Client, databases: Databases, lf_tags: str | None) -> GlueAdapter:
    made: Any = GlueAdapter.__new__(GlueAdapter)
    clients = SimpleNamespace(lakeformation=client, sts=client)
    made.connections = SimpleNamespace(clients=clients)
    made.config = SimpleNamespace(credentials=SimpleNamespace(catalog_id=None, lf_tags=lf_tags))
    made.catalog = databases
    made._lake_formations = {}
    made._making_lake_formation = threading.Lock()
    return made


class TestNewDatabases:
    def test_get_the_tags_of_the_profile(self, client: Client) -> None:
        adapter_with(client, Databases(), "pii=no,team=a").tag_new_database("sales")
        found = tags_of(client, "LFTagOnDatabase", Database={"Name": "sales"})
        assert found == {"pii": "no", "team": "a"}

    def test_without_tags_nothing_is_called(self, client: Client) -> None:
        adapter_with(client, Databases(), None).tag_new_database("sales")
        assert client.taken() == {}

    def test_that_cannot_be_tagged_are_not_kept(self, client: Client) -> None:
        databases = Databases()
        with pytest.raises(CatalogError, match="pii=maybe: Tag or tag value does not exist"):
            adapter_with(client, databases, "pii=maybe").tag_new_database("sales")
        assert databases.deleted == ["sales"]

    def test_that_others_use_already_are_kept(self, client: Client) -> None:
        databases = Databases(tables=("t",))
        with pytest.raises(CatalogError, match="sales is there now, without tags, since others"):
            adapter_with(client, databases, "pii=maybe").tag_new_database("sales")
        assert databases.deleted == []


def test_local_state_outlives_the_server(tmp_path: Path) -> None:
    path = tmp_path / "lakeformation.sqlite"
    database = Owner("sales", 1.0)
    store = LakeFormationStore(path)
    store.put_tag("pii", ["no", "yes"])
    store.assign(database, [""], "pii", "no")
    store.close()
    store = LakeFormationStore(path)
    assert store.tags() == {"pii": ["no", "yes"]}
    assert store.assigned(database) == {"": {"pii": "no"}}
    store.forget_earlier(database)
    assert store.assigned(database) == {"": {"pii": "no"}}
    store.forget_earlier(Owner("sales", 2.0))  # dropped and made again
    assert store.assigned(database) == {}
    store.close()


def shape(**lf_tags_config: Any) -> dict[str, Any]:
    return {"lf_tags_config": lf_tags_config}


def filter_shape(**config: Any) -> dict[str, Any]:
    return {"lf_grants": {"data_cell_filters": {"filters": {"f": config}}}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lf_tags_config": "yes"}, "lf_tags_config: got 'yes', expected a mapping of enabled, "),
        (shape(tags={"a": "b"}), "lf_tags_config: got the key 'tags', expected one of enabled"),
        (shape(enabled="maybe"), "lf_tags_config.enabled: got 'maybe', expected true or false"),
        (shape(tags_table=["a"]), r"lf_tags_config.tags_table: got \['a'\], expected a mapping"),
        (shape(tags_table={"pii": True}), "tags_table.pii: got True, expected a text. In YAML"),
        (shape(tags_table={"a": "x", "A": "y"}), "tags_table: got a, A, expected each tag once"),
        (shape(tags_database={1: "x"}), "lf_tags_config.tags_database: got 1, expected a text"),
        (shape(tags_columns={"a": {"x": "id"}}), "tags_columns.a.x: got 'id', expected a list"),
        (shape(tags_columns={"a": {"x": [1]}}), "tags_columns.a.x: got 1, expected a text"),
        (
            shape(tags_columns={"a": {"x": ["id"], "y": ["ID"]}}),
            "tags_columns.a: got the values 'x' and 'y' for the column ID, expected one",
        ),
        ({"lf_grants": {"filters": {}}}, "lf_grants: got the key 'filters', expected one of data"),
        ({"lf_grants": {"data_cell_filters": []}}, r"data_cell_filters: got \[\], expected a map"),
        (filter_shape(), "filters.f.row_filter: got None, expected a condition on the rows"),
        (filter_shape(row_fliter="id > 1"), "filters.f: got the key 'row_fliter', expected one"),
        (
            filter_shape(row_filter="a", column_names=["a"], excluded_column_names=["b"]),
            "filters.f: got column_names and excluded_column_names, expected one of them",
        ),
        (filter_shape(row_filter="a", principals="x"), "f.principals: got 'x', expected a list"),
    ],
)
def test_wrong_shapes_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        lf_tags(config.get("lf_tags_config"))
        data_cell_filters(config.get("lf_grants"))


def test_nothing_is_asked_where_nothing_is_enabled() -> None:
    assert lf_tags(None) is None and data_cell_filters(None) is None
    assert lf_tags({"tags_table": {"a": "b"}}) is None
    assert lf_tags({"enabled": "False"}) is None and lf_tags({"enabled": "True"}) is not None
    assert data_cell_filters({}) is None
    assert data_cell_filters({"data_cell_filters": {"enabled": False}}) is None


def test_tags_of_the_profile() -> None:
    assert database_tags(None) == database_tags("") == {}
    assert database_tags("a=x, b = y=z ,") == {"a": "x", "b": "y=z"}
    for text in ("a", "a=", "=x", "a=x,a=y"):
        with pytest.raises(ConfigurationError, match="lf_tags: got .* expected key=value"):
            database_tags(text)
