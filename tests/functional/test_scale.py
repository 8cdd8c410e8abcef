"""A thousand tables in the docs; a hundred thousand rows as a seed and as a result."""

import csv
import io
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROWS = 100_000
TEXTS = ['it\'s "quoted"', "naïve, שלום", "🦆 \\n {{ x }}", "two\nlines"]
TYPES = {
    **{"id": "bigint", "small": "int", "price": "decimal(12,2)", "name": "string"},
    **{"code": "string", "day": "date", "moment": "timestamp", "flag": "boolean"},
    **{"ratio": "double", "nothing": "int"},
}
QUERY = """
select id, cast(id % 1000 as int) as small, cast(id / 4 as decimal(12,2)) as price,
  concat('naïve "text" ', id) as name, concat('c', id) as code,
  date_add(date'2020-01-01', cast(id % 1500 as int)) as day,
  timestamp_micros(1577836800000000 + id * 37000001) as moment, id % 3 = 0 as flag,
  id / 8d as ratio, cast(null as int) as nothing
from range(100000)"""
RESULT_MACROS = """
{% macro one() %}{% do run_query("select 1 as id") %}{% endmacro %}
{% macro rows(out) %}
  {% set clock = modules.datetime.datetime %}
  {% set started = clock.now() %}
  {% set found = run_query(var("query")) %}
  {{ log("took " ~ (clock.now() - started).total_seconds(), info=true) }}
  {% do found.to_csv(out) %}
{% endmacro %}
"""
# Two commands in one process: by how much its memory peaks higher in the second one.
MEASURE = """
import re, sys
from dbt.cli.main import dbtRunner

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

out, variables = sys.argv[1:]
assert dbtRunner().invoke(["run-operation", "one"]).success
before = peak()
arguments = ["--args", '{"out": "%s"}' % out, "--vars", variables]
assert dbtRunner().invoke(["run-operation", "rows", *arguments]).success
print("grown", peak() - before)
"""


def dbt_environment(project: Any) -> dict[str, Any]:
    return {"cwd": project.project_root, "capture_output": True, "text": True, "check": True}


def figure(printed: str, word: str) -> float:
    (line,) = (line for line in printed.splitlines() if f"{word} " in line)
    return float(line.rpartition(f"{word} ")[2])


def columns_of_spark() -> list[dict[str, Any]]:
    words = {"bigint": "long", "int": "integer"}
    return [
        {"name": name, "type": words.get(kind, kind), "nullable": True, "metadata": {}}
        for name, kind in TYPES.items()
    ]


def table_input(name: str, number: int) -> dict[str, Any]:
    """A Parquet table, a partitioned one, one of Iceberg and one of Delta, in turn."""
    columns = [{"Name": column, "Type": kind} for column, kind in TYPES.items()]
    schema = json.dumps({"type": "struct", "fields": columns_of_spark()})
    parameters = {"spark.sql.sources.provider": "parquet", "spark.sql.sources.schema": schema}
    keys: list[dict[str, Any]] = []
    if number % 4 == 1:
        columns, keys = columns[:-1], columns[-1:]
    elif number % 4 == 2:
        parameters = {"table_type": "ICEBERG", "metadata_location": f"s3://scale/{name}/m.json"}
    elif number % 4 == 3:
        parameters["spark.sql.sources.provider"] = "delta"
        columns = [{"Name": "col", "Type": "array<string>"}]
    storage = {"Columns": columns, "Location": f"s3://scale/{name}", "SerdeInfo": {}}
    return {
        **{"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": parameters},
        **{"PartitionKeys": keys, "StorageDescriptor": storage},
    }


