"""Reading a type annotation: it gives the conversion of its values."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Never,
    NewType,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from ...errors import ConfigurationError
from . import conversions
from .conversions import PLAIN, SCALARS, Conversion

_ANYTHING: Final = (Any, object)
_PLAIN: Final = (*_ANYTHING, None, NoneType, bool, int, float, str, NoReturn, Never)
_LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Collection)
_OBJECTS: Final = (dict, abc.Mapping, abc.MutableMapping)
_SETS: Final = (set, frozenset)


def conversion_of(annotation: Any, names: Mapping[str, Any]) -> Conversion:
    """Return the conversion of values with this annotation. Raises `ConfigurationError`.

    The annotations of its parts may use `names`. Raises NameError if a name is not defined (yet).
    """
    try:
        return _Reader(names).conversion(annotation)
    except RecursionError:
        raise _refusal(annotation) from None


class _Reader:
    """Reads one annotation. A class that refers to itself is read once."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = dict(names)
        self._known: dict[type, Conversion] = {}

    def conversion(self, annotation: Any) -> Conversion:
        annotation = _bare(annotation)
        origin, parts = get_origin(annotation) or annotation, get_args(annotation)
        if origin in _PLAIN or origin is Literal or isinstance(origin, TypeVar):
            return PLAIN
        if origin in (Union, UnionType):
            return self._union(annotation)
        if origin in _LISTS:
            item = self.conversion(*parts or (Any,))
            return PLAIN if item is PLAIN else conversions.many(list, item)
        if origin in _SETS:
            return conversions.many(origin, self.conversion(*parts or (Any,)))
        if origin is tuple:
            return self._tuple(*parts or (Any, ...))
        if origin in _OBJECTS:
            return self._mapping(*parts or (Any, Any))
        if isinstance(annotation, type) and not parts:
            return self._known[annotation] if annotation in self._known else self._class(annotation)
        raise _refusal(annotation)

    def _tuple(self, *parts: Any) -> Conversion:
        if parts[1:] == (...,):
            return conversions.many(tuple, self.conversion(parts[0]))
        return conversions.each([self.conversion(part) for part in parts])

    def _mapping(self, name: Any, value: Any) -> Conversion:
        item = self.conversion(value)
        if _bare(name) not in (str, Any):
            return conversions.pairs(self.conversion(name), item)
        return PLAIN if item is PLAIN else conversions.named(item)

    def _union(self, union: Any) -> Conversion:
        kinds = [kind for part in get_args(union) if (kind := _bare(part)) is not NoneType]
        members = [self.conversion(kind) for kind in kinds]
        if all(member is PLAIN for member in members) or any(kind in _ANYTHING for kind in kinds):
            return PLAIN
        if len(members) == 1:
            return conversions.optional(members[0])
        by_type: dict[type, Conversion] = {}
        for kind, member in zip(kinds, members, strict=True):
            for found in _types(kind):
                if by_type.setdefault(found, member) is not member:
                    raise _refusal(union)
        if len({kind.__qualname__ for kind in by_type}) != len(by_type):
            raise _refusal(union)
        return conversions.optional(conversions.tagged(by_type))

    def _class(self, kind: Any) -> Conversion:
        if (scalar := SCALARS.get(f"{kind.__module__}.{kind.__qualname__}")) is not None:
            return scalar(kind)
        if hasattr(kind, "__members__"):
            return conversions.enum(kind)
        if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
            return conversions.pydantic(kind)
        members: dict[str, Conversion] = {}
        names: Iterable[str] | None = None
        if _is_typed_dict(kind):
            self._known[kind] = conversions.named(PLAIN, members)
        elif hasattr(kind, "__dataclass_fields__"):
            from dataclasses import fields  # not at the top: it costs 10 ms of a cold start

            names = [field.name for field in fields(kind)]
            given = {field.name for field in fields(kind) if field.init}
            self._known[kind] = conversions.attributes(kind, members, given)
        elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
            names = kind._fields
            self._known[kind] = conversions.attributes(kind, members, set(names))
        else:
            raise _refusal(kind)
        hints = get_type_hints(kind, localns={**self._names, kind.__name__: kind})
        for name in hints if names is None else names:
            members[name] = self.conversion(hints.get(name, Any))
        return self._known[kind]


def _bare(annotation: Any) -> Any:
    """Return the type behind an alias, a `NewType` or `Annotated`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":  # from Python 3.12
            annotation = annotation.__value__
        else:
            return annotation


def _is_typed_dict(kind: Any) -> bool:
    """Tell whether it is a TypedDict, of typing or of typing_extensions."""
    return isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__total__")


def _types(annotation: Any) -> Iterable[type]:
    """Return the types that values of a union's member can have."""
    origin = get_origin(annotation) or annotation
    if origin is Literal:
        return {type(value) for value in get_args(annotation)}
    if origin in (int, float):
        # An int is accepted where a float is expected (PEP 484), and a bool is an int.
        return (bool, int) if origin is int else (bool, int, float)
    if origin in _LISTS:
        return (list,)
    if origin in _OBJECTS or _is_typed_dict(origin):
        return (dict,)
    return (origin,)


def _refusal(annotation: Any) -> ConfigurationError:
    return ConfigurationError(
        f"results of type {annotation!r} cannot be restored from JSON. Expected JSON's own types, "
        "dataclasses, pydantic models, NamedTuple, TypedDict, Enum, tuple, set, Decimal, UUID, "
        "bytes or those of datetime, nested, optional or in a union of different types; for others "
        "pass serializer=(to_json, from_json)"
    )
