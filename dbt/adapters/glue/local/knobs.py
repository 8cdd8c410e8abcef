"""Knobs: how local Glue is made slow, throttled or broken, for tests and rehearsals.

Set by `DBT_GLUE_LOCAL_<NAME>` in the server's environment, or at run time by POST /_knobs.
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
import time
import typing
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .errors import ApiError, ThrottlingException
from .faults import Faults

ENVIRONMENT_PREFIX = "DBT_GLUE_LOCAL_"


@dataclasses.dataclass
class Knobs:
    """Seconds, counts and switches; the defaults are a fast, healthy service."""

    provisioning_delay: float = 0.0  # seconds that a session stays PROVISIONING at least
    latency: float = 0.0  # seconds added to each call of Glue, S3, Spark Connect and the rest
    throttle: dict[str, int] = dataclasses.field(default_factory=dict)
    # operation -> how many of its next calls answer ThrottlingException
    fail: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    # operation -> [error code, how many of its next calls answer it]
    token_lifetime: float = 1800.0  # seconds that a token of GetSessionEndpoint is taken
    connect_drop: int = 0  # how many next Spark Connect streams break after their first message
    busy: bool = False  # a session that runs a statement says BUSY instead of READY
    minute: float = 60.0  # seconds that a minute of a session's Timeout and IdleTimeout lasts
    session_death_after: int | None = None  # statements after which a session's process dies
    output_cap: int | None = None  # characters of a statement's TextPlain that are kept
    create_buckets: bool = True  # S3 buckets come into being when they are first named
    idle_exit: float | None = None  # seconds without calls and sessions after which it stops
    driver_memory: str = "2g"  # heap of each session's Spark, as spark.driver.memory
    small_data: bool = False  # Spark compiles little: quick on small tables, slow on big ones
    shared_catalogs: str = ""  # accounts, by commas, whose Data Catalogs are shared with ours
    master: str = "local[*]"  # spark.master of sessions: local, local[n] or local[*]

    def update(self, values: Mapping[str, Any]) -> None:
        """Sets the named knobs. Raises ValueError on an unknown name or a wrong type, and then
        sets none."""
        kinds = typing.get_type_hints(Knobs)
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"no knob is called {name!r}; there are: {', '.join(kinds)}")
            checked[name] = _checked(name, value, kinds[name])
        for name, value in checked.items():
            setattr(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def knobs_from_environment(environment: Mapping[str, str]) -> Knobs:
    """Reads `DBT_GLUE_LOCAL_<NAME>`; a value is JSON, or plain where the knob is a text.

    Raises ValueError with the variable.
    """
    knobs = Knobs()
    for field in dataclasses.fields(Knobs):
        variable = ENVIRONMENT_PREFIX + field.name.upper()
        text = environment.get(variable)
        if not text:
            continue
        try:
            knobs.update({field.name: text if field.name in _TEXTS else json.loads(text)})
        except ValueError as error:
            raise ValueError(f"{variable}={text}: {error}") from error
    return knobs


# spark.master on a cluster would not see this machine's files.
_TEXTS = {
    "driver_memory": r"[1-9]\d*[mgMG]",
    "master": r"local(\[([1-9]\d*|\*)\])?",
    "shared_catalogs": r"(\d{12}(,\d{12})*)?",
}


def _checked(name: str, value: Any, kind: Any) -> Any:
    if name in _TEXTS:
        if isinstance(value, str) and re.fullmatch(_TEXTS[name], value):
            return value
        raise ValueError(f"knob {name} does not take {value!r}; it matches {_TEXTS[name]}")
    optional = type(None) in typing.get_args(kind)
    if value is None and optional:
        return None
    options = typing.get_args(kind) if optional else (kind,)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if bool in options and isinstance(value, bool):
        return value
    if float in options and number and value >= 0:
        return float(value)
    if int in options and isinstance(value, int) and number and value >= 0:
        return value
    if name == "throttle" and _is_throttle(value):
        return dict(value)
    if name == "fail" and _is_fail(value):
        return {operation: list(rule) for operation, rule in value.items()}
    raise ValueError(f"knob {name} does not take {value!r}; its type is {kind}")


def _is_throttle(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(count, int) and not isinstance(count, bool) for count in value.values()
    )


def _is_fail(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(rule, (list, tuple))
        and len(rule) == 2
        and isinstance(rule[0], str)
        and isinstance(rule[1], int)
        for rule in value.values()
    )


class CallGate:
    """What every API call passes first: it is counted, delayed, and refused if a knob says so."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.faults = Faults()
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def enter(self, operation: str) -> None:
        """Operations of S3 are called `s3:PutObject`, Spark Connect's `connect:ExecutePlan`.

        Returns after the knob `latency`, which stands for the whole way there and back; a stream
        is so held up once, before its first answer. Spark reads and writes files without it.
        Raises ThrottlingException, the error that the knob `fail` names, or Intercepted.
        """
        with self._lock:
            self._calls[operation] += 1
            error: Exception | None = self._injected(operation)
        seconds, met = self.faults.meet(operation)
        if seconds or self.knobs.latency:
            time.sleep(self.knobs.latency + seconds)
        if error is not None or met is not None:
            raise error or met  # type: ignore[misc]

    def transferred(self, service: str, received: int, sent: int) -> None:
        """Bytes of one call's bodies, as Content-Length tells them."""
        with self._lock:
            self._bytes[f"{service}:in"] += received
            self._bytes[f"{service}:out"] += sent

    def stats(self) -> dict[str, dict[str, int]]:
        """What has passed since the start or the last reset, as GET /_stats answers.

        `calls`: operation -> number; `bytes`: `<service>:in` and `<service>:out` -> bytes.
        """
        with self._lock:
            return {"calls": dict(self._calls), "bytes": dict(self._bytes)}

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
            self._bytes.clear()

    def update(self, values: Mapping[str, Any]) -> None:
        with self._lock:
            self.knobs.update(values)

    def _injected(self, operation: str) -> ApiError | None:
        if self.knobs.throttle.get(operation, 0) > 0:
            self.knobs.throttle[operation] -= 1
            return ThrottlingException("Rate exceeded")
        code, count = self.knobs.fail.get(operation, ("", 0))
        if count > 0:
            self.knobs.fail[operation] = [code, count - 1]
            status = 500 if code == "InternalServiceException" else 400
            return ApiError(code, f"{code} asked for by the knob `fail`", status)
        return None
