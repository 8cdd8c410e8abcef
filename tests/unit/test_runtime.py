"""The files that run in the session, and how they travel. test_livy.py runs them for real."""

import ast
import json
import re
import sys
from collections import Counter
from datetime import timedelta, timezone
from importlib import resources
from types import SimpleNamespace

import pytest

from dbt.adapters.glue.exceptions import ProtocolError
from dbt.adapters.glue.session import exchange
from dbt.adapters.glue.session.runtime import dispatcher, values
from dbt.adapters.glue.session.runtime.sql import _affected
from dbt.adapters.glue.session.runtime.values import session_zone
from dbt.adapters.glue.session.statements import Output

RUNTIME = resources.files("dbt.adapters.glue.session") / "runtime"
FILES = sorted(path.name for path in RUNTIME.iterdir() if path.name.endswith(".py"))


def answer(text):
    return Output("0", True, text, "", "", "")


def payload(text, frame="dbt-glue-frame"):
    return {"frame": frame, "statements": [{"text": text}]}


@pytest.mark.parametrize("name", FILES)
def test_imports_standard_library_and_pyspark_only(name):
    tree = ast.parse((RUNTIME / name).read_text(encoding="utf-8"), feature_version=(3, 10))
    allowed = set(sys.stdlib_module_names) | {"pyspark", "boto3"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module.split(".")[0] in allowed


def test_every_file_is_sent():
    assert {f"{name}.py" for name in exchange.MODULES} == set(FILES) - {"__init__.py", "loader.py"}


def test_name_tells_versions_apart(monkeypatch):
    assert re.fullmatch(r"dbt_glue_[0-9a-f]{12}", exchange.runtime_name())


def test_code_is_ascii_and_carries_the_payload_as_data():
    (code,) = exchange.exchange_codes(payload('it\'s "q" \\ \n é 😀 s3://bucket/x'))
    assert code.isascii() and "\n" not in code and "s3://bucket/x" in code
    call = ast.parse(code, mode="eval").body
    assert exchange.unpack(call.args[0].value)["statements"][0]["text"].startswith("it's")


def test_long_payload_goes_in_pieces():
    text = "'\\" * 100_000
    codes = exchange.exchange_codes(payload(text))
    assert len(codes) > 2 and max(map(len, codes)) <= exchange.MAX_CODE
    pieces = [ast.parse(code, mode="eval").body.args[2].value for code in codes[:-1]]
    assert exchange.unpack("".join(pieces))["statements"][0]["text"] == text


def test_answer_is_found_among_other_output():
    output = answer('leaked\n\nF{"done": []}F\nmore')
    assert exchange.read_answer(output, "F") == {"done": []}


@pytest.mark.parametrize("text", ["", "no frame", 'F{"done": []', "F{brokenF", "Fz!!!F"])
def test_answer_that_cannot_be_read(text):
    with pytest.raises(ProtocolError):
        exchange.read_answer(answer(text), "F")


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("UTC", 0),
        ("Etc/UTC", 0),
        ("Z", 0),
        ("+02:00", 120),
        ("GMT+2", 120),
        ("UTC-05:30", -330),
    ],
)
def test_time_zones_with_an_offset(name, offset):
    assert session_zone(name) == timezone(timedelta(minutes=offset))


def test_time_zone_with_a_name():
    assert str(session_zone("Europe/Berlin")) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("names", "rows", "count"),
    [
        (["num_affected_rows", "num_inserted_rows"], [(5, 3)], 5),
        (["num_inserted_rows", "num_affected_rows"], [(3, 5)], 5),
        (["num_affected_rows"], [(0,)], 0),
        (["num_affected_rows"], [(-1,)], None),
        (["num_affected_rows"], [(None,)], None),
        (["namespace"], [("a",), ("b",)], 2),
    ],
)
def test_rows_that_a_command_changed(names, rows, count):
    assert _affected(rows, names) == count


def test_what_a_killed_client_runs_is_cancelled(monkeypatch, capsys):
    """In a shared session it would run for ever, beside those that go on."""
    now, cancelled = [0.0], []
    monkeypatch.setattr(dispatcher, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(dispatcher, "_cancel", cancelled.append)
    for name, kind in (("_statements", dict), ("_seen", dict), ("_silent", Counter)):
        monkeypatch.setattr(dispatcher, name, kind())

    def ask(client, seconds_later):
        now[0] += seconds_later
        part = {"ack": [], "statements": [], "cancel": [], "have": {}, "wait": 0, "most": 1}
        dispatcher.exchange(json.dumps({"client": client, "frame": "f", **part}))

    for client in ("killed", "alive"):
        request = {"id": f"{client}.1", "kind": "sql", "text": "select 1"}
        statement = dispatcher.Statement(client, request, None, 0)
        dispatcher._statements[statement.id] = statement
        ask(client, 1)
    for _ in range(13):
        ask("alive", 20)
    ask("alive", 3600)  # a foreign statement blocked all of them
    assert cancelled == []
    ask("alive", 20)
    assert set(cancelled) == {"killed.1"}
    ask("killed", 1)  # it was only slow
    cancelled.clear()
    ask("alive", 20)
    assert cancelled == []


@pytest.mark.parametrize("name", ["a", "text", "context"])
def test_a_field_of_any_name_goes_as_a_struct(name):
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    struct = StructType([StructField(name, StringType())])
    assert values.codec(struct) == ["struct", [name], [None]]
    assert values.codec(ArrayType(struct)) == ["array", ["struct", [name], [None]]]


def test_what_spark_must_write_is_found_inside():
    from pyspark.sql.types import (
        ArrayType,
        DayTimeIntervalType,
        MapType,
        StringType,
        StructField,
        StructType,
    )

    inner = StructType([StructField("i", DayTimeIntervalType())])
    for kind in (inner, ArrayType(inner), MapType(StringType(), ArrayType(inner))):
        assert values.codec(kind) == "text"
