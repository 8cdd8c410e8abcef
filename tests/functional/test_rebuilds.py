"""Tables are built anew without a gap: readers find the older rows or the newer ones, and a table
that cannot be built stays as it is."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

from dbt.adapters.glue.clients import get_clients
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.transport import Transport

pytestmark = pytest.mark.slow

CHANGED = "{% if var('changed', false) %}"


class TestWhatIsThereStays:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        table = "{{ config(materialized='table') }} select 1 as id"
        more = "union all select id from {{ this }}"
        inner = (
            "{{ config(materialized='table', custom_location='s3://functional-tests/warehouse/'"
            " ~ target.schema ~ '/outer/inner') }} select 2 as id"
        )
        return {
            "twice.sql": f"{table} {CHANGED}, 2 as ID {{% endif %}}",
            "untyped.sql": f"{table} {CHANGED}, null as n {{% endif %}}",
            "itself.sql": f"{table} {CHANGED} {more} {{% endif %}}",
            "outer.sql": table,
            "inner.sql": "-- depends_on: {{ ref('outer') }}\n" + inner,
        }

    def test_errors_come_before_the_drop(self, project: Any) -> None:
        run_dbt(["run"])
        results = run_dbt(["run", "--vars", "changed: true"], expect_pass=False)
        told = {result.node.name: result.message for result in results}
        assert "more than one column" in told["twice"]
        assert "column n has no type" in told["untyped"]
        assert told["itself"].startswith("OK")
        assert "it holds the table" in told["outer"]
        for name in ("twice", "untyped", "itself", "outer", "inner"):
            found = project.run_sql(f"select * from {project.test_schema}.{name}", fetch="all")
            expected = {"inner": [(2,)], "itself": [(1,), (1,)]}.get(name, [(1,)])
            assert [tuple(row) for row in found] == expected


class TestPartitionsByAnotherCase:
    """Spark compares names without case; so may partition_by and the query."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        config = "{{ config(materialized='%s', partition_by=['%s']) }} select 1 as id, '1' as %s"
        return {
            "upper.sql": config % ("table", "Day", "day"),
            "lower.sql": config % ("table", "day", "Day"),
            "grows.sql": config % ("incremental", "DAY", "Day"),
        }

    def test_partitions(self, project: Any) -> None:
        for _ in range(2):
            run_dbt(["run"])
            for name in ("upper", "lower", "grows"):
                query = f"select id, day from {project.test_schema}.{name}"
                assert project.run_sql(query, fetch="all") == [(1, "1")]


