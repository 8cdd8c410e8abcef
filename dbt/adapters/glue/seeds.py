"""A seed's rows as a file that Spark reads: gzip JSON lines, every value as text.

Text keeps decimals exact and lets one CAST in Spark give each column its type. A value that the
CAST would turn into null, or truncate, is refused here, with its row.
"""

import gzip
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any

from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.sql_text import literal, quoted

if TYPE_CHECKING:
    import agate

BOOLEANS = frozenset({"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"})
INTEGER_BITS = {
    **{"tinyint": 8, "byte": 8, "smallint": 16, "short": 16},
    **{"int": 32, "integer": 32, "bigint": 64, "long": 64},
}
DATE = re.compile(r"[+-]?\d{4,7}(-\d{1,2}(-\d{1,2}([ T].*)?)?)?")
MOST_LINES_SHOWN = 5
ROWS_AT_ONCE = 10_000
# Spark fills no column with lines that it cannot read: `_corrupt_record` is a name like others.
READ_STRICTLY = "mode 'FAILFAST', columnNameOfCorruptRecord ''"


def seed_file(table: "agate.Table") -> bytes:
    """The rows as gzip-compressed JSON lines; null where the seed has nothing."""
    keys = ",".join(f"{quote(name).replace('%', '%%')}:%s" for name in table.column_names)
    line = f"{{{keys}}}\n"
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        for start in range(0, len(table.rows), ROWS_AT_ONCE):
            rows = [row.values() for row in table.rows[start : start + ROWS_AT_ONCE]]
            columns = [[json_of(value) for value in values] for values in zip(*rows, strict=True)]
            file.write("".join([line % row for row in zip(*columns, strict=True)]).encode())
    return packed.getvalue()


def json_of(value: Any) -> str:
    text = text_of(value)
    return "null" if text is None else quote(text)


def text_of(value: Any) -> str | None:
    """A value as text that Spark's CAST understands."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def check_values(table: "agate.Table", types: dict[str, str]) -> None:
    """Raises ConfigurationError that names rows and values which are not of their column's type.

    Row 1 is the first one after the header. Types that Spark alone can judge are left to it.
    """
    columns = zip(*(row.values() for row in table.rows), strict=True)
    wrong: list[str] = []
    for name, values in zip(table.column_names, columns, strict=False):  # no rows: no columns
        fits = checker(types[name])
        if fits is None:
            continue
        misfits = {value for value in set(values) if not _empty_or(fits, text_of(value))}
        numbered = enumerate(values if misfits else (), start=1)
        found = ((number, value) for number, value in numbered if value in misfits)
        wrong += [
            f"row {number}, column {name}: {text_of(value)!r} is not {types[name]}"
            for number, value in islice(found, MOST_LINES_SHOWN + 1)
        ]
    if wrong:
        shown = wrong[:MOST_LINES_SHOWN] + (["…"] if len(wrong) > MOST_LINES_SHOWN else [])
        raise ConfigurationError(
            "The seed has values that are not of their column's type, nothing was loaded:\n  "
            + "\n  ".join(shown),
            hint="Correct the file, or the seed's column_types.",
        )


def _empty_or(fits: Callable[[str], bool], text: str | None) -> bool:
    return text is None or not (text := text.strip()) or fits(text)


def checker(spark_type: str) -> Callable[[str], bool] | None:
    """Whether a text is a value of the Spark type; None where this is not for us to say."""
    name, _, rest = spark_type.strip().lower().partition("(")
    if name in INTEGER_BITS:
        return _integer_checker(INTEGER_BITS[name])
    if name in ("decimal", "dec", "numeric"):
        numbers = [int(n) for n in re.findall(r"\d+", rest)]
        precision = numbers[0] if numbers else 10
        return _decimal_checker(precision, numbers[1] if len(numbers) > 1 else 0)
    if name in ("float", "real", "double"):
        return _is_number
    if name == "boolean":
        return lambda text: text.lower() in BOOLEANS
    if name == "date":
        return _is_date
    if name in ("timestamp", "timestamp_ntz", "timestamp_ltz"):
        return lambda text: DATE.match(text) is not None
    return None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _is_number(text: str) -> bool:
    return _number(text.rstrip("dDfF")) is not None or text.lower() in ("infinity", "-infinity")


def _integer_checker(bits: int) -> Callable[[str], bool]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def fits(text: str) -> bool:
        number = _number(text)
        return (
            number is not None
            and number.is_finite()
            and number == number.to_integral_value()
            and low <= number <= high
        )

    return fits


def _decimal_checker(precision: int, scale: int) -> Callable[[str], bool]:
    bound = Decimal(10) ** (precision - scale)

    def fits(text: str) -> bool:
        number = _number(text)
        return number is not None and number.is_finite() and abs(number) < bound

    return fits


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    parts = [int(part) for part in re.split(r"[ T]", text)[0].lstrip("+-").split("-")]
    year, month, day = (parts + [1, 1])[:3]
    try:
        date(min(year, 9999) or 4, month, day)
    except ValueError:
        return False
    return True


def view_over_file(view: str, path: str, columns: list[dict[str, str]]) -> str:
    """SQL of a temporary view over a file of `seed_file`, every column as text."""
    fields = ", ".join(f"{quoted(column['name'])} string" for column in columns)
    return (
        f"create or replace temporary view {quoted(view)} ({fields}) "
        f"using json options (path {literal(path)}, {READ_STRICTLY})"
    )


def cast_columns(view: str, columns: list[dict[str, str]]) -> str:
    """SQL of a query that gives each column of `view_over_file` its type."""
    casts = ", ".join(
        f"cast({quoted(c['name'])} as {c['type']}) as {quoted(c['name'])}" for c in columns
    )
    return f"select {casts} from {quoted(view)}"
