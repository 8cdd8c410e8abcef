"""Python that runs in the session."""

import textwrap
from typing import Any

from dbt.adapters.base import PythonJobHelper

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.exceptions import NotImplementedByGlue

# Code blocks written for the older adapter end with a call of its helper class.
OLD_HELPER = """\
class SqlWrapper2:
    @staticmethod
    def execute(sql, output=True, **options):
        return spark.sql(sql)

"""


def session_code(code: str) -> str:
    """A user's block of Python as it is sent: dedented, with the old helper if it is used."""
    code = textwrap.dedent(code.strip("\n"))
    return OLD_HELPER + code if "SqlWrapper2" in code else code


class GluePythonJobHelper(PythonJobHelper):
    """Python models: not in this version."""

    def __init__(self, parsed_model: dict[str, Any], credential: GlueCredentials) -> None:
        self.name = parsed_model.get("alias", "")

    def submit(self, compiled_code: str) -> Any:
        raise NotImplementedByGlue(
            f"Python model {self.name}: python models are not implemented in this version",
            hint="Write the model in SQL, or run Python in a hook: "
            "{{ adapter.execute_pyspark('…') }}",
        )
