"""The dbt-glue command: what it prints, and with which exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbt.adapters.glue import cli
from dbt.adapters.glue.exceptions import AccessDenied
from dbt.adapters.glue.local import launcher
from dbt.adapters.glue.local.launcher import LocalGlue
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable
from dbt.adapters.glue.session.spec import process_tag
from dbt.adapters.glue.sessions_command import duration


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalGlue:
    """As if a server ran; the launcher has tests of its own."""
    local = LocalGlue("http://127.0.0.1:1234", 4711, tmp_path / "lg")
    (local.local_dir / "s3" / "b").mkdir(parents=True)
    (local.local_dir / "s3" / "b" / "k").write_bytes(b"x" * 200_000)
    told = {"pid": 4711, "sessions": 2, "started": datetime.now().timestamp() - 125}
    monkeypatch.setattr(launcher, "ensure_running", lambda *args, **kwargs: local)
    monkeypatch.setattr(launcher, "status", lambda folder=None: local)
    monkeypatch.setattr(launcher, "health", lambda local: told)
    return local


def test_local_prepare_takes_formats_as_the_profile_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(launcher, "prepare", lambda formats, report: asked.append(formats))
    assert cli.main(["local", "prepare", "--datalake-formats", "Hudi, delta"]) == 0
    assert cli.main(["local", "prepare"]) == 0
    assert asked == [("hudi", "delta"), ("iceberg", "delta", "hudi")]
    assert cli.main(["local", "prepare", "--datalake-formats", "paimon"]) == 1


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["local"],
            ["local", "fly"],
            ["sessions"],
            ["leftovers"],
            ["local", "start", "--port", "x"],
        ],
    )
    def test_wrong_usage(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            *[[], ["local"], ["local", "start"], ["local", "run"]],
            *[["sessions"], ["sessions", "stop"], ["leftovers"], ["leftovers", "remove"]],
        ],
    )
    def test_help(self, arguments: list[str], capsys: pytest.CaptureFixture) -> None:
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, "--help"])
        assert caught.value.code == 0
        assert "usage: dbt-glue" in capsys.readouterr().out

    def test_nothing_of_dbt_or_aws_is_imported(self) -> None:
        """A status line must not take the two seconds of dbt's imports."""
        code = "import sys; import dbt.adapters.glue.cli; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        loaded = set(done.stdout.split())
        assert "dbt.adapters.glue.local.launcher" in loaded
        assert not loaded & {"dbt.adapters.base", "dbt_common", "boto3", "pyspark", "agate"}

    def test_expected_errors_have_no_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise LocalGlueUnavailable("no java here")

        monkeypatch.setattr(launcher, "ensure_running", fail)
        assert cli.main(["local", "start"]) == 1
        assert capsys.readouterr().err == "dbt-glue: no java here\n"

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [(3, "3 s"), (200, "3 min"), (7500, "2 h 5 min"), (270_000, "3 d 3 h")],
    )
    def test_duration(self, seconds: float, expected: str) -> None:
        assert duration(seconds) == expected


