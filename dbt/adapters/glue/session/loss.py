"""What is said of a session that has ended under its users."""

from collections.abc import Mapping
from typing import Any

from dbt.adapters.glue.exceptions import SessionLost

LOST_HINT = (
    "The session ended or died while it was in use (idle timeout, session lifetime "
    "`query_timeout_in_minutes`, driver out of memory, stopped by someone): what was running in "
    "it is lost. Repeat the command with `dbt retry`."
)
GONE = "gone"  # our word for the status of a session that Glue does not know any more


def session_lost(
    message: str,
    session_id: str,
    state: Mapping[str, Any] | None = None,
    *,
    code: str | None = None,
    begun: bool = True,
) -> SessionLost:
    """state: GetSession's Session, {} where there is none of this id; None: Glue was not asked.

    code: what says that it is lost, where that is not its status.
    """
    status = code if state is None else state.get("Status", GONE)
    reason = (state or {}).get("ErrorMessage")
    if reason and reason not in message:
        message = f"{message}\nThe session is {status}: {reason}"
    error = SessionLost(message, session_id=session_id, code=status, hint=LOST_HINT)
    error.begun = begun
    return error
