"""No secret in what dbt, the doctor and local Glue print and write, at any level.

dbt is a process of its own, at the log level debug. Marks stand where secrets can: environment,
~/.aws, the profile.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from functional.conftest import stop_sessions

pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::123456789012:role/GlueRole"
SESSION = "functional-tests-secrets"
MARKS = {
    name: f"mark-of-{name.replace('_', '-')}-7f3a"
    for name in (
        *("key_of_environment", "token_of_environment", "key_of_file", "token_of_file"),
        *("s3a_key", "jdbc_password", "url_password", "argument", "external_id"),
        *("env_secret", "raised"),
    )
}
CONF = {
    "spark.hadoop.fs.s3a.secret.key": MARKS["s3a_key"],
    "spark.my.jdbc.url": f"jdbc:mysql://h/db?user=u&password={MARKS['jdbc_password']}",
    "spark.my.endpoint": f"https://me:{MARKS['url_password']}@host/",
    "spark.my.token": "{{ env_var('DBT_ENV_SECRET_TOKEN') }}",
    "spark.my.raised.password": MARKS["raised"],
}
MODELS = {
    "fine.sql": "{{ config(materialized='table') }} select 1 as id",
    "of_target.sql": 'select "{{ target.conf }} {{ target.default_arguments }}" as t',
    # Spark puts the conf's values in
    "raises.sql": "{{ config(materialized='table') }} "
    "select cast(raise_error('raised: ${spark.my.raised.password}') as int) as id",
    "prints.py": """
def model(dbt, session):
    dbt.config(materialized="table")
    print("the password is", session.conf.get("spark.my.raised.password"))
    return session.createDataFrame([(1,)], "id int")
""",
    "breaks.py": """
def model(dbt, session):
    dbt.config(materialized="table")
    if session:
        raise ValueError(session.conf.get("spark.my.raised.password"))
    return session.sql("select 1 as id")
