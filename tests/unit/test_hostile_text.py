"""What is quoted, split, stripped, sent and read as text comes out as it went in, or is refused."""

import builtins
import gzip
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import agate
import botocore.session
import pyarrow as pa
import pytest
from dbt_common.exceptions import CompilationError
from hostile_text import (
    ALPHABET,
    CANARY,
    any_character,
    given,
    hostile_text,
    substituted,
    tokens,
    unescaped,
)
from hypothesis import strategies as st
from unit.macros.harness import FakeProject

from dbt.adapters.glue import sql_text
from dbt.adapters.glue.column import GlueColumn
from dbt.adapters.glue.column_comments import MAX_COMMENT, catalog_comment, with_comments
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.handle import GlueHandle
from dbt.adapters.glue.python_submissions import dedented, model_code, session_code
from dbt.adapters.glue.seeds import seed_file
from dbt.adapters.glue.session import arrow, exchange
from dbt.adapters.glue.session.runtime.python import run_python, teach_print
from dbt.adapters.glue.spark_conf import parse_conf
from dbt.adapters.glue.table_metadata import columns_of

CLAIMED = (
    *("add partition field", "drop partition field", "replace partition field"),
    *("write ordered by", "write locally ordered by", "write distributed by", "write unordered"),
    *("set identifier fields", "drop identifier fields", "create branch", "replace branch"),
    *("create tag", "replace tag", "drop branch", "drop tag", "system_time as of"),
    *("timestamp as of", "version as of", "create index", "drop index", "show indexes"),
    "refresh index",
)
claimed_text = st.builds(
    lambda words, gap, before, after: before + gap.join(words.split()) + after,
    st.sampled_from(CLAIMED),
    st.sampled_from([" ", "  ", "\t", "` ", "\r", " \x0b"]),
    hostile_text,
    hostile_text,
)


def as_the_extensions_read_it(sql: str) -> str:
    """IcebergSparkSqlExtensionsParser.isIcebergCommand; Hudi's is the same."""
    text = re.sub("--.*?\n", " ", sql.lower().strip())
    text = re.sub(r"/\*.*?\*/", " ", re.sub(r"[ \t\n\x0b\f\r]+", " ", text))
    return text.replace("`", "").strip()


MACROS = FakeProject().macro
REPLACE_DELTA = compile(str(MACROS("glue__py_replace_delta")()), "<macro>", "exec")


@pytest.fixture(autouse=True, scope="module")
def print_of_statements() -> Iterator[None]:
    before = builtins.print
    teach_print()
    yield
    builtins.print = before


# --- literals and names


@given(hostile_text | claimed_text)
def test_a_literal_means_the_text(text: str) -> None:
    written = sql_text.literal(text)
    assert tokens(written) == [("string", written)] and unescaped(written) == text
    assert not substituted(written) and not re.search(r"\{[{%#]|[\r\n]", written)
    assert sql_text.unescaped(sql_text.escaped(text)) == text


@given(st.sampled_from(CLAIMED), st.sampled_from([" ", "  ", "\t", "` ", "\r"]))
def test_no_extension_takes_a_literal_for_its_statement(words: str, gap: str) -> None:
    text = f"What we {gap.join(words.split()).title()} here"
    read = as_the_extensions_read_it(
        f"alter table t alter column c comment {sql_text.literal(text)}"
    )
    assert not [phrase for phrase in CLAIMED if phrase in read]


@given(st.lists(hostile_text, min_size=1, max_size=5))
def test_literals_beside_comments_and_names_stay_apart(texts: list[str]) -> None:
    sql = ", /* ' */".join(f"{sql_text.literal(text)} as `c'{i}`" for i, text in enumerate(texts))
    found = [unescaped(text) for kind, text in tokens(sql) if kind == "string"]
    assert found == texts


@given(hostile_text)
def test_a_quoted_name_is_the_name(name: str) -> None:
    for quote in (sql_text.quoted, lambda n: GlueColumn(n, "int").quoted):
        try:
            written = quote(name)
        except ConfigurationError:
            assert substituted(name)
            continue
        assert written[0] == written[-1] == "`" and not substituted(written)
        assert written[1:-1].replace("``", "`") == name and written.count("`") % 2 == 0


@given(hostile_text, hostile_text)
def test_properties_of_a_table(key: str, value: str) -> None:
    written = MACROS("glue__pairs")({key: value, "second": "x"})
    found = [unescaped(text) for kind, text in tokens(written) if kind == "string"]
    assert found == [key, value, "second", "x"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "="])
