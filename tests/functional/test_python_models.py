"""Python models: every format and kind of frame, each built twice, and what goes wrong in them."""

import time
from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "orc", "avro", "csv", "json", "iceberg", "delta", "hudi")
FIRST = [(1, "one", "a"), (2, "two", "a"), (3, "three", "b")]
MERGED = [(1, "one", "a"), (2, "two", "a"), (3, "THREE", "b"), (4, "four", "b")]
APPENDED = sorted([*FIRST, (3, "THREE", "b"), (4, "four", "b")])

BASE_SQL = """
{{ config(materialized='table') }}
select * from values (1, 'one', 'a'), (2, 'two', 'a'), (3, 'three', 'b') as t(id, name, part)
"""
TABLE_PY = """
def model(dbt, session):
    dbt.config(materialized="{materialized}", file_format="{file_format}", partition_by=["part"])
    frame = dbt.ref("base")
    assert dbt.config.get("file_format") == "{file_format}" and not dbt.is_incremental()
    return frame.filter(frame.id > 1).select("id", "name", "part")
"""
TABLE_ROWS = [(2, "two", "a"), (3, "three", "b")]
INCREMENTAL_PY = """
def model(dbt, session):
    dbt.config(
        materialized="incremental", file_format="{file_format}", {key}
        partition_by=["part"], incremental_strategy="{strategy}",
    )
    if dbt.is_incremental:
        assert session.table(dbt.this).count() == 3, dbt.this.identifier
        new = [(3, "THREE", "b"), (4, "four", "b")]
        return session.createDataFrame(new, "id int, name string, part string")
    return dbt.ref("base")
"""
# The strategies that every format has, and merge. insert_overwrite replaces the partition b.
INCREMENTALS = {
    **{f"{name}_append": APPENDED for name in FORMATS},
    **{f"{name}_insert_overwrite": MERGED for name in FORMATS},
    **{f"{name}_merge": MERGED for name in ("iceberg", "delta", "hudi")},
}
# Text files hold one column.
TEXT_PY = """
def model(dbt, session):
    dbt.config(materialized="incremental", file_format="text", incremental_strategy="{}")
    return session.createDataFrame([("it" + str(int(dbt.is_incremental)),)], "line string")
"""
ITSELF_PY = """
def model(dbt, session):
    dbt.config(materialized="incremental")
    rows = session.createDataFrame([(1,)], "id int")
    if dbt.is_incremental:
        rows = rows.union(session.table(dbt.this).selectExpr("id + 1"))
    return rows
"""
PANDAS_PY = """
import pandas


def model(dbt, session):
    dbt.config(materialized="table")
    frame = dbt.source("given", "base").toPandas().sort_values("id")
    frame["share"] = [0.5, None, 2.0]
    frame["note"] = [None, "é😀", "it's \\"so\\""]
    return frame
"""
ON_SPARK_PY = """
def model(dbt, session):
    dbt.config(materialized="table", file_format="iceberg")
    frame = dbt.ref("pandas_frame").pandas_api()
    return frame[frame["id"] < 3]
"""
# Beside a Spark Connect session Python has one of its own: neither may go on with what it has read
# before the other wrote. Each `seen` is read by SQL, then written by Python, then read by SQL, and
# Python reads what SQL has just rewritten.
SEEN_FORMATS = ("parquet", "iceberg", "delta")
SEEN_PY = """
def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="append", file_format="{}")
    before = dbt.ref("before_{}").collect()[0].n
    return session.createDataFrame([(before,)], "n long")
"""
BEFORE_SQL = """
{{{{ config(materialized='table', file_format='{0}') }}}}
{{% if var('run') == 1 %}}
select 0L as n
{{% else %}}
select count(*) as n from {{{{ adapter.get_relation(none, target.schema, 'seen_{0}') }}}}
{{% endif %}}
"""
AFTER_SQL = """
{{{{ config(materialized='table') }}}}
select count(*) as rows, max(n) as n from {{{{ ref('seen_{0}') }}}}
"""
UDF_PY = """
from pyspark.sql.functions import udf


@udf("string")
def shout(text):
    return text.upper() + "!"


def model(dbt, session):
    dbt.config(materialized="table", file_format="delta")
    print("model", dbt.this.identifier, "runs")
    return dbt.ref("base").select("id", shout("name").alias("name"), "part")
"""
SOURCES_YML = """
sources:
  - name: given
    schema: "{{ target.schema }}"
    tables: [{name: base}]
"""


