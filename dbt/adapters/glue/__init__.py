"""The dbt plugin."""

from dbt.adapters.base import AdapterPlugin

from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.impl import GlueAdapter
from dbt.include import glue

Plugin = AdapterPlugin(
    adapter=GlueAdapter,  # type: ignore[arg-type]
    credentials=GlueCredentials,
    include_path=glue.PACKAGE_PATH,
    dependencies=["spark"],
)
