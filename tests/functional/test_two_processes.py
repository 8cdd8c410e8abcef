"""Runs of several processes at the same time: on one session name, and on one target."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from signals import as_in_a_terminal
from waiting import wait_until

pytestmark = pytest.mark.slow

# It takes a place in Spark, and no processor: Spark goes on with it when its client is killed.
ENDLESS = (
    "select java_method('java.lang.Thread', 'sleep', 900000L) as waited from range(0, 1, 1, 1)"
)
WAITS = "java_method('java.lang.Thread', 'sleep', 300L) as w"
MODELS = {
    "replaced": "{{ config(materialized='table', file_format='iceberg') }} "
    f"select id, {WAITS} from range(10)",
    "rebuilt": "{{ config(materialized='table', file_format='parquet') }} "
    f"select id, {WAITS} from range(10)",
    "seen": "select count(*) as n from {{ ref('replaced') }}",
    "grown": "{{ config(materialized='incremental', incremental_strategy='merge', "
    "file_format='iceberg', unique_key='id') }} select id, w from {{ ref('rebuilt') }}",
}


class Project:
    """One dbt project; a process of it has a target folder, a log and a schema of its own."""

    def __init__(self, folder: Path, local_glue: Any, glue: Any, session_type: str) -> None:
        self.folder, self.glue = folder, glue
        self.purpose = f"processes_{uuid.uuid4().hex[:8]}"
        self.started: list[subprocess.Popen] = []
        target = {
            "type": "glue",
            "local": True,
            "local_dir": str(local_glue.local_dir),
            "location": f"s3://two-processes/{self.purpose}",
            "datalake_formats": "iceberg",
            "glue_version": "5.1",
            "session_type": session_type,
            "idle_timeout": 5,
            "threads": 2,
            "tags": f"purpose={self.purpose}",
            "schema": f"{self.purpose}_{{{{ env_var('WHO') }}}}",
        }
        named = {**target, "glue_session_id": self.purpose, "glue_session_reuse": True}
        outputs = {"named": named, "own": {**target, "schema": self.purpose}}
        profile = {"processes": {"target": "own", "outputs": outputs}}
        project = {"name": "processes", "version": "1.0", "profile": "processes"}
        (folder / "models").mkdir()
        for name, text in {**MODELS, "endless": ENDLESS_MODEL}.items():
            (folder / "models" / f"{name}.sql").write_text(text)
        (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
        (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))

    def start(self, who: str, *arguments: str) -> subprocess.Popen:
        dbt = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "--log-path"]
        environment = {**os.environ, "DBT_PROFILES_DIR": str(self.folder), "WHO": who}
        with self.output(who).open("w") as output:
            process = subprocess.Popen(
                [*dbt, f"log_{who}", *arguments, "--target-path", f"target_{who}"],
                cwd=self.folder,
                env={**environment, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=as_in_a_terminal,
            )
        self.started.append(process)
        return process

    def output(self, who: str) -> Path:
        return self.folder / f"output_{who}.txt"

    def results(self, who: str) -> dict[str, str]:
        found = json.loads((self.folder / f"target_{who}" / "run_results.json").read_text())
        return {r["unique_id"].split(".")[-1]: r["status"] for r in found["results"]}

    def sessions(self) -> dict[str, str]:
        found = self.glue.list_sessions(Tags={"purpose": self.purpose})["Sessions"]
        return {session["Id"]: session["Status"] for session in found}


ENDLESS_MODEL = f"{{{{ config(materialized='table', enabled=var('endless', false)) }}}} {ENDLESS}"


@pytest.fixture(params=["livy", "spark_connect"])
def processes(request: Any, local_glue: Any, glue_client: Any, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path, local_glue, glue_client, request.param)
    yield project
    for process in project.started:
        if process.poll() is None:
            process.kill()
        process.wait(10)
    for session_id, status in project.sessions().items():
        if status in ("READY", "BUSY", "PROVISIONING"):
            glue_client.stop_session(Id=session_id)


def test_pain_33_processes_that_start_at_once_share_the_session_of_a_name(
    processes: Project,
) -> None:
    """Nobody sees AlreadyExists; one that is killed takes nothing from the others."""
    endless = processes.start(
        "c", "run", "--target", "named", "--select", "endless", "--vars", "endless: true"
    )
    first = processes.start("a", "run", "--target", "named")
    second = processes.start("b", "run", "--target", "named")
    wait_until(
        lambda: "START sql" in processes.output("c").read_text(), 600, "the third one is at work"
    )
    wait_until(
        lambda: any("OK created" in processes.output(who).read_text() for who in "ab"),
        600,
        "another has built a model beside it",
    )
    endless.send_signal(signal.SIGKILL)
    for who, process in (("a", first), ("b", second)):
        assert process.wait(600) == 0, processes.output(who).read_text()
        assert processes.results(who) == dict.fromkeys(MODELS, "success")
    assert processes.sessions() == {processes.purpose: "READY"}
    said = [processes.output(who).read_text() for who in "abc"]
    assert sum("asked for" in text for text in said) == 1
    assert sum("attached" in text for text in said) == 2
