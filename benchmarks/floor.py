"""The floor: what our run sent, sent again straight to Spark, without dbt.

    python -m benchmarks.floor RECORD.json --threads 4

RECORD is profiled.py's. The same CreateSession, seed files and SQL, in the order that dbt's graph
asks for, by as many threads; names of the recorded schema become RACE_SCHEMA. Prints one line of
JSON.
"""

import argparse
import base64
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import grpc
import pyspark.sql.connect.proto as protocol
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

POLL = 0.1  # seconds between two GetSession
TOKEN_HEADER = "x-aws-proxy-auth"
# Sent as a query; all else as a command.
SELECT = re.compile(r"(\s|/\*.*?\*/|\()*select\b", re.I | re.S)


def waits(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """Which nodes each node waits for, as in `dbt build`: those it depends on, and, for all but
    tests, the tests of what lies above it."""
    above: dict[str, set[str]] = {}

    def ancestors(name: str) -> set[str]:
        if name not in above:
            parents = {parent for parent in nodes[name]["depends_on"] if parent in nodes}
            above[name] = parents.union(*(ancestors(parent) for parent in parents))
        return above[name]

    tests = {
        name: {parent for parent in node["depends_on"] if parent in nodes}
        for name, node in nodes.items()
        if node["type"] == "test"
    }
    found = {}
    for name, node in nodes.items():
        found[name] = {parent for parent in node["depends_on"] if parent in nodes}
        if node["type"] != "test":
            found[name] |= {test for test, of in tests.items() if of and of <= ancestors(name)}
    return found


class Schedule:
    """Hands out nodes whose predecessors are done, in the order in which dbt took them."""

    def __init__(self, order: list[str], waiting_for: Mapping[str, set[str]]) -> None:
        self._left = list(order)
        self._waits = {name: set(waiting_for[name]) for name in order}
        self._change = threading.Condition()
        self._failed = False

    def take(self) -> str | None:
        """The next node; None when there is none left. Waits until one may run."""
        with self._change:
            while self._left and not self._failed:
                ready = next((name for name in self._left if not self._waits[name]), None)
                if ready is not None:
                    self._left.remove(ready)
                    return ready
                self._change.wait()
            return None

    def done(self, name: str) -> None:
        with self._change:
            for others in self._waits.values():
                others.discard(name)
            self._change.notify_all()

    def fail(self) -> None:
        with self._change:
            self._failed = True
            self._change.notify_all()


class Spark:
    """A Spark Connect session of Glue, at its barest."""

    def __init__(self, glue: Any, request: dict[str, Any]) -> None:
        self._glue = glue
        self._id = f"floor-{os.getpid()}-{int(time.time())}"
        glue.create_session(**{**request, "Id": self._id})
        while (status := self._status()) == "PROVISIONING":
            time.sleep(POLL)
        if status != "READY":
            raise RuntimeError(f"session {self._id} is {status}")
        endpoint = glue.get_session_endpoint(SessionId=self._id)["SparkConnect"]
        self._metadata = [(TOKEN_HEADER, endpoint["AuthToken"])]
        self._channel = grpc.insecure_channel(
            urlsplit(endpoint["Url"]).netloc, options=[("grpc.max_receive_message_length", -1)]
        )
        self._stub = SparkConnectServiceStub(self._channel)
        self._session = "00000000-0000-4000-8000-000000000000"

    def sql(self, text: str) -> None:
        request = protocol.ExecutePlanRequest(session_id=self._session, client_type="floor")
        request.user_context.user_id = "floor"
        if SELECT.match(text):
            request.plan.root.sql.query = text
        else:
            request.plan.command.sql_command.sql = text
        for _ in self._stub.ExecutePlan(request, metadata=self._metadata):
            pass

    def stop(self) -> None:
        self._channel.close()
        self._glue.stop_session(Id=self._id)

    def _status(self) -> str:
        return str(self._glue.get_session(Id=self._id)["Session"]["Status"])


def replay(record: Mapping[str, Any], threads: int, schema: str) -> dict[str, Any]:
    """Sends it all; `seconds` from before CreateSession until after StopSession."""

    def renamed(text: str) -> str:
        return text.replace(record["schema"], schema)

    glue, s3 = boto3.client("glue"), boto3.client("s3")
    steps, order = steps_of(record["events"])
    requests = {
        event["operation"]: json.loads(renamed(json.dumps(event["request"])))
        for event in record["events"]
        if event.get("operation") in ("CreateSession", "CreateDatabase")
    }
    counted = {"statements": 0, "spark": 0.0}
    lock = threading.Lock()
    started = time.monotonic()
    glue.create_database(**requests["CreateDatabase"])
    spark = Spark(glue, requests["CreateSession"])
    ready = time.monotonic()

    def run(name: str) -> None:
        for step in steps[name]:
            if step["kind"] == "api":
                put = step["request"]
                body = base64.b64decode(put["Body"])
                s3.put_object(Bucket=put["Bucket"], Key=renamed(put["Key"]), Body=body)
                continue
            before = time.monotonic()
            spark.sql(renamed(step["sql"]))
            with lock:
                counted["statements"] += 1
                counted["spark"] += time.monotonic() - before

    nodes = {name: node for name, node in record["nodes"].items() if name in steps}
    in_parallel(Schedule(order, waits(nodes)), threads, run)
    built = time.monotonic()
    spark.stop()
    return {
        "seconds": round(time.monotonic() - started, 2),
        "session_seconds": round(ready - started, 2),
        "build_seconds": round(built - ready, 2),
        "in_spark": round(counted["spark"], 2),
        "statements": counted["statements"],
        "nodes": len(order),
    }


def steps_of(events: list[dict[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Each node's SQL and seed files in order; the nodes, by their first step."""
    steps: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(events, key=lambda event: event["start"]):
        wanted = event["kind"] == "sql" or event.get("operation") == "PutObject"
        if wanted and event["node"] is not None:
            steps.setdefault(event["node"], []).append(event)
    return steps, list(steps)


def in_parallel(schedule: Schedule, threads: int, run: Callable[[str], None]) -> None:
    """Raises the first error, once all threads have stopped."""
    errors: list[BaseException] = []

    def work() -> None:
        while (name := schedule.take()) is not None:
            try:
                run(name)
            except BaseException as error:
                errors.append(error)
                schedule.fail()
                return
            schedule.done(name)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("record", type=Path)
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    record = json.loads(given.record.read_text())
    print(json.dumps(replay(record, given.threads, os.environ["RACE_SCHEMA"])))


if __name__ == "__main__":
    main()
