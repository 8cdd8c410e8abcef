"""The Data Catalog and S3 over moto: tables, columns, data that dbt owns, renames, seeds."""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import agate
import boto3
import pytest
from dbt.adapters.contracts.relation import RelationType
from moto import mock_aws

from dbt.adapters.glue import catalog_relations, seeds, table_metadata
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.docs import docs_table
from dbt.adapters.glue.exceptions import CatalogError, ConfigurationError, NotImplementedByGlue
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.locations import lies_under, split_location
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.storage import TableStorage

KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}


class Clients:
    """The part of GlueClients that the catalog needs; counts the calls of Glue."""

    def __init__(self) -> None:
        self.glue = boto3.client("glue", **KEYS)
        self.s3 = boto3.client("s3", **KEYS)
        self.calls: list[str] = []
        self.glue.meta.events.register(
            "before-call.glue", lambda model, **_: self.calls.append(model.name)
        )
        self._all_tables, self.glue.get_tables = self.glue.get_tables, self._page_of_tables

    def _page_of_tables(self, MaxResults: int, NextToken: str = "0", **where: Any) -> dict:
        """moto answers with every table at once; Glue gives at most MaxResults."""
        assert MaxResults <= 100
        tables = self._all_tables(**where)["TableList"]
        start, end = int(NextToken), int(NextToken) + MaxResults
        return {"TableList": tables[start:end]} | (
            {"NextToken": str(end)} if end < len(tables) else {}
        )


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        made = Clients()
        made.s3.create_bucket(Bucket="bucket")
        made.glue.create_database(DatabaseInput={"Name": "s", "LocationUri": "s3://bucket/w/s/"})
        yield made


@pytest.fixture
def catalog(clients: Clients) -> DataCatalog:
    return DataCatalog(clients)  # type: ignore[arg-type]


@pytest.fixture
def storage(clients: Clients, catalog: DataCatalog) -> TableStorage:
    return TableStorage(clients, KnownCatalog(catalog), "s3://bucket/w")  # type: ignore[arg-type]


def table(name: str, location: str | None = None, **parts: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "bigint", "Comment": "key"}],
            "Location": location or f"s3://bucket/w/s/{name}",
            "SerdeInfo": {},
        },
        "Parameters": {"spark.sql.sources.provider": "parquet"},
        **parts,
    }


def schema_json(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "struct", "fields": list(fields)})


SPARK_FIELDS = (
    {"name": "Id", "type": "long", "metadata": {"comment": "the key"}},
    {"name": "price", "type": "decimal(10,2)", "metadata": {}},
    {"name": "tags", "type": {"type": "array", "elementType": "string"}, "metadata": {}},
    {
        "name": "s",
        "type": {
            "type": "struct",
            "fields": [
                {"name": "a", "type": "integer"},
                {
                    "name": "m",
                    "type": {"type": "map", "keyType": "string", "valueType": "short"},
                },
            ],
        },
        "metadata": {},
    },
    {"name": "code", "type": "string", "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"}},
    {"name": "day", "type": "date", "metadata": {}},
)


@pytest.mark.parametrize("split", [False, True])
def test_columns_from_sparks_schema(split: bool) -> None:
    text = schema_json(*SPARK_FIELDS)
    key = "spark.sql.sources.schema"
    whole = {key: text}
    parts = {f"{key}.numParts": "2", f"{key}.part.0": text[:50], f"{key}.part.1": text[50:]}
    found = table_metadata.columns_of(
        table("t", Parameters=parts if split else whole, PartitionKeys=[{"Name": "day"}])
    )
    assert found is not None
    assert [(c["name"], c["type"]) for c in found] == [
        ("Id", "bigint"),
        ("price", "decimal(10,2)"),
        ("tags", "array<string>"),
        ("s", "struct<a:int,m:map<string,smallint>>"),
        ("code", "varchar(3)"),
        ("day", "date"),
    ]
    assert found[0]["comment"] == "the key"
    assert [c["name"] for c in found if c["partition"]] == ["day"]


def test_iceberg_hides_dropped_columns() -> None:
    columns = [
        {"Name": "id", "Type": "bigint", "Parameters": {"iceberg.field.current": "true"}},
        {"Name": "old", "Type": "int", "Parameters": {"iceberg.field.current": "false"}},
    ]
    found = table("t", Parameters={"table_type": "ICEBERG"})
    found["StorageDescriptor"]["Columns"] = columns
    assert table_metadata.format_of(found) == "iceberg"
    assert [c["name"] for c in table_metadata.columns_of(found) or []] == ["id"]


