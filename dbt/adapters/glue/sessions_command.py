"""`dbt-glue sessions`: the Glue sessions that dbt-glue started, found by their tag.

Nothing of dbt or AWS is imported before the command runs.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from dbt.adapters.glue.exceptions import CatalogError, GlueError
from dbt.adapters.glue.local import launcher
from dbt.adapters.glue.local.unavailable import LocalGlueUnavailable

ACTIVE_STATES = ("PROVISIONING", "READY", "BUSY")


def add_sessions(commands: Any) -> None:
    """The parser of the command."""
    sessions = commands.add_parser("sessions", help="Glue sessions that dbt-glue started")
    actions = sessions.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list them, newest first")
    listing.add_argument("--all", action="store_true", help="also those that have ended")
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    listing.set_defaults(run=_list)
    stopping = actions.add_parser(
        "stop",
        help="stop some of them",
        description="Stops the sessions that are named, or those of one of the options.",
    )
    stopping.add_argument("ids", nargs="*", metavar="ID")
    which = stopping.add_mutually_exclusive_group()
    which.add_argument(
        "--left",
        action="store_true",
        help="those that a process of this machine started which has ended, but for those that "
        "are kept for the next run (glue_session_reuse)",
    )
    which.add_argument(
        "--all", action="store_true", help="those that were started on this machine, runs or not"
    )
    which.add_argument(
        "--everywhere", action="store_true", help="every one of the account, whoever started it"
    )
    stopping.set_defaults(run=_stop)
    for parser in (listing, stopping):
        parser.add_argument("--region", help="AWS region")
        parser.add_argument("--profile", help="AWS profile of ~/.aws/config")
        parser.add_argument("--endpoint-url", help="address of the Glue API")
        parser.add_argument(
            "--dir",
            "--local-dir",
            dest="local_dir",
            help="the local Glue of this folder, instead of AWS",
        )


def _list(options: argparse.Namespace) -> int:
    clients = _clients(options)
    sessions = _ours(clients.glue, ended=options.all)
    starters = _starters(clients, [session["Id"] for session in sessions])
    if options.json:
        described = [_as_json(session, starters[session["Id"]]) for session in sessions]
        print(json.dumps(described, indent=2))
        return 0
    if not sessions:
        print("no sessions" if options.all else "no active sessions")
        return 0
    rows: list[tuple[str, ...]] = [("ID", "STATE", "AGE", "WORKERS", "GLUE", "STARTED BY")]
    rows += [(*_row(session), _told(starters[session["Id"]])) for session in sessions]
    print_table(rows)
    return 0


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _row(session: Mapping[str, Any]) -> tuple[str, ...]:
    workers = session.get("NumberOfWorkers")
    return (
        session["Id"],
        session["Status"],
        age(session["CreatedOn"]),
        f"{workers} x {session.get('WorkerType', '?')}" if workers else "default",
        session.get("GlueVersion", ""),
    )


def _told(starter: Mapping[str, Any]) -> str:
    if "process" not in starter:
        return f"unknown ({starter['why']})" if "why" in starter else "unknown"
    ended = ", which has ended" if starter["ended"] else ""
    kept = "; kept for the next run" if starter["kept"] else ""
    return f"{starter['host']}, pid {starter['process']}{ended}{kept}"


def _as_json(session: Mapping[str, Any], starter: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("Id", "Status", "NumberOfWorkers", "WorkerType", "GlueVersion", "SessionType")
    return {
        **{key: session[key] for key in shown if key in session},
        "CreatedOn": session["CreatedOn"].isoformat(),
        "StartedBy": dict(starter),
    }


def _starters(clients: Any, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Session id -> host, process, whether that has ended, whether the session is kept for the
    next run; from its tags, and empty without them.

    Where tags may not be read there is `why`, the error's code: the list is worth having without.
    """
    from dbt.adapters.glue.clients import call
    from dbt.adapters.glue.session.spec import KEPT_TAG, PROCESS_TAG, process_has_ended

    if not ids:
        return {}
    account = call("GetCallerIdentity", clients.sts.get_caller_identity)
    partition, number = account["Arn"].split(":")[1], account["Account"]
    found: dict[str, dict[str, Any]] = {}
    for name in ids:
        arn = f"arn:{partition}:glue:{clients.region}:{number}:session/{name}"
        try:
            tags = call("GetTags", clients.glue.get_tags, ResourceArn=arn)["Tags"]
        except CatalogError as error:
            found[name] = {"why": f"GetTags: {error.code}"}
            continue
        tag = tags.get(PROCESS_TAG, "")
        if "/" not in tag:
            found[name] = {}
            continue
        host, process = tag.split("/")[:2]
        found[name] = {
            "host": host,
            "process": process,
            "ended": process_has_ended(tag),
            "kept": tags.get(KEPT_TAG[0]) == KEPT_TAG[1],
        }
    return found