def rows_of(name: str, columns: str = "id, name, part") -> list[tuple[Any, ...]]:
    query = f"select {columns} from {{{{ ref('{name}') }}}} order by all"
    shown = run_dbt(["show", "--limit", "-1", "--inline", query])
    return [tuple(row) for row in shown.results[0].agate_table.rows]


class TestPythonModels:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        tables = {
            f"table_{name}": TABLE_PY.format(materialized="table", file_format=name)
            for name in FORMATS
        }
        incrementals = {
            name: INCREMENTAL_PY.format(
                file_format=name.split("_")[0],
                strategy=name.partition("_")[2],
                # Hudi updates the row of a key, whatever the strategy
                key='unique_key="id",' if name.endswith("_merge") else "",
            )
            for name in INCREMENTALS
        }
        seen = {f"seen_{name}": SEEN_PY.format(name, name) for name in SEEN_FORMATS}
        python = {
            **tables,
            **incrementals,
            **seen,
            "text_append": TEXT_PY.format("append"),
            "text_insert_overwrite": TEXT_PY.format("insert_overwrite"),
            "old_kind": TABLE_PY.format(materialized="python_model", file_format="iceberg"),
            "itself": ITSELF_PY,
            "pandas_frame": PANDAS_PY,
            "on_spark": ON_SPARK_PY,
            "with_udf": UDF_PY,
        }
        sql = {"base": BASE_SQL}
        sql |= {f"before_{name}": BEFORE_SQL.format(name) for name in SEEN_FORMATS}
        sql |= {f"after_{name}": AFTER_SQL.format(name) for name in SEEN_FORMATS}
        return {
            **{f"{name}.py": text for name, text in python.items()},
            **{f"{name}.sql": text for name, text in sql.items()},
            "sources.yml": SOURCES_YML,
        }

    @pytest.fixture(scope="class")
    def two_runs(self, project: Any) -> str:
        """What dbt logged in the second run."""
        for run in (1, 2):
            command = ["build", "--vars", f"run: {run}"]
            results, log = run_dbt_and_capture(command, expect_pass=None)
            failed = {r.node.name: r.message for r in results if str(r.status) != "success"}
            assert failed == {}
        return log

    @pytest.fixture(scope="class")
    def found(self, two_runs: str) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the models that have base's columns, by one query."""
        names = [*(f"table_{name}" for name in FORMATS), "old_kind", *INCREMENTALS, "with_udf"]
        queries = [
            f"select '{name}', id, name, part from {{{{ ref('{name}') }}}}" for name in names
        ]
        shown = run_dbt(["show", "--limit", "-1", "--inline", " union all ".join(queries)])
        rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}
        for name, *row in shown.results[0].agate_table.rows:
            rows[name].append(tuple(row))
        return {name: sorted(given) for name, given in rows.items()}

    @pytest.mark.parametrize("name", [*(f"table_{name}" for name in FORMATS), "old_kind"])
    def test_table(self, found: dict[str, list[Any]], name: str) -> None:
        assert found[name] == TABLE_ROWS

    @pytest.mark.parametrize("name", list(INCREMENTALS))
    def test_pain_19_every_format_and_strategy(
        self, found: dict[str, list[Any]], name: str
    ) -> None:
        assert found[name] == INCREMENTALS[name]

    def test_text(self, two_runs: str, project: Any) -> None:
        query = "select line from {0}.text_append union all select line from {0}.text_{1}"
        rows = project.run_sql(query.format(project.test_schema, "insert_overwrite"), fetch="all")
        assert sorted(row[0] for row in rows) == ["it0", "it1", "it1"]

    def test_user_defined_function(self, found: dict[str, list[Any]]) -> None:
        assert found["with_udf"] == [(i, f"{name.upper()}!", part) for i, name, part in FIRST]

    def test_pain_19_frames_of_pandas(self, two_runs: str, project: Any) -> None:
        query = "select id, share, note from {}.{} order by id"
        rows = project.run_sql(query.format(project.test_schema, "pandas_frame"), fetch="all")
        assert [tuple(row) for row in rows] == [
            (1, 0.5, None),
            (2, None, "é😀"),
            (3, 2.0, 'it\'s "so"'),
        ]
        query = "select id, note from glue_catalog.{}.{} order by id"
        rows = project.run_sql(query.format(project.test_schema, "on_spark"), fetch="all")
        assert [tuple(row) for row in rows] == [(1, None), (2, "é😀")]

    def test_overwrites_the_table_that_it_reads(self, two_runs: str, project: Any) -> None:
        rows = project.run_sql(
            f"select id from {project.test_schema}.itself order by id", fetch="all"
        )
        assert [row[0] for row in rows] == [1, 2]

    @pytest.mark.parametrize("name", SEEN_FORMATS)
    def test_sessions_see_what_the_other_has_written(
        self, two_runs: str, project: Any, name: str
    ) -> None:
        after = project.run_sql(
            f"select rows, n from {project.test_schema}.after_{name}", fetch="one"
        )
        assert tuple(after) == (2, 1)

    def test_prints_are_in_the_log(self, two_runs: str) -> None:
        assert "with_udf: model with_udf runs" in two_runs

    def test_nothing_temporary_is_left(self, two_runs: str, project: Any, glue_client: Any) -> None:
        listed = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        assert [table["Name"] for table in listed if "dbt_tmp" in table["Name"]] == []


