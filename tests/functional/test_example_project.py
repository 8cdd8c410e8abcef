"""examples/jaffle_shop as a user runs it: two builds, freshness, docs."""

import csv
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import venvs

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DBT = str(Path(sys.executable).with_name("dbt"))


class Example:
    """The example in a copy, run by the dbt command."""

    def __init__(self, folder: Path, local_glue: "LocalGlue") -> None:
        self.folder = folder
        self.url = local_glue.url
        self.second_build: tuple[dict[str, int], int] | None = None  # API calls, SQL texts
        self.env = {**os.environ, "DBT_GLUE_LOCAL_DIR": str(local_glue.local_dir)}

    def dbt(self, *arguments: str) -> str:
        done = subprocess.run(
            [DBT, "--no-use-colors", *arguments],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def artifact(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "target" / name).read_text())
        return content

    def rows(self, sql: str) -> list[dict[str, Any]]:
        shown = self.dbt("--quiet", "show", "--inline", sql, "--output", "json", "--limit", "-1")
        rows: list[dict[str, Any]] = json.loads(shown[shown.index("{") :])["show"]
        return rows

    def calls(self) -> dict[str, int]:
        """API calls by operation since this was asked last."""
        with urllib.request.urlopen(f"{self.url}/_stats", timeout=30) as answer:
            counted: dict[str, int] = json.load(answer)["calls"]
        reset = urllib.request.Request(f"{self.url}/_stats/reset", method="POST")
        urllib.request.urlopen(reset, timeout=30).close()
        return counted

    def sql_of_the_last_command(self) -> int:
        """How many SQL texts dbt ran, by its own log, which begins anew with the command."""
        lines = (self.folder / "logs" / "dbt.log").read_text().splitlines()
        return sum(json.loads(line)["info"]["name"] == "SQLQuery" for line in lines)

    def figures(self) -> dict[str, int]:
        """Figures of the tables that change from run to run, in one query."""
        wanted = {
            "orders": "select count(*) from {{ ref('fct_orders') }}",
            "distinct_orders": "select count(distinct order_id) from {{ ref('fct_orders') }}",
            "still_open": "select count(*) from {{ ref('fct_orders') }} where status = 'open'",
            "placed": "select count(*) from {{ ref('order_events') }} where event = 'placed'",
            "days": "select count(distinct order_date) from {{ ref('sales_by_day') }}",
            "sold": "select sum(sold) from {{ ref('item_sales') }}",
            "items": "select count(*) from {{ ref('item_sales') }}",
            "tiers": "select count(*) from {{ ref('customer_history') }}",
            "old_tiers": "select count(*) from {{ ref('customer_history') }}"
            " where dbt_valid_to is not null",
            "prices": "select count(*) from {{ ref('menu_history') }}",
            "old_prices": "select count(*) from {{ ref('menu_history') }}"
            " where dbt_valid_to is not null",
        }
        union = " union all ".join(
            f"select '{name}' as name, cast(({sql}) as bigint) as number"
            for name, sql in wanted.items()
        )
        return {row["name"]: int(row["number"]) for row in self.rows(union)}