def _stop(options: argparse.Namespace) -> int:
    by_option = options.left or options.all or options.everywhere
    if bool(options.ids) == by_option:
        print(
            "dbt-glue: sessions stop: expected session ids, or one of --left, --all, --everywhere",
            file=sys.stderr,
        )
        return 2
    clients = _clients(options)
    active = [session["Id"] for session in _ours(clients.glue, ended=False)]
    foreign = [name for name in options.ids if name not in active]
    for name in foreign:
        print(f"dbt-glue: {name}: no active session that dbt-glue started", file=sys.stderr)
    chosen = [name for name in options.ids if name in active]
    if by_option:
        chosen = active if options.everywhere else _of_this_host(clients, active, options.left)
        if not chosen:
            print("no active sessions" if not active else "none of the active sessions")
    failed = [name for name in chosen if not _stopped(clients.glue, name)]
    return 1 if foreign or failed else 0


def _of_this_host(clients: Any, active: Sequence[str], left: bool) -> list[str]:
    from dbt.adapters.glue.session.spec import is_this_host

    chosen = []
    for name, starter in _starters(clients, active).items():
        if "process" not in starter:
            why = f" ({starter['why']})" if "why" in starter else ""
            print(
                f"dbt-glue: {name}: left alone, since who started it is unknown{why}; name it, to "
                "stop it",
                file=sys.stderr,
            )
        elif left and starter["ended"] and not starter["kept"]:
            chosen.append(name)
        elif not left and is_this_host(starter["host"]):
            chosen.append(name)
    return chosen


def _stopped(glue: Any, name: str) -> bool:
    from dbt.adapters.glue.session.lifecycle import SessionLifecycle

    try:
        SessionLifecycle(glue, provisioning_timeout=0).stop(name)
    except GlueError as error:
        print(f"dbt-glue: {error}", file=sys.stderr)
        return False
    print(f"stopped {name}")
    return True


def _clients(options: argparse.Namespace) -> Any:
    from dbt.adapters.glue.clients import ClientSettings, get_clients

    if options.local_dir and launcher.status(options.local_dir) is None:
        raise LocalGlueUnavailable(
            f"no local Glue runs on {launcher.resolve_dir(options.local_dir)}"
        )
    settings = ClientSettings(
        region=options.region,
        profile_name=options.profile,
        endpoint_url=options.endpoint_url,
        retry_mode="standard",
        retry_max_attempts=5,
        local=bool(options.local_dir),
        local_dir=options.local_dir,
    )
    return get_clients(settings)


def _ours(glue: Any, *, ended: bool) -> list[dict[str, Any]]:
    """Sessions that carry our tag, newest first; ListSessions has no paginator in botocore."""
    from dbt.adapters.glue.clients import call
    from dbt.adapters.glue.session.spec import OWNER_TAG

    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {}
    while True:
        answer = call("ListSessions", glue.list_sessions, Tags=dict([OWNER_TAG]), **page)
        found.extend(answer.get("Sessions", []))
        if not answer.get("NextToken"):
            break
        page = {"NextToken": answer["NextToken"]}
    return _newest_first(s for s in found if ended or s["Status"] in ACTIVE_STATES)


def _newest_first(sessions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(sessions, key=lambda session: session["CreatedOn"], reverse=True)


def age(moment: datetime) -> str:
    return duration((datetime.now(timezone.utc) - moment).total_seconds())


def duration(seconds: float) -> str:
    """12 s, 3 min, 2 h 5 min, 3 d 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
