"""The Python shell of a local Glue session, with the manners of Livy's.

Run by file path, never imported by a session as part of dbt: it needs the standard library and
pyspark only. The parent writes one JSON object a line to stdin and reads one a line from stdout:

    in   {"op": "start", "conf": {…}, "argv": […], "py_files": […], "path": […], "log": "…",
          "connect": false}
         {"op": "execute", "id": 0, "code": "…"}      {"op": "cancel", "id": 0}
    out  {"event": "ready", "port": null}    {"event": "failed", "message": "…"}
         {"event": "progress", "id": 0, "progress": 0.4}
         {"event": "result", "id": 0, "status": "ok", "text": "…"}
         {"event": "result", "id": 0, "status": "error", "ename": …, "evalue": …, "traceback": […]}

What the code prints, from any thread, is collected and given with the next statement that ends
well. With `connect`, Spark serves Spark Connect on `port`, and nothing is executed here. The
process ends when stdin closes or when its JVM dies.
"""

from __future__ import annotations

import ast
import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CANCEL_EVERY = 0.1
CANCEL_DEADLINE = 30.0
PROGRESS_EVERY = 0.5
JVM_EXIT_TIMEOUT = 5.0
SOURCE_NAME = "<stdin>"
CONNECT_MESSAGE_SIZE = 128 * 1024 * 1024  # spark.connect.grpc.maxInboundMessageSize


class Collected(io.TextIOBase):
    """A text stream that keeps what is written until it is taken; any thread may write."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            self._parts.append(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def take(self) -> str:
        with self._lock:
            text = "".join(self._parts)
            self._parts.clear()
        return text


class Shell:
    """Runs statements one after the other in one namespace; knows nothing of Spark."""

    def __init__(self) -> None:
        self.stdout = Collected()
        self.stderr = Collected()
        # A module of this name, so that classes and functions of statements can be pickled.
        self.module = types.ModuleType("__main__")
        self.namespace = self.module.__dict__

    def install(self) -> None:
        sys.stdout, sys.stderr = self.stdout, self.stderr
        sys.modules["__main__"] = self.module

    def run(self, code: str) -> dict[str, Any]:
        """The `result` event of `code`, without its id."""
        try:
            self._execute(code)
        except BaseException as error:  # SystemExit and KeyboardInterrupt are answers too
            return {
                "status": "error",
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": traceback_lines(error),
            }
        # A failed statement leaves its output here: Livy gives it with the next good one.
        text = self.stdout.take() + self.stderr.take()
        return {"status": "ok", "text": text.rstrip()}

    def _execute(self, code: str) -> None:
        nodes = ast.parse(code, SOURCE_NAME, "exec").body
        for node in nodes[:-1]:
            exec(compile(ast.Module([node], []), SOURCE_NAME, "exec"), self.namespace)
        for node in nodes[-1:]:
            exec(compile(ast.Interactive([node]), SOURCE_NAME, "single"), self.namespace)


def traceback_lines(error: BaseException) -> list[str]:
    """What the statement's author needs to see: neither our frames nor the bare `<stdin>` one."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename == __file__:
        frame = frame.tb_next
    if frame is not None and frame.tb_frame.f_code.co_filename == SOURCE_NAME:
        frame = frame.tb_next
    if isinstance(error, SyntaxError) and error.filename == SOURCE_NAME:
        frame = None  # the frames are those of ast.parse
    lines = traceback.format_exception(type(error), error, frame, chain=False)
    header = "Traceback (most recent call last):\n"
    return lines if lines[0] == header else [header, *lines]


