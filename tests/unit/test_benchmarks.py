"""The parts of benchmarks/ that compute: the projects, the bill, the schedule, the report."""

import csv
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import measure, profile, project, race, report
from benchmarks.cases import ADAPTERS, plan
from benchmarks.claims import claims
from benchmarks.floor import Schedule, in_parallel, steps_of, waits
from benchmarks.jaffle import write_jaffle_project


@pytest.mark.parametrize("count", [5, 7, 10, 100, 1000])
def test_the_generated_project_has_what_was_asked_for(count: int) -> None:
    made = project.models(count)
    assert len({model.name for model in made}) == count
    names = {layer.name for layer in project.LAYERS}
    assert {model.layer for model in made} == names
    seen: set[str] = set()
    for model in made:
        assert set(model.parents) <= seen
        seen.add(model.name)


def test_a_hundred_models_are_a_realistic_mix() -> None:
    kinds = Counter(model.kind for model in project.models(100))
    assert kinds == {"view": 40, "table": 50, "incremental": 10}


def test_too_few_models_and_too_many_tests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="5 layers"):
        project.models(4)
    with pytest.raises(ValueError, match="room for 40"):
        project.write_project(tmp_path, 10, 41)


def test_tests_are_of_four_kinds_and_never_twice(tmp_path: Path) -> None:
    written = project.properties(project.models(10), 40)
    for model in written["models"]:
        had = {column["name"]: len(column["data_tests"]) for column in model["columns"]}
        assert had == {"order_id": 2, "status": 1, "customer_id": 1}
    few = project.properties(project.models(10), 3)["models"]
    assert sum(len(c["data_tests"]) for model in few for c in model["columns"]) == 3


def test_the_seeds_fit_the_tests(tmp_path: Path) -> None:
    project.write_project(tmp_path, 10, 10)
    with (tmp_path / "seeds" / "raw_orders.csv").open() as file:
        orders = list(csv.DictReader(file))
    with (tmp_path / "seeds" / "raw_customers.csv").open() as file:
        customers = {row["customer_id"] for row in csv.DictReader(file)}
    assert len({row["order_id"] for row in orders}) == len(orders) == project.ORDERS
    assert {row["status"] for row in orders} == set(project.STATUSES)
    assert {row["customer_id"] for row in orders} <= customers
    assert json.loads((tmp_path / "profiles.yml").read_text())["race"]["outputs"]["glue"]


def test_the_jaffle_shop_has_a_payment_for_every_order(tmp_path: Path) -> None:
    write_jaffle_project(tmp_path)
    rows = {
        name: list(csv.DictReader((tmp_path / "seeds" / f"{name}.csv").open()))
        for name in ("raw_orders", "raw_payments", "raw_customers")
    }
    paid = {row["order_id"] for row in rows["raw_payments"]}
    assert {row["id"] for row in rows["raw_orders"]} == paid
    assert {row["user_id"] for row in rows["raw_orders"]} <= {
        row["id"] for row in rows["raw_customers"]
    }


def session(created: float, completed: float | None = None, status: str = "") -> dict[str, Any]:
    told = {"CreatedOn": created, "MaxCapacity": 2.0, "IdleTimeout": 10}
    if completed is None:
        return {**told, "Status": status or "READY"}
    return {**told, "Status": "STOPPED", "CompletedOn": completed}


def test_the_bill_of_a_run() -> None:
    sessions = [
        session(110.0, 130.0),  # ended by the run
        session(120.0),  # left running
        session(50.0),  # there before
        session(10.0, 90.0),  # over before
        session(220.0),  # of the next run
    ]
    assert measure.billing(sessions, started=100.0, ended=200.0) == {
        "sessions": 3,
        "attached": 1,
        "seconds": 20.0 + 80.0 + 100.0,
        "billed": 60.0 + 80.0 + 100.0,
        "dpu_seconds": 400.0,
        "left": 2,
        "left_seconds": 1200.0,
    }


def test_a_session_that_stops_after_dbt_counts_until_dbt_has_ended() -> None:
    told = measure.billing([session(50.0, 220.0)], started=100.0, ended=200.0)
    assert (told["seconds"], told["billed"], told["left"]) == (100.0, 100.0, 0)
    told = measure.billing([session(110.0, status="STOPPING")], started=100.0, ended=200.0)
    assert (told["seconds"], told["left"]) == (90.0, 0)


