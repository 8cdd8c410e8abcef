"""What the cells of a matrix share: local Glue with a warm session of each type."""

import json
import os
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from dbt.adapters.glue.session.pool import SessionName, SessionPool

from . import page
from .cell import BUCKET, Cell, clients_of
from .kinds import Fault
from .outcomes import Outcome
from .scenarios import TAG
from .session_scenarios import CONNECT, LIVY

WRITTEN_TO = os.environ.get("DBT_GLUE_FAULTS_JSON")  # set by `make faults`, which runs all cells
REPEATS = 10 if WRITTEN_TO else 5  # boto_retry_max_attempts: its default, or less for quick ends


class Stand:
    """Starts the sessions; `close` stops them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clean = clients_of(url, "CLEAN")
        self.pool = SessionPool(self.clean, threads=32, provisioning_timeout=240.0)
        ident = uuid.uuid4().hex[:8]
        self.livy = SessionName(f"warm-{ident}-livy", False)
        self.connect = SessionName(f"warm-{ident}-connect", False)
        self.clean.s3.create_bucket(Bucket=BUCKET)
        existing = self.clean.lakeformation.list_lf_tags()["LFTags"]
        if TAG not in [tag["TagKey"] for tag in existing]:
            self.clean.lakeformation.create_lf_tag(TagKey=TAG, TagValues=["low", "high"])
        self.pool.prepare(CONNECT, self.connect)
        self.pool.transport(LIVY, self.livy)
        self.pool.transport(CONNECT, self.connect)

    def cell(self) -> Cell:
        cell = Cell(self.url, self.clean, REPEATS)
        on_livy = self.pool.transport(LIVY, self.livy)
        on_connect = self.pool.transport(CONNECT, self.connect)
        cell.memory = {
            "livy": self.livy.id,
            "connect": self.connect.id,
            "on_livy": lambda sql: on_livy.execute(sql).rows,
            "on_connect": lambda sql: on_connect.execute(sql).rows,
        }
        return cell

    def close(self) -> None:
        self.pool.close()


def selected(request: pytest.FixtureRequest, cells: list[Any]) -> list[Any]:
    """Those of the cells that pytest was asked to test."""
    asked = {
        item.callspec.params["place"]
        for item in request.session.items
        if "place" in getattr(getattr(item, "callspec", None), "params", ())
    }
    return [place for place in cells if place in asked]


class Record:
    """The verdicts of `make faults`, written as they come: a run that was stopped goes on."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._file = Path(f"{WRITTEN_TO}.{part}.jsonl") if WRITTEN_TO else None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Outcome] = {}
        if self._file is not None and self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                one = json.loads(line)
                if one["verdict"] in page.WORDS:
                    outcome = Outcome(one["verdict"], one["note"])
                    self._known[one["row"], one["column"]] = outcome

    def known(self, row: str, fault: Fault) -> Outcome | None:
        return self._known.get((row, fault.title))

    def add(self, row: str, fault: Fault, outcome: Outcome) -> None:
        if self._file is not None:
            one = page.verdict(self._part, row, fault.title, outcome.verdict, outcome.note)
            with self._lock, self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(one, ensure_ascii=False) + "\n")


where_there_is_a_page = pytest.mark.skipif(
    bool(WRITTEN_TO), reason="the page is about to be written"
)


def check_page(rows: list[str], titles: list[str], seen: dict[tuple[str, str], str]) -> None:
    """The page has every cell, and for those that were seen their verdicts."""
    written = page.written()
    words = page.WORDS.values()
    missing = [(r, t) for r in rows for t in titles if written.get((r, t)) not in words]
    assert not missing, page.HINT
    differ = {place: word for place, word in seen.items() if written[place] != page.WORDS.get(word)}
    assert not differ, page.HINT
