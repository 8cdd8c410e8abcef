"""What nodes have made for themselves, and what becomes of it when they do not end well."""

import threading
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from side_by_side import in_threads
from unit.fake_sessions import Clock, Sessions
from waiting import wait_until

from dbt.adapters.glue import build_folders
from dbt.adapters.glue.build_folders import is_staging
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.catalog_relations import temporary_name
from dbt.adapters.glue.data_methods import DataMethods
from dbt.adapters.glue.exceptions import SessionLost, StatementError
from dbt.adapters.glue.handle import GlueHandle
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.storage import RESULTS_FOLDER, TableStorage
from dbt.adapters.glue.table_swap import Swaps
from dbt.adapters.glue.temporaries import LOOK_AGAIN_FOR, StagingTable, Temporaries

KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
BASE = "s3://bucket/w"


class Place:
    """moto's Data Catalog and S3, and a clock of its own."""

    def __init__(self) -> None:
        self.clients = SimpleNamespace(
            glue=boto3.client("glue", **KEYS), s3=boto3.client("s3", **KEYS)
        )
        self.clients.s3.create_bucket(Bucket="bucket")
        self.catalog = DataCatalog(self.clients)  # type: ignore[arg-type]
        self.catalog.create_database("s", f"{BASE}/s/")
        self.storage = TableStorage(self.clients, KnownCatalog(self.catalog), BASE)  # type: ignore[arg-type]
        self.now = 0.0
        self.while_waiting: list[Any] = []
        self.temporaries = Temporaries(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.while_waiting:
            self.while_waiting.pop(0)()

    def catalog_in(self, database: str | None) -> DataCatalog:
        return self.catalog

    def put(self, path: str) -> None:
        self.storage.put(f"{BASE}/{path}", b"x")

    def make(self, name: str, location: str) -> None:
        storage = {"Location": location, "Columns": []}
        self.catalog.create_table("s", {"Name": name, "StorageDescriptor": storage})

    def names(self) -> set[str]:
        return {table["Name"] for table in self.catalog.get_tables("s")}

    def objects(self) -> list[str]:
        page = self.clients.s3.list_objects_v2(Bucket="bucket")
        return [item["Key"].removeprefix("w/") for item in page.get("Contents", ())]

    def remove_all(self) -> list[str]:
        return self.temporaries.remove_all(self.catalog_in, self.storage)


@pytest.fixture
def place() -> Any:
    with mock_aws():
        yield Place()


def test_what_a_cancelled_statement_writes_later_goes_too(place: Place) -> None:
    folder = place.storage.new_temporary()
    build = StagingTable("s", "t__dbt_tmp_1", f"{BASE}/s/t/dbt_build_1", None, ("s", "t"), None)
    place.temporaries.folders.append(folder)
    place.temporaries.tables.append(build)
    place.put("s/t/dbt_build_1/part-0")
    assert place.temporaries.remove(place.catalog_in, place.storage, cancelled=True) == []
    assert place.objects() == [] and place.temporaries.tables == []
    place.put("s/t/dbt_build_1/part-1")
    place.while_waiting = [
        lambda: place.put("s/t/dbt_build_1/part-2"),
        lambda: place.make("t__dbt_tmp_1", f"{BASE}/s/t/dbt_build_1"),
    ]
    assert place.remove_all() == []
    assert place.objects() == [] and place.names() == set()
    began = place.now
    assert place.remove_all() == [] and place.now == began  # nothing is looked for twice


def test_it_is_not_waited_for_ever(place: Place) -> None:
    place.temporaries.folders.append(place.storage.new_temporary())
    place.temporaries.remove(place.catalog_in, place.storage, cancelled=True)
    path = f"_dbt_glue_tmp/{place.temporaries._removed_early.folders[0].rpartition('/')[2]}/x"
    place.while_waiting = [lambda: place.put(path)] * 100
    place.remove_all()
    assert LOOK_AGAIN_FOR <= place.now <= LOOK_AGAIN_FOR + 1


def test_a_node_that_came_to_its_end_costs_nothing_at_the_end(place: Place) -> None:
    place.temporaries.folders.append(place.storage.new_temporary())
    place.temporaries.remove(place.catalog_in, place.storage)
    place.clients.glue = place.clients.s3 = None
    assert place.remove_all() == [] and place.now == 0.0


def test_what_other_threads_are_at_goes_when_a_signal_ends_the_run(place: Place) -> None:
    def work() -> None:
        place.temporaries.tables.append(StagingTable("s", "m__dbt_tmp_2", f"{BASE}/s/m__dbt_tmp_2"))

    in_threads(work, work)
    place.make("m__dbt_tmp_2", f"{BASE}/s/m__dbt_tmp_2")
    place.put("s/m__dbt_tmp_2/part")
    assert place.temporaries.tables == []
    assert place.remove_all() == []
    assert place.names() == set() and place.objects() == []


def test_tables_that_hudi_makes_beside_a_build_go_with_it(place: Place) -> None:
    at = f"{BASE}/s/t/dbt_build_1"
    for suffix in ("", "_ro", "_rt"):
        place.make(f"t__dbt_tmp_1{suffix}", at)
        place.make(f"mine{suffix}", f"{BASE}/s/mine")
    place.temporaries.tables[:] = [
        StagingTable("s", "t__dbt_tmp_1", at, None, ("s", "t")),
        StagingTable("s", "mine", None),  # made empty, to be filled: not a build
    ]
    assert place.temporaries.remove(place.catalog_in, place.storage) == []
    assert place.names() == {"mine_ro", "mine_rt"}


def test_names_of_builds() -> None:
    for name in ("T", "x" * 255):
        assert is_staging(temporary_name(name)) and is_staging(temporary_name(name), of=name)
        assert is_staging(temporary_name(name) + "_ro", of=name)
    assert not is_staging(temporary_name("t"), of="u")
    assert not is_staging("t__dbt_tmp_mine") and not is_staging("t")


def test_results_that_nobody_read_go_with_the_run_and_others_after_two_days(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("mine/a", "mine2/a", "theirs/a"):
        place.put(f"{RESULTS_FOLDER}/{path}")
    own = [f"{BASE}/{RESULTS_FOLDER}/mine"]
    assert place.storage.clear_folder(RESULTS_FOLDER, own) == 1
    assert len(place.objects()) == 2
    later = datetime.now(timezone.utc) + build_folders.ABANDONED_AFTER + timedelta(hours=1)
    monkeypatch.setattr(build_folders, "_now", lambda: later)
    assert place.storage.clear_folder(RESULTS_FOLDER) == 2


def test_a_run_that_is_to_end_waits_for_tables_to_come_into_their_places() -> None:
    swaps, in_it, go_on = Swaps(), threading.Event(), threading.Event()

    def swap() -> None:
        with swaps.one():
            in_it.set()
            go_on.wait(10)

    thread = threading.Thread(target=swap)
    thread.start()
    assert in_it.wait(10) and not swaps.wait(0.01)
    go_on.set()
    assert swaps.wait(10)
    thread.join()


class Transport:
    session_id, session_type = "s", "livy"
    lost: Any = None

    def __init__(self) -> None:
        self.sent: list[str] = []

    def execute(self, sql: str, **options: Any) -> None:
        self.sent.append(sql)

    def busy(self) -> Any:
        return nullcontext()


class TestViews:
    """Views of a session go with the node that made them, while there is that session."""

    @pytest.fixture
    def transport(self) -> Transport:
        return Transport()

    def handle(self, transport: Transport) -> GlueHandle:
        found: Any = lambda wanted: transport  # noqa: E731
        return GlueHandle(lambda: "node", found, found, lambda session_id: nullcontext())

    def test_dropped_where_the_last_statement_ran(self, transport: Transport) -> None:
        handle = self.handle(transport)
        assert not handle.clean_up("drop view v")  # nothing has run: there is no such session
        handle.be_busy(transport)  # type: ignore[arg-type]
        assert handle.clean_up("drop view v") and transport.sent == ["drop view v"]

    @pytest.mark.parametrize("end", ["cancelled", "lost"])
    def test_no_session_is_made_to_drop_them(self, transport: Transport, end: str) -> None:
        handle = self.handle(transport)
        handle.be_busy(transport)  # type: ignore[arg-type]
        if end == "lost":
            transport.lost = SessionLost("gone")
        else:
            handle.cancelled = True
        assert not handle.clean_up("drop view v") and transport.sent == []

    def test_a_node_that_fails_drops_those_that_it_has_not_dropped(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warned: list[str] = []
        monkeypatch.setattr("dbt.adapters.glue.data_methods.logger.warning", warned.append)
        answers = iter([SessionLost("gone"), StatementError("no"), None])
        sent: list[str] = []

        def clean_up(sql: str) -> None:
            sent.append(sql)
            if (error := next(answers)) is not None:
                raise error

        adapter: Any = SimpleNamespace(
            temporaries=place.temporaries, connections=SimpleNamespace(clean_up=clean_up)
        )
        for name in "abcd":
            view: Any = SimpleNamespace(identifier=f"m__dbt_tmp_{name}")
            DataMethods.remember_view(adapter, view)
        place.temporaries.forget_view("m__dbt_tmp_a")
        DataMethods.drop_views(adapter)
        assert sent == [f"drop view if exists `m__dbt_tmp_{name}`" for name in "bcd"]
        assert len(warned) == 1 and "m__dbt_tmp_c is left in the session: no" in warned[0]
        assert place.temporaries.views == []


def test_the_end_of_a_run_follows_that_of_its_sessions() -> None:
    """On a signal and at exit, too: they close the pool."""
    clock = Clock()
    glue = Sessions(clock)
    order: list[str] = []
    pool = SessionPool(
        SimpleNamespace(glue=glue),
        threads=1,
        provisioning_timeout=100,
        report=order.append,
        on_closed=lambda: order.append(f"{glue.calls['StopSession']} stopped"),
        clock=clock,
        sleep=clock.sleep,
    )
    pool.prepare(SessionSpec(role_arn="arn:aws:iam::1:role/R"), SessionName("s", shared=False))
    wait_until(lambda: glue.calls["CreateSession"], 10, "a session was asked for")
    assert not pool.closed
    pool.close()
    assert pool.closed and order[-1] == "1 stopped"