def test_calls_by_service() -> None:
    calls = {"GetTable": 3, "RunStatement": 2, "connect:ExecutePlan": 4, "s3:PutObject": 1}
    assert measure.by_service(calls) == {"glue": 5, "connect": 4, "s3": 1}
    assert measure.statements(calls) == 6


def test_a_process_is_measured_and_stopped_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "GRACE", 0.2)  # under nohup a child ignores the interrupt
    quick = measure.run(["sh", "-c", "echo done"], tmp_path, {}, tmp_path / "out", 10)
    assert (quick.code, quick.output) == (0, "done\n")
    assert quick.memory > 0
    slow = measure.run(["sleep", "30"], tmp_path, {}, tmp_path / "out", 0.1)
    assert (slow.code, slow.stopped) == (None, "stopped after 0 s")
    assert slow.seconds < 10


def test_a_process_is_stopped_before_the_machine_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "free_memory", lambda: 2**29)
    monkeypatch.setattr(measure, "GRACE", 0.2)
    full = measure.run(["sleep", "30"], tmp_path, {}, tmp_path / "out", 20)
    assert (full.code, full.stopped) == (None, "stopped, with 0.5 GiB of memory left")


NODES = {
    "seed": {"type": "seed", "depends_on": []},
    "a": {"type": "model", "depends_on": ["seed"]},
    "b": {"type": "model", "depends_on": ["a"]},
    "c": {"type": "model", "depends_on": []},
    "test_a": {"type": "test", "depends_on": ["a"]},
    "test_a_c": {"type": "test", "depends_on": ["a", "c", "elsewhere"]},
}


def test_a_model_waits_for_the_tests_above_it() -> None:
    found = waits(NODES)
    assert found["b"] == {"a", "test_a"}
    assert found["test_a_c"] == {"a", "c"}
    assert found["a"] == {"seed"}


def test_the_floor_keeps_the_order_and_uses_its_threads() -> None:
    done: list[str] = []
    both = threading.Barrier(2)

    def run(name: str) -> None:
        if name in ("seed", "c"):
            both.wait(timeout=10)  # passes only if the two run side by side
        done.append(name)

    in_parallel(Schedule(list(NODES), waits(NODES)), 2, run)
    assert sorted(done) == sorted(NODES)
    for name, before in waits(NODES).items():
        assert all(done.index(other) < done.index(name) for other in before)


def test_the_floor_ends_at_an_error() -> None:
    def run(name: str) -> None:
        raise ValueError(name)

    with pytest.raises(ValueError, match="seed|c"):
        in_parallel(Schedule(list(NODES), waits(NODES)), 2, run)


def test_steps_are_what_a_node_sent() -> None:
    events = [
        {"kind": "sql", "node": "b", "start": 5.0, "sql": "select 2"},
        {"kind": "sql", "node": "a", "start": 2.0, "sql": "select 1"},
        {"kind": "api", "node": "a", "start": 1.0, "operation": "PutObject"},
        {"kind": "api", "node": "a", "start": 1.5, "operation": "GetTable"},
        {"kind": "sql", "node": None, "start": 0.0, "sql": "show databases"},
    ]
    steps, order = steps_of(events)
    assert order == ["a", "b"]
    assert [step["start"] for step in steps["a"]] == [1.0, 2.0]


def test_where_the_time_went_adds_up() -> None:
    record = {
        "started": 0.0,
        "ended": 31.0,
        "phases": {
            "MainReportVersion": [2.0],
            "FoundStats": [5.0],
            "NodeStart": [6.0, 7.0],
            "NodeFinished": [20.0, 30.0],
        },
        "nodes": {
            "a": {"type": "model", "materialized": "table", "seconds": 14.0},
            "t": {"type": "test", "materialized": "test", "seconds": 10.0},
        },
        "events": [
            {"kind": "session", "node": "a", "seconds": 4.0},
            {"kind": "sql", "node": "a", "seconds": 8.0},
            {"kind": "api", "node": "a", "seconds": 1.0},
            {"kind": "sql", "node": "t", "seconds": 9.0},
            {"kind": "api", "node": None, "seconds": 3.0},
        ],
    }
    told = profile.where_time_went(record, threads=2)
    assert sum(told["phases"].values()) == 31.0
    assert sum(told["threads"].values()) == 2 * told["phases"]["build"]
    assert told["threads"]["in Spark"] == 17.0
    assert told["threads"]["in dbt and the adapter"] == 2.0
    assert told["kinds"]["test"] == {
        "nodes": 1,
        "seconds": 10.0,
        "in Spark": 9.0,
        "in calls": 0.0,
        "in dbt": 1.0,
        "statements": 1.0,
        "calls": 0.0,
    }


