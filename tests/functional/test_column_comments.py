"""Descriptions of columns are in the tables themselves, also after a rebuild."""

import re
from typing import Any

import pytest
import yaml
from dbt.tests.util import run_dbt, run_dbt_and_capture

pytestmark = pytest.mark.slow

MODEL = """
{{{{ config(materialized='table', file_format='{file_format}') }}}}
select 1 as id, 'x' as `{name}`, 2 as plain
"""
# the parser of Hive's types takes no dots
NAMES = {"parquet": "Mixed", "iceberg": "Mixed.Case", "delta": "Mixed.Case"}
# Spark's ALTER COLUMN does not find a partition of plain files
PARTED = "{{ config(materialized='%s', partition_by='part') }} select 1 as id, 'x' as part"
PARTS = {"parted_table": "table", "parted_increment": "incremental"}
SEED = "id,colour\n1,red\n2,\n"


def columns(name: str, word: str) -> list[dict[str, str]]:
    described = [("id", f"its {word}"), (name.lower(), f"it's {word} `{{{{`"), ("absent", "x")]
    return [
        {"name": name, "description": f"{{% raw %}}{text}{{% endraw %}}"}
        for name, text in described
    ]


def properties(word: str) -> str:
    models = [{"name": f"t_{k}", "columns": columns(name, word)} for k, name in NAMES.items()]
    models += [{"name": name, "columns": columns("part", word)} for name in PARTS]
    seeds = [{"name": "seeded", "columns": columns("colour", word)}]
    return yaml.safe_dump({"models": models, "seeds": seeds})


def comments(project: Any, table: str) -> dict[str, str | None]:
    catalog = "glue_catalog." if table in ("t_iceberg", "seeded") else ""
    rows = project.run_sql(f"describe {catalog}{project.test_schema}.{table}", fetch="all")
    return {row[0]: row[2] for row in rows if row[0] and not row[0].startswith("#")}


class TestComments:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        models = {f"t_{k}.sql": MODEL.format(file_format=k, name=v) for k, v in NAMES.items()}
        models |= {f"{name}.sql": PARTED % kind for name, kind in PARTS.items()}
        return {**models, "schema.yml": properties("number")}

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"seeded.csv": SEED}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        docs = {"+persist_docs": {"columns": True}}
        return {"models": docs, "seeds": {**docs, "+file_format": "iceberg"}}

    @pytest.mark.parametrize("word", ["number", "number again", "other"])
    def test_are_those_of_the_project(self, project: Any, word: str) -> None:
        kept = word == "number again"
        word = word.split()[0]
        path = f"{project.project_root}/models/schema.yml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(properties(word))
        run_dbt(["seed"])
        _, log = run_dbt_and_capture(["--debug", "run"])
        assert "absent" in log  # dbt warns of it
        for file_format, name in NAMES.items():
            said = {"id": f"its {word}", name: f"it's {word} `{{{{`", "plain": None}
            assert comments(project, f"t_{file_format}") == said, file_format
        said = {"id": f"its {word}", "part": f"it's {word} `{{{{`"}
        assert [comments(project, name) for name in PARTS] == [said] * len(PARTS)
        said = {"id": f"its {word}", "colour": f"it's {word} `{{{{`"}
        assert comments(project, "seeded") == said
        altered = set(re.findall(r"(?i)alter table \S*t_(\w+)`? alter column", log))
        assert "iceberg" not in altered
        assert not (kept and altered)
        assert not (kept and re.search("(?i)alter table \\S*parted_increment", log))
