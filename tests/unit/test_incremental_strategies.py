from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtDatabaseError

from dbt.adapters.glue import incremental_methods, microbatch
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.incremental import refusal, strategies_of, why_not
from dbt.adapters.glue.incremental_methods import IncrementalMethods
from dbt.adapters.glue.query_relation import QueryRelation, as_subquery
from dbt.adapters.glue.table_format import FORMATS, INCREMENTAL_STRATEGIES

ALL = list(INCREMENTAL_STRATEGIES)
PARTITIONS = ["append", "insert_overwrite", "microbatch"]


@pytest.mark.parametrize(
    "name,expected",
    [
        ("parquet", PARTITIONS),
        ("csv", PARTITIONS),
        ("iceberg", ALL),
        ("s3tables", ALL),
        ("delta", ALL),
        ("hudi", ["append", "insert_overwrite", "merge", "microbatch"]),
    ],
)
def test_strategies_of_a_format(name: str, expected: list[str]) -> None:
    assert strategies_of(FORMATS[name]) == expected
    for strategy in set(ALL) - set(expected):
        assert why_not(FORMATS[name], strategy)


@pytest.mark.parametrize(
    "name,strategy,config,words",
    [
        ("orc", "merge", {}, "no MERGE INTO for orc"),
        ("parquet", "upsert", {}, "get_incremental_upsert_sql"),
        ("hudi", "delete+insert", {}, "Use merge"),
        ("hudi", "replace_where", {}, "in one commit"),
        ("hudi", "merge", {}, "unique_key: got none"),
        ("iceberg", "delete+insert", {}, "unique_key: got none"),
        ("delta", "replace_where", {}, "incremental_predicates: got none"),
        ("parquet", "microbatch", {}, "partition_by: got none"),
        ("iceberg", "append", {"matched_condition": "x"}, "expected 'merge'"),
        ("iceberg", "merge", {"matched_condition": "x", "update_condition": "y"}, "the same"),
        ("iceberg", "merge", {"not_matched_by_source_action": "keep"}, "expected delete, or"),
        ("iceberg", "merge", {"not_matched_by_source_condition": "x"}, "got it alone"),
        ("delta", "merge", {"not_matched_by_source_action": "delete"}, "without unique_key"),
        (
            "iceberg",
            "merge",
            {
                "unique_key": "id",
                "not_matched_by_source_action": "delete",
                "incremental_predicates": ["DBT_INTERNAL_DEST.day > '2024-01-01'"],
            },
            "no row outside of them is matched",
        ),
        (
            "hudi",
            "merge",
            {"unique_key": "id", "not_matched_by_source_action": "delete"},
            "without an error",
        ),
        ("delta", "microbatch", {"concurrent_batches": True}, "expected false"),
        ("iceberg", "microbatch", {"concurrent_batches": True}, "a transform of event_time"),
    ],
)
def test_what_does_not_go_together(name: str, strategy: str, config: dict, words: str) -> None:
    assert words in (refusal(FORMATS[name], strategy, config, own=False) or "")


def test_a_strategy_of_the_project_is_its_own_affair() -> None:
    assert refusal(FORMATS["csv"], "upsert", {}, own=True) is None


FIRST_OF_MARCH = datetime(2024, 3, 1, tzinfo=timezone.utc)


def batches(partition_by: Any, size: str = "day") -> dict[str, Any]:
    return {"event_time": "TS", "batch_size": size, "partition_by": partition_by}


@pytest.mark.parametrize(
    "partition_by,size,aligned",
    [
        ("days(ts)", "day", True),
        (["bucket(4, id)", "hour(`ts`)"], "day", True),
        ("days(ts)", "hour", False),
        ("months(ts)", "day", False),
        ("date(ts)", "year", True),
        ("days(other)", "day", False),
        ("ts", "hour", True),
        (None, "day", False),
    ],
)
def test_batches_are_aligned_with_partitions(partition_by: Any, size: str, aligned: bool) -> None:
    config = batches(partition_by, size)
    assert microbatch.is_aligned(FORMATS["iceberg"], config) is aligned
    assert microbatch.concurrent(FORMATS["iceberg"], config) is aligned
    assert not microbatch.concurrent(FORMATS["delta"], config)
    assert not microbatch.concurrent(FORMATS["hudi"], config)


@pytest.mark.parametrize(
    "partition_by,size,aligned",
    [(["TS"], "hour", True), (["day"], "day", False), (["days(ts)"], "day", False)],
)
def test_only_partitions_by_event_time_are_sure_to_be_of_one_batch(
    partition_by: Any, size: str, aligned: bool
) -> None:
    config = batches(partition_by, size)
    assert microbatch.concurrent(FORMATS["parquet"], config) is aligned
    assert microbatch.is_aligned(FORMATS["hudi"], config) is aligned
    assert not microbatch.concurrent(FORMATS["hudi"], config)
    told = refusal(FORMATS["orc"], "microbatch", {**config, "concurrent_batches": True}, own=False)
    assert told is None


class Config(dict):
    """A node's config: items for dbt's get, and an attribute that is set."""

    concurrent_batches: bool | None = None


