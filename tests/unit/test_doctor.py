"""`dbt-glue doctor`: what it finds, how it says it, and the policies it prints."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from unit.doctor_profile import PROFILE, ROLE, USER, credentials

from dbt.adapters.glue import cli
from dbt.adapters.glue.doctor import (
    access,
    command,
    examination,
    places,
    policy,
    profile,
    report,
    settings,
)
from dbt.adapters.glue.doctor.finding import (
    FAIL,
    PASS,
    SKIP,
    WARN,
    Check,
    Finding,
    Outcome,
    Subject,
    run_checks,
    skipped,
)
from dbt.adapters.glue.exceptions import AccessDenied, ConfigurationError

ASSUMED = "arn:aws:sts::123456789012:assumed-role/CI/run-7"


@pytest.fixture(autouse=True)
def no_local_glue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_GLUE_LOCAL", raising=False)


def subject(clients: Any = None, caller: str = USER, **keys: Any) -> Subject:
    return Subject(credentials(**keys), clients, caller=caller)


def statuses(findings: Any) -> list[str]:
    return [finding.status for finding in findings]


def refused(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def by_sid(document: dict[str, Any]) -> dict[str, Any]:
    return {part["Sid"]: part for part in document["Statement"]}


def statement(**parts: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **parts}]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (statement(Principal={"Service": "glue.amazonaws.com"}), True),
        (statement(Principal={"Service": ["ec2.amazonaws.com", "glue.amazonaws.com"]}), True),
        ({"Statement": statement(Principal={"Service": "glue.amazonaws.com"})["Statement"][0]},
         True),
        (json.dumps(statement(Principal={"Service": "glue.amazonaws.com"})), True),
        (statement(Principal={"Service": "ec2.amazonaws.com"}), False),
        (statement(Principal={"AWS": "glue.amazonaws.com"}), False),
        (statement(Principal="*"), False),
        (statement(Principal={"Service": "glue.amazonaws.com"}, Action="sts:TagSession"), False),
        (statement(Principal={"Service": "glue.amazonaws.com"}, Effect="Deny"), False),
    ],
)  # fmt: skip
def test_trusts_glue(document: Any, expected: bool) -> None:
    assert access.trusts_glue(document) is expected


@pytest.fixture
def iam() -> Iterator[Any]:
    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stub:
        yield SimpleNamespace(client=client, stub=stub, clients=SimpleNamespace(iam=client))
        stub.assert_no_pending_responses()


def role_answer(arn: str = ROLE, document: Any = None) -> dict[str, Any]:
    trust = policy.trust_policy(credentials()) if document is None else document
    return {
        "Role": {
            "Path": "/service/",
            "RoleName": arn.rpartition("/")[2],
            "RoleId": "AROA1234567890123456",
            "Arn": arn,
            "CreateDate": "2026-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": json.dumps(trust),
        }
    }


class TestRole:
    def test_trusts_glue(self, iam: Any) -> None:
        iam.stub.add_response("get_role", role_answer(), {"RoleName": "GlueRole"})
        assert statuses(access.role(subject(iam.clients))) == [PASS]

    def test_does_not_trust_glue(self, iam: Any) -> None:
        iam.stub.add_response("get_role", role_answer(document={"Statement": []}))
        (found,) = access.role(subject(iam.clients))
        assert found.status == FAIL and "--policy trust" in (found.fix or "")

    def test_path_is_wrong(self, iam: Any) -> None:
        iam.stub.add_response("get_role", role_answer(ROLE.replace("service/", "")))
        assert statuses(access.role(subject(iam.clients))) == [FAIL]

    def test_does_not_exist(self, iam: Any) -> None:
        iam.stub.add_client_error("get_role", "NoSuchEntity", "cannot be found", 404)
        (found,) = access.role(subject(iam.clients))
        assert found.status == FAIL and "no such role" in found.told

    def test_may_not_be_looked_at(self, iam: Any) -> None:
        iam.stub.add_client_error("get_role", "AccessDenied", "not authorized")
        assert statuses(access.role(subject(iam.clients))) == [WARN]

    def test_of_another_account(self, iam: Any) -> None:
        (found,) = access.role(subject(iam.clients, USER.replace("123456789012", "999999999999")))
        assert found.status == FAIL and "999999999999" in found.told

    def test_not_on_local_glue(self, iam: Any) -> None:
        for check in (access.role, access.caller_permissions, access.role_permissions):
            assert statuses(check(subject(iam.clients, local=True))) == [SKIP]


class TestPermissions:
    def simulate(self, iam: Any, wanted: Any, denied: set[str]) -> None:
        for part in wanted["Statement"]:
            results = [
                {"EvalActionName": a, "EvalDecision": "implicitDeny" if a in denied else "allowed"}
                for a in part["Action"]
            ]
            answer = {"EvaluationResults": results, "IsTruncated": False}
            iam.stub.add_response("simulate_principal_policy", answer)

    def test_all_are_there(self, iam: Any) -> None:
        self.simulate(iam, policy.client_policy(credentials()), set())
        (found,) = access.caller_permissions(subject(iam.clients))
        assert found.status == PASS and USER in found.told

    def test_what_is_missing_is_named(self, iam: Any) -> None:
        self.simulate(iam, policy.client_policy(credentials()), {"glue:GetTables", "iam:PassRole"})
        first, second = access.caller_permissions(subject(iam.clients))
        assert (first.status, first.told) == (FAIL, f"{USER} may not: glue:GetTables")
        assert "statement CatalogRead of `dbt-glue doctor --policy client`" in (first.fix or "")
        assert "iam:PassRole" in second.told

    def test_pain_23_each_role_is_told_apart(self, iam: Any) -> None:
        """Which of the two identities lacks which permission."""
        self.simulate(iam, policy.service_role_policy(credentials()), {"s3:PutObject"})
        (found,) = access.role_permissions(subject(iam.clients))
        assert found.told == f"{ROLE} may not: s3:PutObject"
        assert "--policy service-role" in (found.fix or "")

    def test_a_role_that_is_assumed_is_asked_about_by_its_own_arn(self, iam: Any) -> None:
        arn = "arn:aws:iam::123456789012:role/ci/CI"
        iam.stub.add_response("get_role", role_answer(arn), {"RoleName": "CI"})
        self.simulate(iam, policy.client_policy(credentials()), set())
        (found,) = access.caller_permissions(subject(iam.clients, ASSUMED))
        assert found.told.startswith(arn)

    @pytest.mark.parametrize(
        "arn", [USER.replace("user/ann", "root"), ASSUMED.replace("assumed-role", "federated-user")]
    )
    def test_who_cannot_be_asked_about(self, iam: Any, arn: str) -> None:
        assert statuses(access.caller_permissions(subject(iam.clients, arn))) == [WARN]

    def test_may_not_be_asked(self, iam: Any) -> None:
        iam.stub.add_client_error("simulate_principal_policy", "AccessDenied", "not authorized")
        (found,) = access.caller_permissions(subject(iam.clients))
        assert found.status == WARN and "iam:SimulatePrincipalPolicy" in (found.fix or "")

    def test_pages_samples_and_conditions(self, iam: Any) -> None:
        part = by_sid(policy.client_policy(credentials()))["List"]
        expected = {
            "PolicySourceArn": USER,
            "ActionNames": ["s3:ListBucket"],
            "ResourceArns": ["arn:aws:s3:::my-bucket"],
            "ContextEntries": [
                {
                    "ContextKeyName": "s3:prefix",
                    "ContextKeyValues": ["warehouse"],
                    "ContextKeyType": "string",
                }
            ],
        }
        first = {"EvaluationResults": [], "IsTruncated": True, "Marker": "m"}
        iam.stub.add_response("simulate_principal_policy", first, expected)
        result = {"EvalActionName": "s3:listbucket", "EvalDecision": "allowed"}
        last = {"EvaluationResults": [result], "IsTruncated": False}
        iam.stub.add_response("simulate_principal_policy", last, {**expected, "Marker": "m"})
        assert access._denied(subject(iam.clients), USER, part) == []

    @pytest.mark.parametrize(
        ("pattern", "sample"),
        [
            ("*", "*"),
            ("arn:aws:glue:r:1:table/sales*/*", "arn:aws:glue:r:1:table/sales/dbt_glue_doctor"),
            (
                "arn:aws:glue:r:1:table/*/*",
                "arn:aws:glue:r:1:table/dbt_glue_doctor/dbt_glue_doctor",
            ),
            ("arn:aws:glue:r:1:catalog", "arn:aws:glue:r:1:catalog"),
            ("arn:aws:s3:::b/w/*", "arn:aws:s3:::b/w/dbt_glue_doctor"),
        ],
    )
    def test_sample(self, pattern: str, sample: str) -> None:
        assert access._sample(pattern) == sample


class TestSettings:
    def test_a_good_profile(self) -> None:
        for check in (settings.session, settings.formats, settings.conf, settings.transport):
            assert statuses(check(subject())) == [PASS], check

    def test_conf_that_is_too_long(self) -> None:
        with pytest.raises(ConfigurationError, match="4096"):
            list(settings.session(subject(conf={f"spark.a{i}": "x" * 100 for i in range(50)})))

    def test_workers_that_are_not_set(self) -> None:
        assert statuses(settings.session(subject(workers=None))) == [PASS, WARN]
        assert statuses(settings.session(subject(workers=None, local=True))) == [PASS]

    def test_formats_of_the_version(self) -> None:
        (found,) = settings.formats(subject(glue_version="5.0", datalake_formats="delta,hudi"))
        assert found.told == "Glue 5.0: Spark 3.5.4, delta 3.3.0, hudi 0.15.0"
        assert statuses(settings.formats(subject(glue_version="4.0"))) == [PASS, WARN]
        assert statuses(settings.formats(subject(glue_version="auto"))) == [WARN]
        ansi = list(settings.formats(subject(glue_version="6.0")))
        assert "ANSI" in ansi[1].told

    def test_every_version_of_the_profile_is_known(self) -> None:
        from dbt.adapters.glue.session.spec import GLUE_VERSIONS

        assert {*settings.VERSIONS, "auto"} == set(GLUE_VERSIONS)

    def test_extensions_that_leave_a_format_out(self) -> None:
        conf = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension"}
        (found,) = settings.conf(subject(conf=conf, datalake_formats="delta,iceberg"))
        assert found.status == FAIL and "iceberg" in found.told and "delta" not in found.told

    def test_a_catalog_that_is_not_delta_s(self) -> None:
        conf = {"spark.sql.catalog.spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog"}
        assert statuses(settings.conf(subject(conf=conf, datalake_formats="delta"))) == [FAIL]
        assert statuses(settings.conf(subject(conf=conf, datalake_formats="iceberg"))) == [PASS]

    def test_static_overwrite(self) -> None:
        conf = {"spark.sql.sources.partitionOverwriteMode": "static"}
        (found,) = settings.conf(subject(conf=conf))
        assert found.status == WARN and "every partition" in found.told

    def test_spark_connect_where_there_is_none(self) -> None:
        with pytest.raises(ConfigurationError, match="5.1 or later"):
            list(settings.transport(subject(session_type="spark_connect", glue_version="5.0")))

    def test_spark_connect_for_want_of_libraries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lacking = "grpc is not installed (pip install 'dbt-glue[connect]')"
        for module in ("dbt.adapters.glue.session_choice", settings.__name__):
            monkeypatch.setattr(f"{module}.client_problem", lambda: lacking)
        (found,) = settings.transport(subject())
        assert found.status == WARN and "pip install" in (found.fix or "")
        assert statuses(settings.transport(subject(session_type="livy"))) == [PASS]


class Glue:
    """The answers of a catalog: an exception is raised, all else is returned."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.asked.append((operation, request))
            answer = self._answers[operation]
            answer = answer(request) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def clients(region: str = "eu-west-1", **services: Any) -> Any:
    return SimpleNamespace(region=region, **services)


