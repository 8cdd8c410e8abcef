"""What is left after a run, however it ends: sessions, tables, files on S3 and here, processes.

One project is held at every telling moment at once: in a CTAS, in a write to a new folder, between
write and swap, in the table that an increment is staged in, in a seed, in a Python model.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner
from functional.conftest import TRANSPORT
from signals import in_a_session_of_its_own, processes_of
from waiting import wait_until

pytestmark = pytest.mark.slow

IDLE = ("STOPPED", "FAILED", "TIMEOUT")
SOON = 200  # seconds, on a machine that is busy with other tests
HELD = "java_method('java.lang.Thread', 'sleep', 900000L)"
ROWS = "select id, 'a' as part, {% if var('hold', false) %}if(id < 3, 'x', HELD){% else %}'x'"
ROWS = f"{ROWS}{{% endif %}} as word from range(0, 5, 1, 1)".replace("HELD", HELD)
MODELS = {
    "aside": "{{ config(materialized='table', partition_by='part') }} select id, word, part"
    f" from ({ROWS})",
    "moves": f"{{{{ config(materialized='table') }}}} {ROWS}",
    "between": "{{ config(materialized='table', partition_by='part', meta={'held': true}) }}"
    " select id, 'a' as part from range(5)",
    "stages": "{{ config(materialized='incremental', incremental_strategy='insert_overwrite') }}"
    f" {ROWS} {{% if is_incremental() %}} union all select * from {{{{ this }}}} where id < 0"
    " {% endif %}",
    "mine": "{{ config(materialized='incremental', incremental_strategy='mine',"
    " enabled=not var('hold', false)) }} select 1 as id",
    "fails": "{{ config(materialized='table', enabled=var('fail', false)) }}"
    " select raise_error('no such luck') as id",
}
# As the adapter's own, but held.
MACROS = """
{% macro glue__put_in_place(build, existing_relation, target_relation) -%}
  {%- if var('hold', false) and config.get('meta', {}).get('held') -%}
    {{ glue_exec_query("select HELD") }}
  {%- endif -%}
  {%- do adapter.put_in_place(build, existing_relation, glue__custom_location()) -%}
  {{ glue_exec_query('refresh table ' ~ target_relation) }}
{%- endmacro %}

{% macro glue__typed_seed_sql(view, columns) -%}
  select id, {% if var('hold', false) %}if(id < 3, word, HELD){% else %}word{% endif %} as word
  from {{ view }}
{%- endmacro %}

{% macro get_incremental_mine_sql(arg_dict) -%}
  {%- if var('fail', false) -%}
    {%- do run_query('select * from ' ~ arg_dict['temp_relation']) -%}
    select raise_error('not mine')
  {%- else -%}
    insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }}
  {%- endif -%}
{%- endmacro %}

