"""What is stored is what was selected, row by row, against rows written down in plain Python."""

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from dbt.tests.util import run_dbt

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "orc", "avro", "csv", "json", "iceberg", "delta", "hudi")
Row = tuple[Any, ...]

NEPAL, NEWFOUNDLAND = (
    timezone(timedelta(hours=5, minutes=45)),
    timezone(timedelta(hours=-3, minutes=-30)),
)
TYPES = {
    **{"id": "bigint", "small": "int", "text": "string", "whole": "decimal(38,0)"},
    **{"fine": "decimal(38,38)", "price": "decimal(18,2)", "moment": "timestamp", "day": "date"},
    **{"flag": "boolean", "ratio": "double"},
}
NINES, LESS_THAN_ONE = "9" * 38, "0." + "9" * 38  # the limits of decimal(38,0) and (38,38)


def typed(
    id: int,
    text: str | None,
    small: int | None = None,
    whole: Decimal | None = None,
    fine: Decimal | None = None,
    price: Decimal | None = None,
    moment: datetime | None = None,
    day: date | None = None,
    flag: bool | None = None,
    ratio: float | None = None,
) -> Row:
    return (id, small, text, whole, fine, price, moment, day, flag, ratio)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


ROWS: list[Row] = [
    typed(1, None),  # nothing but nulls
    typed(1, None),  # and a duplicate of it
    typed(
        2**63 - 1, 'it\'s "quoted"', 2**31 - 1, Decimal(NINES), Decimal(LESS_THAN_ONE), flag=True
    ),
    typed(
        -(2**63),
        "back\\slash, comma",
        -(2**31),
        Decimal("-" + NINES),
        Decimal("-1E-38"),
        flag=False,
    ),
    typed(3, "žluťoučký kůň, שלום, 🦆, e\u0301", price=Decimal("9999999999999999.99")),
    typed(4, "NULL", price=Decimal("-0.01"), whole=Decimal(0), fine=Decimal(0)),
    typed(5, "ünïcode", ratio=math.inf),
    typed(6, "{{ not jinja }} {% nor this %}", ratio=math.nan),
    typed(7, "tab\there", ratio=-math.inf),
    typed(8, "'", ratio=1.7976931348623157e308),
    typed(9, '"', ratio=5e-324),
    # One instant in three zones; both sides of a change of the clock; long ago and far off.
    typed(10, "utc", moment=utc(2024, 3, 31, 0, 59, 59, 999999), day=date(2024, 2, 29)),
    typed(11, "npt", moment=datetime(2024, 3, 31, 6, 44, 59, 999999, NEPAL)),
    typed(12, "nst", moment=datetime(2024, 3, 30, 21, 29, 59, 999999, NEWFOUNDLAND)),
    typed(13, "after the change", moment=utc(2024, 3, 31, 1, 0, 0), day=date(1970, 1, 1)),
    typed(14, "long ago", moment=utc(1900, 1, 1), day=date(1582, 10, 15)),
    typed(15, "before 1970", moment=utc(1969, 12, 31, 23, 59, 59, 1), day=date(1969, 12, 31)),
    typed(16, "far off", moment=utc(2199, 12, 31, 23, 59, 59, 999999), day=date(9999, 12, 31)),
]
# What Spark's writer and reader of csv do not agree on: docs/formats.md.
EMPTY = [typed(20, "")]
HARD = [
    *(typed(21, "two\nlines"), typed(22, " blanks around "), typed(23, "a\r\nb\rc\n")),
    *(typed(24, "\\"), typed(25, 'comma, "\\'), typed(26, '\\"'), typed(27, " ")),
]

REWRITTEN = range(150, 210)  # of 200 days


def literal(value: Any, type_name: str) -> str:
    """A value as SQL."""
    if value is None:
        return f"cast(null as {type_name})"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        for character, name in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
            escaped = escaped.replace(character, name)
        return "'" + escaped + "'"
    if isinstance(value, datetime):
        return f"timestamp'{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"cast('{value:f}' as {type_name})"
    return f"cast('{value}' as {type_name})"


def query(rows: Iterable[Row]) -> str:
    """The rows as a query that dbt leaves as it is."""
    values = ",\n".join("(" + ", ".join(map(literal, row, TYPES.values())) + ")" for row in rows)
    return f"{{% raw %}}select * from values {values} as t({', '.join(TYPES)}){{% endraw %}}"


def plain(row: Iterable[Any]) -> Row:
    """A row for comparison: instants in microseconds, days as text, doubles bit by bit."""
    *exact, moment, day, flag, ratio = row
    if isinstance(moment, datetime):
        moment = (moment - utc(1970, 1, 1)) // timedelta(microseconds=1)
    bits = None if ratio is None else float(ratio).hex()
    return (*map(_number, exact), moment, day and str(day), flag, bits)


def _number(value: Any) -> Any:
    """A decimal as text, digit by digit, whatever its scale."""
    if not isinstance(value, Decimal):
        return value
    whole, _, fraction = f"{value:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0')}"


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=repr)


