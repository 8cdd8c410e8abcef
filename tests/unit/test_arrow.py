"""Values of Arrow as those of a Livy session: session/arrow.py."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dbt.adapters.glue.exceptions import ProtocolError
from dbt.adapters.glue.session.arrow import rows_of, values_of

LAST = 253402300799_000000 + 5 * 3600 * 1_000_000  # 9999-12-31 23:59:59 in New York
TWO = datetime(1970, 1, 1, 2)


def zoned(zone: str, *values: int | None) -> Any:
    return pa.array(values, pa.timestamp("us", zone))


@pytest.mark.parametrize(
    ("zone", "value", "shown"),
    [
        ("America/New_York", LAST, datetime(9999, 12, 31, 23, 59, 59)),
        ("America/New_York", 1_720_000_000_000_000, datetime(2024, 7, 3, 5, 46, 40)),
        ("-05:00", LAST, datetime(9999, 12, 31, 23, 59, 59)),
        ("+09:00", -62135629200_000000, datetime(1, 1, 1)),
        *((zone, 0, TWO) for zone in ("+02:00", "GMT+2", "GMT+02:00", "UTC+02:00")),
        *((zone, 0, datetime(1970, 1, 1)) for zone in ("Z", "GMT", "UTC")),
    ],
)
def test_timestamps_in_the_time_zone_of_the_session(zone: str, value: int, shown: Any) -> None:
    array = zoned(zone, value, None)
    assert values_of(array) == [shown, None]
    offsets = pa.array([0, 2, 2], pa.int32())
    assert values_of(pa.ListArray.from_arrays(offsets, array)) == [[shown, None], []]
    assert values_of(pa.StructArray.from_arrays([array], ["t"])) == [{"t": shown}, {"t": None}]
    keys = pa.array(["a", "b"])
    assert values_of(pa.MapArray.from_arrays(offsets, keys, array)) == [{"a": shown, "b": None}, {}]


def test_what_is_nested_and_null_or_part_of_another() -> None:
    kind = pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.list_(pa.decimal128(5, 2))))]))
    inner = {"m": [("k", [Decimal("1.50"), None]), ("n", None)]}
    values = [None, [None, {"m": None}], [], [inner, {"m": []}], [inner]]
    told = [
        None,
        [None, {"m": None}],
        [],
        [{"m": dict(inner["m"])}, {"m": {}}],
        [{"m": dict(inner["m"])}],
    ]
    array = pa.array(values, kind)
    assert values_of(array) == told
    assert values_of(array[2:]) == told[2:]
    assert values_of(pa.array([{"a": [1]}, {"a": [2]}])[1:]) == [{"a": [2]}]
    keyed = pa.array([[([1], 2)]], pa.map_(pa.list_(pa.int8()), pa.int8()))
    assert values_of(keyed) == [{(1,): 2}]


def test_two_fields_of_one_name_are_told_as_by_livy() -> None:
    both = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert values_of(both) == [{"a": 2}]


def test_what_python_has_no_value_for_is_an_error_of_ours() -> None:
    for array in (
        zoned("UTC", LAST * 2),
        zoned("Nowhere/At_All", 0),
        pa.array([3_000_000], pa.int32()).cast(pa.date32()),
    ):
        with pytest.raises(ProtocolError, match="column 1 of the result"):
            rows_of([pa.record_batch([array], names=["a"])])
