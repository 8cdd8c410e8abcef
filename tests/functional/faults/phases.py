"""Whole dbt runs, each in a process of its own, whose phases meet a fault."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .cell import BUCKET, Cell, alive_after_a_while
from .kinds import Fault
from .outcomes import NAMED, RIGHT, Outcome, rows_of

ROLE = "arn:aws:iam::123456789012:role/LocalGlue"
OLD, NEW = [[1, "old"], [2, "old"]], [[1, "old"], [2, "new"], [3, "new"]]
FIRST = "{{ config(materialized='table') }} select 7 as id"
MERGED = """
{{ config(
    materialized='incremental', incremental_strategy='merge', unique_key='id',
    file_format='iceberg',
) }}
-- {{ ref('first') }}
select r.id, 'new' as name from range(2, 4) r cross join (
    -- a few seconds of work, since a merge takes nothing that sleeps
    select max(sha2(concat(a.id, b.id), 256)) as h from range(1500) a cross join range(2000) b
) where h is not null
"""
Rules = Mapping[str, str]  # operation of local Glue -> whether it is asked for at the start


@dataclass(frozen=True, eq=False)
class Phase:
    """A row of the table.

    operations: what meets the fault. when: what stands in dbt's log as soon as it is to be asked
    for; from the start if empty. own_session: the run makes one, and stops it. leaves: the session
    may stay where a message says how to stop it.
    """

    title: str
    session_type: str
    operations: tuple[str, ...]
    when: str = ""
    own_session: bool = False
    leaves: bool = False

    @property
    def slug(self) -> str:
        return re.sub(r"\W+", "_", f"{self.title}_{self.session_type}")

    @property
    def row(self) -> str:
        return f"{self.title}, {self.session_type}"


def _phases() -> tuple[Phase, ...]:
    made = []
    statements = {
        "livy": ("RunStatement",),
        "spark_connect": ("connect:ExecutePlan",),
    }
    answers = {
        "livy": ("GetStatement",),
        "spark_connect": ("connect:stream", "connect:ReattachExecute"),
    }
    for kind in ("livy", "spark_connect"):
        made += [
            Phase("parse", kind, ("CreateSession", "GetDatabases", "GetTables"), own_session=True),
            Phase("provisioning", kind, ("GetSession", "GetSessionEndpoint"), own_session=True),
            Phase("first statement", kind, statements[kind]),
            Phase("in the middle of a merge", kind, answers[kind], when="merge into"),
            Phase("stop", kind, ("StopSession",), own_session=True, leaves=True),
        ]
    return tuple(made)


PHASES = _phases()


@dataclass(frozen=True)
class Ran:
    """A run of dbt: its exit code (None: it was ended, being overdue), all that it said, and how
    many calls met the fault."""

    code: int | None
    output: str
    seconds: float
    met: int


class Project:
    """A dbt project with a first table, and a merge into a table that is there."""

    def __init__(self, cell: Cell, phase: Phase, folder: Path) -> None:
        self.cell, self.phase, self.folder = cell, phase, folder

    def prepare(self) -> None:
        glue, database = self.cell.clean.glue, self.cell.database
        place = f"s3://{BUCKET}/{database}"
        glue.create_database(DatabaseInput={"Name": database, "LocationUri": place})
        run = self.cell.memory["on_connect"]
        merged = f"glue_catalog.{database}.merged"
        run(
            f"create table {merged} using iceberg location '{place}/merged' as "
            "select id, 'old' as name from range(1, 3)"
        )
        self._write()

    def _write(self) -> None:
        target: dict[str, Any] = {
            "type": "glue",
            "role_arn": ROLE,
            "region": "us-east-1",
            "endpoint_url": self.cell.url,
            "location": f"s3://{BUCKET}",
            "schema": self.cell.database,
            "glue_version": "5.1",
            "datalake_formats": "iceberg",
            "session_type": self.phase.session_type,
            "idle_timeout": 30,
            "threads": 2,
            "boto_retry_max_attempts": self.cell.repeats,
            "tags": f"purpose={self.cell.session_id}",
        }
        if not self.phase.own_session:
            target["glue_session_id"] = self.cell.memory[self.phase.session_type]
            target["glue_session_reuse"] = True
        profile = {"faults": {"target": "dev", "outputs": {"dev": target}}}
        project = {"name": "faults", "version": "1.0", "profile": "faults"}
        (self.folder / "models").mkdir(parents=True)
        for name, text in {
            "profiles.yml": yaml.safe_dump(profile),
            "dbt_project.yml": yaml.safe_dump(project),
            "models/first.sql": FIRST,
            "models/merged.sql": MERGED,
        }.items():
            (self.folder / name).write_text(text)

    def run(self, fault: Fault) -> Ran:
        rules = {name: list(fault.rule) for name in self.phase.operations}
        if not self.phase.when:
            self.cell.meets(rules)
        started = time.monotonic()
        with (self.folder / "output.txt").open("w") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "run"],
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                code = self._follow(process, rules, started + fault.within)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait(30)
        met = sum(self.cell.meets({}).values())
        said = (self.folder / "output.txt").read_text(errors="replace")
        return Ran(code, said, time.monotonic() - started, met)

    def _follow(
        self, process: subprocess.Popen, rules: dict[str, Any], deadline: float
    ) -> int | None:
        asked = not self.phase.when
        log = self.folder / "logs" / "dbt.log"
        while time.monotonic() < deadline:
            if not asked and log.exists() and self.phase.when in log.read_text(errors="replace"):
                time.sleep(0.7)  # Spark has begun with it
                self.cell.meets(rules)
                asked = True
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        return None

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DBT_"))}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": self.cell.access_key,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.folder),
        }

    # --- what has become of it

    def tables(self) -> list[str]:
        found = self.cell.clean.glue.get_tables(DatabaseName=self.cell.database)["TableList"]
        return sorted(table["Name"] for table in found)

    def rows(self) -> list[list[Any]]:
        merged = f"glue_catalog.{self.cell.database}.merged"
        return rows_of(self.cell.memory["on_connect"], merged)

    def temporaries(self) -> list[str]:
        found = []
        for page in self.cell.clean.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            found += [item["Key"] for item in page.get("Contents", ())]
        own = [key for key in found if key.startswith(f"{self.cell.database}/")]
        kept = (f"{self.cell.database}/first/", f"{self.cell.database}/merged/")
        return [key for key in own if not key.startswith(kept) and not key.endswith("/")]

    def judge(self, fault: Fault, ran: Ran) -> Outcome:
        """Right: exit code 0 and the merged rows. Else the cause has to stand in the output, and
        the merge is whole or has not been."""
        if ran.code is None:
            return Outcome("wrong", f"it hangs: killed after {ran.seconds:.0f} s\n{ran.output}")
        if not ran.met:
            return Outcome("wrong", f"no call has met the fault\n{ran.output}")
        rows, tables, left = self.rows(), self.tables(), self.temporaries()
        told = fault.cause.search(ran.output) is not None
        note = ""
        tags = {"purpose": self.cell.session_id}
        if alive := alive_after_a_while(self.cell.clean, tags=tags):
            by_hand = all(f"dbt-glue sessions stop {name}" in ran.output for name in alive)
            for name in alive:
                self.cell.clean.glue.stop_session(Id=name)
            if not (self.phase.leaves and told and by_hand and not fault.passes):
                return Outcome("wrong", f"sessions are left: {alive}\n{ran.output}")
            note = "The session stays, and the output says how to stop it."
        if not set(tables) <= {"first", "merged"} or left:
            return Outcome("wrong", f"left: {tables}, {left}\n{ran.output}")
        if ran.code == 0:
            right = rows == NEW and tables == ["first", "merged"]
            reason = "" if right else f"exit code 0, and there is {rows}, {tables}\n{ran.output}"
            return Outcome(RIGHT, note) if right else Outcome("wrong", reason)
        if fault.passes or not told:
            return Outcome("wrong", f"exit code {ran.code}\n{ran.output}")
        if rows not in (OLD, NEW):
            return Outcome("wrong", f"half a merge: {rows}\n{ran.output}")
        return Outcome(NAMED, note)
