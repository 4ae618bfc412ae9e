"""Models of pydantic, of version 2 and of version 1 (`pydantic.v1`), recognized without importing
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_version_2(kind: type) -> bool:
    return hasattr(kind, "model_dump") and hasattr(kind, "model_fields")


def fields_of_model(kind: Any) -> Mapping[str, Any] | None:
    """Return the fields of a pydantic model, also of version 1; None if it is none."""
    if is_version_2(kind):
        fields: Mapping[str, Any] = kind.model_fields
        return fields
    return kind.__fields__ if hasattr(kind, "__fields_set__") else None


def extra_of_model(kind: Any) -> str | None:
    """Return what a pydantic model does with fields that its class does not name."""
    extra: str | None = (
        kind.model_config.get("extra") if is_version_2(kind) else kind.__config__.extra
    )
    return extra


def alias_of(fields: Mapping[str, Any], name: str) -> str:
    """Return the name that a model's field has in JSON."""
    field = fields.get(name)
    return getattr(field, "serialization_alias", None) or getattr(field, "alias", None) or name


def root_of(value: Any) -> Any:
    """Return what pydantic's `RootModel` stands for, and any other value unchanged."""
    while True:
        if getattr(type(value), "__pydantic_root_model__", False):
            value = value.root
        elif getattr(type(value), "__custom_root_type__", False):  # of pydantic 1
            value = value.__root__
        else:
            return value
