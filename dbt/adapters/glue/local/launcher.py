"""Find, start and stop the local Glue server of a folder.

`local_dir/server.json` says where the server listens; the server holds `local_dir/lock` (flock) as
long as it lives, so a server.json whose lock is free is left over from a process that was killed.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

from .class_archive import make_archive
from .exclusive import held
from .jars import FORMATS, ensure_jars
from .java import java_command
from .knobs import Knobs
from .unavailable import LocalGlueUnavailable

DEFAULT_DIR = "~/.dbt-glue/local"
DIR_ENVIRONMENT = "DBT_GLUE_LOCAL_DIR"
KNOB_PREFIX = "DBT_GLUE_LOCAL_"
DEFAULT_IDLE_EXIT = 3600.0  # seconds
_NEEDED = ("werkzeug", "pyspark", "moto", "pyiceberg", "hive_metastore", "boto3")
_SERVICES = ("GLUE", "S3", "STS", "LAKEFORMATION")
_START_TIMEOUT = 120.0  # seconds until the server answers
_STOP_TIMEOUT = 30.0  # seconds for sessions to end
_UNANSWERED_TIMEOUT = 15.0  # seconds granted to a live server that does not answer
_HEALTH_TIMEOUT = 5.0  # seconds
_REPORT_EVERY = 5.0  # seconds
_POLL = 0.05  # seconds
# Requests to this machine must not go through a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class LocalGlue:
    """A running local Glue server."""

    url: str
    pid: int
    local_dir: Path
    region: str = "us-east-1"
    role_arn: str = "arn:aws:iam::123456789012:role/LocalGlue"

    def client(self, service: str) -> Any:
        """boto3's client of `glue`, `s3` and the like, without a setting of the user's."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )


def resolve_dir(local_dir: str | Path | None = None) -> Path:
    """`local_dir`, else DBT_GLUE_LOCAL_DIR, else ~/.dbt-glue/local; absolute."""
    chosen = local_dir or os.environ.get(DIR_ENVIRONMENT) or DEFAULT_DIR
    return Path(chosen).expanduser().resolve()


