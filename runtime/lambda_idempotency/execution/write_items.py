"""The writes of `commit_with` and of steps, checked and copied where they are given.

DynamoDB refuses what is wrong only when the handler has returned, and MemoryStore would take
anything: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItem.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import ConfigurationError

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "Put": ("TableName", "Item"),
    "Update": ("TableName", "Key", "UpdateExpression"),
    "Delete": ("TableName", "Key"),
    "ConditionCheck": ("TableName", "Key", "ConditionExpression"),
}
_OPTIONAL: Final = (
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def copied(source: str, number: int, item: Any) -> dict[str, Any]:
    """Return a copy of a write, the `number`th that `source` was given. Raises
    `ConfigurationError`, which quotes no value."""
    if not isinstance(item, Mapping) or len(item) != 1 or not item.keys() <= _NEEDED.keys():
        raise ConfigurationError(
            f"{source} was given something that is no write; expected items as of "
            'TransactWriteItems, such as {"Put": {"TableName": ..., "Item": {...}}}'
        )
    [(kind, write)] = item.items()
    try:
        return {kind: _write(kind, write)}
    except _RefusedError as refused:
        raise ConfigurationError(
            f"{source} cannot send write {number}, {_article(kind)}: {refused}"
        ) from None


class _RefusedError(Exception):
    """What is wrong with a write."""


def _write(kind: str, write: Any) -> dict[str, Any]:
    if not isinstance(write, Mapping):
        raise _RefusedError(f"it is {_article(type(write).__name__)}; expected a dict")
    needed = _NEEDED[kind]
    if missing := [name for name in needed if name not in write]:
        raise _RefusedError(f"it has no {missing[0]}")
    known = dict.fromkeys((*needed, *_OPTIONAL))
    if unknown := [name for name in write if name not in known]:
        raise _RefusedError(f"it has no field {unknown[0]!r}; expected {', '.join(known)}")
    return {name: (_FIELDS.get(name) or _text)(name, value) for name, value in write.items()}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _RefusedError(f"{name} is {_described(value)}; expected a text that is not empty")
    return str(value)


def _names(name: str, value: Any) -> dict[str, str]:
    return {part: _text(f"{name}.{part}", text) for part, text in _mapping(name, value).items()}


def _values(name: str, value: Any) -> dict[str, Any]:
    return {part: _value(f"{name}.{part}", typed) for part, typed in _mapping(name, value).items()}


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value):
        raise _RefusedError(f"{name} is {_described(value)}; expected a dict whose names are text")
    return value


_FIELDS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "Item": _values,
    "Key": _values,
    "ExpressionAttributeValues": _values,
    "ExpressionAttributeNames": _names,
}


def _value(name: str, typed: Any) -> dict[str, Any]:
    """Return a copy of a typed value. `name` leads to it, as far as the table's schema goes."""
    if not isinstance(typed, Mapping) or len(typed) != 1 or not typed.keys() <= _TYPES.keys():
        raise _RefusedError(
            f"{name} is {_described(typed)}; expected a value with its type, such as "
            '{"N": "12.5"} (boto3.dynamodb.types.TypeSerializer makes them)'
        )
    [(kind, value)] = typed.items()
    return {kind: _TYPES[kind](name, kind, value)}


def _string(name: str, kind: str, value: Any) -> str:
    if not isinstance(value, str) or not _is_unicode(value):
        raise _wrong(name, kind, value, "a text that UTF-8 can hold")
    return str(value)


def _is_unicode(text: str) -> bool:
    """Tell whether a text has no lone surrogate, which UTF-8 lacks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(name: str, kind: str, value: Any) -> str:
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        raise _wrong(name, kind, value, "a number as a text")
    return str(value)


def _binary(name: str, kind: str, value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise _wrong(name, kind, value, "bytes")
    return bytes(value)


def _flag(name: str, kind: str, value: Any) -> bool:
    if not isinstance(value, bool) or (kind == "NULL" and not value):
        raise _wrong(name, kind, value, "True" if kind == "NULL" else "True or False")
    return value


def _set(name: str, kind: str, value: Any) -> list[Any]:
    members = _sequence(name, kind, value)
    copy = [_TYPES[kind[0]](name, kind, member) for member in members]
    if not copy or len({*copy}) != len(copy):
        raise _wrong(name, kind, value, "members, and none twice")
    return copy


def _list(name: str, kind: str, value: Any) -> list[Any]:
    return [_value(f"a member of {name}", member) for member in _sequence(name, kind, value)]


def _map(name: str, kind: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value):
        raise _wrong(name, kind, value, "a dict whose names are text")
    return {part: _value(f"a member of {name}", member) for part, member in value.items()}


def _sequence(name: str, kind: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(name, kind, value, "a list")
    return value


_TYPES: Final[Mapping[str, Callable[[str, str, Any], Any]]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _flag,
    "NULL": _flag,
    "SS": _set,
    "NS": _set,
    "BS": _set,
    "L": _list,
    "M": _map,
}


def _wrong(name: str, kind: str, value: Any, expected: str) -> _RefusedError:
    return _RefusedError(f"the {kind} of {name} is {_described(value)}; expected {expected}")


def _described(value: Any) -> str:
    return "empty" if value in ("", [], (), {}) else _article(type(value).__name__)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
