"""on_schema_change: what each format follows, what it refuses and why, and a full refresh then."""

from typing import Any, NamedTuple

import pytest
from dbt.tests.util import run_dbt
from table_rows import in_order, incremental_model, results_of_two_runs, rows_of

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "orc", "json", "csv", "avro", "iceberg", "delta", "hudi")
FIRST = "select 1 as id, 'x' as name"
MORE = "select 2 as id, 'new' as extra, 'y' as name"


class Case(NamedTuple):
    mode: str
    second: str
    expected: list[dict[str, Any]] | str  # the rows, or words of the refusal
    first: str = FIRST
    config: str = "incremental_strategy='append'"


IGNORED = [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]
APPENDED = [{"id": 1, "name": "x"}, {"id": 2, "name": "y", "extra": "new"}]
NESTED = "select 1 as id, named_struct('a', 1, 'b', 'x') as s"
# other order, a field more, a field less
NESTED_MORE = "select 2 as id, named_struct('c', 3.5D, 'a', 2) as s"
ODD_NAMES = "select 1 as id, named_struct('my-col', 1, 'größe', array('x')) as s"
ODD_ROW = {"id": 1, "s": {"my-col": 1, "größe": ["x"]}}
LISTS = "select 1 as id, array(named_struct('a', 1)) as s, map('k', named_struct('v', 1)) as m"
LISTS_MORE = (
    "select 2 as id, array(named_struct('w', 'q', 'a', 2)) as s,"
    " map('k', named_struct('w', true, 'v', 2)) as m"
)
TYPES = "select 1 as id, 1.5F as ratio, cast(1.5 as decimal(5,2)) as price, 'x' as gone"
WIDER = (
    "select 3000000000 as id, cast(2.5 as double) as ratio, cast(12345.5 as decimal(10,2)) as price"
)
WIDER_ROWS = [
    {"id": 1, "ratio": 1.5, "price": 1.5},
    {"id": 3000000000, "ratio": 2.5, "price": 12345.5},
]
MAPPED = "incremental_strategy='append', table_properties={'delta.columnMapping.mode': 'name'}"
WIDENS = "incremental_strategy='append', table_properties={'delta.enableTypeWidening': 'true'}"
KEYED = "incremental_strategy='merge', unique_key='id'"

CASES: dict[str, tuple[str, Case]] = {}
for _name in FORMATS:
    CASES[f"ignore_{_name}"] = (_name, Case("ignore", MORE, IGNORED))
    CASES[f"fail_{_name}"] = (_name, Case("fail", MORE, "new in the query: extra string"))
    appended = "cannot add columns: extra" if _name == "avro" else APPENDED
    CASES[f"append_{_name}"] = (_name, Case("append_new_columns", MORE, appended))
    refusal = "property delta.columnMapping" if _name == "delta" else "cannot drop columns: name"
    if _name != "iceberg":
        case = Case("sync_all_columns", "select 2 as id, 'y' as added", refusal)
        CASES[f"sync_{_name}"] = (_name, case)
CASES |= {
    "same_fail": (
        "iceberg",
        Case("fail", "select cast(2 as smallint) as ID, cast('y' as varchar(9)) as name", IGNORED),
    ),
    "sync_types_iceberg": ("iceberg", Case("sync_all_columns", WIDER, WIDER_ROWS, TYPES)),
    "sync_types_parquet": (
        "parquet",
        Case(
            "sync_all_columns",
            "select 2L as id, 'y' as name",
            "cannot change the type of id from int to bigint",
        ),
    ),
    "sync_text_iceberg": (
        "iceberg",
        Case(
            "sync_all_columns",
            "select 'a' as id, 'y' as name, 1 as added",
            "cannot change the type of id from int to string",
        ),
    ),
    "sync_narrow_iceberg": (
        "iceberg",
        Case(
            "sync_all_columns",
            "select 2 as id, 'y' as name",
            IGNORED,
            "select 1L as id, 'x' as name",
        ),
    ),
    "sync_mapped_delta": (
        "delta",
        Case(
            "sync_all_columns",
            "select 2 as id, 'y' as added",
            [{"id": 1}, {"id": 2, "added": "y"}],
            FIRST,
            MAPPED,
        ),
    ),
    "sync_wider_delta": (
        "delta",
        Case(
            "sync_all_columns",
            "select 100000 as id, 'y' as name",
            [{"id": 1, "name": "x"}, {"id": 100000, "name": "y"}],
            "select cast(1 as smallint) as id, 'x' as name",
            WIDENS,
        ),
    ),
    "sync_bigint_delta": (
        "delta",
        Case(
            "sync_all_columns",
            "select 2L as id, 'y' as name",
            "cannot change the type of id from int to bigint",
            FIRST,
            WIDENS,
        ),
    ),
    "nested_parquet": (
        "parquet",
        Case("append_new_columns", NESTED_MORE, "cannot add a field to a struct: s.c", NESTED),
    ),
    "names_lacking_iceberg": (
        "iceberg",
        Case("append_new_columns", "select 2 as id", [ODD_ROW, {"id": 2}], ODD_NAMES),
    ),
    "names_added_delta": (
        "delta",
        Case("append_new_columns", ODD_NAMES, [{"id": 2}, ODD_ROW], "select 2 as id"),
    ),
    "nested_sync_iceberg": (
        "iceberg",
        Case(
            "sync_all_columns",
            NESTED_MORE,
            [{"id": 1, "s": {"a": 1}}, {"id": 2, "s": {"a": 2, "c": 3.5}}],
            NESTED,
        ),
    ),
}
for _name in ("iceberg", "delta"):
    CASES[f"nested_{_name}"] = (
        _name,
        Case(
            "append_new_columns",
            NESTED_MORE,
            [{"id": 1, "s": {"a": 1, "b": "x"}}, {"id": 2, "s": {"a": 2, "c": 3.5}}],
            NESTED,
        ),
    )
    CASES[f"nested_merge_{_name}"] = (
        _name,
        Case(
            "append_new_columns",
            LISTS_MORE.replace("2 as id", "1 as id"),
            [{"id": 1, "s": [{"a": 2, "w": "q"}], "m": {"k": {"v": 2, "w": True}}}],
            LISTS,
            KEYED,
        ),
    )
