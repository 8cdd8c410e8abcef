"""Sessions that die under a run: each cause, at each phase, on both transports.

What is safe to repeat is repeated in a new session, the others fail with the reason, later nodes
run on, and what SQL had made in the session is there again.
"""

import os
import re
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner
from waiting import wait_until

from dbt.adapters.glue.session import pool as pool_module

pytestmark = pytest.mark.slow

ZONE = "Asia/Tokyo"
ON_RUN_START = [
    f"set spark.sql.session.timeZone = {ZONE}",
    "create or replace temporary view of_the_run as select 7 as n",
]
SLOWLY = "java_method('java.lang.Thread', 'sleep', {{ 4000 if var('run') == 2 else 1 }}L)"
# `mark` is how the test knows the node's statement, `tz` and `n` need what on-run-start has made.
QUERY = (
    "select 1 as id, {{ var('run') }} as run, '%s' as mark, current_timezone() as tz, "
    "(select max(n) from of_the_run) as n, %s as waited"
)
# A merge takes no java_method: this never ends, unless its session does.
ENDLESS = (
    "(select count(*) from range({{ 100000000000 if var('run') == 2 else 1 }}) where hash(id) = 1)"
)
MODELS = {
    "replaced": "{{ config(materialized='table', file_format='iceberg') }}",
    "rebuilt": "{{ config(materialized='table', file_format='parquet') }}",
    "appended": "{{ config(materialized='incremental', incremental_strategy='append') }}",
    "merged": "{{ config(materialized='incremental', incremental_strategy='merge', "
    "file_format='iceberg', unique_key='id') }}",
    "rested": "{{ config(materialized='incremental', incremental_strategy='append') }}",
    "undisturbed": "{{ config(materialized='table', file_format='iceberg') }}",
}
TEST = f"select 'reads' as mark where {SLOWLY} = 'never' or current_timezone() <> '{ZONE}'"
# A string of half a gigabyte and more, in a heap of half of one.
GREEDY = (
    "{{ config(materialized='table', file_format='iceberg') }} "
    "select length(repeat('x', cast(700000000 + id as int))) as n from range(1)"
)
SEEN_WITHIN = 30.0  # seconds; a second or two on a quiet machine


