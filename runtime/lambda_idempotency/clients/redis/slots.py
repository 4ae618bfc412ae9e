"""Slots of a cluster: the node of a key, and what a node says when it is not there. No I/O.

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

from binascii import crc_hqx
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from ...tuples import NamedTuple
from .resp import Command, Part, Reply, ReplyError

SLOTS: Final = 16_384


class Address(NamedTuple):
    """The address of a node."""

    host: str
    port: int


class Redirect(NamedTuple):
    """A node's answer that another one has the key: for good, or for this one command (`ask`)."""

    slot: int
    to: Address
    ask: bool


def slot_of(key: Part) -> int:
    """Return the slot of a key: a CRC16 of its hash tag, if it has one, else of the key.

    Keys that are alike between the first { and the next } share a slot.
    """
    data = key if isinstance(key, bytes) else str(key).encode()
    begin = data.find(b"{") + 1
    if begin and (end := data.find(b"}", begin)) > begin:
        data = data[begin:end]
    return crc_hqx(data, 0) % SLOTS  # CRC-16/XMODEM


def key_of(command: Command) -> Part | None:
    """Return the key of a command; None if any node may be asked."""
    if command[0] in ("EVALSHA", "EVAL"):
        return command[3]
    return None if command[0] == "INFO" else command[1]


def redirect_of(reply: Reply, asked: Address) -> Redirect | None:
    """Return the redirect in a reply, if it is one. `asked`: the node that sent it."""
    if not isinstance(reply, ReplyError) or reply.status_code not in ("MOVED", "ASK"):
        return None
    kind, _, rest = reply.words.partition(" ")
    slot, _, address = rest.partition(" ")
    host, _, port = address.rpartition(":")
    try:
        return Redirect(int(slot), _address(host, int(port), asked), ask=kind == "ASK")
    except ValueError:
        return None


class SlotMap:
    """The primaries of all slots, as one node sees them."""

    def __init__(self, reply: Reply, asked: Address) -> None:
        """Read the reply to CLUSTER SLOTS. Raises ValueError if it is something else.

        https://redis.io/docs/latest/commands/cluster-slots/
        """
        ranges = sorted(_range(entry, asked) for entry in _items(reply))
        self._starts = [start for start, _, _ in ranges]
        self._ranges = ranges
        self._moved: dict[int, Address] = {}

    def node_of(self, slot: int) -> Address | None:
        """Return the primary of a slot; None if it has none."""
        if (moved := self._moved.get(slot)) is not None:
            return moved
        index = bisect_right(self._starts, slot) - 1
        if index < 0:
            return None
        _, end, node = self._ranges[index]
        return node if slot <= end else None

    def nodes(self) -> list[Address]:
        """Return all primaries."""
        return list(
            {node: None for _, _, node in self._ranges} | dict.fromkeys(self._moved.values())
        )

    def moved(self, slot: int, to: Address) -> None:
        """Note that a slot has moved."""
        self._moved[slot] = to


def _items(reply: Reply) -> Sequence[Reply]:
    if not isinstance(reply, list):
        raise ValueError("no array")
    return reply


def _range(entry: Reply, asked: Address) -> tuple[int, int, Address]:
    start, end, primary, *_ = _items(entry)
    host, port, *_ = _items(primary)
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(port, int)):
        raise ValueError("no numbers")
    if not (host is None or isinstance(host, bytes)):
        raise ValueError("no host")
    return start, end, _address((host or b"").decode(), port, asked)


def _address(host: str, port: int, asked: Address) -> Address:
    """Return an address. A node that does not know its own name is where it was asked.

    Raises ValueError.
    """
    if not 0 < port < 65_536:
        raise ValueError("no port")
    return Address(host if host not in ("", "?") else asked.host, port)
