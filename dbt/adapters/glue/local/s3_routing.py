"""Which operation of the S3 API a request is, told by botocore's own model of S3.

So an operation that local Glue lacks is refused by its name.
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from werkzeug.wrappers import Request

_VIRTUAL_HOSTS = (".localhost", ".s3.amazonaws.com", ".s3.localhost.localstack.cloud")
_LEVELS = {"/": 0, "/{Bucket}": 1, "/{Bucket}/{Key+}": 2}


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    level: int
    query: tuple[tuple[str, str], ...]
    required_query: tuple[str, ...]
    required_headers: tuple[str, ...]

    def matches(self, request: Request, level: int) -> bool:
        return (
            (self.method, self.level) == (request.method, level)
            and all(n in request.args and v in ("", request.args[n]) for n, v in self.query)
            and all(name in request.args for name in self.required_query)
            and all(name in request.headers for name in self.required_headers)
        )

    @property
    def precision(self) -> int:
        return 2 * len(self.query) + len(self.required_query) + len(self.required_headers)


@functools.cache
def _routes() -> tuple[_Route, ...]:
    import botocore.session

    model = botocore.session.get_session().get_service_model("s3")
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        address = urlsplit(operation.http["requestUri"])
        if address.path not in _LEVELS:
            continue
        shape = operation.input_shape
        places: dict[str, list[str]] = {"querystring": [], "header": []}
        for member in shape.required_members if shape else []:
            serialization = shape.members[member].serialization
            if serialization.get("location") in places:
                places[serialization["location"]].append(serialization["name"])
        found.append(
            _Route(
                operation=name,
                method=operation.http["method"],
                level=_LEVELS[address.path],
                query=tuple(parse_qsl(address.query, keep_blank_values=True)),
                required_query=tuple(places["querystring"]),
                required_headers=tuple(places["header"]),
            )
        )
    return tuple(found)


def operation_of(request: Request, bucket: str, key: str, supported: Collection[str]) -> str | None:
    """Name of the operation, None if S3 has none for this request.

    Where the model gives two for one request (ListBuckets, ListDirectoryBuckets), a supported one.
    """
    level = 2 if key else 1 if bucket else 0
    found = [route for route in _routes() if route.matches(request, level)]
    if not found:
        return None
    best = max(found, key=lambda route: (route.precision, route.operation in supported))
    return best.operation


def address_of(request: Request) -> tuple[str, str]:
    """(bucket, key), from the path, or the bucket from the Host header; "" where there is none."""
    path = request.path.removeprefix("/")
    host = request.host.rsplit(":", 1)[0]
    for suffix in _VIRTUAL_HOSTS:
        if host.endswith(suffix) and host != suffix[1:]:
            return host.removesuffix(suffix), path
    bucket, _, key = path.partition("/")
    return bucket, key
