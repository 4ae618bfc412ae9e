"""Records in the process: for unit tests, with the semantics of the real stores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from ..protocol.record import (
    INPROGRESS,
    PARKED,
    Absent,
    Applied,
    Claim,
    Completion,
    Conflict,
    Record,
    Reply,
)
from .base import Store

_NUMBERS: Final = count(1)
"""The numbers of the stores of this process."""


class MemoryStore(Store):
    """Records in a dictionary. `clock` returns epoch seconds; tests pass their own. The default is
    the process's time, which runs on evenly when the system's clock is set.

    `committed` holds the writes of `commit_with` that took effect: nothing else is done with them.
    """

    transactional = True
    renews = True

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._name = f"memory-{next(_NUMBERS)}"
        self._clock = _process_clock() if clock is None else clock
        self._records: dict[str, Record] = {}
        self.committed: list[Any] = []
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """A name with a number of its own."""
        return self._name

    @property
    def label(self) -> str:
        return "memory"

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        with self._lock:
            found, now = self._live(claim.key)
            if seen is None and found is None:
                return self._put(claim.record(now), now)
            if found is None:
                return Absent(now)
            if seen is None or not _is_orphan(found, seen, now):
                return Conflict(found, now)
            return self._put(claim.record(now), now)

    def renew(self, claim: Claim) -> Reply:
        with self._lock:
            found, now = self._live(claim.key)
            if found is None:
                return Absent(now)
            if not _is_own(found, claim.owner):
                return Conflict(found, now)
            return self._put(claim.record(now), now)

    def complete(self, completion: Completion) -> Reply:
        with self._lock:
            found, now = self._live(completion.key)
            if found is None:
                if not completion.may_create(now):
                    return Absent(now)
            elif not _is_own(found, completion.owner) and (
                completion.strict or completion.writes or found.status != PARKED
            ):
                return Conflict(found, now)
            self.committed.extend(completion.writes)
            return self._put(completion.record(now), now)

    def release(self, key: str, owner: str) -> Reply:
        with self._lock:
            found, now = self._live(key)
            if found is None:
                return Absent(now)
            if not _is_own(found, owner):
                return Conflict(found, now)
            del self._records[key]
            return Applied(now)

    def read(self, key: str) -> Reply:
        with self._lock:
            found, now = self._live(key)
            return Absent(now) if found is None else Conflict(found, now)

    def _live(self, key: str) -> tuple[Record | None, int]:
        now = int(self._clock() * 1000)
        found = self._records.get(key)
        return (None if found is None or found.expired(now) else found), now

    def _put(self, record: Record, now: int) -> Applied:
        self._records[record.key] = record
        return Applied(now)


def _process_clock() -> Callable[[], float]:
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def _is_own(found: Record, owner: str) -> bool:
    return found.owner == owner and found.status == INPROGRESS


def _is_orphan(found: Record, seen: Record, now: int) -> bool:
    """Tell whether this is the INPROGRESS record we saw, and its lease has ended."""
    return _is_own(found, seen.owner) and not found.leased(now)
