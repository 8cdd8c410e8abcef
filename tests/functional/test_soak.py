"""A soak: hours of a run in a minute or two. Tokens of seconds, idle timeouts, 16 threads.

A minute of a session's clock is shortened, and a token of Spark Connect lives two seconds, so that
a thousand statements on each transport see what two hours of a run do.
"""

import gc
import itertools
import os
import re
import shutil
import subprocess
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtDatabaseError
from side_by_side import in_threads
from waiting import wait_until

from dbt.adapters.glue.connections import GlueConnectionManager
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.session.connect import Answer, Run
from dbt.adapters.glue.session.connect_channel import Stream
from dbt.adapters.glue.session.result import Result
from dbt.adapters.glue.session.ticket import Ticket

pytestmark = [pytest.mark.slow, pytest.mark.alone]

STATEMENTS, THREADS = 1000, 16
BUCKET = "soak"
ENDLESS = "select count(*) from range(100000000000) a where hash(a.id) = 1 and hash(id + 1) = 2"
# What one statement leaves, if it is kept: a result of ours, its rows, a gRPC call of pyspark.
OF_A_STATEMENT = (Ticket, Result, Run, Answer, Stream)
# Kept by each statement, 16 KiB would be 12 MiB in the last three quarters; the allocator's own
# noise was 6 MiB at most.
MOST_GROWTH = 12 * 2**20
# Spark keeps its last 1,000 jobs, stages and executions (spark.ui.retainedJobs and its like): 500
# statements more were 14 MiB.
MOST_GROWTH_OF_SPARK = 40 * 2**20


def resident() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def kept() -> Counter[str]:
    gc.collect()
    return Counter(type(o).__name__ for o in gc.get_objects() if isinstance(o, OF_A_STATEMENT))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def ours_at_work() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("glue-")]


