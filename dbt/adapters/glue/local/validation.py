"""Input checked against botocore's own model of an API, Glue's mostly, in AWS's wording."""

from __future__ import annotations

import functools
import re
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

from .errors import SerializationException, UnknownOperationException, ValidationException

# A supplementary code point is written as a pair of surrogates in the model's Java patterns.
_JAVA_SUPPLEMENTARY = r"\uD800\uDC00-\uDBFF\uDFFF"
_PYTHON_SUPPLEMENTARY = r"\U00010000-\U0010FFFF"

_JSON_TYPES = {
    bool: ("TRUE_VALUE", ("boolean",)),
    int: ("NUMBER_VALUE", ("integer", "long", "float", "double", "timestamp")),
    float: ("NUMBER_VALUE", ("float", "double", "timestamp")),
    str: ("STRING_VALUE", ("string", "timestamp", "blob")),
    list: ("START_ARRAY", ("list",)),
    dict: ("START_OBJECT", ("structure", "map")),
}
_TYPE_NAMES = {
    "boolean": "Boolean",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "string": "String",
    "timestamp": "Timestamp",
    "list": "List",
    "structure": "Structure",
    "map": "Map",
    "blob": "Blob",
}


@functools.cache
def service_model(service: str = "glue") -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def operation_model(operation: str, service: str = "glue") -> OperationModel:
    """Raises UnknownOperationException where the service itself has no such operation."""
    model = service_model(service)
    if operation not in model.operation_names:
        name = model.metadata["serviceFullName"]
        raise UnknownOperationException(f"{name} has no operation {operation}.")
    return model.operation_model(operation)


def checked_request(operation: str, request: Any, service: str = "glue") -> dict[str, Any]:
    """The request without nulls and without members that the model does not have.

    Raises SerializationException on a wrong JSON type, ValidationException on members that break
    required, length, range, pattern or enum of the model, with all of them in one message.
    """
    shape = operation_model(operation, service).input_shape
    if shape is None:
        return {}
    problems: list[str] = []
    result = _check(shape, request, "", problems)
    if problems:
        count = len(problems)
        noun = "error" if count == 1 else "errors"
        raise ValidationException(
            f"{count} validation {noun} detected: " + "; ".join(problems[:10])
        )
    return result


def _check(shape: Shape, value: Any, path: str, problems: list[str]) -> Any:
    _check_type(shape, value)
    if shape.type_name == "structure":
        return _check_structure(shape, value, path, problems)
    _check_constraints(shape, value, path, problems)
    if shape.type_name == "list":
        return [
            _check(shape.member, item, f"{path}.{number}.member", problems)
            for number, item in enumerate(value, 1)
        ]
    if shape.type_name == "map":
        for key, item in value.items():
            _check(shape.key, key, f"{path}.key", problems)
            if item is not None:
                _check(shape.value, item, f"{path}.{key}.member", problems)
        return {key: item for key, item in value.items() if item is not None}
    return value


def _check_structure(
    shape: Shape, value: dict[str, Any], path: str, problems: list[str]
) -> dict[str, Any]:
    result = {}
    for name, member in shape.members.items():
        below = f"{path}.{_camel(name)}" if path else _camel(name)
        if value.get(name) is not None:
            result[name] = _check(member, value[name], below, problems)
        elif name in shape.required_members:
            problems.append(
                f"Value null at '{below}' failed to satisfy constraint: Member must not be null"
            )
    return result


def _check_type(shape: Shape, value: Any) -> None:
    token, kinds = _JSON_TYPES.get(type(value), ("VALUE_NULL", ()))
    if shape.type_name not in kinds:
        name = _TYPE_NAMES.get(shape.type_name, shape.type_name)
        raise SerializationException(f"{token} can not be converted to a {name}")


def _check_constraints(shape: Shape, value: Any, path: str, problems: list[str]) -> None:
    metadata = shape.metadata
    number = shape.type_name in ("integer", "long", "float", "double")
    size = value if number else len(value) if hasattr(value, "__len__") else None
    what = "value" if number else "length"
    rules = []
    if size is not None and "min" in metadata and size < metadata["min"]:
        rules.append(f"Member must have {what} greater than or equal to {metadata['min']}")
    if size is not None and "max" in metadata and size > metadata["max"]:
        rules.append(f"Member must have {what} less than or equal to {metadata['max']}")
    if "pattern" in metadata and isinstance(value, str):
        if not _pattern(metadata["pattern"]).fullmatch(value):
            rules.append(f"Member must satisfy regular expression pattern: {metadata['pattern']}")
    if metadata.get("enum") and value not in metadata["enum"]:
        rules.append(f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]")
    shown = _shown(value)
    problems.extend(
        f"Value '{shown}' at '{path}' failed to satisfy constraint: {rule}" for rule in rules
    )


@functools.cache
def _pattern(java: str) -> re.Pattern[str]:
    python = java.replace(_JAVA_SUPPLEMENTARY, _PYTHON_SUPPLEMENTARY)
    # Letters, numbers and punctuation: the one pattern of Glue's model with Unicode classes;
    # letters, separators and numbers: those of Lake Formation's.
    python = python.replace(r"[\p{L}\p{N}\p{P}]", r"[^\s\x00-\x1f$+<=>^`|~]")
    python = python.replace(r"\p{L}\p{Z}\p{N}_", r"\w \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000")
    return re.compile(python)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 1024 else text[:1024] + "..."


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