for _name in ("parquet", "iceberg", "delta", "hudi"):
    # Spark itself would write the fields by their position
    CASES[f"order_{_name}"] = (
        _name,
        Case(
            "ignore",
            "select 2 as id, named_struct('b', 20, 'a', 10) as s",
            [{"id": 1, "s": {"a": 1, "b": 2}}, {"id": 2, "s": {"a": 10, "b": 20}}],
            "select 1 as id, named_struct('a', 1, 'b', 2) as s",
        ),
    )
HIDDEN = ("update_hudi_ts",)
# After a change that is no increment's, the table is made anew; one of each kind of format.
REFRESHED = ["sync_parquet", "append_avro", "sync_delta", "sync_hudi", "sync_text_iceberg"]


class TestPain07OnSchemaChange:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            f"{name}.sql": incremental_model(
                f"file_format='{file_format}', on_schema_change='{case.mode}', {case.config}",
                case.first,
                case.second,
            )
            for name, (file_format, case) in CASES.items()
        }

    @pytest.fixture(scope="class")
    def results(self, project: Any) -> dict[str, Any]:
        return results_of_two_runs(expect_pass=False)

    @pytest.fixture(scope="class")
    def rows(self, results: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        found = rows_of(CASES)
        return {
            name: in_order(
                {k.lower(): v for k, v in row.items() if not k.startswith("_") and k not in HIDDEN}
                for row in rows
            )
            for name, rows in found.items()
        }

    @pytest.mark.parametrize("name", list(CASES))
    def test_pain_07_every_mode_on_every_format(
        self, results: dict[str, Any], rows: dict[str, Any], name: str
    ) -> None:
        expected, result = CASES[name][1].expected, results[name]
        if isinstance(expected, str):
            assert result.status == "error" and expected in result.message, result.message
            assert "--full-refresh" in result.message
            assert len(rows[name]) == 1 and rows[name][0]["id"] == 1
            return
        assert result.status == "success", result.message
        assert rows[name] == in_order(expected)

    def test_pain_35_iceberg_widens_types(
        self, rows: dict[str, Any], glue_client: Any, project: Any
    ) -> None:
        table = glue_client.get_table(DatabaseName=project.test_schema, Name="sync_types_iceberg")
        columns = table["Table"]["StorageDescriptor"]["Columns"]
        current = [c for c in columns if c["Parameters"]["iceberg.field.current"] == "true"]
        found = {column["Name"]: column["Type"] for column in current}
        assert found == {"id": "bigint", "ratio": "double", "price": "decimal(10,2)"}

    def test_full_refresh_after_a_refused_change(self, rows: dict[str, Any]) -> None:
        run_dbt(["run", "--full-refresh", "--vars", "run: 2", "--select", *REFRESHED])
        for name, found in rows_of(REFRESHED).items():
            assert [str(row["id"]) for row in found] == ["a" if "text" in name else "2"], name
        # and the next increment goes with the new columns
        again = run_dbt(["run", "--vars", "run: 2", "--select", *REFRESHED])
        assert {result.status for result in again} == {"success"}
