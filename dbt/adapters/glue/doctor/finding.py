"""Checks, what they find, and how they are run: side by side, each within a time limit."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbt.adapters.glue.clients import GlueClients
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import GlueError

PASS, WARN, FAIL, SKIP = "pass", "warn", "fail", "skip"


@dataclass(frozen=True)
class Finding:
    """One line of the report. status: pass, warn, fail or skip; fix: what to do about it."""

    status: str
    told: str
    fix: str | None = None


@dataclass
class Subject:
    """What is looked at. caller: the ARN that AWS knows the caller by, once it is known.

    python_use: where the project runs Python beside its SQL (session_python.first_use).
    """

    credentials: GlueCredentials
    clients: GlueClients
    python_use: str | None = None
    caller: str | None = None
    seconds: float = 30.0  # for each check

    @property
    def local(self) -> bool:
        return self.credentials.local


@dataclass(frozen=True)
class Check:
    """name: the word in the report's first column. seconds: a time limit of its own."""

    name: str
    look: Callable[[Subject], Iterable[Finding]]
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    check: str
    findings: Sequence[Finding]
    seconds: float

    @property
    def failed(self) -> bool:
        return any(finding.status == FAIL for finding in self.findings)


@dataclass
class _Run:
    check: Check
    found: list[Finding] = field(default_factory=list)
    broken: BaseException | None = None
    seconds: float = 0.0
    done: bool = False

    def look(self, subject: Subject) -> None:
        started = time.monotonic()
        try:
            self.found = list(self.check.look(subject))
        except GlueError as error:
            self.found = [finding_of(error)]
        except BaseException as error:  # raised again in the main thread
            self.broken = error
        self.seconds = time.monotonic() - started
        self.done = True


def finding_of(error: GlueError) -> Finding:
    """A check that an error ended: AWS's or our own words, the hint as the fix."""
    operation, code = error.context.get("operation"), error.context.get("code")
    where = ", ".join(str(word) for word in (operation, code) if word)
    return Finding(FAIL, f"{error.message} ({where})" if where else error.message, error.hint)


def run_checks(
    checks: Sequence[Check], subject: Subject, done: Callable[[Outcome], Any] = lambda _: None
) -> list[Outcome]:
    """Runs checks side by side; one that does not answer in time has failed.

    done is called with each outcome, in the order of the checks. The threads are daemons: a call
    that hangs does not keep the process.
    """
    runs = [_Run(check) for check in checks]
    threads = [threading.Thread(target=run.look, args=(subject,), daemon=True) for run in runs]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    outcomes = []
    for run, thread in zip(runs, threads, strict=True):
        limit = run.check.seconds or subject.seconds
        thread.join(max(0.0, started + limit - time.monotonic()))
        outcomes.append(_outcome(run, limit))
        done(outcomes[-1])
    return outcomes


def _outcome(run: _Run, limit: float) -> Outcome:
    if run.broken is not None:
        raise run.broken
    if not run.done:
        late = Finding(
            FAIL,
            f"No answer within {limit:.0f} s.",
            "Check the network, `region` and `endpoint_url`; --timeout gives it longer.",
        )
        return Outcome(run.check.name, [late], limit)
    return Outcome(run.check.name, run.found, run.seconds)


def skipped(checks: Iterable[Check], why: str) -> list[Outcome]:
    """One outcome for all checks that were not run."""
    names = ", ".join(check.name for check in checks)
    return [Outcome("others", [Finding(SKIP, f"{why}: {names}")], 0.0)]
