"""What the race must show (issue 4), each held against the results that are there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.cases import ADAPTERS, OURS

Result = Mapping[str, Any]

MODELS = re.compile(r"models_(\d+)_threads_(\d+)")
FETCHED = re.compile(r"fetched ([\d,]+) rows in ([\d.]+) s")
SESSION_RATIO = 8.0
FLOOR_FACTOR = 1.3


@dataclass(frozen=True)
class Claim:
    text: str
    asked: str
    found: str
    holds: bool


def claims(found: Mapping[str, Result]) -> list[Claim]:
    """Only what both sides of have run; a run that failed holds nothing."""
    here = Found(found)
    parts = (_speed, _reuse, _sessions, _calls, _floor, _docs, _seed, _result, _threads)
    return [claim for part in parts for claim in part(here)]


class Found:
    """Results by case, latency and adapter."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._by = {(r["case"], r["latency"], r["adapter"]): r for r in results.values()}
        named = filter(None, (MODELS.fullmatch(case) for case, _, _ in self._by))
        counts = [int(match[1]) for match in named]
        self.models = max(counts, default=100)
        self.few = min(counts, default=20)

    def get(self, case: str, latency: str, adapter: str) -> Result | None:
        return self._by.get((case, latency, adapter))

    def pairs(self, case: str, latency: str, theirs: str) -> Iterator[tuple[str, Result, Result]]:
        """(title, theirs, ours) for each of our transports."""
        other = self.get(case, latency, theirs)
        for name in OURS:
            ours = self.get(case, latency, name)
            if other is not None and ours is not None:
                yield f"{other['title']}, {latency}, {ADAPTERS[name].title}", other, ours

    def ours(self, case: str, latency: str) -> Iterator[tuple[str, Result]]:
        for name in OURS:
            result = self.get(case, latency, name)
            if result is not None:
                yield f"{result['title']}, {latency}, {ADAPTERS[name].title}", result

    @property
    def big(self) -> str:
        return f"models_{self.models}_threads_4"


def _speed(here: Found) -> Iterator[Claim]:
    wanted = (
        ("jaffle", "none", 3.0),
        ("jaffle", "aws", 2.5),
        (here.big, "none", 4.0),
        (here.big, "aws", 5.0),
    )
    for case, latency, ratio in wanted:
        for title, theirs, ours in here.pairs(case, latency, "released"):
            claim = _at_least(f"{title}: wall time of 1.12.4", ratio, _wall(theirs, ours), ours)
            floor = (here.get(case, latency, "floor") or {}).get("floor")
            if floor:
                most = f"{theirs['seconds'] / floor['seconds']:.1f}× would be the floor's"
                claim = replace(claim, found=f"{claim.found} ({most})")
            yield claim


def _reuse(here: Found) -> Iterator[Claim]:
    cases = (("jaffle", 2.0), (f"models_{here.few}_threads_4", 2.0), ("jaffle_repeat", 3.0))
    for case, ratio in cases:
        for latency in ("none", "aws"):
            for title, theirs, ours in here.pairs(case, latency, "released_reuse"):
                text = f"{title}: wall time of 1.12.4 with glue_session_reuse"
                yield _at_least(text, ratio, _wall(theirs, ours), ours)


def _sessions(here: Found) -> Iterator[Claim]:
    for case in ("jaffle", here.big):
        for latency in ("none", "aws"):
            for title, theirs, ours in here.pairs(case, latency, "released"):
                ratio, billed = (
                    theirs["billing"][name] / ours["billing"][name]
                    for name in ("seconds", "billed")
                )
                yield Claim(
                    f"{title}: session-seconds of 1.12.4",
                    f"{SESSION_RATIO:.0f}×",
                    f"{ratio:.1f}× ({billed:.1f}× with the 1-minute minimum)",
                    ratio >= SESSION_RATIO and ours["status"] == "ok",
                )


def _calls(here: Found) -> Iterator[Claim]:
    for latency in ("none", "aws"):
        for case in ("jaffle", here.big):
            for title, theirs, ours in here.pairs(case, latency, "released"):
                if ours["adapter"] == "livy":
                    ratio = theirs["by_service"]["glue"] / ours["by_service"]["glue"]
                    yield _at_least(f"{title}: Glue calls of 1.12.4", 3.0, ratio, ours)
        connect = here.get(here.big, latency, "connect")
        if connect is not None:
            calls = connect["by_service"]["glue"]
            text = f"{connect['title']}, {latency}, {ADAPTERS['connect'].title}: Glue calls"
            yield Claim(text, "under 60", str(calls), calls < 60 and connect["status"] == "ok")


def _floor(here: Found) -> Iterator[Claim]:
    for latency in ("none", "aws"):
        ours = here.get(here.big, latency, "connect")
        floor, nothing = here.get(here.big, latency, "floor"), here.get(here.big, "none", "nothing")
        if ours is None or floor is None or nothing is None or "floor" not in floor:
            continue
        bound = FLOOR_FACTOR * floor["floor"]["seconds"] + nothing["seconds"]
        yield Claim(
            f"{ours['title']}, {latency}, {ADAPTERS['connect'].title}: seconds",
            f"{bound:.1f} = 1.3 × {floor['floor']['seconds']:.1f} (floor)"
            f" + {nothing['seconds']:.1f} (dbt alone)",
            f"{ours['seconds']:.1f}",
            ours["seconds"] <= bound and ours["status"] == "ok",
        )


def _docs(here: Found) -> Iterator[Claim]:
    for latency in ("none", "aws"):
        for title, ours in here.ours("docs_1000", latency):
            calls, statements = ours["by_service"]["glue"], ours["statements"]
            yield Claim(
                title,
                "at most 15 Glue calls, 0 statements, under 10 s",
                f"{calls} calls, {statements} statements, {ours['seconds']:.1f} s",
                calls <= 15 and not statements and ours["seconds"] < 10 and _ok(ours),
            )


def _seed(here: Found) -> Iterator[Claim]:
    for title, ours in here.ours("seed_100000", "none"):
        yield _below(title, 15.0, ours["seconds"], ours)


def _result(here: Found) -> Iterator[Claim]:
    for title, ours in here.ours("result_100000", "none"):
        fetched = next(filter(None, map(FETCHED.search, ours["said"])), None)
        small = here.get("result_10", "none", ours["adapter"])
        if fetched is None or small is None:
            continue
        more = ours["memory_mb"] - small["memory_mb"]
        seconds = float(fetched[2])
        yield Claim(
            title,
            "under 5 s, under 300 MB more than 10 rows",
            f"{seconds:.1f} s, {more} MB more",
            seconds < 5 and more < 300 and _ok(ours),
        )


def _threads(here: Found) -> Iterator[Claim]:
    for latency in ("none", "aws"):
        for title, ours in here.ours(f"models_{here.models}_threads_16", latency):
            four = here.get(here.big, latency, ours["adapter"])
            if four is not None:
                yield _below(
                    f"{title}: seconds, than 4 threads", four["seconds"], ours["seconds"], ours
                )


def _wall(theirs: Result, ours: Result) -> float:
    return float(theirs["seconds"] / ours["seconds"])


def _ok(result: Result) -> bool:
    return bool(result["status"] == "ok")


def _at_least(text: str, asked: float, found: float, ours: Result) -> Claim:
    return Claim(text, f"{asked:g}×", f"{found:.1f}×", found >= asked and _ok(ours))


def _below(text: str, asked: float, found: float, ours: Result) -> Claim:
    return Claim(text, f"under {asked:.1f} s", f"{found:.1f} s", found < asked and _ok(ours))
