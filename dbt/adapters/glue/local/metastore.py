"""The Hive metastore behind local Glue: one JVM, and a pool of thrift connections to it.

The metastore's classes are the ones inside pyspark. They are started through Py4J and not by
`HiveMetaStore.main`, because main listens on every interface and on a fixed port; here it
listens on 127.0.0.1, on a port that the OS chooses. The JVM ends when its stdin closes, so it
never outlives this process, however that ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

from hive_metastore import ThriftHiveMetastore
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from thrift.transport.TTransport import TTransportException

from .hadoop_conf import hadoop_properties
from .jars import pyspark_jars
from .java import java_command
from .metastore_client import MetastoreClient

WAREHOUSE_BUCKET = "local-glue-warehouse"
_START_TIMEOUT = 120.0
_MAX_SERVER_THREADS = 400

# Classes that HMS 2.3 reaches by reflection and Java 17 closes.
_JAVA_OPTIONS = [
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
]

_LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c: %m%n
# What this logs for every client that closes its connection.
logger.thrift.name = org.apache.thrift.server.TThreadPoolServer
logger.thrift.filter.closed.type = RegexFilter
logger.thrift.filter.closed.regex = Thrift error occurred during processing.*
logger.thrift.filter.closed.onMatch = DENY
logger.thrift.filter.closed.onMismatch = NEUTRAL
# Warns of every question for a database that does not exist.
logger.objects.name = org.apache.hadoop.hive.metastore.ObjectStore
logger.objects.level = error
# Warns at every dropped table that there are no transaction tables, which the catalog has not.
logger.transactions.name = org.apache.hadoop.hive.metastore.txn.TxnHandler
logger.transactions.level = error
"""

T = TypeVar("T")


class MetastoreError(RuntimeError):
    """The metastore process did not start or has died; the message names its log."""


