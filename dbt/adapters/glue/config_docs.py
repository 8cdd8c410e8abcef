"""docs/configuration.md out of the code: `python -m dbt.adapters.glue.config_docs [--check]`."""

import json
import re
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import MISSING, fields
from pathlib import Path

from dbt.adapters.glue.credentials import LOCAL_DEFAULTS, GlueCredentials
from dbt.adapters.glue.doctor.policy import Document, client_policy, service_role_policy
from dbt.adapters.glue.generated_page import write_or_check
from dbt.adapters.glue.model_config import GlueConfig
from dbt.adapters.glue.options import options_of
from dbt.adapters.glue.table_format import FORMATS

TEMPLATE = Path(__file__).parents[3] / "docs" / "configuration.in.md"
TARGET = TEMPLATE.with_name("configuration.md")
# The target `dev` of the page's example.
EXAMPLE = GlueCredentials(
    role_arn="arn:aws:iam::123456789012:role/GlueInteractiveSessionRole",
    region="eu-west-1",
    location="s3://my-bucket/warehouse",
    schema="analytics",
)

ABILITIES = {
    "merge": "merge",
    "insert_overwrite": "insert_overwrite",
    "atomic_merge": "delete+insert, replace_where",
    "create_or_replace": "atomic replace",
    "snapshot": "snapshots",
    "clone": "clone",
    "add_column": "add column",
    "drop_column": "drop column",
    "widens": "widen type",
    "partition_transforms": "partition transforms",
}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell(c) for c in line)} |" for line in lines)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def profile_keys() -> str:
    rows = []
    for name, item in options_of(GlueCredentials).items():
        told = item.metadata
        meaning = told["meaning"]
        if told["expected"] and not told["expected"].startswith("a " + told["kind"]):
            meaning += f" Expected: {told['expected']}."
        if name in LOCAL_DEFAULTS:
            meaning += f" With `local`: `{LOCAL_DEFAULTS[name]}`."
        default = "" if item.default in (None, MISSING) else code(repr(item.default))
        override = "yes" if told["session"] else ""
        rows.append(
            (code(name), told["kind"], default, meaning, code(told["example"] or ""), override)
        )
    return table(("key", "type", "default", "meaning", "example", "in `meta`"), rows)


def model_configs() -> str:
    rows = [
        (
            code(item.name),
            item.metadata["kind"],
            item.metadata["default"],
            item.metadata["meaning"],
            code(item.metadata["example"]),
        )
        for item in fields(GlueConfig)
        if "meaning" in item.metadata
    ]
    return table(("config", "type", "default", "meaning", "example"), rows)


def formats() -> str:
    rows = [
        (code(name), *("yes" if getattr(found, ability) else "" for ability in ABILITIES))
        for name, found in FORMATS.items()
    ]
    return table(("file_format", *ABILITIES.values()), rows)


def as_json(policy: Document) -> str:
    """JSON with short lists on one line."""
    text = json.dumps(policy, indent=2)
    return re.sub(r"\[[^\[\]{}]*\]", _in_lines, text)


def _in_lines(found: re.Match[str]) -> str:
    items = [line.strip().rstrip(",") for line in found.group().splitlines()[1:-1]]
    joined = f"[{', '.join(items)}]"
    if len(joined) < 80:
        return joined
    return (
        "[\n"
        + textwrap.fill(
            ", ".join(items),
            92,
            initial_indent=" " * 8,
            subsequent_indent=" " * 8,
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n      ]"
    )


def document() -> str:
    """The whole page: the template with its three tables filled in."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, content in (
        ("{{ profile_keys }}", profile_keys()),
        ("{{ model_configs }}", model_configs()),
        ("{{ formats }}", formats()),
        ("{{ client_policy }}", as_json(client_policy(EXAMPLE))),
        ("{{ service_role_policy }}", as_json(service_role_policy(EXAMPLE))),
    ):
        text = text.replace(mark, content)
    return text


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, document(), sys.argv[1:]))
