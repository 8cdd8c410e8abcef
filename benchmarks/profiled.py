"""dbt with our adapter, and a record of where the time of each node went.

    python -m benchmarks.profiled RECORD.json -- build --target spark_connect …

Wraps what leaves the process (SQL to the session, calls of AWS) and the wait for the session;
RECORD also has all that was sent, for floor.py to send again.
"""

import base64
import functools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.profile import STARTED

CLOCK = time.time
PHASES = ("MainReportVersion", "FoundStats", "NodeStart", "NodeFinished", "CommandCompleted")


class Record:
    """What happened, in order. Kinds: `sql`, `api` (AWS), `session` (waiting for one)."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.phases: dict[str, list[float]] = {}
        self._here = threading.local()

    def wrap(self, owner: Any, method: str, kind: str, what: Callable[..., dict[str, Any]]) -> None:
        """Records each call of `owner.method`; what happens in the course of one is part of it."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._here, "inside", False):
                return original(*args, **kwargs)
            self._here.inside = True
            started = CLOCK()
            try:
                return original(*args, **kwargs)
            finally:
                self._here.inside = False
                self.events.append(
                    {
                        "kind": kind,
                        "node": node_id(),
                        "start": started,
                        "seconds": CLOCK() - started,
                        **what(*args, **kwargs),
                    }
                )

        setattr(owner, method, wrapped)

    def on_event(self, event: Any) -> None:
        if event.info.name in PHASES:
            self.phases.setdefault(event.info.name, []).append(CLOCK())


def node_id() -> str | None:
    """The node that this thread of dbt is at."""
    from dbt_common.events.contextvars import get_node_info

    return (get_node_info() or {}).get("unique_id")


def sent_sql(transport: Any, sql: str, **kwargs: Any) -> dict[str, Any]:
    return {"sql": sql}


def called(client: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"operation": operation}
    if operation == "PutObject":
        body = request["Body"]
        told["request"] = {
            "Bucket": request["Bucket"],
            "Key": request["Key"],
            "Body": base64.b64encode(body if isinstance(body, bytes) else body.read()).decode(),
        }
    if operation in ("CreateSession", "CreateDatabase"):
        told["request"] = request
    return told


def waited(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {}


def watch(record: Record) -> None:
    from botocore.client import BaseClient

    from dbt.adapters.glue.session.connect import ConnectTransport
    from dbt.adapters.glue.session.livy import LivyTransport
    from dbt.adapters.glue.session.pool import SessionPool

    record.wrap(ConnectTransport, "execute", "sql", sent_sql)
    record.wrap(LivyTransport, "execute", "sql", sent_sql)
    record.wrap(SessionPool, "transport", "session", waited)
    record.wrap(BaseClient, "_make_api_call", "api", called)


def nodes(target: Path) -> dict[str, dict[str, Any]]:
    """Each node that ran: what it depends on, when it ran, in epoch seconds."""
    manifest = json.loads((target / "manifest.json").read_text())
    found = {}
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        node = manifest["nodes"][result["unique_id"]]
        found[result["unique_id"]] = {
            "type": node["resource_type"],
            "materialized": node["config"].get("materialized"),
            "depends_on": node["depends_on"].get("nodes", []),
            "seconds": result["execution_time"],
        }
    return found


def main(argv: list[str]) -> int:
    output, divider, *command = argv
    if divider != "--":
        raise SystemExit(__doc__)
    record = Record()
    watch(record)
    from dbt.cli.main import dbtRunner

    done = dbtRunner(callbacks=[record.on_event]).invoke(command)
    target = Path(command[command.index("--target-path") + 1])
    content = {
        "started": float(os.environ.get(STARTED, "nan")),
        "ended": CLOCK(),
        "schema": os.environ["RACE_SCHEMA"],
        "phases": record.phases,
        "nodes": nodes(target),
        "events": record.events,
    }
    Path(output).write_text(json.dumps(content))
    return 0 if done.success else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
