"""A dbt adapter that does nothing: what remains of a run's time is dbt's own."""

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.nothing.impl import NothingAdapter, NothingCredentials

from dbt.include import nothing

Plugin = AdapterPlugin(
    adapter=NothingAdapter,  # type: ignore[arg-type]
    credentials=NothingCredentials,
    include_path=nothing.PACKAGE_PATH,
)
