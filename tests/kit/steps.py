"""Handlers with steps, and stores that do with a recovery point what a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency import (
    MemoryStore,
    StoreError,
    current,
)
from lambda_idempotency.protocol.record import Claim, Record, Reply

EVENT: Final = {"id": 1}
WRITE: Final = {"Put": {"TableName": "ledger", "Item": {"id": {"S": "1"}}}}


class Faulty(MemoryStore):
    """A store that notes its requests, and does on `renew` what a test says."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.requests: list[str] = []
        self.on_renew: Callable[[Claim], Reply | None] = lambda claim: None

    def renew(self, claim: Claim) -> Reply:
        self.requests.append("give up" if claim.lease_ms == 0 else "renew")
        reply = self.on_renew(claim)
        return super().renew(claim) if reply is None else reply

    def claim(self, claim: Claim, seen: Record | None = None) -> Reply:
        self.requests.append("claim")
        return super().claim(claim, seen)

    def complete(self, completion: Any) -> Reply:
        self.requests.append("complete")
        return super().complete(completion)

    def release(self, key: str, owner: str) -> Reply:
        self.requests.append("release")
        return super().release(key, owner)


class Scripted(MemoryStore):
    """A store that meets each recovery point with the next of `ends`: an error before or after its
    effect, a reply, or what a function does before it."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.ends: list[Any] = []
        self.points = 0
        self.after = False
        """True if errors come after the effect: the reply is lost."""

    def renew(self, claim: Claim) -> Reply:
        if claim.lease_ms == 0:
            return super().renew(claim)
        self.points += 1
        end = self.ends.pop(0) if self.ends else None
        if callable(end):
            end = end()
        if isinstance(end, BaseException):
            if self.after:
                super().renew(claim)
            raise end
        return super().renew(claim) if end is None else end


class Shop:
    """A handler of two steps, which fails where a test says."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fails_after: str | None = "charge"
        self.writes: list[Any] = []

    def __call__(self, event: Any, context: Any) -> list[Any]:
        charge = current().step("charge", lambda: self._run("charge"), writes=self.writes)
        self._fail("charge")
        label = current().step("label", lambda: self._run("label"))
        self._fail("label")
        return [charge, label]

    def _run(self, name: str) -> dict[str, Any]:
        self.ran.append(name)
        self._fail(f"in {name}")
        return {"step": name, "number": len(self.ran)}

    def _fail(self, where: str) -> None:
        if self.fails_after == where:
            self.fails_after = None
            raise ValueError(where)


RESULT: Final = [{"step": "charge", "number": 1}, {"step": "label", "number": 2}]


def attempt_raises(handler: Callable[..., Any], event: Any = EVENT) -> None:
    """Call the handler, which raises after a step."""
    with pytest.raises(ValueError, match=r"charge|label"):
        handler(event, None)


def attempt_died(store: MemoryStore, *, attempt: int = 1) -> None:
    """Make the last attempt one that died: its lease runs to an end of its own."""
    [record] = store.records().values()
    lease_end = int(store.clock() * 1000) - 1
    store.put(record._replace(lease_end=lease_end, attempt=attempt))


class Stop(BaseException):
    """What a signal handler raises."""


def raises_then_dies(store: Faulty, handler: Any) -> None:
    """Leave the record of an attempt that died before its first step."""
    record_id = handler.record_id(EVENT, None)
    store.claim(Claim(record_id, "a" * 32, 1, 10_000_000))
    attempt_died(store)


def unreachable(_: Claim) -> Reply:
    raise StoreError("unreachable")
