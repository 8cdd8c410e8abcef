"""How many catalog calls the docs table costs."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dbt.adapters.glue.docs import docs_table


class Catalog:
    """A schema of so many tables, t000 …, with one column; pages of 100."""

    def __init__(self, tables: int) -> None:
        self.tables = {
            name: {
                "Name": name,
                "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}]},
            }
            for name in (f"t{number:03d}" for number in range(tables))
        }
        self.calls: list[str] = []

    def get_tables(self, schema: str) -> Iterator[dict[str, Any]]:
        names = sorted(self.tables)
        for start in range(0, max(len(names), 1), 100):
            self.calls.append("GetTables")
            yield from (self.tables[name] for name in names[start : start + 100])

    def get_table(self, schema: str, name: str) -> dict[str, Any] | None:
        self.calls.append("GetTable")
        return self.tables.get(name)


def known_in(catalog: Any, listed: dict[str, Any] | None = None) -> Any:
    """What docs_table asks for the catalog of a database; here all have the same one."""
    return lambda database: SimpleNamespace(catalog=catalog, tables=(listed or {}).get)


def no_spark(relation: Any) -> list:
    raise AssertionError(f"Spark was asked about {relation}")


@pytest.mark.parametrize(
    ("tables", "names", "calls"),
    [
        (1000, ["t700"], {"GetTable": 1}),
        (90, ["t001", "t080"], {"GetTables": 1}),
        (1000, ["t001", "t002", "t003"], {"GetTables": 1}),  # all on the first page
        (1000, ["t001", "t002", "t999"], {"GetTables": 1, "GetTable": 1}),
        (1000, ["t998", "t999"], {"GetTables": 2, "GetTable": 2}),
        (90, ["t001", "gone"], {"GetTables": 1}),
        (1000, ["gone"], {"GetTable": 1}),
    ],
)
def test_some_tables_of_a_schema(tables: int, names: list[str], calls: dict[str, int]) -> None:
    catalog: Any = Catalog(tables)
    found, errors = docs_table(known_in(catalog), [(None, "s", name) for name in names], no_spark)
    assert sorted(row["table_name"] for row in found.rows) == sorted(set(names) - {"gone"})
    assert not errors
    assert {name: catalog.calls.count(name) for name in set(catalog.calls)} == calls


@pytest.mark.parametrize("names", [[None], ["t001", "t998"]])
def test_what_dbt_has_listed_is_not_asked_again(names: list[str | None]) -> None:
    catalog: Any = Catalog(1000)
    listed = list(catalog.tables.values())
    wanted = [(None, "s", name) for name in names]
    found, _ = docs_table(known_in(catalog, {"s": listed}), wanted, no_spark)
    assert len(found.rows) == (1000 if None in names else 2)
    assert catalog.calls == []
