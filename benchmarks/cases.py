"""What is raced: projects and commands, and who runs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import jaffle, project
from benchmarks.stand import DRIVER_MEMORY, Stand

DOCS_SCHEMA = "race_docs"
RESULT_SCHEMA = "race_result"
MANY_THREADS = 16
SMALL_DRIVER_MEMORY = "1g"  # 16 Sparks of the released adapter have to fit into the machine


@dataclass(frozen=True)
class Adapter:
    """One way to run a case. target, reuse_target: of the profile that project.py writes.

    kind: how (see race.py): dbt in the venv of `released` or in ours; `profile`, ours with a
    record of where the time went; `floor`, what that record has, sent without dbt; `nothing`, dbt
    with an adapter that does nothing.
    """

    name: str
    title: str
    target: str = ""
    reuse_target: str = ""
    kind: str = "ours"


ADAPTERS = {
    adapter.name: adapter
    for adapter in (
        Adapter("released", "1.12.4", "glue", "reuse", "released"),
        Adapter("released_reuse", "1.12.4, `glue_session_reuse`", "reuse", "reuse", "released"),
        Adapter("connect", "ours, Spark Connect", "glue", "reuse"),  # `session_type: auto`
        Adapter("livy", "ours, Livy", "livy", "livy_reuse"),
        Adapter("profile", "ours, Spark Connect, recorded", "glue", kind="profile"),
        Adapter("floor", "the same SQL without dbt", kind="floor"),
        Adapter("nothing", "dbt with an adapter that does nothing", "nothing", kind="nothing"),
    )
}
OURS = ("connect", "livy")


@dataclass(frozen=True)
class Case:
    """A dbt command on a project, in a schema of its own.

    write puts the project into a folder. repeat: measured is the second run, in a session that the
    first has left. prepare makes what the command finds in the catalog; then the schema is shared
    by all adapters. limit: seconds after which a run is stopped.
    """

    name: str
    title: str
    write: Callable[[Path], object]
    command: tuple[str, ...] = ("build",)
    threads: int = 4
    repeat: bool = False
    prepare: Callable[[Stand], None] | None = None
    schema: str | None = None
    driver_memory: str = DRIVER_MEMORY
    limit: float = 1800.0


@dataclass(frozen=True)
class Heat:
    """One run of one case by one adapter."""

    case: Case
    latency: str  # a key of stand.LATENCIES
    adapter: Adapter

    @property
    def name(self) -> str:
        return f"{self.case.name}-{self.latency}-{self.adapter.name}"


def generated(count: int, threads: int) -> Case:
    many = threads >= MANY_THREADS
    return Case(
        f"models_{count}_threads_{threads}",
        f"{count} models and {count} tests, {threads} thread{'s' if threads > 1 else ''}",
        lambda folder: project.write_project(folder, count, count),
        threads=threads,
        driver_memory=SMALL_DRIVER_MEMORY if many else DRIVER_MEMORY,
    )


def jaffle_case(repeat: bool) -> Case:
    title = "the classic jaffle shop, 4 threads"
    if repeat:
        return Case(
            "jaffle_repeat",
            f"{title}: again, in the session that is still there",
            jaffle.write_jaffle_project,
            repeat=True,
        )
    return Case("jaffle", title, jaffle.write_jaffle_project)


def docs(tables: int, limit: float = 120.0) -> Case:
    return Case(
        f"docs_{tables}",
        f"docs generate over {tables:,} tables",
        lambda folder: project.write_sources_project(folder, tables),
        command=("docs", "generate"),
        prepare=lambda stand: make_tables(stand, f"{DOCS_SCHEMA}_{tables}", tables),
        schema=f"{DOCS_SCHEMA}_{tables}",
        limit=limit,
    )


def seed(rows: int, limit: float = 400.0) -> Case:
    return Case(
        f"seed_{rows}",
        f"a seed of {rows:,} rows",
        lambda folder: project.write_seed_project(folder, rows),
        command=("seed",),
        limit=limit,
    )


def result(rows: int) -> Case:
    return Case(
        f"result_{rows}",
        f"a result of {rows:,} rows",
        project.write_result_project,
        command=("run-operation", "fetch", "--args", f"{{rows: {rows}}}"),
        prepare=lambda stand: make_tables(stand, RESULT_SCHEMA, 0),
        schema=RESULT_SCHEMA,
        limit=300.0,
    )


def make_tables(stand: Stand, schema: str, tables: int) -> None:
    """Tables without data, straight into the catalog; those that are there stay."""
    glue = stand.client("glue")
    try:
        glue.create_database(DatabaseInput={"Name": schema})
    except glue.exceptions.AlreadyExistsException:
        pass
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=schema)
    there = {table["Name"] for page in pages for table in page["TableList"]}
    for name in project.source_tables(tables):
        if name not in there:
            glue.create_table(DatabaseName=schema, TableInput=_table(schema, name))


def _table(schema: str, name: str) -> dict[str, object]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [
                {"Name": "id", "Type": "bigint", "Comment": "who it is"},
                {"Name": "name", "Type": "string"},
                {"Name": "amount", "Type": "double"},
                {"Name": "created_at", "Type": "timestamp"},
            ],
            "Location": f"s3://dbt-glue-race/{schema}/{name}/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": (
                    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
                )
            },
        },
    }


def plan(count: int) -> list[Heat]:
    """All heats, the telling ones first. `count`: models of the generated project.

    One by one, the released adapter needs about 20 minutes for 100 models; so its faster mode and
    its single thread run on a fifth of them, beside ours.
    """
    few = max(5, count // 5)
    big, both = generated(count, 4), ("none", "aws")
    quick = ("connect", "livy", "released")
    heats = _heats(big, both, quick)
    heats += _heats(big, ["none"], ["nothing", "profile"]) + _heats(big, both, ["floor"])
    heats += _heats(jaffle_case(repeat=False), both, (*quick, "released_reuse"))
    heats += _heats(jaffle_case(repeat=True), both, (*OURS, "released_reuse"))
    heats += _heats(docs(1000), both, OURS)
    heats += _heats(result(10), ["none"], quick) + _heats(result(100_000), ["none"], quick)
    heats += _heats(seed(100_000), ["none"], quick)
    heats += _heats(generated(count, MANY_THREADS), both, OURS)
    heats += _heats(generated(few, 4), both, (*OURS, "released_reuse"))
    heats += _heats(generated(count, 1), ["none"], ["connect"])
    heats += _heats(docs(20), ["none"], quick)
    heats += _heats(generated(few, 1), ["none"], ["connect", "released"])
    heats += _heats(generated(count, MANY_THREADS), ["none"], ["released"])
    heats += _heats(docs(1000), ["none"], ["released"])
    return heats


def _heats(case: Case, latencies: Sequence[str], adapters: Sequence[str]) -> list[Heat]:
    return [Heat(case, latency, ADAPTERS[name]) for latency in latencies for name in adapters]
