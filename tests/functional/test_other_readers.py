"""A process reads tables that another one builds anew, in one Spark Connect session."""

from collections.abc import Iterator
from typing import Any

import pytest
from dbt.tests.util import run_dbt
from functional.conftest import OnConnect

from dbt.adapters.glue.clients import get_clients
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.transport import Transport

pytestmark = pytest.mark.slow

MODEL = "{{ config(materialized='table', %s) }} select {{ var('run', 1) }} as run, 'a' as part"
KINDS = {
    "plain": "file_format='parquet'",
    "by_part": "file_format='parquet', partition_by='part'",
    "hudi": "file_format='hudi', unique_key='part'",
}


class TestTwoClients(OnConnect):
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {f"{name}.sql": MODEL % config for name, config in KINDS.items()}

    @pytest.fixture
    def other(self, project: Any) -> Iterator[Transport]:
        """Another process as the session sees it: a client with a Spark session of its own."""
        credentials = project.adapter.config.credentials
        name = SessionName(credentials.glue_session_id, shared=True)
        clients = get_clients(credentials.client_settings())
        pool = SessionPool(clients, threads=1, provisioning_timeout=300)
        yield pool.transport(session_spec(credentials, "spark_connect"), name)
        pool.close()

    def test_what_the_other_one_reads_is_there(self, project: Any, other: Transport) -> None:
        """The files of the older rows have been deleted when it reads for the second time."""
        for run in (1, 2):
            run_dbt(["run", "--vars", f"run: {run}"])
            for name in KINDS:
                found = other.execute(f"select run from {project.test_schema}.{name}").rows
                assert [tuple(row) for row in found] == [(run,)], name
