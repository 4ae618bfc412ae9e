"""A store that contradicts itself: no call goes round without a pause and an end."""

from __future__ import annotations

from kit.schedule import LEASE, Timeline, Worker
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.acquiring import CLAIMS_AT_ONCE, MOST_CLAIMS
from lambda_idempotency.protocol.record import Absent, Conflict
from lambda_idempotency.protocol.steps import (
    InProgress,
    Read,
    Release,
    Run,
    SendClaim,
    Sleep,
    Unavailable,
)


def _refused(worker: Worker, timeline: Timeline) -> int:
    """Answer each claim that the record is free; return the number of claims."""
    claims = 0
    while worker.outcome is None and not isinstance(worker.pending, Run):
        if isinstance(worker.pending, SendClaim):
            claims += 1
            worker.send(Absent(timeline.now))
        else:
            worker.step()
    return claims


def test_a_claim_that_is_refused_although_the_record_is_free_is_told(timeline: Timeline) -> None:
    a = timeline.worker("a")
    assert _refused(a, timeline) == MOST_CLAIMS
    assert isinstance(a.outcome, Unavailable)
    assert isinstance(a.outcome.error, StoreError)
    assert "contradicts itself" in str(a.outcome.error)
    assert a.requests == [Release]
    assert a.metrics == ["StoreError"]


def test_claims_of_a_free_record_are_paused_between(timeline: Timeline) -> None:
    a = timeline.worker("a")
    _refused(a, timeline)
    assert len(a.sleeps) == MOST_CLAIMS - CLAIMS_AT_ONCE - 1
    assert a.sleeps == sorted(a.sleeps)


def test_a_take_over_that_is_refused_although_the_lease_has_ended_is_told(
    timeline: Timeline,
) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    held = timeline.record
    assert held is not None
    b = timeline.worker("b")
    while b.outcome is None:
        if isinstance(b.pending, SendClaim):
            b.send(Conflict(held, timeline.now))
        else:
            b.step()
    assert isinstance(b.outcome, Unavailable)
    assert "contradicts itself" in str(b.outcome.error)
    assert timeline.record == held


def test_the_first_claims_are_sent_without_a_pause(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    b = timeline.worker("b")
    b.until(Run)
    assert b.sleeps == []


def test_failing_open_runs_over_a_store_that_contradicts_itself(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    _refused(a, timeline)
    assert isinstance(a.pending, Run)
    assert a.pending.lease_ms is None


def test_a_waiter_ends_although_the_stores_clock_stands_still(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    held, now = timeline.record, timeline.now
    assert held is not None
    b = timeline.worker("b", wait_ms=5000)
    while b.outcome is None:
        if isinstance(b.pending, SendClaim | Read):
            b.send(Conflict(held, now))
        else:
            assert isinstance(b.pending, Sleep) or b.pending is not None
            b.step()
    assert isinstance(b.outcome, InProgress)
    assert 5000 <= sum(b.sleeps) < 6000


def test_a_waiter_may_meet_many_attempts(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    held = timeline.record
    assert held is not None
    b = timeline.worker("b", wait_ms=3_600_000)
    for _ in range(2 * MOST_CLAIMS):
        b.send(Conflict(held, timeline.now))
        b.until(Read)
        b.send(Absent(timeline.now))
        assert isinstance(b.pending, SendClaim)
