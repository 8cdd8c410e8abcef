"""docs/errors.md out of the table: `python -m dbt.adapters.glue.errors_docs [--check]`."""

import sys
from pathlib import Path

from dbt.adapters.glue.explained.model import Explanation
from dbt.adapters.glue.explained.table import PARTS
from dbt.adapters.glue.generated_page import write_or_check

TARGET = Path(__file__).parents[3] / "docs" / "errors.md"

HEAD = """# Errors

This page is generated from `dbt/adapters/glue/explained/`: edit that, then run
`python -m dbt.adapters.glue.errors_docs`.

An error of dbt-glue begins with Spark's or AWS's own text, whole. A line in parentheses says where
it happened: session, statement, operation, AWS's code. The last line is a hint, where the cause is
a known one:

```
Database Error in model orders (models/orders.sql)
  [AMBIGUOUS_REFERENCE] Reference `id` is ambiguous, could be: [`a`.`id`, `b`.`id`].; line 3 pos 7
  (session dbt-glue__GlueRole__5f0c…, statement 12)
  Hint: Several tables of the query have a column of that name. Put the table's alias before it.
```

A cause is recognised by AWS's error code, by Spark's error class, or by words that nothing else
says; the query and the names in it are not looked at. An error that is not surely one of these has
no hint. `dbt-glue doctor` finds many of them before a run ([doctor.md](doctor.md)).

What passes by itself is repeated by dbt-glue where that is safe (throttling, a busy session, a
broken connection); "repeat" below means that you may.
"""


def entry(item: Explanation) -> str:
    """One cause as Markdown."""
    lines = [f"### {item.name}", "", item.cause, "", f"**What to do:** {item.next_step}", ""]
    classes = sorted({name for sign in item.signs for name in sign.classes})
    codes = sorted({name for sign in item.signs for name in sign.codes})
    for what, names in (("Spark's error classes", classes), ("AWS's codes", codes)):
        if names:
            lines += [f"{what}: {', '.join(f'`{name}`' for name in names)}.", ""]
    if item.retryable:
        lines += ["Repeating it may be enough.", ""]
    return "\n".join(lines)


def document() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, items in PARTS.items():
        parts += [f"## {title}\n", *(entry(item) for item in items)]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, document(), sys.argv[1:]))
