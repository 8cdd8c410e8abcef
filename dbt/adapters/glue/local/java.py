"""The Java that Spark and Ivy run on."""

import functools
import os
import re
import shutil
import subprocess

from .unavailable import LocalGlueUnavailable

# Iceberg 1.10 is compiled for 11; Hadoop 3.3.4 needs the security manager that 24 removed.
OLDEST, NEWEST = 11, 23
_INSTALL = (
    "Install Java 17 and put it on PATH or name its folder in JAVA_HOME "
    "(Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17)."
)


@functools.cache
def java_command() -> str:
    """Path of a `java` that Spark 3.5 and the table formats run on, from JAVA_HOME or PATH.

    Raises LocalGlueUnavailable if there is none, or if it is too old or too new.
    """
    home = os.environ.get("JAVA_HOME")
    command = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if command is None:
        raise LocalGlueUnavailable(f"Local Glue runs Spark, and no java is on PATH. {_INSTALL}")
    version = java_version(_told(command))
    if version is None or not OLDEST <= version <= NEWEST:
        raise LocalGlueUnavailable(
            f"{command} is Java {version or 'of unknown version'}; local Glue runs on "
            f"{OLDEST} to {NEWEST}. {_INSTALL}"
        )
    return command


def java_told() -> str:
    """What `java -version` prints: the exact build."""
    return _told(java_command())


@functools.cache
def _told(command: str) -> str:
    try:
        told = subprocess.run([command, "-version"], capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError as error:
        raise LocalGlueUnavailable(
            f"{command} does not run: {error.stderr.strip() or error}. {_INSTALL}"
        ) from error
    except OSError as error:
        raise LocalGlueUnavailable(f"{command} does not run: {error}. {_INSTALL}") from error
    return told.stderr


def java_version(told: str) -> int | None:
    """The feature version in the output of `java -version`: 17 for "17.0.15", 8 for "1.8.0_402"."""
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found.group(1)) if found else None
