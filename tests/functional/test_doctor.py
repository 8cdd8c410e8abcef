"""`dbt-glue doctor` on local Glue, from a shell; and causes that a run's messages explain."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.tests.util import run_dbt

from dbt.adapters.glue.explained.table import PARTS

pytestmark = pytest.mark.slow

HINTS = {item.name: item.text for part in PARTS.values() for item in part}


@pytest.fixture
def folder(tmp_path: Path, dbt_profile_target: dict[str, Any]) -> Path:
    outputs = {
        "good": {**dbt_profile_target, "schema": "doctor"},
        "bad_conf": {
            **dbt_profile_target,
            "schema": "doctor",
            "conf": {"spark.sql.extensions": "mine"},
        },
    }
    text = yaml.safe_dump({"shop": {"target": "good", "outputs": outputs}})
    (tmp_path / "profiles.yml").write_text(text)
    return tmp_path


def doctor(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "dbt.adapters.glue.cli", "doctor", "--profile", "shop", *options],
        capture_output=True,
        text=True,
        cwd=folder,
    )


def test_a_good_profile_with_a_session(folder: Path, calls: Any) -> None:
    done = doctor(folder, "--session", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["counts"]["fail"] == 0
    found = {finding["check"]: finding for finding in told["findings"]}
    assert found["live session"]["status"] == "pass"
    assert "select 1 took" in found["live session"]["told"]
    assert found["role"]["status"] == "skip"
    made = calls()
    assert (made["CreateSession"], made["StopSession"]) == (1, 1)


def test_nothing_is_made_or_changed(folder: Path, calls: Any) -> None:
    done = doctor(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    reading = {"GetCallerIdentity", "GetDatabase", "GetTables", "ListSessions"}
    assert set(calls()) - {"s3:ListObjectsV2"} <= reading


def test_a_conf_that_would_fail(folder: Path) -> None:
    done = doctor(folder, "--target", "bad_conf", "--json")
    assert done.returncode == 1
    failed = [f for f in json.loads(done.stdout)["findings"] if f["status"] == "fail"]
    assert [finding["check"] for finding in failed] == ["conf"]
    assert "DeltaSparkSessionExtension" in failed[0]["fix"]


class TestExplained:
    """A failed node's message: Spark's own words, then what they mean."""

    EXPECTED = {
        "missing_column": "Missing column",
        "ambiguous": "Ambiguous column",
        "missing_table": "No such table",
        "not_grouped": "Not grouped",
        "syntax": "Syntax error",
        "overflow": "A value does not fit its column",
        "unsupported": "Unsupported by this catalog",
        "too_many": "The columns do not fit",
    }

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        table = "{{ config(materialized='table') }} "
        hooked = (
            "-- depends_on: {{{{ ref('base') }}}}\n"
            "{{{{ config(materialized='table', pre_hook=\"{} {{{{ ref('base') }}}} {}\") }}}}"
            " select 1 as a"
        )
        return {
            "base.sql": table + "select 1 as id",
            "missing_column.sql": table + "select idd from {{ ref('base') }}",
            "ambiguous.sql": table
            + "select id from {{ ref('base') }} a join {{ ref('base') }} b on a.id = b.id",
            "missing_table.sql": table + "select * from {{ target.schema }}.not_there",
            "not_grouped.sql": table + "select id, max(id) as m from {{ ref('base') }}",
            "syntax.sql": table + "select 1 +",
            "overflow.sql": hooked.format("insert into", "select 3000000000"),
            "unsupported.sql": hooked.format("delete from", ""),
            "too_many.sql": hooked.format("insert into", "select 1, 2"),
        }

    def test_the_cause_stands_below_the_message(self, project: Any) -> None:
        messages = {r.node.name: r.message for r in run_dbt(["run"], expect_pass=False)}
        for node, name in self.EXPECTED.items():
            assert f"Hint: {HINTS[name]}" in " ".join(messages[node].split()), node
