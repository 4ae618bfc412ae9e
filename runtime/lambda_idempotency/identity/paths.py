"""Tests and selections of the values at paths of an event, without JMESPath and its import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Event: TypeAlias = Mapping[str, Any]

ABSENT: Final = "none"
"""The value of a part that an event need not have."""


def at(event: Any, path: str) -> Any:
    """Return the value at a path such as `Records/0/eventSource`; None if there is none."""
    value = event
    for name in path.split("/"):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def has(*paths: str) -> Callable[[Event], bool]:
    """Return the test for an event with values at all these paths."""
    return lambda event: all(at(event, path) is not None for path in paths)


def has_either(*paths: str) -> Callable[[Event], bool]:
    """Return the test for an event with a value at one of these paths."""
    return lambda event: any(at(event, path) is not None for path in paths)


def is_one_of(path: str, *values: str) -> Callable[[Event], bool]:
    """Return the test for an event with one of these values at a path."""
    return lambda event: at(event, path) in values


def both(*tests: Callable[[Event], bool]) -> Callable[[Event], bool]:
    """Return the test for an event that passes all these tests."""
    return lambda event: all(test(event) for test in tests)


def selected(*paths: str) -> Callable[[Any], Any]:
    """Return the function that selects the values at these paths: one value, or a list; None if one
    is missing. An event need not have a path that ends with a question mark."""

    def select(event: Any) -> Any:
        values = [at(event, path.removesuffix("?")) for path in paths]
        for number, path in enumerate(paths):
            if values[number] is None and path.endswith("?"):
                values[number] = ABSENT
        return None if None in values else values[0] if len(values) == 1 else values

    return select


def each(*paths: str) -> Callable[[Event], Any]:
    """Return the function that selects the values at these paths of each of an event's records."""
    select = selected(*paths)

    def select_each(event: Event) -> Any:
        found = [select(record) for record in event["Records"]]
        return None if None in found else found

    return select_each
