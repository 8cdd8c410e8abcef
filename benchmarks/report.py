"""docs/benchmarks.md and what the terminal shows, out of the result files."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import ADAPTERS, plan
from benchmarks.claims import claims

Result = Mapping[str, Any]

LATENCY_TITLES = {
    "none": "no latency",
    "aws": "AWS-like: a session takes 20 s to come, each call 60 ms",
}


@dataclass(frozen=True)
class Column:
    title: str
    value: Callable[[Result], float]
    format: str = "{:,.0f}"


COLUMNS = (
    Column("seconds", lambda r: r["seconds"], "{:,.1f}"),
    Column("Glue calls", lambda r: r["by_service"]["glue"]),
    Column("Connect calls", lambda r: r["by_service"]["connect"]),
    Column("S3 calls", lambda r: r["by_service"]["s3"]),
    Column("statements", lambda r: r["statements"]),
    Column("sessions", lambda r: r["billing"]["sessions"]),
    Column("session-seconds", lambda r: r["billing"]["seconds"]),
    Column("with the 1-minute minimum", lambda r: r["billing"]["billed"]),
    Column("left running", lambda r: r["billing"]["left"]),
    Column("MB sent", lambda r: _bytes(r, ":in") / 1e6, "{:,.2f}"),
    Column("MB received", lambda r: _bytes(r, ":out") / 1e6, "{:,.2f}"),
    Column("memory of dbt, MB", lambda r: r["memory_mb"]),
    Column("least free memory of the machine, GB", lambda r: r["least_free_mb"] / 1000, "{:,.1f}"),
)
RATIOS = ("seconds", "Glue calls", "statements", "session-seconds", "with the 1-minute minimum")


def _bytes(result: Result, end: str) -> int:
    return sum(number for name, number in result["bytes"].items() if name.endswith(end))


def load(results: Path) -> dict[str, Result]:
    """All results by name of their heat."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}


def line(result: Result) -> str:
    """One result on one line of the terminal."""
    told = f"{result['seconds']:.1f} s, {result['by_service']['glue']} Glue calls, "
    told += f"{result['statements']} statements, {result['billing']['sessions']} sessions"
    return told if result["status"] == "ok" else f"{_state(result)}: {told}"


def terminal(results: Path) -> str:
    found = load(results)
    return "\n".join([*_tables(found), *_claims(found)])


def document(results: Path) -> str:
    found = load(results)
    if not found:
        return HEAD.format(when="no run yet", machine="no machine")
    parts = [
        HEAD.format(when=_when(found.values()), machine=_machine(found.values())),
        "## What it must show\n",
        *_claims(found),
        "## The race\n",
        *_tables(found),
        *_floor(found),
        *_profiles(found),
        *_operations(found),
        *_failures(found),
        NOTES,
    ]
    return "\n".join(parts)


def _tables(found: Mapping[str, Result]) -> list[str]:
    """One table per case and latency, and our ratios below it."""
    lines: list[str] = []
    for (_, latency), group in groups(found).items():
        shown = [result for result in group if ADAPTERS[result["adapter"]].kind != "floor"]
        lines += [f"### {group[0]['title']}, {LATENCY_TITLES[latency].partition(':')[0]}", ""]
        lines += _table(
            ["", *(column.title for column in COLUMNS), ""],
            [
                [
                    ADAPTERS[result["adapter"]].title,
                    *(column.format.format(column.value(result)) for column in COLUMNS),
                    _state(result),
                ]
                for result in shown
            ],
        )
        lines += [*_ratios(group), ""]
    return lines


def groups(found: Mapping[str, Result]) -> dict[tuple[str, str], list[Result]]:
    """Results by case and latency, in the order of the plan; others behind."""
    place = {heat.name: number for number, heat in enumerate(plan(100))}
    grouped: dict[tuple[str, str], list[Result]] = {}
    for name in sorted(found, key=lambda name: (place.get(name, len(place)), name)):
        grouped.setdefault((found[name]["case"], found[name]["latency"]), []).append(found[name])
    return grouped


