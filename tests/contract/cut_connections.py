"""A way to local Glue's Spark Connect servers whose TCP connections can be reset at will."""

import socket
import struct
import threading
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class CutConnections:
    """A Glue client like the given one, but for GetSessionEndpoint: its URL leads through here."""

    def __init__(self, glue: Any) -> None:
        self.cuts = 0
        self._glue = glue
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listeners: dict[int, socket.socket] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._glue, name)

    def get_session_endpoint(self, **request: Any) -> Any:
        answer = self._glue.get_session_endpoint(**request)
        told = answer["SparkConnect"]
        told["Url"] = f"sc://{HOST}:{self._through(urlsplit(told['Url']).port)}"
        return answer

    def cut(self) -> None:
        """Resets every connection that is open."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        self.cuts += len(sockets) // 2
        for one in sockets:
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its other end was quicker
            one.close()

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        self.cut()

    def _through(self, port: int | None) -> int:
        assert port is not None
        if port not in self._listeners:
            self._listeners[port] = socket.create_server((HOST, 0))
            threading.Thread(target=self._accept, args=(port,), daemon=True).start()
        number: int = self._listeners[port].getsockname()[1]
        return number

    def _accept(self, port: int) -> None:
        while True:
            try:
                near, _ = self._listeners[port].accept()
            except OSError:
                return  # closed
            far = socket.create_connection((HOST, port))
            with self._lock:
                self._sockets |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # cut
