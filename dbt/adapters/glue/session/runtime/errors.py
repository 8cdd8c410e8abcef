"""Describes an exception so that the client can say what Spark said.

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import re
import traceback

ROOT_LENGTH = 2000
PRINTED_LENGTH = 4000
# What an exception says of the outcome of a commit, which its causes do not know.
OUTCOME = re.compile(r"org\.apache\.(iceberg\.exceptions\.Commit|hudi\.exception\.\w*Conflict)\w+")


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
    message = _with_causes(str(error) if cause is None else _java_message(cause), chain)
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


def _outcomes(chain):
    return [error for error in chain if OUTCOME.match(error.toString())]


def _telling(chain):
    """Of a Java exception and its causes, the first with an error class, or of a commit's outcome.

    Else the innermost.
    """
    for error in chain:
        if re.match(r"[\w.$]+: \[[A-Z_.0-9]+\]", error.toString()):
            return error
    return next(iter([*_outcomes(chain), *chain[-1:]]), None)


def _with_causes(message, chain):
    """The message, and causes where they say more ("Task failed while writing")."""
    for error in _outcomes(chain)[:1] + chain[-1:]:
        text = _java_message(error).strip()[:ROOT_LENGTH]
        told = text.split("\n")[0].split(": ", 1)[-1]
        if told not in message:
            message += "\nCaused by: " + text
    return message


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
