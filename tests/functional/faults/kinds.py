"""The faults of the matrix: what becomes of the calls of one operation, and what may come of it."""

import re
from dataclasses import dataclass

FOR_EVER = 1_000_000
SLOW = 30  # seconds


@dataclass(frozen=True)
class Fault:
    """A column of the matrix.

    rule: of local Glue's POST /_faults. passes: who repeats, or waits, gets through: the run has to
    end right. cause: what an error has to say of it. within: seconds in which all has ended, on a
    machine that does much else beside.
    """

    title: str
    slug: str
    rule: tuple[str, int] | tuple[str, int, int]
    passes: bool
    cause: re.Pattern[str]
    within: float = 300.0


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


THROTTLED = _words(r"Throttling|SlowDown|Rate exceeded|reduce your request rate")
FAILED = _words(r"InternalServiceException|InternalError|InternalFailure|HTTP 500|status.?500")
BROKEN = _words(r"connection ?(was )?(reset|closed|aborted|broken)|reset by peer")
UNREADABLE = _words(r"cannot be read|UnreadableAnswer|deserializ|no answer of")

FAULTS = (
    Fault("throttled 3 times", "throttled", ("throttled", 3), True, THROTTLED),
    Fault(
        "throttled for ever", "throttled_for_ever", ("throttled", FOR_EVER), False, THROTTLED, 600.0
    ),
    Fault("500 once", "failed", ("failed", 1), True, FAILED),
    Fault("500 for ever", "failed_for_ever", ("failed", FOR_EVER), False, FAILED, 600.0),
    Fault("connection reset", "reset", ("reset", 1), True, BROKEN),
    Fault("answer lost", "lost", ("lost", 1), True, BROKEN),
    Fault(
        f"slow by {SLOW} s", "slow", ("slow", 1, SLOW), True, _words("timed? ?out|deadline"), 330.0
    ),
    Fault("answer cut", "cut", ("cut", 1), False, UNREADABLE),
    Fault("HTML for ever", "html", ("html", FOR_EVER), False, UNREADABLE, 600.0),
)
BY_SLUG = {fault.slug: fault for fault in FAULTS}
