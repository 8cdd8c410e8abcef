"""Microbatch on every way that a format has of replacing a batch."""

import re
from typing import Any

import pytest
from dbt.tests.util import run_dbt, run_dbt_and_capture
from table_rows import rows_of

pytestmark = pytest.mark.slow

# Run 1: a row on each of six days. Run 2: changed and new rows in the last three, day 4 is empty.
EVENTS = """
{{ config(materialized='table', file_format='iceberg', event_time='happened') }}
select id, cast(day as date) as day, timestamp(day || ' 12:00:00+00:00') as happened, value,
  cast(day || ' 23:30:00' as timestamp_ntz) as plainly
from values
  (1, '2024-03-01', 'a'), (2, '2024-03-02', 'a'), (3, '2024-03-03', 'a'),
  {% if var('run', 1) == 1 %}
  (4, '2024-03-04', 'a'), (5, '2024-03-05', 'a'), (6, '2024-03-06', 'a')
  {% else %}
  (5, '2024-03-05', 'b'), (6, '2024-03-06', 'b'), (7, '2024-03-06', 'b')
  {% endif %}
as t(id, day, value)
"""
BATCHED = """
{{{{ config(materialized='incremental', incremental_strategy='microbatch',
            file_format='{file_format}', event_time='happened', batch_size='day',
            begin='2024-03-01'{extra}) }}}}
select id, happened, value, {day} from {{{{ ref('events') }}}}
"""
DAY = "day"
# one partition has the rows of all batches, or of every second one
MONTH = "date_format(day, 'yyyy-MM') as month, nullif(id % 2, 0) as odd"
CASES = {
    "parquet": ("parquet", ", partition_by=['day']", DAY),
    "parquet_by_event_time": ("parquet", ", partition_by=['happened']", DAY),
    "orc": ("orc", ", partition_by=['month', 'odd']", MONTH),
    "csv": ("csv", ", partition_by=['odd']", MONTH),
    "hudi": ("hudi", ", partition_by=['month'], unique_key='id'", MONTH),
    "iceberg_days": ("iceberg", ", partition_by=['days(happened)']", DAY),
    "iceberg_plain": ("iceberg", "", DAY),
    "delta": ("delta", "", DAY),
}
WINDOW = ["--event-time-start", "2024-03-01", "--event-time-end", "2024-03-07"]
LAST_DAYS = ["--event-time-start", "2024-03-04", "--event-time-end", "2024-03-07"]
FIRST = [(number, "a") for number in range(1, 7)]
REPLACED = [(1, "a"), (2, "a"), (3, "a"), (5, "b"), (6, "b"), (7, "b")]
# Partitions that a batch has no row of stay.
PARTITIONS_REPLACED = sorted([*REPLACED, (4, "a")])


def found_in(models: Any) -> dict[str, list[tuple[Any, ...]]]:
    rows = rows_of(models)
    return {name: sorted((row["id"], row["value"]) for row in rows[name]) for name in models}


def expected(models: Any) -> dict[str, list[tuple[Any, ...]]]:
    whole = ("iceberg", "delta")
    return {name: REPLACED if name.startswith(whole) else PARTITIONS_REPLACED for name in models}


class TestPain20Microbatch:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        batched = {
            f"{name}.sql": BATCHED.format(file_format=file_format, extra=extra, day=day)
            for name, (file_format, extra, day) in CASES.items()
        }
        return {"events.sql": EVENTS, **batched}

    def test_pain_20_batches_are_replaced(self, project: Any) -> None:
        run_dbt(["run", *WINDOW])
        assert found_in(CASES) == dict.fromkeys(CASES, FIRST)

        _, log = run_dbt_and_capture(["--debug", "run", "--vars", "run: 2", *LAST_DAYS])
        assert found_in(CASES) == expected(CASES)
        how = dict(re.findall(r"batch 2024-03-05 of .*?\.(\w+) is being run (\w+)", log))
        # only where batches of a table can be committed at the same time
        safe = {"parquet_by_event_time", "iceberg_days"}
        assert {name for name in CASES if how[name] == "concurrently"} <= safe
        assert "concurrently" in how.values()

        # a run that is repeated changes nothing; all batches of the three days run at once
        again = ["csv", "hudi", "iceberg_days", "iceberg_plain", "delta"]
        run_dbt(["run", "--vars", "run: 2", *LAST_DAYS, "--select", *again])
        assert found_in(again) == expected(again)

        rebuilt = ["csv", "iceberg_days", "delta"]
        run_dbt(["run", "--full-refresh", "--vars", "run: 2", *WINDOW, "--select", *rebuilt])
        assert found_in(rebuilt) == dict.fromkeys(rebuilt, REPLACED)


class TestPredicates:
    """Row 6 is not to be replaced; the partition of its batch is, for row 7."""

    CASES = ("parquet", "parquet_by_event_time", "hudi", "iceberg_plain")

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        batched = {}
        for name in self.CASES:
            file_format, extra, day = CASES[name]
            extra += ", incremental_predicates=['id <> 6' if var('run', 1) == 2 else 'true']"
            model = BATCHED.format(file_format=file_format, extra=extra, day=day)
            batched[f"{name}.sql"] = model + "where id <> 6 or {{ var('run', 1) }} = 1"
        return {"events.sql": EVENTS, **batched}

    def test_what_they_leave_out_stays(self, project: Any) -> None:
        run_dbt(["run", *WINDOW])
        run_dbt(["run", "--vars", "run: 2", *LAST_DAYS])
        wanted = {
            name: sorted({**dict(rows), 6: "a"}.items())
            for name, rows in expected(self.CASES).items()
        }
        assert found_in(self.CASES) == wanted


