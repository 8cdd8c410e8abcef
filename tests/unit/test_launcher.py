"""The launcher's state machine, on a tiny server; one start of the real one at the end."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dbt.adapters.glue.local import jars, java, launcher
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable

FAKE_SERVER = textwrap.dedent(
    """
    import fcntl, json, os, signal, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from pathlib import Path

    mode, folder = sys.argv[1], Path(sys.argv[2])
    if mode == "broken":
        raise SystemExit("no metastore today")
    lock = open(folder / "lock", "a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (folder / "starts").open("a").write("started\\n")
    time.sleep(0.3)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if mode == "mute":
                time.sleep(60)
            self.answer({"pid": os.getpid(), "idle_exit": os.environ["DBT_GLUE_LOCAL_IDLE_EXIT"]})

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "knobs").write_bytes(content)
            self.answer({})

        def answer(self, content):
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler)
    http.daemon_threads = True
    url = f"http://127.0.0.1:{http.server_port}"
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (folder / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
    http.serve_forever()
    """
)

Start = Callable[..., launcher.LocalGlue]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "local glue"
    yield folder
    launcher.stop(folder)


@pytest.fixture
def start(folder: Path, tmp_path: Path) -> Start:
    script = tmp_path / "fake_server.py"
    script.write_text(FAKE_SERVER)

    def start(mode: str = "good", **kwargs: Any) -> launcher.LocalGlue:
        kwargs.setdefault("report", lambda line: None)
        command = [sys.executable, str(script), mode]
        return launcher.ensure_running(folder, server_command=command, **kwargs)

    return start


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text().splitlines())


class TestStart:
    def test_starts_then_attaches_then_stops(self, folder: Path, start: Start) -> None:
        lines: list[str] = []
        first = start(report=lines.append)
        assert start() == first == launcher.status(folder)
        assert starts(folder) == 1
        assert lines[0].startswith("starting local Glue in") and "is ready at" in lines[-1]
        assert launcher.stop(folder) is True
        assert launcher.status(folder) is None
        assert launcher.stop(folder) is False

    def test_concurrent_callers_share_one_server(self, folder: Path, start: Start) -> None:
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: start(), range(6)))
        assert len(set(found)) == 1
        assert starts(folder) == 1

    def test_concurrent_processes_share_one_server(
        self, folder: Path, start: Start, tmp_path: Path
    ) -> None:
        program = (
            "import sys; from dbt.adapters.glue.local import launcher;"
            "r = launcher.ensure_running(sys.argv[1], report=lambda line: None,"
            " server_command=[sys.executable, sys.argv[2], 'good']); print(r.pid)"
        )
        command = [sys.executable, "-c", program, str(folder), str(tmp_path / "fake_server.py")]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        assert len({process.communicate(timeout=60)[0] for process in running}) == 1
        assert starts(folder) == 1

    def test_recovers_from_kill_9(self, folder: Path, start: Start) -> None:
        first = start()
        os.kill(first.pid, signal.SIGKILL)
        second = start()
        assert second.pid != first.pid
        assert launcher.status(folder) == second

    def test_stale_file_that_names_a_foreign_process(self, folder: Path, start: Start) -> None:
        """The pid may belong to somebody else by now: it must not be touched."""
        bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        try:
            folder.mkdir()
            stale = {"pid": bystander.pid, "url": "http://127.0.0.1:9"}
            (folder / "server.json").write_text(json.dumps(stale))
            assert launcher.status(folder) is None
            assert launcher.stop(folder) is False
            assert bystander.poll() is None
            (folder / "server.json").write_text("{ half a fi")
            assert start().pid != bystander.pid
        finally:
            bystander.kill()
            bystander.wait()

    def test_interrupted_start_leaves_no_server(
        self, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        servers: list[subprocess.Popen] = []

        def interrupted(process: subprocess.Popen, *rest: Any) -> None:
            servers.append(process)
            raise KeyboardInterrupt

        monkeypatch.setattr(launcher, "_wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start()
        assert servers[0].wait(10) is not None

    def test_server_that_ends_while_starting(self, folder: Path, start: Start) -> None:
        with pytest.raises(LocalGlueUnavailable, match="exit code 1.*\n.*no metastore today"):
            start("broken")

    def test_live_server_that_does_not_answer(
        self, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(launcher, "_START_TIMEOUT", 1.0)
        monkeypatch.setattr(launcher, "_UNANSWERED_TIMEOUT", 0.5)
        monkeypatch.setattr(launcher, "_HEALTH_TIMEOUT", 0.2)
        holder: list[subprocess.Popen] = []
        real = subprocess.Popen

        def popen(*args: Any, **kwargs: Any) -> subprocess.Popen:
            process = real(*args, **kwargs)
            monkeypatch.setattr(process, "terminate", lambda: None)
            holder.append(process)
            return process

        monkeypatch.setattr(launcher.subprocess, "Popen", popen)
        with pytest.raises(LocalGlueUnavailable, match="does not answer after"):
            start("mute")
        with pytest.raises(LocalGlueUnavailable, match=rf"pid {holder[0].pid}\) holds") as caught:
            start("mute")
        assert "dbt-glue local stop --dir" in str(caught.value)
        assert launcher.stop(folder) is True
        assert holder[0].wait(5) is not None

    def test_stop_ends_a_server_that_ignores_sigterm(
        self, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(launcher, "_STOP_TIMEOUT", 0.3)
        start("deaf")
        assert launcher.stop(folder) is True

    def test_knobs_and_port(self, folder: Path, start: Start) -> None:
        first = start(idle_exit=5.0)
        assert launcher.health(first)["idle_exit"] == "5.0"
        start(latency=1.5)
        assert json.loads((folder / "knobs").read_text()) == {"latency": 1.5}
        with pytest.raises(LocalGlueUnavailable, match="already runs at"):
            start(port=1)


def test_resolve_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_GLUE_LOCAL_DIR", "from-env")
    assert launcher.resolve_dir() == tmp_path / "from-env"
    assert launcher.resolve_dir("given") == tmp_path / "given"
    monkeypatch.delenv("DBT_GLUE_LOCAL_DIR")
    assert launcher.resolve_dir() == Path.home() / ".dbt-glue" / "local"


def test_missing_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launcher.util, "find_spec", lambda name: None)
    with pytest.raises(LocalGlueUnavailable, match=r"pip install 'dbt-glue\[local\]'"):
        launcher.ensure_running(tmp_path / "d", report=lambda line: None)


class TestJava:
    @pytest.fixture(autouse=True)
    def fresh(self) -> Iterator[None]:
        java.java_command.cache_clear()
        yield
        java.java_command.cache_clear()

    def test_versions(self) -> None:
        assert java.java_version('openjdk version "17.0.15" 2025-04-15') == 17
        assert java.java_version('java version "1.8.0_402"') == 8
        assert java.java_version('openjdk version "24-ea" 2025-03-18') == 24
        assert java.java_version("hello") is None

    def test_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(LocalGlueUnavailable, match="Install Java 17"):
            java.java_command()

    def test_too_old(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        command = tmp_path / "bin" / "java"
        command.parent.mkdir()
        command.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
        command.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        with pytest.raises(LocalGlueUnavailable, match="is Java 8; local Glue runs on 11 to 23"):
            java.java_command()


class TestJars:
    @pytest.fixture
    def cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        monkeypatch.setenv("DBT_GLUE_JARS", str(tmp_path / "jars"))
        return tmp_path / "jars"

    @pytest.fixture
    def repository(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """A Maven repository in a folder, with what `delta` and `connect` need, but small."""
        root = tmp_path / "maven"
        for jar in jars.jars_of(("delta", "connect")):
            path = root / jar.address("").lstrip("/")
            path.parent.mkdir(parents=True)
            path.write_bytes(jar.name.encode())
            pom = path.with_suffix(".pom")
            pom.write_text(
                "<project><modelVersion>4.0.0</modelVersion>"
                f"<groupId>{jar.organisation}</groupId><artifactId>{jar.name}</artifactId>"
                f"<version>{jar.revision}</version></project>"
            )
        monkeypatch.setenv("DBT_GLUE_MAVEN_REPOSITORY", root.as_uri())
        return root

    def test_fetched_once_by_callers_at_once(self, cache: Path, repository: Path) -> None:
        lines: list[str] = []
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: jars.ensure_jars(("delta",), report=lines.append), range(2)))
        assert [path.read_bytes() for path in jars.jars_for(["delta"])] == [
            b"delta-spark_2.12",
            b"delta-storage",
        ]
        assert sum(line.startswith("fetching 2 jars (about 8 MB)") for line in lines) == 1
        left = {path.name for path in cache.iterdir()} - {".lock"}
        assert left == {"delta-spark_2.12-3.3.2.jar", "delta-storage-3.3.2.jar"}

    def test_only_what_is_missing(self, cache: Path, repository: Path) -> None:
        cache.mkdir()
        (cache / "delta-storage-3.3.2.jar").write_bytes(b"mine")
        lines: list[str] = []
        jars.ensure_jars(("delta",), report=lines.append)
        assert lines[0].startswith("fetching 1 jars")
        assert (cache / "delta-storage-3.3.2.jar").read_bytes() == b"mine"

    def test_nothing_to_fetch_needs_no_java_and_no_write(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.mkdir()
        for jar in jars.jars_of(jars.ALL):
            (cache / jar.file_name).write_bytes(b"")
        cache.chmod(0o555)
        monkeypatch.setattr(jars, "java_command", lambda: pytest.fail("java asked for"))
        jars.ensure_jars(report=lambda line: pytest.fail(line))

    def test_no_network(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DBT_GLUE_MAVEN_REPOSITORY", "http://127.0.0.1:9/maven2")
        with pytest.raises(LocalGlueUnavailable) as caught:
            jars.ensure_jars(("hudi",), report=lambda line: None)
        text = str(caught.value)
        assert "http://127.0.0.1:9/maven2/org/apache/hudi/hudi-spark3.5-bundle_2.12/1.0.2" in text
        assert str(cache) in text and "DBT_GLUE_JARS" in text
        assert [path.name for path in cache.iterdir()] == [".lock"]

    def test_unknown_format(self) -> None:
        with pytest.raises(ValueError, match="'orc'"):
            jars.jars_of(["orc"])


class TestRealServer:
    def test_start_use_stop(self, tmp_path: Path) -> None:
        local = launcher.ensure_running(tmp_path, report=lambda line: None)
        try:
            modules = launcher.health(local)
            assert modules["pid"] == local.pid
            s3 = local.client("s3")
            s3.create_bucket(Bucket="real")
            s3.put_object(Bucket="real", Key="k", Body=b"x")
            assert (tmp_path / "s3" / "real" / "k").read_bytes() == b"x"
            second = subprocess.run(
                [sys.executable, "-m", "dbt.adapters.glue.local", tmp_path],
                capture_output=True,
                text=True,
            )
            assert second.returncode == 3 and "another local Glue server holds" in second.stderr
        finally:
            assert launcher.stop(tmp_path) is True

    def test_stop_does_not_wait_for_the_metastore_to_start(self, tmp_path: Path) -> None:
        launcher.ensure_running(tmp_path, report=lambda line: None)
        began = time.monotonic()
        assert launcher.stop(tmp_path) is True
        assert time.monotonic() - began < 3

    def test_stats_count_calls_and_bytes_of_every_service(self, tmp_path: Path) -> None:
        import boto3

        local = launcher.ensure_running(
            tmp_path,
            report=lambda line: None,
            driver_memory="1g",
            throttle={"s3:HeadBucket": 1},
        )
        try:
            with urllib.request.urlopen(f"{local.url}/_knobs") as answer:
                assert json.load(answer)["driver_memory"] == "1g"
            options = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
            s3, sts = (
                boto3.client(name, endpoint_url=local.url, region_name="us-east-1", **options)
                for name in ("s3", "sts")
            )
            s3.create_bucket(Bucket="counted")
            s3.put_object(Bucket="counted", Key="k", Body=b"x" * 5000)
            s3.get_object(Bucket="counted", Key="k")["Body"].read()
            s3.head_object(Bucket="counted", Key="k")
            s3.head_bucket(Bucket="counted")  # throttled once, and tried again by boto3
            sts.get_caller_identity()
            with urllib.request.urlopen(f"{local.url}/_stats") as answer:
                stats = json.load(answer)
            assert stats["calls"] == {
                "s3:CreateBucket": 1,
                "s3:PutObject": 1,
                "s3:GetObject": 1,
                "s3:HeadObject": 1,
                "s3:HeadBucket": 2,
                "GetCallerIdentity": 1,
            }
            assert 5000 <= stats["bytes"]["s3:in"] < 6000
            assert 5000 <= stats["bytes"]["s3:out"] < 6000
            assert stats["bytes"]["sts:out"] > 100
        finally:
            launcher.stop(tmp_path)

    def test_idle_exit(self, tmp_path: Path) -> None:
        local = launcher.ensure_running(tmp_path, report=lambda line: None, idle_exit=0.5)
        deadline = time.monotonic() + 20
        while (tmp_path / "server.json").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not (tmp_path / "server.json").exists(), local
        assert launcher.status(tmp_path) is None