@pytest.fixture(scope="module")
def example(local_glue: "LocalGlue", tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = venvs.copy_project(
        venvs.REPO / "examples" / "jaffle_shop", tmp_path_factory.mktemp("example")
    )
    return Example(folder, local_glue)


def statuses(example: Example) -> set[str]:
    """How the nodes ended; an exposure has nothing to do ("no-op")."""
    results = example.artifact("run_results.json")["results"]
    return {result["status"] for result in results} - {"no-op"}


def read(seeds: Path, name: str) -> list[dict[str, str]]:
    with (seeds / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected(seeds: Path, day: str, *, since: str | None) -> dict[str, int]:
    """The same figures from the CSV files, in plain Python.

    `since` is the day of the build before: rows that changed after it have a closed version.
    """
    orders = [row for row in read(seeds, "raw_orders") if row["placed_at"][:10] <= day]
    gone = {
        row["order_id"]
        for row in orders
        if row["closed_on"] <= day and row["closed_as"] == "cancelled"
    }
    numbers = {row["order_id"] for row in orders} - gone
    lines = [row for row in read(seeds, "raw_order_lines") if row["order_id"] in numbers]
    customers, menu = read(seeds, "raw_customers"), read(seeds, "raw_menu")

    def changed(rows: list[dict[str, str]], column: str) -> int:
        return sum(since < row[column] <= day for row in rows) if since else 0

    tiers, prices = changed(customers, "new_tier_from"), changed(menu, "new_price_from")
    return {
        "orders": len(orders),
        "distinct_orders": len(orders),
        "still_open": sum(row["closed_on"] > day for row in orders),
        "placed": len(orders),
        "days": len({row["placed_at"][:10] for row in orders}),
        "sold": sum(int(row["quantity"]) for row in lines),
        "items": len({row["item_id"] for row in lines}),
        "tiers": len(customers) + tiers,
        "old_tiers": tiers,
        "prices": len(menu) + prices,
        "old_prices": prices,
    }


def test_two_builds_bring_the_figures_of_the_seeds(example: Example) -> None:
    seeds = example.folder / "seeds"
    example.dbt("build", "--full-refresh", "--vars", "day: 2026-03-05")
    assert statuses(example) == {"success", "pass"}
    assert example.figures() == expected(seeds, "2026-03-05", since=None)

    (example.folder / "logs" / "dbt.log").unlink()
    example.calls()
    example.dbt("--log-format-file", "json", "build")
    example.second_build = example.calls(), example.sql_of_the_last_command()
    assert statuses(example) == {"success", "pass"}
    after = expected(seeds, "2026-03-07", since="2026-03-05")
    assert after["old_tiers"] and after["old_prices"], "the seeds no longer show a snapshot at work"
    assert example.figures() == after


def test_a_build_takes_one_session_and_few_statements(example: Example) -> None:
    assert example.second_build is not None, "the builds have not run"
    calls, sql = example.second_build
    assert calls["CreateSession"] == 1
    assert sql > 60, "the log no longer tells of SQL"
    # dim_customers is Delta, replaced in one commit by its writer: its details, the rows, a comment
    assert calls["connect:ExecutePlan"] <= sql + 4
    glue = {name: count for name, count in calls.items() if ":" not in name}
    assert "RunStatement" not in glue


def test_freshness_of_the_landed_ratings(example: Example) -> None:
    example.dbt("source", "freshness")
    assert [row["status"] for row in example.artifact("sources.json")["results"]] == ["pass"]


def test_docs_hold_every_relation_with_columns_and_comments(example: Example) -> None:
    example.dbt("docs", "generate")
    catalog, manifest = example.artifact("catalog.json"), example.artifact("manifest.json")
    relations = {
        node_id
        for node_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    }
    assert relations <= set(catalog["nodes"])
    fct_orders = catalog["nodes"]["model.jaffle_shop.fct_orders"]
    assert fct_orders["columns"]["total"]["type"] == "decimal(10,2)"
    assert fct_orders["metadata"]["comment"] == (
        "Every order in its latest state. Iceberg, merged by order_id."
    )


def test_every_format_and_materialization_is_there(example: Example) -> None:
    """The example promises one of each; this keeps the promise when somebody edits it."""
    example.dbt("parse")
    nodes = example.artifact("manifest.json")["nodes"].values()
    configs = [node["config"] for node in nodes if node["resource_type"] in ("model", "snapshot")]
    assert {config["materialized"] for config in configs} == {
        "view", "ephemeral", "table", "incremental", "snapshot",
    }  # fmt: skip
    assert {"parquet", "csv", "json", "orc", "avro", "iceberg", "delta", "hudi"} <= {
        config.get("file_format") for config in configs
    }
    assert {config.get("incremental_strategy") for config in configs} >= {
        "append", "insert_overwrite", "merge",
    }  # fmt: skip
