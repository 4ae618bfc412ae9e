"""What can be told of a callable before it is called."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

AnyCallable: TypeAlias = Callable[..., Any]


def is_async(function: AnyCallable) -> bool:
    """Whether calling it gives a coroutine; an object whose `__call__` is async counts."""
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
