"""Local Glue's knobs, turned for one test."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def turned_back(url: str) -> Iterator[Callable[..., None]]:
    """A function that sets the knobs it is given; at the end they are as they were."""
    with urllib.request.urlopen(f"{url}/_knobs", timeout=10) as answer:
        before: dict[str, Any] = json.load(answer)
    turned: set[str] = set()

    def turn(**values: Any) -> None:
        turned.update(values)
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{url}/_knobs", body, method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    try:
        yield turn
    finally:
        turn(**{name: before[name] for name in turned})
