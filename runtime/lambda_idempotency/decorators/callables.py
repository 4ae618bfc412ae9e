"""Facts about a callable that are known before it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import AsyncGeneratorType, CodeType, FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard, get_type_hints

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from inspect import Signature

AnyCallable: TypeAlias = Callable[..., Any]

UNASSIGNED: Final = object()
"""The value of a free variable to which nothing is assigned yet."""


_GENERATOR: Final = 0x20
_COROUTINE: Final = 0x80
_ASYNC_GENERATOR: Final = 0x200
"""Flags of code: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags"""


def is_async(function: AnyCallable) -> bool:
    """Tell whether a call returns a coroutine, also for an object whose `__call__` is async."""
    if _is_bare(function):
        return bool(function.__code__.co_flags & _COROUTINE)
    from inspect import iscoroutinefunction  # see `_is_bare`

    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def check_no_generator(function: AnyCallable) -> None:
    """Raise `ConfigurationError` for a generator function, sync or async."""
    inner = underlying(function)
    code = getattr(inner, "__code__", None)
    if isinstance(code, CodeType) and code.co_flags & (_GENERATOR | _ASYNC_GENERATOR):
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
    if kind not in _GENERATORS and not hasattr(kind, "__await__"):
        return result
    for stop in ("close", "cancel"):  # a coroutine and a generator, a future
        if callable(end := getattr(result, stop, None)):
            end()
    raise ConfigurationError(
        f"{decorator}: the function returned a {kind.__name__}, which nobody would run under its "
        "record. Decorate the `async def` itself, under its other decorators; return a list of "
        "what a generator yields."
    )


_GENERATORS: Final = (GeneratorType, AsyncGeneratorType)


def _is_bare(function: AnyCallable) -> TypeGuard[FunctionType]:
    """Tell whether it is a function that nothing has been added to, as most handlers are: its code
    says everything, and `inspect`, whose import takes 5 ms, is not needed."""
    return type(function) is FunctionType and not function.__dict__


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
        elif isinstance(layer, MethodType):
            found.append(("self", layer.__self__))
        elif isinstance(layer, FunctionType):
            # Each function with `super()` has `__class__`, which its place tells.
            found += [item for item in _free_variables(layer).items() if item[0] != "__class__"]
        elif isinstance(type(layer).__call__, FunctionType):
            found.append(("self", layer))
    return [
        (name, place_of(each) if isinstance(each, FunctionType) else each) for name, each in found
    ]


def _layers(function: AnyCallable) -> Iterator[AnyCallable]:
    """Yield what is behind decorators, and behind each partial, method and object, to the function
    that has the code."""
    while True:
        if hasattr(function, "__wrapped__"):
            from inspect import unwrap

            function = unwrap(function)
        yield function
        if isinstance(function, partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif not isinstance(function, FunctionType) and isinstance(
            call := type(function).__call__, FunctionType
        ):
            function = call
        else:
            return


def signature_of(function: AnyCallable) -> Signature:
    """Return the signature, without evaluating annotations. Raises ValueError if there is none."""
    from inspect import signature

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
