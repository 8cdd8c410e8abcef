"""`dbt-glue doctor`. Nothing of dbt or AWS is imported before the command runs."""

import argparse
import json
import sys
from typing import Any

WHOSE = ("client", "service-role", "trust", "lake-formation")
DEFAULT_SECONDS = 30.0


def add_doctor(commands: Any) -> None:
    """The parser of the command."""
    parser = commands.add_parser(
        "doctor",
        help="what of the profile would fail, before a run does",
        description="Looks at profile, credentials, role, permissions, location, catalog, formats "
        "and Spark conf, and says what would fail and what to do. Changes nothing. "
        "Exit code 0: nothing would fail, 1: something would.",
    )
    parser.set_defaults(run=run)
    add_profile_options(parser)
    parser.add_argument(
        "--session",
        action="store_true",
        help="also make a session, run `select 1`, and stop it (a minute of DPUs is billed)",
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 for a warning too")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.add_argument(
        "--timeout",
        type=_positive,
        default=DEFAULT_SECONDS,
        metavar="SECONDS",
        help=f"time limit of each check (default: {DEFAULT_SECONDS:.0f})",
    )
    parser.add_argument(
        "--policy",
        nargs="?",
        const="client",
        choices=WHOSE,
        help="print an IAM policy for this profile as JSON, and look at nothing: of who runs dbt "
        "(client, the default), of the session role (service-role), who may assume that (trust), "
        "or what Lake Formation configs need (lake-formation)",
    )


def add_profile_options(parser: argparse.ArgumentParser) -> None:
    dbt = parser.add_argument_group("the profile, as for dbt")
    dbt.add_argument("--project-dir", metavar="DIR")
    dbt.add_argument("--profiles-dir", metavar="DIR")
    dbt.add_argument("--profile", metavar="NAME")
    dbt.add_argument("--target", "-t", metavar="NAME")
    dbt.add_argument("--vars", metavar="YAML")


def _positive(text: str) -> float:
    seconds = float(text)
    if seconds <= 0:
        raise ValueError(text)
    return seconds


def run(options: argparse.Namespace) -> int:
    """Exit code 0, or 1 where something would fail."""
    if options.policy:
        return _policy(options)
    return _examine(options)


def dbt_arguments(options: argparse.Namespace) -> list[str]:
    """The options of `add_profile_options` as dbt's command line has them."""
    given = {
        "--project-dir": options.project_dir,
        "--profiles-dir": options.profiles_dir,
        "--profile": options.profile,
        "--target": options.target,
        "--vars": options.vars,
    }
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def _policy(options: argparse.Namespace) -> int:
    from dbt.adapters.glue.doctor import policy, profile

    credentials = profile.load(dbt_arguments(options)).credentials
    if credentials.local:
        print(
            "dbt-glue: local Glue needs no permissions; region, account and role are examples",
            file=sys.stderr,
        )
    if credentials.assume_role_arn and options.policy in ("client", "lake-formation"):
        print(
            f"dbt-glue: this policy is for {credentials.assume_role_arn}; whoever runs dbt needs "
            "sts:AssumeRole on it (and sts:TagSession for assume_role_tags)",
            file=sys.stderr,
        )
    made = {
        "client": lambda: policy.client_policy(credentials),
        "service-role": lambda: policy.service_role_policy(credentials),
        "trust": lambda: policy.trust_policy(credentials, _caller(credentials)),
        "lake-formation": lambda: policy.document([policy.lake_formation()]),
    }[options.policy]()
    print(json.dumps(made, indent=2))
    return 0


def _caller(credentials: Any) -> str | None:
    """Who would assume the role; asked only where dbt itself does."""
    from dataclasses import replace

    from dbt.adapters.glue.clients import GlueClients, call

    if not credentials.use_interactive_session_role_for_api_calls or credentials.local:
        return None
    settings = credentials.client_settings()
    settings = replace(settings, roles=settings.roles[:-1])  # the last one is role_arn
    return str(call("GetCallerIdentity", GlueClients(settings).sts.get_caller_identity)["Arn"])


def _examine(options: argparse.Namespace) -> int:
    from dbt.adapters.glue.doctor import examination, report
    from dbt.adapters.glue.doctor.finding import FAIL, WARN

    written = report.Report(sys.stdout, examination.NAMES)
    tell = (lambda _: None) if options.json else written.outcome
    outcomes = examination.examine(
        dbt_arguments(options), make_session=options.session, seconds=options.timeout, done=tell
    )
    if options.json:
        print(report.as_json(outcomes))
    else:
        written.summary(outcomes)
    counted = report.counts(outcomes)
    return 1 if counted[FAIL] or (options.strict and counted[WARN]) else 0