FAILS_PY = """# The first line of the file.
def halve(number):
    return number / 0


def model(dbt, session):
    dbt.config(materialized="table")
    print("so far so good")
    return session.createDataFrame([(halve(1),)], "x double")
"""
NO_FRAME_PY = """
def model(dbt, session):
    dbt.config(materialized="table")
    return [1, 2]
"""
NO_PACKAGE_PY = """
import surely_not_here


def model(dbt, session):
    dbt.config(materialized="table", packages=["surely-not-here==1.0", "pyspark"])
    return surely_not_here.frame()
"""
SLOW_PY = """
import time


def model(dbt, session):
    dbt.config(materialized="table", timeout={timeout})
    print("sleeps")
    while {loop}:
        time.sleep(0.05)

    def sleep(rows):
        time.sleep(300)
        yield from rows

    return session.range(1).mapInPandas(sleep, "id long")
"""
NO_METHOD_PY = """
def model(dbt, session):
    dbt.config(materialized="table", submission_method="serverless")
    return session.range(1)
"""
HERE_PY = """
import pandas
from pyspark.sql import functions as F
from pyspark.sql.functions import udf


@udf("string")
def shout(text):
    return text.upper()


def model(dbt, session):
    dbt.config(materialized="incremental", file_format="{file_format}", unique_key="id",
               incremental_strategy="{strategy}", submission_method="spark_connect")
    print("here", dbt.this.identifier, dbt.is_incremental)
    if not dbt.is_incremental:
        return dbt.ref("base").withColumn("name", F.col("name"))
    assert session.table(dbt.this).count() == 3
    new = session.createDataFrame(pandas.DataFrame({{"id": [3, 4], "part": ["b", "b"]}}))
    new = new.withColumn("name", F.when(F.col("id") == 4, "four").otherwise(shout(F.lit("three"))))
    return new.select(F.col("id").cast("int").alias("id"), "name", "part")
"""


