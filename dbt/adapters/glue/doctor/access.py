"""Checks of who the caller is, and of what the caller and the session role may do."""

import json
from collections.abc import Iterator
from typing import Any

from dbt.adapters.glue.clients import call
from dbt.adapters.glue.doctor.finding import FAIL, PASS, SKIP, WARN, Finding, Subject
from dbt.adapters.glue.doctor.policy import (
    GLUE_SERVICE,
    Document,
    Statement,
    client_policy,
    service_role_policy,
)
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError

NO_IAM = "local Glue has no IAM: everything is allowed"
# Stands for `*` when AWS is asked whether an action on a resource is allowed.
SAMPLE = "dbt_glue_doctor"
GONE = "NoSuchEntity"


def credentials(subject: Subject) -> Iterator[Finding]:
    """GetCallerIdentity; the region too. Keeps the caller's ARN for the other checks."""
    clients = subject.clients
    identity = call("GetCallerIdentity", clients.sts.get_caller_identity)
    subject.caller = identity["Arn"]
    if subject.local:
        yield Finding(PASS, f"local Glue at {clients.glue.meta.endpoint_url}")
        return
    yield Finding(PASS, f"{identity['Arn']}, region {clients.region}")
    known = _regions_of_glue(subject.caller, subject.credentials.aws_profile_name)
    if not subject.credentials.endpoint_url and clients.region not in known:
        yield Finding(
            WARN,
            f"botocore knows no Glue in region {clients.region!r}.",
            "Check `region` in the profile, or update boto3 if the region is new.",
        )


def _regions_of_glue(arn: str, profile_name: str | None) -> list[str]:
    import botocore.session

    partition = arn.split(":")[1]
    session = botocore.session.Session(profile=profile_name)
    return session.get_available_regions("glue", partition_name=partition)


def role(subject: Subject) -> Iterator[Finding]:
    """The session role is there, is of the caller's account, and trusts Glue."""
    if subject.local:
        yield Finding(SKIP, NO_IAM)
        return
    arn = subject.credentials.role_arn or ""
    account = (subject.caller or "").split(":")[4]
    if subject.credentials.account and subject.credentials.account != account:
        yield Finding(
            FAIL,
            f"`role_arn` is of account {subject.credentials.account}, the caller of {account}: "
            "a role can be passed within its account only.",
            "Run dbt as an identity of the role's account (`aws_profile_name`).",
        )
        return
    try:
        found = call("GetRole", subject.clients.iam.get_role, RoleName=arn.rpartition("/")[2])
    except AccessDenied:
        yield Finding(
            WARN,
            f"{arn}: its trust policy may not be looked at (iam:GetRole).",
            "Allow iam:GetRole on it, or check that the policy is that of "
            "`dbt-glue doctor --policy trust`.",
        )
        return
    except CatalogError as error:
        if error.code != GONE:
            raise
        yield Finding(FAIL, f"{arn}: there is no such role.", "Correct `role_arn`, or create it.")
        return
    yield from _trust(arn, found["Role"])


def _trust(arn: str, found: dict[str, Any]) -> Iterator[Finding]:
    if found["Arn"] != arn:
        yield Finding(
            FAIL, f"`role_arn` is {arn}, and the role is {found['Arn']}.", "Take the latter, whole."
        )
    elif trusts_glue(found["AssumeRolePolicyDocument"]):
        yield Finding(PASS, f"{arn} trusts {GLUE_SERVICE}")
    else:
        yield Finding(
            FAIL,
            f"{arn} may not be assumed by {GLUE_SERVICE}.",
            "Set its trust policy: `dbt-glue doctor --policy trust` prints it.",
        )


