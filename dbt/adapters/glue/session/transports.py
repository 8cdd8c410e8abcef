"""Transports: how a transport to a session is made, and whether a session still answers."""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from dbt.adapters.glue.exceptions import GlueError, SessionLost
from dbt.adapters.glue.session.livy import LivyTransport
from dbt.adapters.glue.session.transport import PooledTransport

# numpy sets these while it is imported and takes them back, under the feet of other threads that
# read the environment (numpy/core/__init__.py); what is there already it leaves alone.
SET_BY_NUMPY = ("OPENBLAS_MAIN_FREE", "GOTOBLAS_MAIN_FREE")


def import_connect() -> ModuleType:
    """session/connect.py, which needs libraries that an installation may lack."""
    for name in SET_BY_NUMPY:
        os.environ.setdefault(name, "1")
    # gRPC's core writes to the terminal otherwise that a server said goodbye.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    return importlib.import_module("dbt.adapters.glue.session.connect")


class Transports:
    """settings: of a LivyTransport."""

    def __init__(
        self,
        clients: Any,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        **settings: Any,
    ) -> None:
        self._clients = clients
        self._clocks: dict[str, Any] = {"clock": clock, "sleep": sleep}
        self._settings = settings

    def to(self, session_id: str, session_type: str) -> PooledTransport:
        glue = self._clients.glue
        if session_type == "spark_connect":
            connect: PooledTransport = import_connect().ConnectTransport(
                glue, session_id, **self._clocks
            )
            return connect
        return LivyTransport(
            glue, session_id, s3=lambda: self._clients.s3, **self._clocks, **self._settings
        )

    def is_dead(self, session_id: str, session_type: str) -> bool:
        """Whether a session that Glue calls usable can run nothing: for no client, then."""
        transport = self.to(session_id, session_type)
        try:
            if session_type == "spark_connect":
                transport.start()
            transport.execute("select 1")
        except SessionLost:
            return True
        except GlueError:
            return False  # not known
        finally:
            transport.close()
        return False
