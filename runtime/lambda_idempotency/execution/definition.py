"""The definition of an operation: what makes two decorated functions the same operation.

They are the same if their code is, and all that it has from around it: its free variables and
defaults, the arguments of a partial, the object of a method, the function that a decorator calls;
and if the same holds for their keys. Functions, partials and containers are compared by their
parts, as they are when the decorator is applied; plain values by equality. An object of any other
class may differ in what nobody sees, so it is the same only as itself. Two rules allow more:

- Who gives a `name` tells operations apart by it. Only the code and the key count then.
- A module that runs again (reloaded, or one file under two names, one of them `__main__`) makes new
  objects, and perhaps from changed code. Between two runs, an object of a class is the same as
  another, and so is a function of a name in a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import isfunction, ismethod
from operator import attrgetter, itemgetter, methodcaller
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any, Final, NamedTuple, TypeAlias

AnyCallable: TypeAlias = Callable[..., Any]

UNASSIGNED: Final = object()
"""The value of a free variable to which nothing is assigned yet."""


class Definition(NamedTuple):
    """The code of an operation and what it has from around it, as they are when it is decorated."""

    place: str
    """Where its code is, for messages."""
    code: _Part
    surroundings: _Part
    key: _Part
    named: bool
    run: _Run | None

    @classmethod
    def of(cls, function: AnyCallable, *, key: object = None, named: bool = False) -> Definition:
        """Describe a function whose key is JMESPath, a callable or None."""
        return cls(
            place_of(function),
            _Part(tuple, None, tuple(map(_code_of, layers(function)))),
            _described(function, {}),
            _described(key, {}),
            named,
            _Run.current(),
        )

    def is_same(self, other: Definition) -> bool:
        """Tell whether `other` is the same operation, defined again."""
        again = self.run is not None and other.run is not None and self.run.repeats(other.run)
        named = self.named and other.named
        how = {"any_object": again or named, "any_code": again}
        return (
            self.code.is_same(other.code, **how)
            and self.key.is_same(other.key, **how)
            and (named or self.surroundings.is_same(other.surroundings, **how))
        )


class _Code(NamedTuple):
    """The code of a function, with its globals."""

    code: CodeType
    names: Mapping[str, Any]

    def is_same(self, other: _Code, *, any_object: bool, any_code: bool) -> bool:
        one, two = self.code, other.code
        if not _is_one_file(one.co_filename, two.co_filename):
            return False
        if any_code and one.co_qualname == two.co_qualname:
            return True
        # A file is one also where it is loaded twice. A text without a file can be anybody's.
        is_file = not one.co_filename.startswith("<")
        return one == two and (is_file or any_object or self.names is other.names)


class _Part(NamedTuple):
    """A value that code has from around it: a leaf, or what it is made of."""

    kind: type
    leaf: Any
    parts: tuple[_Part, ...] = ()

    def is_same(self, other: _Part, *, any_object: bool, any_code: bool) -> bool:
        how = {"any_object": any_object, "any_code": any_code}
        if isinstance(self.leaf, _Code) and isinstance(other.leaf, _Code):
            same = self.leaf.is_same(other.leaf, **how)
        elif self.kind in _PLAIN or other.kind in _PLAIN:
            same = self.kind is other.kind and self.leaf == other.leaf
        elif any_object:  # a module that runs again makes new classes, too
            same = _class_name(self) == _class_name(other)
        else:  # an `__eq__` of the user's could do or raise anything
            same = self.leaf is other.leaf
        return (
            same
            and len(self.parts) == len(other.parts)
            and all(
                one.is_same(two, **how) for one, two in zip(self.parts, other.parts, strict=True)
            )
        )


class _Seen:
    """The kind of a part that is told already: its leaf is the number of that part."""


_PLAIN: Final = (str, bytes, int, float, bool, complex, type(None), _Seen)
_OPERATORS: Final = (itemgetter, attrgetter, methodcaller)


class _Run(NamedTuple):
    """A run of a module's code. The import system gives each reload a new spec."""

    file: str
    names: Mapping[str, Any]
    spec: object

    @classmethod
    def current(cls) -> _Run | None:
        """Return the run that applies the decorator; None outside of a file."""
        frame = sys._getframe()  # noqa: SLF001 - inspect costs more, and needs the sources
        while frame.f_code.co_name != "<module>":
            if frame.f_back is None:
                return None
            frame = frame.f_back
        if (file := frame.f_code.co_filename).startswith("<"):
            return None
        return cls(file, frame.f_globals, frame.f_globals.get("__spec__"))

    def repeats(self, other: _Run) -> bool:
        """Tell whether they are two runs of one file."""
        return (self.names is not other.names or self.spec is not other.spec) and _is_one_file(
            self.file, other.file
        )


