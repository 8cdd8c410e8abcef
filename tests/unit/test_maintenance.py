import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError

from dbt.adapters.glue import maintenance, maintenance_methods
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.impl import GlueAdapter
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.table_buckets import TableBucket, TableBuckets

ICEBERG = maintenance.Table("glue_catalog.`s`.`t`", "`s`.`t`")
PLAIN = maintenance.Table("`s`.`t`", "`s`.`t`")


def sql(format_name: str, **wanted: Any) -> list[str]:
    table = ICEBERG if format_name == "iceberg" else PLAIN
    return [text for _, text in maintenance.statements(format_name, wanted, table)]


def test_iceberg_in_our_order_whatever_the_order_of_the_config() -> None:
    assert sql(
        "iceberg",
        remove_orphan_files={"dry_run": True},
        expire_snapshots={"older_than": "2024-01-31", "retain_last": 5},
        rewrite_manifests=False,
        rewrite_data_files={
            "options": {"min-input-files": 2, "rewrite-all": True},
            "where": "d='x'",
        },
    ) == [
        "call glue_catalog.system.rewrite_data_files(table => '`s`.`t`', "
        "options => map('min-input-files', '2', 'rewrite-all', 'true'), where => 'd=\\'x\\'')",
        "call glue_catalog.system.expire_snapshots(table => '`s`.`t`', "
        "older_than => timestamp '2024-01-31T00:00:00Z', retain_last => 5)",
        "call glue_catalog.system.remove_orphan_files(table => '`s`.`t`', dry_run => true)",
    ]


def test_iceberg_in_the_session_catalog() -> None:
    ((_, text),) = maintenance.statements("iceberg", {"rewrite_manifests": True}, PLAIN)
    assert text == "call spark_catalog.system.rewrite_manifests(table => '`s`.`t`')"


def test_delta() -> None:
    assert sql("delta", optimize={"zorder_by": ["a", "b`c"], "where": "d > 1"}, vacuum=True) == [
        "optimize `s`.`t` where d > 1 zorder by (`a`, `b``c`)",
        "vacuum `s`.`t`",
    ]
    assert sql("delta", vacuum={"retain_hours": 200, "dry_run": True}) == [
        "vacuum `s`.`t` retain 200 hours dry run"
    ]


def test_hudi() -> None:
    assert sql(
        "hudi", run_clean={"retain_commits": 3}, run_compaction={"options": {"a.b": 1, "c": True}}
    ) == [
        "call run_compaction(table => 's.t', op => 'scheduleandexecute', "
        "options => 'a.b=1,c=true')",
        "call run_clean(table => 's.t', retain_commits => 3)",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31 12:00", "2024-01-31T12:00:00Z"),
        ("2024-01-31T12:00:00+02:00", "2024-01-31T10:00:00Z"),
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00Z"),
        (date(2024, 1, 31), "2024-01-31T00:00:00Z"),
        (datetime(2024, 1, 31, 1), "2024-01-31T01:00:00Z"),
    ],
)
def test_moments(value: Any, expected: str) -> None:
    assert maintenance.moment(value) == f"timestamp '{expected}'"


def test_a_period_is_counted_from_now() -> None:
    found = re.findall(r"'(.*)Z'", maintenance.moment("36 hours"))[0]
    moment = datetime.fromisoformat(found).replace(tzinfo=timezone.utc)
    age = datetime.now(timezone.utc) - moment
    assert timedelta(hours=36) <= age < timedelta(hours=36, minutes=1)


