"""`--session`: a session is made as a run makes it, `select 1` runs in it, and it is stopped."""

import time
import uuid
from collections.abc import Iterator

from dbt.adapters.glue.doctor.finding import FAIL, PASS, WARN, Check, Finding, Subject
from dbt.adapters.glue.node_session import DEFAULT_ID, session_spec
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session_choice import session_choice

NAME = "live session"
AFTER_READY = 120.0  # seconds for the statement and the end, beside the start


def check(subject: Subject) -> Check:
    """The check; it may take as long as the profile gives a session to start, and two minutes."""
    allowed = subject.credentials.session_provisioning_timeout_in_seconds + AFTER_READY
    return Check(NAME, look, allowed)


def look(subject: Subject) -> Iterator[Finding]:
    credentials = subject.credentials
    choice = session_choice(credentials, lambda: subject.python_use)
    spec = session_spec(credentials, choice.session_type)
    # Of its own, whatever `glue_session_id` and `glue_session_reuse` say.
    base = (credentials.glue_session_id or DEFAULT_ID).replace(".", "_")[:200]
    name = SessionName(id=f"{base}__doctor__{uuid.uuid4().hex[:12]}", shared=False)
    told: list[str] = []
    pool = SessionPool(
        subject.clients,
        threads=1,
        provisioning_timeout=credentials.session_provisioning_timeout_in_seconds,
        poll_cap=credentials.statement_poll_interval,
        results_location=None,
        inline_bytes=256 * 1024,
        report=told.append,
        warn=told.append,
    )
    started = time.monotonic()
    try:
        transport = pool.transport(spec, name)
        ready = time.monotonic() - started
        result = transport.execute("select 1 as one")
        took = time.monotonic() - started - ready
    finally:
        pool.close()
    if [list(row) for row in result.rows] != [[1]]:
        yield Finding(FAIL, f"select 1 gave {result.rows!r} in session {name.id}.")
    else:
        yield Finding(
            PASS,
            f"{transport.session_type}: ready after {ready:.1f} s, select 1 took {took:.1f} s, "
            "stopped",
        )
    for line in told:
        if "could not be stopped" in line:
            yield Finding(WARN, line, "The idle timeout ends it; it is billed until then.")
