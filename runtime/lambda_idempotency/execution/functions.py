"""The functions that steps are given: sync, or async where they are awaited."""

from __future__ import annotations

import inspect
from typing import Any

from ..errors import ConfigurationError
from .target import unfinished


async def awaited(name: str, result: Any) -> Any:
    """Return what the function of a step returned, awaited if it is async."""
    return finished(name, await result if inspect.isawaitable(result) else result)


def finished(name: str, result: Any) -> Any:
    """Return what the function of a step returned. Raises `ConfigurationError` if nobody has run it
    yet."""
    if (kind := unfinished(result)) is None:
        return result
    raise ConfigurationError(
        f"step {name!r} was given a function that returned a {kind}, none of which has run. Await "
        "the step in an async handler or function; return a list of what a generator yields."
    )
