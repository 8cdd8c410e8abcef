"""A dbt project whose every text is hostile, built twice: it stores what it says, and runs none."""

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.tests.util import run_dbt
from hostile_text import ALPHABET, CANARY, EXECUTABLE

from dbt.adapters.glue import table_metadata

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "iceberg", "delta", "hudi")
MERGED = ("iceberg", "delta", "hudi")
# The whole alphabet, in a few cells; the last is a cell for each that is meant to be executed.
CELLS = ["".join(ALPHABET[start::7]) for start in range(7)] + EXECUTABLE
# What the Data Catalog takes of a description, and of a column's comment. Jinja, which renders
# descriptions, makes every end of a line a \\n.
REFUSED = str.maketrans("", "", "\r\x00\x01\x0b\x0c\x1a\x1b\ufffe\uffff")
DESCRIPTION = "".join(ALPHABET).translate(REFUSED)
COMMENT = ("x" + re.sub(r"[\r\n]", "", "".join(ALPHABET[::3]).translate(REFUSED)))[:255].rstrip()
NAMES = ["it's", 'say "x"', "a`b", "c;--", "/* d */", "שלום", "e {{ f }}", "😀", "_corrupt_record"]
QUERY_COMMENT = "it's \"x\" ''' \\ -- ${env:HOME} s3://bucket/* \u202e😀 {{ x }}\n'; drop \\"


def raw(text: str) -> str:
    """The text where dbt renders Jinja."""
    return f"{{% raw %}}{text}{{% endraw %}}"


def described(name: str, **more: Any) -> dict[str, Any]:
    columns = [{"name": "cell", "description": raw(COMMENT), "meta": {"note": raw(COMMENT)}}]
    docs = {"description": raw(DESCRIPTION), "meta": {"note": raw(DESCRIPTION)}}
    return {"name": name, "columns": columns, "tags": [raw(COMMENT)], **docs, **more}


SELECT = """
select * from values
{% for cell in var('cells') %}
  ({{ loop.index0 }}, {{ dbt.string_literal(dbt.escape_single_quotes(cell)) }})
  {{ "," if not loop.last }}
{% endfor %} as t(id, cell)
"""
TABLE = "{{{{ config(materialized='table', file_format='{}') }}}}" + SELECT.replace(
    "{", "{{"
).replace("}", "}}")
MERGE = """{{{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id',
    file_format='{0}') }}}}
select * from {{{{ ref('table_{0}') }}}}"""
SNAPSHOT = """{{% snapshot snapshot_{0} %}}
{{{{ config(file_format='{0}', unique_key='id', strategy='check', check_cols=['cell']) }}}}
select * from {{{{ ref('table_{0}') }}}}
{{% endsnapshot %}}"""
HOOK = (
    "create or replace temporary view hooked_{{ target.schema }} as"
    " select {{ dbt.string_literal(dbt.escape_single_quotes(var('cells')[0])) }} as cell"
)
HOOKED = (
    "{{ config(materialized='table', pre_hook=var('hook')) }}"
    " select cell from hooked_{{ target.schema }}"
)
PYTHON = """
CELLS = {cells}
BLOCK = '''it's \\\\ "so"
   \t
''' + r'\\d+\\''


def model(dbt, session):
    dbt.config(materialized="table", submission_method="{method}")
    return session.createDataFrame(list(enumerate([*CELLS, BLOCK])), "id int, cell string")
"""
# dbt renders Python models, to say that it does not allow Jinja in them.
IN_PYTHON = repr(CELLS).replace("{", "\\x7b").replace("}", "\\x7d")
BLOCK = 'it\'s \\ "so"\n   \t\n' + r"\d+\'"
METHODS = ("glue_session", "spark_connect")


