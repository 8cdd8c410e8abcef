"""PythonMethods: what dbt and macros ask of the adapter for Python models."""

from collections.abc import Mapping
from typing import Any

from dbt.adapters.base import PythonJobHelper, available
from dbt.adapters.contracts.connection import AdapterResponse
from dbt.adapters.contracts.relation import RelationType

from dbt.adapters.glue import older_sql
from dbt.adapters.glue.older_methods import OlderMethods
from dbt.adapters.glue.python_submissions import (
    GLUE_SESSION,
    METHODS,
    GluePythonJobHelper,
    PythonNodes,
    older_script,
)
from dbt.adapters.glue.services import glue_errors, shared_property
from dbt.adapters.glue.sql_text import PYTHON_PREFIX, quoted


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

    @shared_property
    def python_nodes(self) -> PythonNodes:
        return PythonNodes(self.connections)

    @available.parse(lambda *a, **k: {})
    @glue_errors
    def execute_python(self, code: str, **kwargs: Any) -> dict[str, Any]:
        """Runs the Python of a model out of a macro, and writes what it returns into a table.

        code defines `model(dbt, session)`, or `main` of the same arguments. kwargs: `model_name`
        (python_model), `schema` (the profile's) and `config` with file_format, partition_by and
        custom_location. A table that is there is replaced once the Python has run.
        """
        config = dict(kwargs.get("config") or {})
        name = kwargs.get("model_name") or "python_model"
        file_format = self.validate_file_format(config.get("file_format")).name
        relation = self.Relation.create(
            schema=kwargs.get("schema") or self.credentials.schema,
            identifier=name,
            type=RelationType.Table,
            table_format=file_format,
        )
        existing = self.get_relation(None, relation.schema or "", name)
        view = self.temp_identifier(name)
        self.temporaries.views.append(view)
        frame = self.execute_macro("glue__py_spark_frame")
        model = {"name": name, "language": "python", "config": config}
        with self.python_nodes.at(model):
            script = older_script(code, str(frame), relation, existing is not None, view)
            self.add_query(f"{PYTHON_PREFIX}\n{script}")
            if existing is not None:
                self.drop_relation(existing)
            place = config.get("custom_location")
            by = older_sql.names(config.get("partition_by"))
            query = f"select * from {quoted(view)}"
            self._make_table(relation, query, file_format, place, partition_by=by)
            self.execute(f"drop view if exists {quoted(view)}")
            self.temporaries.forget_view(view)
        self.execute(f"refresh table {relation}")  # for the Spark session of SQL, if it is another
        return {}

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
