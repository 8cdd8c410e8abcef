"""Python of a model in this process, over Spark Connect: what a Livy session would run on Glue.

`spark` is a client of the Spark session that SQL uses, over the same channel: temporary views are
common, tokens are renewed, and the tag of the run is on every operation, so that cancel finds it.

Imported when a model asks for it: it needs the `connect` extra.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc
from pyspark.sql.connect.client.core import ChannelBuilder
from pyspark.sql.connect.session import SparkSession

from dbt.adapters.glue.exceptions import (
    GlueError,
    StatementCancelled,
    StatementError,
    spark_message,
)
from dbt.adapters.glue.session import connect_mode
from dbt.adapters.glue.session.runtime.errors import describe
from dbt.adapters.glue.session.runtime.python import (
    forget_source,
    is_importing,
    run_python,
    source_name,
    teach_print,
)

LOOK_EVERY = 0.2  # seconds between two looks whether the run is cancelled


class Cancellable(Protocol):
    label: str
    cancelled: bool


class Cancelled(BaseException):
    """Raised from outside in the thread that runs cancelled Python."""


class SharedChannel(ChannelBuilder):
    """Gives pyspark a channel that is there already; the address is of no use then."""

    def __init__(self, channel: Any, spark_session: str, user: str) -> None:
        super().__init__(f"sc://localhost/;session_id={spark_session};user_id={user}")
        self._shared = channel

    def toChannel(self) -> Any:
        return self._shared


def run_here(code: str, channel: Any, spark_session: str, user: str, run: Cancellable) -> str:
    """Runs the code and returns what it printed.

    Raises StatementError with the user's lines, StatementCancelled, and what `channel` raises of
    a session that is lost.
    """
    name = source_name(code, "<dbt>")
    teach_print()
    connect_mode.enter()
    with spark_over(channel, spark_session, user, run.label) as spark:
        watch = Watch(run)
        try:
            return run_python(spark, None, code, name, watch.running)
        except (GlueError, grpc.RpcError):
            raise
        except (Cancelled, Exception, SystemExit) as error:
            if run.cancelled:
                raise StatementCancelled("The statement was cancelled.") from error
            raise failed(error, name) from error
        finally:
            watch.end()
            forget_source(name)


def failed(error: BaseException, name: str) -> StatementError:
    told = describe(error, name)
    message = f"{told['name']}: {spark_message(told['message'])}\n{told['traceback'] or ''}"
    return StatementError(
        message.rstrip(),
        error_name=told["name"],
        error_class=told["error_class"],
        sqlstate=told["sqlstate"],
        traceback=told["traceback"],
    )


@contextmanager
def spark_over(channel: Any, spark_session: str, user: str, tag: str) -> Iterator[SparkSession]:
    """This thread's active Spark session, whose operations carry the tag."""
    spark = SparkSession(connection=SharedChannel(channel, spark_session, user))
    # pyspark closes the channel with its client, and that when the session is garbage.
    spark.client.close = lambda: None  # type: ignore[method-assign]
    spark.client.add_tag(tag)
    SparkSession._active_session.session = spark
    try:
        yield spark
    finally:
        SparkSession._active_session.session = None


class Watch:
    """Ends Python that does not wait for Spark when its run is cancelled."""

    def __init__(self, run: Cancellable) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._look, name="dbt-glue-watch", daemon=True).start()

    def running(self, on: bool) -> None:
        """Cancelled is raised in the thread that calls it, between True and False."""
        with self._lock:
            self._thread_id = threading.get_ident() if on else None

    def end(self) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            with self._lock:
                thread_id = self._thread_id
                if self._run.cancelled and thread_id is not None and not is_importing(thread_id):
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(thread_id), ctypes.py_object(Cancelled)
                    )