GONE = refused("EntityNotFoundException", "GetDatabase")


class TestPlaces:
    def test_location(self) -> None:
        s3 = Glue(list_objects_v2={"KeyCount": 1, "IsTruncated": False})
        assert statuses(places.location(subject(clients(s3=s3)))) == [PASS]
        ((_, request),) = s3.asked
        assert request == {"Bucket": "my-bucket", "Prefix": "warehouse/", "MaxKeys": 1}

    def test_no_location(self) -> None:
        assert statuses(places.location(subject(location=None))) == [WARN]

    def test_bucket_of_another_region(self) -> None:
        headers = {"x-amz-bucket-region": "us-east-1"}
        there = {"IsTruncated": False, "ResponseMetadata": {"HTTPHeaders": headers}}
        found = list(places.location(subject(clients(s3=Glue(list_objects_v2=there)))))
        assert statuses(found) == [PASS, WARN] and "us-east-1" in found[1].told

    def test_bucket_that_is_denied(self) -> None:
        s3 = Glue(list_objects_v2=refused("AccessDenied", "ListObjectsV2"))
        check = Check("location", places.location)
        (outcome,) = run_checks([check], subject(clients(s3=s3)))
        (found,) = outcome.findings
        assert found.status == FAIL and "ListObjectsV2, AccessDenied" in found.told
        assert "s3:ListBucket" in (found.fix or "")

    def test_bucket_that_local_glue_makes_later(self) -> None:
        s3 = Glue(list_objects_v2=refused("NoSuchBucket", "ListObjectsV2"))
        assert statuses(places.location(subject(clients(s3=s3), local=True))) == [PASS]

    def test_databases(self) -> None:
        glue = Glue(
            get_database={"Database": {"LocationUri": "s3://b/s"}}, get_tables={"TableList": []}
        )
        (found,) = places.databases(subject(clients(glue=glue), catalog_id="444455556666"))
        assert (found.status, found.told) == (PASS, "sales exists, at s3://b/s")
        assert all(request["CatalogId"] == "444455556666" for _, request in glue.asked)

    def test_schema_that_the_first_run_makes(self) -> None:
        (found,) = places.databases(subject(clients(glue=Glue(get_database=GONE))))
        assert found.status == PASS and "first run" in found.told

    def test_temp_schema_must_exist(self) -> None:
        found = list(
            places.databases(subject(clients(glue=Glue(get_database=GONE)), temp_schema="Tmp"))
        )
        assert statuses(found) == [PASS, FAIL] and "tmp" in found[1].told

    def test_other_errors_are_errors(self) -> None:
        glue = Glue(get_database=refused("AccessDeniedException", "GetDatabase"))
        with pytest.raises(AccessDenied):
            list(places.databases(subject(clients(glue=glue))))

    def test_connections(self) -> None:
        answers = {
            "there": {},
            "gone": GONE,
            "denied": refused("AccessDeniedException", "GetConnection"),
        }
        glue = Glue(get_connection=lambda request: answers[request["Name"]])
        asked = subject(clients(glue=glue), connections="there, gone,denied")
        assert statuses(places.connections(asked)) == [PASS, FAIL, WARN]
        assert all(request["HidePassword"] for _, request in glue.asked)
        assert statuses(places.connections(subject())) == [SKIP]

    def test_sessions(self) -> None:
        listed = [{"Status": "READY"}, {"Status": "STOPPED"}, {"Status": "PROVISIONING"}]
        listed.append({"Status": "STOPPING"})  # as `dbt-glue sessions list` has it
        glue = Glue(list_sessions={"Sessions": listed})
        (found,) = places.sessions(subject(clients(glue=glue)))
        assert found.told.startswith("2 of dbt-glue are active")