class TestNamesAsTheyAreWritten:
    """The catalog has names in lower case; a folder, a query and partition_by may not."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        model = "{{ config(materialized='%s', file_format='%s', alias='%s'%s) }} "
        rows = "select 1 as id, 'x' as a, 'y' as `b-c`"
        itself = "select 1 as id {% if is_incremental() %} union all select id from {{ this }}"
        parts = ", partition_by='a, `b-c`'"
        return {
            "plain.sql": model % ("table", "delta", "MyPlain", "") + rows,
            "parts.sql": model % ("table", "delta", "MyParts", parts) + rows,
            "moves.sql": model % ("table", "parquet", "MyMoves", "") + rows,
            "itself.sql": model % ("incremental", "parquet", "MySelf", "")
            + f"{itself} {{% endif %}}",
        }

    def test_two_runs(self, project: Any, glue_client: Any) -> None:
        for _ in range(2):
            _, log = run_dbt_and_capture(["--debug", "run"])
        for name in ("MyPlain", "MyParts"):
            found = project.run_sql(f"describe detail {project.test_schema}.{name}", fetch="all")
            location = [value for value in found[0] if str(value).startswith("s3")]
            assert location[0].endswith(f"/{name}")  # not a build's folder
            assert (["a", "b-c"] in list(found[0])) == (name == "MyParts")
        assert re.search("alter table .*mymoves` set location", log)
        found = project.run_sql(f"select id from {project.test_schema}.myself", fetch="all")
        assert [tuple(row) for row in found] == [(1,), (1,)]


FORMATS = ["parquet", "orc", "avro", "json", "csv", "text", "iceberg", "delta", "hudi"]
ROWS = 8
# run: which one wrote the row. A row that cannot be computed stops the write in its middle.
MODEL = """
{{ config(materialized='%s', file_format='%s'%s) }}
select cast({{ var('run') }} as int) as run, id, concat('p', id %% 2) as part
{%% if var('wider', false) %%}, cast(id as double) as more {%% endif %%}
from (
  select if({{ var('broken', false) }} and id = 7, raise_error('no row 7'), id) as id
  from (select explode(sequence(1, 8)) as id)
)
"""
TEXT_MODEL = """
{{ config(materialized='table', file_format='text') }}
select if({{ var('broken', false) }} and id = 7, raise_error('no row 7'), '{{ var('run') }}') as run
from (select explode(sequence(1, 8)) as id)
"""


def right(name: str, row: tuple[Any, ...], run: int) -> bool:
    """Whether a reader has found all rows of the run before or of this run; partitions of a
    Hive-format table move one by one."""
    whole = row[0] == ROWS and {row[1], row[2]} <= {run - 1, run}
    return whole and (row[1] == row[2] or name == "t_parquet_by_part")


class Reader:
    """Reads tables in turn until it is told to stop, and as Athena does: nothing of the catalog or
    of files is kept for the next read, since each round is a Spark session of its own."""

    def __init__(self, project: Any, tables: dict[str, str]) -> None:
        self._credentials = project.adapter.config.credentials
        self._tables = tables
        self.found: list[tuple[str, tuple[Any, ...]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        credentials = self._credentials
        spec = session_spec(credentials, credentials.session_type)
        name = SessionName(credentials.glue_session_id, shared=True)
        while not self._stop.is_set():
            clients = get_clients(credentials.client_settings())
            pool = SessionPool(clients, threads=1, provisioning_timeout=300)
            try:
                self._read_all(pool.transport(spec, name))
            finally:
                pool.close()

    def _read_all(self, transport: Transport) -> None:
        for name, table in self._tables.items():
            try:
                sql = f"select count(*), min(int(run)), max(int(run)) from {table}"
                (row,) = transport.execute(sql).rows
            except GlueError as error:
                row = (str(error),)
            self.found.append((name, tuple(row)))

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(120)


class TestEveryFormatWithoutAGap:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        files = {
            f"{name}.sql": MODEL % ("table", name, ", unique_key='id'" if name == "hudi" else "")
            for name in FORMATS
            if name != "text"
        }
        by_part = ", partition_by='part'"
        files |= {
            "text.sql": TEXT_MODEL,
            "parquet_by_part.sql": MODEL % ("incremental", "parquet", by_part),
            "delta_by_part.sql": MODEL % ("incremental", "delta", by_part),
            "hudi_by_part.sql": MODEL % ("table", "hudi", by_part + ", unique_key='id'"),
        }
        return {f"t_{name}": text for name, text in files.items()}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        # what the last model has replaced goes when the run ends: its readers shall be done
        return {"on-run-end": "select java_method('java.lang.Thread', 'sleep', 4000L)"}

    @pytest.fixture
    def tables(self, project: Any, models: dict[str, str]) -> dict[str, str]:
        names = [file.removesuffix(".sql") for file in models]
        return {
            name: ("glue_catalog." if name == "t_iceberg" else "") + f"{project.test_schema}.{name}"
            for name in names
        }

    def test_pain_31_full_refresh_leaves_no_gap_and_no_ruin(
        self, project: Any, tables: dict[str, str], glue_client: Any, s3_client: Any
    ) -> None:
        run_dbt(["run", "--vars", "run: 1"])
        for run, variables in ((2, "{run: 2}"), (3, "{run: 3, wider: true}")):
            reader = Reader(project, tables)
            with reader.reading():
                run_dbt(["run", "--full-refresh", "--vars", variables])
            assert {name for name, _ in reader.found} == set(tables)
            wrong = [found for found in reader.found if not right(*found, run)]
            assert not wrong, f"of {len(reader.found)} reads, last first: {wrong[::-1]}"
            self.check(project, tables, run)
        before = self.left(project, glue_client, s3_client)
        broken = ["run", "--full-refresh", "--vars", "{run: 4, broken: true}"]
        results = run_dbt(broken, expect_pass=False)
        told = {r.node.name: r.message for r in results if r.node.name in tables}
        assert set(told) == set(tables)
        assert all("no row 7" in message for message in told.values()), told
        self.check(project, tables, 3)
        assert self.left(project, glue_client, s3_client) == before
        # what the catalog says is what Spark reads
        columns = glue_client.get_table(DatabaseName=project.test_schema, Name="t_parquet_by_part")
        stored = columns["Table"]["StorageDescriptor"]["Columns"]
        assert [column["Name"] for column in stored] == ["run", "id", "more"]

    def check(self, project: Any, tables: dict[str, str], run: int) -> None:
        wanted = " union all ".join(
            f"select '{name}' as name, count(*) as rows, min(int(run)) as first, "
            f"max(int(run)) as last from {table}"
            for name, table in tables.items()
        )
        for name, *found in project.run_sql(wanted, fetch="all"):
            assert tuple(found) == (ROWS, run, run), name

    def left(self, project: Any, glue_client: Any, s3_client: Any) -> tuple[set[str], set[str]]:
        """Names in the catalog, and the folders of builds."""
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        prefix = f"warehouse/{project.test_schema}/"
        pages = s3_client.get_paginator("list_objects_v2").paginate(
            Bucket="functional-tests", Prefix=prefix
        )
        keys = [item["Key"].removeprefix(prefix) for page in pages for item in page["Contents"]]
        folders = {"/".join(key.split("/")[:2]) for key in keys if "/dbt_build_" in key}
        return {table["Name"] for table in listed}, folders
