"""GlueRelation: rendering, formats, names."""

from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.base.relation import EventTimeFilter
from dbt.adapters.contracts.relation import RelationType

from dbt.adapters.glue.relation import GlueRelation, warn_of_database


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GlueRelation, "iceberg_catalog", "glue_catalog")
    monkeypatch.setattr(GlueRelation, "resolver", None)


def relation(**changes: Any) -> GlueRelation:
    return GlueRelation.create(**{"schema": "s", "identifier": "t", **changes})


def node(kind: str = "model", **config: Any) -> Any:
    return SimpleNamespace(
        database=None,
        schema="s",
        identifier="t",
        resource_type=kind,
        config=config,
        quoting_dict={},
        catalog_name=None,
    )


QUOTING = SimpleNamespace(quoting={})


@pytest.mark.parametrize(
    ("known", "rendered"),
    [
        ({}, "`s`.`t`"),
        ({"table_format": "parquet"}, "`s`.`t`"),
        ({"table_format": "delta"}, "`s`.`t`"),
        ({"table_format": "hudi"}, "`s`.`t`"),
        ({"table_format": "iceberg"}, "glue_catalog.`s`.`t`"),
        ({"table_format": "iceberg", "type": "view"}, "`s`.`t`"),
        ({"table_format": "iceberg", "catalog_prefix": ""}, "`s`.`t`"),
        ({"table_format": "iceberg", "catalog_prefix": "my-cat"}, "`my-cat`.`s`.`t`"),
    ],
)
def test_the_prefix_follows_from_the_format(known: dict, rendered: str) -> None:
    assert relation(**known).render() == rendered


def test_no_prefix_without_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GlueRelation, "iceberg_catalog", None)
    assert relation(table_format="iceberg").render() == "`s`.`t`"


def test_temporary_views_have_no_schema_and_no_prefix() -> None:
    temporary = relation(table_format="iceberg").include(schema=False)
    assert temporary.render() == "`t`"


def test_odd_names_are_quoted() -> None:
    assert relation(schema="my-db", identifier="select").render() == "`my-db`.`select`"
    assert relation(identifier="a`b").render() == "`s`.`a``b`"


@pytest.mark.parametrize(
    ("config", "rendered", "known"),
    [
        ({"materialized": "table", "file_format": "iceberg"}, "glue_catalog.`s`.`t`", "iceberg"),
        ({"materialized": "table", "file_format": "Delta"}, "`s`.`t`", "delta"),
        ({"materialized": "table"}, "`s`.`t`", "parquet"),
        ({"materialized": "view", "file_format": "iceberg"}, "`s`.`t`", None),
    ],
)
def test_refs_know_their_format_from_config(config: dict, rendered: str, known: Any) -> None:
    asked: list = []
    GlueRelation.resolver = asked.append
    created = GlueRelation.create_from(QUOTING, node(**config))
    assert (created.render(), created.table_format, asked) == (rendered, known, [])


def test_sources_and_seeds_ask_the_resolver() -> None:
    GlueRelation.resolver = lambda found: "iceberg" if found.identifier == "t" else None
    for kind in ("source", "seed"):
        created = GlueRelation.create_from(QUOTING, node(kind))
        assert created.render() == "glue_catalog.`s`.`t`"


def test_the_format_does_not_make_another_relation() -> None:
    plain, iceberg = relation(), relation(table_format="iceberg")
    assert plain == iceberg and hash(plain) == hash(iceberg)
    assert plain != relation(identifier="u")


def test_format_properties() -> None:
    assert relation(table_format="iceberg").is_iceberg
    assert relation(table_format="delta").is_delta
    assert relation(table_format="hudi").is_hudi
    assert not relation().is_iceberg


def test_empty_and_sampled_refs_render() -> None:
    iceberg = relation(table_format="iceberg")
    empty = iceberg.replace(limit=0)
    assert str(empty) == "(select * from glue_catalog.`s`.`t` where false limit 0)"
    sampled = iceberg.replace(event_time_filter=EventTimeFilter("ts", start="2024-01-01"))
    assert str(sampled) == "(select * from glue_catalog.`s`.`t` where ts >= '2024-01-01')"


def test_a_database_is_dropped() -> None:
    for name in ("s", "other"):
        found = relation(database=name)
        assert found.render() == "`s`.`t`" and found.database is None and found == relation()
    assert relation().incorporate(path={"database": "other"}).database is None


def test_a_database_that_is_not_the_schema_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warned: list[str] = []
    monkeypatch.setattr("dbt.adapters.glue.relation.logger.warning", warned.append)
    warn_of_database.cache_clear()
    for source in (node("source"), node("source"), node("model", database="raw_db")):
        source.database = "raw_db" if source.resource_type == "source" else None
        GlueRelation.create_from(QUOTING, source)
    same = node("source")
    same.database = "S"
    GlueRelation.create_from(QUOTING, same)
    assert len(warned) == 1 and warned[0].startswith("database: raw_db is not used")


def test_names_match_in_any_case() -> None:
    assert relation(identifier="MyModel").matches(schema="S", identifier="mymodel")
    assert not relation().matches(identifier="u")


def test_incorporate_keeps_the_format() -> None:
    table = relation(table_format="iceberg").incorporate(type=RelationType.Table)
    assert table.render() == "glue_catalog.`s`.`t`"
    assert table.render_bare() == "`s`.`t`"