def test_batches_that_conflict_run_one_by_one() -> None:
    made = {
        name: SimpleNamespace(config=Config(incremental_strategy="microbatch", **config))
        for name, config in {
            "delta": {"file_format": "delta"},
            "aligned": {"file_format": "iceberg", **batches("days(ts)")},
            "asked": {"file_format": "delta", "concurrent_batches": True},
            "parquet": batches("day"),
            "by_event_time": batches("ts"),
        }.items()
    }
    made["table"] = SimpleNamespace(config=Config(file_format="delta"))
    # by catalogs.yml alone: a table of S3 Tables, with no file_format
    for name, config in {"s3_aligned": batches("days(ts)"), "s3": batches(None)}.items():
        config["incremental_strategy"] = "microbatch"
        made[name] = SimpleNamespace(database="lake", config=Config(config))
    microbatch.run_one_by_one([*made.values(), SimpleNamespace()])
    assert [name for name, node in made.items() if node.config.concurrent_batches is False] == [
        *("delta", "parquet", "s3")
    ]


@pytest.mark.parametrize(
    "dtype,expected",
    [
        ("timestamp", "`ts` >= timestamp'2024-03-01 00:00:00+00:00'"),
        ("timestamp_ntz", "`ts` >= timestamp_ntz'2024-03-01 00:00:00'"),
        ("date", "`ts` >= date'2024-03-01'"),
        ("string", "cast(`ts` as timestamp) >= timestamp'2024-03-01 00:00:00+00:00'"),
    ],
)
def test_the_window_of_a_batch(dtype: str, expected: str) -> None:
    types = {"id": "int", "ts": dtype}
    assert microbatch.window(
        "TS", types, FIRST_OF_MARCH, None, FORMATS["delta"]
    ) == expected.replace("`ts`", "`TS`")


def test_the_catalog_does_not_tell_icebergs_two_timestamps_apart() -> None:
    found = microbatch.window("ts", {"ts": "timestamp"}, None, FIRST_OF_MARCH, FORMATS["s3tables"])
    assert found == "`ts` < '2024-03-01 00:00:00+00:00'"


@pytest.mark.parametrize(
    "types,hour,words",
    [({"id": "int"}, 0, "expected a column of the table"), ({"ts": "date"}, 5, "is a date")],
)
def test_a_window_that_no_column_can_be_held_to(types: Any, hour: int, words: str) -> None:
    start = FIRST_OF_MARCH.replace(hour=hour)
    with pytest.raises(ConfigurationError, match=words):
        microbatch.window("ts", types, start, None, FORMATS["parquet"])


def test_the_partitions_of_a_batch() -> None:
    by = [("`y`", "int"), ("`m`", "string")]
    rows = [("2024", "1"), ("2024", ""), (None, "it's"), ("2023", None)]
    assert microbatch.of_partitions(by, rows) == (
        "((`y` in (cast('2024' as int))) and (`m` in ('', '1') or `m` is null)"
        " or (`y` is null) and (`m` in ('it\\'s'))"
        " or (`y` in (cast('2023' as int))) and (`m` is null))"
    )
    assert microbatch.of_partitions(by[:1], []) == "false"


def test_a_query_stands_for_a_relation() -> None:
    relation = QueryRelation.of("tab__dbt_tmp_1", "select ';' as a; -- ; done\n")
    assert str(relation) == "(\nselect ';' as a\n-- ; done\n\n)"
    assert relation.identifier == "tab__dbt_tmp_1" and not relation.include_policy.schema


@pytest.mark.parametrize("query", ["select 1", "select ';'", "select 1 -- ;", "select `a;`"])
def test_only_a_semicolon_at_the_end_goes(query: str) -> None:
    assert as_subquery(query) == query
    assert as_subquery(f"{query}\n; \n").strip() == query
    assert as_subquery(f"{query}\r\n;\r\n").strip() == query


class Writer:
    """Answers statements in turn: an exception is raised, anything else is the rows."""

    write_increment = IncrementalMethods.write_increment
    _reason = IncrementalMethods._reason

    def __init__(self, *answers: Any) -> None:
        self.answers, self.sent = list(answers), []

    def execute(self, sql: str, **kwargs: Any) -> Any:
        self.sent.append(" ".join(sql.split()))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return "OK", SimpleNamespace(rows=answer)


SOURCE = QueryRelation.of("tab", "select 1 as id")


def test_doubled_keys_are_told() -> None:
    writer = Writer(DbtDatabaseError("[MERGE_CARDINALITY_VIOLATION] The ON"), [(7, "x", 3, 5)])
    with pytest.raises(DbtDatabaseError) as raised:
        writer.write_increment("merge", SOURCE, ["`id`", "`part`"])
    assert "`id` = 7, `part` = x (3 rows)" in str(raised.value)
    assert "Keys with more than one row: 5" in str(raised.value)
    assert "MERGE_CARDINALITY_VIOLATION" in str(raised.value)
    assert "group by `id`, `part` having count(*) > 1" in writer.sent[1]


def test_other_errors_stay_as_they_are() -> None:
    writer = Writer(DbtDatabaseError("division by zero"))
    with pytest.raises(DbtDatabaseError, match="division by zero"):
        writer.write_increment("merge", SOURCE, ["`id`"])
    assert writer.sent == ["merge"]


def test_partitions_that_are_not_the_configs_are_told() -> None:
    error = DbtDatabaseError(f"ValidationException: {incremental_methods.NOT_ALIGNED} x")
    with pytest.raises(DbtDatabaseError, match="full-refresh"):
        Writer(error).write_increment("insert", SOURCE, [])