class Project:
    def __init__(self, folder: Path, local_glue: Any, glue: Any, session_type: str) -> None:
        self.folder, self.glue, self.local_glue = folder, glue, local_glue
        self.schema = f"deaths_{uuid.uuid4().hex[:8]}"
        self.warehouse = local_glue.local_dir / "s3" / "session-deaths" / self.schema
        self.kernels_before = self.kernels()
        self.causes: dict[str, tuple[str, Callable[[], None]]] = {}
        self.said: list[tuple[float, str]] = []
        self.died: list[float] = []
        self.waiting: list[threading.Thread] = []
        target = {
            "type": "glue",
            "local": True,
            "local_dir": str(local_glue.local_dir),
            "location": f"s3://session-deaths/{self.schema}",
            "datalake_formats": "iceberg",
            "glue_version": "5.1",
            "session_type": session_type,
            "idle_timeout": 5,
            "threads": 1,
            "schema": self.schema,
            "tags": f"purpose={self.schema}",
        }
        project = {
            "name": "deaths",
            "version": "1.0",
            "profile": "deaths",
            "on-run-start": ON_RUN_START,
        }
        for kind in ("models", "tests"):
            (folder / kind).mkdir()
        profile = {"deaths": {"target": "dev", "outputs": {"dev": target}}}
        (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
        (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))

    def model(self, name: str, text: str) -> None:
        (self.folder / "models" / f"{name}.sql").write_text(text)

    def run(self, *arguments: str) -> dict[str, tuple[str, str]]:
        """Status and message of each node."""
        self.said.clear()
        self.died.clear()
        at = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        results = dbtRunner(callbacks=[self._on_event]).invoke([*arguments, *at]).result
        for thread in self.waiting:
            thread.join()
        assert not self.causes, "what was to happen has not"
        return {
            r.node.name: (str(r.status), r.message or "")
            for r in results
            if r.node.resource_type != "operation"
        }

    def _on_event(self, event: Any) -> None:
        """On the thread of the node, before its statement is sent."""
        self.said.append((time.monotonic(), event.info.msg))
        if event.info.name != "SQLQuery" or "limit 0" in event.data.sql:  # it asks for columns
            return
        for mark in [mark for mark in self.causes if f"'{mark}' as mark" in event.data.sql]:
            when, cause = self.causes.pop(mark)
            if when == "before":
                self._happen(cause)
            else:
                job = (cause, self._at_work(mark))
                self.waiting.append(threading.Thread(target=self._happen, args=job))
                self.waiting[-1].start()

    def _happen(self, cause: Callable[[], None], at_work: Callable[[], bool] | None = None) -> None:
        if at_work is not None:
            wait_until(at_work, 300, "the statement is at work")
        self.died.append(time.monotonic())
        cause()

    def _at_work(self, mark: str) -> Callable[[], bool]:
        # What on-run-start has made is made again first.
        before = self.plans() + (0 if self.session() else len(ON_RUN_START))

        def at_work() -> bool:
            session = self.session()
            if session is None:  # the last one died with an insert, and this is what makes the next
                return False
            if session.get("SessionType") == "SPARK_CONNECT":
                return self.plans() > before
            found = self.glue.list_statements(SessionId=session["Id"])["Statements"]
            running = any(statement["State"] == "RUNNING" for statement in found)
            sent = re.compile(rf"\W{mark}\W{{1,3}} as mark")  # quotes are escaped in the payload
            return running and any(sent.search(statement["Code"]) for statement in found)

        return at_work

    plans: Callable[[], int] = staticmethod(lambda: 0)

    def sessions(self) -> dict[str, dict[str, Any]]:
        found = self.glue.list_sessions(Tags={"purpose": self.schema})["Sessions"]
        return {session["Id"]: session for session in found}

    def session(self) -> dict[str, Any] | None:
        found = [s for s in self.sessions().values() if s["Status"] in ("READY", "BUSY")]
        return found[0] if found else None

    def session_id(self) -> str:
        (found,) = [id for id, s in self.sessions().items() if s["Status"] in ("READY", "BUSY")]
        return found

    def status(self, session_id: str) -> str:
        return self.sessions().get(session_id, {}).get("Status", "gone")

    def kernels(self) -> set[int]:
        command = ["pgrep", "-P", str(self.local_glue.pid), "-f", "repl.py"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return {int(pid) for pid in found.split()}

    # --- causes

    def all_have_ended(self) -> bool:
        return {s["Status"] for s in self.sessions().values()} <= {"STOPPED", "TIMEOUT", "FAILED"}

    def killed(self) -> None:
        """As spot capacity is taken away."""
        (kernel,) = self.kernels() - self.kernels_before
        os.kill(kernel, 9)

    def stopped(self) -> None:
        self.glue.stop_session(Id=self.session_id())

    def deleted(self) -> None:
        session_id = self.session_id()
        self.glue.stop_session(Id=session_id)
        wait_until(lambda: self.status(session_id) == "STOPPED", 300, "it is stopped")
        try:
            self.glue.delete_session(Id=session_id)
        except self.glue.exceptions.EntityNotFoundException:
            pass  # the run has noticed, and was quicker

    # --- what is left

    def rows(self, name: str) -> list[dict[str, Any]]:
        import pyarrow.dataset

        folder = self.warehouse / self.schema / name
        found = pyarrow.dataset.dataset(sorted(folder.rglob("*.parquet"))).to_table()
        return found.to_pylist()


@pytest.fixture(params=["livy", "spark_connect"])
def deaths(
    request: Any, local_glue: Any, glue_client: Any, tmp_path: Path, plans: Callable[[], int]
) -> Project:
    project = Project(tmp_path, local_glue, glue_client, request.param)
    project.plans = plans  # type: ignore[method-assign]
    return project


def test_pain_12_a_session_dies_in_mid_run(
    deaths: Project, turn: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, config in MODELS.items():
        waits = ENDLESS if name == "merged" else SLOWLY
        deaths.model(name, f"{config}\n{QUERY % (name, waits)}")
    (deaths.folder / "tests" / "reads.sql").write_text(TEST)
    first = deaths.run("build", "--vars", "run: 1")
    assert {status for status, _ in first.values()} == {"success", "pass"}

    def timed_out() -> None:
        """After a pause between two nodes. What comes first then is a look at the session."""
        session_id = deaths.session_id()
        monkeypatch.setattr(pool_module, "LOOK_AFTER", 0.0)
        turn(minute=0.001)
        wait_until(lambda: deaths.status(session_id) == "TIMEOUT", 300, "it has timed out")
        turn(minute=60.0)

    deaths.causes = {
        "reads": ("during", deaths.killed),
        "replaced": ("during", deaths.stopped),
        "rebuilt": ("during", deaths.deleted),
        "appended": ("during", deaths.killed),
        "merged": ("during", deaths.stopped),
        "rested": ("before", timed_out),
    }
    told = deaths.run("build", "--vars", "run: 2")

    assert {name: status for name, (status, _) in told.items()} == {
        **dict.fromkeys(("replaced", "rebuilt", "undisturbed"), "success"),
        **{"appended": "error", "merged": "error", "rested": "success"},
        "reads": "pass",
    }
    for name in ("appended", "merged"):
        message = told[name][1]
        assert "is not run again: it may have been done" in message
        assert "dbt retry" in message and "session dbt-glue__" in message
    assert "its process ended with code -9" in told["appended"][1]
    lost = [at for at, text in deaths.said if "was lost, and is made anew" in text]
    assert len(lost) == len(deaths.died) == 6
    for died, seen in zip(sorted(deaths.died), sorted(lost), strict=True):
        assert 0 <= seen - died < SEEN_WITHIN

    found = deaths.glue.get_tables(DatabaseName=deaths.schema)["TableList"]
    assert {table["Name"] for table in found} == set(MODELS)
    # What fails for want of an answer may have been written, but not twice.
    assert sorted(row["run"] for row in deaths.rows("appended")) in ([1], [1, 2])
    assert sorted(row["run"] for row in deaths.rows("rested")) == [1, 2]
    assert [row["run"] for row in deaths.rows("rebuilt")] == [2]
    assert {row["tz"] for row in deaths.rows("rebuilt")} == {ZONE}
    assert {row["n"] for row in deaths.rows("rested")} == {7}
    wait_until(deaths.all_have_ended, 300, "no session is left")


def test_a_query_that_kills_each_session(deaths: Project, turn: Callable[..., None]) -> None:
    """Out of memory, really: it is given up, and the others run on."""
    turn(driver_memory="512m")
    deaths.model("greedy", GREEDY)
    for number in range(3):
        deaths.model(
            f"modest_{number}",
            f"{MODELS['undisturbed']} select {number} as n",
        )
    told = deaths.run("run", "--threads", "2")
    assert told["greedy"][0] == "error"
    assert {told[f"modest_{number}"][0] for number in range(3)} == {"success"}
    assert "OutOfMemory" in told["greedy"][1] or "Sessions died under" in told["greedy"][1]
    wait_until(deaths.all_have_ended, 300, "no session is left")
