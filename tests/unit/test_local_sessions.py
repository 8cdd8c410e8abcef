"""Sessions and statements of local Glue, with a fake kernel and a clock that tests move."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from dbt.adapters.glue.local.errors import (
    AlreadyExistsException,
    ApiError,
    EntityNotFoundException,
    IllegalSessionStateException,
    InvalidInputException,
    OperationNotSupportedException,
)
from dbt.adapters.glue.local.knobs import Knobs
from dbt.adapters.glue.local.session_operations import SessionOperations
from dbt.adapters.glue.local.sessions import Session, Sessions
from dbt.adapters.glue.local.tag_operations import TagOperations

START = 1_700_000_000.0


class FakeKernel:
    pid = 1
    connect = False

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        self.emit = on_event
        self.executed: list[tuple[int, str]] = []
        self.cancelled: list[int] = []
        self.closed = self.killed = False

    def execute(self, statement: int, code: str) -> None:
        self.executed.append((statement, code))

    def cancel(self, statement: int) -> None:
        self.cancelled.append(statement)

    def close(self) -> None:
        self.closed = True

    def kill(self) -> None:
        self.killed = True

    def join(self, timeout: float) -> None:
        pass

    def ready(self) -> None:
        self.emit({"event": "ready", "port": 4711 if self.connect else None})

    def finish(self, statement: int, text: str = "") -> None:
        self.emit({"event": "result", "id": statement, "status": "ok", "text": text})

    def exit(self, code: int = 0) -> None:
        self.emit({"event": "exit", "code": code})


class FakeEndpoint:
    occupied = False
    closed = False

    def __init__(self, port: int) -> None:
        self.url = f"sc://127.0.0.1:{port}"

    def token(self) -> tuple[str, float]:
        return "secret", START + 60

    def close(self) -> None:
        self.closed = True


class Service:
    """The operations over fake kernels."""

    def __init__(self) -> None:
        self.now = START
        self.knobs = Knobs()
        self.kernels: dict[str, FakeKernel] = {}
        self.seen: list[str] = []
        self.failure: Exception | None = None
        self.tags = TagOperations()
        self.api = SessionOperations()
        self.endpoints: dict[str, FakeEndpoint] = {}
        self.api.sessions = Sessions(
            self.knobs,
            self.start_kernel,
            on_text=self.seen.append,
            clock=lambda: self.now,
            open_endpoint=self.open_endpoint,
        )
        self.tags.sessions = self.api.sessions

    def start_kernel(
        self,
        session_id: str,
        arguments: dict[str, str],
        on_event: Callable[[Any], None],
        connect: bool,
    ) -> FakeKernel:
        if self.failure is not None:
            raise self.failure
        self.kernels[session_id] = FakeKernel(on_event)
        self.kernels[session_id].connect = connect
        return self.kernels[session_id]

    def open_endpoint(self, session: Session, port: int) -> "FakeEndpoint":
        self.endpoints[session.request.id] = FakeEndpoint(port)
        return self.endpoints[session.request.id]

    def create(self, session_id: str = "s", ready: bool = True, **members: Any) -> FakeKernel:
        request = {"Id": session_id, "Role": "arn:aws:iam::1:role/r", "Command": {}} | members
        self.api.CreateSession(request)
        self.api.sessions.find(session_id)._starter.join(5)
        kernel = self.kernels[session_id]
        if ready:
            kernel.ready()
        return kernel

    def session(self, session_id: str = "s") -> dict[str, Any]:
        return self.api.GetSession({"Id": session_id})["Session"]

    def run(self, code: str = "1") -> int:
        return self.api.RunStatement({"SessionId": "s", "Code": code})["Id"]

    def statement(self, statement: int) -> dict[str, Any]:
        return self.api.GetStatement({"SessionId": "s", "Id": statement})["Statement"]

    def cancel(self, statement: int) -> None:
        self.api.CancelStatement({"SessionId": "s", "Id": statement})


@pytest.fixture
def service() -> Service:
    return Service()


# sessions


def test_a_session_is_provisioning_until_its_kernel_is_ready(service: Service) -> None:
    kernel = service.create(ready=False)
    assert (service.session()["Status"], service.session()["Progress"]) == ("PROVISIONING", 0.0)
    with pytest.raises(IllegalSessionStateException, match="PROVISIONING"):
        service.run()
    kernel.ready()
    assert service.session()["Status"] == "READY"


def test_provisioning_takes_at_least_the_delay(service: Service) -> None:
    service.knobs.provisioning_delay = 20
    service.create()
    service.now += 19
    assert service.session()["Status"] == "PROVISIONING"
    service.now += 1
    assert service.session()["Status"] == "READY"


def test_a_kernel_that_cannot_start_fails_the_session_with_the_reason(service: Service) -> None:
    kernel = service.create(ready=False)
    kernel.emit({"event": "failed", "message": "no such class"})
    kernel.exit(1)
    assert service.session()["Status"] == "FAILED"
    assert service.session()["ErrorMessage"] == "no such class"


def test_arguments_that_cannot_work_fail_the_session(service: Service) -> None:
    service.failure = ValueError("--conf: expected key=value")
    service.api.CreateSession({"Id": "s", "Role": "r", "Command": {}})
    service.api.sessions.find("s")._starter.join(5)
    assert service.session()["Status"] == "FAILED"
    assert service.session()["ErrorMessage"] == "--conf: expected key=value"


def test_get_session_echoes_the_request_and_fills_in_defaults(service: Service) -> None:
    service.create(Description="d", DefaultArguments={"--a": "b"}, Connections={"Connections": []})
    service.now += 10
    session = service.session()
    assert session["CreatedOn"] == START
    assert (session["Description"], session["DefaultArguments"]) == ("d", {"--a": "b"})
    assert (session["GlueVersion"], session["SessionType"]) == ("5.1", "LIVY")
    assert (session["WorkerType"], session["NumberOfWorkers"]) == ("G.1X", 5)
    assert (session["MaxCapacity"], session["IdleTimeout"]) == (5.0, 2880)
    assert (session["ExecutionTime"], session["DPUSeconds"]) == (10.0, 50.0)
    assert "CompletedOn" not in session


@pytest.mark.parametrize(("worker_type", "dpu"), [("G.1X", 6), ("G.2X", 12), ("G.025X", 1.5)])
def test_capacity_is_workers_times_dpu(service: Service, worker_type: str, dpu: float) -> None:
    service.create(WorkerType=worker_type, NumberOfWorkers=6)
    assert service.session()["MaxCapacity"] == dpu


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"WorkerType": "G.1X"}, InvalidInputException),
        ({"NumberOfWorkers": 3}, InvalidInputException),
        ({"NumberOfWorkers": 1, "WorkerType": "G.1X"}, InvalidInputException),
        ({"MaxCapacity": 4.0, "NumberOfWorkers": 3, "WorkerType": "G.1X"}, InvalidInputException),
        ({"MaxCapacity": 1.0}, InvalidInputException),
        ({"GlueVersion": "1.0"}, InvalidInputException),
        ({"GlueVersion": "7.7"}, InvalidInputException),
        ({"GlueVersion": "6.0"}, OperationNotSupportedException),
        ({"SessionType": "SPARK_CONNECT", "GlueVersion": "5.0"}, InvalidInputException),
    ],
)
def test_refused_requests_leave_the_id_free(
    service: Service, members: dict[str, Any], error: type[ApiError]
) -> None:
    with pytest.raises(error):
        service.create(**members)
    service.create()


def test_an_id_stays_taken_until_it_is_deleted(service: Service) -> None:
    kernel = service.create()
    with pytest.raises(AlreadyExistsException):
        service.create()
    service.api.StopSession({"Id": "s"})
    kernel.exit()
    with pytest.raises(AlreadyExistsException):
        service.create()
    assert service.api.DeleteSession({"Id": "s"}) == {"Id": "s"}
    with pytest.raises(EntityNotFoundException):
        service.session()
    service.create()


def test_stopping_ends_with_the_kernel(service: Service) -> None:
    kernel = service.create()
    assert service.api.StopSession({"Id": "s"}) == {"Id": "s"}
    assert (service.session()["Status"], kernel.closed) == ("STOPPING", True)
    with pytest.raises(IllegalSessionStateException):
        service.api.DeleteSession({"Id": "s"})
    service.now += 2
    kernel.exit()
    service.now += 100
    session = service.session()
    assert (session["Status"], session["CompletedOn"]) == ("STOPPED", START + 2)
    assert session["ExecutionTime"] == 2.0
    with pytest.raises(IllegalSessionStateException):
        service.api.StopSession({"Id": "s"})
    with pytest.raises(IllegalSessionStateException):
        service.run()


def test_stop_while_the_kernel_is_being_started(service: Service) -> None:
    go = threading.Event()
    start = service.start_kernel

    def slow(*arguments: Any) -> FakeKernel:
        go.wait(5)
        return start(*arguments)

    service.api.sessions._start_kernel = slow
    service.api.CreateSession({"Id": "s", "Role": "r", "Command": {}})
    service.api.StopSession({"Id": "s"})
    go.set()
    service.api.sessions.find("s")._starter.join(5)
    assert service.kernels["s"].closed
    service.kernels["s"].exit()
    assert service.session()["Status"] == "STOPPED"


@pytest.mark.parametrize("operation", ["StopSession", "DeleteSession"])
def test_stop_and_delete_know_no_entity_not_found(service: Service, operation: str) -> None:
    with pytest.raises(InvalidInputException):
        getattr(service.api, operation)({"Id": "nobody"})


def test_a_session_times_out_when_idle(service: Service) -> None:
    kernel = service.create(IdleTimeout=10)
    service.now += 9 * 60
    kernel.finish(service.run())
    service.now += 9 * 60
    assert service.session()["Status"] == "READY"
    service.now += 60
    assert service.session()["Status"] == "TIMEOUT"
    assert kernel.closed
    with pytest.raises(InvalidInputException):
        service.run()
    service.api.DeleteSession({"Id": "s"})


def test_a_session_that_works_is_not_idle(service: Service) -> None:
    kernel = service.create(IdleTimeout=1)
    statement = service.run()
    service.now += 600
    assert service.session()["Status"] == "READY"
    kernel.finish(statement)
    service.now += 59
    assert service.session()["Status"] == "READY"


def test_timeout_ends_even_a_session_that_works(service: Service) -> None:
    service.create(Timeout=5)
    service.run()
    service.now += 300
    service.api.sessions.tick()
    assert service.session()["Status"] == "TIMEOUT"


def test_a_dead_kernel_fails_the_session(service: Service) -> None:
    kernel = service.create()
    statement = service.run()
    kernel.exit(-9)
    assert service.session()["Status"] == "FAILED"
    for call in (service.run, lambda: service.statement(statement)):
        with pytest.raises(IllegalSessionStateException, match="fail to call ReplServer"):
            call()


def test_list_sessions_by_tags_in_pages(service: Service) -> None:
    for number in range(3):
        service.create(f"s{number}", Tags={"by": "me", "n": str(number)})
    service.create("other", Tags={"by": "you"})
    first = service.api.ListSessions({"Tags": {"by": "me"}, "MaxResults": 2})
    assert first["Ids"] == ["s0", "s1"]
    second = service.api.ListSessions(
        {"Tags": {"by": "me"}, "MaxResults": 2, "NextToken": first["NextToken"]}
    )
    assert second["Ids"] == ["s2"]
    assert "NextToken" not in second
    assert [s["Id"] for s in service.api.ListSessions({})["Sessions"]][-1] == "other"
    with pytest.raises(InvalidInputException):
        service.api.ListSessions({"NextToken": "?"})


def test_a_livy_session_has_no_endpoint(service: Service) -> None:
    service.create()
    with pytest.raises(OperationNotSupportedException):
        service.api.GetSessionEndpoint({"SessionId": "s"})
    with pytest.raises(EntityNotFoundException):
        service.api.GetSessionEndpoint({"SessionId": "nobody"})


def test_close_ends_every_kernel_and_refuses_new_sessions(service: Service) -> None:
    kernels = [service.create("a"), service.create("b", ready=False)]
    service.api.sessions.close()
    assert all(kernel.closed for kernel in kernels)
    with pytest.raises(IllegalSessionStateException):
        service.create("c")


def test_without_a_clock_of_the_test_a_thread_keeps_time() -> None:
    kernels: list[FakeKernel] = []

    def start(
        session_id: str, arguments: Any, on_event: Callable[[Any], None], connect: bool
    ) -> FakeKernel:
        kernels.append(FakeKernel(on_event))
        return kernels[-1]

    sessions = Sessions(Knobs(), start)
    sessions.create({"Id": "s", "Role": "r", "Command": {}, "Timeout": 0})
    deadline = time.monotonic() + 5
    while sessions.find("s").status != "TIMEOUT" and time.monotonic() < deadline:
        time.sleep(0.01)  # no call that would move the clock on
    assert sessions.find("s").status == "TIMEOUT"
    sessions.close()


def test_tags_of_a_session_by_its_arn(service: Service) -> None:
    service.create(Tags={"dbt-glue": "session"})
    arn = {"ResourceArn": "arn:aws:glue:eu-west-1:123456789012:session/s"}
    assert service.tags.GetTags(arn) == {"Tags": {"dbt-glue": "session"}}
    service.tags.TagResource({**arn, "TagsToAdd": {"a": "b"}})
    service.tags.UntagResource({**arn, "TagsToRemove": ["dbt-glue", "no"]})
    assert service.tags.GetTags(arn) == {"Tags": {"a": "b"}}
    assert service.api.ListSessions({"Tags": {"dbt-glue": "session"}})["Ids"] == []
    assert service.api.ListSessions({"Tags": {"a": "b"}})["Ids"] == ["s"]


@pytest.mark.parametrize(
    ("arn", "error"),
    [
        ("arn:aws:glue:eu-west-1:123456789012:session/t", EntityNotFoundException),
        ("arn:aws:glue:eu-west-1:999999999999:session/s", EntityNotFoundException),
        ("arn:aws:glue:eu-west-1:123456789012:job/s", InvalidInputException),
    ],
)
def test_no_such_tags(service: Service, arn: str, error: type[ApiError]) -> None:
    service.create()
    with pytest.raises(error):
        service.tags.GetTags({"ResourceArn": arn})


# statements


def test_statements_run_one_by_one_in_order(service: Service) -> None:
    kernel = service.create()
    assert [service.run("a"), service.run("b")] == [0, 1]
    assert kernel.executed == [(0, "a")]
    assert [service.statement(i)["State"] for i in (0, 1)] == ["RUNNING", "WAITING"]
    service.now += 1.5
    kernel.finish(0, "x")
    assert kernel.executed == [(0, "a"), (1, "b")]
    assert service.statement(0) == {
        "Id": 0,
        "Code": "a",
        "State": "AVAILABLE",
        "Progress": 1.0,
        "StartedOn": int(START * 1000),
        "CompletedOn": int(START * 1000) + 1500,
        "Output": {"Data": {"TextPlain": "x"}, "ExecutionCount": 0, "Status": "ok"},
    }
    assert service.statement(1)["StartedOn"] == int(START * 1000) + 1500


def test_a_python_error_is_an_available_statement(service: Service) -> None:
    kernel = service.create()
    statement = service.run()
    error = {"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}
    kernel.emit({"event": "result", "id": statement, **error})
    answer = service.statement(statement)
    assert answer["State"] == "AVAILABLE"
    assert answer["Output"] == {
        "ExecutionCount": 0,
        "Status": "error",
        "ErrorName": "E",
        "ErrorValue": "v",
        "Traceback": ["t"],
    }


def test_progress(service: Service) -> None:
    kernel = service.create()
    statement = service.run()
    kernel.emit({"event": "progress", "id": statement, "progress": 0.25})
    assert service.statement(statement)["Progress"] == 0.25


def test_a_waiting_statement_is_cancelled_at_once_and_never_runs(service: Service) -> None:
    kernel = service.create()
    service.run("a")
    service.cancel(service.run("b"))
    assert service.statement(1)["State"] == "CANCELLED"
    kernel.finish(0)
    assert kernel.executed == [(0, "a")]


def test_a_running_statement_is_cancelled_when_its_code_returns(service: Service) -> None:
    kernel = service.create()
    service.cancel(service.run())
    service.cancel(0)
    assert (service.statement(0)["State"], kernel.cancelled) == ("CANCELLING", [0])
    kernel.finish(0)
    assert service.statement(0)["State"] == "CANCELLED"
    service.cancel(0)
    assert service.statement(0)["State"] == "CANCELLED"


def test_cancelling_gives_up_after_30_seconds_but_the_queue_stays_blocked(
    service: Service,
) -> None:
    kernel = service.create()
    service.cancel(service.run("loop"))
    service.run("next")
    service.now += 29
    assert service.statement(0)["State"] == "CANCELLING"
    service.now += 1
    assert [service.statement(i)["State"] for i in (0, 1)] == ["CANCELLED", "WAITING"]
    kernel.finish(0)
    assert service.statement(1)["State"] == "RUNNING"


def test_cancel_of_a_finished_statement_changes_nothing(service: Service) -> None:
    kernel = service.create()
    kernel.finish(service.run())
    service.cancel(0)
    assert service.statement(0)["State"] == "AVAILABLE"


def test_the_latest_100_statements_are_kept(service: Service) -> None:
    kernel = service.create()
    for _ in range(105):
        kernel.finish(service.run())
    for gone in (0, 4, 105):
        with pytest.raises(EntityNotFoundException):
            service.statement(gone)
    listed = service.api.ListStatements({"SessionId": "s"})
    assert [s["Id"] for s in listed["Statements"]] == list(range(5, 105))
    assert "NextToken" not in listed


def test_waiting_statements_are_never_dropped_and_come_in_pages(service: Service) -> None:
    service.create()
    for _ in range(120):
        service.run()
    first = service.api.ListStatements({"SessionId": "s"})
    second = service.api.ListStatements({"SessionId": "s", "NextToken": first["NextToken"]})
    assert len(first["Statements"]) == 100
    assert [s["Id"] for s in second["Statements"]] == list(range(100, 120))


def test_text_is_seen_before_it_runs(service: Service) -> None:
    service.create(DefaultArguments={"--conf": "a=s3://one"})
    service.run("read s3://two")
    assert service.seen == ["a=s3://one", "read s3://two"]


# knobs


def test_knob_busy(service: Service) -> None:
    kernel = service.create()
    service.knobs.busy = True
    statement = service.run()
    assert service.session()["Status"] == "BUSY"
    kernel.finish(statement)
    assert service.session()["Status"] == "READY"


def test_knob_output_cap(service: Service) -> None:
    service.knobs.output_cap = 3
    kernel = service.create()
    kernel.finish(service.run(), "abcdef")
    assert service.statement(0)["Output"]["Data"]["TextPlain"] == "abc"


def test_knob_session_death(service: Service) -> None:
    service.knobs.session_death_after = 2
    kernel = service.create()
    kernel.finish(service.run())
    assert not kernel.killed
    kernel.finish(service.run())
    assert kernel.killed


def connect_session(service: Service, ready: bool = True) -> FakeKernel:
    return service.create(SessionType="SPARK_CONNECT", GlueVersion="5.1", ready=ready)


def test_a_spark_connect_session_has_an_endpoint_and_no_statements(service: Service) -> None:
    assert connect_session(service).connect
    assert service.session()["SessionType"] == "SPARK_CONNECT"
    answer = service.api.GetSessionEndpoint({"SessionId": "s"})
    assert answer["SparkConnect"] == {
        "Url": "sc://127.0.0.1:4711",
        "AuthToken": "secret",
        "AuthTokenExpirationTime": START + 60,
    }
    with pytest.raises(OperationNotSupportedException, match="SPARK_CONNECT"):
        service.run()
    with pytest.raises(InvalidInputException, match="SPARK_CONNECT"):
        service.statement(0)
    with pytest.raises(InvalidInputException, match="SPARK_CONNECT"):
        service.cancel(0)


def test_no_endpoint_before_the_server_answers_and_after_the_end(service: Service) -> None:
    kernel = connect_session(service, ready=False)
    with pytest.raises(IllegalSessionStateException, match="PROVISIONING"):
        service.api.GetSessionEndpoint({"SessionId": "s"})
    kernel.ready()
    service.api.StopSession({"Id": "s"})
    assert service.endpoints["s"].closed
    with pytest.raises(IllegalSessionStateException, match="STOPPING"):
        service.api.GetSessionEndpoint({"SessionId": "s"})


def test_a_running_plan_keeps_the_session_from_idling(service: Service) -> None:
    service.create(SessionType="SPARK_CONNECT", GlueVersion="5.1", IdleTimeout=1)
    service.endpoints["s"].occupied = True
    service.now += 600
    assert service.session()["Status"] == "READY"
    service.endpoints["s"].occupied = False
    service.now += 61
    assert service.session()["Status"] == "TIMEOUT"


def test_knob_session_death_counts_plans(service: Service) -> None:
    kernel = connect_session(service)
    service.knobs.session_death_after = 2
    service.api.sessions.find("s").plan_ended()
    assert not kernel.killed
    service.api.sessions.find("s").plan_ended()
    assert kernel.killed
