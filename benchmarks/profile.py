"""Where the time of a recorded run went (profiled.py writes the record)."""

from collections.abc import Iterable, Mapping
from typing import Any

STARTED = "RACE_STARTED"  # environment: epoch seconds at which the process was started


def where_time_went(record: Mapping[str, Any], threads: int) -> dict[str, Any]:
    """Seconds. `phases` of the wall clock, one after another; `threads`, how the dbt threads
    spent the build (their sum is threads × phases.build); `kinds`, per node of each kind."""
    phases = record["phases"]
    first, last = min(phases["NodeStart"]), max(phases["NodeFinished"])
    in_nodes = [event for event in record["events"] if event["node"] is not None]
    nodes = record["nodes"]
    busy = sum(node["seconds"] for node in nodes.values())
    spent = _by_kind(in_nodes)
    of_threads = {
        "in Spark": spent.get("sql", 0.0),
        "in calls of Glue and S3": spent.get("api", 0.0),
        "waiting for the session": spent.get("session", 0.0),
        "in dbt and the adapter": busy - sum(spent.values()),
        "idle: no node could run": threads * (last - first) - busy,
    }
    return {
        "phases": _rounded(
            {
                "start of Python and dbt": phases["MainReportVersion"][0] - record["started"],
                "parsing": phases["FoundStats"][0] - phases["MainReportVersion"][0],
                "schemas and cache": first - phases["FoundStats"][0],
                "build": last - first,
                "end of dbt and of the session": record["ended"] - last,
            }
        ),
        "threads": _rounded(of_threads),
        "kinds": _kinds(nodes, in_nodes),
    }


def _by_kind(events: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for event in events:
        total[event["kind"]] = total.get(event["kind"], 0.0) + event["seconds"]
    return total


def _kinds(
    nodes: Mapping[str, Mapping[str, Any]], events: list[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    """Means per node of each materialization (`test` for tests)."""
    found: dict[str, dict[str, float]] = {}
    for kind in sorted({_kind(node) for node in nodes.values()}):
        names = {name for name, node in nodes.items() if _kind(node) == kind}
        own = [event for event in events if event["node"] in names]
        spent, count = _by_kind(own), len(names)
        busy = sum(nodes[name]["seconds"] for name in names)
        found[kind] = {
            "nodes": count,
            "seconds": round(busy / count, 3),
            "in Spark": round(spent.get("sql", 0.0) / count, 3),
            "in calls": round(spent.get("api", 0.0) / count, 3),
            "in dbt": round((busy - sum(spent.values())) / count, 3),
            "statements": round(sum(event["kind"] == "sql" for event in own) / count, 2),
            "calls": round(sum(event["kind"] == "api" for event in own) / count, 2),
        }
    return found


def _kind(node: Mapping[str, Any]) -> str:
    return "test" if node["type"] == "test" else str(node["materialized"])


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in values.items()}