@pytest.mark.parametrize(
    ("format_name", "wanted", "words"),
    [
        ("parquet", {"optimize": True}, ("parquet", "iceberg, delta, hudi")),
        ("delta", {"expire_snapshots": True}, ("expire_snapshots", "optimize, vacuum")),
        ("iceberg", True, ("a mapping of operations", "rewrite_data_files")),
        ("iceberg", {"expire_snapshots": 5}, ("got 5", "older_than, retain_last")),
        ("iceberg", {"expire_snapshots": {"retain": 5}}, ("got retain", "retain_last")),
        ("iceberg", {"expire_snapshots": {"retain_last": "5"}}, ("got '5'", "a whole number")),
        ("iceberg", {"expire_snapshots": {"retain_last": True}}, ("got True", "a whole number")),
        ("iceberg", {"expire_snapshots": {"older_than": "soon"}}, ("got 'soon'", "7 days")),
        ("iceberg", {"expire_snapshots": {"older_than": 7}}, ("got 7", "7 days")),
        (
            "iceberg",
            {"expire_snapshots": {"older_than": "99999999999 days"}},
            ("got '99999999999 days'", "7 days"),
        ),
        (
            "iceberg",
            {"expire_snapshots": {"older_than": "0001-01-01T00:00+05:00"}},
            ("got '0001-01-01T00:00+05:00'", "7 days"),
        ),
        ("iceberg", {"rewrite_data_files": {"options": []}}, ("got []", "a mapping of options")),
        ("iceberg", {"rewrite_data_files": {"strategy": 1}}, ("got 1", "a text")),
        ("delta", {"vacuum": {"dry_run": "yes"}}, ("got 'yes'", "true or false")),
        ("delta", {"vacuum": True, "after_run": "no"}, ("after_run", "true or false")),
        ("delta", {"optimize": {"zorder_by": []}}, ("got []", "a column or a list")),
        ("delta", {"optimize": {"zorder_by": [1]}}, ("got [1]", "a column or a list")),
        ("delta", {"optimize": {"where": " "}}, ("got ' '", "an SQL condition")),
    ],
)
def test_refused(format_name: str, wanted: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        maintenance.check(format_name, wanted)
    assert "docs/maintenance.md" in str(refused.value)
    for word in ("maintenance", *words):
        assert word in str(refused.value)


def test_after_run() -> None:
    assert maintenance.follows_each_run({"vacuum": True})
    assert not maintenance.follows_each_run({"vacuum": True, "after_run": False})
    assert not maintenance.follows_each_run(None)


def node(name: str, tags: tuple[str, ...] = (), kind: str = "model", **config: Any) -> dict:
    return {
        "resource_type": kind,
        "name": name,
        "database": None,
        "schema": "s",
        "alias": f"{name}_table",
        "tags": list(tags),
        "config": config,
    }


NODES = [
    node("orders", ("nightly",), maintenance={"vacuum": True}),
    node("people", ("nightly",)),
    node("history", kind="snapshot", maintenance={"optimize": True}),
    node("unique_id", kind="test", maintenance={"optimize": True}),
]


def names(**how: Any) -> list[str]:
    given = {"select": None, "relation": None, "wanted": None} | how
    return [task.name for task in maintenance.chosen(NODES, **given)]


def test_nodes_that_have_the_config_are_chosen() -> None:
    assert names() == ["s.orders_table", "s.history_table"]
    assert names(select="orders") == ["s.orders_table"]
    assert names(select=["tag:nightly"]) == ["s.orders_table"]
    assert names(select=["people"]) == []


def test_other_operations_than_those_of_the_config() -> None:
    wanted = {"optimize": True}
    assert names(select=["tag:nightly"], wanted=wanted) == ["s.orders_table", "s.people_table"]
    assert maintenance.chosen(NODES, "orders", None, wanted)[0].wanted == wanted
    assert names(relation="raw.events", wanted=wanted) == ["raw.events"]


@pytest.mark.parametrize(
    "how",
    [
        {"select": "order"},
        {"select": ["tag:weekly"]},
        {"select": "unique_id"},
        {"relation": "events", "wanted": {"vacuum": True}},
        {"relation": "a.b.c", "wanted": {"vacuum": True}},
        {"relation": "raw.events"},
    ],
)
def test_a_choice_that_is_nothing_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        names(**how)


def test_what_is_told() -> None:
    counts = ["rewritten_data_files_count", "failed_data_files_count", "bytes"]
    assert maintenance.told(counts, [(3, 0, Decimal(10))]) == (
        "rewritten_data_files_count 3, bytes 10"
    )
    assert maintenance.told(counts, [(0, 0, 0)]) == "nothing to do"
    assert maintenance.told(
        ["path", "metrics"], [("s3://b", '{"added": 1, "size": {"min": 2}}')]
    ) == ("added 1")
    assert maintenance.told(["path"], [("s3://b/t",)]) == "done"
    assert (
        maintenance.told(["orphan_file_location"], [("a",), ("b",)]) == "2 × orphan_file_location"
    )
    assert maintenance.told(["orphan_file_location"], []) == "nothing to do"


@pytest.mark.parametrize("text", ["{part}/file.parquet", "{", "[1]", "7"])
def test_text_that_is_no_struct_is_told_as_no_number(text: str) -> None:
    assert maintenance.told(["path", "files"], [(text, 3)]) == "files 3"


class Upkeep(GlueAdapter):
    """Sends nothing; a statement that holds a word of `errors` fails with its text."""

    def __init__(self, **errors: str) -> None:
        self.sent: list[str] = []
        self.errors = errors

    def execute(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        self.sent.append(sql)
        for word, message in self.errors.items():
            if word in sql:
                raise DbtDatabaseError(message)
        return "OK", SimpleNamespace(column_names=["path"], rows=[("s3://b",)])


def relation(table_format: str) -> GlueRelation:
    return GlueRelation.create(schema="s", identifier="t", type="table", table_format=table_format)


def test_hudis_files_are_listed_anew() -> None:
    upkeep = Upkeep()
    upkeep.maintain(relation("hudi"), {"run_clean": True})
    assert upkeep.sent == ["call run_clean(table => 's.t')", "refresh table `s`.`t`"]


def test_a_dry_run_sends_nothing() -> None:
    upkeep = Upkeep()
    upkeep.maintain(relation("hudi"), {"run_clean": True}, dry_run=True)
    assert upkeep.sent == []


def test_a_table_that_is_named_and_absent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep = Upkeep()
    monkeypatch.setattr(upkeep, "get_relation", lambda *names: None)
    upkeep._maintain(maintenance.chosen(NODES, "orders", None, None)[0], dry_run=False)
    (named,) = maintenance.chosen(NODES, None, "raw.evnts", {"optimize": True})
    with pytest.raises(DbtRuntimeError, match="not in the catalog"):
        upkeep._maintain(named, dry_run=False)


def test_what_would_delete_files_is_left_out_for_a_clone() -> None:
    upkeep = Upkeep(expire_snapshots="Cannot expire snapshots: GC is disabled (deleting files …)")
    upkeep.maintain(relation("iceberg"), {"expire_snapshots": True, "remove_orphan_files": True})
    assert len(upkeep.sent) == 2


def test_any_other_error_ends_it() -> None:
    upkeep = Upkeep(expire_snapshots="Access denied")
    with pytest.raises(DbtDatabaseError, match="Access denied"):
        upkeep.maintain(
            relation("iceberg"), {"expire_snapshots": True, "remove_orphan_files": True}
        )
    assert len(upkeep.sent) == 1


def test_all_snapshots_but_the_last_one() -> None:
    upkeep = Upkeep()
    upkeep.iceberg_expire_snapshots(relation("iceberg"))
    (sent,) = upkeep.sent
    assert "expire_snapshots(table => '`s`.`t`', older_than => timestamp" in sent
    assert sent.endswith("retain_last => 1)")


def test_a_table_bucket_is_left_to_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a table of the same name in the Data Catalog touched in its place."""
    upkeep, asked = Upkeep(), []
    buckets = TableBuckets((TableBucket("lake", "123456789012", "first-bucket"),))
    monkeypatch.setattr(GlueRelation, "table_buckets", buckets)

    def get_relation(database: str | None, schema: str, name: str) -> GlueRelation:
        asked.append(database)
        return GlueRelation.create(database=database, schema=schema, identifier=name, type="table")

    monkeypatch.setattr(upkeep, "get_relation", get_relation)
    (task,) = maintenance.chosen(
        [node("orders") | {"database": "lake"}], None, None, {"expire_snapshots": True}
    )
    upkeep._maintain(task, dry_run=False)
    assert asked == ["lake"] and upkeep.sent == []


def test_an_interrupt_cancels_what_waits_and_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep, events = Upkeep(), []

    class Running:
        def exception(self) -> None:
            raise KeyboardInterrupt

        def cancel(self) -> None:
            events.append("left out")

    class Threads:
        def __enter__(self) -> "Threads":
            return self

        def __exit__(self, *error: Any) -> None:
            events.append("threads ended")

        def submit_connected(self, *arguments: Any) -> Running:
            return Running()

    upkeep.config = None
    monkeypatch.setattr(maintenance_methods, "executor", lambda config: Threads())
    monkeypatch.setattr(upkeep, "cancel_open_connections", lambda: events.append("cancelled"))
    with pytest.raises(KeyboardInterrupt):
        upkeep.maintain_all({"a": node("a"), "b": node("b")}, wanted={"vacuum": True})
    assert events == ["left out", "left out", "cancelled", "threads ended"]
