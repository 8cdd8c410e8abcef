"""One attempt at an AWS call: what botocore raises as our errors, and whether an answer is whole.

botocore takes what is no JSON for an answer without members, so that a proxy's page would be an
empty list of tables, and a cut answer to DeleteTable a deletion.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from dbt.adapters.glue.exceptions import AccessDenied, CatalogError, ConfigurationError, Fault
from dbt.adapters.glue.masking import masked
from dbt.adapters.glue.retries import unreadable

ACCESS_DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
# AWS did nothing. ResourceNotReady, SessionBusy and ConcurrentModification are Glue's and Lake
# Formation's, RequestTimeout S3's: the request did not arrive whole.
REFUSED_CODES = frozenset(
    {
        *("ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException"),
        *("RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown"),
        *("BandwidthLimitExceeded", "PriorRequestNotComplete"),
        *("SessionBusyException", "ConcurrentModificationException", "ResourceNotReadyException"),
        *("RequestTimeout", "429"),
    }
)
# AWS failed in the middle; so does whatever answers with status 500 or above.
UNKNOWN_CODES = frozenset(
    {
        *("InternalServiceException", "InternalFailure", "InternalServerError", "InternalError"),
        *("ServiceUnavailable", "ServiceUnavailableException", "OperationTimeoutException"),
        *("RequestTimeoutException", "FederationSourceRetryableException"),
    }
)
CREDENTIALS_HINT = (
    "Give AWS credentials in the usual places: environment, ~/.aws (`aws_profile_name` in the "
    "profile picks one), `aws sso login`, or the role of the machine. "
    "`local: true` needs none."
)
PROFILE_HINT = (
    "`aws_profile_name` (or AWS_PROFILE) must name a profile of ~/.aws/config "
    "(`aws configure list-profiles`)."
)
CONFIG_HINT = (
    "Correct it in ~/.aws/config or ~/.aws/credentials; `aws sts get-caller-identity` reads them "
    "as dbt does."
)
CLIENT_HINT = (
    "No client of AWS can be made with it: look at `region` and `endpoint_url` in the profile, at "
    "~/.aws/config and at the AWS_… variables of the environment."
)
# Members of AssumeRole's and GetSessionEndpoint's answers.
_KEYS = re.compile(rb"SessionToken|AuthToken|SecretAccessKey|Credentials", re.I)
SHOWN = 200  # characters of an answer that cannot be read


class UnreadableAnswer(Exception):
    """An answer that is not one of AWS's, or not a whole one."""


