"""Local Glue's HTTP server: Glue, S3, STS and Lake Formation on one loopback port."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from .aws_services import JSON_TYPE, SERVICES, AwsServices, error_response, json_body
from .catalog_store import REGION, CatalogStore
from .errors import (
    AccessDeniedException,
    ApiError,
    InternalServiceException,
    InvalidInputException,
)
from .faults import PAGE, Intercepted
from .federated_operations import FederatedOperations
from .jars import jars_for
from .kernel import EndpointLike, spark_kernels
from .knobs import CallGate, Knobs
from .lakeformation import LakeFormation
from .lakeformation_store import LakeFormationStore
from .metastore import WAREHOUSE_BUCKET, Metastore
from .operations import Operations
from .s3 import S3
from .s3_errors import S3Error
from .sessions import Session, Sessions
from .shared_catalogs import SharedCatalogOperations, SharedCatalogStore
from .spark_conf import ServerSettings
from .table_buckets import TableBucketStore
from .versions import VersionStore

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_TARGET = "AWSGlue."
# AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …
_SCOPE = re.compile(
    r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request"
)
# Who calls these has no keys yet.
_FORM = "application/x-www-form-urlencoded"
_UNSIGNED = re.compile(rb"(^|&)Action=AssumeRoleWith(WebIdentity|SAML)(&|$)")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
_IDLE_TICK = 1.0
# What to call in place of a service that is not here.
_INSTEAD = {
    "s3tables": " Table buckets are here as catalogs of Glue: give its calls the CatalogId "
    "<account>:s3tablescatalog/<bucket>."
}


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body go out in two writes; Nagle would hold the second one back for 40 ms.
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message.rstrip(), *args)

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Ends a connection that is to be reset as TCP does it: RST, no FIN before it."""
        if isinstance(error, _Reset):
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            for one in (self.wfile, self.rfile, self.connection):
                one.close()


class _Reset(ConnectionError):
    """A fault asks for it."""