class TestFailures:
    """In a Livy session, which is that of SQL as well."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        livy = {"session_type": "livy", "glue_session_id": "functional-tests-livy"}
        return {**dbt_profile_target, **livy}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "fails.py": FAILS_PY,
            "no_frame.py": NO_FRAME_PY,
            "no_package.py": NO_PACKAGE_PY,
            "no_method.py": NO_METHOD_PY,
            "loops.py": SLOW_PY.format(timeout=4, loop=True),
            "sleeps.py": SLOW_PY.format(timeout=4, loop=False),
            "base.sql": BASE_SQL,
            "here.py": HERE_PY.format(file_format="parquet", strategy="append"),
        }

    @pytest.fixture(scope="class")
    def messages(self, project: Any) -> dict[str, str]:
        started = time.monotonic()
        results, log = run_dbt_and_capture(["run"], expect_pass=False)
        assert time.monotonic() - started < 120
        assert {r.node.name for r in results if str(r.status) == "success"} == {"base"}
        return {"log": log, **{r.node.name: r.message for r in results}}

    def test_traceback_shows_the_users_lines(self, messages: dict[str, str]) -> None:
        told = messages["fails"]
        assert "ZeroDivisionError: division by zero" in told
        assert 'File "models/fails.py", line 3, in halve\n' in told
        assert "return number / 0" in told and "line 9, in model" in told
        assert "dbtObj" not in told and "Printed before that:" in told
        assert "so far so good" in told

    def test_what_is_no_frame(self, messages: dict[str, str]) -> None:
        assert "model() returned builtins.list, expected a DataFrame" in messages["no_frame"]

    def test_packages_that_are_not_there(self, messages: dict[str, str]) -> None:
        assert "surely-not-here==1.0" in messages["no_package"]
        assert "name them in `packages` of the profile" in messages["no_package"]

    def test_submission_methods(self, messages: dict[str, str]) -> None:
        assert (
            "got 'serverless', expected one of glue_session, spark_connect"
            in (messages["no_method"])
        )
        assert "the session is of type livy" in messages["here"]

    @pytest.mark.parametrize("name", ["loops", "sleeps"])
    def test_timeout(self, messages: dict[str, str], name: str) -> None:
        assert "cancelled" in messages[name]
        assert f"{name}: its timeout of 4 seconds has passed" in messages["log"]


class TestSparkConnect:
    """`submission_method: spark_connect`: the code runs in dbt's own process."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, dbt_profile_target: dict[str, Any]) -> dict[str, Any]:
        connect = {"session_type": "spark_connect"}
        return {
            **dbt_profile_target,
            **connect,
            "glue_session_id": "functional-tests-spark_connect",
        }

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        here = 'materialized="table", submission_method="spark_connect"'
        slow = SLOW_PY.replace('materialized="table"', here)
        return {
            "base.sql": BASE_SQL,
            "here_iceberg.py": HERE_PY.format(file_format="iceberg", strategy="merge"),
            "here_parquet.py": HERE_PY.format(file_format="parquet", strategy="append"),
            "on_spark.py": ON_SPARK_PY.replace('materialized="table"', here).replace(
                "pandas_frame", "base"
            ),
            "bad_fails.py": FAILS_PY.replace('materialized="table"', here),
            "bad_loops.py": slow.format(timeout=4, loop=True),
            "bad_sleeps.py": slow.format(timeout=4, loop=False),
        }

    def test_two_runs_and_failures(self, project: Any, calls: Any) -> None:
        results, _ = run_dbt_and_capture(["run"], expect_pass=False)
        failed = {r.node.name: r.message for r in results if str(r.status) != "success"}
        assert failed == {
            name: failed.get(name) for name in ("bad_fails", "bad_loops", "bad_sleeps")
        }
        assert 'File "models/bad_fails.py", line 3, in halve\n' in failed["bad_fails"]
        assert "so far so good" in failed["bad_fails"]
        assert "cancelled" in failed["bad_loops"] and "cancelled" in failed["bad_sleeps"]

        results, log = run_dbt_and_capture(["run", "--exclude", "bad_*"], expect_pass=None)
        assert {r.node.name: r.message for r in results if str(r.status) != "success"} == {}
        assert calls().get("RunStatement", 0) == 0
        assert "here_iceberg: here here_iceberg 1" in log
        query = "select id, name, part from {}.{} order by id, name"
        schema = project.test_schema
        rows = project.run_sql(query.format(f"glue_catalog.{schema}", "here_iceberg"), fetch="all")
        assert [tuple(row) for row in rows] == MERGED
        rows = project.run_sql(query.format(schema, "here_parquet"), fetch="all")
        assert [tuple(row) for row in rows] == APPENDED
        rows = project.run_sql(query.format(f"glue_catalog.{schema}", "on_spark"), fetch="all")
        assert [tuple(row) for row in rows] == FIRST[:2]