class TestRunning:
    def test_a_check_that_hangs_has_failed(self) -> None:
        def hang(_: Subject) -> Iterator[Finding]:
            time.sleep(30)
            yield Finding(PASS, "late")

        started = time.monotonic()
        checks = [Check("a", hang, 0.2), Check("b", lambda _: [Finding(PASS, "ok")])]
        first, second = run_checks(checks, subject())
        assert time.monotonic() - started < 5
        assert first.failed and first.findings[0].told == "No answer within 0 s."
        assert not second.failed

    def test_checks_run_side_by_side(self) -> None:
        def slow(_: Subject) -> list[Finding]:
            time.sleep(0.3)
            return [Finding(PASS, "ok")]

        started = time.monotonic()
        run_checks([Check(str(i), slow) for i in range(8)], subject())
        assert time.monotonic() - started < 1.5

    def test_a_bug_is_not_a_finding(self) -> None:
        def broken(_: Subject) -> list[Finding]:
            raise ZeroDivisionError("a bug")

        with pytest.raises(ZeroDivisionError):
            run_checks([Check("a", broken)], subject())

    def test_what_was_left_out_is_named(self) -> None:
        (outcome,) = skipped([Check("a", lambda _: []), Check("b", lambda _: [])], "why")
        assert outcome.findings[0] == Finding(SKIP, "why: a, b")


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


