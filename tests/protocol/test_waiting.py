"""Waiting for the call that holds the key: until it ends, in one way or another, or time is up."""

from __future__ import annotations

import pytest

from kit.schedule import EXPIRES_AFTER, KEY, LEASE, Timeline, Worker, owner
from lambda_idempotency.protocol.acquiring import POLL_PAUSES_MS
from lambda_idempotency.protocol.record import Claim, Record
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    InProgress,
    Mismatch,
    Parked,
    Read,
    Release,
    Replayed,
    Run,
    SendClaim,
    Sleep,
)

LONG = 10 * LEASE


def _waiting(timeline: Timeline, *, wait: int = LONG) -> tuple[Worker, Worker]:
    """Return one worker whose handler has returned, and another that has begun to wait for it."""
    a = timeline.worker("a")
    a.until(Complete)
    b = timeline.worker("b", wait_ms=wait)
    b.until(Sleep)
    return a, b


def test_a_waiter_is_given_the_answer_once_it_is_recorded(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.finish()
    assert timeline.record is not None
    assert b.finish() == Replayed(timeline.record)
    assert (b.requests, b.metrics) == ([SendClaim, Read], ["Replayed"])


def test_a_waiter_gives_up_when_its_time_is_up(timeline: Timeline) -> None:
    _, b = _waiting(timeline, wait=3000)
    started = timeline.now
    outcome = b.finish()
    assert isinstance(outcome, InProgress)
    assert outcome.now >= started + 3000
    assert b.metrics == ["InProgress"]


def test_a_waiter_does_not_give_up_before_its_time_is_up(timeline: Timeline) -> None:
    a, b = _waiting(timeline, wait=3000)
    started = timeline.now
    while timeline.now < started + 2500:
        b.step()
    a.finish()
    assert isinstance(b.finish(), Replayed)


def test_a_waiter_runs_itself_once_the_key_is_released(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b = timeline.worker("b", wait_ms=LONG)
    b.until(Sleep)
    a.finish()
    assert b.finish() == Executed("answer of b")
    assert b.requests == [SendClaim, Read, SendClaim, Complete]
    assert timeline.runs == [("a", 1), ("b", 1)]


def test_a_waiter_takes_over_when_the_lease_ends(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.crash()
    assert b.finish() == Executed("answer of b")
    assert b.metrics == ["TakenOver", "Executed"]
    assert timeline.runs == [("a", 1), ("b", 2)]


def test_a_waiter_does_not_take_over_while_the_lease_lasts(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.crash()
    lease_end = timeline.now + LEASE
    b.until(Run)
    assert timeline.now >= lease_end


def test_a_waiter_polls_with_reads_alone(timeline: Timeline) -> None:
    _, b = _waiting(timeline, wait=20_000)
    b.finish()
    assert b.requests[0] is SendClaim
    assert len(b.requests) > 10
    assert set(b.requests[1:]) == {Read}


@pytest.mark.parametrize("name", ["0", "7", "f"])
def test_no_pause_passes_the_lease_end_or_the_deadline(timeline: Timeline, name: str) -> None:
    timeline.worker("a").until(Run)
    for wait in (1, 777, 29_999, LONG):
        b = timeline.worker(name, wait_ms=wait)
        deadline = timeline.now + wait
        while isinstance(b.pending, SendClaim | Sleep | Read):
            if isinstance(b.pending, Sleep):
                assert timeline.record is not None
                end = timeline.now + b.pending.milliseconds
                assert end <= min(deadline, timeline.record.lease_end)
            b.step()
        b.crash()
        if timeline.record is not None:
            timeline.evict()
        timeline.worker("a").until(Run)


@pytest.mark.parametrize("name", ["0", "7", "f"])
def test_pauses_grow_to_about_a_second(timeline: Timeline, name: str) -> None:
    timeline.worker("a").until(Run)
    b = timeline.worker(name, wait_ms=20_000)
    b.finish()
    pauses = b.sleeps[: len(POLL_PAUSES_MS)]
    assert pauses == sorted(pauses)
    assert b.sleeps[0] <= 25
    assert 750 <= b.sleeps[len(POLL_PAUSES_MS)] == b.sleeps[len(POLL_PAUSES_MS) + 1] <= 1250


def test_no_pause_is_empty(timeline: Timeline) -> None:
    _, b = _waiting(timeline)
    b.until(SendClaim)
    assert min(b.sleeps) > 0


def test_two_waiters_do_not_march_in_step(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    b, c = timeline.worker("1", wait_ms=5000), timeline.worker("e", wait_ms=5000)
    assert b.until(Sleep) != c.until(Sleep)


def test_who_does_not_wait_does_not_sleep(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    b = timeline.worker("b", wait_ms=0)
    assert isinstance(b.finish(), InProgress)
    assert b.sleeps == []


def test_who_finds_the_answer_at_once_does_not_wait(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    b = timeline.worker("b", wait_ms=LONG)
    assert isinstance(b.finish(), Replayed)
    assert b.sleeps == []


def test_of_two_waiters_one_runs_and_the_other_is_given_its_answer(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b, c = timeline.worker("b", wait_ms=LONG), timeline.worker("c", wait_ms=LONG)
    b.until(Sleep)
    c.until(Sleep)
    a.finish()
    c.until(SendClaim)  # its read has found nothing
    b.until(Run)
    c.until(Sleep)
    assert b.finish() == Executed("answer of b")
    assert timeline.record is not None
    assert c.finish() == Replayed(timeline.record)
    assert timeline.runs == [("a", 1), ("b", 1)]


def test_a_successor_does_not_give_a_waiter_more_time(timeline: Timeline) -> None:
    a, b = _waiting(timeline, wait=LEASE + 2000)
    deadline = timeline.now + LEASE + 2000
    a.crash()
    timeline.pass_time(LEASE)
    timeline.worker("c").until(Run)
    assert isinstance(b.finish(), InProgress)
    assert timeline.now <= deadline + 1


def test_a_waiter_learns_that_the_key_went_to_another_payload(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b = timeline.worker("b", wait_ms=LONG)
    b.until(Sleep)
    a.finish()
    timeline.worker("c", fingerprint="other payload").until(Run)
    assert isinstance(b.finish(), Mismatch)
    assert b.metrics == ["Mismatch"]


def test_a_waiter_learns_that_the_key_was_parked(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.crash()
    timeline.pass_time(LEASE)
    timeline.worker("c", max_attempts=1).finish()
    assert b.finish() == Parked(KEY, 1)
    assert b.metrics == ["Parked"]


def test_a_waiter_that_finds_the_record_evicted_runs_itself(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.crash()
    timeline.evict()
    assert b.finish() == Executed("answer of b")
    assert b.metrics == ["Executed"]


def test_a_waiter_claims_what_it_read_as_an_orphan(timeline: Timeline) -> None:
    a, b = _waiting(timeline)
    a.crash()
    orphan = timeline.record
    assert isinstance(orphan, Record)
    assert b.until(SendClaim) == SendClaim(
        Claim(
            key=KEY,
            owner=owner("b"),
            lease_ms=LEASE,
            expires_after_ms=EXPIRES_AFTER,
            attempt=2,
            fingerprint="payload",
            revision=2,
        ),
        seen=orphan,
    )
