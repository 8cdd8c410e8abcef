"""Errors of the S3 API, with the HTTP status that S3's "Error responses" page gives each code."""

from .errors import ApiError, InternalServiceException, ThrottlingException

STATUS = {
    "BadDigest": 400,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "EntityTooSmall": 400,
    "IncompleteBody": 400,
    "InternalError": 500,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidDigest": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "SlowDown": 503,
    "XAmzContentSHA256Mismatch": 400,
}


class S3Error(Exception):
    """One S3 error: `code` as in `STATUS`, `message`, and elements such as BucketName, Key."""

    def __init__(self, code: str, message: str, **elements: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS.get(code, 400)
        self.elements = elements


def injected(error: ApiError) -> S3Error:
    """What a knob or a fault of local Glue asks for, in S3's words."""
    if isinstance(error, ThrottlingException):
        return S3Error("SlowDown", "Please reduce your request rate.")
    if isinstance(error, InternalServiceException):
        return S3Error("InternalError", "We encountered an internal error. Please try again.")
    return S3Error(error.code, error.message)


def no_such_bucket(bucket: str) -> S3Error:
    return S3Error("NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)


def no_such_key(key: str) -> S3Error:
    return S3Error("NoSuchKey", "The specified key does not exist.", Key=key)
