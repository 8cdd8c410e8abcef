"""What a node's lf_tags_config and lf_grants and the profile's lf_tags ask of Lake Formation.

The shapes are those of dbt-glue 1.12.4. Each function here raises ConfigurationError for a wrong
one; None stands for a config that is absent or not enabled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbt.adapters.glue.exceptions import ConfigurationError

ALL_ROWS = "true"  # what the console of Lake Formation takes for "all rows"
MAX_NAME = 255  # of a data cells filter


@dataclass(frozen=True)
class LfTags:
    """database and table: {tag: value}; columns: {column: {tag: value}}, the column as written."""

    drop_existing: bool
    database: Mapping[str, str]
    table: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class DataCellFilter:
    """row_filter None: all rows. Without column_names: all columns but excluded_column_names."""

    row_filter: str | None
    principals: tuple[str, ...]
    column_names: tuple[str, ...]
    excluded_column_names: tuple[str, ...]


@dataclass(frozen=True)
class DataCellFilters:
    """The filters of a table by name."""

    drop_existing: bool
    filters: Mapping[str, DataCellFilter]

    @property
    def names_columns(self) -> bool:
        return any(f.column_names or f.excluded_column_names for f in self.filters.values())


def database_tags(text: str | None) -> dict[str, str]:
    """The profile's lf_tags, `key=value,key=value`."""
    tags: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in (text or "").split(","))):
        key, _, value = (part.strip() for part in entry.partition("="))
        if not key or not value or key in tags:
            raise ConfigurationError(
                f"lf_tags: got {text!r}, expected key=value,key=value with each key once. "
                "Correct it in the profile."
            )
        tags[key] = value
    return tags


def lf_tags(config: Any) -> LfTags | None:
    """lf_tags_config: enabled, drop_existing, tags_database, tags_table, tags_columns."""
    name = "lf_tags_config"
    known = ("enabled", "drop_existing", "tags_database", "tags_table", "tags_columns")
    given = _mapping(name, config, known)
    asked = LfTags(
        drop_existing=_flag(f"{name}.drop_existing", given.get("drop_existing")),
        database=_tags(f"{name}.tags_database", given.get("tags_database")),
        table=_tags(f"{name}.tags_table", given.get("tags_table")),
        columns=_column_tags(f"{name}.tags_columns", given.get("tags_columns")),
    )
    return asked if _flag(f"{name}.enabled", given.get("enabled")) else None


def data_cell_filters(config: Any) -> DataCellFilters | None:
    """lf_grants: data_cell_filters with enabled, drop_existing and filters by name."""
    name = "lf_grants.data_cell_filters"
    grants = _mapping("lf_grants", config, ("data_cell_filters",))
    known = ("enabled", "drop_existing", "filters")
    given = _mapping(name, grants.get("data_cell_filters"), known)
    filters = _mapping(f"{name}.filters", given.get("filters"))
    asked = DataCellFilters(
        drop_existing=_flag(f"{name}.drop_existing", given.get("drop_existing")),
        filters={key: _filter(f"{name}.filters.{key}", key, filters[key]) for key in filters},
    )
    return asked if _flag(f"{name}.enabled", given.get("enabled")) else None


def _filter(place: str, name: str, value: Any) -> DataCellFilter:
    known = ("row_filter", "principals", "column_names", "excluded_column_names")
    given = _mapping(place, value, known)
    if len(name) > MAX_NAME:
        raise ConfigurationError(
            f"{place}: got a name of {len(name)} characters, expected at most {MAX_NAME}. "
            "Shorten it."
        )
    rows = given.get("row_filter")
    if not isinstance(rows, str) or not rows.strip():
        raise ConfigurationError(
            f"{place}.row_filter: got {rows!r}, expected a condition on the rows. "
            f"Write '{ALL_ROWS}' to show all rows."
        )
    columns = _names(f"{place}.column_names", given.get("column_names"))
    excluded = _names(f"{place}.excluded_column_names", given.get("excluded_column_names"))
    if columns and excluded:
        raise ConfigurationError(
            f"{place}: got column_names and excluded_column_names, expected one of them. "
            "Remove the other."
        )
    return DataCellFilter(
        row_filter=None if rows.strip().lower() == ALL_ROWS else rows,
        principals=_names(f"{place}.principals", given.get("principals")),
        column_names=columns,
        excluded_column_names=excluded,
    )


def _column_tags(place: str, value: Any) -> dict[str, dict[str, str]]:
    """{tag: {value: [columns]}} turned about: a column has one value of a tag."""
    found: dict[str, dict[str, str]] = {}
    for tag, columns_of in _mapping(place, value).items():
        seen: dict[str, str] = {}
        for text, columns in _mapping(f"{place}.{tag}", columns_of).items():
            for column in _names(f"{place}.{tag}.{text}", columns):
                earlier = seen.setdefault(column.lower(), text)
                if earlier != text:
                    raise ConfigurationError(
                        f"{place}.{tag}: got the values {earlier!r} and {text!r} for the column "
                        f"{column}, expected one. A column has one value of a tag: choose it."
                    )
                found.setdefault(column, {})[tag] = text
    return found


def _tags(place: str, value: Any) -> dict[str, str]:
    given = _mapping(place, value)
    for key, text in given.items():
        _check_text(f"{place}.{key}", text)
    if len({key.lower() for key in given}) < len(given):
        raise ConfigurationError(
            f"{place}: got {', '.join(given)}, expected each tag once. Remove one of the two."
        )
    return given


def _names(place: str, value: Any) -> tuple[str, ...]:
    """A list of names; no name twice."""
    if value is not None and not isinstance(value, (list, tuple)):
        raise ConfigurationError(
            f"{place}: got {value!r}, expected a list. Write it in square brackets."
        )
    for item in value or ():
        _check_text(place, item)
    return tuple(dict.fromkeys(value or ()))


def _mapping(place: str, value: Any, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    if value is None:
        return {}
    keys = f" of {', '.join(known)}" if known else ""
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{place}: got {value!r}, expected a mapping{keys}. See docs/lake-formation.md."
        )
    for key in value:
        _check_text(place, key)
        if known and key not in known:
            raise ConfigurationError(
                f"{place}: got the key {key!r}, expected one{keys}. Correct or remove it."
            )
    return dict(value)


def _check_text(place: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            f"{place}: got {value!r}, expected a text. In YAML, put it between quotes."
        )


def _flag(place: str, value: Any) -> bool:
    if value is None:
        return False
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ConfigurationError(f"{place}: got {value!r}, expected true or false. Correct it.")
    return text == "true"
