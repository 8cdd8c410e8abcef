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
select id, cast(day as date) as day, timestamp(day || ' 12:00:00+00:00') as happened, value
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
CASES = {
    "parquet": ("parquet", ", partition_by=['day']", DAY),
    "orc": ("orc", ", partition_by=['day']", DAY),
    "hudi": ("hudi", ", partition_by=['day'], unique_key='id'", DAY),
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
        for name, rows in found_in(CASES).items():
            partitions = name in ("parquet", "orc", "hudi")
            assert rows == (PARTITIONS_REPLACED if partitions else REPLACED), name
        how = dict(re.findall(r"batch 2024-03-05 of .*?\.(\w+) is being run (\w+)", log))
        # only where batches of a table can be committed at the same time
        safe = {"parquet", "orc", "iceberg_days"}
        assert {name for name in CASES if how[name] == "concurrently"} <= safe
        assert "concurrently" in how.values()

        # a run that is repeated changes nothing; all batches of the two days run at once
        run_dbt(["run", "--vars", "run: 2", *LAST_DAYS])
        assert found_in(["iceberg_days", "iceberg_plain", "delta"])["delta"] == REPLACED

        run_dbt(["run", "--full-refresh", "--vars", "run: 2", *WINDOW, "--exclude", "hudi", "orc"])
        left = ["parquet", "iceberg_days", "iceberg_plain", "delta"]
        assert found_in(left) == dict.fromkeys(left, REPLACED)


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
