"""LF-tags, data cells filters and their grants, on every kind of node, read back from the API."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from dbt.tests.util import run_dbt
from dbt_common.exceptions import DbtRuntimeError
from functional.conftest import TRANSPORT

pytestmark = pytest.mark.slow

ANALYST = "arn:aws:iam::123456789012:role/analyst"
INTERN = "arn:aws:iam::123456789012:role/intern"
READS = {"GetResourceLFTags", "ListDataCellsFilter", "ListPermissions"}

TAGGED = """
{{ config(
    lf_tags_config={
        'enabled': true,
        'drop_existing': var('drop', false),
        'tags_database': {'lf_team': 'sales'},
        'tags_table': {'lf_level': var('level', 'low')},
        'tags_columns': {'lf_pii': {'yes': var('private', ['email', 'id']), 'no': ['day']}},
    },
    lf_grants={'data_cell_filters': {
        'enabled': true,
        'drop_existing': var('drop', false),
        'filters': {
            var('filter', 'rows'): {
                'row_filter': "id > 1",
                'principals': var('principals', [ANALYST, INTERN]),
                'excluded_column_names': ['Email'],
            },
        },
    }},
) }}
select 1 as id, 'a@b' as email, date '2026-01-01' as day
""".replace("ANALYST", f"'{ANALYST}'").replace("INTERN", f"'{INTERN}'")

PYTHON = """
def model(dbt, session):
    dbt.config(materialized="table", submission_method="METHOD")
    return session.sql("select 1 as id, 'a@b' as email, date '2026-01-01' as day")
""".replace("METHOD", "spark_connect" if TRANSPORT == "spark_connect" else "glue_session")

SNAPSHOT = """
{% snapshot tagged_snapshot %}
{{ config(strategy='check', unique_key='id', check_cols='all', file_format='iceberg',
          target_schema=target.schema) }}
select * from {{ ref('tagged_seed') }}
{% endsnapshot %}
"""

PROPERTIES = """
models:
  - name: tagged_python
    config: {lf_tags_config: {enabled: true, tags_columns: {lf_pii: {"yes": [email]}}}}