def test_hudi_columns_of_its_own_are_hidden() -> None:
    fields = [
        {"name": "_hoodie_commit_time", "type": "string"},
        {"name": "id", "type": "integer"},
    ]
    found = table("t", Parameters={"spark.sql.sources.schema": schema_json(*fields)})
    assert [c["name"] for c in table_metadata.columns_of(found) or []] == ["id"]


def test_a_delta_table_without_schema_is_known_as_such() -> None:
    found = table("t", Parameters={"spark.sql.sources.provider": "delta"})
    found["StorageDescriptor"] = {
        "Columns": [{"Name": "col", "Type": "array<string>"}],
        "Location": "s3://bucket/w/s/t-__PLACEHOLDER__",
        "SerdeInfo": {"Parameters": {"path": "s3://bucket/w/s/t"}},
    }
    assert table_metadata.format_of(found) == "delta"
    assert table_metadata.columns_of(found) is None
    assert table_metadata.location_of(found) == "s3://bucket/w/s/t"


def test_views() -> None:
    view = table("v", TableType="VIRTUAL_VIEW", ViewOriginalText="select 1")
    assert table_metadata.format_of(view) is None
    assert table_metadata.location_of(view) is None
    relation = catalog_relations.relation_of(view, "s")
    assert (relation.type, relation.render()) == (RelationType.View, "`s`.`v`")
    foreign = table("v", TableType="VIRTUAL_VIEW", ViewOriginalText="/* Presto View: e30= */")
    with pytest.raises(NotImplementedByGlue, match="made by Athena or Presto"):
        table_metadata.refuse_foreign_view(foreign)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Parameters": {"table_type": "ICEBERG"}}, "iceberg"),
        ({"Parameters": {"spark.sql.sources.provider": "hudi"}}, "hudi"),
        ({"Parameters": {"spark.sql.sources.provider": "csv"}}, "csv"),
        ({"Parameters": {"classification": "json"}}, "json"),
        ({"Parameters": {}}, "unknown"),
    ],
)
def test_formats(parts: dict, expected: str) -> None:
    assert table_metadata.format_of(table("t", **parts)) == expected


def test_only_not_found_means_absent(catalog: DataCatalog, clients: Clients) -> None:
    assert catalog.get_table("s", "none") is None
    assert catalog.get_table("nowhere", "none") is None
    assert catalog.get_database("nowhere") is None
    assert list(catalog.get_tables("nowhere")) == []
    assert catalog.delete_table("s", "none") is False
    assert catalog.create_database("s") is False

    def refuse(**_: Any) -> None:
        raise CatalogError("Rate exceeded", operation="GetTable", code="ThrottlingException")

    clients.glue.get_table = refuse
    with pytest.raises(CatalogError, match="Rate exceeded"):
        catalog.get_table("s", "none")


def test_listing_is_paged_and_knows_formats(catalog: DataCatalog, clients: Clients) -> None:
    for number in range(120):
        catalog.create_table("s", table(f"t{number:03}"))
    catalog.create_table("s", table("ice", Parameters={"table_type": "ICEBERG"}))
    clients.calls.clear()
    found = [catalog_relations.relation_of(t, "s") for t in catalog.get_tables("s")]
    assert len(found) == 121
    assert clients.calls == ["GetTables"] * 2
    assert [r.identifier for r in found if r.is_iceberg] == ["ice"]


def test_pain_55_rename_moves_no_data_and_takes_partitions_along(catalog: DataCatalog) -> None:
    keys = [{"Name": "day", "Type": "date"}]
    catalog.create_table("s", table("old", PartitionKeys=keys))
    values = [{"Values": [f"2024-01-{n:03}"], "StorageDescriptor": {}} for n in range(230)]
    catalog.create_partitions("s", "old", values)
    source = GlueRelation.create(schema="s", identifier="old")
    target = GlueRelation.create(schema="s", identifier="New")
    catalog_relations.rename(catalog, source, target)
    assert catalog.get_table("s", "old") is None
    renamed = catalog.get_table("s", "new")
    assert renamed and table_metadata.location_of(renamed) == "s3://bucket/w/s/old"
    assert len(list(catalog.get_partitions("s", "new"))) == 230