class Channel:
    """Answers to the parent, one JSON object a line; any thread may send."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        data = json.dumps({"event": event, **fields}).encode("ascii") + b"\n"
        with self._lock:
            while data:
                data = data[os.write(self._fd, data) :]


class Session:
    """The Spark side: one context, one job group per statement."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._shell = Shell()
        self._done: dict[int, threading.Event] = {}
        self._context: Any = None

    def start(
        self,
        conf: dict[str, str],
        argv: list[str],
        py_files: list[str],
        path: list[str],
        connect: bool,
    ) -> int | None:
        """The port of Spark Connect, if that is what is asked for."""
        sys.path[:0] = path
        sys.argv = ["", *argv]
        self._shell.install()
        from pyspark.sql import SparkSession, SQLContext

        builder = SparkSession.builder
        for key, value in conf.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        self._context = spark.sparkContext
        for file in py_files:
            self._context.addPyFile(file)
            sys.path.insert(0, file)  # addPyFile leaves wheels out
        self._shell.namespace.update(
            spark=spark,
            sc=self._context,
            sqlContext=SQLContext(self._context, spark),
        )
        self._shell.stdout.take()
        self._shell.stderr.take()
        threading.Thread(target=self._watch_jvm, name="watch-jvm", daemon=True).start()
        threading.Thread(target=warm_up, args=(spark,), name="warm-up", daemon=True).start()
        return serve_connect(self._context) if connect else None

    def announce(self, statement: int) -> None:
        self._done[statement] = threading.Event()

    def execute(self, statement: int, code: str) -> None:
        self._context.setJobGroup(str(statement), f"statement {statement}")
        with self._progress(statement):
            result = self._shell.run(code)
        self._done.pop(statement).set()
        self._channel.send("result", id=statement, **result)

    def cancel(self, statement: int) -> None:
        """Cancels the Spark jobs of a statement until it ends; a Python loop is left alone."""
        done = self._done.get(statement)
        if done is not None:
            threading.Thread(target=self._cancel, args=(statement, done), daemon=True).start()

    def _cancel(self, statement: int, done: threading.Event) -> None:
        deadline = time.monotonic() + CANCEL_DEADLINE
        while not done.wait(CANCEL_EVERY) and time.monotonic() < deadline:
            self._context.cancelJobGroup(str(statement))

    @contextmanager
    def _progress(self, statement: int) -> Iterator[None]:
        """Tells the share of finished tasks while the statement runs."""
        done = self._done[statement]

        def watch() -> None:
            tracker = self._context.statusTracker()
            while not done.wait(PROGRESS_EVERY):
                finished, total = tasks_of(tracker, str(statement))
                if total:
                    self._channel.send("progress", id=statement, progress=finished / total)

        threading.Thread(target=watch, name=f"progress-{statement}", daemon=True).start()
        yield

    def _watch_jvm(self) -> None:
        self._context._gateway.proc.wait()
        os._exit(1)

    def close(self) -> None:
        """Lets the JVM remove its temporary files, within a few seconds."""
        process = self._context._gateway.proc if self._context is not None else None
        if process is not None:
            process.stdin.close()
            try:
                process.wait(JVM_EXIT_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def serve_connect(context: Any) -> int:
    """Starts Spark's own Spark Connect service; returns the port, which the OS chooses.

    Spark 3.5 starts it on every interface and has no setting for that, so its parts are put
    together here, on 127.0.0.1.
    """
    jvm = context._jvm
    service = jvm.org.apache.spark.sql.connect.service
    builder = jvm.org.sparkproject.connect.grpc.netty.NettyServerBuilder.forAddress(
        jvm.java.net.InetSocketAddress("127.0.0.1", 0)
    )
    builder.maxInboundMessageSize(CONNECT_MESSAGE_SIZE)
    builder.addService(service.SparkConnectService(False))
    server = builder.build().start()
    return server.getPort()


def warm_up(spark: Any) -> None:
    """Loads what every first query loads (seconds), while the client learns of READY."""
    try:
        spark.sql("show databases").collect()
        spark.sql("select 1").collect()
    except Exception:
        # The session's own conf may be at fault; its first statement will say so to the client.
        traceback.print_exc(file=sys.__stderr__)


def tasks_of(tracker: Any, group: str) -> tuple[int, int]:
    """(finished, all) tasks of the jobs of a group that Spark still remembers."""
    finished = total = 0
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        for stage_id in info.stageIds if info else ():
            stage = tracker.getStageInfo(stage_id)
            if stage is not None:
                finished += stage.numCompletedTasks
                total += stage.numTasks
    return finished, total


def main() -> None:
    channel = Channel(os.dup(1))  # not inherited by children, unlike fd 1
    os.dup2(2, 1)  # what the JVM and other children print goes to the log
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)

    session = Session(channel)
    statements: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    start = json.loads(requests.readline())

    def read() -> None:
        for line in requests:
            request = json.loads(line)
            if request["op"] == "cancel":
                session.cancel(request["id"])
            else:
                session.announce(request["id"])
                statements.put(request)
        try:
            session.close()
        finally:
            if os.getpgrp() == os.getpid():  # the server's doing: all that was started here
                os.killpg(os.getpid(), signal.SIGKILL)
            os._exit(0)

    threading.Thread(target=read, name="requests", daemon=True).start()
    try:
        port = session.start(
            start["conf"], start["argv"], start["py_files"], start["path"], start["connect"]
        )
    except BaseException as error:  # the server is told why this process ends
        traceback.print_exc(file=sys.__stderr__)
        channel.send("failed", message=f"{type(error).__name__}: {error} (see {start['log']})")
        os._exit(1)
    channel.send("ready", port=port)
    while True:
        request = statements.get()
        session.execute(request["id"], request["code"])


if __name__ == "__main__":
    # This file's folder holds modules of the server; a session must not import them by name.
    sys.path.pop(0)
    main()