class TestLocal:
    def test_status(self, running: LocalGlue, capsys: pytest.CaptureFixture) -> None:
        assert cli.main(["local", "status", "--dir", str(running.local_dir)]) == 0
        lines = dict(
            (line[:10].strip(), line[10:]) for line in capsys.readouterr().out.splitlines()
        )
        assert lines["url"] == running.url
        assert (lines["pid"], lines["sessions"], lines["up for"]) == ("4711", "2", "2 min")
        assert lines["data"].startswith("0.2 MB in ")
        assert running.url in lines["boto3"]

    def test_nothing_runs(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        assert cli.main(["local", "status", "--dir", str(tmp_path)]) == 1
        assert cli.main(["local", "stop", "--dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out == f"no local Glue runs on {tmp_path}\n" * 2


class TestRun:
    """`local run` becomes the command, so it is looked at from a process of its own."""

    def run(self, running: LocalGlue, folder: Path, *command: str) -> subprocess.CompletedProcess:
        program = (
            "import sys; from pathlib import Path\n"
            "from dbt.adapters.glue import cli\n"
            "from dbt.adapters.glue.local import launcher\n"
            f"local = launcher.LocalGlue({running.url!r}, 1, Path({str(running.local_dir)!r}))\n"
            "launcher.ensure_running = lambda *args, **kwargs: local\n"
            "sys.exit(cli.main(sys.argv[1:]))"
        )
        env = {**os.environ, "HOME": str(folder), "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "t"}
        env.pop("DBT_PROFILES_DIR", None)
        return subprocess.run(
            [sys.executable, "-c", program, "local", "run", *command],
            capture_output=True,
            text=True,
            cwd=folder,
            env=env,
        )

    def test_environment_and_exit_code(self, running: LocalGlue, tmp_path: Path) -> None:
        code = "import json, os, sys; print(json.dumps(dict(os.environ))); sys.exit(7)"
        done = self.run(running, tmp_path, "--", sys.executable, "-c", code)
        assert done.returncode == 7
        environment = json.loads(done.stdout)
        assert environment.items() >= launcher.environment(running).items()
        assert "AWS_PROFILE" not in environment and "AWS_SESSION_TOKEN" not in environment
        assert "DBT_PROFILES_DIR" not in environment

    def test_profile_is_made(self, running: LocalGlue, tmp_path: Path) -> None:
        (tmp_path / "dbt_project.yml").write_text("name: Shop\nprofile: shop\n")
        code = "import os; print(open(os.environ['DBT_PROFILES_DIR'] + '/profiles.yml').read())"
        done = self.run(running, tmp_path, sys.executable, "-c", code)
        assert yaml.safe_load(done.stdout)["shop"]["outputs"]["local"] == {
            "type": "glue",
            "local": True,
            "local_dir": str(running.local_dir),
            "schema": "shop",
            "threads": 4,
        }
        assert "no dbt profile for this project" in done.stderr

    def test_absent_command(self, running: LocalGlue, tmp_path: Path) -> None:
        done = self.run(running, tmp_path, "--", "no-such-command")
        assert done.returncode == 127
        assert done.stderr.endswith("dbt-glue: no-such-command: No such file or directory\n")
        assert self.run(running, tmp_path, "--").returncode == 2


class TestProfileFor:
    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
        project = tmp_path / "project"
        project.mkdir()
        (project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
        return project

    def made(self, project: Path, *command: str, **environment: str) -> Path | None:
        return cli.profile_for(["dbt", "build", *command], project, environment, project / "lg")

    def test_where_dbt_looks(self, project: Path) -> None:
        assert self.made(project) == project / "lg" / "profiles"
        for folder in (project.parent / "home" / ".dbt", project.parent / "elsewhere"):
            folder.mkdir(parents=True)
            (folder / "profiles.yml").write_text("shop: {}\n")
        assert self.made(project) is None
        (project / "profiles.yml").write_text("other: {}\n")
        assert self.made(project) is not None
        assert self.made(project, DBT_PROFILES_DIR=str(project.parent / "elsewhere")) is None
        assert self.made(project, "--profiles-dir", "x") is None
        assert self.made(project, "--profile=other") is None

    def test_several_projects_in_one_folder(self, project: Path) -> None:
        self.made(project)
        made = self.made(project, "--profile", "second")
        assert made is not None
        assert list(yaml.safe_load((made / "profiles.yml").read_text())) == ["shop", "second"]

    def test_no_project(self, project: Path) -> None:
        assert self.made(project.parent) is None
        assert self.made(project.parent, "--project-dir", "project") is not None


class FakeGlue:
    def __init__(self) -> None:
        now = datetime.now(timezone.utc)
        self.sessions = [
            {"Id": "old", "Status": "STOPPED", "CreatedOn": now - timedelta(days=2)},
            {
                "Id": "dbt-glue-1",
                "Status": "READY",
                "CreatedOn": now - timedelta(minutes=7),
                "NumberOfWorkers": 5,
                "WorkerType": "G.1X",
                "GlueVersion": "5.0",
            },
            {"Id": "dbt-glue-2", "Status": "PROVISIONING", "CreatedOn": now},
        ]
        self.stopped: list[str] = []
        self.refuse: str | None = None
        self.process = "laptop/4711"
        self.kept: dict[str, str] = {}

    def list_sessions(self, Tags: dict[str, str], NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        assert Tags == {"dbt-glue": "session"}
        at = int(NextToken)
        more = {"NextToken": str(at + 1)} if at + 1 < len(self.sessions) else {}
        return {"Sessions": self.sessions[at : at + 1], **more}

    def get_tags(self, ResourceArn: str) -> dict[str, Any]:  # noqa: N803
        assert ResourceArn.startswith("arn:aws:glue:eu-west-1:123456789012:session/")
        if ResourceArn.endswith("dbt-glue-2"):
            raise AccessDenied("no", operation="GetTags", code="AccessDeniedException")
        return {"Tags": {"dbt-glue-process": self.process, **self.kept}}

    def stop_session(self, Id: str) -> dict[str, Any]:  # noqa: N803
        if self.refuse == Id:
            raise AccessDenied("not yours", operation="StopSession", code="AccessDeniedException")
        self.stopped.append(Id)
        return {"Id": Id}


class TestSessions:
    @pytest.fixture
    def glue(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGlue]:
        glue = FakeGlue()

        class Clients:
            region = "eu-west-1"

            def __init__(self, settings: Any) -> None:
                self.glue = glue
                self.sts = self

            def get_caller_identity(self) -> dict[str, str]:
                return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me"}

        monkeypatch.setattr("dbt.adapters.glue.clients.get_clients", Clients)
        yield glue

    def test_list(self, glue: FakeGlue, capsys: pytest.CaptureFixture) -> None:
        assert cli.main(["sessions", "list"]) == 0
        head, *lines = capsys.readouterr().out.splitlines()
        assert head.split() == ["ID", "STATE", "AGE", "WORKERS", "GLUE", "STARTED", "BY"]
        assert [line.split()[0] for line in lines] == ["dbt-glue-2", "dbt-glue-1"]
        assert "7 min" in lines[1] and "5 x G.1X" in lines[1]
        assert lines[1].endswith("laptop, pid 4711")
        assert lines[0].endswith("unknown (GetTags: AccessDeniedException)")
        cli.main(["sessions", "list", "--all"])
        assert "old" in capsys.readouterr().out

    def test_stop(self, glue: FakeGlue, capsys: pytest.CaptureFixture) -> None:
        assert cli.main(["sessions", "stop", "dbt-glue-1"]) == 0
        assert glue.stopped == ["dbt-glue-1"]
        assert cli.main(["sessions", "stop", "foreign", "dbt-glue-2"]) == 1
        assert glue.stopped == ["dbt-glue-1", "dbt-glue-2"]
        assert "foreign: no active session that dbt-glue started" in capsys.readouterr().err

    def test_stop_goes_on_after_a_refusal(
        self, glue: FakeGlue, capsys: pytest.CaptureFixture
    ) -> None:
        glue.refuse = "dbt-glue-2"
        assert cli.main(["sessions", "stop", "--everywhere"]) == 1
        assert glue.stopped == ["dbt-glue-1"]
        assert "not yours" in capsys.readouterr().err

    def test_pain_24_sessions_of_others_are_left_alone(
        self, glue: FakeGlue, capsys: pytest.CaptureFixture
    ) -> None:
        """dbt-glue-1 was started on another machine; who started dbt-glue-2 is not to be had."""
        for option in ("--all", "--left"):
            assert cli.main(["sessions", "stop", option]) == 0
            told = capsys.readouterr()
            assert "dbt-glue-2: left alone, since who started it is unknown" in told.err
            assert told.out == "none of the active sessions\n"
        assert glue.stopped == []

    def test_sessions_of_this_machine(self, glue: FakeGlue, capsys: pytest.CaptureFixture) -> None:
        glue.process = process_tag()  # this one, which lives
        assert cli.main(["sessions", "stop", "--left"]) == 0 and glue.stopped == []
        assert cli.main(["sessions", "stop", "--all"]) == 0 and glue.stopped == ["dbt-glue-1"]

    def test_sessions_of_processes_that_have_ended(
        self, glue: FakeGlue, capsys: pytest.CaptureFixture
    ) -> None:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        host, _, *namespace = process_tag().split("/")
        glue.process = "/".join([host, str(dead.pid), *namespace])
        cli.main(["sessions", "list"])
        assert f"{host}, pid {dead.pid}, which has ended" in capsys.readouterr().out
        cli.main(["sessions", "list", "--json"])
        first, second = json.loads(capsys.readouterr().out)
        assert first["StartedBy"] == {"why": "GetTags: AccessDeniedException"}
        assert second["StartedBy"]["ended"] and second["Id"] == "dbt-glue-1"
        assert cli.main(["sessions", "stop", "--left"]) == 0 and glue.stopped == ["dbt-glue-1"]
        glue.stopped.clear()
        glue.kept = {"dbt-glue-kept": "true"}
        cli.main(["sessions", "list"])
        assert "which has ended; kept for the next run" in capsys.readouterr().out
        assert cli.main(["sessions", "stop", "--left"]) == 0 and glue.stopped == []
        glue.kept = {}
        glue.process = "/".join([host, str(dead.pid), "1"])  # of another container
        glue.stopped.clear()
        assert cli.main(["sessions", "stop", "--left"]) == 0 and glue.stopped == []

    def test_stop_what(self, glue: FakeGlue) -> None:
        assert cli.main(["sessions", "stop"]) == 2
        assert cli.main(["sessions", "stop", "x", "--all"]) == 2
        with pytest.raises(SystemExit):
            cli.main(["sessions", "stop", "--left", "--all"])
        assert glue.stopped == []

    def test_local_dir_without_a_server(
        self, tmp_path: Path, capsys: pytest.CaptureFixture
    ) -> None:
        assert cli.main(["sessions", "list", "--local-dir", str(tmp_path)]) == 1
        assert f"no local Glue runs on {tmp_path}" in capsys.readouterr().err
