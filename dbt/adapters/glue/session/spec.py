"""SessionSpec: what CreateSession is asked for, a value."""

import functools
import os
import socket
from dataclasses import dataclass, field, replace
from typing import Any

from dbt.adapters.glue.__version__ import version
from dbt.adapters.glue.exceptions import ConfigurationError

# ListSessions finds sessions by tag and value, so this value never changes.
OWNER_TAG = ("dbt-glue", "session")
KEPT_TAG = ("dbt-glue-kept", "true")
PROCESS_TAG = "dbt-glue-process"
REQUEST_ORIGIN = "dbt-glue"
# Not 3.0: its Python 3.7 cannot run the code of runtime/.
GLUE_VERSIONS = ("4.0", "5.0", "5.1", "6.0", "auto")
# WorkerType of CreateSession; Z.2X, for Ray, cannot run Spark.
WORKER_TYPES = (
    *("Standard", "G.025X", "G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X"),
    *("R.1X", "R.2X", "R.4X", "R.8X"),
)
# Limits of CreateSession's DefaultArguments and Tags (botocore, glue service model).
MAX_ARGUMENT_LENGTH = 4096
MAX_ARGUMENTS = 75
MAX_TAGS = 50
JOINED_BY_COMMA = ("--datalake-formats", "--extra-jars", "--extra-py-files")


@dataclass(frozen=True)
class SessionSpec:
    """Equal specs can share a session. idle_timeout and timeout are minutes.

    default_arguments: what the user gives, ("--key", "value"). conf: Spark conf in order; a later
    entry wins over an earlier one, and a `--conf` in default_arguments over both.
    kept: it stays for the next command, which its tags tell.
    session_type: "livy" or "spark_connect". or_livy: a Livy session will do where there is one of
    this name, or where Glue refuses Spark Connect.
    """

    role_arn: str
    glue_version: str = "5.0"
    workers: int | None = None
    worker_type: str | None = None
    idle_timeout: int = 10
    timeout: int = 300
    default_arguments: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    conf: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # passwords among them
    datalake_formats: tuple[str, ...] = ()
    extra_jars: str | None = None
    extra_py_files: str | None = None
    connections: tuple[str, ...] = ()
    security_configuration: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    session_type: str = "livy"
    or_livy: bool = False
    kept: bool = False

    def livy(self) -> "SessionSpec":
        """The same session, of type Livy."""
        return replace(self, session_type="livy", or_livy=False)

    def describe(self) -> str:
        """ "2 × G.1X, Glue 5.0", for messages."""
        size = f"{self.workers} × {self.worker_type or 'default workers'}, " if self.workers else ""
        return f"{size}Glue {self.glue_version}"

    def create_request(self, session_id: str) -> dict[str, Any]:
        """The arguments of glue.create_session. Raises ConfigurationError on a broken limit."""
        request: dict[str, Any] = {
            "Id": session_id,
            "Role": self.role_arn,
            "Command": {"Name": "glueetl", "PythonVersion": "3"},
            "GlueVersion": self.glue_version,
            "Timeout": self.timeout,
            "IdleTimeout": self.idle_timeout,
            "DefaultArguments": self._arguments(),
            "Tags": self._tags(),
            "RequestOrigin": REQUEST_ORIGIN,
        }
        if self.workers is not None:
            request["NumberOfWorkers"] = self.workers
        if self.worker_type is not None:
            request["WorkerType"] = self.worker_type
        if self.security_configuration:
            request["SecurityConfiguration"] = self.security_configuration
        if self.connections:
            request["Connections"] = {"Connections": list(self.connections)}
        if self.session_type == "spark_connect":
            request["SessionType"] = "SPARK_CONNECT"
        return request

    def _arguments(self) -> dict[str, str]:
        arguments = {"--enable-glue-datacatalog": "true"}
        own = {
            "--datalake-formats": ",".join(self.datalake_formats),
            "--extra-jars": self.extra_jars or "",
            "--extra-py-files": self.extra_py_files or "",
        }
        arguments.update({key: value for key, value in own.items() if value})
        conf = [f"{key}={value}" for key, value in self.conf]
        for key, value in self.default_arguments:
            if key == "--conf":
                conf.append(value)
            elif key in JOINED_BY_COMMA and key in arguments:
                arguments[key] = _union(arguments[key], value)
            else:
                arguments[key] = value
        if conf:
            arguments["--conf"] = " --conf ".join(conf)
        _check_arguments(arguments)
        return arguments

    def _tags(self) -> dict[str, str]:
        tags = dict(self.tags)
        tags[OWNER_TAG[0]] = OWNER_TAG[1]
        tags.setdefault("dbt-glue-version", version)
        tags.setdefault(PROCESS_TAG, process_tag())
        if self.kept:
            tags[KEPT_TAG[0]] = KEPT_TAG[1]
        if len(tags) > MAX_TAGS:
            raise ConfigurationError(
                f"A session may have {MAX_TAGS} tags; with those of dbt-glue this one would "
                f"have {len(tags)}."
            )
        return tags


def process_tag() -> str:
    """`host/pid`, on Linux `host/pid/namespace`: each container has pids of its own."""
    return "/".join([_host(), str(os.getpid()), *_pid_namespace()])


def process_has_ended(tag: str) -> bool:
    """Whether a `process_tag` is of a process of this machine that is no more."""
    host, _, rest = tag.partition("/")
    pid, *namespace = rest.split("/")
    if host != _host() or namespace != _pid_namespace() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's
        return False
    return False


def is_this_host(name: str) -> bool:
    """Whether a `process_tag` that begins so is of a process of this machine."""
    return name == _host()


def _pid_namespace() -> list[str]:
    try:
        return [str(os.stat("/proc/self/ns/pid").st_ino)]
    except OSError:
        return []


@functools.cache
def _host() -> str:
    allowed = "-._"
    return "".join(c if c.isalnum() or c in allowed else "-" for c in socket.gethostname())[:200]


def _union(first: str, second: str) -> str:
    items = [item.strip() for item in f"{first},{second}".split(",")]
    return ",".join(dict.fromkeys(item for item in items if item))


def _check_arguments(arguments: dict[str, str]) -> None:
    if len(arguments) > MAX_ARGUMENTS:
        raise ConfigurationError(
            f"A session takes {MAX_ARGUMENTS} default arguments, got {len(arguments)}."
        )
    for key, value in arguments.items():
        if len(value) > MAX_ARGUMENT_LENGTH:
            raise ConfigurationError(
                f"The session argument {key} is {len(value)} characters long; Glue takes "
                f"{MAX_ARGUMENT_LENGTH}.",
                hint="Shorten `conf` or `default_arguments`: settings of a table belong to its "
                "`table_properties`."
                if key == "--conf"
                else None,
            )
