"""The AWS operations that the code calls, and the IAM policies that follow from them."""

import ast
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from unit.doctor_profile import ROLE, USER, credentials

from dbt.adapters.glue import cli
from dbt.adapters.glue.doctor import access, policy

PACKAGE = Path(cli.__file__).parent


@pytest.fixture(autouse=True)
def no_local_glue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)


class TestOperations:
    """The one list of AWS operations, against the code and against AWS's models."""

    SERVICES = ("glue", "s3", "sts", "lakeformation", "iam")

    def models(self) -> dict[str, list[str]]:
        session = botocore.session.Session()
        return {name: session.get_service_model(name).operation_names for name in self.SERVICES}

    def called(self) -> set[str]:
        """`x.glue.get_table`, `x._s3.put_object`, `s3().get_object`; and names of operations in
        quotes, as `call("GetTable", …)` and Lake Formation's have them."""
        models = self.models()
        methods = {
            service: {xform_name(name): name for name in names} for service, names in models.items()
        }
        found = set()
        for path in sorted(PACKAGE.rglob("*.py")):
            top = path.relative_to(PACKAGE).parts[0]
            if top in ("local", "explained") or path.name in ("policy.py", "retries.py"):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute):
                    holder = node.value.func if isinstance(node.value, ast.Call) else node.value
                    name = getattr(holder, "attr", getattr(holder, "id", "")).strip("_")
                    if operation := methods.get(name, {}).get(node.attr):
                        found.add(f"{name}:{operation}")
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    owner = next((s for s in models if node.value in models[s]), None)
                    found |= {f"{owner}:{node.value}"} if owner else set()
        return found

    def listed(self) -> set[str]:
        return {name for names in policy.OPERATIONS.values() for name in names}

    def test_what_the_code_calls_is_what_the_policy_lists(self) -> None:
        called, listed = self.called(), self.listed()
        assert called - listed == set(), "called, and not in doctor/policy.py"
        assert listed - called - policy.IMPLIED == set(), "in doctor/policy.py, and not called"

    def test_they_are_operations_of_aws(self) -> None:
        models = self.models()
        for name in self.listed():
            service, operation = name.split(":")
            assert operation in models[service], name

    def test_each_needs_an_action_of_a_statement(self) -> None:
        elsewhere = {*policy.OPERATIONS["Doctor"], *policy.OPERATIONS["Role"]}
        wanted = set(policy.actions(self.listed() - elsewhere))
        made = policy.client_policy(credentials(lf_tags="a=b"))["Statement"]
        assert wanted | {"iam:PassRole"} == {a for part in made for a in part["Action"]}


def by_sid(document: dict[str, Any]) -> dict[str, Any]:
    return {part["Sid"]: part for part in document["Statement"]}


