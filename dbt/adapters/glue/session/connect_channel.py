"""The gRPC channel of a Spark Connect session, which all threads share.

pyspark's reattachable execution repeats and resumes what ends in UNAVAILABLE, under the operation
id that the client gave: a plan that reached Spark is never started a second time. This file puts
the token on each call, turns what else means "the connection broke" into UNAVAILABLE, and ends the
repeating where the session is gone.

Imported when a Spark Connect session is used: it needs grpc and pyspark.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import grpc
from pyspark.sql.connect.client.core import ChannelBuilder

from dbt.adapters.glue.exceptions import SessionError
from dbt.adapters.glue.session.connect_endpoint import ConnectEndpoint
from dbt.adapters.glue.session.connect_errors import error_info, glue_error, status_of
from dbt.adapters.glue.session.ticket import driver_is_dead, error_class_of, own_words

TOKEN_HEADER = "x-aws-proxy-auth"
# Netty's default takes a ping in 5 minutes; a stream that is broken unnoticed would hang for ever.
OPTIONS = [
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_receive_message_length", -1),
    # An error of Spark with its Java trace is one header, in base64.
    ("grpc.max_metadata_size", 128 * 1024),
]
REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
# What proxies make of a stream that they end, an expired token among the causes; and a plan that
# was sent again and met itself.
BROKEN = re.compile(
    r"Stream removed|RST_STREAM|GOAWAY|SESSION_BUSY|SessionBusyException|OPERATION_ALREADY_EXISTS"
)
# Seconds before a call that is no plan is made again: about 6 in all.
PAUSES = (0.1, 0.3, 0.9, 1.8, 3.0)
UNKNOWN_OPERATION = "INVALID_HANDLE.OPERATION_NOT_FOUND"
# pyspark sends a plan again at an error that has these words anywhere, in the user's SQL too.
FOR_PYSPARK = re.compile(r"INVALID_HANDLE\.OPERATION_NOT_FOUND|INVALID_CURSOR\.DISCONNECTED")
UNKNOWN_SESSION = re.compile(r"INVALID_HANDLE\.SESSION_(NOT_FOUND|CLOSED|CHANGED)")


class Broken(grpc.RpcError):
    """A broken connection, in the words that pyspark repeats a call at."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self._why = why

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return self._why

    def trailing_metadata(self) -> tuple:
        return ()


class Details(NamedTuple):
    """grpc.ClientCallDetails."""

    method: str
    timeout: float | None
    metadata: list[tuple[str, str]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Guard(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Looks after every call of a channel.

    restarted asks whether the server has forgotten our session: it may call the channel.
    on_stream is told of each stream, on the thread that reads it.
    """

    def __init__(
        self,
        endpoint: ConnectEndpoint,
        *,
        restarted: Callable[[], bool],
        on_stream: Callable[[Any], None],
    ) -> None:
        self._endpoint = endpoint
        self._restarted = restarted
        self._on_stream = on_stream

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Every such call may be made again: it reads, sets what it set before, or ends a run."""
        for pause in (*PAUSES, None):
            token = self._endpoint.token()
            answer = continuation(with_token(details, token), request)
            error = answer.exception()
            if error is None:
                self._endpoint.accepted()
            if not isinstance(error, grpc.RpcError):  # none, or the channel is closed
                return answer
            if error.code() in REFUSED and self._endpoint.refused(token):
                continue
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self._check_alive(error)
            elif not is_of_a_proxy(error):
                return answer
            if pause is not None:
                time.sleep(pause * random.uniform(0.5, 1.5))
        return answer

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        token = self._endpoint.token()
        answers = continuation(with_token(details, token), request)
        self._on_stream(answers)
        return Stream(answers, self._endpoint.accepted, lambda error: self.judge(error, token))

    def judge(self, error: Any, token: str) -> Exception:
        """What a stream's error means: raised instead of it."""
        code, told = error.code(), error.details() or ""
        if code in REFUSED:
            if self._endpoint.refused(token):
                return Broken(f"token refused: {told}")
            return SessionError(
                f"The session's endpoint refuses its token: {told}",
                session_id=self._endpoint.session_id,
            )
        said = own_words(told)
        if UNKNOWN_SESSION.search(said) or driver_is_dead(told):
            return self._endpoint.lost(told)
        if FOR_PYSPARK.search(told) and not FOR_PYSPARK.search(said):
            return glue_error(error, self._endpoint.session_id, None)
        if UNKNOWN_OPERATION in said:
            # pyspark would send the plan again, which is right only if Spark never had it.
            if self._restarted():
                return self._endpoint.lost("The session's Spark was restarted.")
            return error
        if code == grpc.StatusCode.UNAVAILABLE:
            self._check_alive(error)
            return error
        return Broken(told) if is_broken(error, said) or is_of_a_proxy(error) else error

    def _check_alive(self, error: Any) -> None:
        if not self._endpoint.alive():
            told = f"The session has ended, and its server is gone: {error.details()}"
            raise self._endpoint.lost(told)


class Stream:
    """An answer stream whose errors are judged."""

    def __init__(
        self, answers: Any, accepted: Callable[[], None], judge: Callable[[Any], Exception]
    ) -> None:
        self._answers = answers
        self._accepted = accepted
        self._judge = judge

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            answer = next(self._answers)
        except grpc.RpcError as error:
            told = self._judge(error)
            if told is error:
                raise
            raise told from error
        self._accepted()
        return answer

    def cancel(self) -> None:
        self._answers.cancel()


def is_broken(error: Any, said: str) -> bool:
    """Whether an error has one of the words of BROKEN, and not of the user's SQL: of Spark's own
    errors, only the class says that."""
    status = status_of(error)
    info = None if status is None else error_info(status)
    if info is not None and error_class_of(error.details() or "") is None:
        said = info.reason
    return BROKEN.search(said) is not None


def is_of_a_proxy(error: Any) -> bool:
    """UNKNOWN is what gRPC makes of HTTP 500; Spark's own errors bring their status along."""
    if error.code() != grpc.StatusCode.UNKNOWN:
        return False
    sent = error.trailing_metadata() or ()
    return not any(key == "grpc-status-details-bin" for key, _ in sent)


def with_token(details: Any, token: str) -> Details:
    return Details(
        method=details.method,
        timeout=details.timeout,
        metadata=[*(details.metadata or ()), (TOKEN_HEADER, token)],
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
        compression=details.compression,
    )


def open_channel(endpoint: ConnectEndpoint, guard: Guard) -> Any:
    """A channel to the session's server; nothing is connected yet."""
    channel = ChannelBuilder(endpoint.url, OPTIONS).toChannel()
    return grpc.intercept_channel(channel, guard)
