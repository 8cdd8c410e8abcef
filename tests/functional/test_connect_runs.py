"""Runs over Spark Connect while streams break, tokens expire and the session goes."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.dataset
import pytest
import yaml
from dbt.cli.main import dbtRunner
from side_by_side import in_threads

from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec

pytestmark = pytest.mark.slow

BUCKET = "connect-runs"
ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
APPENDS, VIEWS = 12, 4
SLOWLY = "java_method('java.lang.Thread', 'sleep', 400L)"
APPEND = (
    "{{ config(materialized='incremental', incremental_strategy='append', file_format='parquet') }}"
    f"\nselect %d as id, {SLOWLY} as waited"
)
VIEW = "select count(*) as n from {{ ref('append_%d') }}"


class Project:
    def __init__(self, folder: Path, local_dir: Path, glue: Any) -> None:
        self.folder = folder
        self.schema = f"runs_{uuid.uuid4().hex[:8]}"
        self.warehouse = local_dir / "s3" / BUCKET / self.schema
        self.glue = glue
        self.earlier: set[str] = set()  # sessions of the runs before
        target = {
            "type": "glue",
            "local": True,
            "local_dir": str(local_dir),
            "location": f"s3://{BUCKET}/{self.schema}",
            "glue_version": "5.1",
            "session_type": "spark_connect",
            "idle_timeout": 5,
            "schema": self.schema,
            "tags": f"purpose={self.schema}",
        }
        (folder / "models").mkdir()
        for number in range(APPENDS):
            (folder / "models" / f"append_{number}.sql").write_text(APPEND % number)
        for number in range(VIEWS):
            (folder / "models" / f"view_{number}.sql").write_text(VIEW % number)
        profile = {"runs": {"target": "dev", "outputs": {"dev": target}}}
        project = {"name": "runs", "version": "1.0", "profile": "runs"}
        (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
        (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))

    def run(self, threads: int) -> dict[str, str]:
        """Status of each model. No model was built twice, and no session is left."""
        had, self.earlier = self._rows(), set(self._sessions())
        at = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        results = dbtRunner().invoke(["run", "--threads", str(threads), *at]).result
        told = {result.node.name: str(result.status) for result in results}
        written = {name: rows - had.get(name, 0) for name, rows in self._rows().items()}
        for name, count in written.items():
            # What failed for want of an answer may have been written.
            assert count in {"success": (1,), "error": (0, 1), "skipped": (0,)}[told[name]], name
        assert set(self.running()) == set()
        return told

    def running(self) -> list[str]:
        return self.sessions("PROVISIONING", "READY", "BUSY")

    def sessions(self, *states: str) -> list[str]:
        """Of this run."""
        return [
            id
            for id, status in self._sessions().items()
            if id not in self.earlier and status in states
        ]

    def _sessions(self) -> dict[str, str]:
        found = self.glue.list_sessions(Tags={"purpose": self.schema})["Sessions"]
        return {session["Id"]: session["Status"] for session in found}

    def _rows(self) -> dict[str, int]:
        folders = self.warehouse.rglob("append_*")
        return {
            folder.name: pyarrow.dataset.dataset(folder, format="parquet").count_rows()
            for folder in folders
            if folder.is_dir()
        }


@pytest.fixture(scope="module")
def project(local_glue: Any, glue_client: Any, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every model is there once."""
    made = Project(tmp_path_factory.mktemp("runs"), local_glue.local_dir, glue_client)
    assert set(made.run(threads=16).values()) == {"success"}
    return made


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Does something over and over, beside the test, until it says that it is done."""
    over = threading.Event()
    threads = []

    def begin(step: Callable[[], Any]) -> None:
        def loop() -> None:
            while not over.wait(0.1) and not step():
                pass

        threads.append(threading.Thread(target=loop))
        threads[-1].start()

    yield begin
    over.set()
    for thread in threads:
        thread.join(10)


def test_broken_streams_and_short_tokens_harm_nothing(
    project: Project, turn: Any, meanwhile: Any
) -> None:
    broken = {"connect:ReattachExecute": ["UNAVAILABLE", 2]}

    def break_some() -> None:
        turn(token_lifetime=1.0, connect_drop=2, fail=broken)
        time.sleep(1)

    meanwhile(break_some)
    assert set(project.run(threads=16).values()) == {"success"}


def test_models_run_on_after_spark_was_killed(project: Project, turn: Any, meanwhile: Any) -> None:
    turn(session_death_after=8)  # of each session, so it is taken back before the next has had 8

    def spare_the_next() -> bool:
        if project.sessions("FAILED"):
            turn(session_death_after=None)
            return True
        return False

    meanwhile(spare_the_next)
    told = Counter(project.run(threads=4).values())
    assert told["success"] >= 3 and told["error"] >= 1


def test_models_run_on_after_the_session_was_stopped(
    project: Project, glue_client: Any, meanwhile: Any, plans: Any
) -> None:
    """By another client, while statements are in flight."""

    def stop_it_at_work() -> bool:
        running = project.running()
        if running and plans() > before + 4:
            glue_client.stop_session(Id=running[0])
            return True
        return False

    before = plans()
    meanwhile(stop_it_at_work)
    told = Counter(project.run(threads=4).values())
    assert told["success"] >= 3 and told["error"] >= 1


@pytest.mark.alone
def test_sixteen_threads_on_one_session(glue_client: Any, turn: Any) -> None:
    """Work that has parallelism: statements that wait, in a Spark with room for 16 of them."""
    turn(master="local[16]")
    pool = SessionPool(SimpleNamespace(glue=glue_client), threads=16, provisioning_timeout=180)
    spec = SessionSpec(
        role_arn=ROLE, glue_version="5.1", idle_timeout=5, session_type="spark_connect"
    )
    transport = pool.transport(spec, SessionName(f"dbt-glue__wide__{uuid.uuid4().hex[:8]}", False))

    def seconds_with(threads: int) -> float:
        jobs = iter(range(32))  # next() of it is atomic

        def work() -> None:
            for number in jobs:
                sql = f"select {number} as a, java_method('java.lang.Thread', 'sleep', 500L) as b"
                assert transport.execute(sql).rows[0][0] == number

        started = time.monotonic()
        assert in_threads(*[work] * threads) == [None] * threads
        return time.monotonic() - started

    try:
        seconds_with(16)
        four, sixteen = seconds_with(4), seconds_with(16)
    finally:
        pool.close()
    assert four >= 4.0  # 32 of half a second, 4 at a time
    assert sixteen < four / 1.5
