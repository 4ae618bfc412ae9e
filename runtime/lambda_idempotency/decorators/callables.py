"""What can be told of a callable before it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from inspect import Signature, iscoroutinefunction, isfunction, ismethod, signature, unwrap
from typing import Any, TypeAlias, get_type_hints

AnyCallable: TypeAlias = Callable[..., Any]


def is_async(function: AnyCallable) -> bool:
    """Whether calling it gives a coroutine; an object whose `__call__` is async counts."""
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def underlying(function: AnyCallable) -> AnyCallable:
    """The function behind decorators, partials, bound methods and callable objects."""
    while True:
        function = unwrap(function)
        if isinstance(function, partial):
            function = function.func
        elif ismethod(function):
            function = function.__func__
        elif not isfunction(function) and isfunction(type(function).__call__):
            function = type(function).__call__
        else:
            return function


def place_of(function: AnyCallable) -> str:
    """Where it is defined, which is the same when its module is loaded again."""
    function = underlying(function)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if "<lambda>" in name:  # others in its scope are called the same
        name = f"{name}, line {function.__code__.co_firstlineno}"
    return f"{getattr(function, '__module__', None)}.{name}"


def signature_of(function: AnyCallable) -> Signature:
    """Its signature; annotations are not looked at. Raises ValueError where it has none."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return signature(function, annotation_format=Format.FORWARDREF)
    return signature(function)


def return_type(function: AnyCallable) -> tuple[Any, Mapping[str, Any]]:
    """What it is annotated to return, Any where it says nothing, and the names around it.

    Raises NameError where the annotation names what is not there, or not yet, and TypeError where
    it is no type.
    """
    function = underlying(function)
    names = _names_around(function)

    def carrier() -> None: ...

    # Only this one: those of the parameters may name what is imported for type checkers alone.
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
    """The local names that it uses of the functions around it, and its type parameters."""
    names = {kind.__name__: kind for kind in getattr(function, "__type_params__", ())}
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # nothing is assigned to it yet
            continue
    return names