{% macro refuse_views() -%}
  {%- if execute -%}
    {%- for view in run_query('show views').rows if '__dbt_tmp_' in view['viewName'] -%}
      {%- do exceptions.raise_compiler_error('there is a view ' ~ view['viewName']) -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
""".replace("HELD", HELD)
ENDLESS = """
import pathlib
import time


def model(dbt, session):
    dbt.config(materialized="table")
    pathlib.Path("{mark}").touch()
    while True:
        time.sleep(0.05)
    return session.range(1)
"""


class World:
    """A dbt project, and what can be seen of it from outside."""

    def __init__(self, folder: Path, local_glue: Any, glue: Any) -> None:
        self.folder, self.glue, self.local = folder, glue, local_glue
        self.name = f"leaks_{uuid.uuid4().hex[:8]}"
        self.location = f"s3://functional-tests/{self.name}"
        self.s3 = local_glue.local_dir / "s3" / "functional-tests" / self.name
        self.mark = folder / "python.begun"
        self._write()

    def _write(self) -> None:
        common = {
            "type": "glue",
            "local": True,
            "local_dir": str(self.local.local_dir),
            "location": self.location,
            "datalake_formats": "iceberg",
            "glue_version": "5.1",
            "idle_timeout": 5,
            "threads": 6,
            "schema": self.name,
        }
        own = common | {"tags": f"purpose={self.name}"}
        shared = {
            "glue_session_id": f"functional-tests-{TRANSPORT}",
            "glue_session_reuse": True,
            "session_type": TRANSPORT,
            "datalake_formats": "iceberg,delta,hudi",
            "idle_timeout": 60,
        }
        outputs = {
            "livy": own | {"session_type": "livy"},
            "spark_connect": own | {"session_type": "spark_connect"},
            "shared": common | shared,
        }
        python = {"+enabled": "{{ target.name == 'livy' and var('hold', false) | as_bool }}"}
        project = {
            "name": "leaks",
            "version": "1.0",
            "profile": "leaks",
            "models": {"leaks": {"+file_format": "parquet", "endless": python}},
            "seeds": {"leaks": {"+file_format": "parquet"}},
            "on-run-end": [
                "{{ refuse_views() }}",
                "{% if var('fail', false) %} select raise_error('no end') {% endif %}",
            ],
        }
        for folder in ("models", "macros", "seeds", "tmp"):
            (self.folder / folder).mkdir()
        (self.folder / "profiles.yml").write_text(yaml.safe_dump({"leaks": {"outputs": outputs}}))
        (self.folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
        (self.folder / "macros" / "held.sql").write_text(MACROS)
        (self.folder / "seeds" / "words.csv").write_text("id,word\n1,one\n2,two\n4,four\n")
        for name, text in MODELS.items():
            (self.folder / "models" / f"{name}.sql").write_text(text)
        (self.folder / "models" / "endless.py").write_text(ENDLESS.format(mark=self.mark))

    # --- from outside

    def sessions(self) -> dict[str, str]:
        found = self.glue.list_sessions(Tags={"purpose": self.name})["Sessions"]
        return {session["Id"]: session["Status"] for session in found}

    def all_ended(self) -> bool:
        return all(status in IDLE for status in self.sessions().values())

    def kernels(self) -> set[int]:
        """The processes of local Glue's sessions."""
        command = ["pgrep", "-P", str(self.local.pid), "-f", "repl.py"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return {int(pid) for pid in found.split()}

    def tables(self) -> list[str]:
        return sorted(t["Name"] for t in self.glue.get_tables(DatabaseName=self.name)["TableList"])

    def files(self) -> set[str]:
        return {str(path.relative_to(self.s3)) for path in self.s3.rglob("*") if path.is_file()}

    def here(self) -> set[str]:
        own = {path.name for path in self.folder.iterdir()} - {"target", "logs", "output.txt"}
        return own - {self.mark.name} | {f"tmp/{p.name}" for p in (self.folder / "tmp").iterdir()}

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    # --- runs

    def invoke(self, *arguments: str) -> Any:
        """dbt in this process."""
        place = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        return dbtRunner().invoke([*arguments, *place])

    def start(self, target: str) -> subprocess.Popen:
        """A run that is held until a signal ends it."""
        self.mark.unlink(missing_ok=True)
        dbt = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "build"]
        environment = {
            **os.environ,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
        }
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                [*dbt, "--target", target, "--vars", "{hold: true}"],
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=in_a_session_of_its_own,
            )

    def is_held(self, target: str, before: set[str]) -> bool:
        """Every node is in the middle of what it makes."""
        assert "Encountered an error" not in self.output(), self.output()

        def begun(pattern: str) -> bool:
            return any(str(p.relative_to(self.s3)) not in before for p in self.s3.glob(pattern))

        return (
            all(begun(f"{self.name}/{name}/dbt_build_*") for name in ("aside", "moves", "words"))
            and begun(f"{self.name}/stages__dbt_tmp_*")
            and begun("_dbt_glue_tmp/*/*")
            and any(name.startswith("between__dbt_tmp_") for name in self.tables())
            and (target != "livy" or self.mark.exists())
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dbt.adapters.glue.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder)

    def leftovers(self, *arguments: str) -> subprocess.CompletedProcess:
        place = ("--profiles-dir", str(self.folder), "--target", "livy")
        return self.command("leftovers", *arguments, "--schema", self.name, *place)


