"""Which operation has which name: two of one name would answer for one another.

It is kept for the whole process and goes by the store's name, not by the object: two objects for
one table share its records.
"""

from __future__ import annotations

import threading
from typing import Final

from ..errors import ConfigurationError
from ..stores.base import Store

_PLACES: Final[dict[tuple[str, str, str], str]] = {}
_LOCK: Final = threading.Lock()


def register(store: Store, namespace: str, operation: str, place: str) -> None:
    """Give an operation's name to the one that is defined at `place`: the same place may take it
    again. Raises `ConfigurationError` where another one has it."""
    with _LOCK:
        other = _PLACES.setdefault((store.name, namespace, operation), place)
    if other != place:
        raise ConfigurationError(
            f"name is {operation!r}, which is taken by {other} in the namespace {namespace!r}; "
            f"give {place} another name"
        )


def clear() -> None:
    """Forget all names, as between two tests."""
    with _LOCK:
        _PLACES.clear()
