"""STS and Lake Formation. What `lakeformation.py` does not have is answered by moto's backends in
this process, whose state is kept in memory.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest
from werkzeug.wrappers import Request, Response

from .errors import ApiError, SerializationException
from .knobs import CallGate
from .lakeformation import SERVICE as LAKE_FORMATION
from .lakeformation import LakeFormation

JSON_TYPE = "application/x-amz-json-1.1"
SERVICES = ("sts", "lakeformation")
# moto would look at them; what it answers must not depend on how our server was called.
_HEADERS = ("Authorization", "Content-Type", "User-Agent", "X-Amz-Date", "X-Amz-Security-Token")


class AwsServices:
    """WSGI-free: `respond(service, region, request)` gives the whole HTTP answer."""

    def __init__(self, gate: CallGate, lake_formation: LakeFormation) -> None:
        self._gate = gate
        self._lake_formation = lake_formation
        self._lock = threading.Lock()
        self._dispatchers: dict[str, Callable[..., Any]] = {}

    def respond(self, service: str, region: str, request: Request) -> Response:
        body = request.get_data()
        operation = _operation(service, request.path, body)
        try:
            self._gate.enter(operation)
            if service == LAKE_FORMATION and self._lake_formation.has(operation):
                return _answer(self._lake_formation.dispatch(operation, json_body(request)))
            with self._lock:
                status, headers, answer = self._dispatch(service, region, request, body)
        except ApiError as error:
            return error_response(service, error)
        except NotImplementedError:  # moto's word for an operation that it lacks
            missing = ApiError(
                "UnknownOperationException",
                f"Local Glue does not implement {service}:{operation}.",
            )
            return error_response(service, missing)
        return Response(answer, int(status), {name: str(value) for name, value in headers.items()})

    def _dispatch(self, service: str, region: str, request: Request, body: bytes) -> Any:
        from moto.core.request import normalize_request

        if service not in self._dispatchers:
            self._dispatchers[service] = _dispatcher(service)
        url = f"https://{service}.{region}.amazonaws.com{request.path}"
        headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        prepared = AWSPreparedRequest(request.method, url, headers, body, False)
        return self._dispatchers[service](normalize_request(prepared), url, headers)


def _dispatcher(service: str) -> Callable[..., Any]:
    # moto takes half a second to import, and most runs never call these services.
    if service == "sts":
        from moto.sts.responses import TokenResponse

        return TokenResponse.dispatch
    from moto.lakeformation.responses import LakeFormationResponse

    return LakeFormationResponse.dispatch


def _answer(members: dict[str, Any]) -> Response:
    response = Response(json.dumps(members), content_type=JSON_TYPE)
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def json_body(request: Request) -> dict[str, Any]:
    """The members of a call in JSON. Raises SerializationException."""
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise SerializationException(f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise SerializationException("Start of structure or map found where not expected.")
    return body


def _operation(service: str, path: str, body: bytes) -> str:
    if service == "sts":
        return parse_qs(body.decode("utf-8", "replace")).get("Action", ["?"])[0]
    return path.strip("/")


def error_response(service: str, error: ApiError) -> Response:
    """The error in the service's own protocol: XML for STS, JSON for the others."""
    request_id = str(uuid.uuid4())
    if service == "sts":
        kind = "Receiver" if error.status >= 500 else "Sender"
        text = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>{kind}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, error.status, content_type="text/xml")
    text = json.dumps({"__type": error.code, "Message": error.message})
    response = Response(text, error.status, content_type=JSON_TYPE)
    response.headers["x-amzn-RequestId"] = request_id
    response.headers["x-amzn-ErrorType"] = error.code
    return response
