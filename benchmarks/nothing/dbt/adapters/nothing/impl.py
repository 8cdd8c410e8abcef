"""Every statement succeeds at once, every test finds no failure, the catalog is empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import agate
from dbt.adapters.base import available
from dbt.adapters.contracts.connection import (
    AdapterResponse,
    Connection,
    ConnectionState,
    Credentials,
)
from dbt.adapters.sql import SQLAdapter, SQLConnectionManager
from dbt_common.clients.agate_helper import Integer

TEST_COLUMNS = ("failures", "should_warn", "should_error")


@dataclass
class NothingCredentials(Credentials):
    database: str = "nothing"
    schema: str = "nothing"

    @property
    def type(self) -> str:
        return "nothing"

    @property
    def unique_field(self) -> str:
        return "nothing"

    def _connection_keys(self) -> tuple[str, ...]:
        return ("schema",)


class NothingConnectionManager(SQLConnectionManager):
    TYPE = "nothing"

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        connection.state = ConnectionState.OPEN
        connection.handle = object()
        return connection

    @classmethod
    def close(cls, connection: Connection) -> Connection:
        connection.state = ConnectionState.CLOSED
        return connection

    @classmethod
    def get_response(cls, cursor: Any) -> AdapterResponse:
        return AdapterResponse("OK")

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        yield

    def cancel(self, connection: Connection) -> None:
        pass

    def begin(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def add_query(self, *args: Any, **kwargs: Any) -> tuple[Connection, Any]:
        return self.get_thread_connection(), None

    def execute(
        self,
        sql: str,
        auto_begin: bool = False,
        fetch: bool = False,
        limit: int | None = None,
    ) -> tuple[AdapterResponse, agate.Table]:
        types = [Integer(), agate.Boolean(), agate.Boolean()]
        rows = [[0, False, False]] if fetch else []
        return AdapterResponse("OK"), agate.Table(rows, TEST_COLUMNS, types)


class NothingAdapter(SQLAdapter):
    ConnectionManager = NothingConnectionManager

    @classmethod
    def date_function(cls) -> str:
        return "now()"

    def list_schemas(self, database: str) -> list[str]:
        return []

    def create_schema(self, relation: Any) -> None:
        pass

    def drop_schema(self, relation: Any) -> None:
        pass

    def list_relations_without_caching(self, schema_relation: Any) -> list[Any]:
        return []

    @available
    def valid_incremental_strategies(self) -> list[str]:
        return ["append", "insert_overwrite"]
