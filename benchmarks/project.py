"""Writes dbt projects to race on: they run unchanged with dbt-glue 1.12.4 and with ours.

    python -m benchmarks.project FOLDER --models 100 --tests 100

The profile asks the environment: AWS_REGION, GLUE_ROLE_ARN, RACE_LOCATION (an s3:// folder),
RACE_SCHEMA; AWS_ENDPOINT_URL leads to local Glue (`dbt-glue local run -- dbt build` sets it). Its
targets are `glue` (as it comes), `reuse` (`glue_session_reuse: true`), and, for ours only,
`spark_connect` and `livy`; `nothing` is the adapter of benchmarks/nothing.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = "race"
LOCATION = "s3://dbt-glue-race/warehouse"
ROLE_ARN = "arn:aws:iam::123456789012:role/LocalGlue"
REGION = "us-east-1"
STATUSES = ("placed", "shipped", "returned")
DAYS = tuple(f"2026-03-0{day}" for day in range(1, 6))
CUSTOMERS, ORDERS = 100, 1000  # rows of the seeds
SEEDS = ("raw_customers", "raw_orders")

# Where an incremental model starts on its second run.
LAST_DAYS = DAYS[3]

TESTS = (
    ("order_id", "not_null"),
    ("order_id", "unique"),
    ("status", {"accepted_values": {"arguments": {"values": list(STATUSES)}}}),
    (
        "customer_id",
        {"relationships": {"arguments": {"to": "ref('raw_customers')", "field": "customer_id"}}},
    ),
)


@dataclass(frozen=True)
class Layer:
    """Models that can run side by side, once the layer before is there."""

    name: str
    share: float  # of all models
    kinds: tuple[str, ...]  # in turn


# 40 views, 50 tables and 10 incremental models of 100.
LAYERS = (
    Layer("staging", 0.20, ("view",)),
    Layer("orders", 0.25, ("table",)),
    Layer("days", 0.20, ("view", "incremental")),
    Layer("marts", 0.25, ("table",)),
    Layer("reports", 0.10, ("view",)),
)


@dataclass(frozen=True)
class Model:
    name: str
    layer: str
    kind: str
    parents: tuple[str, ...]  # two models of the layer before, or none


def models(count: int) -> list[Model]:
    """`count` models in five layers. Raises ValueError below 5."""
    if count < len(LAYERS):
        raise ValueError(f"{count} models: there are {len(LAYERS)} layers, so at least as many")
    made: list[Model] = []
    below: Sequence[Model] = ()
    for layer, size in zip(LAYERS, layer_sizes(count), strict=True):
        here = [
            Model(
                f"{layer.name}_{number:03d}",
                layer.name,
                layer.kinds[number % len(layer.kinds)],
                _two(below, number),
            )
            for number in range(size)
        ]
        made += here
        below = here
    return made


def layer_sizes(count: int) -> list[int]:
    """Whole numbers near the shares, at least 1 each, `count` in all."""
    sizes = [max(1, int(count * layer.share + 1e-9)) for layer in LAYERS]
    turn = 0
    while sum(sizes) != count:
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        if sum(sizes) > count:
            sizes[largest] -= 1
        else:
            sizes[(turn := turn + 1) % len(sizes)] += 1
    return sizes


def _two(below: Sequence[Model], number: int) -> tuple[str, ...]:
    if not below:
        return ()
    first, second = number % len(below), (number * 3 + 1) % len(below)
    return below[first].name, below[second].name


def sql(model: Model) -> str:
    """The model's file. Every model has the same columns, so that tests fit everywhere."""
    config = f"{{{{ config(materialized='{model.kind}') }}}}"
    if model.kind == "incremental":
        config = (
            "{{ config(materialized='incremental', incremental_strategy='insert_overwrite',\n"
            "    partition_by=['order_day']) }}"
        )
    return f"{config}\n\n{_staged(model) if not model.parents else _joined(model)}"


def _staged(model: Model) -> str:
    shift = int(model.name.rpartition("_")[2])
    return f"""select
    orders.order_id,
    orders.customer_id,
    orders.status,
    orders.amount + {shift} as amount,
    orders.order_day
from {{{{ ref('raw_orders') }}}} as orders
join {{{{ ref('raw_customers') }}}} as customers on customers.customer_id = orders.customer_id
"""


def _joined(model: Model) -> str:
    first, second = model.parents
    query = f"""with customer_totals as (
    select customer_id, avg(amount) as mean_amount
    from {{{{ ref('{second}') }}}}
    group by customer_id
)

select
    orders.order_id,
    orders.customer_id,
    orders.status,
    cast(orders.amount + customer_totals.mean_amount as double) as amount,
    orders.order_day
from {{{{ ref('{first}') }}}} as orders
join customer_totals on customer_totals.customer_id = orders.customer_id
"""
    if model.kind == "incremental":
        query += (
            f"{{% if is_incremental() %}}\nwhere orders.order_day >= '{LAST_DAYS}'\n{{% endif %}}\n"
        )
    return query


def properties(made: Sequence[Model], tests: int) -> dict[str, Any]:
    """models.yml: `tests` tests, spread over the models and the four kinds."""
    columns: dict[str, dict[str, list[Any]]] = {model.name: {} for model in made}
    for number in range(tests):
        turn, index = divmod(number, len(made))
        column, test = TESTS[(index + turn) % len(TESTS)]
        columns[made[index].name].setdefault(column, []).append(test)
    if tests > len(made) * len(TESTS):
        raise ValueError(f"{tests} tests: {len(made)} models have room for {len(made) * 4}")
    return {
        "models": [
            {
                "name": name,
                "columns": [{"name": column, "data_tests": had} for column, had in of.items()],
            }
            for name, of in columns.items()
            if of
        ]
    }