class TestHostileProject:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        described_models = [
            *(described(f"table_{name}", config=settings(name)) for name in FORMATS),
            *(described(f"merge_{name}") for name in MERGED),
            described("a_view"),
        ]
        return {
            **{f"table_{name}.sql": TABLE.format(name) for name in FORMATS},
            **{f"merge_{name}.sql": MERGE.format(name) for name in MERGED},
            "a_view.sql": "select * from {{ ref('table_parquet') }} -- '",
            "hooked.sql": HOOKED,
            **{f"python_{m}.py": PYTHON.format(cells=IN_PYTHON, method=m) for m in METHODS},
            "schema.yml": yaml.safe_dump({"models": described_models}),
        }

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        file = io.StringIO()
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(["id", *NAMES])
        for number, cell in enumerate(CELLS):
            writer.writerow([number, *[cell.replace("\x00", "").replace("\r", "")] * len(NAMES)])
        return {
            "seeded.csv": file.getvalue(),
            "seeds.yml": yaml.safe_dump({"seeds": [described("seeded", columns=[])]}),
        }

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {f"snapshot_{name}.sql": SNAPSHOT.format(name) for name in MERGED}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        docs = {"+persist_docs": {"relation": True, "columns": True}}
        types = {"+column_types": dict.fromkeys(NAMES, "string")}
        return {
            "models": docs,
            "seeds": {**docs, **types},
            "query-comment": {"comment": raw(QUERY_COMMENT), "append": False},
        }

    @pytest.fixture(scope="class")
    def built(self, project: Any) -> Any:
        variables = json.dumps({"cells": CELLS, "hook": HOOK}, ensure_ascii=False)
        said = yaml.safe_dump(json.loads(variables))
        for _ in range(2):
            results = run_dbt(["build", "--vars", said], expect_pass=None)
            assert {r.node.name: r.message for r in results if str(r.status) != "success"} == {}
        run_dbt(["docs", "generate", "--no-compile", "--vars", said])
        return project

    @pytest.mark.parametrize(
        "name",
        [*(f"table_{name}" for name in FORMATS), *(f"merge_{name}" for name in MERGED)]
        + [*(f"snapshot_{name}" for name in MERGED), "a_view"],
    )
    def test_pain_13_rows_are_what_the_project_says(self, built: Any, name: str) -> None:
        assert cells(built, name) == CELLS

    @pytest.mark.parametrize("method", METHODS)
    def test_pain_13_python_models_run_as_written(self, built: Any, method: str) -> None:
        assert cells(built, f"python_{method}") == [*CELLS, BLOCK]

    def test_hooks(self, built: Any) -> None:
        sql = f"select cell from {built.test_schema}.hooked"
        assert built.run_sql(sql, fetch="one")[0] == CELLS[0]

    def test_seeds(self, built: Any) -> None:
        columns = ", ".join("`" + name.replace("`", "``") + "`" for name in NAMES)
        sql = f"select id, {columns} from {built.test_schema}.seeded order by id"
        with built.adapter.connection_named("_test"):  # run_sql takes braces for its own
            _, table = built.adapter.execute(sql, fetch=True)
        for row, cell in zip(table.rows, CELLS, strict=True):
            text = cell.replace("\x00", "").replace("\r", "")
            assert list(row.values())[1:] == [text] * len(NAMES)

    @pytest.mark.parametrize("name", FORMATS)
    def test_comments_and_properties_are_in_the_catalog(
        self, built: Any, glue_client: Any, name: str
    ) -> None:
        table = glue_client.get_table(DatabaseName=built.test_schema, Name=f"table_{name}")["Table"]
        if name == "parquet":  # the formats have them in their metadata
            assert table["Parameters"]["it's a note"] == noted(name)
        prefix = "glue_catalog." if name == "iceberg" else ""
        full = f"{prefix}{built.test_schema}.table_{name}"
        described = built.run_sql(f"describe extended {full}", fetch="all")
        assert dict((row[0], row[2]) for row in described)["cell"] == COMMENT
        shown = built.run_sql(f"show tblproperties {full}", fetch="all")
        assert dict(tuple(row) for row in shown)["it's a note"] == noted(name)

    def test_docs_have_what_the_project_says(self, built: Any) -> None:
        path = Path(built.project_root) / "target" / "catalog.json"
        nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
        for name in (*(f"table_{name}" for name in FORMATS), "merge_iceberg", "a_view"):
            node = nodes[f"model.test.{name}"]
            assert node["metadata"]["comment"] == DESCRIPTION, name
            assert node["columns"]["cell"]["comment"] == COMMENT, name

    def test_the_catalog_has_our_comments(self, built: Any, glue_client: Any) -> None:
        listed = glue_client.get_tables(DatabaseName=built.test_schema)["TableList"]
        comments = {table["Name"]: table_metadata.comment_of(table) for table in listed}
        described = {name for name, comment in comments.items() if comment == DESCRIPTION}
        assert {"a_view", "seeded", *(f"table_{name}" for name in FORMATS)} <= described

    def test_nothing_of_it_has_run(self, built: Any, glue_client: Any) -> None:
        assert CANARY not in os.environ and not os.path.exists(f"/tmp/{CANARY}")
        assert CANARY not in {db["Name"] for db in glue_client.get_databases()["DatabaseList"]}
        for schema in (built.test_schema, "default"):
            assert not built.run_sql(f"show tables in {schema} like '{CANARY}'", fetch="all")
        get = f"java_method('java.lang.System', 'getProperty', '{CANARY}', 'none')"
        assert built.run_sql(f"select {get} as a", fetch="one")[0] == "none"


def settings(file_format: str) -> dict[str, Any]:
    return {"tblproperties": {"it's a note": raw(noted(file_format))}}


def noted(file_format: str) -> str:
    """Hudi splits its properties at these, so that we refuse them."""
    return re.sub(r"[\r\n=]", "", DESCRIPTION) if file_format == "hudi" else DESCRIPTION


def cells(project: Any, name: str) -> list[str]:
    prefix = "glue_catalog." if name.endswith("_iceberg") else ""
    sql = f"select cell from {prefix}{project.test_schema}.{name} order by id"
    return [row[0] for row in project.run_sql(sql, fetch="all")]


class TestWhatNoCommentCanHold:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        columns = [{"name": "id", "description": "nul \x00 and all"}]
        model = {"name": "refused", "columns": columns}
        return {
            "refused.sql": "{{ config(materialized='table') }} select 1 as id",
            "schema.yml": yaml.safe_dump({"models": [model]}),
        }

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        return {"models": {"+persist_docs": {"columns": True}}}

    def test_an_error_says_so(self, project: Any) -> None:
        (result,) = run_dbt(["run"], expect_pass=False)
        assert "no comment of a column with U+0000 in it" in result.message