OUTCOMES = [
    Outcome("profile", [Finding(PASS, "shop"), Finding(WARN, "wokers is not used", "Look.")], 0.1),
    Outcome("role", [Finding(FAIL, "It does not trust Glue. " * 8, "Set its policy. " * 8)], 0.2),
]


def written(stream: Any) -> str:
    made = report.Report(stream, ["profile", "role"])
    for outcome in OUTCOMES:
        made.outcome(outcome)
    made.summary(OUTCOMES)
    return str(stream.getvalue())


class TestReport:
    @pytest.fixture(autouse=True)
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "80")

    def test_a_file_has_no_colour(self) -> None:
        text = written(io.StringIO())
        assert "\x1b" not in text
        lines = text.splitlines()
        assert lines[0] == "pass  profile  shop"
        assert lines[1] == "warn           wokers is not used"
        assert lines[2] == "               -> Look."
        assert lines[-1] == "1 pass, 1 warn, 1 fail, 0 skip"
        assert max(map(len, lines)) <= 100

    def test_a_terminal(self) -> None:
        lines = written(Terminal()).splitlines()
        assert lines[0] == "\x1b[32mpass\x1b[0m  profile  shop"
        assert "→ Look." in lines[2]
        assert max(len(line.replace("\x1b[31m", "").replace("\x1b[0m", "")) for line in lines) <= 80

    def test_a_narrow_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("NO_COLOR", "1")
        lines = written(Terminal()).splitlines()
        assert lines[:2] == ["pass  profile", "  shop"]
        assert max(map(len, lines)) <= 40

    def test_a_terminal_that_cannot_show_an_arrow(self) -> None:
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="ascii")
        made = report.Report(stream, ["a"])
        made.outcome(Outcome("a", [Finding(FAIL, "4 × G.1X", "Do.")], 0))
        assert raw.getvalue() == b"fail  a  4 ? G.1X\n         -> Do.\n"

    def test_secrets_are_stars(self) -> None:
        told = "conf: got 'fs.s3a.secret.key=hush', at https://me:hush@host/"
        outcome = Outcome("conf", [Finding(FAIL, told, told)], 0)
        stream = io.StringIO()
        report.Report(stream, ["conf"]).outcome(outcome)
        assert "hush" not in stream.getvalue() + report.as_json([outcome])

    def test_json(self) -> None:
        told = json.loads(report.as_json(OUTCOMES))
        assert told["counts"] == {"pass": 1, "warn": 1, "fail": 1, "skip": 0}
        assert told["findings"][1] == {
            "check": "profile",
            "status": "warn",
            "told": "wokers is not used",
            "fix": "Look.",
            "seconds": 0.1,
        }