def test_rename_refuses_iceberg_and_what_is_absent(catalog: DataCatalog) -> None:
    catalog.create_table("s", table("ice", Parameters={"table_type": "ICEBERG"}))
    target = GlueRelation.create(schema="s", identifier="new")
    with pytest.raises(ConfigurationError, match="ALTER TABLE"):
        catalog_relations.rename(catalog, GlueRelation.create(schema="s", identifier="ice"), target)
    with pytest.raises(CatalogError, match="not in the catalog"):
        catalog_relations.rename(catalog, GlueRelation.create(schema="s", identifier="x"), target)


def test_locations(storage: TableStorage, clients: Clients, catalog: DataCatalog) -> None:
    assert storage.location_for("s", "t") == "s3://bucket/w/s/t"
    assert storage.location_for("s", "t", "s3://other/x/") == "s3://other/x"
    assert storage.location_for("s", "t", "empty") == "s3://bucket/w/s/t"
    flat = TableStorage(clients, KnownCatalog(catalog), "s3://bucket/w/", root_location=True)  # type: ignore[arg-type]
    assert flat.location_for("s", "t") == "s3://bucket/w/t"
    nowhere = TableStorage(clients, KnownCatalog(catalog), None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="the profile has no location"):
        nowhere.location_for("s", "t")
    assert split_location("s3a://b/x/y/") == ("b", "x/y")
    assert lies_under("s3a://b/x/y", "s3://b/x/") and not lies_under("s3://b/xy", "s3://b/x")


