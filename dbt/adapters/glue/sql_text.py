"""SQL as text: what is code, what is a literal, a comment or a quoted name; and how to quote."""

import re
from collections.abc import Callable

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.session.runtime.lexer import (
    COMMENTS,
    STATEMENT_SEPARATOR,
    segments,
    split_statements,
    without_leading_comments,
)

__all__ = ["COMMENTS", "STATEMENT_SEPARATOR", "segments", "split_statements"]
__all__ += ["without_leading_comments"]

PYTHON_PREFIX = "custom_glue_code_for_dbt_adapter"
# Spark puts a setting, a variable of the environment or nothing in the place of ${name}, wherever
# it stands (ConfigReader). Iceberg takes an ALTER TABLE for a statement of its own, and fails, if
# such words stand anywhere in it; Hudi reads any SQL anew that has such words
# (IcebergSparkSqlExtensionsParser, HoodieSpark3_5ExtendedSqlParser). An escape parts them.
_VARIABLE = re.compile(r"\$\{")
_SUBSTITUTED = re.compile(r"\$\{(?:\w+?:)?\S+?\}")
# dbt renders what hooks say twice.
_JINJA = re.compile(r"(?<=\{)[{%#]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BACKSLASH = "\\"
_CLAIMED = re.compile(
    r"""( (?:partition|identifier)\W+f(?=ield) | (?:write|locally)\W+(?:un)?(?=ordered)
        | write\W+(?=distributed) | (?:create|replace|drop)\W+(?:br(?=anch)|t(?=ag))
        | (?:create|drop|show|refresh)\W+(?=index) | as\W+(?=of) )""",
    re.IGNORECASE | re.VERBOSE,
)


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
    """A value as a Spark string literal that means it, whatever it holds."""
    return f"'{escaped(str(value))}'"


def escaped(text: str) -> str:
    """What stands between the quotes of a literal."""
    for plain, written in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, written)
    text = _JINJA.sub(lambda brace: "\\u0025" if brace[0] == "%" else f"\\{brace[0]}", text)
    return _CLAIMED.sub(r"\1\\", _VARIABLE.sub(r"$\\{", text))


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    plain = {"n": "\n", "r": "\r", "u0025": "%"}
    return re.sub(r"\\(u0025|.)", lambda found: plain.get(found[1], found[1]), text)


def with_comment(sql: str, comment: str, append: bool = False) -> str:
    """The SQL with a comment before it, or behind it, that ends where it is meant to.

    Spark's comments nest, and it puts values in the place of ${…} in them, too: a comment with /*
    becomes one of lines, and a backslash parts $ and {.
    """
    comment = _VARIABLE.sub(r"$\\{", comment.strip())
    if "/*" in comment:
        lines = re.split(r"\r\n?|\n", comment)
        lines = [f"{line} " if line.endswith(_BACKSLASH) else line for line in lines]
        comment = "\n".join(f"-- {line}" for line in lines)
    else:
        comment = f"/* {comment} */"
    return f"{sql.rstrip().removesuffix(';')}\n{comment}" if append else f"{comment}\n{sql}"


def refuse_half_characters(text: str) -> None:
    """Raises ConfigurationError for half of a surrogate pair, of which no encoding has a form."""
    if found := _SURROGATE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigurationError(
            f"The text to run has half of a character in it, U+{ord(found[0]):04X} in line {line}, "
            "which cannot be sent.",
            hint="It may come from an escape such as \\ud83d in JSON or Jinja: write it plainly.",
        )


def quoted(name: str) -> str:
    """A name in backticks. Raises ConfigurationError for one that Spark would read as another."""
    if _SUBSTITUTED.search(name):
        raise ConfigurationError(
            f"The name {name!r} cannot be written in SQL: Spark puts the value of a setting in the "
            "place of ${…}, in names too.",
            hint="Choose a name without ${.",
        )
    return "`" + name.replace("`", "``") + "`"