class Metastore:
    """One Hive metastore process on a Derby database in `local_dir/metastore`.

    `start` returns at once; `uri` and `call` wait until the metastore answers.
    """

    def __init__(self, local_dir: Path) -> None:
        self.local_dir = local_dir
        self.log = local_dir / "log" / "metastore.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._starter: threading.Thread | None = None
        self._stopping = False
        self._client = MetastoreClient(self._wait)

    def start(self) -> None:
        """Starts the process in the background; a second call, or one after stop, does nothing."""
        with self._lock:
            if self._starter is None and not self._stopping:
                self._starter = threading.Thread(
                    target=self._start, name="metastore-start", daemon=True
                )
                self._starter.start()

    @property
    def uri(self) -> str:
        """`thrift://127.0.0.1:<port>`, once the metastore answers. Raises MetastoreError."""
        return f"thrift://127.0.0.1:{self._wait()}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def call(self, operation: Callable[[ThriftHiveMetastore.Client], T]) -> T:
        """Runs `operation` with a thrift client, from any thread; see MetastoreClient.call."""
        try:
            return self._client.call(operation)
        except (TTransportException, OSError, EOFError) as error:
            raise self._dead(f"the Hive metastore does not answer ({error})") from error

    def stop(self) -> None:
        """Ends the process, also one that is still starting, and waits for it, so that Derby's
        lock is free afterwards."""
        with self._lock:
            self._stopping = True
            starter, process = self._starter, self._process
        self._client.close()
        if process is not None:
            _end(process)
        if starter is not None:
            starter.join()
        self._ready.set()

    def _start(self) -> None:
        try:
            self._launch()
        except BaseException as error:  # kept, and raised to whoever waits for the port
            self._failure = error
        self._ready.set()

    def _launch(self) -> None:
        folder = self.local_dir / "metastore"
        conf = folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.local_dir / "tmp" / "metastore"
        temporary.mkdir(parents=True, exist_ok=True)
        _remove_half_made(folder / "db")
        _write_properties(conf / "core-site.xml", hadoop_properties(self.local_dir))
        _write_properties(conf / "hive-site.xml", _hive_properties(folder))
        (conf / "log4j2.properties").write_text(_LOG4J.format(log=self.log), encoding="utf-8")
        jars = pyspark_jars()
        with open(self.log.with_suffix(".out"), "ab") as output:
            port, token, process = launch_gateway(
                jarpath=str(next(jars.glob("py4j-*.jar"))),
                classpath=os.pathsep.join([str(conf), f"{jars}/*"]),
                javaopts=[
                    *_JAVA_OPTIONS,
                    f"-Dlog4j2.configurationFile={conf / 'log4j2.properties'}",
                    f"-Dderby.stream.error.file={self.local_dir / 'log' / 'derby.log'}",
                    f"-Dderby.system.home={folder}",
                    f"-Djava.io.tmpdir={temporary}",
                ],
                die_on_exit=True,
                redirect_stderr=output,
                java_path=java_command(),
                enable_auth=True,
                cwd=str(folder),
                return_proc=True,
            )
        with self._lock:
            self._process = process
            stopping = self._stopping
        if stopping:
            _end(process)
            raise MetastoreError("the Hive metastore was stopped while it started")
        gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=port, auth_token=token, auto_convert=True)
        )
        try:
            self._serve(gateway)
        finally:
            # The gateway has done its work; the JVM goes on, and still ends with its stdin.
            gateway.shutdown()

    def _serve(self, gateway: JavaGateway) -> None:
        """Builds HiveMetaStore.startMetaStore's server, on a loopback socket."""
        jvm: Any = gateway.jvm
        hive = jvm.org.apache.hadoop.hive
        conf = hive.conf.HiveConf()
        base = getattr(hive.metastore, "HiveMetaStore$HMSHandler")("local glue", conf, False)
        handler = hive.metastore.HiveMetaStore.newRetryingHMSHandler(base, conf, True)
        address = jvm.java.net.InetSocketAddress("127.0.0.1", 0)
        thrift = jvm.org.apache.thrift
        socket = jvm.java.net.ServerSocket()
        socket.bind(address)
        transport = thrift.transport.TServerSocket(socket)
        arguments = getattr(thrift.server, "TThreadPoolServer$Args")(transport)
        arguments.processor(hive.metastore.TSetIpAddressProcessor(handler))
        arguments.maxWorkerThreads(_MAX_SERVER_THREADS)
        server = thrift.server.TThreadPoolServer(arguments)
        jvm.java.lang.Thread(_runnable(jvm, server, "serve")).start()
        self._port = socket.getLocalPort()

    def _wait(self) -> int:
        self.start()
        if not self._ready.wait(_START_TIMEOUT):
            raise self._dead(f"the Hive metastore did not start in {_START_TIMEOUT:.0f} s")
        running = self._process is not None and self._process.poll() is None
        if self._port is None or not running:
            raise self._dead("the Hive metastore is not running") from self._failure
        return self._port

    def _dead(self, what: str) -> MetastoreError:
        return MetastoreError(
            f"{what}: {self._failure or 'no reason given'}. Its log: {self.log}. "
            f"Restart local Glue with `dbt-glue local stop` and `dbt-glue local start`."
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Derby needs no farewell: it recovers from its log, as after a crash."""
    process.kill()
    process.wait()


def _remove_half_made(database: Path) -> None:
    """A Derby database whose creation was cut short, which Derby would refuse to open.

    It writes `service.properties` last, so there is nothing in it yet.
    """
    if database.exists() and not (database / "service.properties").exists():
        shutil.rmtree(database)


def _runnable(jvm: Any, target: Any, method: str) -> Any:
    """A java.lang.Runnable that calls a void method of `target`, so that it runs in the JVM."""
    invoke = jvm.java.lang.invoke
    signature = invoke.MethodType.methodType(jvm.java.lang.Void.TYPE)
    handle = invoke.MethodHandles.publicLookup().findVirtual(target.getClass(), method, signature)
    runnable = jvm.java.lang.Class.forName("java.lang.Runnable")
    return invoke.MethodHandleProxies.asInterfaceInstance(runnable, handle.bindTo(target))


def _hive_properties(folder: Path) -> dict[str, str]:
    return {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'db'};create=true",
        "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
        "datanucleus.schema.autoCreateAll": "true",
        "datanucleus.autoStartMechanismMode": "ignored",
        "hive.metastore.schema.verification": "false",
        # Asynchronous logging asks for a jar that pyspark does not have.
        "hive.async.log.enabled": "false",
        "hive.metastore.warehouse.dir": f"s3://{WAREHOUSE_BUCKET}/",
        # The Data Catalog takes whatever columns a table is updated to.
        "hive.metastore.disallow.incompatible.col.type.changes": "false",
        # The Data Catalog does not list files when a table is created.
        "hive.stats.autogather": "false",
        "hive.hmshandler.retry.attempts": "3",
        "hive.hmshandler.retry.interval": "100ms",
    }


def _write_properties(path: Path, properties: dict[str, str]) -> None:
    rows = (
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    path.write_text(f"<configuration>\n{''.join(rows)}</configuration>\n", encoding="utf-8")
