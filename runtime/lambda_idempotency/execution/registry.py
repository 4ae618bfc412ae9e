"""The names of operations: of two with one name, each would get the other's answers.

The registry is kept for the whole process. It goes by the store's name, not by the object, because
two objects for one table share its records.
"""

from __future__ import annotations

import threading
from typing import Final

from ..errors import ConfigurationError
from ..stores.base import Store

_PLACES: Final[dict[tuple[str, str, str], str]] = {}
_LOCK: Final = threading.Lock()


def register(store: Store, namespace: str, operation: str, place: str) -> None:
    """Give a name to the operation that is defined at `place`, which may take it again.

    Raises `ConfigurationError` if an operation of another place has the name.
    """
    with _LOCK:
        other = _PLACES.setdefault((store.name, namespace, operation), place)
    if other != place:
        raise ConfigurationError(
            f"name is {operation!r}, which is taken by {other} in the namespace {namespace!r}; "
            f"give {place} another name"
        )


def clear() -> None:
    """Forget all names, for example between two tests."""
    with _LOCK:
        _PLACES.clear()
