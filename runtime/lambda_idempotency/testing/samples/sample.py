"""An event of a source in its documented shape: a redelivery of it, and another request."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from ...tuples import NamedTuple

Without: TypeAlias = Literal["header", "this key", "each record", "payload", "refused", "afresh"]
"""What happens without `key`: the request's header is the key; the key beside it; that of each
record (`@idempotent_records`); the whole payload; an error that asks for a key; an error that says
to answer each call afresh."""


class Sample(NamedTuple):
    """An event. `ids` is what the page's key gives, for a source of records for each of them; None
    where the page has words in its place. `again` holds what a redelivery changes, and `other` what
    another request has, by paths."""

    event: Any
    without: Without
    ids: Any = None
    again: Mapping[str, Any] = {}
    other: Mapping[str, Any] = {}

    def redelivered(self) -> Any:
        """Return the event of a second delivery."""
        return changed(self.event, self.again)

    def with_values(self, **values: Any) -> Any:
        """Return the event with other values at some paths, such as
        `with_values(**{"Records/0/body": "{}"})`."""
        return changed(self.event, values)

    def of_another(self) -> Any:
        """Return the event of another request."""
        return changed(self.event, self.other)


def changed(event: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of an event with other values at some paths."""
    found = copy.deepcopy(event)
    for path, value in values.items():
        *names, last = path.split("/")
        place = found
        for name in names:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[int(last) if isinstance(place, list) else last] = value
    return found
