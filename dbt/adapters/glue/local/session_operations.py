"""API operations of interactive sessions; requests have passed the API's model."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .errors import (
    ApiError,
    EntityNotFoundException,
    InvalidInputException,
    OperationNotSupportedException,
)
from .sessions import Session, Sessions

PAGE = 100

T = TypeVar("T")
Answer = dict[str, Any]


class SessionOperations:
    """One method per operation: the request's members in, the answer's out."""

    sessions: Sessions

    def CreateSession(self, request: Answer) -> Answer:
        return {"Session": self.sessions.create(request)}

    def GetSession(self, request: Answer) -> Answer:
        return {"Session": self.sessions.find(request["Id"]).to_api()}

    def ListSessions(self, request: Answer) -> Answer:
        found = self.sessions.tagged(request.get("Tags", {}))
        page, answer = _page(found, request.get("NextToken"), request.get("MaxResults", PAGE))
        described = [session.to_api() for session in page]
        ids = [session["Id"] for session in described]
        return {"Ids": ids, "Sessions": described, **answer}

    def StopSession(self, request: Answer) -> Answer:
        self._session(request).stop()
        return {"Id": request["Id"]}

    def DeleteSession(self, request: Answer) -> Answer:
        self._session(request)
        self.sessions.delete(request["Id"])
        return {"Id": request["Id"]}

    def GetSessionEndpoint(self, request: Answer) -> Answer:
        session = self.sessions.find(request["SessionId"])
        if not session.request.connect:
            raise OperationNotSupportedException(
                f"GetSessionEndpoint is not supported for session {session.request.id} of "
                f"SessionType {session.request.echoed['SessionType']}"
            )
        url, token, expires = session.endpoint()
        return {
            "SparkConnect": {
                "Url": url,
                "AuthToken": token,
                "AuthTokenExpirationTime": expires,
            }
        }

    def RunStatement(self, request: Answer) -> Answer:
        self._with_statements(request, OperationNotSupportedException)
        return {"Id": self.sessions.run(request["SessionId"], request["Code"])}

    def GetStatement(self, request: Answer) -> Answer:
        return {"Statement": self._with_statements(request).statement(request["Id"])}

    def ListStatements(self, request: Answer) -> Answer:
        statements = self._with_statements(request).statements()
        page, answer = _page(statements, request.get("NextToken"), PAGE)
        return {"Statements": [statement.to_api() for statement in page], **answer}

    def CancelStatement(self, request: Answer) -> Answer:
        self._with_statements(request).cancel(request["Id"])
        return {}

    def _with_statements(
        self, request: Answer, refusal: Callable[[str], ApiError] = InvalidInputException
    ) -> Session:
        """Only RunStatement has OperationNotSupportedException in the API's model."""
        session = self.sessions.find(request["SessionId"])
        if session.request.connect:
            raise refusal(
                f"Statements are not supported for session {session.request.id} of SessionType "
                "SPARK_CONNECT"
            )
        return session

    def _session(self, request: Answer) -> Session:
        """For operations whose model has no EntityNotFoundException."""
        try:
            return self.sessions.find(request["Id"])
        except EntityNotFoundException as error:
            raise InvalidInputException(error.message) from error


def _page(items: Sequence[T], token: str | None, size: int) -> tuple[Sequence[T], Answer]:
    """The page that `token` stands for, and `{"NextToken": …}` when there is another."""
    start = 0
    if token is not None:
        try:
            start = int(base64.b64decode(token, validate=True))
        except (binascii.Error, ValueError) as error:
            raise InvalidInputException("NextToken is not valid") from error
        if start < 0:
            raise InvalidInputException("NextToken is not valid")
    end = start + size
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[start:end], more
