"""What a session's Spark process is started with, from CreateSession's DefaultArguments."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from .class_archive import ARCHIVE_OPTION, RECORD_OPTION, archive_path
from .hadoop_conf import hadoop_properties
from .jars import ALWAYS, FORMATS

SESSION_MODULES = Path(__file__).with_name("session_modules")

_ICEBERG_CATALOGS = (
    "org.apache.iceberg.spark.SparkCatalog",
    "org.apache.iceberg.spark.SparkSessionCatalog",
)
_ICEBERG_GLUE_CATALOG = "org.apache.iceberg.aws.glue.GlueCatalog"
_HADOOP_FILE_IO = "org.apache.iceberg.hadoop.HadoopFileIO"
_LOCAL_KEY = "local"

# Sized or placed by AWS on a cluster; on this machine the server decides.
_CLUSTER_SETTINGS = re.compile(
    r"spark\.(master|submit\.deployMode|dynamicAllocation\..*"
    r"|driver\.(memory|memoryOverhead|cores|host|bindAddress)"
    r"|executor\.(memory|memoryOverhead|cores|instances))"
)
# Would reach for the real AWS, or for a lock table that only old Iceberg versions need.
_REMOTE_CATALOG_SETTINGS = re.compile(r"lock-impl|lock\..*|client\.factory|client\.assume-role\..*")
# Kinds of environment variables that would lead a session elsewhere, or to speak Spark Connect.
_DROPPED = ("AWS_ENDPOINT_URL_", "PYSPARK_", "SPARK_CONNECT_", "SPARK_REMOTE")
# The second compiler waits for code that is really hot: a session starts with 30 % less CPU and the
# jaffle shop takes 4/5 of the time, while a heavy query takes as long as before (measured).
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC -Xshare:auto -XX:-UsePerfData -Duser.timezone=UTC"
    " -XX:Tier4InvocationThreshold=100000 -XX:Tier4MinInvocationThreshold=50000"
    " -XX:Tier4CompileThreshold=400000 -XX:Tier4BackEdgeThreshold=4000000"
)
# Code that sees a few rows is not worth its compilation, nor four tasks: a build of 100 small
# models takes 50 s instead of 68 s (2 cores, one after the other).
_SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
}
# With one compiler the JVM would keep its code in 48 MiB, and throw code away to make room.
_SMALL_DATA_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"


class SessionConfError(ValueError):
    """The session's arguments cannot work; the message is the session's ErrorMessage."""


@dataclass(frozen=True)
class ServerSettings:
    """What sessions need to know of the server around them.

    `metastore_uri` and `jars_for` may block: the metastore starts, jars are fetched.
    """

    local_dir: Path
    endpoint_url: str
    region: str
    metastore_uri: Callable[[], str]
    jars_for: Callable[[Sequence[str]], Sequence[Path]]
    master: str = "local[*]"
    driver_memory: str = "2g"
    small_data: bool = False  # rather interpret than compile


@dataclass(frozen=True)
class KernelSettings:
    """All that one kernel process is started with."""

    conf: dict[str, str]
    env: dict[str, str]
    argv: list[str]
    py_files: list[str]
    path: list[str]
    folder: Path  # working directory and temporary files; removed with the session
    log: Path
    connect: bool = False  # serve Spark Connect instead of a Python shell
    notes: list[str] = field(default_factory=list)  # what was changed, for the session's log


def parse_conf(text: str) -> dict[str, str]:
    """`a=b --conf c=d` as a mapping; values may hold `=`. A later key wins.

    Raises SessionConfError for a part that is not `key=value`.
    """
    conf = {}
    for part in re.split(r"(?:^|\s+)--conf\s+", text.strip()):
        if not part.strip():
            continue
        key, separator, value = part.strip().partition("=")
        if not separator or not key.strip() or re.search(r"\s", key.strip()):
            raise SessionConfError(f"--conf: expected key=value, got {part.strip()!r}")
        conf[key.strip()] = value.strip()
    return conf


def kernel_settings(
    session_id: str,
    arguments: Mapping[str, str],
    server: ServerSettings,
    folder: Path,
    connect: bool = False,
) -> KernelSettings:
    """Raises SessionConfError; blocks while jars are fetched or the metastore starts."""
    user = parse_conf(arguments.get("--conf", ""))
    notes: list[str] = []
    for key in [key for key in user if _CLUSTER_SETTINGS.fullmatch(key)]:
        notes.append(f"{key}={user.pop(key)} left out: this machine's own size is used")
    formats = _listed(arguments.get("--datalake-formats", ""))
    if unknown := [name for name in formats if name not in FORMATS]:
        raise SessionConfError(
            f"--datalake-formats: {', '.join(unknown)} unknown, expected {', '.join(FORMATS)}"
        )
    needed = [*(name for name in FORMATS if name in formats), *ALWAYS]
    own_jars = server.jars_for(needed)
    archive = archive_path(own_jars)
    jars = [str(path) for path in own_jars]
    jars += _files("--extra-jars", arguments, server.local_dir)
    py_files = _files("--extra-py-files", arguments, server.local_dir)
    py_files += _python_modules(arguments, server.local_dir)
    conf = _defaults(server, folder) | _catalog_conf(arguments, server)
    conf |= {f"spark.hadoop.{k}": v for k, v in hadoop_properties(server.local_dir).items()}
    conf |= iceberg_glue_conf(user, server.endpoint_url, server.region, notes)
    class_path = [*jars, *filter(None, [user.get("spark.driver.extraClassPath")])]
    if class_path:
        conf["spark.driver.extraClassPath"] = os.pathsep.join(class_path)
    java_options = user.get("spark.driver.extraJavaOptions", "")
    # Hive and native libraries leave files behind; the folder goes with the session.
    temporary = f'"-Djava.io.tmpdir={folder}"'
    # With other jars in between, the JVM leaves it alone; and it cannot use one while it records.
    if archive.is_file() and RECORD_OPTION not in java_options:
        java_options = f"{ARCHIVE_OPTION}{archive} {java_options}"
    if server.small_data:
        java_options = f"{_SMALL_DATA_JAVA} {java_options}"
    conf["spark.driver.extraJavaOptions"] = f"{_JAVA_OPTIONS} {temporary} {java_options}".strip()
    return KernelSettings(
        conf=conf,
        env=_environment(server, folder),
        argv=_argv(session_id, arguments),
        py_files=py_files,
        path=[str(SESSION_MODULES)],
        folder=folder,
        log=server.local_dir / "log" / f"{quote(session_id, safe='')}.log",
        connect=connect,
        notes=notes,
    )


def iceberg_glue_conf(
    user: Mapping[str, str], endpoint_url: str, region: str, notes: list[str]
) -> dict[str, str]:
    """`user` with every Iceberg catalog that is a GlueCatalog pointed at this server.

    Settings that mean the real AWS are left out; `notes` says which.
    """
    conf = dict(user)
    for catalog in [key for key in user if _is_iceberg_glue_catalog(key, user)]:
        for key in user:
            setting = key.removeprefix(f"{catalog}.")
            if setting != key and _REMOTE_CATALOG_SETTINGS.fullmatch(setting):
                notes.append(f"{key}={conf.pop(key)} left out: it needs the real AWS")
        conf[f"{catalog}.glue.endpoint"] = endpoint_url
        conf[f"{catalog}.client.region"] = region
        conf[f"{catalog}.io-impl"] = _HADOOP_FILE_IO
    return conf


def _is_iceberg_glue_catalog(key: str, conf: Mapping[str, str]) -> bool:
    name = key.removeprefix("spark.sql.catalog.")
    if name == key or "." in name or conf[key] not in _ICEBERG_CATALOGS:
        return False
    implementation = conf.get(f"{key}.catalog-impl")
    return implementation == _ICEBERG_GLUE_CATALOG or conf.get(f"{key}.type") == "glue"


def local_path(uri: str, local_dir: Path) -> Path:
    """Where `s3://bucket/key` (s3a, s3n), `file:` or a plain path is on this machine."""
    parts = urlsplit(uri)
    if parts.scheme in ("s3", "s3a", "s3n"):
        return local_dir / "s3" / parts.netloc / parts.path.lstrip("/")
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri).expanduser().absolute()


def _defaults(server: ServerSettings, folder: Path) -> dict[str, str]:
    defaults = {
        "spark.master": server.master,
        "spark.app.name": "AWS Glue local session",
        "spark.driver.memory": server.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        # of 10,000: one task each when Delta lists a table for VACUUM
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.default.parallelism": "4",
        "spark.databricks.delta.snapshotPartitions": "2",  # 50 tasks per read otherwise
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": (server.local_dir / "warehouse").absolute().as_uri(),
    }
    return defaults | (_SMALL_DATA if server.small_data else {})


def _catalog_conf(arguments: Mapping[str, str], server: ServerSettings) -> dict[str, str]:
    # Glue takes the argument's presence as yes, whatever its value; "false" is taken as no.
    if arguments.get("--enable-glue-datacatalog", "false").strip().lower() == "false":
        return {"spark.sql.catalogImplementation": "in-memory"}
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": server.metastore_uri(),
    }


def _environment(server: ServerSettings, folder: Path) -> dict[str, str]:
    # What would lead the session to the real AWS, or to another Spark.
    dropped = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "SPARK_HOME")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(_DROPPED)
    }
    return kept | {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_REGION": server.region,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ACCESS_KEY_ID": _LOCAL_KEY,
        "AWS_SECRET_ACCESS_KEY": _LOCAL_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(SESSION_MODULES), os.environ.get("PYTHONPATH")])
        ),
        "PYTHONIOENCODING": "utf-8",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(folder),
        "HUDI_CONF_DIR": str(_hudi_defaults(folder)),
        "TZ": "UTC",
    }


def _hudi_defaults(folder: Path) -> Path:
    """The folder of Hudi's defaults: it syncs its tables by thrift, as on Glue.

    Hudi's own default syncs through HiveQL, which needs jars that Spark does not ship.
    """
    defaults = folder / "hudi"
    defaults.mkdir(parents=True, exist_ok=True)
    text = "hoodie.datasource.hive_sync.mode=hms\n"
    (defaults / "hudi-defaults.conf").write_text(text, encoding="utf-8")
    return defaults


def _argv(session_id: str, arguments: Mapping[str, str]) -> list[str]:
    argv = ["--SESSION_ID", session_id]
    for name, value in arguments.items():
        argv += [name, value]
    return argv


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _files(argument: str, arguments: Mapping[str, str], local_dir: Path) -> list[str]:
    paths = []
    for uri in _listed(arguments.get(argument, "")):
        path = local_path(uri, local_dir)
        if not path.exists():
            raise SessionConfError(f"{argument}: {uri} does not exist (looked for {path})")
        paths.append(str(path))
    return paths


def _python_modules(arguments: Mapping[str, str], local_dir: Path) -> list[str]:
    """Files among `--additional-python-modules`; named packages must be installed already."""
    argument = "--additional-python-modules"
    named = _listed(arguments.get(argument, ""))
    files = [item for item in named if "/" in item or item.endswith(".whl")]
    missing = []
    for requirement in named:
        if requirement in files:
            continue
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        try:
            metadata.version(match.group() if match else requirement)
        except metadata.PackageNotFoundError:
            missing.append(requirement)
    if missing:
        raise SessionConfError(
            f"{argument}: {', '.join(missing)} not installed. Local Glue installs nothing: "
            f"run `{sys.executable} -m pip install {' '.join(missing)}`"
        )
    return _files(argument, {argument: ",".join(files)}, local_dir)
