"""The order of the checks, and what is left out when an earlier one has failed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dbt.adapters.glue.clients import GlueClients
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.doctor import access, live, places, profile, settings
from dbt.adapters.glue.doctor.finding import (
    PASS,
    WARN,
    Check,
    Finding,
    Outcome,
    Subject,
    finding_of,
    run_checks,
    skipped,
)
from dbt.adapters.glue.exceptions import GlueError

PROFILE = "profile"
OFFLINE = (
    Check("session", settings.session),
    Check("formats", settings.formats),
    Check("conf", settings.conf),
    Check("transport", settings.transport),
)
# Local Glue may have to be started, which takes longer than a call.
CREDENTIALS = Check("credentials", access.credentials)
STARTING_LOCAL_GLUE = 180.0
ONLINE = (
    Check("role", access.role),
    Check("permissions", access.caller_permissions),
    Check("role's permissions", access.role_permissions),
    Check("location", places.location),
    Check("catalog", places.databases),
    Check("connections", places.connections),
    Check("sessions", places.sessions),
)
NAMES = (PROFILE, *(c.name for c in (*OFFLINE, CREDENTIALS, *ONLINE)), live.NAME)
ATTEMPTS = 2

Done = Callable[[Outcome], Any]


def examine(
    arguments: Sequence[str], *, make_session: bool, seconds: float, done: Done = lambda _: None
) -> list[Outcome]:
    """All checks. arguments: dbt's; make_session: `--session`; done: called with each outcome."""
    try:
        loaded = profile.load(arguments)
    except GlueError as error:
        failed = Outcome(PROFILE, [finding_of(error)], 0.0)
        others = skipped((*OFFLINE, CREDENTIALS, *ONLINE), "not looked at without a profile")
        return _told([failed, *others], done)
    outcomes = _told([_profile(loaded)], done)
    subject = subject_of(loaded.credentials, loaded.python_use, seconds)
    outcomes += run_checks(OFFLINE, subject, done)
    broken = any(outcome.failed for outcome in outcomes)
    first = replace(CREDENTIALS, seconds=STARTING_LOCAL_GLUE if subject.local else None)
    outcomes += run_checks([first], subject, done)
    if outcomes[-1].failed:
        return outcomes + _told(skipped(ONLINE, "not looked at without credentials"), done)
    outcomes += run_checks(ONLINE, subject, done)
    if make_session:
        outcomes += _live(subject, broken, done)
    return outcomes


def _told(outcomes: list[Outcome], done: Done) -> list[Outcome]:
    for outcome in outcomes:
        done(outcome)
    return outcomes


def subject_of(credentials: GlueCredentials, python_use: str | None, seconds: float) -> Subject:
    """Clients that give up soon: the time limit of a check is no run's patience."""
    told = replace(
        credentials.client_settings(), retry_mode="standard", retry_max_attempts=ATTEMPTS
    )
    return Subject(credentials, GlueClients(told), python_use, seconds=seconds)


def _profile(loaded: profile.Loaded) -> Outcome:
    findings = [Finding(PASS, loaded.place)]
    findings += [
        Finding(WARN, line, "docs/configuration.md lists the keys.") for line in loaded.warnings
    ]
    return Outcome(PROFILE, findings, 0.0)


def _live(subject: Subject, broken: bool, done: Done) -> list[Outcome]:
    check = live.check(subject)
    if broken:
        return _told(skipped([check], "not made, since something above would fail"), done)
    return run_checks([check], subject, done)
