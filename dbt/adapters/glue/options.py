"""A profile key described once: its default, its rule, and its line in the documentation."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields
from typing import Any

from dbt.adapters.glue.masking import MASK, masked

Check = Callable[[Any], Any]  # truthy for a good value

KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "text or list": (str, list),
    "text or mapping": (str, dict),
}


def option(
    default: Any,
    kind: str,
    meaning: str,
    *,
    expected: str | None = None,
    check: Check | None = None,
    example: str | None = None,
    session: bool = False,
    secret: bool = False,
) -> Any:
    """A dataclass field for a profile key.

    `expected` finishes "got …, expected …"; `session` marks what a model's `meta` may override;
    `secret` what is never shown.
    """
    metadata = {
        "kind": kind,
        "meaning": meaning,
        "expected": expected or f"a {kind}" if kind != "integer" else expected or "an integer",
        "check": check,
        "example": example,
        "session": session,
        "secret": secret,
    }
    return field(default=default, metadata=metadata)


def one_of(*names: str) -> dict[str, Any]:
    return {"expected": "one of " + ", ".join(names), "check": names.__contains__}


def matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: pattern.fullmatch(value) is not None


def key_values() -> dict[str, Any]:
    check = matches(re.compile(r"[^=,]+=[^,]+(,[^=,]+=[^,]+)*"))
    return {"expected": "key=value,key=value", "check": check, "example": "domain=sales,pii=no"}


def at_least(minimum: int, unit: str = "") -> dict[str, Any]:
    what = f"an integer of at least {minimum}{' ' + unit if unit else ''}"
    return {"expected": what, "check": lambda value: value >= minimum}


def options_of(cls: Any) -> dict[str, Field]:
    """The documented fields of a credentials class, by name."""
    return {item.name: item for item in fields(cls) if "meaning" in item.metadata}


def problems(cls: Any, data: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values of a profile, one line for each key."""
    found = []
    for name, item in options_of(cls).items():
        value = data.get(name)
        if value is not None and not _accepts(item.metadata, value):
            shown = MASK if item.metadata["secret"] else repr(masked(value))
            found.append(f"{name}: got {shown}, expected {item.metadata['expected']}")
    return found


def unknown_keys(cls: Any, data: Mapping[str, Any], accepted: frozenset[str]) -> list[str]:
    """A line for each key that means nothing here, with the nearest key that does."""
    known = {item.name for item in fields(cls)} | accepted
    lines = []
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            lines.append(f"{key} is not used" + (f"; did you mean {near[0]}?" if near else ""))
    return lines


def _accepts(metadata: Mapping[str, Any], value: Any) -> bool:
    kind = metadata["kind"]
    if isinstance(value, bool) and kind != "boolean":
        return False
    if not isinstance(value, KINDS[kind]):
        return False
    check = metadata["check"]
    return check is None or bool(check(value))
