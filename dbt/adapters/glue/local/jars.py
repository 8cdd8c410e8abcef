"""The jars of the table formats and of Spark Connect, fetched once into a cache folder.

`~/.cache/dbt-glue/jars`; DBT_GLUE_JARS names another folder, DBT_GLUE_MAVEN_REPOSITORY another
Maven repository than Maven Central. Versions are those of Glue 5.1, as far as Maven has them.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from xml.etree import ElementTree

from .exclusive import held
from .java import java_command
from .unavailable import LocalGlueUnavailable

MAVEN_CENTRAL = "https://repo1.maven.org/maven2/"
CACHE_ENVIRONMENT = "DBT_GLUE_JARS"
REPOSITORY_ENVIRONMENT = "DBT_GLUE_MAVEN_REPOSITORY"
# Parts of Glue's Spark that pyspark does not bring.
_SPARK_JARS = {"avro": ("spark-avro_2.12", 1), "connect": ("spark-connect_2.12", 14)}
FORMATS = ("iceberg", "delta", "hudi")  # what --datalake-formats may name
ALWAYS = tuple(_SPARK_JARS)
ALL = (*FORMATS, *ALWAYS)
_MIB = 1024 * 1024
_REPORT_EVERY = 2.0  # seconds


@dataclass(frozen=True)
class Jar:
    """A Maven artifact; `mib` is its size, for the progress line."""

    organisation: str
    name: str
    revision: str
    mib: int

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.revision}.jar"

    def address(self, repository: str) -> str:
        folder = self.organisation.replace(".", "/")
        return f"{repository.rstrip('/')}/{folder}/{self.name}/{self.revision}/{self.file_name}"


_FORMAT_JARS = {
    "iceberg": (
        Jar("org.apache.iceberg", "iceberg-spark-runtime-3.5_2.12", "1.10.0", 45),
        Jar("org.apache.iceberg", "iceberg-aws-bundle", "1.10.0", 62),
    ),
    "delta": (
        Jar("io.delta", "delta-spark_2.12", "3.3.2", 7),
        Jar("io.delta", "delta-storage", "3.3.2", 1),
    ),
    "hudi": (Jar("org.apache.hudi", "hudi-spark3.5-bundle_2.12", "1.0.2", 106),),
}


def jars_of(formats: Iterable[str]) -> list[Jar]:
    """The artifacts of `iceberg`, `delta`, `hudi`, `avro`, `connect`; else ValueError."""
    found: list[Jar] = []
    for name in formats:
        if name in _SPARK_JARS:
            artifact, mib = _SPARK_JARS[name]
            # Has to be the version of the Spark it is loaded into.
            found.append(Jar("org.apache.spark", artifact, _pyspark_version(), mib))
        elif name in _FORMAT_JARS:
            found.extend(_FORMAT_JARS[name])
        else:
            raise ValueError(f"no jars are known for {name!r}, only for: {', '.join(ALL)}")
    return list(dict.fromkeys(found))


def cache_folder() -> Path:
    named = os.environ.get(CACHE_ENVIRONMENT)
    return Path(named).expanduser() if named else Path.home() / ".cache" / "dbt-glue" / "jars"


def jars_for(datalake_formats: Iterable[str]) -> list[Path]:
    """The jar files that these formats need, fetched if they are not there yet."""
    formats = tuple(datalake_formats)
    ensure_jars(formats)
    return [cache_folder() / jar.file_name for jar in jars_of(formats)]


def ensure_jars(formats: Iterable[str] = ALL, *, report: Callable[[str], None] = print) -> None:
    """Fetch what is missing; processes that want the same at once fetch it once.

    Raises LocalGlueUnavailable, naming the jars and the folder they belong into.
    """
    wanted, folder = jars_of(formats), cache_folder()
    if not _missing(wanted, folder):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / ".lock", report, f"another process is fetching jars into {folder}"):
            if missing := _missing(wanted, folder):
                _fetch(missing, folder, report)
    except OSError as error:
        raise _failure(_missing(wanted, folder), folder, str(error)) from error


def _missing(wanted: Iterable[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in wanted if not (folder / jar.file_name).is_file()]


def _fetch(jars: list[Jar], folder: Path, report: Callable[[str], None]) -> None:
    total = sum(jar.mib for jar in jars)
    names = ", ".join(jar.file_name for jar in jars)
    report(f"fetching {len(jars)} jars (about {total} MB) into {folder}, once: {names}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
        work = Path(temporary)
        command = _ivy_command(jars, work)
        with (work / "ivy.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            _watch(process, work, total, report)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if absent := _missing(jars, work / "jars"):
            raise _failure(absent, folder, _complaint(work / "ivy.log"))
        for jar in jars:
            os.replace(work / "jars" / jar.file_name, folder / jar.file_name)
    report(f"fetched {len(jars)} jars in {time.monotonic() - started:.0f} s")


def _watch(
    process: subprocess.Popen, work: Path, total: int, report: Callable[[str], None]
) -> None:
    while True:
        try:
            process.wait(_REPORT_EVERY)
            return
        except subprocess.TimeoutExpired:
            report(f"fetching jars: {_size(work / 'ivy') // _MIB} of about {total} MB")


def _size(folder: Path) -> int:
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size += os.stat(os.path.join(path, name)).st_size
    return size


def _ivy_command(jars: list[Jar], work: Path) -> list[str]:
    """Ivy by itself, with files in `work`; the result lands in `work/jars`."""
    ivy = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not ivy:
        raise _failure(jars, cache_folder(), f"no Ivy in {pyspark_jars()}")
    (work / "jars").mkdir()
    _write_settings(work / "settings.xml")
    _write_dependencies(work / "ivy.xml", jars)
    options = {
        "-settings": "settings.xml",
        "-cache": "ivy",
        "-ivy": "ivy.xml",
        "-confs": "default",
        "-types": "jar",
        "-retrieve": "jars/[artifact]-[revision].[ext]",
    }
    command = [java_command(), "-jar", str(ivy[-1])]
    for option, value in options.items():
        is_path = option not in ("-confs", "-types")
        command += [option, str(work / value) if is_path else value]
    return command


def _write_settings(path: Path) -> None:
    root = ElementTree.Element("ivysettings")
    ElementTree.SubElement(root, "settings", defaultResolver="maven")
    resolvers = ElementTree.SubElement(root, "resolvers")
    ElementTree.SubElement(
        resolvers, "ibiblio", name="maven", m2compatible="true", root=_repository()
    )
    ElementTree.ElementTree(root).write(path)


def _write_dependencies(path: Path, jars: list[Jar]) -> None:
    root = ElementTree.Element("ivy-module", version="2.0")
    ElementTree.SubElement(root, "info", organisation="dbt-glue", module="jars")
    configurations = ElementTree.SubElement(root, "configurations")
    ElementTree.SubElement(configurations, "conf", name="default")
    dependencies = ElementTree.SubElement(root, "dependencies")
    for jar in jars:
        ElementTree.SubElement(
            dependencies,
            "dependency",
            org=jar.organisation,
            name=jar.name,
            rev=jar.revision,
            conf="default->master",
            transitive="false",
        )
    ElementTree.ElementTree(root).write(path)


def _repository() -> str:
    return os.environ.get(REPOSITORY_ENVIRONMENT) or MAVEN_CENTRAL


def _complaint(log: Path) -> str:
    """The lines of Ivy's output that say what went wrong."""
    lines = log.read_text(errors="replace").splitlines()
    telling = [line.strip() for line in lines if "ERRORS" in line or "Exception" in line]
    telling += [line.strip() for line in lines if "not found" in line or "UNRESOLVED" in line]
    return "; ".join(telling[:4]) or "; ".join(line.strip() for line in lines[-4:])


def _failure(jars: list[Jar], folder: Path, why: str) -> LocalGlueUnavailable:
    addresses = "\n".join(f"  {jar.address(_repository())}" for jar in jars)
    return LocalGlueUnavailable(
        f"Could not fetch {len(jars)} jars that local Glue needs ({why}).\n"
        f"With no network: put these files into {folder}\n{addresses}\n"
        f"or copy that folder from a machine that has them and name it in {CACHE_ENVIRONMENT}. "
        f"With a mirror of Maven Central: name it in {REPOSITORY_ENVIRONMENT}."
    )


def pyspark_jars() -> Path:
    """The jars folder of the installed pyspark. LocalGlueUnavailable if there is none."""
    spec = util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        raise LocalGlueUnavailable(
            "Local Glue needs Spark, and pyspark is not installed: pip install 'dbt-glue[local]'"
        )
    return Path(spec.submodule_search_locations[0]) / "jars"


def _pyspark_version() -> str:
    try:
        return metadata.version("pyspark")
    except metadata.PackageNotFoundError as error:
        raise LocalGlueUnavailable(
            "Local Glue needs Spark, and pyspark is not installed: pip install 'dbt-glue[local]'"
        ) from error