def _ratios(group: Sequence[Result]) -> list[str]:
    by_adapter = {result["adapter"]: result for result in group}
    lines = []
    for theirs in ("released", "released_reuse"):
        for ours in ("connect", "livy"):
            if theirs in by_adapter and ours in by_adapter:
                told = [
                    f"{column.title} {_times(column, by_adapter[theirs], by_adapter[ours])}"
                    for column in COLUMNS
                    if column.title in RATIOS
                ]
                pair = f"{ADAPTERS[theirs].title} against {ADAPTERS[ours].title}"
                lines.append(f"- {pair}: {', '.join(told)}")
    return lines


def _times(column: Column, theirs: Result, ours: Result) -> str:
    below = column.value(ours)
    if not below:
        return f"{column.format.format(column.value(theirs))} to 0"
    more = "more than " if theirs["status"] == "stopped" else ""
    return f"{more}{column.value(theirs) / below:.1f}×"


def _claims(found: Mapping[str, Result]) -> list[str]:
    rows = [
        [claim.text, claim.asked, claim.found, "yes" if claim.holds else "**no**"]
        for claim in claims(found)
    ]
    return [*_table(["", "asked", "found", ""], rows), ""]


def _floor(found: Mapping[str, Result]) -> list[str]:
    rows = []
    for result in found.values():
        if "floor" in result:
            told = result["floor"]
            title = f"{result['title']}, {LATENCY_TITLES[result['latency']].partition(':')[0]}"
            values = [told[name] for name in ("seconds", "session_seconds", "build_seconds")]
            rows.append([title, *(f"{value:,.1f}" for value in values), str(told["statements"])])
    if not rows:
        return []
    head = ["", "seconds", "of these, for the session", "for the SQL", "statements"]
    return ["## The floor\n", FLOOR, *_table(head, rows), ""]


def _profiles(found: Mapping[str, Result]) -> list[str]:
    lines: list[str] = []
    for result in found.values():
        if "profile" not in result:
            continue
        told = result["profile"]
        latency = LATENCY_TITLES[result["latency"]].partition(":")[0]
        lines += [f"### {result['title']}, {latency}", ""]
        lines += _shares("the wall clock", told["phases"])
        lines += _shares(f"the {result['threads']} threads during the build", told["threads"])
        kinds = [
            [kind, *(str(value) for value in means.values())]
            for kind, means in told["kinds"].items()
        ]
        heads = ["mean per node", *next(iter(told["kinds"].values()))]
        lines += [*_table(heads, kinds), ""]
    return ["## Where our time goes\n", *lines] if lines else []


def _shares(title: str, seconds: Mapping[str, float]) -> list[str]:
    total = sum(seconds.values())
    rows = [[name, f"{value:.1f}", f"{value / total:.0%}"] for name, value in seconds.items()]
    return [*_table([title, "seconds", ""], rows), ""]


def _operations(found: Mapping[str, Result]) -> list[str]:
    lines = ["## API calls by operation\n"]
    for group in groups(found).values():
        for result in group:
            calls = ", ".join(f"{name} {number}" for name, number in result["calls"].items())
            where = f"{result['title']}, {result['latency']}, {_title(result)}"
            lines.append(f"- {where}: {calls or 'none'}")
    return [*lines, ""]


def _failures(found: Mapping[str, Result]) -> list[str]:
    lines: list[str] = []
    for result in found.values():
        if result["status"] != "ok":
            where = f"{result['title']}, {result['latency']}, {_title(result)}"
            lines += [f"{where}: {_state(result)}. It printed at last", ""]
            lines += ["```", *result["said"], "```", ""]
    return ["## What did not end well\n", *lines] if lines else []


def _title(result: Result) -> str:
    return ADAPTERS[result["adapter"]].title


