"""Checks of what the profile asks for, without a call to AWS."""

from collections.abc import Iterator

from dbt.adapters.glue.doctor.finding import FAIL, PASS, WARN, Finding, Subject
from dbt.adapters.glue.node_session import session_spec
from dbt.adapters.glue.session.spec import MAX_ARGUMENT_LENGTH
from dbt.adapters.glue.session_choice import (
    CONNECT,
    VERSIONS_WITHOUT,
    client_problem,
    session_choice,
)
from dbt.adapters.glue.spark_conf import EXTENSIONS, SPARK_CATALOG

# What each Glue version brings ("AWS Glue versions", and "Migrating" in its developer guide).
VERSIONS: dict[str, dict[str, str]] = {
    "4.0": {"spark": "3.3.0", "iceberg": "1.0.0", "hudi": "0.12.1", "delta": "2.1.0"},
    "5.0": {"spark": "3.5.4", "iceberg": "1.7.1", "hudi": "0.15.0", "delta": "3.3.0"},
    "5.1": {"spark": "3.5.6", "iceberg": "1.10.0", "hudi": "1.0.2", "delta": "3.3.2"},
    "6.0": {"spark": "4.1.1", "iceberg": "1.11.0", "hudi": "1.1.1", "delta": "4.2.0"},
}
OLD_VERSIONS = ("4.0",)
OVERWRITE_MODE = "spark.sql.sources.partitionOverwriteMode"


def session(subject: Subject) -> Iterator[Finding]:
    """What CreateSession would be asked for: within the API's limits, and of a kind that is had."""
    credentials = subject.credentials
    spec = session_spec(credentials, "livy")
    request = spec.create_request("dbt-glue-doctor")
    _against_the_model(request)
    length = len(request["DefaultArguments"].get("--conf", ""))
    told = f"{spec.describe()}; its conf is {length} of {MAX_ARGUMENT_LENGTH} characters long"
    yield Finding(PASS, told)
    kind = credentials.worker_type
    if kind == "G.025X":
        yield Finding(
            WARN, "G.025X workers are for streaming jobs.", "Use `worker_type: G.1X` or larger."
        )
    if not subject.local and (credentials.workers is None or kind is None):
        yield Finding(
            WARN,
            "`workers` and `worker_type` are not both set: AWS takes its default of 5 DPU, and "
            "bills it.",
            "Set both; 2 workers of G.1X are the least.",
        )


def _against_the_model(request: dict[str, object]) -> None:
    """Raises ConfigurationError for arguments that botocore would refuse to send."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    from dbt.adapters.glue.exceptions import ConfigurationError

    # Not by a session of botocore: it reads ~/.aws, which is the check of credentials.
    described = ServiceModel(Loader().load_service_model("glue", "service-2"), "glue")
    shape = described.operation_model("CreateSession").input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ConfigurationError(report.generate_report(), operation="CreateSession")


def formats(subject: Subject) -> Iterator[Finding]:
    """datalake_formats against the Glue version, and against the user's own conf."""
    credentials = subject.credentials
    version, named = credentials.glue_version or "", credentials.formats
    brings = VERSIONS.get(version)
    if brings is None:
        yield Finding(
            WARN,
            f"glue_version {version}: which formats it brings is known when the session runs.",
            "Name a version, such as '5.1'.",
        )
    else:
        shown = [f"Spark {brings['spark']}", *(f"{name} {brings[name]}" for name in named)]
        yield Finding(PASS, f"Glue {version}: {', '.join(shown)}{'' if named else NO_FORMATS}")
    if version in OLD_VERSIONS:
        yield Finding(
            WARN,
            f"Glue {version} has older formats than dbt-glue is tested with (those of 5.1).",
            "Use `glue_version: '5.0'` or later.",
        )
    if version == "6.0":
        yield Finding(
            WARN,
            "Glue 6.0 has ANSI mode on: overflows and casts that gave NULL are errors.",
            "Use try_cast and its kin, or `conf: {spark.sql.ansi.enabled: false}`.",
        )


NO_FORMATS = "; no `datalake_formats`, so merge, snapshots and Iceberg are not available"


def conf(subject: Subject) -> Iterator[Finding]:
    """The user's Spark conf against the needs of the formats: it wins, so it may break them."""
    settings = subject.credentials.conf_settings
    wrong = False
    if "spark.sql.extensions" in settings:
        lacking = [
            name
            for name in subject.credentials.formats
            if EXTENSIONS[name] not in settings["spark.sql.extensions"]
        ]
        if lacking:
            wrong = True
            yield Finding(
                FAIL,
                "`conf` sets spark.sql.extensions without those of " + ", ".join(lacking) + ".",
                "Leave it out (the adapter sets it), or add "
                + ",".join(EXTENSIONS[name] for name in lacking),
            )
    if "delta" in subject.credentials.formats and "delta" not in settings.get(
        SPARK_CATALOG, "delta"
    ):
        wrong = True
        yield Finding(
            FAIL,
            f"`conf` sets {SPARK_CATALOG}, and Delta needs its own catalog there.",
            "Leave it out, or take delta out of `datalake_formats`.",
        )
    if settings.get(OVERWRITE_MODE, "dynamic").lower() != "dynamic":
        wrong = True
        yield Finding(
            WARN,
            f"`conf` sets {OVERWRITE_MODE}={settings[OVERWRITE_MODE]}: insert_overwrite then "
            "replaces every partition of a table.",
            "Leave it out, unless that is meant.",
        )
    if not wrong:
        names = ", ".join(settings)
        told = f"yours fits the formats: {names}" if names else "nothing of yours"
        yield Finding(PASS, told)


def transport(subject: Subject) -> Iterator[Finding]:
    """Spark Connect or Livy, and why."""
    credentials = subject.credentials
    choice = session_choice(credentials, lambda: subject.python_use)
    name = "Spark Connect" if choice.session_type == CONNECT else "Livy statements"
    told = f"{name}, since {choice.reason}"
    lacking = client_problem()
    wants = credentials.session_type == "auto" and credentials.glue_version not in VERSIONS_WITHOUT
    if wants and lacking and choice.session_type != CONNECT:
        yield Finding(WARN, f"{told}; Spark Connect is faster.", f"Needed: {lacking}.")
    elif choice.session_type == CONNECT and not subject.local:
        yield Finding(PASS, f"{told}; whether its endpoint can be reached, --session tells")
    else:
        yield Finding(PASS, told)
