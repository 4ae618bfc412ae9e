"""The forms that values take in JSON, each with its way back.

Nothing is trusted here: either way may raise anything where a value is not of the type, and whoever
converts there and back compares (see `results`).
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from enum import Flag
from functools import partial
from inspect import signature
from typing import Any, Final, NamedTuple


class Conversion(NamedTuple):
    """From the values of one type to JSON, and back."""

    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


def _unchanged(value: Any) -> Any:
    return value


PLAIN: Final = Conversion(_unchanged, _unchanged)
"""For what JSON gives back as it is, whatever the annotation says of it."""


# Collections --------------------------------------------------------------------------------------


def many(kind: Callable[[Iterable[Any]], Any], item: Conversion) -> Conversion:
    """A list, tuple or set of items that are alike."""
    return Conversion(
        lambda value: [item.to_json(part) for part in value],
        lambda data: kind(item.from_json(part) for part in data),
    )


def each(items: Sequence[Conversion]) -> Conversion:
    """A tuple of a certain length."""
    return Conversion(
        lambda value: [item.to_json(part) for item, part in zip(items, value, strict=True)],
        lambda data: tuple(item.from_json(part) for item, part in zip(items, data, strict=True)),
    )


def named(item: Conversion, members: Mapping[str, Conversion] | None = None) -> Conversion:
    """A dictionary whose names are text; `members` tells those that are not as the others."""
    known = {} if members is None else members

    def convert(way: int, value: Mapping[str, Any]) -> Any:
        return {name: known.get(name, item)[way](part) for name, part in value.items()}

    return Conversion(partial(convert, 0), partial(convert, 1))


def pairs(name: Conversion, item: Conversion) -> Conversion:
    """A dictionary of other names."""
    return Conversion(
        lambda value: [[name.to_json(key), item.to_json(part)] for key, part in value.items()],
        lambda data: {name.from_json(key): item.from_json(part) for key, part in data},
    )


# Alternatives -------------------------------------------------------------------------------------


def optional(member: Conversion) -> Conversion:
    """None, or a value."""
    return Conversion(
        lambda value: None if value is None else member.to_json(value),
        lambda data: None if data is None else member.from_json(data),
    )


def tagged(by_type: Mapping[type, Conversion]) -> Conversion:
    """A value of one of these types, none of which has the name of another, with that name."""
    by_name = {kind.__qualname__: member for kind, member in by_type.items()}
    return Conversion(
        lambda value: [type(value).__qualname__, by_type[type(value)].to_json(value)],
        lambda data: by_name[data[0]].from_json(data[1]),
    )


# Classes ------------------------------------------------------------------------------------------


def attributes(kind: Any, members: Mapping[str, Conversion], given: Set[str]) -> Conversion:
    """By name: a member with a default may be added later. `given` are those of the constructor."""

    def to_json(value: Any) -> Any:
        return {name: member.to_json(getattr(value, name)) for name, member in members.items()}

    def from_json(data: Any) -> Any:
        if not isinstance(data, dict):
            raise TypeError
        parts = {name: members[name].from_json(data[name]) for name in members if name in data}
        restored = kind(**{name: part for name, part in parts.items() if name in given})
        for name in parts.keys() - given:
            object.__setattr__(restored, name, parts[name])  # it may be frozen
        return restored

    return Conversion(to_json, from_json)


def pydantic(kind: Any) -> Conversion:
    """A pydantic model."""
    # By the names of the fields, which unlike aliases are the same both ways (from pydantic 2.11).
    by_name = "by_name" in signature(kind.model_validate_json).parameters
    names = {"by_alias": False, "by_name": True} if by_name else {}

    def to_json(value: Any) -> Any:
        # Its warnings quote values.
        return value.model_dump(mode="json", by_alias=not by_name, round_trip=True, warnings=False)

    # From a text, because a strict model takes a date, say, from nothing else in JSON.
    return Conversion(to_json, lambda data: kind.model_validate_json(json.dumps(data), **names))


def enum(kind: Any) -> Conversion:
    """By name, since a value may be anything."""
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
"""Classes that are known by their names, so that they need not be imported."""