MANY = """
{{{{ config(materialized='incremental', incremental_strategy='microbatch',
            file_format='{file_format}', event_time='happened', batch_size='hour',
            begin='2024-03-01', concurrent_batches=true, partition_by={partition}) }}}}
select id, happened, {{{{ var('run', 1) }}}} as run, date_format(happened, 'yyyyMMddHH') as hour
from {{{{ ref('hours') }}}}
"""
HOURS = """
{{ config(materialized='table', event_time='happened') }}
select id, timestamp'2024-03-01 00:30:00+00:00' + make_interval(0, 0, 0, 0, n) as happened
from (select id, cast(id as int) as n from range(16))
"""


class TestConcurrentBatches:
    """Batches at the same time, on the formats that say they can: no row is lost or doubled."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "hours.sql": HOURS,
            "many_iceberg.sql": MANY.format(file_format="iceberg", partition="['hours(happened)']"),
            "many_parquet.sql": MANY.format(file_format="parquet", partition="['hour']"),
        }

    def test_no_batch_is_lost(self, project: Any) -> None:
        window = ["--event-time-start", "2024-03-01", "--event-time-end", "2024-03-01 16:00:00"]
        run_dbt(["run", *window, "--threads", "8"])
        _, log = run_dbt_and_capture(
            ["--debug", "run", "--vars", "run: 2", *window, "--threads", "8", "--exclude", "hours"]
        )
        assert log.count("is being run concurrently") >= 20
        rows = rows_of(["many_iceberg", "many_parquet"])
        for name, found in rows.items():
            assert sorted((row["id"], row["run"]) for row in found) == [
                (n, 2) for n in range(16)
            ], name


FAR_ZONE = "America/New_York"
WITHOUT_ZONE = """
{{{{ config(materialized='incremental', incremental_strategy='microbatch',
            file_format='{file_format}', event_time='plainly', batch_size='day', begin='2024-03-01',
            partition_by={partition},
            pre_hook="set spark.sql.session.timeZone = {zone}",
            post_hook="set spark.sql.session.timeZone = UTC") }}}}
select id, plainly, value, day from {{{{ ref('events') }}}}
"""
UNZONED = {
    "unzoned_parquet": ("parquet", "['day']"),
    "unzoned_iceberg": ("iceberg", "none"),
    "unzoned_days": ("iceberg", "['days(plainly)']"),
}
BY_DATE = """
{{ config(materialized='incremental', incremental_strategy='microbatch', file_format='delta',
          event_time='day', batch_size='hour', begin='2024-03-01') }}
select id, value, day from {{ ref('events') }}
"""
COARSE = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened',
          batch_size='day', begin='2024-03-01', partition_by=['value'], concurrent_batches=true) }}
select id, happened, value from {{ ref('events') }}
"""
UNFILTERED = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened',
          batch_size='day', begin='2024-03-01', partition_by=['day']) }}
select id, happened, value, day from glue_catalog.{{ target.schema }}.events
-- depends_on: {{ ref('events') }}
"""


class TestTimesOfBatches:
    """Columns of time that are no instants, and batches that would lose rows."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        unzoned = {
            f"{name}.sql": WITHOUT_ZONE.format(
                file_format=file_format, partition=partition, zone=FAR_ZONE
            )
            for name, (file_format, partition) in UNZONED.items()
        }
        refused = {"by_date": BY_DATE, "coarse": COARSE, "unfiltered": UNFILTERED}
        return {
            "events.sql": EVENTS,
            **unzoned,
            **{f"{name}.sql": text for name, text in refused.items()},
        }

    @pytest.fixture(scope="class")
    def events(self, project: Any) -> Any:
        run_dbt(["run", "--select", "events"])
        return project

    def test_a_timestamp_ntz_is_utc_whatever_the_sessions_zone(self, events: Any) -> None:
        for run in (1, 2):
            vars_ = ["--vars", f"run: {run}"]
            run_dbt(["run", "--select", "events", *vars_])
            run_dbt(["run", "--select", *UNZONED, "--threads", "1", *vars_, *LAST_DAYS])
        replaced = [(id, value) for id, value in REPLACED if id > 4]
        assert found_in(UNZONED) == {
            "unzoned_parquet": [(4, "a"), *replaced],
            "unzoned_iceberg": replaced,
            "unzoned_days": replaced,
        }

    def test_batches_that_would_lose_rows_fail(self, events: Any) -> None:
        window = ["--event-time-start", "2024-03-01", "--event-time-end", "2024-03-03"]
        names = ("by_date", "coarse", "unfiltered")
        _, log = run_dbt_and_capture(["run", "--select", *names, *window], expect_pass=False)
        for words in (
            "event_time: got day, which is a date, for batch_size hour",
            "has rows of other batches, and concurrent_batches is true",
            "The increment has a row outside of its batch",
        ):
            assert words in log
