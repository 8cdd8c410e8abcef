"""The gate before a session's Spark Connect server: tokens, counting, faults.

AWS reaches such a server through a proxy that wants the header `x-aws-proxy-auth`. This one does
the same on loopback, in plain text, and passes on bytes that it does not read: what it forwards is
between the client and Spark.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from .errors import ApiError
from .faults import PAGE, Faults, Intercepted
from .knobs import Knobs

TOKEN_HEADER = "x-aws-proxy-auth"
_HOST = "127.0.0.1"
_MAX_CALLS = 128  # a running statement holds one of them
_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 128 * 1024),  # Spark's errors bring their Java trace in a header
    ("grpc.so_reuseport", 0),
]
_RUNS = "ExecutePlan"
_RESET = "recvmsg:Connection reset by peer"  # gRPC's words
# What gRPC makes of a proxy's HTTP 429 (doc/http-grpc-status-mapping.md); of 500 it makes UNKNOWN.
_BY_HTTP = {"ThrottlingException": grpc.StatusCode.UNAVAILABLE}
_STREAMED_REQUESTS = "AddArtifacts"


class ConnectEndpoint:
    """Listens from construction on, at `url`, for the Spark Connect server on `port`.

    on_call gets "connect:<method>" and may raise ApiError, whose code is then the status (by
    gRPC's name, or as gRPC maps the HTTP status), or a fault's Intercepted; what it waits holds the
    call up. The caller of a call is who asked for its token. on_text gets the text of each plan
    before it runs. on_end is told, on a thread of the call, of each plan that has ended; on_bytes,
    of the bytes of each call's messages, to us and from us.
    """

    def __init__(
        self,
        port: int,
        knobs: Knobs,
        *,
        faults: Faults,
        on_call: Callable[[str], None],
        on_text: Callable[[str], None],
        on_end: Callable[[], None],
        on_bytes: Callable[[int, int], None] = lambda received, sent: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._knobs = knobs
        self._on_call = on_call
        self._on_text = on_text
        self._on_end = on_end
        self._on_bytes = on_bytes
        self._faults = faults
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[float, str]] = {}
        self._calls = 0
        self._channel = grpc.insecure_channel(f"{_HOST}:{port}", options=_OPTIONS)
        self._server = grpc.server(
            ThreadPoolExecutor(_MAX_CALLS, thread_name_prefix="connect"),
            handlers=[_Handler(self._forward)],
            options=_OPTIONS,
        )
        self.url = f"sc://{_HOST}:{self._server.add_insecure_port(f'{_HOST}:0')}"
        self._server.start()

    @property
    def occupied(self) -> bool:
        """A call is under way."""
        return self._calls > 0

    def token(self) -> tuple[str, float]:
        """A new token, and when it expires (epoch seconds)."""
        token, expires = secrets.token_urlsafe(32), self._clock() + self._knobs.token_lifetime
        with self._lock:
            self._tokens[token] = expires, self._faults.caller
        return token, expires

    def close(self) -> None:
        self._server.stop(grace=None)
        self._channel.close()

    def _forward(self, method: str, request: Any, context: Any) -> Iterator[bytes]:
        name = method.rpartition("/")[2]
        caller, fault = self._admit(name, request, context)
        if fault == "reset":
            context.abort(grpc.StatusCode.UNAVAILABLE, _RESET)
        if fault == "html":
            yield PAGE
            return
        streamed = name == _STREAMED_REQUESTS
        call = (self._channel.stream_stream if streamed else self._channel.unary_stream)(method)(
            request
        )
        context.add_callback(call.cancel)
        sent = 0
        with self._counted(name), self._faults.stream(caller, call.cancel):
            try:
                for answer in call:
                    if fault == "lost":
                        context.abort(grpc.StatusCode.UNAVAILABLE, _RESET)
                    if fault == "cut":
                        answer = answer[: len(answer) // 2]
                    sent += len(answer)
                    yield answer
                    if name == _RUNS and self._drops():
                        context.abort(grpc.StatusCode.UNAVAILABLE, "asked for by connect_drop")
            except grpc.RpcError as error:
                if call.cancelled() and context.is_active():  # by a fault, not by the client
                    context.abort(grpc.StatusCode.UNAVAILABLE, _RESET)
                context.set_trailing_metadata(error.trailing_metadata() or ())
                context.abort(error.code(), error.details())
            finally:
                self._on_bytes(0 if streamed else len(request), sent)

    def _admit(self, name: str, request: Any, context: Any) -> tuple[str, str | None]:
        """The caller, and the fault that this call meets: reset, html, lost or cut."""
        token = dict(context.invocation_metadata()).get(TOKEN_HEADER, "")
        with self._lock:
            expires, caller = self._tokens.get(token, (0.0, ""))
        if self._clock() >= expires:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{TOKEN_HEADER}: no valid token")
        with self._faults.calling(caller):
            try:
                self._on_call(f"connect:{name}")
                if name == _RUNS:
                    self._on_text(request.decode("utf-8", "ignore"))
            except Intercepted as fault:
                return caller, fault.kind
            except ApiError as error:
                mapped = _BY_HTTP.get(error.code, grpc.StatusCode.UNKNOWN)
                code = getattr(grpc.StatusCode, error.code, mapped)
                context.abort(code, f"{error.code}: {error.message}")
            return caller, self._faults.spoiled

    def _drops(self) -> bool:
        with self._lock:
            if self._knobs.connect_drop <= 0:
                return False
            self._knobs.connect_drop -= 1
            return True

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
            if name == _RUNS:
                self._on_end()


class _Handler(grpc.GenericRpcHandler):
    """Takes every method; one answer is a stream of one on the wire."""

    def __init__(self, forward: Callable[[str, Any, Any], Iterator[bytes]]) -> None:
        self._forward = forward

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method

        def behave(request: Any, context: Any) -> Iterator[bytes]:
            return self._forward(method, request, context)

        if method.endswith(f"/{_STREAMED_REQUESTS}"):
            return grpc.stream_stream_rpc_method_handler(behave)
        return grpc.unary_stream_rpc_method_handler(behave)