@pytest.mark.parametrize("given", ["s3://x/{schema}/{name}", " s3://x/{schema}/{name}/"])
def test_pain_38_a_location_may_be_a_template(storage: TableStorage, given: str) -> None:
    assert storage.location_for("sch", "t", given) == "s3://x/sch/t"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("s3://x/{table}", "got {table} in .*, expected {schema} and {name}"),
        ("s3://x\\wh\\t", "expected s3://bucket/path"),
        ("s3://x/wh\\t", "expected s3://bucket/path"),
        ("C:\\wh\\t", "expected s3://bucket/path"),
        ("/wh/t", "expected s3://bucket/path"),
    ],
)
def test_pain_38_a_wrong_location_is_refused(storage: TableStorage, given: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        storage.location_for("s", "t", given)


def put(clients: Clients, *keys: str) -> None:
    for key in keys:
        clients.s3.put_object(Bucket="bucket", Key=key, Body=b"x")


def keys_in(clients: Clients) -> list[str]:
    page = clients.s3.list_objects_v2(Bucket="bucket")
    return [item["Key"] for item in page.get("Contents", ())]


def test_only_the_tables_own_data_is_deleted(storage: TableStorage, clients: Clients) -> None:
    put(clients, "w/s/t/a", "w/s/t/day=1/b", "w/s/tt/c", "w/s/t.txt")
    assert storage.delete_data("s", "t", "s3://bucket/w/s/t") == 2
    assert keys_in(clients) == ["w/s/t.txt", "w/s/tt/c"]


def test_more_objects_than_one_call_deletes(
    storage: TableStorage, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbt.adapters.glue.storage.OBJECTS_A_BATCH", 4)
    put(clients, *(f"w/s/t/{n}" for n in range(10)))
    assert storage.delete_data("s", "t", "s3://bucket/w/s/t") == 10
    assert keys_in(clients) == []


@pytest.mark.parametrize(
    ("location", "custom", "reason"),
    [
        ("s3://bucket", None, "root of a bucket"),
        ("s3://bucket/", "s3://bucket/", "root of a bucket"),
        ("s3://bucket/w", None, "not below the profile's location"),
        ("s3://bucket/else/t", None, "not below the profile's location"),
        ("s3://bucket/else/t", "s3://bucket/else/u", "not below the profile's location"),
        ("s3://bucket/w/s", None, "it holds the database s"),
        ("s3://bucket/w/s/t", None, "it holds the table s.inner"),
    ],
)
def test_what_dbt_does_not_own_stays(
    storage: TableStorage,
    catalog: DataCatalog,
    clients: Clients,
    location: str,
    custom: str | None,
    reason: str,
) -> None:
    catalog.create_table("s", table("inner", "s3://bucket/w/s/t/inner"))
    put(clients, "w/s/t/a", "else/t/b")
    with pytest.raises(ConfigurationError, match=reason):
        storage.delete_data("s", "t", location, custom)
    assert len(keys_in(clients)) == 2


def test_a_custom_location_is_owned(storage: TableStorage, clients: Clients) -> None:
    put(clients, "else/t/b")
    assert storage.delete_data("s", "t", "s3://bucket/else/t", "s3://bucket/else/t/") == 1


LATER = datetime.now(timezone.utc) + timedelta(hours=12)


def test_a_build_of_the_table_itself_is_no_other_table(
    storage: TableStorage, catalog: DataCatalog, clients: Clients
) -> None:
    place = "s3://bucket/w/s/t/dbt_build_29990101000000_00000000"
    catalog.create_table("s", table("t__dbt_tmp_0123abcd", place))
    put(clients, "w/s/t/a")
    storage.refuse_to_share("s", "t", "s3://bucket/w/s/t")
    assert storage.delete_older_builds("s", "t", "s3://bucket/w/s/t", place, LATER) == 1


def test_what_was_written_after_the_table_moved_away_stays(
    storage: TableStorage, clients: Clients
) -> None:
    """Another run may have dropped the table since, and made it in its base again."""
    put(clients, "w/s/t/a")
    place = "s3://bucket/w/s/t/dbt_build_29990101000000_00000000"
    earlier = LATER - timedelta(days=1)
    assert storage.delete_older_builds("s", "t", "s3://bucket/w/s/t", place, earlier) == 0
    assert keys_in(clients) == ["w/s/t/a"]


OLD, YOUNG = "dbt_build_20200101000000_00000000", "dbt_build_29990101000000_00000000"


@pytest.mark.parametrize("old", ["", f"/{OLD}", "/dbt_build_29990101000000_0000000a"])
def test_what_a_table_has_moved_away_from_goes_and_nothing_else(
    storage: TableStorage, clients: Clients, old: str
) -> None:
    new = "dbt_build_29990101000000_0000000b"
    put(clients, f"w/s/t/{new}/a", f"w/s/t/{YOUNG}/a", f"w/s/t/{OLD}/a", "w/s/t/a", "w/s/u/a")
    put(clients, f"w/s/t{old}/b")
    base = "s3://bucket/w/s/t"
    assert storage.delete_older_builds("s", "t", f"{base}{old}", f"{base}/{new}", LATER) == 3
    assert keys_in(clients) == [f"w/s/t/{YOUNG}/a", f"w/s/t/{new}/a", "w/s/u/a"]
    assert storage.delete_older_builds("s", "t", base, base, LATER) == 0


def test_older_builds_that_dbt_does_not_own_stay(
    storage: TableStorage, catalog: DataCatalog, clients: Clients
) -> None:
    put(clients, "else/t/a", "w/s/t/a")
    with pytest.raises(ConfigurationError, match="not below the profile's location"):
        storage.delete_older_builds("s", "t", "s3://bucket/else/t", "s3://bucket/w/s/t", LATER)
    catalog.create_table("s", table("inner", "s3://bucket/w/s/t/inner"))
    with pytest.raises(ConfigurationError, match="it holds the table s.inner"):
        storage.delete_older_builds("s", "t", "s3://bucket/w/s/t", None, LATER)
    custom = "s3://bucket/else/t"
    assert storage.delete_older_builds("s", "t", custom, f"{custom}/{YOUNG}", LATER, custom) == 1


def test_temporary_folders(storage: TableStorage, clients: Clients) -> None:
    path = storage.new_temporary()
    assert path != storage.new_temporary() and path.startswith("s3://bucket/w/_dbt_glue_tmp/")
    storage.put(f"{path}/rows.json.gz", b"x")
    assert storage.delete_temporary(path) == 1
    with pytest.raises(ConfigurationError, match="not a temporary folder"):
        storage.delete_temporary("s3://bucket/w/s/t")


def test_docs_rows_come_from_listing_alone(catalog: DataCatalog, clients: Clients) -> None:
    parameters = {
        "spark.sql.sources.provider": "parquet",
        "spark.sql.sources.schema": schema_json(*SPARK_FIELDS),
        "comment": "orders of a day",
        "spark.sql.statistics.totalSize": "1234",
    }
    catalog.create_table("s", table("t", Owner="me", Parameters=parameters))
    for number in range(110):
        catalog.create_table("s", table(f"t{number}"))
    clients.calls.clear()
    found, errors = docs_table(
        lambda database: KnownCatalog(catalog),
        {(None, "s", None)},
        lambda relation: pytest.fail("asked Spark"),
    )
    assert (errors, clients.calls) == ([], ["GetTables"] * 2)
    rows = [dict(zip(found.column_names, row, strict=True)) for row in found.rows]
    first, second = (row for row in rows if row["table_name"] == "t" and row["column_index"] < 3)
    assert first["table_database"] is None
    assert (first["table_comment"], first["table_owner"]) == ("orders of a day", "me")
    assert (first["column_name"], first["column_index"]) == ("Id", 1)
    assert (first["column_type"], first["column_comment"]) == ("bigint", "the key")
    assert (first["stats:bytes:value"], first["stats:bytes:include"]) == (1234, True)
    assert (second["column_name"], first["stats:rows:include"]) == ("price", False)


def test_a_broken_schema_leaves_the_others_be(catalog: DataCatalog, clients: Clients) -> None:
    catalog.create_table("s", table("t"))
    original = clients.glue.get_tables

    def get_tables(**arguments: Any) -> Any:
        if arguments["DatabaseName"] == "secret":
            raise CatalogError("no", operation="GetTables", code="AccessDeniedException")
        return original(**arguments)

    clients.glue.get_tables = get_tables
    found, errors = docs_table(
        lambda database: KnownCatalog(catalog),
        [(None, "secret", None), (None, "s", None)],
        lambda relation: [],
    )
    assert [row["table_name"] for row in found.rows] == ["t"]
    assert [type(error) for error in errors] == [CatalogError]


def seed(rows: list[list[Any]], names: list[str], types: list[Any]) -> agate.Table:
    return agate.Table(rows, names, types)


def test_a_seed_file_keeps_every_value(storage: TableStorage) -> None:
    rows = [['é "x"\n', "0.10", None], ["'", "1E+3", "2024-01-02"]]
    found = seed(rows, ["t", "n", "d"], [agate.Text(), agate.Number(), agate.Date()])
    lines = gzip.decompress(seeds.seed_file(found)).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"t": 'é "x"\n', "n": "0.10", "d": None},
        {"t": "'", "n": "1000", "d": "2024-01-02"},
    ]


