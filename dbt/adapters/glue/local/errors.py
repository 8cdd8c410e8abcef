"""Errors that local Glue answers with, under the names and HTTP statuses of AWS.

ApiError                      .code .message .status
├─ AccessDeniedException
├─ AlreadyExistsException
├─ ConcurrentModificationException
├─ EntityNotFoundException
├─ IllegalSessionStateException
├─ InternalServiceException       (500)
├─ InvalidInputException
├─ OperationNotSupportedException
├─ SerializationException         a body that is not JSON of the right types
├─ SessionBusyException
├─ ThrottlingException
├─ UnknownOperationException      an operation that local Glue does not have
└─ ValidationException            a member that breaks a constraint of the API's model
"""


class ApiError(Exception):
    """`code` is AWS's error code, `status` the HTTP status it is answered with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class _NamedError(ApiError):
    http_status = 400

    def __init__(self, message: str) -> None:
        super().__init__(type(self).__name__, message, self.http_status)


class AccessDeniedException(_NamedError):
    pass


class AlreadyExistsException(_NamedError):
    pass


class ConcurrentModificationException(_NamedError):
    pass


class EntityNotFoundException(_NamedError):
    pass


class IllegalSessionStateException(_NamedError):
    pass


class InternalServiceException(_NamedError):
    http_status = 500


class InvalidInputException(_NamedError):
    pass


class OperationNotSupportedException(_NamedError):
    pass


class SerializationException(_NamedError):
    pass


class SessionBusyException(_NamedError):
    pass


class ThrottlingException(_NamedError):
    pass


class UnknownOperationException(_NamedError):
    pass


class ValidationException(_NamedError):
    pass
