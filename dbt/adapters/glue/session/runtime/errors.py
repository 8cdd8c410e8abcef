"""Describes an exception so that the client can say what Spark said.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import re
import traceback

ROOT_LENGTH = 2000
PRINTED_LENGTH = 4000


def cancelled():
    message = "The statement was cancelled."
    return {"name": "Cancelled", "message": message, "cancelled": True, "traceback": None}


def undescribed(error, broken):
    """What can be said of an exception that cannot be asked for its text."""
    message = f"{type(error).__name__}; asking for its text failed: {broken!r}"
    return {
        "name": type(error).__name__,
        "message": message,
        "error_class": None,
        "sqlstate": None,
        "traceback": None,
        "cancelled": False,
    }


def describe(error, filename=None):
    """Class, message, Spark's error class and SQLSTATE; of Python, the user's lines and prints."""
    chain = _java_chain(getattr(error, "java_exception", None) or getattr(error, "_origin", None))
    cause = None if hasattr(error, "_origin") else _telling(chain)
    message = _with_root(str(error) if cause is None else _java_message(cause), chain)
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
        except Exception:  # to ask must not replace the error that is described
            continue
        if value:
            return str(value)
    return None


def _java_chain(error):
    """A Java exception and its causes, outermost first."""
    chain = []
    while error is not None and len(chain) < 20:
        chain.append(error)
        error = error.getCause()
    return chain


def _telling(chain):
    """Of a Java exception and its causes, the first with an error class, else the innermost."""
    for error in chain:
        if re.match(r"[\w.$]+: \[[A-Z_.0-9]+\]", error.toString()):
            return error
    return chain[-1] if chain else None


def _with_root(message, chain):
    """The message, and the innermost cause where it says more ("Task failed while writing")."""
    root = _java_message(chain[-1]).strip()[:ROOT_LENGTH] if chain else ""
    told = root.split("\n")[0].split(": ", 1)[-1]
    return message if not told or told in message else message + "\nCaused by: " + root


def _java_message(error):
    message = error.getMessage() or ""
    return message if message.startswith("[") else error.toString()


def _trace(error, filename):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == filename]
    lines = traceback.format_list(frames)
    if isinstance(error, SyntaxError):
        lines += traceback.format_exception_only(type(error), error)[:-1]
    printed = getattr(error, "printed", "")
    if len(printed) > PRINTED_LENGTH:
        printed = "[…]" + printed[-PRINTED_LENGTH:]
    return "".join([*lines, f"Printed before that:\n{printed}" if printed else ""])
