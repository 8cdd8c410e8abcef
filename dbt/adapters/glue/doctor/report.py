"""The report: a table for people, JSON for programs."""

import json
import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any, TextIO

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.doctor.finding import FAIL, PASS, SKIP, WARN, Finding, Outcome
from dbt.adapters.glue.masking import masked, scrubbed

COLOURS = {PASS: "32", WARN: "33", FAIL: "31", SKIP: "2"}
WIDTH_OF_A_FILE = 100
NARROW = 60
MARK = "→ "


class Report:
    """Writes outcomes as they come. Colour only on a terminal, and not with NO_COLOR."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        terminal = stream.isatty()
        fallback = (WIDTH_OF_A_FILE, 24)
        self._width = shutil.get_terminal_size(fallback).columns if terminal else WIDTH_OF_A_FILE
        self._colour = (
            terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )
        self._unicode = "utf" in (getattr(stream, "encoding", None) or "").lower()
        self._column = max(len(name) for name in names)

    def outcome(self, outcome: Outcome) -> None:
        for index, finding in enumerate(outcome.findings):
            self._finding(outcome.check if index == 0 else "", finding)
        self._stream.flush()

    def _finding(self, name: str, finding: Finding) -> None:
        status = finding.status.ljust(4)
        if self._colour:
            status = f"\x1b[{COLOURS[finding.status]}m{status}\x1b[0m"
        told, fix = shown(finding.told), shown(finding.fix or "")
        mark = MARK if self._unicode else "-> "
        if self._width < NARROW:
            self._line(f"{status}  {name}".rstrip())
            indent = " " * 2
            self._text(told, indent)
        else:
            indent = " " * (6 + self._column + 2)
            self._text(told, indent, f"{status}  {name.ljust(self._column)}  ")
        if fix:
            self._text(fix, indent + " " * len(mark), indent + mark)

    def _text(self, text: str, indent: str, first: str | None = None) -> None:
        room = max(20, self._width - len(indent))
        lines = [
            part
            for line in text.splitlines() or [""]
            for part in textwrap.wrap(line, room, break_on_hyphens=False) or [""]
        ]
        self._line((indent if first is None else first) + lines[0])
        for line in lines[1:]:
            self._line(indent + line)

    def _line(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding).rstrip() + "\n")

    def summary(self, outcomes: Sequence[Outcome]) -> None:
        counted = counts(outcomes)
        parts = [f"{counted[status]} {status}" for status in (PASS, WARN, FAIL, SKIP)]
        self._line("\n" + ", ".join(parts))


def shown(text: str) -> str:
    """Text that may be shown: settings that look like secrets are stars."""
    return scrubbed(str(masked(text)))


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    found = [finding.status for outcome in outcomes for finding in outcome.findings]
    return {status: found.count(status) for status in (PASS, WARN, FAIL, SKIP)}


def as_json(outcomes: Sequence[Outcome]) -> str:
    """{"version", "counts", "findings": [{check, status, told, fix, seconds}]}."""
    findings: list[dict[str, Any]] = [
        {
            "check": outcome.check,
            "status": finding.status,
            "told": shown(finding.told),
            "fix": shown(finding.fix) if finding.fix else None,
            "seconds": round(outcome.seconds, 2),
        }
        for outcome in outcomes
        for finding in outcome.findings
    ]
    told = {"version": version, "counts": counts(outcomes), "findings": findings}
    return json.dumps(told, indent=2, ensure_ascii=False)
