"""Races dbt-glue 1.12.4 against this tree, on one local Glue.

    python -m benchmarks.race                  all heats that have no result yet, then the report
    python -m benchmarks.race --case jaffle --latency aws --adapter connect --again

A heat is a case run by an adapter under a latency; its result is a JSON file in --results, so an
interrupted race goes on where it was. The report, docs/benchmarks.md, is written out of these
files.
"""

import argparse
import fnmatch
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks import REPO, profile, report
from benchmarks.cases import ADAPTERS, Case, Heat, plan, result
from benchmarks.measure import Process, measured, run
from benchmarks.stand import LATENCIES, Stand

sys.path.append(str(REPO / "tests"))
import venvs  # noqa: E402

RESULTS = REPO / "benchmarks" / "results"
REPORT = REPO / "docs" / "benchmarks.md"


class Race:
    """Runs heats on a stand, each in a folder of its own below `work`."""

    def __init__(self, stand: Stand, work: Path) -> None:
        self.stand = stand
        self.work = work
        self._released: venvs.Venv | None = None

    def run(self, heat: Heat) -> dict[str, Any]:
        """The heat's result, as its file keeps it."""
        case = heat.case
        folder = Path(tempfile.mkdtemp(prefix=f"{heat.name}-", dir=self.work))
        case.write(folder)
        self.stand.clear()
        if case.prepare is not None:
            case.prepare(self.stand)
        self.stand.set("none", case.driver_memory)
        if heat.adapter.kind == "floor":
            self.record(case)
        first = self.command(heat, folder, "first") if case.repeat else None
        self.stand.set(heat.latency, case.driver_memory)
        self.stand.reset()
        started = time.time()
        if first is not None and first.code != 0:
            return {**about(heat), **measured(self.stand, first, started, folder / "first")}
        process = self.command(heat, folder, "target")
        taken = measured(self.stand, process, started, folder / "target")
        if heat.adapter.kind == "floor" and process.code == 0:
            taken["floor"] = json.loads(process.output.splitlines()[-1])
        if heat.adapter.kind == "profile" and process.code == 0:
            taken["profile"] = profile.where_time_went(
                json.loads(self.recorded(case).read_text()), case.threads
            )
        self.stand.clear()
        return {**about(heat), **taken}

    def warm_up(self, heats: Sequence[Heat]) -> None:
        """One short run of each adapter in play: files into the page cache, Python compiled."""
        kinds = {"released" if heat.adapter.kind == "released" else "ours" for heat in heats}
        for name in ("connect", "released"):
            if ADAPTERS[name].kind in kinds:
                print(f"warming up: {ADAPTERS[name].title}", flush=True)
                self.run(Heat(result(10), "none", ADAPTERS[name]))

    def recorded(self, case: Case) -> Path:
        return self.work / f"{case.name}.record.json"

    def record(self, case: Case) -> None:
        """What a floor needs, if an interrupted race has not kept it."""
        if not self.recorded(case).exists():
            self.run(Heat(case, "none", ADAPTERS["profile"]))
            self.stand.set("none", case.driver_memory)

    def command(self, heat: Heat, folder: Path, target: str) -> Process:
        """The heat's command, its files in `target`; the schema is named after the folder."""
        case, kind = heat.case, heat.adapter.kind
        schema = case.schema or f"race_{folder.name.replace('-', '_')}"
        venv = self.venv(kind)
        environment = {
            **self.stand.environment(),
            "GLUE_ROLE_ARN": self.stand.local.role_arn,
            "RACE_SCHEMA": schema,
            "RACE_LOCATION": f"s3://dbt-glue-race/{schema}",
            profile.STARTED: str(time.time()),
        }
        if kind in ("profile", "floor"):
            environment["PYTHONPATH"] = str(REPO)
        if kind == "nothing":
            environment["PYTHONPATH"] = str(REPO / "benchmarks" / "nothing")
        (folder / target).mkdir()
        return run(
            self.words(heat, venv, target),
            folder,
            venv.environment(environment),
            folder / f"{target}.out",
            case.limit,
        )

    def words(self, heat: Heat, venv: venvs.Venv, target: str) -> list[str]:
        case, adapter = heat.case, heat.adapter
        python, record = str(venv.python), str(self.recorded(case))
        if adapter.kind == "floor":
            return [python, "-m", "benchmarks.floor", record, "--threads", str(case.threads)]
        dbt = [
            *("--no-use-colors", *case.command),
            *("--target", adapter.reuse_target if case.repeat else adapter.target),
            *("--threads", str(case.threads)),
            *("--target-path", target, "--log-path", target),
        ]
        if adapter.kind == "profile":
            return [python, "-m", "benchmarks.profiled", record, "--", *dbt]
        return [str(venv.root / "bin" / "dbt"), *dbt]

    def venv(self, kind: str) -> venvs.Venv:
        if kind != "released":
            return venvs.Venv(Path(sys.prefix))
        if self._released is None:
            self._released = venvs.released_adapter()
        return self._released


