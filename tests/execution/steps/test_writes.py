"""Steps with writes, and steps whose lease or store is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from kit.steps import (
    EVENT,
    RESULT,
    WRITE,
    Faulty,
    Shop,
    attempt_raises,
    unreachable,
)
from lambda_idempotency import (
    CommitError,
    LeaseLostError,
    WritesRefused,
    current,
    idempotent,
)
from lambda_idempotency.clients.net import elapsed

SHORT: Final = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
"""The context of an invocation without the time to send anything twice."""


# Writes -------------------------------------------------------------------------------------------


def test_writes_take_effect_once_with_the_recovery_point(store: Faulty) -> None:
    shop = Shop()
    shop.writes = [WRITE]
    handler = idempotent(store=store)(shop)
    attempt_raises(handler)
    assert handler(EVENT, None) == RESULT
    assert store.committed == [WRITE]


def test_refused_writes_are_told_and_the_step_runs_again(store: Faulty) -> None:
    shop = Shop()
    shop.writes, shop.fails_after = [WRITE], None
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: WritesRefused("write 1 of 1 failed", 0)
    with pytest.raises(CommitError, match=r"step 'charge' .* write 1 of 1 failed") as failed:
        handler(EVENT, None)
    assert failed.value.applied is False
    store.on_renew = lambda claim: None
    handler(EVENT, None)
    assert shop.ran == ["charge", "charge", "label"]


def test_writes_of_unknown_fate_keep_the_lease(store: Faulty) -> None:
    shop = Shop()
    shop.writes, shop.fails_after = [WRITE], None
    store.on_renew = unreachable
    with pytest.raises(CommitError) as failed:
        idempotent(store=store)(shop)(EVENT, SHORT)
    assert failed.value.applied is None
    assert store.requests == ["claim", "renew"]


def test_after_writes_of_unknown_fate_no_step_runs(store: Faulty) -> None:
    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        with pytest.raises(CommitError):
            current().step("one", lambda: 1, writes=[WRITE])
        current().step("two", lambda: pytest.fail("it ran"))

    store.on_renew = unreachable
    with pytest.raises(CommitError, match="'two'"):
        handler(EVENT, SHORT)


# The lease and the store --------------------------------------------------------------------------


def test_a_step_that_cannot_be_recorded_is_returned_and_recorded_with_the_next(
    store: Faulty,
) -> None:
    shop = Shop()
    shop.fails_after = "label"
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: unreachable(claim) if "label" not in str(claim.steps) else None
    attempt_raises(handler)
    assert handler(EVENT, None) == RESULT
    assert shop.ran == ["charge", "label"]


def test_an_unrecorded_step_is_recorded_as_the_attempt_gives_up(store: Faulty) -> None:
    shop = Shop()
    handler = idempotent(store=store)(shop)
    store.on_renew = lambda claim: unreachable(claim) if claim.lease_ms else None
    attempt_raises(handler)
    store.on_renew = lambda claim: None
    assert handler(EVENT, None) == RESULT


def test_a_step_of_an_attempt_that_was_overtaken_is_refused(store: Faulty) -> None:
    ran: list[int] = []

    @idempotent(store=store)
    def handler(event: Any, context: Any) -> None:
        store.put(store.records()[current().key]._replace(owner="b" * 32))
        with pytest.raises(LeaseLostError, match="'one' was not recorded"):
            current().step("one", lambda: ran.append(1))
        current().step("two", lambda: ran.append(2))

    with pytest.raises(LeaseLostError, match="'two'"):
        handler(EVENT, None)
    assert ran == [1]


def test_a_step_does_not_begin_after_its_lease(
    store: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    @idempotent(store=store, lease=1)
    def handler(event: Any, context: Any) -> None:
        current().step("one", lambda: 1)
        monkeypatch.setattr(elapsed, "milliseconds", lambda begin, end: 2000)
        current().step("two", lambda: pytest.fail("it ran"))

    with pytest.raises(LeaseLostError, match="before step 'two' began"):
        handler(EVENT, None)


def test_outside_of_lambda_a_recovery_point_renews_the_lease(
    store: Faulty, clock: ManualClock
) -> None:
    ends: list[int] = []

    @idempotent(store=store, lease=20)
    def handler(event: Any, context: Any) -> None:
        for name in ("one", "two"):
            clock.advance(10)
            current().step(name, lambda: None)
            ends.append(store.records()[current().key].lease_end)

    handler(EVENT, None)
    assert ends[1] - ends[0] == 10_000
