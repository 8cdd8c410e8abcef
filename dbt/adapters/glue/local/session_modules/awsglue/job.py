"""Job: bookmarks, which interactive sessions do not have, so there is nothing to keep."""

from typing import Any


class Job:
    def __init__(self, glue_context: Any) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: dict[str, str] | None = None) -> None:
        self.job_name = job_name

    def commit(self) -> None:
        """On AWS, too, a session has no bookmark to move."""