OVERWRITTEN = ", incremental_strategy='insert_overwrite', partition_by="
CONFIG = "{{{{ config(materialized='{kind}', file_format='{file_format}'{more}) }}}}\n"
TABLE = CONFIG + "{rows}{{% if var('run') == 2 %}} union all {rows}{{% endif %}}"
# The first run has no rows.
LATE = CONFIG + "select * from ({rows}) as t where {{{{ var('run') }}}} = 2"
# The second run has none.
KEPT = CONFIG + "select *, id % 2 as part from ({rows}) as t where {{{{ var('run') }}}} = 1"
BY_DAY = (
    CONFIG
    + "select id, {{{{ var('run') }}}} as run, date_add(date'2024-01-01', cast(id as int)) as day"
    + " from range({{{{ '0, 200' if var('run') == 1 else '150, 210' }}}})"
)
NULLS_CSV = (
    CONFIG.format(kind="table", file_format="csv", more=r", write_options={'nullValue': '\\N'}")
    + r"select * from values (1, ''), (2, null), (3, 'N'), (4, '\\') as t(id, text)"
)
DAYS_READ = "id, run, cast(day as string)"
LINES_SQL = (
    CONFIG.format(kind="table", file_format="text", more="")
    + "select col as value from (select explode(array('', null, 'two\\nlines', 'žluť 🦆 ')))"
)
READ_TYPED = (
    "id, small, text, whole, fine, price, unix_micros(moment), cast(day as string), flag, ratio"
)


def models() -> dict[str, str]:
    """The models, by their file names."""
    kinds = {
        "twice": (TABLE, "table", ""),
        "late": (LATE, "incremental", ", incremental_strategy='append'"),
        "kept": (KEPT, "incremental", OVERWRITTEN + "['part']"),
        "days": (BY_DAY, "incremental", OVERWRITTEN + "['day']"),
    }
    return {
        f"{name}_{file_format}.sql": template.format(
            kind=kind, file_format=file_format, more=more, rows=query(rows_of(file_format))
        )
        for name, (template, kind, more) in kinds.items()
        for file_format in FORMATS
    } | {"lines_text.sql": LINES_SQL, "nulls_csv.sql": NULLS_CSV}


def rows_of(file_format: str) -> list[Row]:
    return ROWS + HARD + ([] if file_format == "csv" else EMPTY)


def wanted(file_format: str) -> Iterator[Row]:
    return map(plain, rows_of(file_format))


class TestRows:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return models()

    @pytest.fixture(scope="class")
    def two_runs(self, project: Any) -> Any:
        """After both runs, by the names of models: what is in them."""
        for run in (1, 2):
            results = run_dbt(["run", "--vars", f"run: {run}"])
            assert {result.status for result in results} == {"success"}
        return project

    def read(self, project: Any, name: str, columns: str) -> dict[str, list[Row]]:
        """The rows of a kind of model, by format, by one query."""
        parts = (
            f"select '{file_format}', {columns} from "
            + ("glue_catalog." if file_format == "iceberg" else "")
            + f"{project.test_schema}.{name}_{file_format}"
            for file_format in FORMATS
        )
        found: dict[str, list[Row]] = {file_format: [] for file_format in FORMATS}
        for file_format, *row in project.run_sql(" union all ".join(parts), fetch="all"):
            found[file_format].append(tuple(row))
        return found

    @pytest.mark.parametrize(("name", "times"), [("twice", 2), ("late", 1), ("kept", 1)])
    def test_every_value_comes_back(self, two_runs: Any, name: str, times: int) -> None:
        """Nulls, duplicates, unicode, limits of types, instants of all zones, empty slices."""
        found = self.read(two_runs, name, READ_TYPED)
        differences = {
            file_format: (
                [row for row in in_order(map(plain, rows)) if row not in wanted(file_format)],
                [row for row in wanted(file_format) if row not in set(map(plain, rows))],
            )
            for file_format, rows in found.items()
            if in_order(map(plain, rows)) != in_order([*wanted(file_format)] * times)
        }
        assert differences == {}

    def test_200_partitions_of_which_some_are_rewritten(self, two_runs: Any) -> None:
        expected = sorted(
            (id, 2 if id in REWRITTEN else 1, str(date(2024, 1, 1) + timedelta(days=id)))
            for id in range(REWRITTEN.stop)
        )
        for file_format, rows in self.read(two_runs, "days", DAYS_READ).items():
            assert sorted(rows) == expected, file_format

    def test_lines_of_text(self, two_runs: Any) -> None:
        """A null is an empty line, and a line break begins another row."""
        found = two_runs.run_sql(f"select * from {two_runs.test_schema}.lines_text", fetch="all")
        assert sorted(row[0] for row in found) == ["", "", "lines", "two", "žluť 🦆 "]

    def test_a_csv_that_tells_nulls_from_empty_texts(self, two_runs: Any) -> None:
        """The way out that docs/formats.md names."""
        found = two_runs.run_sql(f"select * from {two_runs.test_schema}.nulls_csv", fetch="all")
        assert sorted(map(tuple, found)) == [(1, ""), (2, None), (3, "N"), (4, "\\")]
