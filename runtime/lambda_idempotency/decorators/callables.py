"""Facts about a callable that are known before it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import (
    Signature,
    isasyncgenfunction,
    iscoroutinefunction,
    isfunction,
    isgeneratorfunction,
    ismethod,
    signature,
    unwrap,
)
from typing import Any, Final, TypeAlias, get_type_hints

from ..errors import ConfigurationError

AnyCallable: TypeAlias = Callable[..., Any]

UNASSIGNED: Final = object()
"""The value of a free variable to which nothing is assigned yet."""


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


def underlying(function: AnyCallable) -> AnyCallable:
    """Return the function behind decorators, partials, bound methods and callable objects."""
    return list(_layers(function))[-1]


def name_of(function: AnyCallable) -> str:
    """Return the function's name; that of what a partial calls, or of a callable object's class."""
    if isinstance(function, partial):
        return name_of(function.func)
    return str(getattr(function, "__name__", type(function).__name__))


def place_of(function: AnyCallable) -> str:
    """Return the name of the function, and the file and line where it is defined, which stay when
    its module is reloaded."""
    function = underlying(function)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    place = f"{getattr(function, '__module__', None)}.{name}"
    code = getattr(function, "__code__", None)
    if code is None:  # it is not written in Python
        return place
    where = f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}"
    if name.endswith("<lambda>"):  # several fit into a line
        columns = [column for _, _, column, _ in code.co_positions() if column]
        where = f"{where}:{min(columns, default=0)}"
    return f"{place} ({where})"


def captured(function: AnyCallable) -> list[tuple[str, Any]]:
    """Return the names and values that its code has from around it: the free variables, the
    arguments of a partial, the object of a method. Two functions from one place differ in these
    alone. A value that is a function is told by its place."""
    found: list[tuple[str, Any]] = []
    for layer in _layers(function):
        if isinstance(layer, partial):
            found += [("an argument of the partial", each) for each in layer.args]
            found += layer.keywords.items()
        elif ismethod(layer):
            found.append(("self", layer.__self__))
        elif isfunction(layer):
            # Each function with `super()` has `__class__`, which its place tells.
            found += [item for item in _free_variables(layer).items() if item[0] != "__class__"]
        elif isfunction(type(layer).__call__):
            found.append(("self", layer))
    return [(name, place_of(each) if isfunction(each) else each) for name, each in found]


def _layers(function: AnyCallable) -> Iterator[AnyCallable]:
    """Yield what is behind decorators, and behind each partial, method and object, to the function
    that has the code."""
    while True:
        function = unwrap(function)
        yield function
        if isinstance(function, partial):
            function = function.func
        elif ismethod(function):
            function = function.__func__
        elif not isfunction(function) and isfunction(type(function).__call__):
            function = type(function).__call__
        else:
            return


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
        name: value for name, value in _free_variables(function).items() if value is not UNASSIGNED
    }


def _free_variables(function: AnyCallable) -> dict[str, Any]:
    """Return the variables that it uses from the functions around it."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    found = {}
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            found[name] = UNASSIGNED
    return found
