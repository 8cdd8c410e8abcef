"""`make demo`: examples/jaffle_shop on a local Glue, built twice, and a table of what came out."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.adapters.glue.local import launcher
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable

REPO = Path(__file__).resolve().parents[1]
PROJECT = REPO / "examples" / "jaffle_shop"
LOCAL_DIR = PROJECT / ".dbt-glue"
FIRST_DAY = "2026-03-05"
BOLD, DIM, GREEN, PLAIN = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("",) * 4
)


class DemoFailed(Exception):
    """A dbt command of the demo did not succeed."""


@dataclass(frozen=True)
class Run:
    """One dbt command that has ended well."""

    title: str
    seconds: float
    calls: dict[str, int]  # API calls by operation
    results: dict[str, dict[str, Any]]  # run_results.json by node id


def main() -> int:
    started = time.monotonic()
    try:
        local = launcher.ensure_running(LOCAL_DIR)
    except LocalGlueUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    try:
        runs = [
            dbt(local, f"1. The first five days: dbt build, day {FIRST_DAY}", "build",
                "--full-refresh", "--vars", f"day: {FIRST_DAY}"),
            dbt(local, "2. Two days later: dbt build, incremental", "build"),
            dbt(local, "3. dbt docs generate", "docs", "generate"),
        ]  # fmt: skip
        heading("4. What came out")
        show(local, runs)
    except DemoFailed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    finally:
        launcher.stop(LOCAL_DIR)
    closing(time.monotonic() - started)
    return 0


def dbt(local: launcher.LocalGlue, title: str, *arguments: str) -> Run:
    """Run dbt in the example, its output as it comes."""
    heading(title)
    stats(local, reset=True)
    started = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments], cwd=PROJECT, env=environment()
    )
    if done.returncode:
        log = PROJECT / "logs" / "dbt.log"
        raise DemoFailed(f"dbt {' '.join(arguments)} failed; the whole story is in {log}")
    results = json.loads((PROJECT / "target" / "run_results.json").read_text())["results"]
    return Run(
        title=title,
        seconds=time.monotonic() - started,
        calls=stats(local),
        results={result["unique_id"]: result for result in results},
    )


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    return {**kept, "DBT_GLUE_LOCAL_DIR": str(LOCAL_DIR)}


def stats(local: launcher.LocalGlue, *, reset: bool = False) -> dict[str, int]:
    """Calls by operation since the last reset: Glue's by their names, others as `s3:PutObject`."""
    request = urllib.request.Request(
        f"{local.url}/_stats{'/reset' if reset else ''}", method="POST" if reset else "GET"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        body = response.read()
    calls: dict[str, int] = {} if reset else json.loads(body)["calls"]
    return calls


def show(local: launcher.LocalGlue, runs: list[Run]) -> None:
    manifest = json.loads((PROJECT / "target" / "manifest.json").read_text())
    first, second, docs = runs
    nodes = {
        node_id: node
        for node_id, node in sorted(manifest["nodes"].items(), key=lambda item: item[1]["path"])
        if node["resource_type"] in ("seed", "model", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    }
    tables = catalog_tables(local, next(iter(nodes.values()))["schema"])
    counts = row_counts(nodes)
    lines: list[tuple[str, ...]] = [("node", "kind", "format", "rows", "run 1", "run 2", "where")]
    for node_id, node in nodes.items():
        kind, form = node["config"]["materialized"], node["config"].get("file_format") or ""
        lines.append(
            (
                node["name"],
                " ".join(filter(None, (kind, node["config"].get("incremental_strategy")))),
                "" if kind == "view" else form or "parquet",
                str(counts[node["name"]]),
                f"{first.results[node_id]['execution_time']:.1f} s",
                f"{second.results[node_id]['execution_time']:.1f} s",
                "" if kind == "view" else location(tables[node["alias"]]),
            )
        )
    print_table(lines)
    for run in (first, second):
        passed = sum(result["status"] == "pass" for result in run.results.values())
        built = sum(result["status"] == "success" for result in run.results.values())
        print(
            f"{GREEN}{run.title:<48}{PLAIN} {run.seconds:5.0f} s   {built} built, {passed} tests "
            f"passed   {api_calls(run)}"
        )
    print(f"{GREEN}{docs.title:<48}{PLAIN} {docs.seconds:5.0f} s   {api_calls(docs)}")


def api_calls(run: Run) -> str:
    sessions = run.calls.get("CreateSession", 0)
    statements = run.calls.get("connect:ExecutePlan", 0) + run.calls.get("RunStatement", 0)
    calls = sum(number for name, number in run.calls.items() if ":" not in name)
    return f"{counted(sessions, 'session')}, {counted(statements, 'statement')}, {calls} API calls"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def catalog_tables(local: launcher.LocalGlue, database: str) -> dict[str, dict[str, Any]]:
    """The tables as any AWS client sees them: boto3's GetTables on the local catalog."""
    glue = local.client("glue")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    return {table["Name"]: table for page in pages for table in page["TableList"]}


def location(table: dict[str, Any]) -> str:
    """Where the data is. Spark keeps the path of tables that Hive cannot read beside a placeholder,
    in the serde's parameters."""
    storage = table["StorageDescriptor"]
    path: str = storage.get("SerdeInfo", {}).get("Parameters", {}).get("path")
    return path or storage["Location"]


def row_counts(nodes: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Rows of every node, by one `dbt show`."""
    counted = " union all ".join(
        f"select '{node['name']}' as node, count(*) as number from {{{{ ref('{node['name']}') }}}}"
        for node in nodes.values()
    )
    command = ["--quiet", "show", "--inline", counted, "--output", "json", "--limit", "-1"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *command],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise DemoFailed(f"dbt show, which counts the rows, failed:\n{done.stdout}")
    shown = json.loads(done.stdout[done.stdout.index("{") :])["show"]
    return {row["node"]: int(row["number"]) for row in shown}


def print_table(lines: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        cells = (
            cell.rjust(width) if column in (3, 4, 5) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        style = BOLD if number == 0 else ""
        print(f"{style}{'  '.join(cells).rstrip()}{PLAIN if style else ''}")
    print()


def heading(title: str) -> None:
    print(f"\n{BOLD}{title}{PLAIN}", flush=True)


def closing(seconds: float) -> None:
    print(
        f"""
{BOLD}Done in {seconds:.0f} s.{PLAIN} The tables stay in {LOCAL_DIR}
{DIM}s3://BUCKET/KEY is the file {LOCAL_DIR}/s3/BUCKET/KEY{PLAIN}

Look into them (local Glue starts again by itself):
  cd examples/jaffle_shop
  ../../.venv/bin/dbt show --select customer_history --limit 50
  ../../.venv/bin/dbt build --vars 'day: 2026-03-07' --select fct_orders+
  ../../.venv/bin/dbt docs serve"""
    )


if __name__ == "__main__":
    sys.exit(main())
