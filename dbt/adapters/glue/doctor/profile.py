"""The profile as dbt reads it: dbt's own flags, environment variables and rendering."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click import ClickException
from dbt_common.context import set_invocation_context
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import (
    add_callback_to_manager,
    cleanup_event_logger,
)
from dbt_common.exceptions import DbtRuntimeError, env_secrets, scrub_secrets

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.session_python import first_use

MARK = "Profile: "
COMMAND_LINE = "Correct the command line, or the DBT_… variable that stands for the option."


@dataclass
class Loaded:
    """place: which profile, target and file. warnings: what dbt would log of its keys."""

    credentials: GlueCredentials
    place: str
    python_use: str | None = None
    warnings: list[str] = field(default_factory=list)


def load(arguments: Sequence[str]) -> Loaded:
    """arguments: dbt's, such as --target and --profiles-dir. Raises ConfigurationError."""
    from dbt.cli.exceptions import DbtUsageException

    try:
        return _load(arguments)
    except DbtRuntimeError as error:
        text = scrub_secrets(str(error.msg).strip(), env_secrets())
        raise ConfigurationError(text, hint=_way_out(error)) from error
    except (ClickException, DbtUsageException) as error:
        told = error.format_message() if isinstance(error, ClickException) else str(error)
        text = scrub_secrets(told.strip(), env_secrets())
        raise ConfigurationError(text, hint=COMMAND_LINE) from error


def _load(arguments: Sequence[str]) -> Loaded:
    from dbt.cli.flags import Flags, args_to_context
    from dbt.config.profile import Profile
    from dbt.config.renderer import ProfileRenderer
    from dbt.flags import set_flags

    set_invocation_context(os.environ)  # env_var() reads it
    cleanup_event_logger()  # dbt logs to stdout until it is told where to
    flags: Any = Flags(args_to_context(["--no-send-anonymous-usage-stats", "debug", *arguments]))
    set_flags(flags)
    warnings: list[str] = []
    add_callback_to_manager(lambda event: _note(event, warnings))
    variables = flags.VARS or {}
    renderer = ProfileRenderer(variables)
    root = flags.PROJECT_DIR or str(Path.cwd())
    named = renderer.render_value(_project_profile(root, flags.PROFILE))
    profile: Any = Profile.render(renderer, named, flags.PROFILE, flags.TARGET, None)
    file = Path(flags.PROFILES_DIR) / "profiles.yml"
    place = f"{profile.profile_name}, target {profile.target_name}, {file}"
    if profile.credentials.type != "glue":
        raise ConfigurationError(
            f"type: got {profile.credentials.type!r}, expected 'glue' ({place})",
            hint="Choose a target of `type: glue` by --target.",
        )
    return Loaded(profile.credentials, place, _python_use(root, profile, variables), warnings)


def _way_out(error: DbtRuntimeError) -> str:
    from dbt.exceptions import DbtProjectError

    if isinstance(error, DbtProjectError):
        return (
            "Run it in the project's folder, or name that by --project-dir; with --profile no "
            "project is needed."
        )
    return "Correct profiles.yml; `dbt debug` reads it as this command does."


def _note(event: Any, warnings: list[str]) -> None:
    text = str(getattr(event.data, "base_msg", "") or event.info.msg)
    if event.info.level == EventLevel.WARN and MARK in text:
        warnings.append(text.partition(MARK)[2])


def _project_profile(root: str, given: str | None) -> str | None:
    """The project's own profile; a folder without a project needs --profile."""
    from dbt.config.project import load_raw_project

    if given and not (Path(root) / "dbt_project.yml").is_file():
        return None
    name = load_raw_project(root).get("profile")
    return str(name) if name is not None else None


def _python_use(root: str, profile: Any, variables: dict[str, Any]) -> str | None:
    """Where the project runs Python beside its SQL; None without a project."""
    from dbt.config.runtime import load_project

    if not (Path(root) / "dbt_project.yml").is_file():
        return None
    return first_use(load_project(root, False, profile, variables))