def attempt(operation: str, fn: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Makes the call once. Raises AccessDenied, CatalogError, ConfigurationError."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return fn(**arguments)
    except ClientError as error:
        raise _answered(operation, error) from error
    except (UnreadableAnswer, ResponseParserError) as error:
        raise unreadable(operation, str(error)) from error
    except BotoCoreError as error:
        raise _without_keys(error, operation) or _unanswered(operation, error) from error


def made(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Makes a boto3 session or client: botocore reads keys and ~/.aws while it does.

    Raises ConfigurationError.
    """
    from botocore.exceptions import BotoCoreError

    try:
        return make(*args, **kwargs)
    except (BotoCoreError, ValueError) as error:
        raise _without_keys(error) or _not_made(error) from error


def _without_keys(error: Exception, operation: str | None = None) -> ConfigurationError | None:
    """What botocore says where it finds no keys to sign a request with; None for another error."""
    from botocore import exceptions as known

    if isinstance(error, (known.SSOError, known.TokenRetrievalError)):
        hint = "The SSO sign-in is missing or has expired: run `aws sso login`."
        return ConfigurationError(str(error), hint=hint, operation=operation)
    for kinds, hint in (
        ((known.NoCredentialsError, known.PartialCredentialsError), CREDENTIALS_HINT),
        ((known.CredentialRetrievalError,), CREDENTIALS_HINT),
        ((known.ProfileNotFound,), PROFILE_HINT),
        ((known.InvalidConfigError, known.InfiniteLoopConfigError), CONFIG_HINT),
        ((known.ConfigParseError, known.UnknownCredentialError), CONFIG_HINT),
    ):
        if isinstance(error, kinds):
            told = ConfigurationError(str(error), operation=operation)
            told.hint = told.hint or hint
            return told
    return None


def _not_made(error: Exception) -> ConfigurationError:
    # An endpoint that is refused is quoted whole, user and password included.
    told = ConfigurationError(masked(str(error)), code=type(error).__name__)
    told.hint = told.hint or CLIENT_HINT
    return told


def fault_of(code: str | None, status: int = 0) -> Fault | None:
    """What AWS's error code, and the HTTP status, say of a call that failed."""
    if code in REFUSED_CODES or status == 429:
        return "refused"
    return "unknown" if code in UNKNOWN_CODES or status >= 500 else None


def _answered(operation: str, error: Any) -> CatalogError:
    details = error.response.get("Error", {})
    code = details.get("Code") or type(error).__name__
    message = details.get("Message") or error.response.get("Message") or str(error)
    metadata = error.response.get("ResponseMetadata", {})
    kind = AccessDenied if code in ACCESS_DENIED_CODES else CatalogError
    told = kind(
        message,
        operation=error.operation_name,
        code=code,
        fault=fault_of(code, metadata.get("HTTPStatusCode") or 0),
        retry_after=_seconds(metadata.get("HTTPHeaders", {}).get("retry-after")),
    )
    # botocore may have asked STS for keys in the middle of it: what is repeated is the call.
    told.operation = operation
    return told


def _unanswered(operation: str, error: Any) -> CatalogError:
    from botocore.exceptions import (
        ConnectionError,
        ConnectTimeoutError,
        EndpointConnectionError,
        FlexibleChecksumError,
        HTTPClientError,
        IncompleteReadError,
        ProxyConnectionError,
    )

    unreached = isinstance(
        error, (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
    )
    fault: Fault | None = None
    if unreached:
        fault = "refused"
    elif "CERTIFICATE_VERIFY_FAILED" in str(error):
        fault = None
    elif isinstance(
        error, (HTTPClientError, ConnectionError, IncompleteReadError, FlexibleChecksumError)
    ):
        fault = "unknown"
    return CatalogError(
        str(error),
        operation=operation,
        code=type(error).__name__,
        fault=fault,
        unreached=unreached,
    )


def _seconds(retry_after: str | None) -> float | None:
    """The header retry-after, where it gives seconds and not a date."""
    text = (retry_after or "").strip()
    return float(text) if text.isdecimal() else None


def check_answer(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """botocore's event before-parse: raises UnreadableAnswer where the body is not what the
    service's protocol answers."""
    failed = response_dict["status_code"] >= 300
    if operation_model.has_streaming_output and not failed:
        return
    body = response_dict["body"] or b""
    protocol = operation_model.service_model.resolved_protocol
    if protocol in ("json", "rest-json"):
        if failed:
            _check_json_error(body)
        else:
            _check_json(body, _has_body(operation_model))
    elif protocol in ("query", "rest-xml") and not failed:
        _check_xml(body, _has_body(operation_model))
    elif body and (response_dict["status_code"] == 500 or body.lstrip().startswith(b"<?xml")):
        # botocore's own handler before this one makes 500 of an answer of S3 that it cannot parse.
        _check_xml(body, True)


def _has_body(operation_model: Any) -> bool:
    """Whether the answer has members that do not come as headers."""
    shape = operation_model.output_shape
    members = shape.members.values() if shape is not None else ()
    return any(member.serialization.get("location") is None for member in members)


def _check_json(body: bytes, expected: bool) -> None:
    if not body and not expected:
        return
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise UnreadableAnswer(f"it is no whole JSON ({error}): {_shown(body)}") from error
    if not isinstance(answer, dict):
        raise UnreadableAnswer(f"it is no JSON object: {_shown(body)}")


def _check_json_error(body: bytes) -> None:
    """A page of a proxy botocore takes for a text, and the status for the error's code."""
    try:
        error = json.loads(body) if body else {}
    except UnicodeDecodeError as wrong:
        raise UnreadableAnswer(f"it is no text ({wrong}): {_shown(body)}") from wrong
    except ValueError as wrong:
        if body.lstrip().startswith(b"{"):
            raise UnreadableAnswer(f"it is no whole JSON ({wrong}): {_shown(body)}") from wrong
        return
    if not isinstance(error, dict):
        raise UnreadableAnswer(f"it is no JSON object: {_shown(body)}")


def _check_xml(body: bytes, expected: bool) -> None:
    if not body.strip():
        if expected:
            raise UnreadableAnswer("it is empty")
        return
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise UnreadableAnswer(f"it is no whole XML ({error}): {_shown(body)}") from error
    if root.tag.rpartition("}")[2].lower() == "html" or not expected:
        raise UnreadableAnswer(f"it is a page of something else: {_shown(body)}")


def _shown(body: bytes) -> str:
    if _KEYS.search(body):
        return "(not shown: it may hold keys)"
    return repr(body[:SHOWN].decode("utf-8", "replace"))
