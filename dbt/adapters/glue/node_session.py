"""Which session a node runs in: SessionSpec and SessionName from the profile and `meta`."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.options import options_of, problems
from dbt.adapters.glue.session.pool import SessionName
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.spark_conf import NO_LISTS_OF_FILES, session_conf, uncached

DEFAULT_ID = "dbt-glue"
MAX_ID_LENGTH = 255  # Session Id of CreateSession
MAX_ROLE_LENGTH = 150


def overrides_in(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The session keys that a node's `meta` sets."""
    session_keys = {
        name for name, item in options_of(GlueCredentials).items() if item.metadata["session"]
    }
    return {key: value for key, value in meta.items() if key in session_keys and value}


def effective_credentials(credentials: GlueCredentials, meta: Mapping[str, Any]) -> GlueCredentials:
    """The profile with what the node's `meta` overrides.

    Raises ConfigurationError with got and expected for a wrong value in `meta`.
    """
    overrides = overrides_in(meta)
    wrong = problems(GlueCredentials, overrides)
    if wrong:
        raise ConfigurationError("In the node's meta: " + "; ".join(wrong))
    return replace(credentials, **overrides) if overrides else credentials


def session_spec(credentials: GlueCredentials, session_type: str) -> SessionSpec:
    """What CreateSession is asked for; equal specs share a session.

    session_type: "livy" or "spark_connect", as session_choice has it.
    """
    conf = session_conf(
        credentials.formats,
        credentials.conf_settings,
        iceberg_catalog=credentials.custom_iceberg_catalog_namespace or None,
        warehouse=credentials.location,
        catalog_id=credentials.catalog_id,
        table_buckets=credentials.table_buckets.values(),
        other_catalogs=credentials.other_catalogs.values(),
    )
    if session_type == "spark_connect" and credentials.glue_session_reuse:
        conf = NO_LISTS_OF_FILES | conf  # each client has a Spark session of its own
    return SessionSpec(
        role_arn=credentials.role_arn or "",
        glue_version=credentials.glue_version or "",
        workers=credentials.workers,
        worker_type=credentials.worker_type,
        idle_timeout=credentials.idle_timeout,
        timeout=credentials.query_timeout_in_minutes,
        default_arguments=tuple(credentials.arguments.items()),
        conf=tuple(conf.items()),
        datalake_formats=credentials.formats,
        extra_jars=credentials.extra_jars,
        extra_py_files=credentials.extra_py_files,
        connections=_names(credentials.connections),
        security_configuration=credentials.security_configuration,
        tags=_tags(credentials.tags),
        session_type=session_type,
        or_livy=session_type == "spark_connect" and credentials.session_type == "auto",
        kept=bool(credentials.glue_session_reuse),
    )


def session_name(
    credentials: GlueCredentials, meta: Mapping[str, Any], unique_id: str | None, run_id: str
) -> SessionName:
    """The session's id, by dbt-glue's rules.

    `<base>__<group>` for a group, `<base>__<node>` for a session per model (also where `meta`
    overrides a session key), `<base>` alone when it is reused, else `<base>__<role>`. Where it is
    not reused, `__<run id>` follows: another run stops its own session only.
    `credentials` are the effective ones.
    """
    base = credentials.glue_session_id or DEFAULT_ID
    reuse = bool(credentials.glue_session_reuse)
    own = set(overrides_in(meta)) - {"group_session_id", "glue_session_reuse"}
    if credentials.group_session_id:
        name = f"{base}__{credentials.group_session_id}"
    elif credentials.enable_session_per_model or own:
        name = f"{base}__{unique_id or 'no-node'}"
    elif reuse:
        name = base
    else:
        role = (credentials.role_arn or "").partition("/")[2][:MAX_ROLE_LENGTH]
        name = f"{base}__{role}"
    if not reuse:
        name = f"{name}__{run_id}"
    return SessionName(id=_legal_id(name), shared=reuse)


def python_session(spec: SessionSpec, name: SessionName) -> tuple[SessionSpec, SessionName]:
    """The Livy session that runs the Python of those whose SQL runs in a Spark Connect session."""
    beside = replace(spec.livy(), conf=uncached(spec.conf))
    return beside, SessionName(_legal_id(f"{name.id}__python"), name.shared)


def _legal_id(name: str) -> str:
    name = name.replace(".", "_")  # Glue refuses periods in session ids
    if len(name) <= MAX_ID_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: MAX_ID_LENGTH - 18]}__{digest}"


def _names(text: str | None) -> tuple[str, ...]:
    names = [name.strip() for name in (text or "").split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def _tags(text: str | None) -> tuple[tuple[str, str], ...]:
    tags = []
    for entry in _names(text):
        key, separator, value = entry.partition("=")
        if not separator:
            raise ConfigurationError(f"tags: got {entry!r}, expected key=value,key=value")
        tags.append((key.strip(), value.strip()))
    return tuple(tags)