def write_project(folder: Path, model_count: int = 100, tests: int = 100) -> Path:
    """The generated project: two small seeds, `model_count` models, `tests` tests; its folder."""
    made = models(model_count)
    seeds = {
        "raw_customers": {"customer_id": "int", "customer_name": "string"},
        "raw_orders": {
            "order_id": "int",
            "customer_id": "int",
            "status": "string",
            "amount": "double",
            "order_day": "string",
        },
    }
    write_base(folder, seeds)
    write_csv(folder / "seeds" / "raw_customers.csv", seeds["raw_customers"], _customers())
    write_csv(folder / "seeds" / "raw_orders.csv", seeds["raw_orders"], _orders())
    for model in made:
        _write(folder / "models" / model.layer / f"{model.name}.sql", sql(model))
    write_json(folder / "models" / "models.yml", properties(made, tests))
    return folder


def write_sources_project(folder: Path, tables: int) -> Path:
    """A project of one source of `tables` tables called t_00000 …, and nothing else."""
    write_base(folder, {})
    listed = [{"name": name, "columns": [{"name": "id"}]} for name in source_tables(tables)]
    sources = [{"name": "wide", "schema": "{{ target.schema }}", "tables": listed}]
    write_json(folder / "models" / "sources.yml", {"sources": sources})
    return folder


def source_tables(tables: int) -> list[str]:
    return [f"t_{number:05d}" for number in range(tables)]


def write_seed_project(folder: Path, rows: int) -> Path:
    """A project of one seed with `rows` rows of five columns, about 45 bytes each."""
    types = {
        "id": "bigint",
        "name": "string",
        "amount": "double",
        "ordered_on": "date",
        "is_paid": "boolean",
    }
    write_base(folder, {"large_seed": types})
    write_csv(
        folder / "seeds" / "large_seed.csv",
        types,
        ((n, f"customer number {n % 9973}", n / 100, DAYS[n % 5], n % 3 == 0) for n in range(rows)),
    )
    return folder


def write_result_project(folder: Path) -> Path:
    """A project with one macro: `run-operation fetch --args '{rows: N}'` reads N rows into dbt."""
    write_base(folder, {})
    _write(folder / "macros" / "fetch.sql", FETCH)
    return folder


# What it prints is read by race.py.
FETCH = """{% macro fetch(rows) %}
    {%- do run_query('select 1 as one') -%}
    {%- set started = modules.datetime.datetime.now() -%}
    {%- set result = run_query(
        "select id, concat('customer number ', id % 9973) as name, id / 100 as amount,"
        ~ " date_add(date '2026-03-01', cast(id % 5 as int)) as ordered_on, id % 3 = 0 as is_paid"
        ~ " from range(" ~ rows ~ ")") -%}
    {%- set seconds = (modules.datetime.datetime.now() - started).total_seconds() -%}
    {%- do log('fetched ' ~ (result.rows | length) ~ ' rows in ' ~ seconds ~ ' s', info=true) -%}
{% endmacro %}
"""


def profile() -> dict[str, Any]:
    """profiles.yml, by target."""
    base = {
        "type": "glue",
        "role_arn": f"{{{{ env_var('GLUE_ROLE_ARN', '{ROLE_ARN}') }}}}",
        "region": f"{{{{ env_var('AWS_REGION', '{REGION}') }}}}",
        "workers": 2,
        "worker_type": "G.1X",
        "glue_version": "5.1",
        "idle_timeout": 10,
        "schema": f"{{{{ env_var('RACE_SCHEMA', '{SCHEMA}') }}}}",
        "location": f"{{{{ env_var('RACE_LOCATION', '{LOCATION}') }}}}",
        "session_provisioning_timeout_in_seconds": 300,
        "threads": 4,
        "conf": "spark.sql.sources.partitionOverwriteMode=dynamic"
        " --conf spark.sql.legacy.allowNonEmptyLocationInCTAS=true",
    }
    reuse = {"glue_session_reuse": True, "glue_session_id": "dbt-glue-race"}
    return {
        "target": "{{ env_var('DBT_TARGET', 'glue') }}",
        "outputs": {
            "glue": base,
            "reuse": {**base, **reuse},
            "spark_connect": {**base, "session_type": "spark_connect"},
            "livy": {**base, "session_type": "livy"},
            "livy_reuse": {**base, **reuse, "session_type": "livy"},
            "nothing": {"type": "nothing", "schema": base["schema"], "threads": 4},
        },
    }


def write_base(folder: Path, seeds: dict[str, dict[str, str]]) -> None:
    """dbt_project.yml and profiles.yml; both are JSON, which is YAML."""
    project = {
        "name": "race",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "race",
        "models": {"race": {"+materialized": "table", "+file_format": "parquet"}},
        "seeds": {"race": {name: {"+column_types": types} for name, types in seeds.items()}},
        "flags": {"send_anonymous_usage_stats": False},
    }
    write_json(folder / "dbt_project.yml", project)
    write_json(folder / "profiles.yml", {"race": profile()})


def _customers() -> Iterable[tuple[Any, ...]]:
    return ((number, f"Customer {number}") for number in range(1, CUSTOMERS + 1))


def _orders() -> Iterable[tuple[Any, ...]]:
    return (
        (
            number,
            number % CUSTOMERS + 1,
            STATUSES[number % len(STATUSES)],
            (number * 37 % 1000) / 10,
            DAYS[number % len(DAYS)],
        )
        for number in range(1, ORDERS + 1)
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_json(path: Path, content: Any) -> None:
    _write(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.project", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--tests", type=int, default=100)
    given = parser.parse_args(arguments)
    print(write_project(given.folder, given.models, given.tests))


if __name__ == "__main__":
    main()
