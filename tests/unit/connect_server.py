"""A Spark Connect server for tests: the protocol on a real wire, scripted faults, no Spark.

It "runs" a plan by noting its SQL. A plan that it has under its operation id is never run again.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import grpc
import pyarrow as pa
import pyspark.sql.connect.proto as protocol
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import base_pb2_grpc
from unit.livy_shell import client_error

TRACE_SIZE = 16384


class Server(base_pb2_grpc.SparkConnectServiceServicer):
    """faults: what happens to the next calls of ExecutePlan, one each, before it "runs" (before)
    or after it ran and before it answers (after): a status, or "restart"."""

    def __init__(self):
        self.tokens = set()
        self.ran = []
        self.plans = []
        self.reattached = self.released = 0
        self.interrupted = []
        self.longest_header = 100_000  # of an error with a trace; a longer one breaks the stream
        self.before, self.after = [], []
        self.breaks = 0
        self.failure = None  # the exception's name and its message, with causes, of each plan
        self.when_ran = lambda sql: None
        self.free = threading.Event()  # not set: plans run and do not end
        self.free.set()
        self._operations = {}
        self._conf = {}
        self._server = grpc.server(ThreadPoolExecutor(8))
        base_pb2_grpc.add_SparkConnectServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self):
        self._server.stop(None).wait()

    def restart(self):
        self._operations.clear()
        self._conf.clear()

    def ExecutePlan(self, request, context):
        self._admit(context)
        self.plans.append(request)
        self._fault(self.before, context)
        if request.operation_id in self._operations:
            abort(context, "[INVALID_HANDLE.OPERATION_ALREADY_EXISTS] it is there")
        sql = request.plan.root.sql.query or request.plan.command.sql_command.sql
        self.ran.append(sql)
        self.when_ran(sql)
        self._operations[request.operation_id] = answers(request)
        self._fault(self.after, context)
        if self.failure:
            self._fail(context, *self.failure)
        self.free.wait(20)
        for part in self._operations[request.operation_id]:
            yield part
            if self.breaks:  # after its first answer, and the operation is forgotten
                self.breaks -= 1
                del self._operations[request.operation_id]
                context.abort(grpc.StatusCode.UNAVAILABLE, "a break")

    def ReattachExecute(self, request, context):
        self._admit(context)
        self.reattached += 1
        known = self._operations.get(request.operation_id)
        if known is None:
            abort(context, "[INVALID_HANDLE.OPERATION_NOT_FOUND] no such operation")
        if self.failure:
            self._fail(context, *self.failure)
        ids = [part.response_id for part in known]
        last = request.last_response_id
        yield from known[ids.index(last) + 1 if last else 0 :]

    def ReleaseExecute(self, request, context):
        self._admit(context)
        self.released += 1
        return protocol.ReleaseExecuteResponse(session_id=request.session_id)

    def Interrupt(self, request, context):
        self._admit(context)
        self.interrupted.append(request.operation_tag)
        return protocol.InterruptResponse(session_id=request.session_id)

    def Config(self, request, context):
        self._admit(context)
        answer = protocol.ConfigResponse(session_id=request.session_id)
        for pair in request.operation.set.pairs:
            self._conf[pair.key] = pair.value
        for key in request.operation.get_option.keys:
            answer.pairs.add(key=key, value=self._conf.get(key))
        return answer

    def AnalyzePlan(self, request, context):
        self._admit(context)
        self._fail(context, "ParseException", f"Syntax error: {request.ddl_parse.ddl_string}")

    def _fail(self, context, name, message):
        """Spark's ErrorUtils: the message in 2048 characters, the trace if it is switched on."""
        info = error_details_pb2.ErrorInfo(reason=f"org.apache.spark.{name}")
        info.metadata["classes"] = f'["org.apache.spark.{name}"]'
        if self._conf.get("spark.sql.pyspark.jvmStacktrace.enabled") == "true":
            info.metadata["stackTrace"] = f"org.apache.spark.{name}: {message}"[:TRACE_SIZE]
        status = status_pb2.Status(code=13, message=message[:2048])
        status.details.add().Pack(info)
        if status.ByteSize() > self.longest_header:
            context.abort(grpc.StatusCode.UNKNOWN, "Stream removed")
        context.abort_with_status(rpc_status.to_status(status))

    def _admit(self, context):
        token = dict(context.invocation_metadata()).get("x-aws-proxy-auth")
        if token not in self.tokens:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no valid token")

    def _fault(self, faults, context):
        if faults:
            fault, *told = faults.pop(0)
            if fault == "restart":
                self.restart()
                fault = grpc.StatusCode.UNAVAILABLE
            context.abort(fault, "".join(told) or "a fault")


def abort(context, message):
    status = status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0], message=message)
    context.abort_with_status(rpc_status.to_status(status))


def answers(request):
    """What Spark answers to a plan: one row of the column `a`, or nothing for a command."""

    def part(number, **more):
        return protocol.ExecutePlanResponse(
            session_id=request.session_id,
            operation_id=request.operation_id,
            response_id=f"{request.operation_id}-{number}",
            **more,
        )

    complete = protocol.ExecutePlanResponse.ResultComplete()
    if request.plan.HasField("command"):
        result = protocol.ExecutePlanResponse.SqlCommandResult()
        result.relation.local_relation.data = b""
        return [part(0, sql_command_result=result), part(1, result_complete=complete)]
    schema = protocol.DataType()
    field = schema.struct.fields.add(name="a")
    field.data_type.integer.SetInParent()
    batch = pa.record_batch([pa.array([1], pa.int32())], names=["a"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    arrow = protocol.ExecutePlanResponse.ArrowBatch(row_count=1, data=sink.getvalue().to_pybytes())
    return [part(0, schema=schema), part(1, arrow_batch=arrow), part(2, result_complete=complete)]


class Glue:
    """The two calls that a Spark Connect client makes. errors: codes of the next answers."""

    def __init__(self, server, lifetime=1800.0, now=None):
        self.server = server
        self.lifetime = lifetime
        self.now = now or (lambda: datetime.now(timezone.utc).timestamp())
        self.status = "READY"
        self.good = True  # the server knows the tokens that are given
        self.errors = []
        self.tokens = []
        self.looks = 0

    def get_session(self, Id):
        self.looks += 1
        return {"Session": {"Id": Id, "Status": self.status}}

    def get_session_endpoint(self, SessionId):
        if self.errors:
            raise client_error("GetSessionEndpoint", self.errors.pop(0), "not now")
        token = f"token-{len(self.tokens)}"
        self.tokens.append(token)
        if self.good:
            self.server.tokens.add(token)
        expires = datetime.fromtimestamp(self.now(), timezone.utc) + timedelta(
            seconds=self.lifetime
        )
        return {
            "SparkConnect": {
                "Url": f"sc://127.0.0.1:{self.server.port}",
                "AuthToken": token,
                "AuthTokenExpirationTime": expires,
            }
        }
