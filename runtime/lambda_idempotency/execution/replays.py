"""What `on_replay` sees of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias


class Replay(NamedTuple):
    """The record whose response is replayed.

    `key` is its id, `attempt` the one that answered, `expiration` the epoch second at which it
    ends.
    """

    key: str
    attempt: int
    expiration: int


OnReplay: TypeAlias = Callable[[Any, Replay], Any]
"""Takes the response about to be replayed, an object of its own at each call; returns what is
replayed instead, or None: the same."""
