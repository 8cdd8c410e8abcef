"""An AWS for tests: HTTP on loopback that gives the answers it is told, one for each request."""

import socket
import struct
import threading
from typing import Any

import boto3

from dbt.adapters.glue.clients import ClientSettings, GlueClients

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
JSON, XML, HTML = "application/x-amz-json-1.1", "application/xml", "text/html"
PAGE = b"<!DOCTYPE html>\n<html><body><p>Sign in<br></body></html>"


def answer(
    body: bytes = b"{}", status: int = 200, content_type: str = JSON, **headers: str
) -> bytes:
    named = {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} Told", *(f"{k.replace('_', '-')}: {v}" for k, v in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def error(code: str, status: int = 400, **headers: str) -> bytes:
    return answer(f'{{"__type":"{code}","message":"told so"}}'.encode(), status, **headers)


class FailingAws:
    """answers: what the next requests get; None resets the connection, and the last one stays.
    requests: what was asked, as "GetTable" or "PUT /bucket/key"."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            first = stream.readline().decode()
            if not first:
                return
            headers: dict[str, str] = {}
            while (line := stream.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            stream.read(int(headers.get("content-length", 0)))
            method, path, _ = first.split(" ")
            target = headers.get("x-amz-target", "").rpartition(".")[2]
            self.requests.append(target or f"{method} {path.partition('?')[0]}")
            told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if told is None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                return
            connection.sendall(told.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


def clients_of(url: str, repeats: int = 3, mode: str = "standard") -> GlueClients:
    def factory(**settings: Any) -> Any:
        return boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", **settings)

    settings = ClientSettings(
        region="eu-west-1", endpoint_url=url, retry_mode=mode, retry_max_attempts=repeats
    )
    return GlueClients(settings, session_factory=factory)


class Pauses:
    """Stands for time.sleep and time.monotonic."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now
