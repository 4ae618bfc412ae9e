"""Facts about a callable that are known before it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeGuard, get_type_hints

from ..errors import ConfigurationError
from ..execution.definition import UNASSIGNED, AnyCallable, free_variables, underlying

if TYPE_CHECKING:
    from inspect import Signature


MARK: Final = "__idempotent__"
"""The attribute that marks a decorated handler. Decorators above it copy it, too."""

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


def check_handler(function: AnyCallable) -> None:
    """Raise `ConfigurationError` for a class, and for a method that is bound to nothing."""
    if isinstance(function, type):
        raise ConfigurationError(
            f"applied to the class {function.__name__}; expected a function of an event and a "
            f"context, or an object that is called like one: apply it to {function.__name__}(...)"
        )
    if not _is_bare(function):
        return
    owner, _, name = function.__qualname__.rpartition(".")
    if function.__code__.co_varnames[:1] in _FIRST_OF_METHODS and owner[-1:] not in ("", ">"):
        raise ConfigurationError(
            f"applied to the method {name} of {owner}, which is called with its object first; "
            "expected a function of an event and a context. Apply it to the bound method, "
            f"{owner}(...).{name}"
        )


_FIRST_OF_METHODS: Final = (("self",), ("cls",))


def _is_bare(function: AnyCallable) -> TypeGuard[FunctionType]:
    """Tell whether it is a function that nothing has been added to, as most handlers are: its code
    says everything, and `inspect`, whose import takes 5 ms, is not needed."""
    return type(function) is FunctionType and not function.__dict__


def name_of(function: AnyCallable) -> str:
    """Return the function's name; that of what a partial calls, or of a callable object's class."""
    if isinstance(function, partial):
        return name_of(function.func)
    return str(getattr(function, "__name__", type(function).__name__))


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
        name: value for name, value in free_variables(function).items() if value is not UNASSIGNED
    }
