"""Data Catalogs of other accounts: how profile and sources name them, and how Spark reads them."""

from collections.abc import Iterator
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.docs import for_databases
from dbt.adapters.glue.doctor import policy
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.model_config import refuse_catalog
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.relation import GlueRelation

OWN, FRIEND, STRANGER = "123456789012", "210987654321", "444455556666"


@pytest.fixture(autouse=True)
def not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)
    monkeypatch.delenv("DBT_S3_TABLES_BUCKET", raising=False)


def profile(**changes: Any) -> GlueCredentials:
    given = {
        "schema": "s",
        "role_arn": f"arn:aws:iam::{OWN}:role/R",
        "region": "us-east-1",
        "location": "s3://bucket/w",
        "datalake_formats": "iceberg",
        "data_catalogs": {"finance": FRIEND},
        **changes,
    }
    GlueCredentials.validate(given)
    return GlueCredentials.from_dict(given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Finance": FRIEND}, "got the name 'Finance', expected lower-case letters"),
        ({"glue_catalog": FRIEND}, "got the name 'glue_catalog'"),
        ({"finance": "sales"}, "finance: got 'sales', expected an AWS account id"),
        ({"finance": f"{OWN}:s3tablescatalog/lake"}, "belong to s3_tables"),
        ({"finance": None}, "got None, expected an AWS account id"),
        ("finance", "expected a mapping of names to account ids"),
    ],
)
def test_what_names_no_catalog(given: Any, told: str) -> None:
    with pytest.raises(DbtRuntimeError, match=told):
        profile(data_catalogs=given)


def test_an_account_id_may_be_a_number() -> None:
    found = profile(data_catalogs={"low": 1234567}).other_catalogs
    assert found["low"].account == "000001234567"
    assert found.known(1234567) == found.known("LOW") == "low"
    assert found.known(None) is found.known("none") is None


def test_a_session_can_reach_them() -> None:
    conf = dict(session_spec(profile(), "livy").conf)
    assert conf["spark.hadoop.aws.glue.catalog.separator"] == "/"
    prefix = "spark.sql.catalog.finance"
    assert conf[prefix] == "org.apache.iceberg.spark.SparkCatalog"
    assert conf[f"{prefix}.glue.id"] == FRIEND
    assert "hive.metastore.glue.catalogid" not in str(conf)  # the session's own stays its own
    own = dict(session_spec(profile(conf={prefix: "my.Catalog"}), "livy").conf)
    assert own[prefix] == "my.Catalog" and f"{prefix}.glue.id" not in own
    assert "finance" not in str(session_spec(profile(datalake_formats=None), "livy").conf)
    nothing = dict(session_spec(profile(data_catalogs=None), "livy").conf)
    assert "spark.hadoop.aws.glue.catalog.separator" not in nothing


def test_their_tables_are_in_the_policies() -> None:
    places = [f"arn:aws:glue:us-east-1:{FRIEND}:{r}" for r in ("catalog", "database/*")]
    for made in (policy.client_policy(profile()), policy.service_role_policy(profile())):
        read, write = (
            next(part for part in made["Statement"] if part["Sid"].endswith(sid))["Resource"]
            for sid in ("CatalogRead", "CatalogWrite")
        )
        assert set(places) <= set(read) and FRIEND not in str(write)


def source(database: str | None = None, schema: str = "sales", **meta: Any) -> Any:
    return SimpleNamespace(
        database=database,
        schema=schema,
        identifier="orders",
        resource_type="source",
        config={"meta": meta},
        meta={},
        quoting_dict={},
        catalog_name=None,
    )


class Glue:
    """Glue's client: FRIEND has sales.orders of one format; we have a table of that name too."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.friends: dict[str, Any] = {"Parameters": {"table_type": "ICEBERG"}}

    def get_tables(self, **request: Any) -> dict[str, Any]:
        return {"TableList": [self._table("GetTables", request)]}

    def get_table(self, **request: Any) -> dict[str, Any]:
        return {"Table": self._table("GetTable", request)}

    def _table(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, request.get("CatalogId")))
        own = {"Parameters": {"spark.sql.sources.provider": "delta"}}
        table = self.friends if request.get("CatalogId") == FRIEND else own
        columns = [{"Name": "id", "Type": "int"}]
        entry = {"Name": "orders", "TableType": "EXTERNAL_TABLE", **table}
        entry["StorageDescriptor"] = {"Columns": columns, "Location": "s3://x/y"}
        return entry


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An adapter over `Glue`, which it returns too."""
    for name in ("table_buckets", "other_catalogs", "iceberg_catalog", "seed_format", "resolver"):
        monkeypatch.setattr(GlueRelation, name, getattr(GlueRelation, name))
    glue = Glue()
    monkeypatch.setattr(GlueConnectionManager, "clients", SimpleNamespace(glue=glue))
    monkeypatch.setattr(GlueAdapter, "get_macro_resolver", lambda self: object())

    def made(**changes: Any) -> tuple[GlueAdapter, Glue]:
        config = SimpleNamespace(
            credentials=profile(**changes),
            threads=1,
            log_cache_events=False,
            quoting=dict.fromkeys(("database", "schema", "identifier"), True),
            flags={},
        )
        return GlueAdapter(config, get_context("spawn")), glue

    yield made