class LocalGlueServer:
    """Listens from construction on, at `url`; the metastore starts meanwhile.

    `serve_forever` returns after `shutdown`, which may be called from any thread, or after
    `knobs.idle_exit` seconds without calls and sessions. Then kernels and metastore are gone.
    """

    def __init__(self, local_dir: Path, knobs: Knobs | None = None, port: int = 0) -> None:
        self.local_dir = Path(local_dir).absolute()
        self.local_dir.mkdir(parents=True, exist_ok=True)
        self.knobs = knobs or Knobs()
        self.started = time.time()
        self.gate = CallGate(self.knobs)
        self.s3 = S3(self.local_dir, self.gate.enter)
        self.s3.create_bucket(WAREHOUSE_BUCKET)
        self._http: BaseWSGIServer = make_server(
            _HOST, port, self._application, threaded=True, request_handler=_Handler
        )
        self.url = f"http://{_HOST}:{self._http.server_port}"
        self.metastore = Metastore(self.local_dir)
        self.metastore.start()
        self._versions = VersionStore(self.local_dir / "catalog.sqlite")
        self.sessions = Sessions(
            self.knobs,
            spark_kernels(self.local_dir, self._settings),
            self._on_text,
            open_endpoint=self._open_endpoint,
        )
        self._catalog = CatalogStore(self.metastore, self._versions)
        self._table_buckets = TableBucketStore(self.local_dir / "s3tables.sqlite")
        self._shared = SharedCatalogStore(self.local_dir / "shared.sqlite")
        self.operations = Operations(
            self._catalog,
            self.sessions,
            self.gate,
            self._on_text,
            FederatedOperations(self._table_buckets, self.s3.ensure_buckets_in),
            SharedCatalogOperations(self._shared, lambda: self.knobs.shared_catalogs),
        )
        store = LakeFormationStore(self.local_dir / "lakeformation.sqlite")
        self._lake_formation = LakeFormation(self._catalog, store)
        self._services = AwsServices(self.gate, self._lake_formation)
        self._last_call = time.monotonic()
        self._stopping = threading.Event()

    def serve_forever(self) -> None:
        threading.Thread(target=self._watch_idle, name="idle-exit", daemon=True).start()
        try:
            self._http.serve_forever(poll_interval=0.1)
        finally:
            self._close()

    def shutdown(self) -> None:
        """Makes `serve_forever` return; does not wait for it."""
        self._stopping.set()
        threading.Thread(target=self._http.shutdown, name="shutdown", daemon=True).start()

    def health(self) -> dict[str, Any]:
        """What `/_health` answers."""
        return {
            "pid": os.getpid(),
            "url": self.url,
            "local_dir": str(self.local_dir),
            "started": self.started,
            "sessions": self.sessions.active(),
            "metastore_pid": self.metastore.pid,
        }

    def _close(self) -> None:
        self._stopping.set()
        self._http.server_close()
        self.sessions.close()
        self._catalog.close()
        self.metastore.stop()
        self._versions.close()
        self._table_buckets.close()
        self._shared.close()
        self._lake_formation.close()
        self.s3.close()

    def _settings(self) -> ServerSettings:
        return ServerSettings(
            local_dir=self.local_dir,
            endpoint_url=self.url,
            region=REGION,
            metastore_uri=lambda: self.metastore.uri,
            jars_for=jars_for,
            master=self.knobs.master,
            driver_memory=self.knobs.driver_memory,
            small_data=self.knobs.small_data,
        )

    def _on_text(self, text: str) -> None:
        self.s3.forget_dead_writes_in(text)
        if not self.knobs.create_buckets:
            return
        try:
            self.s3.ensure_buckets_in(text)
        except S3Error as error:
            raise InvalidInputException(error.message) from error

    def _open_endpoint(self, session: Session, port: int) -> EndpointLike:
        from .connect_endpoint import ConnectEndpoint  # gRPC takes half a second to load

        return ConnectEndpoint(
            port,
            self.knobs,
            faults=self.gate.faults,
            on_call=self._on_connect_call,
            on_text=self._on_text,
            on_end=session.plan_ended,
            on_bytes=lambda received, sent: self.gate.transferred("connect", received, sent),
        )

    def _on_connect_call(self, operation: str) -> None:
        self._last_call = time.monotonic()
        self.gate.enter(operation)

    def _watch_idle(self) -> None:
        while not self._stopping.wait(_IDLE_TICK):
            limit = self.knobs.idle_exit
            quiet = time.monotonic() - self._last_call
            if limit is not None and quiet > limit and not self.sessions.active():
                log.info("no call for %.0f s: local Glue ends", quiet)
                self.shutdown()

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith("/_"):
            return self._own(request)(environ, start_response)
        self._last_call = time.monotonic()
        service, region, caller = _addressee(request)
        if not _is_loopback(request):
            service = ""
        with self.gate.faults.calling(caller):
            try:
                response = self._spoiled(self._respond(service, region, request))
            except Intercepted as fault:
                if fault.kind == "reset":
                    raise _Reset(str(fault)) from fault
                response = Response(PAGE, content_type="text/html")
        self._count_bytes(service, request, response)
        return response(environ, start_response)

    def _spoiled(self, response: Response) -> Response:
        """The answer, or what a fault makes of it."""
        kind = self.gate.faults.spoiled
        if kind is None:
            return response
        response.direct_passthrough = False
        body = response.get_data()
        response.close()
        if kind == "lost":
            raise _Reset("the answer is lost")
        response.set_data(body[: len(body) // 2])
        return response

    def _respond(self, service: str, region: str, request: Request) -> Response:
        if service == "s3":
            return self.s3.respond(request)
        if service == "glue":
            return self._glue(request)
        if service in SERVICES:
            return self._services.respond(service, region, request)
        in_xml = request.mimetype == _FORM  # as IAM, SQS and others of AWS's older services
        return error_response(
            "sts" if in_xml else "glue",
            AccessDeniedException(
                f"Local Glue answers calls to glue, s3, sts and lakeformation on {self.url} "
                f"that carry an AWS signature; this one is {request.method} {request.path} "
                f"for the service {service or 'unknown'}.{_INSTEAD.get(service, '')}"
            ),
        )

    def _count_bytes(self, service: str, request: Request, response: Response) -> None:
        sent = response.content_length
        if sent is None:
            sent = response.calculate_content_length() or 0
        if request.method == "HEAD":
            sent = 0
        self.gate.transferred(service or "unknown", request.content_length or 0, sent)

    def _glue(self, request: Request) -> Response:
        operation = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        try:
            answer = self.operations.dispatch(operation, json_body(request))
        except ApiError as error:
            return error_response("glue", error)
        except Intercepted:
            raise
        except Exception as error:  # the caller's answer, as AWS gives it
            log.exception("%s failed", operation)
            return error_response(
                "glue",
                InternalServiceException(
                    f"Local Glue failed in {operation}: {error!r}. Its log is in "
                    f"{self.local_dir / 'log'}."
                ),
            )
        response = Response(json.dumps(answer), content_type=JSON_TYPE)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    def _own(self, request: Request) -> Response:
        """Our own addresses: /_health, /_stats, /_stats/reset, /_knobs, /_faults."""
        if not _is_loopback(request):
            return _json_response({"error": "local Glue answers to 127.0.0.1 only"}, 403)
        route = (request.method, request.path)
        if route == ("GET", "/_health"):
            return _json_response(self.health())
        if route == ("GET", "/_stats"):
            return _json_response(self.gate.stats())
        if route == ("POST", "/_stats/reset"):
            self.gate.reset()
            return _json_response(self.gate.stats())
        if route == ("GET", "/_knobs"):
            return _json_response(self.knobs.to_dict())
        if route == ("POST", "/_knobs"):
            try:
                self.gate.update(json.loads(request.get_data()))
            except (ValueError, AttributeError) as error:
                return _json_response({"error": str(error)}, 400)
            return _json_response(self.knobs.to_dict())
        if route == ("POST", "/_faults"):
            try:
                met = self.gate.faults.ask(json.loads(request.get_data()))
            except ValueError as error:
                return _json_response({"error": str(error)}, 400)
            return _json_response({"met": met})
        return _json_response({"error": f"nothing at {request.method} {request.path}"}, 404)


def _addressee(request: Request) -> tuple[str, str, str]:
    """(service, region, access key) of a call, by its signature's scope."""
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    if scope is not None:
        return scope["service"], scope["region"], scope["key"]
    if request.headers.get("X-Amz-Target", "").startswith(_TARGET):
        return "glue", REGION, ""
    if request.mimetype == _FORM and _UNSIGNED.search(request.get_data()):
        return "sts", REGION, ""
    presigned = "X-Amz-Credential" in request.args
    unsigned_read = "Authorization" not in request.headers and request.method in ("GET", "HEAD")
    return ("s3" if presigned or unsigned_read else ""), REGION, ""


def _is_loopback(request: Request) -> bool:
    """False where a web page reaches us by a name of its own (DNS rebinding)."""
    host = request.host.rpartition(":")[0] or request.host
    return host in (_HOST, "localhost") or host.endswith(".localhost")


def _json_response(answer: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(answer), status, content_type="application/json")