@pytest.fixture(scope="module")
def world(
    local_glue: Any, glue_client: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    from knobs import turned_back

    made = World(tmp_path_factory.mktemp("leaks"), local_glue, glue_client)
    built = made.invoke("build", "--target", "shared")
    assert built.success, built.exception or built.result
    with turned_back(local_glue.url) as turn:
        turn(master="local[8]")  # held tasks keep their cores
        yield made
    glue_client.delete_database(Name=made.name)


@pytest.fixture
def held(world: World) -> Iterator[Callable[[str], subprocess.Popen]]:
    started: list[subprocess.Popen] = []

    def run(target: str) -> subprocess.Popen:
        folders = {str(path.relative_to(world.s3)) for path in world.s3.rglob("*")}
        started.append(world.start(target))
        wait_until(lambda: world.is_held(target, folders), 400, "every node is held")
        return started[0]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def again_once_cancelled(world: World, process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "CANCEL" in world.output(), SOON, "dbt cancels")
    process.send_signal(signal.SIGINT)


ENDS: dict[str, Callable[[World, subprocess.Popen], None]] = {
    "Ctrl-C": lambda world, process: process.send_signal(signal.SIGINT),
    "Ctrl-C twice": again_once_cancelled,
    "SIGTERM": lambda world, process: process.send_signal(signal.SIGTERM),
    "SIGHUP": lambda world, process: process.send_signal(signal.SIGHUP),
}


@pytest.mark.parametrize(
    ("end", "target"),
    [
        *[("Ctrl-C", "spark_connect"), ("Ctrl-C", "livy"), ("Ctrl-C twice", "livy")],
        *[("SIGTERM", "spark_connect"), ("SIGTERM", "livy"), ("SIGHUP", "spark_connect")],
    ],
)
def test_pain_15_nothing_is_left_of_a_run_that_is_ended(
    world: World, held: Callable[[str], subprocess.Popen], end: str, target: str
) -> None:
    tables, files, here, kernels = world.tables(), world.files(), world.here(), world.kernels()
    process = held(target)
    assert world.kernels() - kernels
    ENDS[end](world, process)
    process.wait(SOON)
    assert process.returncode != 0
    # On AWS too a session ends after StopSession has been answered.
    wait_until(world.all_ended, SOON, "the session has ended")
    wait_until(lambda: world.kernels() == kernels, SOON, "its processes have ended")
    assert world.tables() == tables, world.output()
    assert world.files() == files, world.output()
    assert world.here() == here
    assert processes_of(process.pid) == []
    output = world.output()
    assert "is left" not in output and "could not be stopped" not in output, output


def test_pain_15_what_kill_9_leaves_is_listed_and_removed(
    world: World, held: Callable[[str], subprocess.Popen]
) -> None:
    tables, files, kernels = world.tables(), world.files(), world.kernels()
    process = held("spark_connect")
    process.kill()
    process.wait(30)
    (own,) = [name for name, status in world.sessions().items() if status not in IDLE]
    local = ("--dir", str(world.local.local_dir))
    listed = json.loads(world.command("sessions", "list", "--json", *local).stdout)
    tell = {session["Id"]: session["StartedBy"] for session in listed}
    ended = {name for name, by in tell.items() if by["ended"] and not by["kept"]}
    others = tell.keys() - ended
    assert own in ended and f"functional-tests-{TRANSPORT}" in others
    stopped = world.command("sessions", "stop", "--left", *local)
    assert stopped.returncode == 0 and f"stopped {own}" in stopped.stdout, stopped
    assert not [name for name in others if name in stopped.stdout]
    wait_until(world.all_ended, SOON, "the session has ended")
    wait_until(lambda: world.kernels() == kernels, SOON, "its processes have ended")

    shown = json.loads(world.leftovers("list", "--json").stdout)
    kinds = {(left["kind"], left["name"].partition("__")[0]) for left in shown}
    sure = {("table", "between"), ("seed", "")}
    # Where a session is stopped in good order, Spark itself removes what it had begun to write.
    builds = {("build", name) for name in ("aside", "moves", "stages", "words")}
    assert sure <= kinds <= sure | builds, shown
    young = world.leftovers("remove")
    assert young.returncode == 0 and "younger than 48 h: left alone" in young.stdout, young
    removed = world.leftovers("remove", "--older-than", "0")
    assert removed.returncode == 0, removed
    assert world.leftovers("list").stdout == "nothing is left\n"
    assert world.tables() == tables
    assert world.files() == files


def test_nothing_is_left_of_runs_that_fail(world: World) -> None:
    tables, files = world.tables(), world.files()
    failed = world.invoke("run", "--target", "spark_connect", "--vars", "{fail: true}")
    assert not failed.success
    told = {result.node.name: result.status for result in failed.result}
    assert (told["fails"], told["mine"], told["aside"]) == ("error", "error", "success")
    assert "there is a view" not in str([result.message for result in failed.result])
    assert world.tables() == tables
    assert not [name for name in world.files() - files if "tmp" in name]
    wait_until(world.all_ended, SOON, "the session has ended")
    (world.folder / "models" / "broken.sql").write_text("select {% if %}")
    try:
        assert not world.invoke("run", "--target", "spark_connect").success
    finally:
        (world.folder / "models" / "broken.sql").unlink()
    wait_until(world.all_ended, SOON, "the session has ended")


def test_runs_in_one_process_leave_no_threads_files_or_connections(world: World) -> None:
    def all_kinds() -> None:
        selected = ("--target", "shared", "--select", "moves", "mine", "fails", "words")
        assert world.invoke("build", *selected).success
        assert not world.invoke("build", *selected, "--vars", "{fail: true}").success

    def open_now() -> tuple[list[str], int]:
        threads = sorted(t.name for t in threading.enumerate() if t.is_alive())
        return threads, len(os.listdir("/proc/self/fd"))

    seeds = set((world.s3 / "_dbt_glue_tmp").rglob("*.gz"))
    all_kinds()
    threads, files = open_now()
    all_kinds()

    def no_more() -> bool:
        now = open_now()
        return len(now[0]) <= len(threads) and now[1] <= files

    wait_until(no_more, 30, f"threads {threads}, {files} files")
    assert set((world.s3 / "_dbt_glue_tmp").rglob("*.gz")) == seeds
