"""The fingerprints that this process computed last: a request that comes again is not read again.

To read a payload for its meaning is most of the work on a large request, and a retry mostly repeats
its bytes. Where the bytes are equal, so are the meanings.

The process remembers them, and not the record: a claim carries the fingerprint, so that is known
before the store is asked at all. A claim without one would leave an orphan that another payload
could take over, and a read before each claim is a request more for each new key. So a retry that
reaches another process is read there once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

from ..tuples import NamedTuple

MOST_KNOWN: Final = 1_000
"""The most fingerprints that are remembered. Each takes some 500 bytes."""

Parts: TypeAlias = tuple[bytes, ...]


class Payload(NamedTuple):
    """What a fingerprint is made of.

    `meaning` returns it, and raises ValueError if the payload is ambiguous. It depends on `raw` and
    on nothing else; None: it is not remembered.
    """

    raw: Parts | None
    meaning: Callable[[], Parts]


class KnownFingerprints:
    """The fingerprints of records, each with the hash of the raw payload that it was made of.

    One is found for its record alone, so that no caller learns from the time of an answer what
    another has sent. It holds nothing of a payload. Each change is one step of the interpreter,
    without a lock: a signal handler may make an idempotent call.
    """

    def __init__(self) -> None:
        self._by_record: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_record)

    def get(self, record: str, raw: str) -> str | None:
        """Return the fingerprint of a raw payload, if it is what came last for the record."""
        known = self._by_record.get(record)
        return known[1] if known is not None and known[0] == raw else None

    def keep(self, record: str, raw: str, fingerprint: str) -> None:
        """Remember the fingerprint of a raw payload."""
        self._by_record[record] = raw, fingerprint
        while len(self._by_record) > MOST_KNOWN:
            with suppress(KeyError):  # dropped by another thread
                self._by_record.popitem(last=False)
