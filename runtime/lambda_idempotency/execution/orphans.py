"""`on_orphan`: whoever takes over a dead attempt may find out what it has done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..errors import ConfigurationError


class Reconciled(NamedTuple):
    """What `on_orphan` returns where the dead attempt had its effect: the response to record."""

    response: Any


OnOrphan: TypeAlias = Callable[[Any], Any]
"""Takes the event (or a function's arguments by name); returns `Reconciled(response)`, or None:
run again. `current()` is the attempt that has taken over."""


def checked(on_orphan: object) -> OnOrphan | None:
    """The option. Raises `ConfigurationError`."""
    if on_orphan is None or callable(on_orphan):
        return on_orphan
    raise ConfigurationError(
        f"on_orphan is {on_orphan!r}; expected a callable that takes the event and returns "
        "Reconciled(response), or None to run again"
    )


async def reconciled_async(found: Any) -> Reconciled | None:
    """The same of a callable that may be async."""
    return reconciled(await found if hasattr(found, "__await__") else found)


def reconciled(found: object) -> Reconciled | None:
    """What the callable returned. Raises `ConfigurationError` where it is neither."""
    if found is None or isinstance(found, Reconciled):
        return found
    raise ConfigurationError(
        f"on_orphan returned a {type(found).__name__}; expected Reconciled(response), or None to "
        "run again"
    )