def result(adapter: str, seconds: float, case: str = "jaffle", **more: Any) -> dict[str, Any]:
    return {
        "case": case,
        "title": case,
        "latency": "none",
        "adapter": adapter,
        "threads": 4,
        "limit": 60.0,
        "date": "2026-01-01T00:00:00+00:00",
        "machine": dict(cpus=2, cpu="X", memory_gib=24, system="S", python="3", load=0.1),
        "status": "ok",
        "seconds": seconds,
        "stopped": "",
        "memory_mb": 300,
        "least_free_mb": 9000,
        "calls": {"GetTable": 10},
        "by_service": {"glue": 10, "connect": 0, "s3": 0},
        "statements": 5,
        "bytes": {"glue:in": 1_000_000, "glue:out": 0},
        "billing": dict(sessions=1, seconds=seconds, billed=60.0, left=0),
        "said": ["Done."],
        **more,
    }


def test_claims_are_held_against_results() -> None:
    found = {
        "jaffle-none-released": result("released", 90.0),
        "jaffle-none-connect": result("connect", 20.0),
        "jaffle-none-livy": result("livy", 45.0),
    }
    told = {claim.text: claim for claim in claims(found)}
    fast = told["jaffle, none, ours, Spark Connect: wall time of 1.12.4"]
    slow = told["jaffle, none, ours, Livy: wall time of 1.12.4"]
    assert (fast.found, fast.holds) == ("4.5×", True)
    assert (slow.found, slow.holds) == ("2.0×", False)


def test_a_failed_run_holds_nothing() -> None:
    found = {
        "jaffle-none-released": result("released", 90.0),
        "jaffle-none-connect": result("connect", 1.0, status="failed"),
    }
    assert not any(claim.holds for claim in claims(found))


def test_the_floor_claim() -> None:
    case = "models_100_threads_4"
    found = {
        "a": result("connect", 30.0, case),
        "b": result("floor", 99.0, case, floor={"seconds": 20.0}),
        "c": result("nothing", 5.0, case),
    }
    (claim,) = (c for c in claims(found) if "floor" in c.asked)
    assert claim.asked.startswith("31.0 = ")
    assert claim.holds
    found["d"] = result("released", 90.0, case)
    told = next(c for c in claims(found) if "wall time" in c.text)
    assert told.found == "3.0× (4.5× would be the floor's)"


def test_the_report_shows_failures_and_what_was_stopped(tmp_path: Path) -> None:
    made = [
        result("released", 90.0, status="stopped", stopped="stopped after 60 s"),
        result("connect", 30.0),
        result("livy", 30.0, status="failed", said=["Boom."]),
    ]
    for item in made:
        race.keep(tmp_path, f"jaffle-none-{item['adapter']}", item)
    text = report.document(tmp_path)
    assert "stopped after 60 s" in text
    assert "more than 3.0×" in text
    assert "Boom." in text
    assert not race.has_run(tmp_path / "jaffle-none-livy.json")
    assert race.has_run(tmp_path / "jaffle-none-released.json")


def test_heats_are_told_apart_and_chosen_by_pattern() -> None:
    names = [heat.name for heat in plan(100)]
    assert len(set(names)) == len(names)
    assert {heat.adapter.name for heat in plan(100)} == set(ADAPTERS)
    given = race.arguments(["--case", "docs_*", "--latency", "none", "--adapter", "livy"])
    assert {heat.name for heat in race.chosen(given)} == {
        "docs_1000-none-livy",
        "docs_20-none-livy",
    }
