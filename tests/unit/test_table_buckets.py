"""Table buckets of S3 Tables: how profile, conf, environment and catalogs.yml name them, and which
relations are in them."""

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.catalogs import (
    CatalogWriteIntegrationConfig,
    InvalidCatalogIntegrationConfigError,
)
from dbt_common.exceptions import DbtRuntimeError

from dbt.adapters.glue.catalogs import S3TablesIntegration, of_profile, of_project
from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.model_config import refuse_catalog
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.table_buckets import TableBucket, TableBuckets, table_buckets

ACCOUNT = "123456789012"
ARN = "arn:aws:s3tables:eu-west-1:210987654321:bucket/lake"
CONF = {"spark.sql.catalog.mine.glue.id": f"{ACCOUNT}:s3tablescatalog/lake"}


def buckets(given: Any = None, conf: Any = None, account: Any = ACCOUNT, env: Any = None) -> Any:
    return table_buckets(given, conf or {}, account, env or {})


@pytest.mark.parametrize(
    ("value", "catalog_id"),
    [
        ("lake", f"{ACCOUNT}:s3tablescatalog/lake"),
        (ARN, "210987654321:s3tablescatalog/lake"),
        ("210987654321:s3tablescatalog/lake", "210987654321:s3tablescatalog/lake"),
        ("s3tablescatalog/lake", f"{ACCOUNT}:s3tablescatalog/lake"),
    ],
)
def test_forms_of_a_bucket(value: str, catalog_id: str) -> None:
    assert buckets({"one": value})["one"].catalog_id == catalog_id
    assert buckets(value)["s3tables"].catalog_id == catalog_id  # the key's short form


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Lake": "lake"}, "got the name 'Lake', expected lower-case letters"),
        ({"spark_catalog": "lake"}, "got the name 'spark_catalog'"),
        ({"lake": "s3://lake/"}, "got 's3://lake/', expected a table bucket's name, its ARN"),
        ({"lake": None}, "got None, expected a table bucket's name"),
        ({"lake": "L"}, "got 'L', expected a table bucket's name"),
    ],
)
def test_what_names_no_bucket(given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        buckets(given)
    assert told in str(raised.value)


def test_a_name_alone_needs_an_account() -> None:
    with pytest.raises(ConfigurationError, match="no account to look for it in"):
        buckets({"lake": "lake"}, account=None)


def test_conf_names_a_bucket() -> None:
    found = buckets({"other": "other"}, CONF)
    assert list(found) == ["other", "mine"]
    assert found.default == "other"
    assert found.catalog("MINE") == "mine"
    assert found.catalog("no") is found.catalog(None) is None


def test_the_environment_names_one_where_nothing_else_does() -> None:
    env = {"DBT_S3_TABLES_BUCKET": f"{ACCOUNT}:s3tablescatalog/lake"}
    assert list(buckets(env=env)) == ["s3tables"]
    assert list(buckets({"other": "other"}, env=env)) == ["other"]
    # the catalog that `conf` makes of the same bucket is the default, and not doubled
    conf = {"spark.sql.catalog.first.glue.id": f"{ACCOUNT}:s3tablescatalog/first", **CONF}
    found = buckets(conf=conf, env=env)
    assert (found.default, sorted(found)) == ("mine", ["first", "mine"])


def profile(**changes: Any) -> GlueCredentials:
    given = {"schema": "s", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/R", "region": "us-east-1"}
    return GlueCredentials(**{**given, "datalake_formats": "iceberg", **changes})


def test_a_session_gets_a_spark_catalog_for_each_bucket() -> None:
    conf = dict(session_spec(profile(s3_tables={"lake": "lake", "arn": ARN}), "livy").conf)
    prefix = "spark.sql.catalog.lake"
    assert {key: value for key, value in conf.items() if key.startswith(prefix)} == {
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{prefix}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{prefix}.glue.id": f"{ACCOUNT}:s3tablescatalog/lake",
        f"{prefix}.warehouse": "s3://lake/warehouse/",
    }
    assert conf["spark.sql.catalog.arn.glue.id"] == "210987654321:s3tablescatalog/lake"


def test_conf_wins_over_a_buckets_spark_catalog() -> None:
    own = {"spark.sql.catalog.lake": "my.own.Catalog", "spark.sql.catalog.lake.x": "y"}
    conf = dict(session_spec(profile(s3_tables={"lake": "lake"}, conf=own), "livy").conf)
    assert {key: conf[key] for key in conf if ".lake" in key} == own
    one = {"spark.sql.catalog.lake.warehouse": "s3://mine/"}
    conf = dict(session_spec(profile(s3_tables={"lake": "lake"}, conf=one), "livy").conf)
    assert conf["spark.sql.catalog.lake.warehouse"] == "s3://mine/"
    assert conf["spark.sql.catalog.lake"] == "org.apache.iceberg.spark.SparkCatalog"


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The buckets lake, the default, and second."""
    found = TableBuckets(
        (TableBucket("lake", ACCOUNT, "lake"), TableBucket("second", ACCOUNT, "second"))
    )
    monkeypatch.setattr(GlueRelation, "table_buckets", found)
    monkeypatch.setattr(GlueRelation, "iceberg_catalog", "glue_catalog")
    monkeypatch.setattr(GlueRelation, "resolver", None)
    monkeypatch.setattr(GlueRelation, "seed_format", "parquet")
    yield


def node(kind: str = "model", database: str | None = None, **config: Any) -> Any:
    return SimpleNamespace(
        database=database,
        schema="s",
        identifier="t",
        resource_type=kind,
        config={"materialized": "table", **config},
        quoting_dict={},
        catalog_name=None,
    )


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        (node(), "`s`.`t`"),
        (node(file_format="iceberg"), "glue_catalog.`s`.`t`"),
        (node(file_format="s3tables"), "lake.`s`.`t`"),
        (node(file_format="s3tables", catalog_name="second"), "second.`s`.`t`"),
        (node(catalog_name="second"), "second.`s`.`t`"),
        (node(catalog_name="SECOND", file_format="iceberg"), "second.`s`.`t`"),
        (node(catalog="second"), "second.`s`.`t`"),
        (node(database="second"), "second.`s`.`t`"),
        (node("snapshot", file_format="s3tables"), "lake.`s`.`t`"),
        (node("seed", file_format="s3tables"), "lake.`s`.`t`"),
        (node("seed"), "`s`.`t`"),
        (node("source", "second"), "second.`s`.`t`"),
        # S3 Tables holds no views
        (node(file_format="s3tables", materialized="view"), "`s`.`t`"),
        (node(catalog_name="second", materialized="view"), "`s`.`t`"),
    ],
)
def test_where_a_node_is(given: Any, rendered: str) -> None:
    found = GlueRelation.create_from(SimpleNamespace(quoting={}), given)
    assert found.render() == rendered
    in_bucket = rendered.split(".")[0] in ("lake", "second")
    assert (found.table_format == "s3tables", bool(found.database)) == (in_bucket, in_bucket)
    # without a schema it is a view of the session
    assert found.incorporate(type="view").include(schema=False).render() == "`t`"


@pytest.mark.usefixtures("two")
def test_iceberg_is_in_the_bucket_that_its_catalog_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with dbt-glue 1.12.4, whose one Spark catalog is the bucket's."""
    monkeypatch.setattr(GlueRelation, "iceberg_catalog", "lake")
    given = node(file_format="iceberg")
    assert GlueRelation.create_from(SimpleNamespace(quoting={}), given).database == "lake"


@pytest.mark.usefixtures("two")
def test_a_seed_takes_the_profiles_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GlueRelation, "seed_format", "s3tables")
    found = GlueRelation.create_from(SimpleNamespace(quoting={}), node("seed"))
    assert found.render() == "lake.`s`.`t`"


@pytest.mark.usefixtures("two")
def test_one_name_in_two_catalogs_is_two_relations() -> None:
    names = {"schema": "s", "identifier": "t"}
    everywhere = [GlueRelation.create(database=d, **names) for d in (None, "lake", "second")]
    assert all(a != b for a in everywhere for b in everywhere if a is not b)
    assert everywhere[1] == GlueRelation.create(database="LAKE", **names)
    assert everywhere[0] == GlueRelation.create(database="awsdatacatalog", **names)


def integration(name: str = "lake", **changes: Any) -> Any:
    given = {"adapter_properties": {"table_bucket": "lake"}, **changes}
    return S3TablesIntegration(CatalogWriteIntegrationConfig(name, "s3_tables", **given))


def test_an_entry_of_catalogs_yml() -> None:
    assert integration().table_bucket == "lake"
    properties: dict[str, Any] = {"adapter_properties": {}}
    athenas = integration(catalog_database="s3tablescatalog/lake", **properties)
    assert athenas.table_bucket == "s3tablescatalog/lake"
    assert integration().build_relation(node()).catalog_database == "lake"
    again = S3TablesIntegration(of_profile(TableBucket("lake", ACCOUNT, "b")))
    assert again.table_bucket == f"{ACCOUNT}:s3tablescatalog/b"
    with pytest.raises(InvalidCatalogIntegrationConfigError, match="table_bucket: got nothing"):
        integration(**properties)
    with pytest.raises(InvalidCatalogIntegrationConfigError, match="expected iceberg"):
        integration(table_format="default")


CATALOGS = """
catalogs:
  - name: lake
    write_integrations:
      - {name: only, catalog_type: s3_tables, adapter_properties: {table_bucket: "{{ var('b') }}"}}
  - name: of_another_adapter
    write_integrations: [{name: only, catalog_type: built_in}]
"""


def test_catalogs_yml_is_read_for_every_command(tmp_path: Path) -> None:
    """dbt-core 1.11 does not hand it over in `docs generate` and five other commands."""
    config = SimpleNamespace(project_root=str(tmp_path), project_name="p", cli_vars={"b": "bucket"})
    assert of_project(config) == of_project(SimpleNamespace()) == []
    (tmp_path / "catalogs.yml").write_text(CATALOGS)
    found = of_project(config)
    assert [each.name for each in found] == ["lake"]
    assert found[0].adapter_properties == {"table_bucket": "bucket"}
    (tmp_path / "catalogs.yml").write_text("catalogs: [{name: x, type: s3_tables, config: {}}]")
    assert of_project(config) == []  # the second format, which dbt hands over itself


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"catalog_name": "none"}, "catalog_name: got 'none', expected one of lake"),
        ({"catalog_name": "lake", "file_format": "delta"}, "holds Iceberg tables only"),
        ({"database": "lake", "file_format": "parquet"}, "holds Iceberg tables only"),
        ({"file_format": "s3tables", "custom_location": "s3://b/c"}, "Remove it"),
    ],
)
def test_configs_that_cannot_be(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        refuse_catalog(config, profile(s3_tables={"lake": "lake"}))


def test_configs_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    known = profile(s3_tables={"lake": "lake"})
    for config in ({}, {"catalog_name": "lake"}, {"catalog": "lake", "file_format": "iceberg"}):
        refuse_catalog(config, known)
    monkeypatch.delenv("DBT_S3_TABLES_BUCKET", raising=False)
    with pytest.raises(ConfigurationError, match="no table bucket is known"):
        refuse_catalog({"file_format": "s3tables"}, profile())


class Glue:
    """Glue's client, as far as listing goes: `orders` is in the lake, `sales` everywhere."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def get_databases(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetDatabases", request.get("CatalogId")))
        return {"DatabaseList": [{"Name": "sales"}]}

    def get_tables(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetTables", request.get("CatalogId")))
        here = request.get("CatalogId") == LAKE and request["DatabaseName"] == "sales"
        return {"TableList": [ORDERS] if here else []}

    def get_table(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetTable", request.get("CatalogId")))
        return {"Table": ORDERS}


LAKE = f"{ACCOUNT}:s3tablescatalog/lake"
ORDERS = {
    "Name": "orders",
    "DatabaseName": "sales",
    "TableType": "EXTERNAL_TABLE",
    "Parameters": {"table_type": "ICEBERG"},
    "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}], "Location": "s3://x/y"},
}


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueAdapter]:
    """One with the bucket lake, over `Glue`."""
    for name in ("table_buckets", "iceberg_catalog", "seed_format", "resolver"):
        monkeypatch.setattr(GlueRelation, name, getattr(GlueRelation, name))
    monkeypatch.setattr(GlueConnectionManager, "clients", SimpleNamespace(glue=Glue()))
    config = SimpleNamespace(
        credentials=profile(s3_tables={"lake": "lake"}, location="s3://bucket/w"),
        threads=1,
        log_cache_events=False,
        quoting=dict.fromkeys(("database", "schema", "identifier"), True),
        flags={},
    )
    yield GlueAdapter(config, get_context("spawn"))


def test_what_is_asked_of_a_bucket_carries_its_catalog_id(adapter: GlueAdapter) -> None:
    asked = adapter.connections.clients.glue.asked
    assert adapter.list_schemas("`lake`") == adapter.list_schemas(None) == ["sales"]
    assert asked == [("GetDatabases", LAKE), ("GetDatabases", None)]
    asked.clear()
    found = adapter.get_relation("lake", "sales", "orders")
    assert found is not None and found.render() == "lake.`sales`.`orders`"
    assert adapter.get_relation(None, "sales", "orders", "s3tables") == found  # upstream's macros
    assert [column.name for column in adapter.get_columns_in_relation(found)] == ["id"]
    assert asked == [("GetTables", LAKE)]
    assert adapter.get_relation(None, "sales", "orders") is None  # in the Data Catalog
    assert {catalog for _, catalog in asked} == {LAKE, None}


def test_a_statement_is_told_to_every_catalog(adapter: GlueAdapter) -> None:
    asked = adapter.connections.clients.glue.asked
    found = adapter.get_relation("lake", "sales", "orders")
    assert found is not None
    asked.clear()
    with adapter.changing(f"insert into {found} select 1"):
        adapter.get_columns_in_relation(found)
    assert asked == [("GetTable", LAKE)]


def test_the_data_is_not_dbts(adapter: GlueAdapter) -> None:
    orders = GlueRelation.create(database="lake", schema="sales", identifier="orders", type="table")
    assert adapter.get_location(orders) == adapter.get_location(orders, as_clause=False) == ""
    assert adapter.recorded_location(orders) is None
    assert adapter.clear_location(orders, "") == 0
    with pytest.raises(DbtRuntimeError, match="no call that renames a table of S3 Tables"):
        adapter.glue_rename_relation(orders, orders)


def test_a_name_of_catalogs_yml_that_the_profile_has_is_the_profiles(adapter: GlueAdapter) -> None:
    properties = {"adapter_properties": {"table_bucket": "other"}}
    config = CatalogWriteIntegrationConfig("lake", "s3_tables", **properties)
    assert adapter.add_catalog_integration(config).table_bucket == LAKE  # type: ignore[attr-defined]
    config = CatalogWriteIntegrationConfig("more", "s3_tables", **properties)
    adapter.add_catalog_integration(config)
    assert list(adapter.credentials.table_buckets) == ["lake", "more"]
    assert adapter.table_bucket_of(node(catalog_name="more"), None) == "more"
    assert adapter.table_bucket_of(node(), "MORE") == "more"
    assert adapter.table_bucket_of(None, None) is adapter.table_bucket_of(node(), None) is None
