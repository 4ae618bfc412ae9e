"""Schedules that broke, or nearly broke, a design of this protocol."""

from __future__ import annotations

from typing import Any

import pytest

from kit.schedule import KEY, LEASE, OutageError, Timeline, Worker, owner
from lambda_idempotency.protocol.record import COMPLETED, Absent, Applied, Claim, Conflict, Record
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    Failed,
    InProgress,
    Mismatch,
    Release,
    Replayed,
    Run,
    SendClaim,
    Unavailable,
)


def _looked(timeline: Timeline, a: Worker, **options: Any) -> Worker:
    """A worker that has seen `a`'s attempt as an orphan and is about to take it over."""
    timeline.pass_time(LEASE)
    b = timeline.worker("b", **options)
    b.step()
    pending = b.pending
    assert isinstance(pending, SendClaim)
    assert pending.seen is not None
    assert pending.seen.owner == owner("a")
    return b


# Between the look at an orphan and its take-over --------------------------------------------------


def test_an_owner_that_completes_after_the_look_wins(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    b = _looked(timeline, a)
    assert a.finish() == Executed("answer of a")
    assert timeline.record is not None
    assert b.finish() == Replayed(timeline.record)
    assert (b.requests, b.metrics) == ([SendClaim, SendClaim], ["Replayed"])
    assert timeline.runs == [("a", 1)]


def test_an_owner_that_completes_after_the_take_over_has_lost(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    b = _looked(timeline, a)
    b.until(Run)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "LeaseLost"]
    assert b.finish() == Executed("answer of b")
    assert timeline.record is not None
    assert timeline.record.data == '"answer of b"'


def test_a_key_released_after_the_look_is_run(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b = _looked(timeline, a)
    a.finish()
    assert b.finish() == Executed("answer of b")
    assert [name for name, _ in timeline.runs] == ["a", "b"]


def test_a_key_released_after_the_look_is_not_parked(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b = _looked(timeline, a, max_attempts=1)
    a.finish()
    assert b.finish() == Executed("answer of b")


def test_a_key_claimed_by_another_payload_after_the_look_is_a_mismatch(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    b = _looked(timeline, a)
    a.finish()
    timeline.worker("c", fingerprint="other payload").until(Run)
    assert isinstance(b.finish(), Mismatch)
    assert timeline.runs == [("a", 1)]


def test_of_two_callers_that_saw_one_orphan_only_one_runs(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Run)
    b = _looked(timeline, a)
    c = timeline.worker("c")
    c.step()
    c.until(Run)
    assert isinstance(b.finish(), InProgress)
    assert c.finish() == Executed("answer of c")
    assert timeline.runs == [("c", 2)]


def test_who_lost_an_orphan_to_a_caller_that_died_counts_that_attempt(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Run)
    b = _looked(timeline, a)
    c = timeline.worker("c")
    c.until(Run)
    c.crash()
    timeline.pass_time(LEASE)
    assert b.finish() == Executed("answer of b")
    assert b.requests == [SendClaim, SendClaim, SendClaim, Complete]
    assert timeline.runs == [("b", 3)]


# Short-lived records ------------------------------------------------------------------------------


def test_an_expiry_shorter_than_the_lease_does_not_end_the_lease(timeline: Timeline) -> None:
    a = timeline.worker("a", expires_after_ms=1000)
    a.until(Complete)
    timeline.pass_time(LEASE - 1000)
    assert isinstance(timeline.worker("b", expires_after_ms=1000).finish(), InProgress)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]


def test_an_expiry_shorter_than_the_lease_still_lets_an_orphan_go(timeline: Timeline) -> None:
    timeline.worker("a", expires_after_ms=1000).until(Run)
    timeline.pass_time(LEASE + 1000)
    b = timeline.worker("b", expires_after_ms=1000)
    assert b.finish() == Executed("answer of b")
    assert timeline.runs == [("b", 1)]


# Clocks: the store's `now` decides, and nothing else ----------------------------------------------


def _orphan_at(lease_end: int) -> Record:
    return Claim(
        key=KEY, owner=owner("a"), lease_ms=LEASE, expires_after_ms=60_000, fingerprint="payload"
    ).record(lease_end - LEASE)


def test_a_lease_is_judged_by_the_time_of_the_reply(timeline: Timeline) -> None:
    record = _orphan_at(timeline.now - 60_000)  # long past, by this worker's clock
    b = timeline.worker("b")
    b.send(Conflict(record, record.lease_end - 1))
    assert b.finish() == InProgress(record, record.lease_end - 1)


def test_a_lease_that_ended_by_the_time_of_the_reply_is_taken_over(timeline: Timeline) -> None:
    record = _orphan_at(timeline.now + 60_000)  # in the future, by this worker's clock
    b = timeline.worker("b")
    b.send(Conflict(record, record.lease_end))
    pending = b.pending
    assert isinstance(pending, SendClaim)
    assert (pending.seen, pending.claim.attempt) == (record, 2)


def test_a_store_whose_clock_was_set_back_refuses_the_take_over(timeline: Timeline) -> None:
    record = _orphan_at(timeline.now)
    b = timeline.worker("b")
    b.send(Conflict(record, record.lease_end + 60_000))
    b.send(Conflict(record, record.lease_end - 20_000))
    assert b.finish() == InProgress(record, record.lease_end - 20_000)
    assert timeline.runs == []


def test_a_claim_refused_by_a_record_that_has_expired_is_sent_again(timeline: Timeline) -> None:
    b = timeline.worker("b")
    first = b.pending
    b.send(Absent(timeline.now))  # an unchecked clock let an expired record refuse the claim
    assert b.pending == first
    assert b.finish() == Executed("answer of b")
    assert timeline.runs == [("b", 1)]


@pytest.mark.parametrize("skew", [-60_000, 0, 60_000])
def test_the_limit_of_a_late_answer_is_the_claims_expiration_as_written(
    timeline: Timeline, skew: int
) -> None:
    b = timeline.worker("b")
    pending = b.pending
    assert isinstance(pending, SendClaim)
    b.send(Applied(timeline.now + skew))
    limit = b.until(Complete).completion.not_after
    assert limit == pending.claim.record(timeline.now + skew).expiration


# Claims of unknown outcome ------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [True, False])
def test_a_claim_of_unknown_outcome_blocks_nobody(timeline: Timeline, *, effect: bool) -> None:
    a = timeline.worker("a")
    if effect:
        a.lose_reply()
    else:
        a.lose_request()
    assert isinstance(a.finish(), Unavailable)
    assert timeline.worker("b").finish() == Executed("answer of b")


def test_a_claim_that_lands_after_its_release_blocks_until_its_lease_ends(
    timeline: Timeline,
) -> None:
    a = timeline.worker("a")
    claim = a.pending
    assert isinstance(claim, SendClaim)
    a.lose_request()
    a.finish()
    timeline.store.claim(claim.claim)
    assert isinstance(timeline.worker("b").finish(), InProgress)
    timeline.pass_time(LEASE)
    assert timeline.worker("c").finish() == Executed("answer of c")


def test_a_claim_that_is_blocked_by_itself_has_succeeded(timeline: Timeline) -> None:
    a = timeline.worker("a")
    assert isinstance(a.pending, SendClaim)
    timeline.store.claim(a.pending.claim)  # the client sent it, lost the reply, and sends it again
    assert a.finish() == Executed("answer of a")
    assert (a.requests, a.metrics) == ([SendClaim, Complete], ["Executed"])
    assert timeline.runs == [("a", 1)]


def test_a_take_over_that_is_blocked_by_itself_has_succeeded(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Run)
    b = _looked(timeline, a)
    assert isinstance(b.pending, SendClaim)
    timeline.store.claim(b.pending.claim, b.pending.seen)
    assert b.finish() == Executed("answer of b")
    assert timeline.runs == [("b", 2)]


def test_a_take_over_that_is_blocked_by_itself_is_counted(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Run)
    b = _looked(timeline, a)
    assert isinstance(b.pending, SendClaim)
    timeline.store.claim(b.pending.claim, b.pending.seen)
    b.finish()
    assert b.metrics == ["TakenOver", "Executed"]


def test_an_own_claim_whose_lease_has_ended_is_claimed_again_as_the_same_attempt(
    timeline: Timeline,
) -> None:
    a = timeline.worker("a", max_attempts=1)
    assert isinstance(a.pending, SendClaim)
    timeline.store.claim(a.pending.claim)
    timeline.pass_time(LEASE)
    assert a.finish() == Executed("answer of a")
    assert (a.requests, a.metrics) == ([SendClaim, SendClaim, Complete], ["Executed"])
    assert timeline.runs == [("a", 1)]


def test_an_own_claim_whose_lease_has_ended_may_be_lost_to_another(timeline: Timeline) -> None:
    a = timeline.worker("a")
    assert isinstance(a.pending, SendClaim)
    timeline.store.claim(a.pending.claim)
    timeline.pass_time(LEASE)
    a.step()  # learns that the claim was its own, and that its lease has ended
    timeline.worker("b").until(Run)
    assert isinstance(a.finish(), InProgress)
    assert timeline.runs == []


def test_a_call_that_failed_open_finishes_its_own_unknown_claim(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    assert isinstance(a.pending, SendClaim)
    timeline.store.claim(a.pending.claim)
    a.send(Failed(OutageError(), remaining_ms=20_000))
    a.finish()
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (COMPLETED, owner("a"))
