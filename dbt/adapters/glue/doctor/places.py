"""Checks of the places that a run uses: bucket, databases, connections, sessions."""

from collections.abc import Iterator

from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.clients import call
from dbt.adapters.glue.doctor.finding import FAIL, PASS, SKIP, WARN, Finding, Subject
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError
from dbt.adapters.glue.locations import split_location
from dbt.adapters.glue.session.spec import OWNER_TAG
from dbt.adapters.glue.sessions_command import ACTIVE_STATES

NOT_FOUND = "EntityNotFoundException"


def location(subject: Subject) -> Iterator[Finding]:
    """The bucket of `location` is there, may be listed, and lies in the profile's region."""
    place = subject.credentials.location
    if not place:
        yield Finding(
            WARN,
            "`location` is not set: every model but views needs it, or a `custom_location`.",
            "Set it to s3://<bucket>/<path>.",
        )
        return
    bucket, prefix = split_location(place)
    try:
        answer = call(
            "ListObjectsV2",
            subject.clients.s3.list_objects_v2,
            Bucket=bucket,
            Prefix=f"{prefix}/" if prefix else "",
            MaxKeys=1,
        )
    except CatalogError as error:
        if subject.local and error.code == "NoSuchBucket":
            yield Finding(PASS, f"{place} (local Glue makes the bucket when it is first used)")
            return
        raise
    used = "" if answer.get("KeyCount") else "; nothing is there yet"
    yield Finding(PASS, f"{place} may be listed{used}")
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    there = headers.get("x-amz-bucket-region")
    if there and there != subject.clients.region:
        yield Finding(
            WARN,
            f"The bucket {bucket} is in {there}, the session in {subject.clients.region}: each "
            "byte is transferred between them, and billed.",
            "Use a bucket of the session's region.",
        )


def databases(subject: Subject) -> Iterator[Finding]:
    """The target's schema, and temp_schema, which must exist."""
    credentials = subject.credentials
    catalog = DataCatalog(subject.clients, credentials.catalog_id)
    schema = (credentials.schema or "").lower()
    found = catalog.get_database(schema)
    if found is None:
        yield Finding(PASS, f"{schema} does not exist; the first run creates it")
    else:
        next(catalog.get_tables(schema), None)
        place = found.get("LocationUri")
        yield Finding(PASS, f"{schema} exists{f', at {place}' if place else ''}")
    temporary = (credentials.temp_schema or "").lower()
    if temporary and temporary != schema and catalog.get_database(temporary) is None:
        yield Finding(
            FAIL,
            f"`temp_schema` {temporary} does not exist, and dbt does not create it.",
            f"Create the database {temporary}, or leave `temp_schema` out.",
        )


def connections(subject: Subject) -> Iterator[Finding]:
    """The Glue connections that the profile names."""
    named = [n.strip() for n in (subject.credentials.connections or "").split(",") if n.strip()]
    if not named:
        yield Finding(SKIP, "the profile names none")
        return
    if subject.local:
        yield Finding(SKIP, "local Glue has no networks: connections are accepted, not used")
        return
    for name in named:
        try:
            call("GetConnection", subject.clients.glue.get_connection, Name=name, HidePassword=True)
        except AccessDenied:
            yield Finding(
                WARN, f"{name}: may not be looked at.", "Allow glue:GetConnection, to have it seen."
            )
        except CatalogError as error:
            if error.code != NOT_FOUND:
                raise
            yield Finding(
                FAIL, f"{name}: there is no such Glue connection.", "Correct `connections`."
            )
        else:
            yield Finding(PASS, f"{name} exists")


def sessions(subject: Subject) -> Iterator[Finding]:
    """Sessions may be listed; those that dbt-glue started and that still run."""
    answer = call("ListSessions", subject.clients.glue.list_sessions, Tags=dict([OWNER_TAG]))
    active = [s for s in answer.get("Sessions", []) if s.get("Status") in ACTIVE_STATES]
    more = " or more" if answer.get("NextToken") else ""
    if active:
        yield Finding(
            PASS, f"{len(active)}{more} of dbt-glue are active (`dbt-glue sessions list`)"
        )
    else:
        yield Finding(PASS, "none of dbt-glue is active")
