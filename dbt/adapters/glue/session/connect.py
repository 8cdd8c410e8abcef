"""ConnectTransport: SQL over Spark Connect, one channel and one Spark session for all threads.

Imported when a Spark Connect session is used: it needs the `connect` extra.
"""

import re
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import pyspark.sql.connect.proto as protocol
from pyspark.sql.connect.client.reattach import (
    ExecutePlanResponseReattachableIterator,
    RetryException,
)
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    SessionError,
    SessionLost,
    StatementCancelled,
)
from dbt.adapters.glue.session.arrow import (
    Answer,
    AsText,
    Field,
    affected,
    command_result,
    rows_of,
)
from dbt.adapters.glue.session.connect_channel import Guard, open_channel
from dbt.adapters.glue.session.connect_endpoint import ConnectEndpoint
from dbt.adapters.glue.session.connect_errors import error_info, glue_error, status_of
from dbt.adapters.glue.session.connect_plans import (
    cast_to_text,
    command,
    is_query,
    limited,
    query,
    rooted,
    written_nowhere,
)
from dbt.adapters.glue.session.result import Printed, Result
from dbt.adapters.glue.session.runtime.lexer import without_leading_comments
from dbt.adapters.glue.session.ticket import copy_error

# pyspark's words; milliseconds. About 45 s in all for one answer that does not come.
RETRIES = {
    "max_retries": 12,
    "backoff_multiplier": 2.0,
    "initial_backoff": 50,
    "max_backoff": 8000,
    "jitter": 500,
    "min_jitter_threshold": 2000,
}
INTERRUPT_WITHIN = 5.0
ANSWER_WITHIN = 60.0  # what is no plan; the first answer too, of a session that is just ready
UNREACHABLE_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
UNREACHABLE = (
    "The session's endpoint cannot be reached from here. A VPC without a way out needs the "
    "interface endpoint com.amazonaws.<region>.glue.sessions; `session_type: livy` does without."
)
MARK = "spark.dbt.glue.client"
USER = "dbt-glue"
RESET = re.compile(r"reset\b", re.I)
TRACES = "spark.sql.pyspark.jvmStacktrace.enabled"

# Told by pyspark where a result that we have could not be released: the server does that itself.
warnings.filterwarnings("ignore", "ReleaseExecute failed")


@dataclass(eq=False)
class Run:
    """One execute, of one or two operations. label interrupts it, and it alone."""

    tag: str | None
    label: str = field(default_factory=lambda: f"dbt-glue-{uuid.uuid4().hex}")
    operation_id: str | None = None
    cancelled: bool = False
    stream: Any = None


class Answers(ExecutePlanResponseReattachableIterator):
    """pyspark's, which asks the server at each answer to forget it; once at the end is enough:
    the server keeps 10 MB of what it has sent, and drops the oldest by itself."""

    def _release_until(self, until_response_id: str) -> None:
        pass