@pytest.fixture
def dbt_as_it_was() -> Iterator[None]:
    """dbt's flags and event manager are of the whole process."""
    from dbt.flags import get_flags, set_flags
    from dbt_common.events.event_manager_client import get_event_manager

    flags, manager = get_flags(), get_event_manager()
    loggers, callbacks = list(manager.loggers), list(manager.callbacks)
    yield
    set_flags(flags)
    manager.loggers[:], manager.callbacks[:] = loggers, callbacks


@pytest.mark.usefixtures("dbt_as_it_was")
class TestProfile:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("DBT_PROFILES_DIR", "DBT_PROJECT_DIR", "DBT_PROFILE", "DBT_TARGET"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: \"{{ var('p') }}\"\n")
        rendered = {**PROFILE, "type": "glue", "schema": "{{ env_var('SCHEMA') }}", "wokers": 3}
        outputs = {"dev": rendered, "other": {"type": "duckdb"}}
        text = yaml.safe_dump({"shop": {"target": "dev", "outputs": outputs}})
        (tmp_path / "profiles.yml").write_text(text)
        return tmp_path

    VARS = ["--vars", "{p: shop}"]

    def test_as_dbt_reads_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        loaded = profile.load(self.VARS)
        assert loaded.credentials.schema == "sales"
        assert loaded.place.startswith("shop, target dev, ")
        assert loaded.warnings == ["wokers is not used; did you mean workers?"]

    def test_python_beside_sql(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        (folder / "models").mkdir()
        (folder / "models" / "a.sql").write_text("-- pysql\n{{ execute_pyspark('x') }}")
        assert profile.load(self.VARS).python_use == "models/a.sql:2"

    def test_without_a_project(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        (folder / "dbt_project.yml").unlink()
        assert profile.load(["--profile", "shop"]).credentials.schema == "sales"
        with pytest.raises(ConfigurationError, match="No dbt_project.yml") as caught:
            profile.load([])
        assert "--project-dir" in (caught.value.hint or "")

    def test_a_variable_that_is_not_set(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError, match="Env var required but not provided: 'SCHEMA'"):
            profile.load(self.VARS)

    @pytest.mark.parametrize(
        ("words", "told"),
        [(["--vars", "a: ["], "not valid YAML"), (["--project-dir", "nowhere"], "nowhere")],
    )
    def test_a_command_line_that_dbt_refuses(
        self, folder: Path, words: list[str], told: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=told) as caught:
            profile.load(words)
        assert "command line" in (caught.value.hint or "")

    @pytest.mark.parametrize(
        ("target", "words"), [("nope", "a target named 'nope'"), ("other", "duckdb")]
    )
    def test_a_target_that_will_not_do(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, target: str, words: str
    ) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        with pytest.raises(ConfigurationError, match=words):
            profile.load([*self.VARS, "--target", target])

    def test_a_wrong_value(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        text = (folder / "profiles.yml").read_text().replace("s3://my-bucket", "/my-bucket")
        (folder / "profiles.yml").write_text(text)
        with pytest.raises(ConfigurationError, match="location: got '/my-bucket/warehouse'"):
            profile.load(self.VARS)

    def test_secret_variables_are_not_shown(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SCHEMA", "sales")
        monkeypatch.setenv("DBT_ENV_SECRET_PLACE", "hush-hush")
        text = (folder / "profiles.yml").read_text()
        text = text.replace("s3://my-bucket/warehouse", "\"{{ env_var('DBT_ENV_SECRET_PLACE') }}\"")
        (folder / "profiles.yml").write_text(text)
        with pytest.raises(ConfigurationError, match="location: got") as caught:
            profile.load(self.VARS)
        assert "hush-hush" not in str(caught.value)


class TestCommand:
    @pytest.fixture
    def found(self, monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
        outcomes: list[Outcome] = []
        asked: dict[str, Any] = {}

        def examine(arguments: Any, **options: Any) -> list[Outcome]:
            asked.update(options, arguments=arguments)
            for outcome in outcomes:
                options["done"](outcome)
            return outcomes

        monkeypatch.setattr(examination, "examine", examine)
        self.asked = asked
        return outcomes

    def outcome(self, status: str) -> Outcome:
        return Outcome("profile", [Finding(status, "told", "fix")], 0.0)

    @pytest.mark.parametrize(
        ("status", "options", "code"),
        [(PASS, [], 0), (SKIP, [], 0), (WARN, [], 0), (WARN, ["--strict"], 1), (FAIL, [], 1)],
    )
    def test_exit_code(
        self, found: list[Outcome], status: str, options: list[str], code: int
    ) -> None:
        found.append(self.outcome(status))
        assert cli.main(["doctor", *options]) == code

    def test_options_reach_dbt(self, found: list[Outcome]) -> None:
        words = ["--project-dir", "p", "-t", "prod", "--vars", "{a: 1}", "--timeout", "5"]
        cli.main(["doctor", *words, "--session"])
        assert self.asked["arguments"] == [
            *("--project-dir", "p", "--target", "prod", "--vars", "{a: 1}"),
        ]
        assert (self.asked["make_session"], self.asked["seconds"]) == (True, 5.0)

    def test_json_is_all_of_stdout(self, found: list[Outcome], capsys: Any) -> None:
        found.append(self.outcome(FAIL))
        assert cli.main(["doctor", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["counts"]["fail"] == 1

    @pytest.mark.parametrize("words", [["--timeout", "0"], ["--timeout", "x"], ["--policy", "x"]])
    def test_wrong_usage(self, words: list[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main(["doctor", *words])
        assert caught.value.code == 2

    @pytest.mark.parametrize("which", command.WHOSE)
    def test_policy_is_all_of_stdout(
        self, which: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        loaded = profile.Loaded(credentials(), "")
        monkeypatch.setattr(profile, "load", lambda arguments: loaded)
        assert cli.main(["doctor", "--policy", which]) == 0
        assert json.loads(capsys.readouterr().out)["Version"] == "2012-10-17"

    @pytest.fixture
    def keys(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """The file of ~/.aws/config; no keys of this machine."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        loaded = profile.Loaded(credentials(), "place")
        monkeypatch.setattr(profile, "load", lambda arguments: loaded)
        return tmp_path / "config"

    def failed(self) -> list[tuple[str, str]]:
        outcomes = examination.examine([], make_session=False, seconds=5)
        return [(o.check, o.findings[0].told) for o in outcomes if o.failed]

    def test_half_a_key_pair_is_a_finding(
        self, keys: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
        ((check, told),) = self.failed()
        assert check == "credentials" and told.startswith("Partial credentials found in env")

    def test_a_broken_config_of_aws_is_a_finding(self, keys: Path) -> None:
        keys.write_text("[profile p")
        ((check, told),) = self.failed()
        assert check == "credentials" and told.startswith("Unable to parse config file")

    def test_an_aws_profile_that_is_not_there_is_a_finding(
        self, keys: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        assert self.failed() == [
            ("credentials", "The config profile (nobody) could not be found"),
        ]

    def test_the_aws_profile_of_dbt_counts(
        self, keys: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        keys.write_text("[profile team]\n")
        sts = Glue(get_caller_identity={"Arn": USER, "Account": "123456789012"})
        asked = subject(clients(sts=sts), aws_profile_name="team")
        assert statuses(access.credentials(asked)) == [PASS]
        assert statuses(settings.session(asked)) == [PASS]

    def test_a_profile_that_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def load(arguments: Any) -> Any:
            raise ConfigurationError("no such target", hint="Choose another.")

        monkeypatch.setattr(profile, "load", load)
        first, others = examination.examine([], make_session=True, seconds=1)
        assert first.findings == [Finding(FAIL, "no such target", "Choose another.")]
        assert "location" in others.findings[0].told

    def test_without_credentials_nothing_else_is_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        denied = refused("ExpiredToken", "GetCallerIdentity", "The token is expired")
        sts = Glue(get_caller_identity=denied)
        loaded = profile.Loaded(credentials(), "place")
        monkeypatch.setattr(profile, "load", lambda arguments: loaded)
        monkeypatch.setattr(examination, "GlueClients", lambda told: clients(sts=sts))
        outcomes = examination.examine([], make_session=True, seconds=5)
        assert [o.check for o in outcomes if o.failed] == ["credentials"]
        assert "aws sso login" in (outcomes[-2].findings[0].fix or "")
        assert outcomes[-1].findings[0].status == SKIP
