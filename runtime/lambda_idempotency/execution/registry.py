"""The names of operations: of two with one name, each would get the other's answers.

The registry is kept for the whole process. It goes by the store's name, not by the object, because
two objects for one table share its records.
"""

from __future__ import annotations

from typing import Final

from ..errors import ConfigurationError
from ..stores.base import Store
from .definition import Definition

_DEFINITIONS: Final[dict[tuple[str, str, str], Definition]] = {}


def register(store: Store, namespace: str, operation: str, definition: Definition) -> None:
    """Give a name to an operation, which may take it again.

    Raises `ConfigurationError` if another operation has the name.
    """
    # Steps of the interpreter, without a lock: a signal handler or a fork's child, which decorates
    # for each request, would wait forever for one that is held.
    name = (store.name, namespace, operation)
    other = _DEFINITIONS.setdefault(name, definition)
    if other.is_same(definition):
        _DEFINITIONS[name] = definition
        return
    place = definition.place
    if other.place == place:
        raise ConfigurationError(
            f"name is {operation!r}, which {place} has in the namespace {namespace!r} already, "
            "with another key, other code or other values around it; pass name=..., another one "
            "for each"
        )
    raise ConfigurationError(
        f"name is {operation!r}, which is taken by {other.place} in the namespace {namespace!r}; "
        f"give {place} another name: pass name=..."
    )


def clear() -> None:
    """Forget all names, for example between two tests."""
    _DEFINITIONS.clear()