class TestPolicy:
    def test_is_of_this_profile(self) -> None:
        made = by_sid(policy.client_policy(credentials()))
        arn = "arn:aws:glue:eu-west-1:123456789012:"
        assert made["Sessions"]["Resource"] == [f"{arn}session/*"]
        assert made["CatalogWrite"]["Resource"] == [
            f"{arn}catalog",
            f"{arn}database/sales*",
            f"{arn}table/sales*/*",
        ]
        assert f"{arn}database/*" in made["CatalogRead"]["Resource"]
        assert made["Data"]["Resource"] == "arn:aws:s3:::my-bucket/warehouse/*"
        assert made["PassTheServiceRole"]["Resource"] == ROLE
        assert "glue:GetSessionEndpoint" in made["Sessions"]["Action"]

    def test_listing_sessions_has_no_resource(self) -> None:
        """AWS's own AwsGlueSessionUserRestrictedPolicy gives it on `*`, and so it is asked."""
        made = by_sid(policy.client_policy(credentials()))
        assert made["ListSessions"]["Action"] == ["glue:ListSessions"]
        assert made["ListSessions"]["Resource"] == "*"
        assert "glue:ListSessions" not in made["Sessions"]["Action"]
        assert access._sample(made["ListSessions"]["Resource"]) == "*"

    def test_partition_catalog_and_temp_schema(self) -> None:
        role = "arn:aws-cn:iam::111122223333:role/R"
        made = by_sid(
            policy.client_policy(
                credentials(
                    role_arn=role, region="cn-north-1", catalog_id="444455556666", temp_schema="tmp"
                )
            )
        )
        assert made["Sessions"]["Resource"] == ["arn:aws-cn:glue:cn-north-1:111122223333:session/*"]
        assert (
            "arn:aws-cn:glue:cn-north-1:444455556666:table/tmp*/*"
            in (made["CatalogWrite"]["Resource"])
        )

    def test_a_location_that_is_a_whole_bucket(self) -> None:
        made = by_sid(policy.client_policy(credentials(location="s3://my-bucket")))
        assert made["Data"]["Resource"] == "arn:aws:s3:::my-bucket/*"
        assert "Condition" not in made["List"]

    def test_without_a_location(self) -> None:
        assert not {"Data", "List"} & set(by_sid(policy.client_policy(credentials(location=None))))

    def test_calls_made_as_the_session_role(self) -> None:
        given = credentials(use_interactive_session_role_for_api_calls=True)
        assert by_sid(policy.client_policy(given)).keys() == {"Assume"}
        service = by_sid(policy.service_role_policy(given))
        assert {"Sessions", "PassTheServiceRole", "SparkCatalogWrite"} <= service.keys()
        trust = policy.trust_policy(given, USER)["Statement"][0]
        assert trust["Principal"] == {"Service": "glue.amazonaws.com", "AWS": USER}

    def test_what_else_the_session_role_needs(self) -> None:
        service = by_sid(
            policy.service_role_policy(
                credentials(connections="vpc", extra_jars="s3://jars/a.jar, s3://jars/b.jar")
            )
        )
        assert service["Files"]["Resource"] == [
            "arn:aws:s3:::jars/a.jar",
            "arn:aws:s3:::jars/b.jar",
        ]
        assert "ec2:CreateNetworkInterface" in service["Network"]["Action"]
        assert not {"Files", "Network"} & by_sid(policy.service_role_policy(credentials())).keys()

    def test_table_buckets_are_catalogs_of_their_own(self) -> None:
        service = by_sid(policy.service_role_policy(credentials(s3_tables={"lake": "lake-1"})))
        arn = "arn:aws:glue:eu-west-1:123456789012:"
        assert f"{arn}table/s3tablescatalog/lake-1/*/*" in service["SparkCatalogRead"]["Resource"]
        assert service["TableBuckets"]["Action"] == ["lakeformation:GetDataAccess"]

    def test_a_table_bucket_of_another_account(self) -> None:
        given = credentials(s3_tables={"lake": "arn:aws:s3tables:r:999999999999:bucket/lake-b"})
        read = by_sid(policy.client_policy(given))["CatalogRead"]["Resource"]
        arn = "arn:aws:glue:eu-west-1:999999999999:"
        assert [resource for resource in read if "999999999999" in resource] == [
            f"{arn}catalog",
            f"{arn}catalog/s3tablescatalog",
            f"{arn}catalog/s3tablescatalog/lake-b",
            f"{arn}database/s3tablescatalog/lake-b/*",
            f"{arn}table/s3tablescatalog/lake-b/*/*",
        ]
        assert not [r for r in read if "s3tables" in r and "999999999999" not in r]

    def test_table_buckets_of_one_account_name_it_once(self) -> None:
        given = credentials(s3_tables={"a": "lake-a", "b": "lake-b"})
        read = by_sid(policy.client_policy(given))["CatalogRead"]["Resource"]
        assert len(read) == len(set(read))
        assert "arn:aws:glue:eu-west-1:123456789012:catalog/s3tablescatalog/lake-b" in read

    def test_trust(self) -> None:
        made = policy.trust_policy(credentials(), USER)
        assert made["Statement"][0]["Principal"] == {"Service": "glue.amazonaws.com"}
        assert access.trusts_glue(made)
