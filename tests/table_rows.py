"""The rows of many models, by one query."""

import json
from collections.abc import Iterable
from typing import Any

from dbt.tests.util import run_dbt


def rows_of(models: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each model as dicts without their nulls, in the order of their text."""
    names = list(models)
    queries = [
        f"select '{name}' as model, to_json(struct(*)) as row from {{{{ ref('{name}') }}}}"
        for name in names
    ]
    shown = run_dbt(["show", "--limit", "-1", "--inline", " union all ".join(queries)])
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for name, row in shown.results[0].agate_table.rows:
        found[name].append(json.loads(row))
    return {name: in_order(rows) for name, rows in found.items()}


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def incremental_model(config: str, first: str, second: str) -> str:
    """A model that is `first` in the first run and `second` with `--vars 'run: 2'`."""
    return (
        f"{{{{ config(materialized='incremental', {config}) }}}}\n"
        f"{{% if var('run', 1) == 1 %}} {first} {{% else %}} {second} {{% endif %}}\n"
    )


def results_of_two_runs(expect_pass: bool = True) -> dict[str, Any]:
    """Runs the models twice; the second run's results by the name of the model."""
    run_dbt(["run"])
    results = run_dbt(["run", "--vars", "run: 2"], expect_pass=expect_pass)
    return {result.node.name: result for result in results}
