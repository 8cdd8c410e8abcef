"""Runs that are interrupted. test_session_death.py has those whose session dies."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from signals import as_in_a_terminal
from waiting import wait_until

pytestmark = pytest.mark.slow

# Well over a minute each on two cores, if nobody stops them.
SLOW = "{{ config(materialized='table') }} select count(*) as n, %d as id from (%s)"
ENDLESS = (
    "select sha2(concat(a.id, b.id), 512) as h from range(300000) a cross join range(300000) b"
)
BRIEF = "{{ config(materialized='table') }} select %d as id"
# Python that never ends, on the driver or in a task of Spark; it marks that it has begun.
ENDLESS_PYTHON = """
import pathlib
import time


def model(dbt, session):
    dbt.config(materialized="table", submission_method="{method}")

    def endless(rows=()):
        pathlib.Path("{mark}").touch()
        while True:
            time.sleep(0.05)
            yield from rows

    return list(endless()) if {on_driver} else session.range(1).mapInPandas(endless, "id long")
"""
IDLE = ("STOPPED", "FAILED", "TIMEOUT")


@pytest.fixture
def session_type() -> str:
    return "livy"


@pytest.fixture
def project_dir(local_glue: Any, tmp_path: Path, session_type: str) -> Path:
    target = {
        "type": "glue",
        "local": True,
        "local_dir": str(local_glue.local_dir),
        "location": "s3://functional-tests/interrupts",
        "datalake_formats": "iceberg",
        "glue_version": "5.1",
        "session_type": session_type,
        "idle_timeout": 5,
        "threads": 4,
        "schema": f"interrupts_{uuid.uuid4().hex[:8]}",
        "tags": "purpose=interrupts",
    }
    profile = {"interrupts": {"target": "dev", "outputs": {"dev": target}}}
    project = {"name": "interrupts", "version": "1.0", "profile": "interrupts"}
    (tmp_path / "models").mkdir()
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profile))
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(project))
    return tmp_path


@pytest.fixture
def start(project_dir: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    started: list[subprocess.Popen] = []

    def run(*arguments: str) -> subprocess.Popen:
        dbt = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
        environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        with (project_dir / "output.txt").open("w") as output:
            process = subprocess.Popen(
                dbt,
                cwd=project_dir,
                env={**environment, "DBT_PROFILES_DIR": str(project_dir)},
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=as_in_a_terminal,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def write_models(project_dir: Path, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        (project_dir / "models" / f"m{number}.sql").write_text(text)


def sessions(glue_client: Any) -> dict[str, str]:
    found = glue_client.list_sessions(Tags={"purpose": "interrupts"})["Sessions"]
    return {session["Id"]: session["Status"] for session in found}


def four_at_work(project_dir: Path) -> bool:
    """Their SQL is under way, or will be in a moment."""
    output = (project_dir / "output.txt").read_text()
    assert "Encountered an error" not in output, output
    return "ready after" in output and output.count("START sql table model") == 4


def sql_is_sent(glue_client: Any, session_id: str, models: range) -> bool:
    """The session has the SQL of these models, and is at work."""
    statements = glue_client.list_statements(SessionId=session_id)["Statements"]
    code = "".join(statement["Code"] for statement in statements)
    running = any(statement["State"] == "RUNNING" for statement in statements)
    return running and all(f"{number} as id" in code for number in models)


def all_ended(glue_client: Any, before: set[str]) -> bool:
    own = {i: s for i, s in sessions(glue_client).items() if i not in before}
    return bool(own) and all(status in IDLE for status in own.values())


def results(project_dir: Path) -> dict[str, tuple[str, str]]:
    """Model -> (status, message) out of run_results.json."""
    found = json.loads((project_dir / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"].split(".")[-1]: (r["status"], r["message"] or "") for r in found}


@pytest.mark.parametrize("session_type", ["livy", "spark_connect"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_ends_soon_and_stops_its_session(
    start: Any, project_dir: Path, glue_client: Any, plans: Any, session_type: str, number: int
) -> None:
    before, sent = set(sessions(glue_client)), plans()
    write_models(project_dir, [SLOW % (n, ENDLESS) for n in range(8)])
    process = start("run")
    wait_until(lambda: four_at_work(project_dir), 90, "four models at work")
    own = (set(sessions(glue_client)) - before).pop()
    if session_type == "livy":
        wait_until(lambda: sql_is_sent(glue_client, own, range(4)), 30, "their SQL is sent")
    else:
        wait_until(lambda: plans() >= sent + 4, 30, "their plans are sent")
    process.send_signal(number)
    asked = time.monotonic()
    process.wait(30)
    assert time.monotonic() - asked < 15
    assert process.returncode != 0
    wait_until(lambda: all_ended(glue_client, before), 15, "the session has ended")
    output = (project_dir / "output.txt").read_text()
    # dbt is not told of SIGTERM: its threads may still announce nodes, which get no session
    assert number == signal.SIGTERM or output.count("START sql table model") == 4
    assert "OK created" not in output
    assert "no answer to StopSession" not in output and "could not be stopped" not in output


@pytest.mark.parametrize(
    ("session_type", "methods"),
    [("livy", ["glue_session"]), ("spark_connect", ["glue_session", "spark_connect"])],
)
def test_interrupted_python_models_end_soon(
    start: Any, project_dir: Path, glue_client: Any, session_type: str, methods: list[str]
) -> None:
    before = set(sessions(glue_client))
    marks = []
    for method, on_driver in itertools.product(methods, (True, False)):
        name = f"{method}_{'driver' if on_driver else 'task'}"
        marks.append(project_dir / f"{name}.begun")
        code = ENDLESS_PYTHON.format(method=method, mark=marks[-1], on_driver=on_driver)
        (project_dir / "models" / f"{name}.py").write_text(code)
    process = start("run")
    wait_until(lambda: all(mark.exists() for mark in marks), 150, "every model is in its loop")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    process.wait(30)
    assert time.monotonic() - asked < 15 and process.returncode != 0
    wait_until(lambda: all_ended(glue_client, before), 15, "every session has ended")
    output = (project_dir / "output.txt").read_text()
    assert "OK created" not in output
    assert "no answer to StopSession" not in output and "could not be stopped" not in output


def test_interrupt_while_the_session_is_provisioned(
    start: Any, project_dir: Path, glue_client: Any, turn: Callable[..., None]
) -> None:
    turn(provisioning_delay=60.0)
    before = set(sessions(glue_client))
    write_models(project_dir, [BRIEF % n for n in range(8)])
    process = start("run")
    wait_until(lambda: set(sessions(glue_client)) - before, 60, "a session was asked for")
    wait_until(lambda: "Concurrency: 4" in (project_dir / "output.txt").read_text(), 60, "dbt runs")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    process.wait(30)
    assert time.monotonic() - asked < 15
    wait_until(lambda: all_ended(glue_client, before), 15, "the session has ended")


def test_interrupt_while_the_catalog_is_throttled(
    start: Any, project_dir: Path, calls: Callable[[], dict[str, int]], turn: Callable[..., None]
) -> None:
    """What would be tried for two minutes ends soon."""
    model = "{{ config(materialized='table', file_format='%s') }} select %d as id"
    write_models(project_dir, [model % ("parquet", n) for n in range(4)])
    assert start("run").wait(120) == 0
    turn(throttle={"UpdateTable": 10**6})
    write_models(project_dir, [model % ("orc", n) for n in range(4)])  # by us, not by Spark
    process, counted = start("run"), Counter[str]()

    def repeated() -> bool:
        counted.update(calls())
        return counted["UpdateTable"] > 16

    wait_until(repeated, 90, "UpdateTable is repeated")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    process.wait(150)
    assert time.monotonic() - asked < 20 and process.returncode != 0
    output = (project_dir / "output.txt").read_text()
    assert output.count("ERROR creating sql table model") == 4


def test_throttled_run_succeeds(
    start: Any, project_dir: Path, glue_client: Any, turn: Callable[..., None]
) -> None:
    write_models(project_dir, [BRIEF % n for n in range(8)])
    turn(throttle={"GetStatement": 3, "RunStatement": 3, "CreateSession": 1, "GetSession": 1})
    process = start("run")
    assert process.wait(200) == 0
    assert {status for status, _ in results(project_dir).values()} == {"success"}
