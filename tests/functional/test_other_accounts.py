"""Sources in the Data Catalog of another account, which local Glue has as a shared one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt
from functional.conftest import stop_sessions
from knobs import turned_back

pytestmark = pytest.mark.slow

FRIEND, STRANGER = "210987654321", "444455556666"
SESSION = "functional-tests-other-accounts"
TABLES = [
    "create database if not exists finance.sales",
    "create table if not exists finance.sales.orders (id int, at timestamp) using iceberg"
    " location 's3://functional-tests/friends/orders'",
    "insert into finance.sales.orders values (1, current_timestamp()), (2, current_timestamp())",
    # our own of the same name, with other rows and columns
    "create database if not exists sales",
    "create or replace view sales.orders as select -1 as mine",
]

MODELS = {
    "of_friend.sql": "{{ config(materialized='table') }} "
    "select id from {{ source('f', 'orders') }}",
    "by_id.sql": "{{ config(materialized='table', file_format='iceberg') }} "
    "select count(*) as n from {{ source('by_id', 'orders') }}",
    "own.sql": "select mine from {{ source('own', 'orders') }}",
    "of_plain.sql": "select * from {{ source('f', 'plain') }}",
    "of_view.sql": "select * from {{ source('f', 'seen') }}",
    "of_stranger.sql": "select * from {{ source('stranger', 'orders') }}",
    "of_unnamed.sql": "select * from {{ source('unnamed', 'orders') }}",
    "sources.yml": f"""
sources:
  - name: f
    database: finance
    schema: sales
    config:
      loaded_at_field: at
      freshness: {{warn_after: {{count: 1, period: day}}}}
    tables:
      - name: orders
        columns: [{{name: id, data_tests: [unique, not_null]}}]
      - name: plain
        config: {{freshness: null}}
      - name: seen
        config: {{freshness: null}}
  - name: by_id
    schema: sales
    config: {{meta: {{catalog_id: '{FRIEND}'}}}}
    tables: [{{name: orders}}]
  - name: own
    schema: sales
    tables: [{{name: orders}}]
  - name: stranger
    database: stranger
    schema: sales
    tables: [{{name: orders}}]
  - name: unnamed
    database: '111122223333'
    schema: sales
    tables: [{{name: orders}}]
""",
}


@pytest.fixture(scope="module", autouse=True)
def shared(local_glue: Any, glue_client: Any) -> Iterator[None]:
    """The friend's catalog is shared; the sessions of these tests have a conf of their own."""
    with turned_back(local_glue.url) as turn:
        turn(shared_catalogs=FRIEND)
        yield
        for account in ({"CatalogId": FRIEND}, {}):
            try:
                tables = glue_client.get_tables(DatabaseName="sales", **account)["TableList"]
            except glue_client.exceptions.EntityNotFoundException:
                continue
            for table in tables:
                glue_client.delete_table(DatabaseName="sales", Name=table["Name"], **account)
            glue_client.delete_database(Name="sales", **account)
    stop_sessions(glue_client, SESSION)


@pytest.fixture(scope="class")
def dbt_profile_target(dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
    return {
        **dbt_profile_target,
        "glue_session_id": SESSION,
        "data_catalogs": {"finance": FRIEND, "stranger": STRANGER},
    }


class TestSources:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return MODELS

    @pytest.fixture(scope="class")
    def filled(self, project: Any, glue_client: Any) -> Any:
        for statement in TABLES:
            project.run_sql(statement)
        for name, entry in (
            ("plain", {"TableType": "EXTERNAL_TABLE"}),
            ("seen", {"TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select * from orders"}),
        ):
            entry["StorageDescriptor"] = {"Columns": [{"Name": "id", "Type": "int"}]}
            glue_client.create_table(
                CatalogId=FRIEND, DatabaseName="sales", TableInput={"Name": name, **entry}
            )
        return project

    def rows(self, project: Any, name: str) -> list[tuple]:
        found = project.run_sql(f"select * from {project.test_schema}.{name}", fetch="all")
        return sorted(tuple(row) for row in found)

    def test_pain_25_sources_of_another_account(self, filled: Any) -> None:
        for _ in range(2):
            run_dbt(["build", "--select", "of_friend", "by_id", "own", "source:f.orders"])
        assert self.rows(filled, "of_friend") == [(1,), (2,)]
        assert [
            tuple(r)
            for r in filled.run_sql(
                f"select n from glue_catalog.{filled.test_schema}.by_id", fetch="all"
            )
        ] == [(2,)]
        assert self.rows(filled, "own") == [(-1,)]

    def test_freshness(self, filled: Any) -> None:
        (result,) = run_dbt(["source", "freshness", "--select", "source:f.orders"])
        assert str(result.status) == "pass"

    def test_docs(self, filled: Any) -> None:
        run_dbt(["docs", "generate", "--select", "+of_friend", "+by_id", "+own"])
        catalog = json.loads(Path("target/catalog.json").read_text())
        columns = {name: list(found["columns"]) for name, found in catalog["sources"].items()}
        assert columns["source.test.f.orders"] == ["id", "at"]
        assert columns["source.test.own.orders"] == ["mine"]
        assert catalog["sources"]["source.test.f.orders"]["metadata"]["database"] == "finance"

    @pytest.mark.parametrize(
        ("model", "told"),
        [
            ("of_plain", "local Glue's Spark reads Iceberg tables only"),
            ("of_view", "is a view: Spark would look for the tables that it names in your own"),
            ("of_stranger", f"arn:aws:glue:us-east-1:{STRANGER}:catalog"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, filled: Any, model: str, told: str) -> None:
        (result,) = run_dbt(["run", "--select", model], expect_pass=False)
        assert told in result.message

    def test_an_account_that_the_profile_does_not_name(self, filled: Any) -> None:
        (result,) = run_dbt(["run", "--select", "of_unnamed"], expect_pass=False)
        assert "data_catalogs: {other: '111122223333'}" in result.message
