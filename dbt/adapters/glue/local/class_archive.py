"""The classes of Spark and the table formats in an archive that a session's JVM maps as it starts.

AppCDS of the JDK: with it a session is there and has built its first Iceberg and Delta tables in
11 s instead of 15 s, with 14 s of CPU instead of 20 s (Java 17, 2 cores). An archive fits one Java
and one class path, which the JVM checks; so each pair has its own, made once, by a session that
uses the formats. It is some 270 MB and takes a minute, so it is made when it is asked for.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .exclusive import held
from .jars import ALWAYS, cache_folder, jars_for, pyspark_jars
from .java import java_told, java_version
from .unavailable import LocalGlueUnavailable

_REPL = Path(__file__).with_name("repl.py")
_USE = Path(__file__).with_name("class_use.py")
_SESSION = "classes"
ARCHIVE_OPTION = "-XX:SharedArchiveFile="
RECORD_OPTION = "-XX:ArchiveClassesAtExit="
_OLDEST_JAVA = 13  # JEP 350
_KEPT = 4  # archives; the longest unused go first
_TIMEOUT = 900.0  # seconds; on a busy machine
_POLL = 0.1
_EXTENSIONS = {
    "iceberg": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "delta": "io.delta.sql.DeltaSparkSessionExtension",
    "hudi": "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
}
_CATALOG = "spark.sql.catalog.glue_catalog"
_CATALOGS = {
    "iceberg": {
        _CATALOG: "org.apache.iceberg.spark.SparkCatalog",
        f"{_CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{_CATALOG}.warehouse": "s3://classes/",
    },
    "delta": {"spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog"},
}


def archive_path(jars: Sequence[Path]) -> Path:
    """Where the archive of these jars, in front of pyspark's, is or would be.

    A JVM takes none but of the very files, by time and size: those of an earlier installation of
    pyspark at the same place have another.
    """
    every = [*jars, *sorted(pyspark_jars().glob("*.jar"))]
    stats = [(jar, jar.stat()) for jar in every]
    parts = (java_told(), *(f"{jar} {stat.st_mtime_ns} {stat.st_size}" for jar, stat in stats))
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache_folder().parent / "class-archives" / f"{name}.jsa"


def make_archive(
    formats: Sequence[str],
    start: Callable[[Path], Any],
    stop: Callable[[Path], object],
    report: Callable[[str], None],
) -> None:
    """Makes the archive for sessions of these formats, unless it is there.

    `start` and `stop`: of a local Glue on a folder. Processes that want it at once make it once.
    Raises LocalGlueUnavailable with the reason.
    """
    version = java_version(java_told())
    if version is None or version < _OLDEST_JAVA:
        report(f"Java {version} keeps no archive of Spark's classes; Java {_OLDEST_JAVA} does")
        return
    path = archive_path(jars_for((*formats, *ALWAYS)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with held(path.with_suffix(".lock"), report, "another process prepares Spark's classes"):
        if path.is_file():
            os.utime(path)
            return
        report("preparing Spark's classes for quick starts, once (about a minute)")
        started = time.monotonic()
        _make(path, formats, start, stop)
        report(f"prepared Spark's classes in {time.monotonic() - started:.0f} s: {path}")
        _remove_unused(path.parent)


def _make(
    path: Path,
    formats: Sequence[str],
    start: Callable[[Path], Any],
    stop: Callable[[Path], object],
) -> None:
    with tempfile.TemporaryDirectory(prefix=".record-", dir=path.parent) as temporary:
        work = Path(temporary)
        record = work / "classes.jsa"
        local = start(work / "glue")
        try:
            _record(local, formats, record)
        finally:
            stop(work / "glue")
        if not record.is_file():
            raise LocalGlueUnavailable("Spark ended without an archive")
        os.replace(record, path)


def _record(local: Any, formats: Sequence[str], record: Path) -> None:
    """A session that uses every format and writes down, as it ends, which classes it loaded."""
    glue = local.client("glue")
    glue.create_database(DatabaseInput={"Name": "classes", "LocationUri": "s3://classes/db/"})
    conf = {
        "spark.sql.extensions": ",".join(_EXTENSIONS[name] for name in formats),
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.driver.extraJavaOptions": f"{RECORD_OPTION}{record}",
    }
    for name in formats:
        conf |= _CATALOGS.get(name, {})
    glue.create_session(
        Id=_SESSION,
        Role="arn:aws:iam::000000000000:role/local",
        Command={"Name": "glueetl", "PythonVersion": "3"},
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={
            "--conf": " --conf ".join(f"{key}={value}" for key, value in conf.items()),
            "--datalake-formats": ",".join(formats),
            "--enable-glue-datacatalog": "true",
        },
    )
    deadline = time.monotonic() + _TIMEOUT
    while (session := _session(glue))["Status"] == "PROVISIONING":
        _pause(deadline)
    if session["Status"] != "READY":
        raise LocalGlueUnavailable(
            session.get("ErrorMessage") or f"the session is {session['Status']}"
        )
    code = f"repl, formats = {str(_REPL)!r}, {list(formats)!r}\n{_USE.read_text(encoding='utf-8')}"
    number = glue.run_statement(SessionId=_SESSION, Code=code)["Id"]
    # Its JVM writes the archive as it exits, which ends the session.
    while _session(glue)["Status"] == "READY":
        try:
            told = glue.get_statement(SessionId=_SESSION, Id=number)["Statement"]
        except glue.exceptions.IllegalSessionStateException:
            continue  # it has ended since
        if told.get("Output", {}).get("Status") == "error":
            raise LocalGlueUnavailable(told["Output"]["ErrorValue"])
        _pause(deadline)


def _session(glue: Any) -> dict[str, Any]:
    return glue.get_session(Id=_SESSION)["Session"]


def _pause(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise LocalGlueUnavailable(f"not done within {_TIMEOUT:.0f} s")
    time.sleep(_POLL)


def _remove_unused(folder: Path) -> None:
    archives = sorted(folder.glob("*.jsa"), key=lambda path: path.stat().st_mtime, reverse=True)
    for archive in archives[_KEPT:]:
        archive.unlink(missing_ok=True)
