"""Describes an exception so that the client can say what Spark said.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import re
import traceback


def cancelled():
    message = "The statement was cancelled."
    return {"name": "Cancelled", "message": message, "cancelled": True, "traceback": None}


def describe(error, filename=None):
    """Class, message, Spark's error class and SQLSTATE, and where in the user's own lines."""
    cause = _java_cause(getattr(error, "java_exception", None))
    message = str(error) if cause is None else _java_message(cause)
    return {
        "name": type(error).__name__,
        "message": message or type(error).__name__,
        "error_class": _ask(cause or error, "getCondition", "getErrorClass"),
        "sqlstate": _ask(cause or error, "getSqlState"),
        "traceback": None if filename is None else _trace(error, filename),
        "cancelled": False,
    }


def _ask(error, *methods):
    """The first answer; older versions and other classes lack some of the methods."""
    for method in methods:
        try:
            value = getattr(error, method)()
        except Exception:
            continue
        if value:
            return str(value)
    return None


def _java_cause(error):
    """Of a Java exception and its causes, the first with an error class, else the innermost."""
    chain = []
    while error is not None and len(chain) < 20:
        if re.match(r"[\w.$]+: \[[A-Z_.0-9]+\]", error.toString()):
            return error
        chain.append(error)
        error = error.getCause()
    return chain[-1] if chain else None


def _java_message(error):
    message = error.getMessage() or ""
    return message if message.startswith("[") else error.toString()


def _trace(error, filename):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == filename]
    lines = traceback.format_list(frames)
    if isinstance(error, SyntaxError):
        lines += traceback.format_exception_only(type(error), error)[:-1]
    return "".join(lines)
