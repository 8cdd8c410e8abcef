"""What of an SQL text is code, and what a literal, a comment or a quoted name.

As SqlBaseLexer.g4 of Spark 3.4 to 4.1 tells them apart. Part of the dispatcher: standard library
only. It runs in the session, and here too: both read SQL alike.
"""

import re

STATEMENT_SEPARATOR = "dbt_next_query"
COMMENTS = ("--", "/*")

# A backslash before the end of a line takes the line after it into the comment. A raw literal has
# no escapes, and /*+ is a hint, which is code.
_OPENS = re.compile(
    r"""(?<!\w)[rR]'[^']*' | (?<!\w)[rR]"[^"]*"
      | '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*`
      | --(?:\\\n|[^\r\n])* | /\*(?!\+)""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_NESTS = re.compile(r"/\*(?!\+)|\*/")


def segments(sql):
    """Pieces of the SQL in order, each with whether it is code (True) or opaque (False)."""
    position = 0
    while found := _OPENS.search(sql, position):
        start, end = found.span()
        if found.group() == "/*":
            end = _end_of_comment(sql, end)
        if start > position:
            yield True, sql[position:start]
        yield False, sql[start:end]
        position = end
    if position < len(sql):
        yield True, sql[position:]


def _end_of_comment(sql, position):
    """Comments nest; one that is not closed goes to the end."""
    depth = 1
    for found in _NESTS.finditer(sql, position):
        depth += 1 if found.group() == "/*" else -1
        if not depth:
            return found.end()
    return len(sql)


def without_leading_comments(sql):
    """The SQL from its first word on."""
    rest = sql.lstrip()
    while rest.startswith(COMMENTS):
        _, comment = next(segments(rest))
        if not comment.startswith(COMMENTS):
            break
        rest = rest[len(comment) :].lstrip()
    return rest


def split_statements(sql):
    """The statements of a text that joins several with `dbt_next_query`; empty ones left out."""
    if STATEMENT_SEPARATOR not in sql:
        return [sql]
    statements = [""]
    for is_code, text in segments(sql):
        pieces = re.split(rf"\b{STATEMENT_SEPARATOR}\b", text) if is_code else [text]
        statements[-1] += pieces[0]
        statements.extend(pieces[1:])
    return [statement for statement in statements if statement.strip()]
