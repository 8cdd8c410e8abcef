"""The dbt plugin: `Plugin`, which dbt's adapter factory asks this module for."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Makes `Plugin` when it is asked for: the dbt-glue command needs nothing of dbt."""
    if name != "Plugin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dbt.adapters.base import AdapterPlugin

    from dbt.adapters.glue.credentials import GlueCredentials
    from dbt.adapters.glue.impl import GlueAdapter
    from dbt.include import glue

    plugin = AdapterPlugin(
        adapter=GlueAdapter,  # type: ignore[arg-type]
        credentials=GlueCredentials,
        include_path=glue.PACKAGE_PATH,
        dependencies=["spark"],
    )
    globals()["Plugin"] = plugin
    return plugin