def _state(result: Result) -> str:
    return str({"ok": "", "stopped": result["stopped"]}.get(result["status"], result["status"]))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---" + "|---:" * (len(head) - 1) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _when(results: Iterable[Result]) -> str:
    dates = sorted(result["date"] for result in results)
    first, last = (date[:16].replace("T", " ") for date in (dates[0], dates[-1]))
    return f"{first} to {last} UTC"


def _machine(results: Iterable[Result]) -> str:
    told = {
        "{cpus} × {cpu}, {memory_gib} GiB, {system}, Python {python}".format(**result["machine"])
        for result in results
    }
    loads = [result["machine"]["load"] for result in results]
    return f"{'; '.join(sorted(told))}; load before a heat {min(loads)} to {max(loads)}"


HEAD = """# Benchmarks

dbt-glue 1.12.4 and this version, in turn on the same local Glue, on the same projects. Written by
`make bench` out of `benchmarks/results/`; not by hand.

- When: {when}
- Where: {machine}
- Both adapters run dbt-core 1.11.16 and get the same profile: Glue 5.1, 2 workers G.1X. They reach
  local Glue as they would reach AWS, by AWS_ENDPOINT_URL. Spark is real and does the real work, on
  this machine's cores, shared by all sessions and by dbt. So the more work there is in Spark, the
  nearer the adapters come to each other, and the released one, which starts a Spark per thread,
  pays here for cores that on AWS would be its own.
- "No latency" is the bare machine. "AWS-like" lets a session be PROVISIONING for 20 s and holds up
  each call of Glue, S3 and Spark Connect (each gRPC call, a stream before its first answer) by
  60 ms. S3 takes 20 to 50 ms on AWS; only our adapter calls it here, so that is to our
  disadvantage. What Spark itself reads and writes is not held up.
- Session-seconds are of all sessions of the run, from CreateSession (CreatedOn) until they ended
  (CompletedOn) or dbt did; GetSession's ExecutionTime counts the same. Whether AWS bills the
  seconds of provisioning is not documented; here they count. AWS bills a session by the second with
  a minimum of one minute: the column beside it. A session that was there before counts with its
  seconds during the run, without the minimum. What is left running goes on being billed until the
  idle timeout (10 minutes here) after the last statement, or until the next run uses it; that is
  not in the figures.
- Each run has a fresh project folder, so dbt parses everything, and an empty schema. One run of
  each adapter that is not measured goes before, for the caches of the machine. Memory is the most
  that the dbt process held.
"""

FLOOR = """The same CreateSession, seed files and SQL as our run sent, sent by a bare gRPC client to
a Spark Connect session, by as many threads, each statement as soon as dbt's graph allows it.
Measured from before CreateSession until StopSession has answered, without the start of Python.
"""

NOTES = """## Notes

- `examples/jaffle_shop` is not raced: 1.12.4 does not get through it unchanged. With Delta,
  Iceberg and Hudi set up as its README says, 6 of 66 nodes fail (`Table menu_history does not
  support truncate in batch mode`, `GlueHudiMergeTableFailed`, three of Spark's file errors) and 19
  are skipped.
- The generated project has two seeds, and views, tables and incremental models (`insert_overwrite`,
  parquet) in five layers; tests are not_null, unique, accepted_values and relationships.
- One by one, 1.12.4 needs about 3 s for each statement; hence `glue_session_reuse` and a single
  thread are raced on a fifth of the models, beside ours.
- Where AWS-like wall time is short of what was asked: 20 s of provisioning are the same for every
  adapter, and dbt parses for 3 s only, behind which little of it hides. The shop takes 18 s beside
  them. Of the large project the claims' table says what the floor itself would reach: on two cores
  Spark's own work leaves no more. The Sparks of 1.12.4 start behind those 20 s too, which here
  spares it what it pays for them without latency.
- 16 threads are raced with 1 GiB for each Spark (2 GiB otherwise), since 1.12.4 starts 16.
"""
