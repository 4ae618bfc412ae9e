"""Responses and their headers, in the forms that handlers and event sources use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..tuples import NamedTuple

_LISTS: Final = frozenset({"access-control-expose-headers", "vary"})
"""Headers that both this layer and the handler may set: lists, whose values are joined."""


class Answer(NamedTuple):
    """A response that this layer makes."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: str


def without(response: Mapping[str, Any], headers: frozenset[str]) -> dict[str, Any]:
    """Return a response without the `headers`, given in lower case. The `cookies` of payload format
    2.0 count as `set-cookie`."""
    kept = dict(response)
    for form in ("headers", "multiValueHeaders"):
        if isinstance(kept.get(form), dict):  # no other Mapping is JSON
            kept[form] = {
                name: value
                for name, value in kept[form].items()
                if str(name).lower() not in headers
            }
    if "set-cookie" in headers:
        kept.pop("cookies", None)
    return kept


def values_of(response: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of a response's header; `name` is in lower case."""
    found: list[str] = []
    for form in ("headers", "multiValueHeaders"):
        headers = response.get(form)
        for header, value in headers.items() if isinstance(headers, dict) else ():
            if str(header).lower() == name:
                found += map(str, value if isinstance(value, list) else [value])
    return found


def merged(present: Mapping[str, Any], added: Mapping[str, str]) -> dict[str, Any]:
    """Return headers with others added. Lists grow; other headers of the same name are replaced."""
    names = {name.lower() for name in added}
    lists = {str(name).lower(): value for name, value in present.items() if value is not None}
    return {
        **{name: value for name, value in present.items() if str(name).lower() not in names},
        **{
            name: _joined(lists.get(name.lower()), value) if name.lower() in _LISTS else value
            for name, value in added.items()
        },
    }


def _joined(present: Any, added: str) -> str:
    """Join two lists; a member that is in both, or `*`, is there once."""
    if present is None:
        return added
    known = {member.strip().lower() for member in str(present).split(",")}
    new = [each for each in added.split(", ") if not {each.lower(), "*"} & known]
    return ", ".join((str(present), *new))


def merged_lists(present: Mapping[str, Any], added: Mapping[str, str]) -> dict[str, Any]:
    """Add headers as `merged` does, to headers in the multi-value form."""
    joined = {
        name: ", ".join(map(str, values)) if isinstance(values, list) else values
        for name, values in present.items()
        if str(name).lower() in _LISTS
    }
    names = {name.lower() for name in added}
    return {
        **{name: values for name, values in present.items() if str(name).lower() not in names},
        **{name: [value] for name, value in merged(joined, added).items() if name in added},
    }