class TestDocsOfAThousandTables:
    """100 models and 900 sources, in four schemas that stay behind: dropping them takes long."""

    SOURCES = 300  # in each of three schemas

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+schema": "models"}}

    @pytest.fixture(scope="class")
    def models(self, unique_schema: str) -> dict[str, str]:
        names = "".join(f"\n      - name: t{n}" for n in range(self.SOURCES))
        sources = "".join(
            f"\n  - name: s{n}\n    schema: {unique_schema}_{n}\n    tables:{names}"
            for n in range(3)
        )
        return {
            "sources.yml": f"version: 2\nsources:{sources}\n",
            **{f"t{number}.sql": "select 1 as id" for number in range(100)},
        }

    @pytest.fixture
    def tables(self, project: Any, glue_client: Any) -> None:
        schemas = {f"{project.test_schema}_models": 100}
        schemas |= {f"{project.test_schema}_{n}": self.SOURCES for n in range(3)}

        def create(schema: str) -> None:
            for number in range(schemas[schema]):
                glue_client.create_table(
                    DatabaseName=schema, TableInput=table_input(f"t{number}", number)
                )

        for schema in schemas:
            glue_client.create_database(DatabaseInput={"Name": schema})
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, schemas))

    def test_few_calls_no_session_and_no_time(self, project: Any, tables: None, calls: Any) -> None:
        run_dbt(["parse"])
        calls()
        started = time.monotonic()
        command = [sys.executable, "-m", "dbt.cli.main", "docs", "generate"]
        subprocess.run(command, **dbt_environment(project))
        assert time.monotonic() - started < 10
        counted = calls()
        assert set(counted) <= {"GetTables", "GetDatabases"} and sum(counted.values()) <= 15
        catalog = json.loads(Path(project.project_root, "target", "catalog.json").read_text())
        found = [*catalog["nodes"].values(), *catalog["sources"].values()]
        assert (len(catalog["nodes"]), len(found)) == (100, 1000)
        for table in found:
            columns = sorted(table["columns"].values(), key=lambda column: column["index"])
            assert [(column["name"], column["type"]) for column in columns] == list(TYPES.items())


class OverATransport:
    @pytest.fixture(scope="class", params=["spark_connect", "livy"])
    def dbt_profile_target(
        self, dbt_profile_target: dict[str, Any], request: pytest.FixtureRequest
    ) -> dict[str, Any]:
        session = {"session_type": request.param}
        return {
            **dbt_profile_target,
            **session,
            "glue_session_id": f"functional-tests-{request.param}",
        }

    @pytest.fixture(scope="class")
    def macros(self) -> dict[str, str]:
        return {"rows.sql": RESULT_MACROS}


def seed_row(number: int) -> tuple:
    if number % 97 == 0:
        return (number, *[None] * 9)
    return (
        number,
        number % 1000,
        Decimal(number) / 4,
        f"{TEXTS[number % 4]} {number}",
        f"{number:06d}",
        date(2020, 1, 1) + timedelta(days=number % 1500),
        datetime(2020, 1, 1) + timedelta(seconds=number * 37),
        number % 3 == 0,
        number / 8,
        None,
    )


class TestSeed(OverATransport):
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(TYPES)
        for number in range(ROWS):
            row = seed_row(number)
            writer.writerow(
                ["" if v is None else str(v).lower() if v is True or v is False else v for v in row]
            )
        return {"big.csv": text.getvalue()}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"seeds": {"test": {"big": {"+column_types": TYPES}}}}

    def test_a_hundred_thousand_rows(self, project: Any) -> None:
        project.run_sql("select 1", fetch="one")
        started = time.monotonic()
        (result,) = run_dbt(["seed"])
        assert time.monotonic() - started < 15
        assert result.adapter_response["rows_affected"] == ROWS
        sql = f"select * from {project.test_schema}.big order by id"
        found = [tuple(row) for row in project.run_sql(sql, fetch="all")]
        assert found == [seed_row(number) for number in range(ROWS)]


def result_row(number: int) -> list[str]:
    moment = datetime(2020, 1, 1) + timedelta(microseconds=number * 37000001)
    return [
        *(str(number), str(number % 1000), str((Decimal(number) / 4).quantize(Decimal("0.01")))),
        *(f'naïve "text" {number}', f"c{number}"),
        (date(2020, 1, 1) + timedelta(days=number % 1500)).isoformat(),
        *(moment.isoformat(), str(number % 3 == 0), str(number / 8), ""),
    ]


class TestResult(OverATransport):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"wide.sql": QUERY}

    def test_a_hundred_thousand_rows(self, project: Any, tmp_path: Path) -> None:
        out = tmp_path / "rows.csv"
        variables = json.dumps({"query": QUERY})
        command = [sys.executable, "-c", MEASURE, str(out), variables]
        printed = subprocess.run(command, **dbt_environment(project)).stdout
        assert figure(printed, "took") < 5  # seconds
        assert figure(printed, "grown") < 300_000  # kB
        with open(out, newline="", encoding="utf-8") as file:
            header, *found = csv.reader(file)
        assert header == list(TYPES)
        assert found == [result_row(number) for number in range(ROWS)]

    def test_dbt_show(self, project: Any) -> None:
        """The seconds of the query and its table; dbt's own printing of the rows takes more."""
        shown = run_dbt(["show", "--select", "wide", "--limit", "-1", "--output", "json"])
        assert shown.results[0].execution_time < 5
        table = shown.results[0].agate_table
        assert len(table.rows) == ROWS and str(table.rows[-1]["id"]) == str(ROWS - 1)
