"""Sent as text into the session that class_archive.py records: loads what dbt runs load, and ends.

`spark` and `sc` are the session's own; `repl` is the path of repl.py, `formats` a list of names.
"""

# mypy: ignore-errors
# ruff: noqa: F821

import runpy

# Hudi's classes would double the time that the archive takes.
from py4j.protocol import Py4JError

TABLES = {
    "iceberg": ("glue_catalog.classes.i", "using iceberg partitioned by (b)"),
    "delta": ("classes.d", "using delta location 's3://classes/d'"),
    "parquet": ("classes.p", "using parquet partitioned by (b) location 's3://classes/p'"),
}
ROWS = "select id as a, concat('n', id % 3) as b, current_timestamp() as c from range(9)"
MERGE = (
    "merge into {name} t using (select * from m) s on t.a = s.a "
    "when matched then update set * when not matched then insert *"
)


def use(formats, run):
    run(f"create or replace temporary view m as {ROWS}")
    for kind in TABLES.keys() & {*formats, "parquet"}:
        name, how = TABLES[kind]
        run(f"create table {name} {how} as {ROWS}")
        if kind == "parquet":
            run(f"insert overwrite {name} select a, c, b from m")
        else:
            run(MERGE.format(name=name))
        run(f"select count(*), max(a), b from {name} where a is not null group by b order by b")
    run("create or replace view classes.v as select * from classes.p")
    run("select * from classes.v v join m on v.a = m.a")
    run("show tables in classes")


use(formats, lambda sql: spark.sql(sql).collect())
try:
    from pyspark.sql.connect.client import SparkConnectClient
except ImportError:
    pass  # without the extra `connect` nothing here speaks Spark Connect
else:
    port = runpy.run_path(repl, run_name="repl")["serve_connect"](sc)
    client = SparkConnectClient(f"sc://127.0.0.1:{port}/;use_ssl=false")
    from pyspark.sql.connect.plan import SQL

    for sql in ("select 1 as a", "select * from classes.v", "select count(*) from m_absent"):
        try:
            client.to_table(SQL(sql, None).to_proto(client))
            client.execute_command(SQL("select 2 as b", None).command(client))
        except Exception:  # the refusal of a table that is not there loads classes too
            if "absent" not in sql:
                raise
    client.close()
try:
    sc._jvm.System.exit(0)
except Py4JError:
    pass  # it does not answer any more
