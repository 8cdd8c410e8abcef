"""The `dbt-glue` command: local Glue by hand, what runs have left, the doctor.

Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage,
127 the command of `local run` is not there.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.doctor.command import add_doctor
from dbt.adapters.glue.exceptions import GlueError
from dbt.adapters.glue.leftovers_command import add_leftovers
from dbt.adapters.glue.local import launcher
from dbt.adapters.glue.local.jars import FORMATS
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable
from dbt.adapters.glue.sessions_command import add_sessions, duration
from dbt.adapters.glue.spark_conf import parse_datalake_formats

# Would lead an AWS client past the endpoint and keys of local Glue.
_OVERRIDING = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (GlueError, LocalGlueUnavailable) as error:
        print(f"dbt-glue: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dbt-glue",
        description="Local Glue on this machine, the sessions that dbt-glue started, what killed "
        "runs have left, and what a profile lacks.",
    )
    parser.add_argument("--version", action="version", version=f"dbt-glue {version}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_local(commands)
    add_sessions(commands)
    add_leftovers(commands)
    add_doctor(commands)
    return parser


def _add_local(commands: Any) -> None:
    local = commands.add_parser(
        "local",
        help="the Glue API, S3 and Spark on this machine, without an AWS account",
        description="One server per folder; tables and catalog in it outlive the server.",
    )
    actions = local.add_subparsers(title="actions", required=True, metavar="ACTION")
    start = _action(actions, "start", _local_start, "start the server, or find the running one")
    start.add_argument("--port", type=int, default=0, help="default: one that is free")
    _action(actions, "stop", _local_stop, "stop the server and its sessions; the data stays")
    _action(
        actions, "status", _local_status, "address, sessions and data; exit code 1 if none runs"
    )
    prepare = actions.add_parser(
        "prepare",
        help="make sessions start more quickly: a minute and 300 MB, once",
        description="Fetches the jars, and keeps Spark's classes beside them as Java maps them.",
    )
    prepare.add_argument(
        "--datalake-formats",
        metavar="NAMES",
        default=",".join(FORMATS),
        help="as in the profile: sessions with just these gain (default: %(default)s)",
    )
    prepare.set_defaults(run=_local_prepare)
    run = _action(
        actions,
        "run",
        _local_run,
        "run a command, such as dbt, on local Glue",
        usage="dbt-glue local run [-h] [--dir DIR] -- COMMAND ...",
        epilog="Starts local Glue if needed and leaves it running. `dbt-glue local run -- dbt "
        "build` needs no profiles.yml: where dbt finds no profile for the project, one is made.",
    )
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")


def _action(
    actions: Any, name: str, function: Any, text: str, **more: Any
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text, **more)
    parser.add_argument(
        "--dir",
        metavar="DIR",
        help=f"folder of local Glue (default: ${launcher.DIR_ENVIRONMENT} or "
        f"{launcher.DEFAULT_DIR})",
    )
    parser.set_defaults(run=function)
    return parser


def _report(line: str) -> None:
    """Progress goes to stderr, so that stdout holds nothing but what was asked for."""
    print(line, file=sys.stderr, flush=True)


def _local_start(options: argparse.Namespace) -> int:
    launcher.ensure_running(options.dir, report=_report, port=options.port)
    return _local_status(options)


def _local_prepare(options: argparse.Namespace) -> int:
    launcher.prepare(parse_datalake_formats(options.datalake_formats), report=_report)
    return 0


def _local_stop(options: argparse.Namespace) -> int:
    folder = launcher.resolve_dir(options.dir)
    stopped = launcher.stop(folder)
    print(f"stopped local Glue of {folder}" if stopped else f"no local Glue runs on {folder}")
    return 0


def _local_status(options: argparse.Namespace) -> int:
    folder = launcher.resolve_dir(options.dir)
    local = launcher.status(folder)
    if local is None:
        print(f"no local Glue runs on {folder}")
        return 1
    told = launcher.health(local)
    age = datetime.now(timezone.utc) - datetime.fromtimestamp(told["started"], timezone.utc)
    rows = [
        ("url", local.url),
        ("pid", str(local.pid)),
        ("up for", duration(age.total_seconds())),
        ("folder", str(folder)),
        ("sessions", str(told["sessions"])),
        ("data", f"{_size(folder / 's3') / 1e6:.1f} MB in {folder / 's3'}"),
        ("log", str(folder / "log" / "server.log")),
        ("dbt", f"dbt-glue local run --dir {shlex.quote(str(folder))} -- dbt build"),
        (
            "boto3",
            f'boto3.client("glue", endpoint_url="{local.url}", region_name="{local.region}",',
        ),
        ("", '             aws_access_key_id="local", aws_secret_access_key="local")'),
    ]
    for name, value in rows:
        print(f"{name:<10}{value}")
    return 0


def _size(folder: Path) -> int:
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return size


def _local_run(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("dbt-glue: local run: expected a command after --", file=sys.stderr)
        return 2
    local = launcher.ensure_running(options.dir, report=_report)
    environment = {k: v for k, v in os.environ.items() if k not in _OVERRIDING}
    environment |= launcher.environment(local)
    made = profile_for(command, Path.cwd(), environment, local.local_dir)
    if made is not None:
        _report(f"no dbt profile for this project: using {made / 'profiles.yml'}")
        environment["DBT_PROFILES_DIR"] = str(made)
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"dbt-glue: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def profile_for(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], local_dir: Path
) -> Path | None:
    """A profiles folder made for the dbt project in `folder`, None where none is needed.

    None is needed if there is no project, or if the profiles.yml that dbt would read has the
    project's profile. dbt's order: --profiles-dir, DBT_PROFILES_DIR, working directory, ~/.dbt.
    """
    if _option(command, "--profiles-dir"):
        return None
    project = _yaml(folder / (_option(command, "--project-dir") or ".") / "dbt_project.yml")
    name = _option(command, "--profile") or environment.get("DBT_PROFILE") or project.get("profile")
    if not isinstance(name, str) or "{{" in name:
        return None
    if directory := environment.get("DBT_PROFILES_DIR"):
        profiles = _yaml(Path(directory).expanduser() / "profiles.yml")
    elif (folder / "profiles.yml").exists():
        profiles = _yaml(folder / "profiles.yml")
    else:
        profiles = _yaml(Path.home() / ".dbt" / "profiles.yml")
    if name in profiles:
        return None
    made = local_dir / "profiles"
    made.mkdir(parents=True, exist_ok=True)
    output = {
        "type": "glue",
        "local": True,
        "local_dir": str(local_dir),
        "schema": str(project.get("name", "analytics")).lower(),
        "threads": 4,
    }
    content = _yaml(made / "profiles.yml")
    content[name] = {"target": "local", "outputs": {"local": output}}
    draft = made / f".profiles.{os.getpid()}"
    draft.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    os.replace(draft, made / "profiles.yml")
    return made


def _option(command: Sequence[str], name: str) -> str | None:
    for here, following in zip(command, [*command[1:], None], strict=True):
        if here == name:
            return following
        if here.startswith(f"{name}="):
            return here.partition("=")[2]
    return None


def _yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; empty where there is no file. dbt itself tells of a broken one."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


if __name__ == "__main__":
    raise SystemExit(main())
