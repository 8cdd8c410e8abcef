"""The table of a result is the one that agate makes by casting every value, only sooner."""

import io
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import agate
import pyarrow as pa
import pytest
from dbt_common.clients.agate_helper import Integer
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt.adapters.glue.result_table import agate_table, as_text, kind_of
from dbt.adapters.glue.session.arrow import values_of
from dbt.adapters.glue.session.result import Result, ResultColumn

TEXT = agate.Text(null_values=(), cast_nulls=False)
DECIMALS = st.decimals(-(10**19), 10**19, places=18, allow_nan=False)
DATES = st.dates()
TIMESTAMPS = st.datetimes()
# Spark's type: agate's, and the values that the transports give
KINDS: dict[str, tuple[Any, st.SearchStrategy]] = {
    "bigint": (Integer(), st.integers(-(2**63), 2**63 - 1)),
    "decimal(38,18)": (agate.Number(), DECIMALS),
    "double": (agate.Number(), st.floats()),
    "boolean": (agate.Boolean(), st.booleans()),
    "date": (agate.Date(), DATES),
    "timestamp": (agate.DateTime(), TIMESTAMPS),
    "timestamp_ntz": (agate.DateTime(), TIMESTAMPS),
    "string": (TEXT, st.text()),
    "binary": (TEXT, st.binary()),
    "array<int>": (TEXT, st.lists(st.integers())),
    "map<string,date>": (TEXT, st.dictionaries(st.text(), DATES)),
    "void": (TEXT, st.none()),
}
ROW = st.tuples(*(st.none() | values for _, values in KINDS.values()))


def result(rows: list[tuple], kinds: list[str]) -> Result:
    columns = [ResultColumn(f"c{number}", kind) for number, kind in enumerate(kinds)]
    return Result(columns, rows, len(rows), "s", None, 0.0)


def printed(table: agate.Table) -> str:
    text = io.StringIO()
    table.to_csv(text)
    return text.getvalue()


def cast_table(rows: list[tuple]) -> agate.Table:
    types = [kind for kind, _ in KINDS.values()]
    plain = [
        [
            value if value is None or kind is not TEXT else as_text(value)
            for value, kind in zip(row, types, strict=True)
        ]
        for row in rows
    ]
    return agate.Table(plain, [f"c{number}" for number in range(len(types))], types)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=4))
def test_it_is_the_table_that_casts_each_value(rows: list[tuple]) -> None:
    found, expected = agate_table(result(rows, list(KINDS))), cast_table(rows)
    for told in (
        lambda table: repr([(row.keys(), row.values()) for row in table.rows]),
        lambda table: [type(kind) for kind in table.column_types],
        lambda table: table.column_names,
        printed,
    ):
        assert told(found) == told(expected)


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_kept_is_what_a_cast_gives_back(kind: str) -> None:
    base = kind.partition("(")[0].partition("<")[0]
    samples = [None, 1, 1.5, True, Decimal("1.0"), "x", date(2024, 1, 1), datetime(2024, 1, 1)]
    for value in samples:
        if type(value) in kind_of(base).kept:
            assert kind_of(base).data_type.cast(value) is value


def test_numbers_of_other_python_types_are_cast() -> None:
    found = agate_table(result([(1, 2), (1.5, None)], ["double", "decimal(9,2)"]))
    assert [row.values() for row in found.rows] == [(1, 2), (Decimal("1.5"), None)]
    assert all(type(value) is Decimal for value in found.columns[0].values())


def test_a_value_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(agate.exceptions.CastError):
        agate_table(result([("x",)], ["int"]))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (DECIMALS, pa.decimal128(38, 18)),
        (DATES, pa.date32()),
        (TIMESTAMPS, pa.timestamp("us", tz="UTC")),
        (TIMESTAMPS, pa.timestamp("us")),
    ],
)
def test_values_of_arrow_are_those_of_to_pylist(values: st.SearchStrategy, kind: Any) -> None:
    decode: Callable[[Any], Any] | None = None
    if pa.types.is_timestamp(kind):
        decode = lambda value: value.replace(tzinfo=None)  # noqa: E731

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.none() | values, max_size=5))
    def same(given_values: list[Any]) -> None:
        array = pa.array(given_values, type=kind)
        expected = [v if v is None or decode is None else decode(v) for v in array.to_pylist()]
        found = values_of(array)
        assert repr(found) == repr(expected)

    same()
