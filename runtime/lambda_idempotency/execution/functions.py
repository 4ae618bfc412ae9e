"""What steps are given: a name, and a function, async where the step is awaited."""

from __future__ import annotations

import inspect
from typing import Any, Final

from ..errors import ConfigurationError
from .target import unfinished

MAX_NAME: Final = 256
"""The most characters of a step's name: the record holds it."""


def check(name: object, function: object) -> None:
    """Raise `ConfigurationError` unless a step can have this name and this function."""
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"step() was given the name {name!r}; expected a text")
    if len(name) > MAX_NAME:
        raise ConfigurationError(
            f"step() was given a name of {len(name):,} characters; expected at most {MAX_NAME}"
        )
    if not callable(function):
        raise ConfigurationError(
            f"step {name!r} was given a {type(function).__name__}; expected a function without "
            "arguments, which step() calls: lambda: pay(order)"
        )


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
