"""Seeds: typed, aliased, large, hostile, and broken."""

import time
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from dbt.tests.util import run_dbt, write_file

from dbt.adapters.glue import table_metadata

pytestmark = pytest.mark.slow

TYPED_CSV = """id,price,day,moment,name,flag,empty
1,1.50,2024-02-29,2024-02-29 23:59:59,"quote "" and ' and \\ and, comma",true,
2,,,,"two
lines 🦆",false,
"""
HOSTILE = ["it's", "$1{{ 2 }}", "--", "*/", "a\tb", " padded ", "\\n", "שלום", "%s", "`tick`"]


def fetch(project: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in project.run_sql(sql, fetch="all")]


class TestTypedSeeds:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        hostile = "id,value\n" + "".join(
            '{},"{}"\n'.format(number, text.replace('"', '""'))
            for number, text in enumerate(HOSTILE)
        )
        return {
            "typed.csv": TYPED_CSV,
            "inferred.csv": TYPED_CSV,
            "renamed.csv": "id\n7\n",
            "hostile.csv": hostile,
            "header_only.csv": "id,name\n",
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {
            "seeds": {
                "test": {
                    "typed": {
                        "+column_types": {
                            "id": "bigint",
                            "price": "decimal(12,3)",
                            "name": "string",
                            "empty": "int",
                        }
                    },
                    "renamed": {"+alias": "other_name", "+file_format": "iceberg"},
                    "header_only": {"+column_types": {"id": "int", "name": "string"}},
                }
            }
        }

    @pytest.fixture(scope="class")
    def seeded(self, project: Any) -> Any:
        for _ in range(2):
            results = run_dbt(["seed"])
            assert {result.status for result in results} == {"success"}
        return project

    def test_column_types(self, seeded: Any) -> None:
        found = fetch(seeded, f"select * from {seeded.test_schema}.typed order by id")
        assert found == [
            (
                1,
                Decimal("1.500"),
                date(2024, 2, 29),
                datetime(2024, 2, 29, 23, 59, 59),
                "quote \" and ' and \\ and, comma",
                True,
                None,
            ),
            (2, None, None, None, "two\nlines 🦆", False, None),
        ]

    def test_inferred_types(self, seeded: Any, glue_client: Any) -> None:
        described = fetch(seeded, f"describe {seeded.test_schema}.inferred")
        types = {row[0]: row[1] for row in described}
        assert types["id"] == "bigint"
        assert types["price"] == "double"
        assert types["day"] == "date"
        assert types["moment"] == "timestamp"
        assert types["name"] == "string"
        assert types["flag"] == "boolean"

    def test_alias_and_format(self, seeded: Any, glue_client: Any) -> None:
        names = {
            table["Name"]: table["Parameters"].get("table_type")
            for table in glue_client.get_tables(DatabaseName=seeded.test_schema)["TableList"]
        }
        assert names["other_name"] == "ICEBERG"
        assert "renamed" not in names

    def test_hostile_text_arrives_unchanged(self, seeded: Any) -> None:
        found = fetch(seeded, f"select value from {seeded.test_schema}.hostile order by id")
        assert [row[0] for row in found] == HOSTILE

    def test_header_only(self, seeded: Any) -> None:
        assert fetch(seeded, f"select * from {seeded.test_schema}.header_only") == []

    def test_no_upload_is_left(self, seeded: Any, s3_client: Any) -> None:
        found = s3_client.list_objects_v2(Bucket="functional-tests")
        left = [entry["Key"] for entry in found.get("Contents", []) if "_dbt_glue" in entry["Key"]]
        assert left == []


# One of these in each format; `order` is a word of Spark's own.
FORMATS = ("parquet", "orc", "avro", "csv", "json", "iceberg", "delta", "hudi")
SEED_CSV = """Id,price,day,moment,order,flag,note
1,1.50,2024-02-29,2024-02-29 23:59:59,"a, b",true,
2,,,,,,"it's"
"""
SEED_ROWS = [
    (1, Decimal("1.500"), date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59), "a, b", True, None),
    (2, None, None, None, None, None, "it's"),
]
SEED_YML = """
seeds:
{}
"""
ONE_SEED_YML = """
  - name: seed_{0}
    description: "The file's rows in {0}"
    config:
      file_format: {0}
      alias: loaded_{0}
      column_types: {{Id: bigint, price: "decimal(12,3)", order: string, note: string}}
      persist_docs: {{relation: true, columns: true}}
    columns:
      - {{name: day, description: "It's a day"}}
"""


