"""docs/configuration.md is what the code says."""

from dataclasses import fields

from dbt.adapters.glue import config_docs
from dbt.adapters.glue.credentials import GlueCredentials
from dbt.adapters.glue.model_config import GlueConfig
from dbt.adapters.glue.options import options_of
from dbt.adapters.glue.table_format import FORMATS


def test_the_page_is_current() -> None:
    page = config_docs.TARGET.read_text(encoding="utf-8")
    hint = "run python -m dbt.adapters.glue.config_docs"
    assert page == config_docs.document(), hint


def test_every_key_is_told() -> None:
    page = config_docs.document()
    shown = {item.name for item in fields(GlueCredentials) if not item.name.startswith("_")}
    assert shown == set(options_of(GlueCredentials))
    names = shown | {item.name for item in fields(GlueConfig) if "meaning" in item.metadata}
    assert [name for name in sorted(names | set(FORMATS)) if f"`{name}`" not in page] == []
    assert "{{ " not in page
