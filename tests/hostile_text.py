"""Text that breaks out of where it is put, wherever that is not prepared: generated and by hand.

`unescaped` and `tokens` are Spark's lexer in plain Python, written down from SqlBaseLexer.g4 and
ParserUtils.unescapeSQLString, apart from the code that they check.
"""

import random
import re
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import strategies as st

# Each would make itself noticed if it ran: as SQL, Jinja, Python or shell, by the name CANARY.
CANARY = "dbt_glue_canary"
EXECUTABLE = [
    f"'; create table {CANARY} as select 1; --",
    f"' || java_method('java.lang.System', 'setProperty', '{CANARY}', 'x') || '",
    f"*/ set spark.{CANARY}=x; /*",
    f"{{{{ run_query('create schema {CANARY}') }}}}",
    f"{{% do run_query('create schema {CANARY}') %}}",
    f"'''\n__import__('os').environ['{CANARY}'] = 'x'\n'''",
    f'"""; __import__("os").environ["{CANARY}"] = "x"; """',
    f"$(touch /tmp/{CANARY}) `touch /tmp/{CANARY}`; touch /tmp/{CANARY}",
    "${env:HOME} ${spark.app.id} ${system:user.name} ${nothing}",
]
# What some reader on the way takes for its own.
TOKENS = [
    *(
        "'",
        '"',
        "`",
        "\\",
        "''",
        "'''",
        '"""',
        "\\'",
        "\\\\",
        "\\n",
        "\\0",
        "\\%",
        "\\_",
        "\\u0041",
    ),
    *(
        "\\U0001F600",
        "\\101",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{",
        "}",
        "--",
        "/*",
        "*/",
        "/*+",
    ),
    *(
        "/*/",
        "+",
        ";",
        "$",
        "${",
        "${env:HOME}",
        "${x}",
        "$1",
        "%",
        "%s",
        "%(x)s",
        "r'",
        'R"',
        "X'",
    ),
    *("dbt_next_query", "custom_glue_code_for_dbt_adapter", "<SUBSTITUTE_VARIABLE_0>"),
    *("create tag", "write ordered by", "add partition field", "version as of", "drop  index"),
    *("location 's3://elsewhere/x'", "insert into", "select 1", "null", "NULL", "true", "1e5", ""),
]
SPACES = [" ", "  ", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\xa0", "\u2028", "\u2029"]
UNUSUAL = [
    *("\x00", "\x01", "\x1a", "\x1b", "\x7f", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\u200b"),
    *("e\u0301", "é", "ß", "İ", "שלום", "\u202e", "\u2067", "\u200f", "日本", "\ue000"),
    *("😀", "👩\u200d👧", "🏳️\u200d🌈", "\U0001d518", "\U0010ffff"),
]
WORDS = ["a", "it", "Some words", "x1", "0"]
ALPHABET = [*TOKENS, *SPACES, *UNUSUAL, *WORDS, *EXECUTABLE]

any_character = st.characters(exclude_categories=("Cs",))
hostile_text = st.lists(
    st.one_of(st.sampled_from(ALPHABET), st.text(any_character, max_size=5)), max_size=8
).map("".join)


def given(*strategies: Any) -> Callable[..., Any]:
    """hypothesis.given without a deadline: time is not what these tests are about."""
    return lambda test: hypothesis.settings(deadline=None)(hypothesis.given(*strategies)(test))


def some_text(source: random.Random, most: int = 6) -> str:
    """Text out of the alphabet, from one seed."""
    return "".join(source.choices(ALPHABET, k=source.randint(0, most)))


_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_ESCAPES |= {"%": "\\%", "_": "\\_"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([01][0-7]{2})|(.))", re.DOTALL)


def unescaped(token: str) -> str:
    """The value of a token that is a string literal; the caller has it between quotes."""
    if token[0] in "rR":
        return token[2:-1]

    def value(found: re.Match[str]) -> str:
        if four := found[1] or found[2]:
            return chr(int(four, 16))
        return chr(int(found[3], 8)) if found[3] else _ESCAPES.get(found[4], found[4])

    text = _ESCAPE.sub(value, token[1:-1])
    return text.encode("utf-16", "surrogatepass").decode("utf-16")  # pairs make one character


def substituted(sql: str) -> bool:
    """Whether Spark would put something in the place of a variable."""
    return re.search(r"\$\{(?:\w+?:)?\S+?\}", sql) is not None


def tokens(sql: str) -> list[tuple[str, str]]:
    """(kind, text) of the strings, names and comments of an SQL text, read character by character.

    kind: "string", "name", "comment"; all else is left out.
    """
    found, at = [], 0
    while at < len(sql):
        kind, end = _token(sql, at)
        if kind:
            found.append((kind, sql[at:end]))
        at = end
    return found


def _token(sql: str, at: int) -> tuple[str, int]:
    if sql.startswith("--", at):
        return "comment", _end_of_line(sql, at)
    if sql.startswith("/*", at) and not sql.startswith("/*+", at):
        return "comment", _end_of_block(sql, at)
    if sql[at] == "`":
        end = sql.find("`", at + 1)
        return ("name", end + 1) if end > 0 else ("", at + 1)
    raw = sql[at] in "rR" and sql[at + 1 : at + 2] in ("'", '"')
    if raw and not re.search(r"[A-Za-z0-9_]$", sql[:at]):
        end = sql.find(sql[at + 1], at + 2)
        return ("string", end + 1) if end > 0 else ("", at + 1)
    if sql[at] in "'\"":
        end = at + 1
        while end < len(sql) and sql[end] != sql[at]:
            end += 2 if sql[end] == "\\" else 1
        return ("string", end + 1) if end < len(sql) else ("", at + 1)
    return "", at + 1


def _end_of_line(sql: str, at: int) -> int:
    while at < len(sql) and sql[at] not in "\r\n":
        at += 2 if sql.startswith("\\\n", at) else 1
    return at


def _end_of_block(sql: str, at: int) -> int:
    depth = 0
    while at < len(sql):
        if sql.startswith("/*", at) and not sql.startswith("/*+", at):
            depth, at = depth + 1, at + 2
        elif sql.startswith("*/", at):
            depth, at = depth - 1, at + 2
            if not depth:
                return at
        else:
            at += 1
    return at
