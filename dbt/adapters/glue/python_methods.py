"""PythonMethods: what dbt and macros ask of the adapter for Python models."""

import functools
from collections.abc import Mapping
from typing import Any

from dbt.adapters.base import PythonJobHelper, available
from dbt.adapters.contracts.connection import AdapterResponse

from dbt.adapters.glue.older_methods import OlderMethods
from dbt.adapters.glue.python_submissions import (
    GLUE_SESSION,
    METHODS,
    GluePythonJobHelper,
    PythonNodes,
)
from dbt.adapters.glue.services import glue_errors


class PythonMethods(OlderMethods):
    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        return dict.fromkeys(METHODS, GluePythonJobHelper)

    @property
    def default_python_submission_method(self) -> str:
        return GLUE_SESSION

    def submit_python_job(
        self, parsed_model: dict[str, Any], compiled_code: str
    ) -> AdapterResponse:
        try:
            return GluePythonJobHelper(parsed_model, self.add_query).submit(compiled_code)
        finally:
            self.known.change(None)

    @functools.cached_property
    def python_nodes(self) -> PythonNodes:
        return PythonNodes(self.connections)

    @available.parse_none
    @glue_errors
    def use_python_session(self, model: Mapping[str, Any]) -> None:
        """Has the SQL of a Python model run where its Python runs, to the end of the node."""
        if model["language"] == "python":
            self.python_nodes.begin(model)

    @available.parse(lambda *a, **k: False)
    @glue_errors
    def leave_python_session(self) -> bool:
        """Has this node's SQL run where others' does; True if that is another Spark session."""
        return self.python_nodes.leave()