def test_a_hundred_thousand_rows_take_no_time() -> None:
    rows = [[str(n), Decimal(n) / 4, None] for n in range(100_000)]
    found = seed(rows, ["a", "b", "c"], [agate.Text(), agate.Number(), agate.Text()])
    started = time.perf_counter()
    seeds.check_values(found, {"a": "bigint", "b": "decimal(20,2)", "c": "string"})
    assert len(seeds.seed_file(found)) > 100_000
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", ["1", "-5", " 7 ", "1.0"], ["x", "1.5", "3000000000"]),
        ("tinyint", ["127"], ["128"]),
        ("bigint", ["9223372036854775807"], ["9223372036854775808"]),
        ("decimal(5,2)", ["999.99", "1"], ["1000", "ten"]),
        ("double", ["1e3", "-0.5", "NaN"], ["one"]),
        ("boolean", ["true", "No", "1"], ["maybe"]),
        ("date", ["2024-02-29", "2024-02", "2024-02-03 10:00"], ["2023-02-29", "1/2/2024"]),
        ("timestamp", ["2024-02-29 10:00:00", "2024-02-29T10:00:00Z"], ["yesterday"]),
    ],
)
def test_values_that_a_cast_would_lose(kind: str, good: list[str], bad: list[str]) -> None:
    fits = seeds.checker(kind)
    assert fits is not None
    assert [value for value in good if not fits(value.strip())] == []
    assert [value for value in bad if fits(value)] == []
    assert seeds.checker("array<int>") is None and seeds.checker("string") is None


def test_a_broken_row_is_named() -> None:
    found = seed([["1"], ["two"]], ["n"], [agate.Text()])
    with pytest.raises(ConfigurationError, match="row 2, column n: 'two' is not int"):
        seeds.check_values(found, {"n": "int"})


def test_temporary_names_are_unique_legal_and_short() -> None:
    one, other = (catalog_relations.temporary_name("My" * 200) for _ in range(2))
    assert one != other and one == one.lower() and len(one) <= 255