"""

# Each fails for a reason of its own, and says this of it.
BAD = {
    "bad_shape": (
        "lf_tags_config={'enabled': true, 'tags': {'lf_level': 'low'}}",
        ["lf_tags_config: got the key 'tags', expected one of enabled, drop_existing"],
    ),
    "bad_tag": (
        "lf_tags_config={'enabled': true, 'tags_table': {'lf_absent': 'x', 'lf_level': 'mid'}}",
        ["lf_absent=x: Tag or tag value does not exist", "lf_level=mid: Tag", "bad_tag"],
    ),
    "bad_column": (
        "lf_tags_config={'enabled': true, 'tags_columns': {'lf_pii': {'yes': ['mail']}}}",
        ["tags_columns: got mail, expected columns that the Data Catalog has of", "bad_column: id"],
    ),
    "bad_grant": (
        "lf_grants={'data_cell_filters': {'enabled': true, 'filters': {'f': {"
        f"'row_filter': 'true', 'principals': ['{INTERN}']"
        "}}}}",
        [f"(SELECT of {INTERN} on data cells filter f", "lakeformation:BatchGrantPermissions in"],
    ),
}

NODES = ("tagged_table", "tagged_iceberg", "tagged_increment", "tagged_view")


@pytest.fixture(scope="class")
def lakeformation(lakeformation_client: Any) -> Iterator[Any]:
    """The client, with the LF-tags of this project."""
    client = lakeformation_client
    tags = {"lf_level": ["low", "high"], "lf_pii": ["yes", "no"], "lf_team": ["sales", "none"]}
    for key, values in tags.items():
        client.create_lf_tag(TagKey=key, TagValues=values)
    yield client
    for key in tags:
        client.delete_lf_tag(TagKey=key)


class TestLakeFormation:
    @pytest.fixture(scope="class")
    def dbt_profile_target(
        self, dbt_profile_target: dict[str, Any], lakeformation: Any
    ) -> dict[str, Any]:
        return {**dbt_profile_target, "lf_tags": "lf_team=none"}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        kinds = {
            "tagged_table": "materialized='table'",
            "tagged_iceberg": "materialized='table', file_format='iceberg'",
            "tagged_increment": "materialized='incremental', incremental_strategy='append'",
            "tagged_view": "materialized='view'",
        }
        files = {
            f"{name}.sql": f"{{{{ config({config}) }}}} {TAGGED}" for name, config in kinds.items()
        }
        bad = {
            f"{name}.sql": f"{{{{ config(materialized='table', {config}) }}}} select 1 as id"
            for name, (config, _) in BAD.items()
        }
        other = "{{ config(schema='lf') }} select 1 as id"
        return {
            **files,
            "bad": bad,
            "elsewhere": {"other.sql": other},
            "tagged_python.py": PYTHON,
            "properties.yml": PROPERTIES,
        }

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"tagged_seed.csv": "id,email\n1,a@b\n2,c@d\n"}

    @pytest.fixture(scope="class")
    def snapshots(self) -> dict[str, str]:
        return {"tagged_snapshot.sql": SNAPSHOT}

    @pytest.fixture(scope="class")
    def project_config_update(self) -> dict[str, Any]:
        of_table = {"enabled": True, "tags_table": {"lf_level": "high"}}
        return {
            "seeds": {"+lf_tags_config": of_table},
            "snapshots": {
                "+lf_tags_config": {**of_table, "tags_columns": {"lf_pii": {"yes": ["email"]}}}
            },
        }

    @staticmethod
    def table(project: Any, name: str) -> dict[str, Any]:
        return {"DatabaseName": project.test_schema, "Name": name}

    def tags(self, project: Any, lakeformation: Any, name: str) -> tuple[Any, Any]:
        """(tags of the table, tags of each column)."""
        answer = lakeformation.get_resource_lf_tags(
            Resource={"Table": self.table(project, name)}, ShowAssignedLFTags=True
        )
        columns = {
            each["Name"]: plain(each["LFTags"]) for each in answer.get("LFTagsOnColumns", ())
        }
        return plain(answer.get("LFTagsOnTable", ())), columns

    def filters(self, project: Any, lakeformation: Any, name: str) -> dict[str, Any]:
        """Filter -> (rows, excluded columns, principals)."""
        found = {}
        for each in lakeformation.list_data_cells_filter(Table=self.table(project, name))[
            "DataCellsFilters"
        ]:
            key = ("TableCatalogId", "DatabaseName", "TableName", "Name")
            resource = {"DataCellsFilter": {part: each[part] for part in key}}
            grants = lakeformation.list_permissions(Resource=resource)
            found[each["Name"]] = (
                each["RowFilter"]["FilterExpression"],
                each["ColumnWildcard"]["ExcludedColumnNames"],
                {
                    grant["Principal"]["DataLakePrincipalIdentifier"]
                    for grant in grants["PrincipalResourcePermissions"]
                },
            )
        return found

    def of_database(self, lakeformation: Any, name: str) -> dict[str, str]:
        answer = lakeformation.get_resource_lf_tags(Resource={"Database": {"Name": name}})
        return plain(answer.get("LFTagOnDatabase", ()))

    def test_every_kind_of_node(
        self, project: Any, lakeformation: Any, calls: Callable[[], dict[str, int]]
    ) -> None:
        # The fixture of dbt's tests has made the schema, with the tags of the profile.
        assert self.of_database(lakeformation, project.test_schema) == {"lf_team": "none"}
        others = ["build", "--exclude", "bad", "elsewhere"]
        calls()
        run_dbt([*others])
        first = of_lake_formation(calls())
        self.check_first_state(project, lakeformation)
        assert first["GetCallerIdentity"] == 1
        assert first["GetResourceLFTags"] == 8  # seven nodes, and the database of four of them

        calls()
        # These are made again in each run, and have no tags then.
        run_dbt([*others, "tagged_table", "tagged_view", "tagged_python"])
        again = of_lake_formation(calls())
        self.check_first_state(project, lakeformation)
        assert set(again) - READS == {"GetCallerIdentity"}

        dropping = {
            "drop": True,
            "level": "high",
            "private": ["id"],
            "filter": "renamed",
            "principals": [INTERN],
        }
        run_dbt(["run", "--select", *NODES, "--vars", json.dumps(dropping)])
        columns = {"id": {"lf_pii": "yes"}, "day": {"lf_pii": "no"}}
        for name in NODES:
            assert self.tags(project, lakeformation, name) == ({"lf_level": "high"}, columns), name
            found = self.filters(project, lakeformation, name)
            assert found == {"renamed": ("id > 1", ["email"], {INTERN})}, name

    def test_errors_say_what_is_missing(
        self, project: Any, glue_client: Any, turn: Callable[..., None]
    ) -> None:
        turn(fail={"BatchGrantPermissions": ["AccessDeniedException", 1]})
        results = run_dbt(["run", "--select", "bad"], expect_pass=False)
        messages = {result.node.name: str(result.message) for result in results}
        for name, (_, said) in BAD.items():
            assert [text for text in said if text not in messages[name]] == [], messages[name]
        tables = glue_client.get_tables(DatabaseName=project.test_schema)["TableList"]
        names = {table["Name"] for table in tables}
        assert names & set(BAD) == set(BAD) - {"bad_shape"}  # that one sent no SQL

    def test_a_new_database_is_tagged_or_not_kept(
        self,
        project: Any,
        lakeformation: Any,
        glue_client: Any,
        turn: Callable[..., None],
        calls: Callable[[], dict[str, int]],
    ) -> None:
        database = f"{project.test_schema}_lf"
        turn(fail={"AddLFTagsToResource": ["AccessDeniedException", 1]})
        with pytest.raises(DbtRuntimeError, match=f"LF-tags lf_team=none of database {database}"):
            run_dbt(["run", "--select", "elsewhere"])
        with pytest.raises(ClientError, match="EntityNotFoundException"):
            glue_client.get_database(Name=database)
        calls()
        run_dbt(["run", "--select", "elsewhere"])
        asked = of_lake_formation(calls())
        assert asked == {"GetResourceLFTags": 1, "AddLFTagsToResource": 1}
        assert self.of_database(lakeformation, database) == {"lf_team": "none"}

    def check_first_state(self, project: Any, lakeformation: Any) -> None:
        assert self.of_database(lakeformation, project.test_schema) == {"lf_team": "sales"}
        columns = {
            "id": {"lf_pii": "yes"},
            "email": {"lf_pii": "yes"},
            "day": {"lf_pii": "no"},
        }
        for name in NODES:
            assert self.tags(project, lakeformation, name) == ({"lf_level": "low"}, columns), name
            found = self.filters(project, lakeformation, name)
            assert found == {"rows": ("id > 1", ["email"], {ANALYST, INTERN})}, name
        private = {"email": {"lf_pii": "yes"}}
        assert self.tags(project, lakeformation, "tagged_seed") == ({"lf_level": "high"}, {})
        assert self.tags(project, lakeformation, "tagged_snapshot") == (
            {"lf_level": "high"},
            private,
        )
        assert self.tags(project, lakeformation, "tagged_python") == ({}, private)


class TestWithoutLakeFormation:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {
            "plain.sql": "{{ config(materialized='table') }} select * from {{ ref('numbers') }}",
            "elsewhere.sql": "{{ config(schema='new') }} select 1 as id",
            "off.sql": "{{ config(lf_tags_config={'enabled': false, 'tags_table': {'a': 'b'}}, "
            "lf_grants={'data_cell_filters': {'enabled': false}}) }} select 1 as id",
        }

    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"numbers.csv": "id\n1\n"}

    def test_pain_23_lake_formation_is_not_called_unless_configured(
        self, project: Any, calls: Callable[[], dict[str, int]]
    ) -> None:
        run_dbt(["build"])
        counted = calls()
        assert counted["CreateDatabase"] == 1
        assert of_lake_formation(counted) == {}


def plain(pairs: Any) -> dict[str, str]:
    return {pair["TagKey"]: pair["TagValues"][0] for pair in pairs}


def of_lake_formation(calls: dict[str, int]) -> dict[str, int]:
    """The calls of Lake Formation and STS among them."""
    session = botocore.session.get_session()
    names = {
        name
        for service in ("lakeformation", "sts")
        for name in session.get_service_model(service).operation_names
    }
    return {name: count for name, count in calls.items() if name in names}