def about(heat: Heat) -> dict[str, Any]:
    return {
        "case": heat.case.name,
        "title": heat.case.title,
        "latency": heat.latency,
        "adapter": heat.adapter.name,
        "threads": heat.case.threads,
        "command": " ".join(heat.case.command),
        "driver_memory": heat.case.driver_memory,
        "limit": heat.case.limit,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Where it ran; load is of the minute before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if "model name" in line), "unknown")


def chosen(given: argparse.Namespace) -> list[Heat]:
    """The heats of the plan that the options name; patterns as in a shell."""

    def fits(value: str, patterns: Sequence[str] | None) -> bool:
        return not patterns or any(fnmatch.fnmatch(value, pattern) for pattern in patterns)

    return [
        heat
        for heat in plan(given.models)
        if fits(heat.case.name, given.case)
        and fits(heat.latency, given.latency)
        and fits(heat.adapter.name, given.adapter)
        and (not given.threads or heat.case.threads in given.threads)
    ]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--case", action="append", help="a case's name or pattern; repeatable")
    parser.add_argument("--latency", action="append", choices=list(LATENCIES))
    parser.add_argument("--adapter", action="append", choices=list(ADAPTERS))
    parser.add_argument("--threads", action="append", type=int)
    parser.add_argument("--models", type=int, default=100, help="of the generated project")
    parser.add_argument("--again", action="store_true", help="also what has a result")
    parser.add_argument("--list", action="store_true", help="say what would run, and end")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--work", type=Path, help="keep local Glue and all runs in this folder")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments(argv)
    given.results.mkdir(parents=True, exist_ok=True)
    heats = [
        heat
        for heat in chosen(given)
        if given.again or not has_run(given.results / f"{heat.name}.json")
    ]
    if given.list:
        print("\n".join(heat.name for heat in heats))
        return 0
    if not given.report_only:
        with ExitStack() as after:
            work = given.work or Path(
                after.enter_context(tempfile.TemporaryDirectory(prefix="dbt-glue-race-"))
            )
            work.mkdir(parents=True, exist_ok=True)
            stand = Stand(work / "glue")
            after.callback(stand.stop)
            run_all(Race(stand, work), heats, given.results)
    print(report.terminal(given.results))
    given.report.write_text(report.document(given.results))
    print(f"{given.report} written out of {given.results}")
    return 0


def has_run(path: Path) -> bool:
    """A failure of the released adapter is a result; one of ours is to be looked into."""
    if not path.exists():
        return False
    told = json.loads(path.read_text())
    return told["status"] != "failed" or ADAPTERS[told["adapter"]].kind == "released"


def run_all(race: Race, heats: Sequence[Heat], results: Path) -> None:
    race.warm_up(heats)
    for number, heat in enumerate(heats, start=1):
        print(f"[{number}/{len(heats)}] {heat.name} …", end=" ", flush=True)
        taken = race.run(heat)
        keep(results, heat.name, taken)
        print(report.line(taken), flush=True)


def keep(results: Path, name: str, taken: dict[str, Any]) -> None:
    (results / f"{name}.json").write_text(json.dumps(taken, indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