class ConnectTransport:
    """A Transport (session/transport.py) over Spark Connect.

    lost: why the session cannot be used any more, or None.
    """

    def __init__(
        self,
        glue: Any,
        session_id: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.session_id = session_id
        self.session_type = "spark_connect"
        self.lost: GlueError | None = None
        self._clock = clock
        self._closed = False
        self._lock = threading.Lock()
        self._runs: set[Run] = set()
        self._cancelled_tags: set[str] = set()
        self._here = threading.local()
        self._endpoint = ConnectEndpoint(glue, session_id, sleep=sleep)
        # Spark's own session on that server: temporary views and conf belong to it.
        self._spark_session = str(uuid.uuid4())
        self._conf = {MARK: self._spark_session, TRACES: "true"}
        self._channel: Any = None
        self._stub: Any = None

    # -- Transport

    def execute(
        self, sql: str, *, fetch: bool = True, limit: int | None = None, tag: str | None = None
    ) -> Result:
        started = self._clock()
        with self._running(tag) as run:
            fields, rows, count = self._result(run, sql, fetch, limit)
            if RESET.match(without_leading_comments(sql)):
                self._set(self._conf)
        return Result(
            columns=[item.column for item in fields],
            rows=rows,
            row_count=count,
            session_id=self.session_id,
            statement_id=run.operation_id,
            seconds=self._clock() - started,
        )

    def run_python(self, code: str, *, tag: str | None = None) -> Printed:
        """Runs Python in this process, with `spark` set to a client of the session."""
        from dbt.adapters.glue.session.connect_python import run_here

        with self._running(tag) as run:
            printed = run_here(code, self._channel, self._spark_session, USER, run)
        return Printed(printed, run.label)

    def cancel(self, tag: str) -> None:
        with self._lock:
            self._cancelled_tags.add(tag)
            runs = [run for run in self._runs if run.tag == tag]
        self._cancel(runs)

    def busy(self) -> AbstractContextManager[None]:
        """Nothing waits for other threads here."""
        return nullcontext()

    # -- life

    def start(self) -> None:
        """Connects, and sets Spark's session up. Raises SessionLost, SessionError."""
        guard = Guard(self._endpoint, restarted=self._is_restarted, on_stream=self._on_stream)
        self._channel = open_channel(self._endpoint, guard)
        self._stub = SparkConnectServiceStub(self._channel)
        try:
            self._set(self._conf)
            if not self._long_errors_arrive():
                self._conf[TRACES] = "false"
                self._set(self._conf)
        except grpc.RpcError as error:
            if error.code() in UNREACHABLE_CODES and self._endpoint.alive():
                raise SessionError(
                    f"The session does not answer: {error.details()}",
                    hint=UNREACHABLE,
                    session_id=self.session_id,
                    code="UNAVAILABLE",
                ) from error
            raise glue_error(error, self.session_id, None) from error

    def close(self) -> None:
        """Interrupts what runs and ends the channel; the session is left alone."""
        with self._lock:
            self._closed = True
            runs = list(self._runs)
        try:
            if self.lost is None:
                with suppress(GlueError):  # the session is about to be stopped anyway
                    self._cancel(runs)
        finally:
            if self._channel is not None:
                self._channel.close()

    def cancel_left(self) -> None:
        """Nothing is left: close has interrupted what ran."""

    # -- running

    @contextmanager
    def _running(self, tag: str | None) -> Iterator[Run]:
        run = Run(tag)
        with self._lock:
            if self.lost is not None:
                raise copy_error(self.lost, begun=False)
            if self._closed:
                raise SessionError("The session is closed.", session_id=self.session_id)
            if tag in self._cancelled_tags:
                raise self._cancelled(run)
            self._runs.add(run)
        self._here.run = run
        try:
            yield run
        except (grpc.RpcError, GlueError) as error:
            raise self._meaning(error, run) from error
        except ValueError as error:  # gRPC's: of a channel that is closed; status_of has the other
            if not (self._closed or run.cancelled):
                raise
            raise self._meaning(error, run) from error
        except BaseException:
            with suppress(GlueError):  # the interrupt matters more
                self._cancel([run])
            raise
        finally:
            self._here.run = None
            with self._lock:
                self._runs.discard(run)

    def _meaning(self, error: Any, run: Run) -> GlueError:
        if self._closed and self.lost is not None:
            return copy_error(self.lost, begun=True)
        if self._closed:
            return SessionError("The session is being closed.", session_id=self.session_id)
        if run.cancelled:
            return self._cancelled(run)
        if not isinstance(error, GlueError):
            if error.code() == grpc.StatusCode.UNAVAILABLE and self._is_there():
                return self._undelivered(error.details(), run)
            error = glue_error(error, self.session_id, run.operation_id)
        if isinstance(error, SessionLost):
            self.lost = error
            return copy_error(error, begun=True)
        return error.add_context(session_id=self.session_id, statement_id=run.operation_id)

    def _is_there(self) -> bool:
        """Whether Spark answers us, although one answer of it does not arrive."""
        try:
            return not self._is_restarted()
        except (grpc.RpcError, GlueError):
            return False

    def _undelivered(self, why: str, run: Run) -> ProtocolError:
        return ProtocolError(
            f"Spark's answer to this statement does not arrive: {why}",
            hint="The session answers other calls. The statement may have run, or failed with an "
            "error too long for what lies between here and Spark: see the session's log.",
            session_id=self.session_id,
            statement_id=run.operation_id,
        )

    def _cancelled(self, run: Run) -> StatementCancelled:
        return StatementCancelled(
            "The statement was cancelled.",
            session_id=self.session_id,
            statement_id=run.operation_id,
        )

    def _result(
        self, run: Run, sql: str, fetch: bool, limit: int | None
    ) -> tuple[list[Field], list[tuple], int | None]:
        relation = query(sql)
        if not is_query(sql):
            relation = self._run(run, command(sql)).relation or relation
        if relation.HasField("local_relation"):  # a command has run; its result came along
            fields, rows = command_result(relation.local_relation.data)
            count = affected(fields, rows) if fields else None
            return fields, rows if limit is None else rows[:limit], count
        if not fetch:
            self._run(run, written_nowhere(relation))
            return [], [], None
        if limit is not None:
            relation = limited(relation, limit)
        try:
            answer = self._run(run, rooted(relation))
        except AsText as found:
            answer = self._run(run, rooted(cast_to_text(relation, found.fields)))
            answer.fields = found.fields
        rows = rows_of(answer.batches)
        return answer.fields, rows, len(rows)

    def _run(self, run: Run, plan: Any) -> Answer:
        """Runs a plan as one operation. Raises AsText as soon as the schema says so."""
        if run.cancelled:
            raise self._cancelled(run)
        run.operation_id = str(uuid.uuid4())
        request = self._request(protocol.ExecutePlanRequest)
        request.plan.CopyFrom(plan)
        request.operation_id = run.operation_id
        request.tags.append(run.label)
        answer = Answer()
        stream = Answers(request, self._stub, RETRIES, ())
        try:
            for part in stream:
                answer.take(part)
        except (AsText, ProtocolError):
            stream.close()
            raise
        except RuntimeError as error:  # pyspark's, where an operation is gone that had answered
            raise self._undelivered(str(error.args[0]), run) from error
        except RetryException as error:  # pyspark's last word where the plan was never taken
            raise self._undelivered("it does not take it, however often it is sent", run) from error
        return answer

    def _request(self, kind: Callable[..., Any]) -> Any:
        request = kind(session_id=self._spark_session, client_type=f"dbt-glue/{version}")
        request.user_context.user_id = USER
        return request

    def _on_stream(self, stream: Any) -> None:
        run = getattr(self._here, "run", None)
        if run is not None:
            run.stream = stream
            if run.cancelled:
                stream.cancel()

    def _set(self, conf: dict[str, str]) -> None:
        request = self._request(protocol.ConfigRequest)
        for key, value in conf.items():
            request.operation.set.pairs.add(key=key, value=value)
        self._stub.Config(request, timeout=ANSWER_WITHIN, wait_for_ready=True)

    def _long_errors_arrive(self) -> bool:
        """Whether errors with Java traces come through: a proxy may take shorter headers only,
        and ends the stream in place of the error. Asked by a type that Spark cannot parse, long
        enough for an answer of the greatest length."""
        request = self._request(protocol.AnalyzePlanRequest)
        request.ddl_parse.ddl_string = "no type: " + "long " * 10_000
        try:
            self._stub.AnalyzePlan(request, timeout=ANSWER_WITHIN)
        except grpc.RpcError as error:
            status = status_of(error)
            return status is not None and error_info(status) is not None
        return True

    def _is_restarted(self) -> bool:
        request = self._request(protocol.ConfigRequest)
        request.operation.get_option.keys.append(MARK)
        answer = self._stub.Config(request, timeout=ANSWER_WITHIN)
        return not any(pair.value == self._spark_session for pair in answer.pairs)

    def _cancel(self, runs: list[Run]) -> None:
        """Interrupts in Spark, then lets the waiting threads go; pyspark releases the operations,
        which ends one that Spark took up after the interrupt."""
        for run in runs:
            run.cancelled = True
        try:
            for run in runs:
                request = self._request(protocol.InterruptRequest)
                request.interrupt_type = request.InterruptType.INTERRUPT_TYPE_TAG
                request.operation_tag = run.label
                self._stub.Interrupt(request, timeout=INTERRUPT_WITHIN)
        except grpc.RpcError as error:
            raise glue_error(error, self.session_id, None) from error
        finally:
            for run in runs:
                if run.stream is not None:
                    run.stream.cancel()
