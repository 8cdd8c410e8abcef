"""Interactive sessions of local Glue over HTTP, on real Spark."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dbt.adapters.glue.local import launcher

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from dbt.adapters.glue.local.launcher import LocalGlue

ICEBERG = "org.apache.iceberg.spark"
GLUE_CATALOG = "org.apache.iceberg.aws.glue.GlueCatalog"
ALL_FORMATS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,"
    f"{ICEBERG}.extensions.IcebergSparkSessionExtensions,"
    "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalog.glue_catalog": f"{ICEBERG}.SparkCatalog",
    "spark.sql.catalog.glue_catalog.catalog-impl": GLUE_CATALOG,
    "spark.sql.catalog.glue_catalog.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    "spark.sql.catalog.glue_catalog.lock-impl": "org.apache.iceberg.aws.dynamodb.DynamoDbLock",
    "spark.sql.catalog.glue_catalog.warehouse": "s3://session-tests/warehouse",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.databricks.delta.catalog.update.enabled": "true",
}
ICEBERG_ON_SPARK_CATALOG = {
    "spark.sql.extensions": f"{ICEBERG}.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.spark_catalog": f"{ICEBERG}.SparkSessionCatalog",
    "spark.sql.catalog.spark_catalog.catalog-impl": GLUE_CATALOG,
    "spark.sql.catalog.spark_catalog.warehouse": "s3://session-tests/warehouse",
}
RUN = uuid.uuid4().hex[:8]
DATABASE = f"session_tests_{RUN}"


class LiveSession:
    """A READY session and the calls that tests make on it."""

    def __init__(self, glue: Any, session_id: str, arguments: dict[str, str]) -> None:
        self.glue, self.id = glue, session_id
        glue.create_session(
            Id=session_id,
            Role="arn:aws:iam::123456789012:role/LocalGlue",
            Command={"Name": "glueetl", "PythonVersion": "3"},
            DefaultArguments=arguments,
        )
        self.wait("PROVISIONING")

    def wait(self, while_status: str, seconds: float = 180) -> dict[str, Any]:
        """The session once it has left `while_status`."""
        deadline = time.monotonic() + seconds
        while (session := self.glue.get_session(Id=self.id)["Session"])["Status"] == while_status:
            assert time.monotonic() < deadline, f"still {while_status} after {seconds} s"
            time.sleep(0.05)
        return session

    def run(self, code: str) -> dict[str, Any]:
        """The statement once it has ended."""
        statement = self.glue.run_statement(SessionId=self.id, Code=code)["Id"]
        return self.ended(statement)

    def ended(self, statement: int, seconds: float = 240) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            answer = self.glue.get_statement(SessionId=self.id, Id=statement)["Statement"]
            if answer["State"] not in ("WAITING", "RUNNING", "CANCELLING"):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)

    def text(self, code: str) -> str:
        output = self.run(code)["Output"]
        assert output["Status"] == "ok", output
        return output["Data"]["TextPlain"]

    def sql(self, sql: str) -> list[tuple[Any, ...]]:
        return eval(self.text(f"[tuple(row) for row in spark.sql({sql!r}).collect()]"))

    def close(self) -> None:
        if self.glue.get_session(Id=self.id)["Session"]["Status"] in ("PROVISIONING", "READY"):
            self.glue.stop_session(Id=self.id)
            self.wait("STOPPING")
        self.glue.delete_session(Id=self.id)


def arguments(conf: dict[str, str], formats: str) -> dict[str, str]:
    return {
        "--enable-glue-datacatalog": "true",
        "--datalake-formats": formats,
        "--conf": " --conf ".join(f"{key}={value}" for key, value in conf.items()),
    }


@pytest.fixture(scope="module")
def glue(glue_clients: SimpleNamespace) -> Any:
    glue_clients.glue.create_database(
        DatabaseInput={"Name": DATABASE, "LocationUri": f"s3://session-tests/{DATABASE}"}
    )
    return glue_clients.glue


@pytest.fixture(scope="module")
def session(glue: Any) -> Iterator[LiveSession]:
    live = LiveSession(glue, f"contract-{RUN}", arguments(ALL_FORMATS, "iceberg,delta,hudi"))
    yield live
    live.close()


@pytest.fixture
def plain(glue: Any) -> Iterator[Callable[[dict[str, str]], LiveSession]]:
    """Sessions of a single test, made on demand."""
    made: list[LiveSession] = []

    def create(arguments: dict[str, str]) -> LiveSession:
        made.append(LiveSession(glue, f"contract-{RUN}-{len(made)}", arguments))
        return made[-1]

    yield create
    for live in made:
        live.close()


def test_predefined_names(session: LiveSession) -> None:
    assert session.text("sc is spark.sparkContext, sqlContext.sparkSession is spark") == (
        "(True, True)"
    )
    assert session.text("import sys\nsys.argv[1:3]") == f"['--SESSION_ID', '{session.id}']"
    assert session.text("spark.conf.get('spark.sql.session.timeZone')") == "'UTC'"


def test_argument_helper_of_aws(session: LiveSession) -> None:
    code = (
        "from awsglue.utils import getResolvedOptions\ngetResolvedOptions(sys.argv, ['SESSION_ID'])"
    )
    assert session.text("import sys\n" + code) == str({"SESSION_ID": session.id})


def test_dbt_is_not_in_the_session(session: LiveSession) -> None:
    assert session.text("import sys\n[m for m in sys.modules if m.startswith('dbt')]") == "[]"
    assert session.run("import session_request")["Output"]["ErrorName"] == "ModuleNotFoundError"


def test_spark_error_keeps_its_class_and_text(session: LiveSession) -> None:
    answer = session.run("spark.sql('select * from nowhere.nothing')")
    assert answer["State"] == "AVAILABLE"
    assert answer["Output"]["Status"] == "error"
    assert answer["Output"]["ErrorName"] == "AnalysisException"
    assert answer["Output"]["ErrorValue"].startswith("[TABLE_OR_VIEW_NOT_FOUND]")


@pytest.mark.parametrize(
    ("table", "clause"),
    [
        (f"glue_catalog.{DATABASE}.iceberg_t", "using iceberg partitioned by (p)"),
        pytest.param(
            f"{DATABASE}.delta_t", "using delta partitioned by (p)", marks=pytest.mark.slow
        ),
        pytest.param(
            f"{DATABASE}.hudi_t",
            "using hudi partitioned by (p) tblproperties(primaryKey='id', preCombineField='p')",
            marks=pytest.mark.slow,
        ),
        (f"{DATABASE}.parquet_t", "using parquet partitioned by (p)"),
        (f"{DATABASE}.avro_t", "using avro partitioned by (p)"),
    ],
    ids=["iceberg", "delta", "hudi", "parquet", "avro"],
)
def test_every_format_in_one_session(session: LiveSession, table: str, clause: str) -> None:
    name = table.rpartition(".")[2]
    location = f"location 's3://session-tests/{DATABASE}/tables/{name}'"
    read = f"select id, n, p from {table} order by id"
    session.sql(
        f"create table {table} {clause} {location} as "
        "select 1 id, 'a' n, 1 p union all select 2, 'b', 2"
    )
    session.sql(f"insert overwrite {table} select 3 id, 'c' n, 2 p")
    assert session.sql(read) == [(1, "a", 1), (3, "c", 2)]
    plain = name in ("parquet_t", "avro_t")
    if not plain:
        session.sql(
            f"merge into {table} t using (select 1 id, 'z' n, 1 p union all select 4, 'd', 4) s "
            "on t.id = s.id when matched then update set * when not matched then insert *"
        )
        assert session.sql(read) == [(1, "z", 1), (3, "c", 2), (4, "d", 4)]
    session.sql(f"create or replace view {DATABASE}.v_{name} as select max(id) m from {table}")
    assert session.sql(f"select m from {DATABASE}.v_{name}") == [(3 if plain else 4,)]
    assert session.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]["Name"] == name


def test_delta_schema_is_in_the_catalog(session: LiveSession) -> None:
    session.sql(f"create table {DATABASE}.delta_s using delta as select 1 Id, 'x' n")
    parameters = session.glue.get_table(DatabaseName=DATABASE, Name="delta_s")["Table"][
        "Parameters"
    ]
    assert parameters["spark.sql.sources.provider"] == "delta"
    assert '"name":"Id"' in parameters["spark.sql.sources.schema"]


@pytest.mark.slow
def test_iceberg_on_spark_catalog(plain: Callable[[dict[str, str]], LiveSession]) -> None:
    live = plain(arguments(ICEBERG_ON_SPARK_CATALOG, "iceberg"))
    live.sql(f"create table {DATABASE}.own_iceberg using iceberg as select 1 id")
    live.sql(f"create table {DATABASE}.own_parquet using parquet as select 2 id")
    live.sql(
        f"merge into {DATABASE}.own_iceberg t using {DATABASE}.own_parquet s on t.id = s.id "
        "when not matched then insert *"
    )
    assert live.sql(f"select id from {DATABASE}.own_iceberg order by id") == [(1,), (2,)]


def test_boto3_in_the_session_reaches_local_glue(session: LiveSession) -> None:
    code = (
        "import boto3\nboto3.client('s3').put_object("
        "Bucket='session-tests', Key='by-boto/a.csv', Body=b'7')\n"
        "spark.read.csv('s3://session-tests/by-boto/').collect()[0][0]"
    )
    session.text("'s3://session-tests/'")
    assert session.text(code) == "'7'"


def test_threads_go_on_after_the_statement(session: LiveSession) -> None:
    session.text(
        "import threading\nanswers = {}\n"
        "def work(n):\n"
        "    answers[n] = spark.sql(f'select sum(id) + {n} from range(100000)').first()[0]\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
        "for t in threads: t.start()"
    )
    total = sum(range(100000))
    assert session.text("for t in threads: t.join()\nsorted(answers.values())") == str(
        [total + n for n in range(4)]
    )


def test_cancel_stops_the_spark_job(session: LiveSession) -> None:
    code = "spark.range(0, 10**13, 1, 4).selectExpr('sum(hash(id))').collect()"
    statement = session.glue.run_statement(SessionId=session.id, Code=code)["Id"]
    time.sleep(1)
    session.glue.cancel_statement(SessionId=session.id, Id=statement)
    answer = session.ended(statement, seconds=20)
    assert answer["State"] == "CANCELLED"
    assert "cancelled job group" in answer["Output"]["ErrorValue"]
    assert session.text("1") == "1"


def test_a_killed_kernel_is_noticed(plain: Callable[[dict[str, str]], LiveSession]) -> None:
    live = plain({})
    os.kill(int(live.text("import os\nos.getpid()")), signal.SIGKILL)
    failed = live.wait("READY", seconds=5)
    assert failed["Status"] == "FAILED"
    with pytest.raises(ClientError) as raised:
        live.run("1")
    assert raised.value.response["Error"]["Code"] == "IllegalSessionStateException"
    assert "fail to call ReplServer" in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"--conf": "no-equals-sign"}, "expected key=value"),
        ({"--datalake-formats": "paimon"}, "paimon unknown"),
        ({"--extra-jars": "s3://session-tests/no.jar"}, "does not exist"),
        ({"--additional-python-modules": "surely-not-installed==1.0"}, "pip install"),
    ],
)
def test_arguments_that_cannot_work(
    plain: Callable[[dict[str, str]], LiveSession], bad: dict[str, str], said: str
) -> None:
    failed = plain(bad).wait("PROVISIONING")
    assert failed["Status"] == "FAILED"
    assert said in failed["ErrorMessage"]


@pytest.mark.slow
def test_extra_py_files_from_s3(
    local_glue: "LocalGlue", plain: Callable[[dict[str, str]], LiveSession]
) -> None:
    folder = local_glue.local_dir / "s3" / "session-tests" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answers.py").write_text("def answer(x):\n    return 42\n", encoding="utf-8")
    live = plain({"--extra-py-files": "s3://session-tests/code/answers.py"})
    assert live.text("from answers import answer\nsc.parallelize([1], 1).map(answer).first()") == (
        "42"
    )


def test_prepared_classes_are_mapped(plain: Callable[[dict[str, str]], LiveSession]) -> None:
    """`dbt-glue local prepare`: a JVM that refuses the archive loads its classes by itself."""
    launcher.prepare()
    maps = "open(f'/proc/{spark._jvm.java.lang.ProcessHandle.current().pid()}/maps').read()"
    live = plain(arguments({}, "hudi,iceberg,delta"))
    assert live.text(f"print('class-archives' in {maps})") == "True"
    other = plain(arguments({}, "delta,iceberg"))
    assert other.text(f"print('class-archives' in {maps})") == "False"
