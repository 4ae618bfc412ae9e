"""The forms of values in JSON, each with its way back.

A conversion checks nothing: in both directions it may raise any error if a value is not of its
type. So `results` converts there and back, and compares.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from enum import Flag
from functools import partial
from inspect import signature
from typing import Any, Final

from ...tuples import NamedTuple


class Conversion(NamedTuple):
    """The conversion of the values of one type to JSON, and back."""

    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


def _unchanged(value: Any) -> Any:
    return value


PLAIN: Final = Conversion(_unchanged, _unchanged)
"""The conversion of values that JSON returns unchanged, whatever their annotation."""


# Collections --------------------------------------------------------------------------------------


def many(kind: Callable[[Iterable[Any]], Any], item: Conversion) -> Conversion:
    """Return the conversion of a list, tuple or set whose items have one type."""
    return Conversion(
        lambda value: [item.to_json(part) for part in value],
        lambda data: kind(item.from_json(part) for part in data),
    )


def each(items: Sequence[Conversion]) -> Conversion:
    """Return the conversion of a tuple of fixed length."""
    return Conversion(
        lambda value: [item.to_json(part) for item, part in zip(items, value, strict=True)],
        lambda data: tuple(item.from_json(part) for item, part in zip(items, data, strict=True)),
    )


def named(item: Conversion, members: Mapping[str, Conversion] | None = None) -> Conversion:
    """Return the conversion of a dictionary with text names; `members` are exceptions to `item`."""
    known = {} if members is None else members

    def convert(way: int, value: Mapping[str, Any]) -> Any:
        return {name: known.get(name, item)[way](part) for name, part in value.items()}

    return Conversion(partial(convert, 0), partial(convert, 1))


def pairs(name: Conversion, item: Conversion) -> Conversion:
    """Return the conversion of a dictionary with other names."""
    return Conversion(
        lambda value: [[name.to_json(key), item.to_json(part)] for key, part in value.items()],
        lambda data: {name.from_json(key): item.from_json(part) for key, part in data},
    )


# Alternatives -------------------------------------------------------------------------------------


def optional(member: Conversion) -> Conversion:
    """Return the conversion of None or a value."""
    return Conversion(
        lambda value: None if value is None else member.to_json(value),
        lambda data: None if data is None else member.from_json(data),
    )


def tagged(by_type: Mapping[type, Conversion]) -> Conversion:
    """Return the conversion of a value of one of these types, as the type's name and the value.

    The types' names must differ.
    """
    by_name = {kind.__qualname__: member for kind, member in by_type.items()}
    return Conversion(
        lambda value: [type(value).__qualname__, by_type[type(value)].to_json(value)],
        lambda data: by_name[data[0]].from_json(data[1]),
    )


# Classes ------------------------------------------------------------------------------------------


def attributes(kind: Any, members: Mapping[str, Conversion], given: Set[str]) -> Conversion:
    """Return the conversion of attributes, by name: a member with a default can be added later.

    `given` are the members that the constructor takes.
    """

    def to_json(value: Any) -> Any:
        return {name: member.to_json(getattr(value, name)) for name, member in members.items()}

    def from_json(data: Any) -> Any:
        if not isinstance(data, dict):
            raise TypeError
        parts = {name: members[name].from_json(data[name]) for name in members if name in data}
        restored = kind(**{name: part for name, part in parts.items() if name in given})
        for name in parts.keys() - given:
            object.__setattr__(restored, name, parts[name])  # the class may be frozen
        return restored

    return Conversion(to_json, from_json)


def pydantic(kind: Any) -> Conversion:
    """Return the conversion of a pydantic model."""
    # Use field names (from pydantic 2.11): unlike aliases, they are the same in both directions.
    by_name = "by_name" in signature(kind.model_validate_json).parameters
    names = {"by_alias": False, "by_name": True} if by_name else {}

    def to_json(value: Any) -> Any:
        # No warnings: they quote values.
        return value.model_dump(mode="json", by_alias=not by_name, round_trip=True, warnings=False)

    # Validate a text: only from JSON text does a strict model accept a date, for example.
    return Conversion(to_json, lambda data: kind.model_validate_json(json.dumps(data), **names))


def enum(kind: Any) -> Conversion:
    """Return the conversion of an Enum by name, as its values can have any type."""
    if issubclass(kind, Flag):  # a combination has no name to look up
        return Conversion(lambda value: value.value, kind)
    return Conversion(lambda value: value.name, lambda data: kind[data])


def _by_isoformat(kind: Any) -> Conversion:
    return Conversion(kind.isoformat, kind.fromisoformat)


def _as_text(kind: Any) -> Conversion:
    return Conversion(str, kind)


def _timedelta(kind: Any) -> Conversion:
    return Conversion(
        lambda value: [value.days, value.seconds, value.microseconds], lambda data: kind(*data)
    )


def _bytes(_: Any) -> Conversion:
    return Conversion(lambda value: b2a_base64(value, newline=False).decode(), a2b_base64)


SCALARS: Final[Mapping[str, Callable[[Any], Conversion]]] = {
    "builtins.bytes": _bytes,
    "datetime.date": _by_isoformat,
    "datetime.datetime": _by_isoformat,
    "datetime.time": _by_isoformat,
    "datetime.timedelta": _timedelta,
    "decimal.Decimal": _as_text,
    "uuid.UUID": _as_text,
}
"""Conversions by the classes' names, so that no class needs to be imported."""
