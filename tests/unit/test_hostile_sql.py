"""SQL read as text: what is code in it, where a statement ends, what a statement does."""

import re
from typing import Any

import pytest
from hostile_text import given, hostile_text, substituted, tokens
from hypothesis import strategies as st

from dbt.adapters.glue import sql_text
from dbt.adapters.glue.catalog_changes import changes_of
from dbt.adapters.glue.repeatable_sql import may_repeat
from dbt.adapters.glue.session.connect_plans import is_query
from dbt.adapters.glue.session.runtime.python import SqlWrapper2
from dbt.adapters.glue.session.state import of_session


@given(hostile_text)
def test_code_is_told_from_what_is_opaque_as_spark_does(sql: str) -> None:
    pieces = list(sql_text.segments(sql))
    assert "".join(text for _, text in pieces) == sql
    assert [text for is_code, text in pieces if not is_code] == [text for _, text in tokens(sql)]


@pytest.mark.parametrize(
    ("sql", "opaque"),
    [
        (r"select r'\', x -- '", [r"r'\'", "-- '"]),
        (r"select bar'\'' ", [r"'\''"]),
        ("/* a /* b */ c */ select 1", ["/* a /* b */ c */"]),
        ("-- a \\\n b \r select 1", ["-- a \\\n b "]),
        ("-- a \u2028 'b'\nselect 1", ["-- a \u2028 'b'"]),
        ("select /*+ repartition('*/') */ 1", ["'*/'"]),
        ("/*/ select 1 */ 'x'", ["/*/ select 1 */", "'x'"]),
        ("select 1 /* no end 'x'", ["/* no end 'x'"]),
    ],
)
def test_what_is_opaque(sql: str, opaque: list[str]) -> None:
    assert [text for is_code, text in sql_text.segments(sql) if not is_code] == opaque
    assert [text for _, text in tokens(sql)] == opaque


@given(
    st.lists(hostile_text.map(lambda text: f"select {sql_text.literal(text)} as `a`"), min_size=1)
)
def test_pain_60_statements_are_split_where_they_were_joined(statements: list[str]) -> None:
    joined = "\ndbt_next_query\n".join(statements)
    assert [text.strip() for text in sql_text.split_statements(joined)] == statements


@given(hostile_text)
def test_pain_60_a_block_of_code_splits_as_well(text: str) -> None:
    ran: list[str] = []

    class Spark:
        schema = type("Schema", (), {"fields": ()})

        def sql(self, sql: str) -> Any:
            ran.append(sql)
            return self

    one, two = f"set x = {sql_text.literal(text)}", f"select {sql_text.literal(text)}"
    SqlWrapper2(Spark()).execute(f"{one} dbt_next_query {two}", output=False)
    assert [sql.strip() for sql in ran] == [one, two]


COMMENTS = [
    "/* a */",
    "/* a /* b */ c */",
    "-- select '\n",
    "-- a \\\n select 1\n",
    "/*'*/",
    "/*/ */",
]


@given(st.lists(st.sampled_from(COMMENTS), max_size=3), st.sampled_from(COMMENTS), hostile_text)
def test_a_write_is_no_query_whatever_the_comments(
    before: list[str], within: str, text: str
) -> None:
    head, value = " ".join(before), sql_text.literal(text)
    for write in (f"insert into t {within} select {value}", f"create table t as {within} select 1"):
        assert not is_query(f"{head} {write}")
        assert not may_repeat(f"{head} {write}") or write.startswith("create")
    assert is_query(f"{head}(({within} select {value}))")
    assert is_query(f"{head} with a as (select {value}) select 1") or "insert" in text
    assert of_session(f"{head} set x = {value}") and not of_session(f"{head} select {value}")


def test_a_comment_in_a_comment_hides_no_insert() -> None:
    sql = "/* older: /* all */ select * from x */ insert into `s`.`t` values (1)"
    assert not may_repeat(sql) and not is_query(sql)
    assert [(change.schema, change.name) for change in changes_of(sql) or ()] == [("s", "t")]


@given(hostile_text)
def test_only_the_clause_says_where_a_table_lies(text: str) -> None:
    comment = sql_text.literal(text + ' location "s3://other/x"')
    create = f"create table `s`.`t` using parquet comment {comment}"
    for place in ("s3://b/it's/${x}", "s3://b/plain"):
        (change,) = changes_of(f"{create} location /* ' */ {sql_text.literal(place)}") or ()
        assert change.location == place
    (change,) = changes_of(f"{create} as select {comment} as a") or ()
    assert (change.location, change.placed) == (None, False)


# --- the query comment


@given(
    hostile_text.filter(lambda text: "*/" not in text and text.strip()), hostile_text, st.booleans()
)
def test_a_query_comment_ends_where_it_should(comment: str, text: str, append: bool) -> None:
    sql = f"select {sql_text.literal(text)} as a"
    commented = sql_text.with_comment(sql, comment, append)
    assert sql_text.without_comments(commented).strip() == sql
    comments = [piece for kind, piece in tokens(commented) if kind == "comment"]
    shown = "\n".join(piece.removeprefix("-- ").removeprefix("/* ") for piece in comments)
    plain = re.sub(r"\s+", "", shown.removesuffix(" */").replace("\n-- ", "\n"))
    assert plain == re.sub(r"\s+", "", comment.replace("${", "$\\{"))
    assert not any(substituted(piece) for piece in comments)