class Soak:
    """Statements from THREADS threads, through a connection manager of dbt-glue's own."""

    def __init__(self, local_glue: Any, glue: Any, session_type: str) -> None:
        self.local_glue, self.glue = local_glue, glue
        self.schema = f"soak_{uuid.uuid4().hex[:8]}"
        self.location = f"{self.schema}/warehouse"
        profile = {
            "schema": self.schema,
            "local": True,
            "local_dir": str(local_glue.local_dir),
            "location": f"s3://{BUCKET}/{self.location}",
            "glue_version": "5.1",
            "session_type": session_type,
            "idle_timeout": 5,
            "tags": f"purpose={self.schema}",
        }
        config: Any = SimpleNamespace(
            credentials=GlueCredentials.from_dict(profile), threads=THREADS
        )
        self.kernels_before = self._children(local_glue.pid, "repl.py")
        self.connections = GlueConnectionManager(config, get_context("spawn"))
        self.numbers, self.until = itertools.count(), 0
        self.written: Counter[int] = Counter()
        self.ran: Counter[str] = Counter()
        self.lock = threading.Lock()

    def run(self, count: int) -> None:
        """As dbt's threads do: each statement in a connection that has a node's name."""
        numbers = iter([next(self.numbers) for _ in range(count)])
        taking = threading.Lock()

        def work(worker: int) -> None:
            while True:
                with taking:
                    number = next(numbers, None)
                if number is None:
                    return self.connections.clear_thread_connection()
                kind = KINDS[number % len(KINDS)]
                self.connections.set_connection_name(f"model.soak.{kind}_{number}")
                getattr(self, kind)(worker, number)
                self.connections.release()
                with self.lock:
                    self.ran[kind] += 1

        found = in_threads(*[lambda worker=worker: work(worker) for worker in range(THREADS)])
        assert found == [None] * THREADS, [error for error in found if error is not None]

    def rows(self, sql: str) -> Any:
        return self.connections.execute(sql, fetch=True)[1].rows

    def read(self, worker: int, number: int) -> None:
        assert self.rows(f"select {number} as a, 'text' as b")[0][0] == number

    def read_much(self, worker: int, number: int) -> None:
        assert len(self.rows("select id, uuid() as u from range(500)")) == 500

    def read_long(self, worker: int, number: int) -> None:
        """Longer than what the output of a statement brings."""
        assert len(self.rows("select id, uuid() as u, uuid() as v from range(10000)")) == 10000

    def write(self, worker: int, number: int) -> None:
        self.connections.execute(f"insert into {self.schema}.t{worker} select {number}")
        with self.lock:
            self.written[worker] += 1

    def fail(self, worker: int, number: int) -> None:
        with pytest.raises(DbtDatabaseError, match="boom"):
            self.rows(f"select raise_error('boom {number}') as a")

    def misread(self, worker: int, number: int) -> None:
        with pytest.raises(DbtDatabaseError, match="TABLE_OR_VIEW_NOT_FOUND"):
            self.rows(f"select * from nowhere.t{number}")

    def cancel(self, worker: int, number: int) -> None:
        connection, ended = self.connections.get_thread_connection(), threading.Event()

        def cancel() -> None:  # once it runs, and until it has heard
            while not ended.wait(0.3):
                self.connections.cancel(connection)

        canceller = threading.Thread(target=cancel)
        canceller.start()
        try:
            with pytest.raises(DbtDatabaseError, match="cancelled"):
                self.rows(ENDLESS)
        finally:
            ended.set()
            canceller.join()

    def sessions(self) -> list[str]:
        found = self.glue.list_sessions(Tags={"purpose": self.schema})["Sessions"]
        return [session["Status"] for session in found]

    def live_bytes(self) -> int | None:
        """Of the session's JVM, after a full collection; None without a JDK."""
        if shutil.which("jcmd") is None:
            return None
        (kernel,) = self._children(self.local_glue.pid, "repl.py") - self.kernels_before
        (jvm,) = self._children(kernel, "java")
        command = ["jcmd", str(jvm), "GC.class_histogram"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        total = re.search(r"^Total\s+\d+\s+(\d+)", told, re.M)
        assert total is not None, told[-500:]
        return int(total[1])

    def dispatcher(self) -> dict[str, int]:
        """What the dispatcher of a Livy session holds."""
        self.connections.set_connection_name("model.soak.looks")
        code = (
            "custom_glue_code_for_dbt_adapter\nimport sys\n"
            "(found,) = [m for n, m in sys.modules.items()"
            " if n.startswith('dbt_glue_') and n.endswith('.dispatcher')]\n"
            "print(len(found._statements), len(found._queue), len(found._pieces), len(found._seen))"
        )
        response, table = self.connections.execute(code, fetch=True)
        names = ("statements", "queue", "pieces", "clients")
        held = dict(zip(names, map(int, str(table.rows[0][0]).split()), strict=True))
        self.connections.release()
        return held

    @staticmethod
    def _children(pid: int, what: str) -> set[int]:
        command = ["pgrep", "-P", str(pid), "-f", what]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return {int(pid) for pid in found.split()}


# In each hundred statements: reads mostly, one that is long, as many of the rest as there are.
KINDS = [
    *["read"] * 60,
    *["read_much"] * 14,
    "read_long",
    *["write"] * 12,
    *["fail"] * 6,
    *["misread"] * 4,
    *["cancel"] * 3,
]
KINDS = [KINDS[number * 37 % 100] for number in range(100)]  # in no order


@pytest.fixture(params=["livy", "spark_connect"])
def soak(request: Any, local_glue: Any, glue_client: Any) -> Iterator[Soak]:
    made = Soak(local_glue, glue_client, request.param)
    yield made
    made.connections.cleanup_all()


def test_a_soak(soak: Soak, turn: Callable[..., None], s3_client: Any) -> None:
    """Memory is flat, and nothing is left; each row is written once."""
    turn(token_lifetime=2.0)
    soak.connections.set_connection_name("model.soak.begins")
    soak.glue.create_database(DatabaseInput={"Name": soak.schema})
    for worker in range(THREADS):
        place = f"s3://{BUCKET}/{soak.location}/t{worker}"
        soak.connections.execute(
            f"create table {soak.schema}.t{worker} (n int) using parquet location '{place}'"
        )
    soak.run(STATEMENTS // 4)
    after_a_quarter, alive, files = resident(), ours_at_work(), open_files()

    for _ in range(2):  # two pauses that are longer than the idle timeout
        turn(minute=0.01)
        wait_until(lambda: set(soak.sessions()) == {"TIMEOUT"}, 300, "the session has timed out")
        turn(minute=60.0)
        # A read finds the session gone, and runs again; an insert that met it would fail with that.
        assert soak.rows("select 1 as a")[0][0] == 1
        soak.run(STATEMENTS // 8)
    in_session = soak.live_bytes()
    soak.run(STATEMENTS // 2)

    assert sum(soak.ran.values()) == STATEMENTS
    grown = resident() - after_a_quarter
    print(f"client: {after_a_quarter >> 20} MiB and {grown >> 10} KiB more")  # -s shows it
    assert grown < MOST_GROWTH
    assert len(ours_at_work()) == len(alive)
    soak.connections.set_connection_name("model.soak.ends")
    for worker in range(THREADS):
        found = soak.rows(f"select count(*) as c from {soak.schema}.t{worker}")
        assert found[0][0] == soak.written[worker]
    if in_session is not None:
        now = soak.live_bytes() or 0
        print(f"session: {in_session >> 20} MiB and {(now - in_session) >> 10} KiB more")
        assert now - in_session < MOST_GROWTH_OF_SPARK
    if soak.connections.transport().session_type == "livy":
        # this look itself is one, and the results of one exchange before are acknowledged in it
        held = soak.dispatcher()
        assert held["statements"] <= 2 and (held["queue"], held["pieces"], held["clients"]) == (
            0,
            0,
            1,
        )

    soak.connections.cleanup_all()
    wait_until(lambda: not ours_at_work(), 300, "our threads have ended")
    assert kept() == Counter()
    assert set(soak.sessions()) <= {"STOPPED", "STOPPING", "TIMEOUT"}
    listed = s3_client.list_objects_v2(Bucket=BUCKET, Prefix=f"{soak.location}/_dbt_glue")
    assert listed["KeyCount"] == 0
    assert open_files() <= files