def test_hudi_is_given_no_property_that_it_would_split(end: str) -> None:
    project = FakeProject(file_format="hudi", table_properties={"note": f"a{end}b"})
    project.adapter.formats = ["hudi"]
    with pytest.raises(CompilationError, match="got the end of a line or a = in note"):
        project.macro("glue__table_properties")()
    plain = FakeProject(file_format="hudi", table_properties={"note": "a: b"})
    assert plain.macro("glue__table_properties")()["note"] == "a: b"


@pytest.mark.parametrize("name", ["glue__literal", "glue__escape_single_quotes"])
def test_macros_quote_as_the_adapter_does(name: str) -> None:
    for text in ALPHABET:
        written = str(MACROS(name)(text)).strip(" ") or "''"
        quoted = written if name == "glue__literal" else f"'{sql_text.escaped(text)}'"
        assert unescaped(quoted) == text


@given(st.dictionaries(hostile_text.filter(bool), hostile_text, max_size=3), hostile_text)
def test_what_rebuilds_a_delta_table_quotes_too(properties: dict[str, str], comment: str) -> None:
    ran: list[str] = []

    class Spark:
        def __getattr__(self, name: str) -> Any:
            return self

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self

        def sql(self, sql: str) -> Any:
            ran.append(sql)
            return self

        def first(self) -> dict[str, Any]:
            return {"partitionColumns": [], "location": "x", "properties": {}, "description": None}

    wanted = {"table": "t", "query": "q", "options": {}, "partition_by": []}
    said = {"properties": properties, "comment": comment, "column_comments": {}}
    text = json.dumps({**wanted, **said})
    exec(REPLACE_DELTA, {"spark": Spark(), "wanted": text})
    literals = [unescaped(text) for sql in ran for kind, text in tokens(sql) if kind == "string"]
    assert literals == [*(part for pair in properties.items() for part in pair), comment]
    assert not [sql for sql in ran if substituted(sql)]


# --- on the way to the session


@given(st.text(any_character | st.characters(categories=("Cs",))) | hostile_text)
def test_pain_13_a_payload_is_what_was_packed(text: str) -> None:
    payload = {"frame": "f", "statements": [{"text": text * 20}]}
    evaluated = [
        eval(code, {exchange.runtime_name(): Dispatcher()})
        for code in exchange.exchange_codes(payload)
    ]
    assert json.loads("".join(evaluated)) == payload


class Dispatcher:
    """Gives back the text that each call hands over."""

    def exchange(self, text: str) -> str:
        return text

    def piece(self, frame: str, number: int, text: str) -> str:
        return text

    def exchange_pieces(self, frame: str) -> str:
        return ""


@pytest.mark.parametrize("text", ["select '\ud800'", "select '\udc00\ud800'"])
def test_half_a_character_is_refused_before_it_is_sent(text: str) -> None:
    handle = GlueHandle(lambda: "m", nowhere, nowhere, nowhere)
    for run in (
        lambda: handle.execute(text, fetch=True, limit=None),
        lambda: handle.run_python(text),
    ):
        with pytest.raises(
            ConfigurationError, match="half of a character in it, U.D[8C]00 in line 1"
        ):
            run()


def nowhere(*_: Any) -> Any:
    raise AssertionError("it was sent")


