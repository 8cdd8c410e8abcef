"""A thread-safe thrift client of the Hive metastore: a small pool of connections."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from hive_metastore import ThriftHiveMetastore
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

_MAX_CONNECTIONS = 16

T = TypeVar("T")


class _Connection:
    def __init__(self, port: int) -> None:
        self._transport = TBufferedTransport(TSocket("127.0.0.1", port), 64 * 1024)
        self._transport.open()
        self.client = ThriftHiveMetastore.Client(TBinaryProtocolAccelerated(self._transport))

    def close(self) -> None:
        self._transport.close()


class MetastoreClient:
    """`call(operation)` from any thread; at most 16 calls run at once."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)

    def call(self, operation: Callable[[ThriftHiveMetastore.Client], T]) -> T:
        """Runs `operation` on a connection of the pool.

        A pooled connection that turns out to be broken is replaced and the operation tried
        once more. Raises the exceptions that the metastore declares, and TTransportException
        or OSError where it does not answer.
        """
        with self._slots:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return self._run(_Connection(self._port()), operation)
            try:
                return self._run(connection, operation)
            except (TTransportException, OSError, EOFError):
                return self._run(_Connection(self._port()), operation)

    def _run(
        self, connection: _Connection, operation: Callable[[ThriftHiveMetastore.Client], T]
    ) -> T:
        try:
            result = operation(connection.client)
        except (TTransportException, OSError, EOFError):
            connection.close()
            raise
        except BaseException:
            # An answer that is an exception was read to its end; the connection stays good.
            self._idle.put(connection)
            raise
        self._idle.put(connection)
        return result

    def close(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return
