"""What goes wrong outside of dbt: one message with the next step, and no traceback.

A server of the test's own answers every AWS call; `dbt` is a process of its own.
"""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/GlueRole"
RUN_DBT = "from dbt.cli.main import cli; cli()"
EXPIRED = (400, "ExpiredTokenException", "The security token included in the request is expired")
NO_PASS_ROLE = (
    400,
    "AccessDeniedException",
    f"User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: {ROLE}",
)
NO_TABLE = (400, "EntityNotFoundException", "Entity Not Found")
NO_BUCKET = (404, "NoSuchBucket", "The specified bucket does not exist")
NO_WRITE = (403, "AccessDenied", "Access Denied")

Failures = dict[str, tuple[int, str, str]]


class Aws(BaseHTTPRequestHandler):
    """An account with an empty catalog and sessions that never become ready, but for `failures`."""

    failures: Failures = {}
    answers: dict[str, Any] = {
        "GetDatabases": {"DatabaseList": [{"Name": "s"}]},
        "GetTables": {"TableList": []},
        "CreateSession": {"Session": {"Id": "x", "Status": "PROVISIONING"}},
        "GetSession": {"Session": {"Id": "x", "Status": "PROVISIONING"}},
    }

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self.headers.get("X-Amz-Target", "s3").rpartition(".")[2]
        failure = self.failures.get(operation) or self.failures.get("*")
        if failure is None and operation == "GetTable":
            failure = NO_TABLE
        if failure is None:
            status, body = 200, json.dumps(self.answers.get(operation, {}))
        elif operation == "s3":
            status, code, message = failure
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        else:
            status, code, message = failure
            body = json.dumps({"__type": code, "message": message})
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def aws() -> Iterator[Callable[[Failures], str]]:
    servers = []

    def start(failures: Failures) -> str:
        handler = type("Failing", (Aws,), {"failures": failures})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def dbt(folder: Path, *command: str, source: str = "", **profile: Any) -> tuple[int, str]:
    target = {
        "type": "glue",
        "schema": "s",
        "threads": 1,
        "role_arn": ROLE,
        "region": "eu-west-1",
        "location": "s3://bucket/w",
        **profile,
    }
    outputs = {"d": {key: value for key, value in target.items() if value is not None}}
    files = {
        "dbt_project.yml": "name: p\nversion: '1.0'\nprofile: p\nflags: {use_colors: false}\n",
        "profiles.yml": json.dumps({"p": {"target": "d", "outputs": outputs}}),
        "models/v.sql": "select 1 as id",
        "seeds/words.csv": "id,word\n1,a\n",
        "models/sources.yml": source,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", RUN_DBT, *command],
        cwd=folder,
        env={
            **{"PATH": "/usr/bin:/bin", "HOME": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
            **{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "failures", "told", "next_step"),
    [
        ("run", {"*": EXPIRED}, EXPIRED[2], "Sign in again"),
        ("run", {"CreateSession": EXPIRED}, EXPIRED[2], "Sign in again"),
        (
            "run",
            {"CreateSession": NO_PASS_ROLE},
            "iam:PassRole on resource",
            "Allow it iam:PassRole",
        ),
        ("seed", {"s3": NO_BUCKET}, NO_BUCKET[2], "create the bucket"),
        ("seed", {"s3": NO_WRITE}, "Access Denied", "s3:PutObject"),
    ],
)
def test_aws_refuses(
    tmp_path: Path, aws: Any, command: str, failures: Failures, told: str, next_step: str
) -> None:
    code, output = dbt(tmp_path, command, endpoint_url=aws(failures))
    assert code != 0
    assert told in output and next_step in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({"role_arn": None}, "role_arn: got nothing, expected the IAM role of the session"),
        ({"role_arn": "GlueRole"}, "role_arn: got 'GlueRole', expected an ARN such as"),
        ({"database": "other"}, "database: got 'other', expected no database, or the same"),
        ({"location": "bucket/w"}, "location: got 'bucket/w', expected s3://bucket"),
    ],
)
def test_the_profile_cannot_work(tmp_path: Path, profile: dict[str, Any], told: str) -> None:
    code, output = dbt(tmp_path, "parse", **profile)
    assert code != 0 and told in output and "Traceback" not in output


def test_the_database_of_a_source_is_not_used_and_that_is_said_once(tmp_path: Path) -> None:
    source = "sources: [{name: o, database: raw, schema: o, tables: [{name: t}, {name: u}]}]"
    code, output = dbt(tmp_path, "parse", source=source)
    assert code == 0, output
    assert len(re.findall("database: raw is not used", output)) == 1
    manifest = json.loads((tmp_path / "target/manifest.json").read_text())
    assert {node["relation_name"] for node in manifest["sources"].values()} == {
        "`o`.`t`",
        "`o`.`u`",
    }