SPOILED = [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf0\x90\x90A", b"plain \xe2\x82\xac"]


def test_pain_27_bytes_that_are_no_text_are_shown_as_spark_shows_them() -> None:
    texts = pa.array(SPOILED, pa.binary()).view(pa.string())
    shown = ["\ufffd", "a\ufffd", "\ufffd", "\ufffdA", "plain €"]
    assert arrow.values_of(texts) == shown
    offsets = pa.array(range(len(SPOILED) + 1), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, texts)
    assert arrow.values_of(lists) == [[text] for text in shown]
    keys = pa.array(["k"] * len(SPOILED))
    maps = pa.MapArray.from_arrays(offsets, keys, texts)
    assert arrow.values_of(maps) == [{"k": text} for text in shown]
    structs = pa.StructArray.from_arrays([texts, pa.array([1] * len(SPOILED))], ["a", "b"])
    assert arrow.values_of(structs) == [{"a": text, "b": 1} for text in shown]


# --- Python

CODE = "x = '''{}'''\n\ndef model(dbt, session):\n    return x\n"


@given(hostile_text.filter(lambda text: "\r" not in text and "\x00" not in text))
def test_pain_13_a_python_model_runs_as_it_was_written(text: str) -> None:
    own = CODE.format(text.replace("\\", "\\\\").replace("'", "\\'"))
    model = {"raw_code": own, "original_file_path": "models/it's.py", "config": {}}
    code = session_code(
        "\n" + model_code(model, own + "\n# added\nprint(repr(model(1, 2)))"), "run"
    )
    assert eval(run_python(None, None, code, "models/it's.py", lambda on: None)) == text


@given(hostile_text.filter(lambda text: "\r" not in text and "\x00" not in text))
def test_a_block_of_code_keeps_its_strings(text: str) -> None:
    code = f"print(repr({text!r}))\nprint(repr('''a\n   \n \t\nb'''))"
    printed = run_python(None, None, session_code(code, "run", "node"), "<block>", lambda on: None)
    assert [eval(line) for line in printed.splitlines()] == [text, "a\n   \n \t\nb"]


def test_what_all_lines_begin_with_goes() -> None:
    assert dedented("  a\n\n    b\n \n  c") == "a\n\n  b\n \nc"
    assert dedented("\ta\n\t b") == "a\n b" and dedented("\ta\n  b") == "\ta\n  b"


def test_a_traceback_shows_the_line_although_a_string_has_other_ends_of_lines() -> None:
    from dbt.adapters.glue.session.runtime.errors import describe

    code = "x = 'a\u2028b\x0c\x85'\nraise ValueError(x)  # here\n"
    with pytest.raises(ValueError) as caught:
        run_python(None, None, code, "models/m.py", lambda on: None)
    assert "# here" in describe(caught.value, "models/m.py")["traceback"]


# --- seeds, comments, settings


@given(st.lists(st.tuples(hostile_text, hostile_text), max_size=4), st.sampled_from(ALPHABET))
def test_a_seeds_cells(cells: list[tuple[str, str]], name: str) -> None:
    text = agate.Text(null_values=(), cast_nulls=False)
    names = [name or "empty", "other"]
    table = agate.Table(cells, names, [text, text])
    lines = gzip.decompress(seed_file(table)).decode().split("\n")
    read = [json.loads(line) for line in lines[:-1]]
    assert [tuple(row.items()) for row in read] == [
        tuple(zip(names, row, strict=True)) for row in cells
    ]


def comment_pattern() -> re.Pattern[str]:
    """Of botocore's model, whose Java writes pairs of surrogates."""
    model = botocore.session.get_session().get_service_model("glue")
    pattern = model.shape_for("CommentString").metadata["pattern"]
    return re.compile(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010ffff"))


PATTERN = comment_pattern()


@given(hostile_text | st.text())
def test_a_columns_comment_is_one_that_the_catalog_takes(text: str) -> None:
    try:
        comment = catalog_comment(text)
    except ConfigurationError:
        assert not PATTERN.fullmatch(re.sub(r"[\r\n]+", " ", text))
        return
    assert PATTERN.fullmatch(comment) and len(comment) <= MAX_COMMENT
    assert catalog_comment(comment) == comment
    if len(comment) < MAX_COMMENT and not re.search(r"[\r\n]", text):
        assert comment == text.strip(" \t")


@given(hostile_text)
def test_a_columns_comment_in_the_catalog(text: str) -> None:
    field = {"name": "a", "type": "string", "nullable": True, "metadata": {}}
    schema = json.dumps({"type": "struct", "fields": [field]})
    storage = {"Columns": [{"Name": "a", "Type": "string"}]}
    table = {"Name": "t", "StorageDescriptor": storage}
    table["Parameters"] = {"spark.sql.sources.schema": schema}
    after = with_comments(table, {"A": text})
    assert [column["comment"] for column in columns_of(after) or ()] == [text]
    assert after["StorageDescriptor"]["Columns"][0]["Comment"] == text


@given(
    st.dictionaries(
        st.from_regex(r"spark\.[a-z.]{1,9}", fullmatch=True),
        hostile_text.map(str.strip).filter(lambda text: "--conf" not in text),
    ),
    st.sampled_from([" ", "\n", "\t", " \n "]),
)
def test_conf_in_one_text(conf: dict[str, str], gap: str) -> None:
    text = "".join(f"{gap}--conf{gap}{key}={value}" for key, value in conf.items())
    assert parse_conf(text) == conf == parse_conf(dict(conf))


def test_nothing_of_this_ran() -> None:
    assert CANARY not in os.environ and not os.path.exists(f"/tmp/{CANARY}")