def relation(given: Any) -> GlueRelation:
    return GlueRelation.create_from(SimpleNamespace(quoting={}), given)


@pytest.mark.parametrize(
    "given",
    [
        source("finance"),
        source("FINANCE"),
        source(FRIEND),
        source(catalog_id=FRIEND),
        source(catalog_id=int(FRIEND)),
        source("awsdatacatalog", catalog_id=FRIEND),
    ],
)
def test_pain_25_a_source_of_another_account(make: Any, given: Any) -> None:
    adapter, glue = make()
    found = relation(given)
    assert found.database == "finance"
    assert found.render() == "finance.`sales`.`orders`"
    assert [column.name for column in adapter.get_columns_in_relation(found)] == ["id"]
    assert glue.asked == [("GetTables", FRIEND)]
    assert found != relation(source())


def test_what_is_no_iceberg_is_read_through_the_session_catalog(make: Any) -> None:
    _, glue = make()
    glue.friends = {"Parameters": {}}
    assert relation(source("finance")).render() == f"`{FRIEND}/sales`.`orders`"


def test_the_own_account_is_no_other(make: Any) -> None:
    make()
    found = relation(source(OWN))
    assert (found.database, found.render()) == (None, "`sales`.`orders`")


def test_an_account_that_the_profile_does_not_name(make: Any) -> None:
    """It fails where it is used: a project may hold sources that a target does not read."""
    adapter, glue = make()
    found = relation(source(STRANGER))
    assert found != relation(source())
    told = f"data_catalogs: {{other: '{STRANGER}'}}"
    with pytest.raises(DbtRuntimeError, match=told):
        found.render()
    with pytest.raises(DbtRuntimeError, match=told):
        adapter.get_relation(found.database, "sales", "orders")
    _, errors = adapter.get_catalog_by_relations(frozenset(), {found, relation(source("finance"))})
    assert [told in str(error) for error in errors] == [True]
    assert {catalog for _, catalog in glue.asked} == {FRIEND}


def test_a_catalog_id_that_is_none(make: Any) -> None:
    make()
    with pytest.raises(DbtRuntimeError, match="catalog_id: got 'sales' in the meta of orders"):
        relation(source(catalog_id="sales"))
    assert relation(source(catalog_id=OWN)).database is None


@pytest.mark.parametrize(
    ("table", "changes", "told"),
    [
        (
            {"TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select 1"},
            {},
            "is a view: Spark would look for the tables that it names in your own catalog",
        ),
        (
            {"Parameters": {"table_type": "ICEBERG"}},
            {"datalake_formats": "delta"},
            "Add iceberg to datalake_formats",
        ),
        ({"Parameters": {}}, {"local": True}, "local Glue's Spark reads Iceberg tables only"),
    ],
)
def test_what_cannot_be_read_is_refused(
    make: Any, table: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    _, glue = make(**changes)
    glue.friends = table
    with pytest.raises(DbtRuntimeError, match=told):
        relation(source("finance")).render()


def test_models_are_not_built_there() -> None:
    with pytest.raises(ConfigurationError, match="dbt reads sources there"):
        refuse_catalog({"database": "finance"}, profile())


def test_docs_rows_are_found_by_the_database_that_a_node_names() -> None:
    """Tables of one schema and name in two catalogs, and a source that gives its catalog_id."""
    names = ["table_database", "table_schema", "table_name"]
    from dbt.adapters.glue import docs

    rows = [("finance", "sales", "orders"), (None, "sales", "orders"), ("finance", "x", "y")]
    width = len(docs.catalog_relations.DOCS_COLUMNS)
    table = docs._agate_table([(*row, *[None] * (width - len(names))) for row in rows])
    named = [(FRIEND, "Sales", "finance"), ("some_db", "sales", None), (None, "x", "finance")]
    named.append(("some_db", "sales", "finance"))  # by meta: to dbt it is our own
    shown = for_databases(table, named)
    assert {tuple(row.values()[:3]) for row in shown.rows} == {
        (FRIEND, "sales", "orders"),
        ("some_db", "sales", "orders"),
        (None, "x", "y"),
    }
