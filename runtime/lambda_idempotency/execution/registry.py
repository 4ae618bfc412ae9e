"""The names of operations: of two with one name, each would get the other's answers.

The registry is kept for the whole process. It goes by the store's name, not by the object, because
two objects for one table share its records.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from ..errors import ConfigurationError
from ..stores.base import Store
from ..tuples import NamedTuple


class Definition(NamedTuple):
    """The code of an operation, by which it is known again when its module is reloaded, or when it
    is decorated once for each request."""

    place: str
    """Where its code is, for messages too."""
    key: str | None = None
    """Its key expression, or the place of its key callable."""
    captured: tuple[Any, ...] = ()
    """The objects that its code has from around it, which tell closures of one factory apart."""

    def is_same(self, other: Definition) -> bool:
        """Tell whether `other` is the same operation, defined again."""
        return (
            (self.place, self.key) == (other.place, other.key)
            and len(self.captured) == len(other.captured)
            and all(map(_is_same, self.captured, other.captured))
        )


_DEFINITIONS: Final[dict[tuple[str, str, str], Definition]] = {}
_LOCK: Final = threading.Lock()


def register(store: Store, namespace: str, operation: str, definition: Definition) -> None:
    """Give a name to an operation, which may take it again.

    Raises `ConfigurationError` if another operation has the name.
    """
    with _LOCK:
        other = _DEFINITIONS.setdefault((store.name, namespace, operation), definition)
    if other.is_same(definition):
        return
    place = definition.place
    if other.place == place:
        raise ConfigurationError(
            f"name is {operation!r}, which {place} has in the namespace {namespace!r} already, "
            "with another key or as another closure; pass name=..., another one for each"
        )
    raise ConfigurationError(
        f"name is {operation!r}, which is taken by {other.place} in the namespace {namespace!r}; "
        f"give {place} another name: pass name=..."
    )


def clear() -> None:
    """Forget all names, for example between two tests."""
    with _LOCK:
        _DEFINITIONS.clear()


def _is_same(one: Any, other: Any) -> bool:
    # An `__eq__` of the user's could do or raise anything.
    return one is other or (type(one) is type(other) in _PLAIN and one == other)


_PLAIN: Final = (str, bytes, int, float)