def trusts_glue(document: Document | str) -> bool:
    """Whether a trust policy allows Glue sts:AssumeRole; conditions are not weighed."""
    policy: Document = json.loads(document) if isinstance(document, str) else document
    allowed = False
    for part in _listed(policy.get("Statement")):
        principal = part.get("Principal")
        named = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        acts = {action.lower() for action in _listed(part.get("Action"))}
        if GLUE_SERVICE in named and acts & {"sts:assumerole", "sts:*", "*"}:
            if part.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def caller_permissions(subject: Subject) -> Iterator[Finding]:
    """Whether the policies of the caller allow what the client policy lists."""
    if subject.local:
        yield Finding(SKIP, NO_IAM)
        return
    wanted = client_policy(subject.credentials)
    if subject.credentials.use_interactive_session_role_for_api_calls:
        yield Finding(SKIP, "the calls are made as `role_arn`: see there")
        return
    yield from _permissions(subject, subject.caller or "", wanted, "client")


def role_permissions(subject: Subject) -> Iterator[Finding]:
    """Whether the policies of the session role allow what Spark does."""
    if subject.local:
        yield Finding(SKIP, NO_IAM)
        return
    wanted = service_role_policy(subject.credentials)
    yield from _permissions(subject, subject.credentials.role_arn or "", wanted, "service-role")


def _permissions(
    subject: Subject, principal: str, wanted: Document, which: str
) -> Iterator[Finding]:
    try:
        source = _policy_source(subject, principal)
        if source is None:
            yield Finding(WARN, f"{principal}: what it may do cannot be asked.")
            return
        denied = [
            (part["Sid"], names)
            for part in wanted["Statement"]
            if (names := _denied(subject, source, part))
        ]
    except AccessDenied as error:
        yield Finding(
            WARN,
            f"What {principal} may do cannot be asked: {error.message}",
            f"Compare its policies with `dbt-glue doctor --policy {which}`, or allow "
            "iam:SimulatePrincipalPolicy and iam:GetRole to whoever runs the doctor.",
        )
        return
    for sid, names in denied:
        yield Finding(
            FAIL,
            f"{source} may not: {', '.join(names)}",
            f"Add the statement {sid} of `dbt-glue doctor --policy {which}`.",
        )
    if not denied:
        yield Finding(PASS, f"{source} may do what dbt-glue does (as far as IAM's policies go)")


def _policy_source(subject: Subject, arn: str) -> str | None:
    """The user or role behind an ARN of GetCallerIdentity; None for root and federated users."""
    service, resource = arn.split(":", 5)[2::3]
    if service == "iam":
        return None if resource == "root" else arn
    kind, name = resource.split("/")[:2]
    if kind != "assumed-role":
        return None
    # Only IAM knows the path of the role's ARN.
    return str(call("GetRole", subject.clients.iam.get_role, RoleName=name)["Role"]["Arn"])


def _denied(subject: Subject, source: str, part: Statement) -> list[str]:
    """Those actions of a statement that are not allowed on any sample of a resource."""
    samples = sorted({_sample(arn) for arn in _listed(part["Resource"])})
    request = {
        "PolicySourceArn": source,
        "ActionNames": part["Action"],
        "ResourceArns": samples,
        "ContextEntries": _context(part),
    }
    allowed: set[str] = set()
    more: dict[str, Any] = {}
    while True:
        answer = call(
            "SimulatePrincipalPolicy",
            subject.clients.iam.simulate_principal_policy,
            **request,
            **more,
        )
        for result in answer["EvaluationResults"]:
            if result["EvalDecision"] == "allowed":
                allowed.add(result["EvalActionName"].lower())
        if not answer.get("IsTruncated"):
            return [action for action in part["Action"] if action.lower() not in allowed]
        more = {"Marker": answer["Marker"]}


def _sample(arn: str) -> str:
    """A resource that the pattern stands for: `table/sales*/*` as `table/sales/dbt_glue_doctor`."""
    if arn == "*":
        return arn
    head, slash, last = arn.rpartition("/")
    head = head.replace("/*", f"/{SAMPLE}").replace("*", "")
    return f"{head}{slash}{SAMPLE if last == '*' else last.replace('*', '')}"


def _context(part: Statement) -> list[dict[str, Any]]:
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [str(value).replace("*", SAMPLE) for value in _listed(values)][:1],
            "ContextKeyType": "string",
        }
        for keys in part.get("Condition", {}).values()
        for key, values in keys.items()
    ]
