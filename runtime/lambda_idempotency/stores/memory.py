"""Records in the process: for unit tests, with the semantics of the real stores."""

from __future__ import annotations

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

    `committed` holds the writes of `commit_with` and of steps that took effect: nothing else is
    done with them.
    """

    transactional = True
    renews = True

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._name = f"memory-{next(_NUMBERS)}"
        self.clock = _process_clock() if clock is None else clock
        self._versions: dict[str, _Version] = {}
        self.committed: list[Any] = []

    @property
    def name(self) -> str:
        """A name with a number of its own."""
        return self._name

    @property
    def label(self) -> str:
        return "memory"

    def records(self) -> dict[str, Record]:
        """Return all records by their keys, expired ones too."""
        latest = [version.latest().record for version in list(self._versions.values())]
        return {record.key: record for record in latest if record is not None}

    def put(self, record: Record) -> None:
        """Write a record, whatever there is."""
        self._versions[record.key] = _Version(record)

    def clear(self) -> None:
        """Forget all records and committed writes."""
        self._versions.clear()
        self.committed.clear()

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        while True:
            version, found, now = self._look(claim.key)
            if seen is None and found is not None:
                return Conflict(found, now)
            if seen is not None:
                if found is None:
                    return Absent(now)
                if not _is_orphan(found, seen, now):
                    return Conflict(found, now)
            if version.replace(claim.record(now)):
                return Applied(now)

    def renew(self, claim: Claim) -> Reply:
        while True:
            version, found, now = self._look(claim.key)
            if found is None:
                return Absent(now)
            if not _is_own(found, claim.owner) or _is_ahead(found, claim):
                return Conflict(found, now)
            if version.replace(claim.record(now)):
                self.committed.extend(claim.writes)
                return Applied(now)

    def complete(self, completion: Completion) -> Reply:
        while True:
            version, found, now = self._look(completion.key)
            if found is None:
                if not completion.may_create(now):
                    return Absent(now)
            elif not _is_own(found, completion.owner) and (
                completion.strict or completion.writes or found.status != PARKED
            ):
                return Conflict(found, now)
            if version.replace(completion.record(now)):
                self.committed.extend(completion.writes)
                return Applied(now)

    def release(self, key: str, owner: str) -> Reply:
        while True:
            version, found, now = self._look(key)
            if found is None:
                return Absent(now)
            if not _is_own(found, owner) or found.steps is not None:
                return Conflict(found, now)
            if version.replace(None):
                return Applied(now)

    def read(self, key: str) -> Reply:
        _, found, now = self._look(key)
        return Absent(now) if found is None else Conflict(found, now)

    def _look(self, key: str) -> tuple[_Version, Record | None, int]:
        """Return the key's latest version, its record unless that has expired, and the time."""
        version = self._versions.setdefault(key, _Version(None)).latest()
        self._versions[key] = version
        now = int(self.clock() * 1000)
        found = version.record
        return version, None if found is None or found.expired(now) else found, now


def made_for_tests() -> MemoryStore:
    """Return a new store, which the tests of its process find in MADE."""
    MADE.append(store := MemoryStore())
    return store


MADE: Final[list[MemoryStore]] = []
"""The stores that `IDEMPOTENCY_STORE=memory` has made, one for each decorator."""


class _Version:
    """A state of a record, and the one that replaced it.

    It is replaced once, in one step of the interpreter. So a verb decides by one state and writes
    over that state alone, without a lock: a signal handler that makes an idempotent call would wait
    forever for a lock that its own thread holds.
    """

    __slots__ = ("_successor", "record")

    def __init__(self, record: Record | None) -> None:
        self.record = record
        self._successor: dict[None, _Version] = {}

    def latest(self) -> _Version:
        """Return the version that nothing has replaced."""
        version = self
        while version._successor:
            version = version._successor[None]
        return version

    def replace(self, record: Record | None) -> bool:
        """Put a record in the place of this one, or nothing. Tell whether nobody was first."""
        new = _Version(record)
        return self._successor.setdefault(None, new) is new


def _process_clock() -> Callable[[], float]:
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def _is_own(found: Record, owner: str) -> bool:
    return found.owner == owner and found.status == INPROGRESS


def _is_ahead(found: Record, claim: Claim) -> bool:
    """Tell whether a later write of the same attempt has overtaken this one."""
    return found.revision >= claim.revision + (not claim.writes)


def _is_orphan(found: Record, seen: Record, now: int) -> bool:
    """Tell whether this is the INPROGRESS record we saw, and its lease has ended."""
    is_seen = _is_own(found, seen.owner) and found.revision == seen.revision
    return is_seen and not found.leased(now)