def _class_name(part: _Part) -> str:
    return (part.leaf if isinstance(part.leaf, type) else part.kind).__qualname__


def _is_one_file(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _described(value: Any, seen: dict[int, tuple[int, Any]]) -> _Part:
    """Describe a value. `seen` numbers what has parts: a function can have itself around it."""
    kind = type(value)
    if (parts := _parts_of(value)) is None:
        return _Part(kind, object() if value is UNASSIGNED else value)
    if id(value) in seen:
        return _Part(_Seen, seen[id(value)][0])
    seen[id(value)] = (len(seen), value)
    leaf = _Code(value.__code__, value.__globals__) if kind is FunctionType else kind
    return _Part(kind, leaf, tuple(_described(part, seen) for part in parts))


def _parts_of(value: Any) -> list[Any] | None:
    """Return what a value is made of; None if only the value itself is known to be the same."""
    kind = type(value)
    if kind is FunctionType:
        return [value.__defaults__, value.__kwdefaults__, *_surroundings(value).values()]
    if kind is partial:
        return [value.func, value.args, value.keywords]
    if kind is MethodType:
        return [value.__func__, value.__self__]
    if kind is BuiltinFunctionType:
        return [value.__name__, value.__self__]
    if kind in _OPERATORS:
        return list(value.__reduce__())
    if kind is list or kind is tuple:
        return list(value)
    return [*value, *value.values()] if kind is dict else None


def _code_of(layer: AnyCallable) -> _Part:
    """Describe a layer without what it has from around it."""
    kind = type(layer)
    if kind is FunctionType:
        return _Part(kind, _Code(layer.__code__, layer.__globals__))
    return _Part(kind, kind) if kind in (partial, MethodType) else _described(layer, {})


# Layers -------------------------------------------------------------------------------------------


def layers(function: AnyCallable) -> Iterator[AnyCallable]:
    """Yield the callable, and what is behind each decorator, partial, method and object, to the
    function that has the code."""
    while True:
        yield function
        if (wrapped := getattr(function, "__wrapped__", None)) is not None:
            function = wrapped
        elif isinstance(function, partial):
            function = function.func
        elif ismethod(function):
            function = function.__func__
        elif not isfunction(function) and isfunction(type(function).__call__):
            function = type(function).__call__
        else:
            return


def underlying(function: AnyCallable) -> AnyCallable:
    """Return the function behind decorators, partials, bound methods and callable objects."""
    *_, last = layers(function)
    return last


def place_of(function: AnyCallable) -> str:
    """Return the name of the function, and the file and line where it is defined."""
    function = underlying(function)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    place = f"{getattr(function, '__module__', None)}.{name}"
    code = getattr(function, "__code__", None)
    if code is None:  # it is not written in Python
        return place
    return f"{place} ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})"


def captured(function: AnyCallable) -> list[str]:
    """Return the names of what its code has from around it: the free variables, the arguments of a
    partial, the object of a method. Those of decorators (functools.wraps) are not among them."""
    found: list[str] = []
    for layer in layers(function):
        if hasattr(layer, "__wrapped__"):
            continue
        if isinstance(layer, partial):
            found += ["an argument of the partial"] * len(layer.args)
            found += layer.keywords
        elif ismethod(layer):
            found.append("self")
        elif isfunction(layer):
            found += _surroundings(layer)
        elif isfunction(type(layer).__call__):
            found.append("self")
    return found


def free_variables(function: AnyCallable) -> dict[str, Any]:
    """Return the variables that it uses from the functions around it."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    found = {}
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            found[name] = UNASSIGNED
    return found


def _surroundings(function: AnyCallable) -> dict[str, Any]:
    """Return its free variables, without the `__class__` of each method that calls `super()`: the
    code tells it."""
    found = free_variables(function)
    found.pop("__class__", None)
    return found