def ensure_running(
    local_dir: str | Path | None = None,
    *,
    report: Callable[[str], None] = print,
    port: int = 0,
    server_command: list[str] | None = None,
    **knobs: Any,
) -> LocalGlue:
    """Attach to the folder's server, or start one and wait until it answers.

    `port` 0 lets the system choose. `knobs` are those of knobs.py. `server_command` runs instead of
    our own server, with folder and port as its last arguments. Raises LocalGlueUnavailable.
    """
    folder = resolve_dir(local_dir)
    if not (running := status(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / "start.lock", report, f"another process starts local Glue on {folder}"):
            running = _attach(folder, report)
            if running is None:
                command = server_command or _own_server(report)
                return _start([*command, str(folder), str(port)], folder, report, knobs)
    if port and not running.url.endswith(f":{port}"):
        raise LocalGlueUnavailable(
            f"Local Glue of {folder} already runs at {running.url}. To have it on port {port}, "
            f"stop it first: dbt-glue local stop --dir {folder}"
        )
    if knobs:
        _post(f"{running.url}/_knobs", knobs)
    return running


def status(local_dir: str | Path | None = None) -> LocalGlue | None:
    """The folder's server if it answers, else None."""
    folder = resolve_dir(local_dir)
    written = _server_file(folder)
    if not written or not _lock_is_held(folder):
        return None
    told = _health(written["url"])
    if told is None or told.get("pid") != written["pid"]:
        return None
    return LocalGlue(written["url"], written["pid"], folder)


def health(local: LocalGlue) -> dict[str, Any]:
    """What the server tells of itself at /_health. LocalGlueUnavailable if it does not answer."""
    told = _health(local.url)
    if told is None:
        raise LocalGlueUnavailable(f"local Glue at {local.url} does not answer")
    return told


def stop(local_dir: str | Path | None = None) -> bool:
    """Stop the folder's server, sessions included; False if none was running."""
    folder = resolve_dir(local_dir)
    if not _lock_is_held(folder):
        (folder / "server.json").unlink(missing_ok=True)
        return False
    written = _server_file(folder)
    if not written:
        raise LocalGlueUnavailable(
            f"A local Glue server is starting on {folder} ({folder / 'lock'} is held): "
            "try again in a moment."
        )
    for number, patience in ((signal.SIGTERM, _STOP_TIMEOUT), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(written["pid"], number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _lock_is_held(folder):
                (folder / "server.json").unlink(missing_ok=True)
                return True
            time.sleep(_POLL)
    raise LocalGlueUnavailable(f"local Glue (pid {written['pid']}) cannot be stopped")


def environment(local: LocalGlue) -> dict[str, str]:
    """Variables with which any AWS client, and dbt, use this server and no AWS account."""
    return {
        "AWS_ENDPOINT_URL": local.url,
        **{f"AWS_ENDPOINT_URL_{service}": local.url for service in _SERVICES},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_REGION": local.region,
        "AWS_DEFAULT_REGION": local.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DBT_GLUE_LOCAL": "1",
        DIR_ENVIRONMENT: str(local.local_dir),
    }


def _attach(folder: Path, report: Callable[[str], None]) -> LocalGlue | None:
    """The server that holds the folder, None if none does."""
    deadline = time.monotonic() + _UNANSWERED_TIMEOUT
    while _lock_is_held(folder):
        if running := status(folder):
            report(f"attached to local Glue at {running.url} (pid {running.pid}, {folder})")
            return running
        if time.monotonic() > deadline:
            written = _server_file(folder) or {"pid": "unknown"}
            raise LocalGlueUnavailable(
                f"Another local Glue server (pid {written['pid']}) holds {folder} and does not "
                f"answer. Its log: {folder / 'log' / 'server.log'}. Stop it with `dbt-glue local "
                f"stop --dir {folder}`, or take another folder with `local_dir`."
            )
        time.sleep(_POLL)
    (folder / "server.json").unlink(missing_ok=True)
    return None


def _own_server(report: Callable[[str], None]) -> list[str]:
    """Fetches and makes what our server needs; its command. Raises LocalGlueUnavailable."""
    _check_installed()
    java_command()
    ensure_jars(report=report)
    return [sys.executable, "-m", __package__]


def prepare(formats: Sequence[str] = FORMATS, *, report: Callable[[str], None] = print) -> None:
    """Does ahead, once, what makes sessions of these formats start in half the time.

    Fetches jars and makes the class archive (see class_archive.py). Raises LocalGlueUnavailable.
    """
    command = _own_server(report)

    def start(folder: Path) -> LocalGlue:
        folder.mkdir(parents=True)
        knobs = dataclasses.asdict(Knobs())  # whatever the environment says
        return _start([*command, str(folder), "0"], folder, lambda line: None, knobs)

    make_archive([name for name in FORMATS if name in formats], start, stop, report)


def _start(
    command: list[str], folder: Path, report: Callable[[str], None], knobs: Mapping[str, Any]
) -> LocalGlue:
    log = folder / "log" / "server.log"
    log.parent.mkdir(exist_ok=True)
    report(f"starting local Glue in {folder}")
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | _knob_variables(knobs),
            start_new_session=True,
        )
    try:
        running = _wait(process, folder, log, report, started)
    except BaseException:
        process.terminate()  # whoever was interrupted does not expect a server
        raise
    seconds = time.monotonic() - started
    report(f"local Glue is ready at {running.url} after {seconds:.1f} s (pid {running.pid})")
    return running


def _wait(
    process: subprocess.Popen,
    folder: Path,
    log: Path,
    report: Callable[[str], None],
    started: float,
) -> LocalGlue:
    next_report = started + _REPORT_EVERY
    while True:
        if running := status(folder):
            return running
        if (code := process.poll()) is not None:
            raise LocalGlueUnavailable(
                f"Local Glue ended while starting (exit code {code}). The end of {log}:\n"
                + _last_lines(log)
            )
        now = time.monotonic()
        if now - started > _START_TIMEOUT:
            raise LocalGlueUnavailable(
                f"Local Glue does not answer after {_START_TIMEOUT:.0f} s. The end of {log}:\n"
                + _last_lines(log)
            )
        if now > next_report:
            report(f"waiting for local Glue: {now - started:.0f} s; its log is {log}")
            next_report = now + _REPORT_EVERY
        time.sleep(_POLL)


def _check_installed() -> None:
    missing = [name for name in _NEEDED if util.find_spec(name) is None]
    if missing:
        raise LocalGlueUnavailable(
            f"Local Glue needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'dbt-glue[local]'"
        )


def _knob_variables(knobs: Mapping[str, Any]) -> dict[str, str]:
    variables = {f"{KNOB_PREFIX}IDLE_EXIT": json.dumps(DEFAULT_IDLE_EXIT)}
    if f"{KNOB_PREFIX}IDLE_EXIT" in os.environ:
        variables = {}
    for name, value in knobs.items():
        text = value if isinstance(value, str) else json.dumps(value)
        variables[KNOB_PREFIX + name.upper()] = text
    return variables


def _lock_is_held(folder: Path) -> bool:
    try:
        with (folder / "lock").open("r") as lock:
            # Shared, so that two that look at the same moment do not see each other.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def _server_file(folder: Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _health(url: str) -> dict[str, Any] | None:
    try:
        with _OPENER.open(f"{url}/_health", timeout=_HEALTH_TIMEOUT) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _post(url: str, content: Mapping[str, Any]) -> None:
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with _OPENER.open(request, timeout=10):
            pass
    except urllib.error.HTTPError as error:
        raise LocalGlueUnavailable(f"{url} refused: {error.read().decode()}") from error


def _last_lines(log: Path, count: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