class TestSeedsInEveryFormat:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        described = "".join(ONE_SEED_YML.format(name) for name in FORMATS)
        return {
            **{f"seed_{name}.csv": SEED_CSV for name in FORMATS},
            "seed_text.csv": "line\none\n",
            "seeds.yml": SEED_YML.format(described),
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"seeds": {"test": {"seed_text": {"+file_format": "text"}}}}

    @pytest.fixture(scope="class")
    def seeded(self, project: Any) -> Any:
        """Loaded anew, replaced, and rebuilt."""
        for more in ([], [], ["--full-refresh"]):
            results = run_dbt(["seed", *more], expect_pass=None)
            assert {r.node.name: r.message for r in results if str(r.status) != "success"} == {}
        return project

    @pytest.mark.parametrize("name", FORMATS)
    def test_pain_17_values_of_every_type_and_empty_cells(self, seeded: Any, name: str) -> None:
        prefix = "glue_catalog." if name == "iceberg" else ""
        columns = "Id, price, day, moment, `order`, flag, note"
        table = f"{prefix}{seeded.test_schema}.loaded_{name}"
        assert fetch(seeded, f"select {columns} from {table} order by Id") == SEED_ROWS

    def test_text_has_one_column(self, seeded: Any) -> None:
        assert fetch(seeded, f"select * from {seeded.test_schema}.seed_text") == [("one",)]

    def test_alias_types_and_comments_are_in_the_catalog(
        self, seeded: Any, glue_client: Any
    ) -> None:
        listed = glue_client.get_tables(DatabaseName=seeded.test_schema)["TableList"]
        tables = {table["Name"]: table for table in listed}
        assert set(tables) == {*(f"loaded_{name}" for name in FORMATS), "seed_text"}
        for name in FORMATS:
            table = tables[f"loaded_{name}"]
            columns = {c["name"]: c for c in table_metadata.columns_of(table) or ()}
            if columns:  # Delta's are late in the catalog
                assert columns["day"]["comment"] == "It's a day"
                assert columns["price"]["type"] == "decimal(12,3)"
            assert table_metadata.comment_of(table) == f"The file's rows in {name}"


class TestBrokenSeeds:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"fragile.csv": "id,amount\n1,10\n2,20\n"}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"seeds": {"+column_types": {"id": "int", "amount": "int"}}}

    def test_a_bad_value_fails_and_keeps_the_old_table(self, project: Any) -> None:
        run_dbt(["seed"])
        write_file("id,amount\n1,10\n2,twenty\n", project.project_root, "seeds", "fragile.csv")
        results = run_dbt(["seed"], expect_pass=False)
        assert results[0].status == "error"
        assert "twenty" in results[0].message and "amount" in results[0].message
        found = fetch(project, f"select * from {project.test_schema}.fragile order by id")
        assert found == [(1, 10), (2, 20)]


class TestLargeSeed:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        lines = (f"{n},name {n},{n / 4}\n" for n in range(100_000))
        return {"large.csv": "id,name,amount\n" + "".join(lines)}

    def test_hundred_thousand_rows(self, project: Any) -> None:
        started = time.monotonic()
        results = run_dbt(["seed"])
        seconds = time.monotonic() - started
        assert results[0].status == "success"
        found = fetch(
            project,
            f"select count(*), sum(id), sum(amount) from {project.test_schema}.large",
        )
        assert found == [(100_000, 4_999_950_000, 1_249_987_500.0)]
        assert seconds < 60
