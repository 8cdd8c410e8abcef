"""A page of docs/ that is written out of the code, and how its command tells that it is stale."""

from pathlib import Path


def write_or_check(target: Path, document: str, arguments: list[str]) -> int:
    """Writes the page, or with --check tells by 1 that it is stale: the exit status."""
    if "--check" in arguments:
        return int(target.read_text(encoding="utf-8") != document)
    target.write_text(document, encoding="utf-8")
    return 0
