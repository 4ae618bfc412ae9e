"""Facts about a callable that are known before it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from inspect import (
    Signature,
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
    signature,
)
from typing import Any, get_type_hints

from ..errors import ConfigurationError
from ..execution.definition import UNASSIGNED, AnyCallable, free_variables, underlying


def is_async(function: AnyCallable) -> bool:
    """Tell whether a call returns a coroutine, also for an object whose `__call__` is async."""
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def check_no_generator(function: AnyCallable) -> None:
    """Raise `ConfigurationError` for a generator function, sync or async."""
    if isgeneratorfunction(inner := underlying(function)) or isasyncgenfunction(inner):
        raise ConfigurationError(
            f"applied to the generator {inner.__name__}, which has no one result to record; "
            "return a list, or decorate what is done for each item"
        )


def finished(result: Any, decorator: str) -> Any:
    """Return a result; raise `ConfigurationError` if nobody has run it yet.

    Recorded, it would be done for ever: the body of a generator or coroutine has not begun. The
    error frees the key.
    """
    kind = type(result)
    is_awaitable = hasattr(kind, "__await__") or hasattr(kind, "add_done_callback")  # a future
    if not is_awaitable and not hasattr(kind, "__next__") and not hasattr(kind, "__anext__"):
        return result
    for stop in ("close", "cancel"):  # a coroutine and a generator, a future
        if callable(end := getattr(result, stop, None)):
            end()
    raise ConfigurationError(
        f"{decorator}: the function returned a {kind.__name__}, which nobody would run under its "
        "record. Decorate the `async def` itself, under its other decorators; return a list of "
        "what a generator yields."
    )


def name_of(function: AnyCallable) -> str:
    """Return the function's name; that of what a partial calls, or of a callable object's class."""
    if isinstance(function, partial):
        return name_of(function.func)
    return str(getattr(function, "__name__", type(function).__name__))


def signature_of(function: AnyCallable) -> Signature:
    """Return the signature, without evaluating annotations. Raises ValueError if there is none."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return signature(function, annotation_format=Format.FORWARDREF)
    return signature(function)


def return_type(function: AnyCallable) -> tuple[Any, Mapping[str, Any]]:
    """Return the return annotation (Any if there is none), and the names around the function.

    Raises NameError if the annotation uses a name that is not defined (yet), and TypeError if the
    annotation is not a type.
    """
    function = underlying(function)
    names = _names_around(function)

    def carrier() -> None: ...

    # Only this annotation: those of parameters may use names imported only for type checkers.
    carrier.__annotations__ = {"return": _annotations(function).get("return", Any)}
    try:
        hints = get_type_hints(carrier, getattr(function, "__globals__", {}), dict(names))
    except (SyntaxError, AttributeError) as error:
        raise TypeError(f"{type(error).__name__}: {error}") from None
    return hints["return"], names


def _annotations(function: AnyCallable) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(function, format=Format.FORWARDREF)
    return getattr(function, "__annotations__", {})


def _names_around(function: AnyCallable) -> Mapping[str, Any]:
    """Return the names that it uses from the functions around it, and its type parameters."""
    names = {kind.__name__: kind for kind in getattr(function, "__type_params__", ())}
    return names | {
        name: value for name, value in free_variables(function).items() if value is not UNASSIGNED
    }
