from datetime import date, datetime
from decimal import Decimal

import pytest

from dbt.adapters.glue.session.result import decode_columns


@pytest.mark.parametrize(
    ("codec", "wire", "value"),
    [
        (None, "text", "text"),
        (None, 9223372036854775807, 9223372036854775807),
        ("decimal", "1.10", Decimal("1.10")),
        ("decimal", None, None),
        ("date", "2020-02-29", date(2020, 2, 29)),
        ("timestamp", "2020-01-02 03:04:05.000006", datetime(2020, 1, 2, 3, 4, 5, 6)),
        ("timestamp_ntz", "2020-01-02 03:04:05", datetime(2020, 1, 2, 3, 4, 5)),
        ("binary", "AP8=", b"\x00\xff"),
        (["array", "date"], ["2020-01-01", None], [date(2020, 1, 1), None]),
        (["map", None, "decimal"], [["a", "1"], ["b", None]], {"a": Decimal(1), "b": None}),
        (["map", ["array", None], None], [[[1, 2], "x"]], {(1, 2): "x"}),
        (
            ["struct", ["a", "b"], [None, ["array", "binary"]]],
            [1, ["AA=="]],
            {"a": 1, "b": [b"\x00"]},
        ),
    ],
)
def test_decode(codec, wire, value):
    assert decode_columns([[wire, None], [7, 8]], [codec, None]) == [(value, 7), (None, 8)]


def test_no_rows():
    assert decode_columns([], ["decimal"]) == []


def test_unknown_codec():
    with pytest.raises(ValueError, match="codec"):
        decode_columns([[1]], [["cube", None]])