""",
}


class Quoting(BaseHTTPRequestHandler):
    """AWS, which refuses a session and quotes what it was asked for."""

    answers = {"GetDatabases": {"DatabaseList": []}, "GetTables": {"TableList": []}}

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        status, answer = 200, self.answers.get(operation, {})
        if operation == "CreateSession":
            quoted = json.loads(request)["DefaultArguments"]
            status = 400
            answer = {
                "__type": "ValidationException",
                "message": f"1 validation error detected: Value '{quoted}' at 'defaultArguments'",
            }
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Done(NamedTuple):
    code: int
    output: str


class Place:
    """A dbt project with marks in its profile."""

    def __init__(self, folder: Path, local_glue: Any, quoting: str) -> None:
        self.folder = folder
        self.local_dir = Path(local_glue.local_dir)
        target = {
            "type": "glue",
            "schema": "secrets",
            "threads": 2,
            "role_arn": ROLE,
            "region": local_glue.region,
            "endpoint_url": local_glue.url,
            "location": "s3://functional-tests/secrets",
            "datalake_formats": "iceberg",
            "glue_version": "5.1",
            "workers": 2,
            "worker_type": "G.1X",
            "session_type": "livy",
            "glue_session_id": SESSION,
            "glue_session_reuse": True,
            "conf": CONF,
            "default_arguments": {"--DB_PASSWORD": MARKS["argument"]},
            "assume_role_arn": "arn:aws:iam::123456789012:role/DbtClient",
            "assume_role_external_id": MARKS["external_id"],
        }
        broken = {**CONF, "spark.serializer": "no.such.Serializer"}
        outputs = {
            "dev": target,
            "of_file": {**target, "aws_profile_name": "team"},
            "connect": {
                **target,
                "session_type": "spark_connect",
                "glue_session_id": f"{SESSION}-connect",
            },
            "broken": {**target, "conf": broken, "glue_session_reuse": False},
            "quoted": {
                **{key: value for key, value in target.items() if "assume" not in key},
                **{"endpoint_url": quoting, "glue_session_reuse": False},
            },
            "no_setting": {**target, "conf": f"spark.my.password {MARKS['s3a_key']}"},
        }
        files = {
            "dbt_project.yml": "name: p\nversion: '1.0'\nprofile: p\nflags: {use_colors: false}\n",
            "profiles.yml": json.dumps({"p": {"target": "dev", "outputs": outputs}}),
            ".aws/credentials": "[team]\naws_access_key_id = AKIATEAM\n"
            f"aws_secret_access_key = {MARKS['key_of_file']}\n"
            f"aws_session_token = {MARKS['token_of_file']}\n",
            **{f"models/{name}": text for name, text in MODELS.items()},
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self._given = {folder / name for name in files}

    def run(self, *command: str) -> Done:
        environment = {
            **{"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            **{"AWS_ACCESS_KEY_ID": "AKIAMINE", "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
            "AWS_SECRET_ACCESS_KEY": MARKS["key_of_environment"],
            "AWS_SESSION_TOKEN": MARKS["token_of_environment"],
            "DBT_ENV_SECRET_TOKEN": MARKS["env_secret"],
        }
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return Done(done.returncode, done.stdout)

    def dbt(self, *command: str) -> Done:
        levels = ("--log-level", "debug", "--log-level-file", "debug")
        return self.run("-c", "from dbt.cli.main import cli; cli()", *levels, *command)

    def marks_in(self, done: Done) -> list[str]:
        """Marks in the output, or in a file of the project that the test did not write."""
        texts = {"output": done.output}
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self._given:
                texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
        return [f"{name} in {where}" for where, text in texts.items() for name in marks_of(text)]


def marks_of(text: str) -> list[str]:
    return [name for name, mark in MARKS.items() if mark in text]


@pytest.fixture(scope="module")
def quoting() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, local_glue: Any, glue_client: Any, quoting: str
) -> Iterator[Place]:
    yield Place(tmp_path_factory.mktemp("secrets"), local_glue, quoting)
    stop_sessions(glue_client, SESSION)


def test_runs_and_failures(place: Place) -> None:
    done = place.dbt("run")
    assert done.code == 1 and "PASS=3" in done.output and "ERROR=2" in done.output
    assert "the password is *****" in done.output
    assert "raised: *****" in done.output and "ValueError: *****" in done.output
    assert "DB_PASSWORD" in done.output  # of_target's SQL
    assert place.marks_in(done) == []


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("--log-format", "json", "debug", "--target", "of_file"), 0, "All checks passed!"),
        (("run", "--select", "fine", "--target", "connect"), 0, "PASS=1"),
        (("run", "--select", "fine", "--target", "broken"), 1, "no.such.Serializer"),
        (("run", "--select", "of_target", "--target", "quoted"), 1, "validation error detected"),
        (("debug", "--target", "no_setting"), 1, "expected key=value"),
        (("docs", "generate"), 0, "Catalog written"),
    ],
)
def test_commands(place: Place, command: tuple[str, ...], code: int, told: str) -> None:
    done = place.dbt(*command)
    assert done.code == code and told in done.output, done.output[-3000:]
    assert place.marks_in(done) == []
    assert "x-aws-proxy-auth" not in done.output


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 0), (("--json", "--target", "no_setting"), 1)],
)
def test_the_doctor(place: Place, options: tuple[str, ...], code: int) -> None:
    done = place.run("-m", "dbt.adapters.glue.cli", "doctor", *options)
    assert done.code == code, done.output
    assert place.marks_in(done) == []


def test_logs_of_local_glue(place: Place) -> None:
    """After the tests above; Spark itself logs what a query raises."""
    logs = [path for path in (place.local_dir / "log").rglob("*") if path.is_file()]
    assert len(logs) >= 2
    found = {str(path): marks_of(path.read_text("utf-8", "replace")) for path in logs}
    assert {path: set(marks) - {"raised"} for path, marks in found.items()} == {
        str(path): set() for path in logs
    }
