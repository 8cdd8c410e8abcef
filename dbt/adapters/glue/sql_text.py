"""SQL as text: what is code, what is a literal, a comment or a quoted name; and how to quote."""

import re
from collections.abc import Callable, Iterator

PYTHON_PREFIX = "custom_glue_code_for_dbt_adapter"
STATEMENT_SEPARATOR = "dbt_next_query"
COMMENTS = ("--", "/*")

_OPAQUE = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` | --[^\n]* | /\*.*?\*/""",
    re.DOTALL | re.VERBOSE,
)


def segments(sql: str) -> Iterator[tuple[bool, str]]:
    """Pieces of the SQL in order, each with whether it is code (True) or opaque (False)."""
    position = 0
    for match in _OPAQUE.finditer(sql):
        if match.start() > position:
            yield True, sql[position : match.start()]
        yield False, match.group()
        position = match.end()
    if position < len(sql):
        yield True, sql[position:]


def rewrite_code(sql: str, rewrite: Callable[[str], str]) -> str:
    """The SQL with `rewrite` applied to code only, never to literals, comments, quoted names."""
    return "".join(rewrite(text) if is_code else text for is_code, text in segments(sql))


def without_comments(sql: str) -> str:
    return "".join(text for is_code, text in segments(sql) if is_code or text[:2] not in COMMENTS)


def collapse_catalog_prefix(sql: str, catalog: str | None) -> str:
    """`glue_catalog.glue_catalog.x` as `glue_catalog.x`.

    Projects written for the older adapter put the catalog before `{{ ref() }}` by hand; relations
    render it themselves here.
    """
    if not catalog:
        return sql
    doubled = re.compile(rf"(?<![\w.]){re.escape(catalog)}\s*\.\s*(?={re.escape(catalog)}\s*\.)")
    return rewrite_code(sql, lambda code: doubled.sub("", code))


def split_statements(sql: str) -> list[str]:
    """The statements of a text that joins several with `dbt_next_query`; empty ones left out."""
    if STATEMENT_SEPARATOR not in sql:
        return [sql]
    statements = [""]
    for is_code, text in segments(sql):
        pieces = re.split(rf"\b{STATEMENT_SEPARATOR}\b", text) if is_code else [text]
        statements[-1] += pieces[0]
        statements.extend(pieces[1:])
    return [statement for statement in statements if statement.strip()]


def python_code(sql: str) -> str | None:
    """The Python after `custom_glue_code_for_dbt_adapter`, or None if the text is SQL."""
    stripped = sql.lstrip()
    if not stripped.startswith(PYTHON_PREFIX):
        return None
    return stripped[len(PYTHON_PREFIX) :]


def as_text(value: object) -> str:
    """A value of YAML as Spark writes it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def literal(value: object) -> str:
    """A value as a Spark string literal, whatever it holds."""
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{text}'"


def quoted(name: str) -> str:
    """A name in backticks."""
    return "`" + name.replace("`", "``") + "`"
