"""The heartbeat's steps, and what the protocol makes of them."""

from __future__ import annotations

import pytest

from kit.schedule import EXPIRES_AFTER, KEY, LEASE, OutageError, Timeline, answer_of, owner
from lambda_idempotency.protocol.heartbeat import BEATS, renewals
from lambda_idempotency.protocol.record import INPROGRESS, Absent, Applied, Claim, Conflict
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    Failed,
    InProgress,
    Reconcile,
    Renew,
    Run,
    SendClaim,
    Sleep,
)

CLAIM = Claim(key=KEY, owner=owner("a"), lease_ms=LEASE, expires_after_ms=EXPIRES_AFTER)


def test_a_lease_is_renewed_when_a_third_of_it_has_passed() -> None:
    steps = renewals(CLAIM, LEASE)
    assert next(steps) == Sleep(LEASE // BEATS)
    for _ in range(3):
        assert steps.send(None) == Renew(CLAIM)
        assert steps.send(Applied(1)) == Sleep(LEASE // BEATS)


def test_what_is_left_of_a_lease_is_renewed_sooner() -> None:
    steps = renewals(CLAIM, 3000)
    assert next(steps) == Sleep(1000)
    steps.send(None)
    assert steps.send(Applied(1)) == Sleep(LEASE // BEATS)


def test_a_renewal_that_fails_is_tried_again() -> None:
    steps = renewals(CLAIM, LEASE)
    next(steps)
    steps.send(None)
    assert steps.send(Failed(OutageError(), 0)) == Sleep(LEASE // BEATS)
    assert steps.send(None) == Renew(CLAIM)


@pytest.mark.parametrize(
    "reply",
    [
        Absent(1),
        Conflict(CLAIM._replace(owner=owner("b")).record(0), 1),
        Conflict(CLAIM.given_up().record(0), 1),
    ],
    ids=["absent", "another's", "given up"],
)
def test_a_record_that_is_no_longer_ours_is_left_alone(reply: Absent | Conflict) -> None:
    steps = renewals(CLAIM, LEASE)
    next(steps)
    steps.send(None)
    with pytest.raises(StopIteration):
        steps.send(reply)


def test_a_recovery_point_that_was_faster_does_not_end_the_renewals() -> None:
    steps = renewals(CLAIM, LEASE)
    next(steps)
    steps.send(None)
    ahead = CLAIM._replace(revision=2).record(0)
    assert steps.send(Conflict(ahead, 1)) == Sleep(LEASE // BEATS)


def test_a_pause_is_never_none() -> None:
    steps = renewals(CLAIM._replace(lease_ms=1), 1)
    assert next(steps) == Sleep(1)


# In the protocol ----------------------------------------------------------------------------------


def test_a_call_that_renews_says_what_to_renew(timeline: Timeline) -> None:
    run = timeline.worker("a", renews=True).until(Run)
    assert run.renewal == CLAIM._replace(fingerprint="payload")
    assert run.lease_ms == LEASE


def test_a_call_that_does_not_renew_says_nothing(timeline: Timeline) -> None:
    assert timeline.worker("a").until(Run).renewal is None


def test_without_a_lease_there_is_nothing_to_renew(timeline: Timeline) -> None:
    a = timeline.worker("a", renews=True, fail_open=True)
    a.lose_request()
    assert a.until(Run).renewal is None


def test_a_dead_attempt_is_still_counted_after_a_renewal(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    run = timeline.worker("b", renews=True).until(Run)
    assert run.renewal is not None
    timeline.store.renew(run.renewal)
    assert timeline.record is not None
    assert timeline.record.attempt == 2


def test_a_reconciliation_and_the_run_after_it_have_one_heartbeat(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    b = timeline.worker("b", renews=True, reconciles=True)
    reconcile = b.until(Reconcile)
    assert reconcile.renewal is not None
    assert b.until(Run).renewal == reconcile.renewal


def test_a_lease_that_was_renewed_is_not_taken_over(timeline: Timeline) -> None:
    run = timeline.worker("a", renews=True).until(Run)
    assert run.renewal is not None
    timeline.pass_time(LEASE - 1)
    timeline.store.renew(run.renewal)
    timeline.pass_time(1)
    assert isinstance(timeline.worker("b").finish(), InProgress)


def test_a_take_over_of_a_lease_that_is_renewed_meanwhile_looks_again(timeline: Timeline) -> None:
    run = timeline.worker("a", renews=True).until(Run)
    assert run.renewal is not None
    timeline.pass_time(LEASE)
    b = timeline.worker("b")
    b.step()
    assert b.until(SendClaim).seen is not None
    timeline.store.renew(run.renewal)
    assert isinstance(b.finish(), InProgress)


def test_writes_are_recorded_until_the_renewed_claim_would_have_expired(
    timeline: Timeline,
) -> None:
    returns = answer_of("a")._replace(writes=({"Put": {}},), renewed_at=timeline.now + 2 * LEASE)
    complete = timeline.worker("a", renews=True, returns=returns).until(Complete)
    expires = -(-(timeline.now + 3 * LEASE + EXPIRES_AFTER) // 1000)
    assert complete.completion.expiration == expires


def test_an_answer_may_be_recorded_until_the_renewed_claim_would_have_expired(
    timeline: Timeline,
) -> None:
    returns = answer_of("a")._replace(renewed_at=timeline.now + 2 * LEASE)
    complete = timeline.worker("a", renews=True, returns=returns).until(Complete)
    expires = -(-(timeline.now + 3 * LEASE + EXPIRES_AFTER) // 1000)
    assert complete.completion.not_after == expires


def test_a_renewal_after_the_answer_changes_nothing(timeline: Timeline) -> None:
    a = timeline.worker("a", renews=True)
    run = a.until(Run)
    assert run.renewal is not None
    assert a.finish() == Executed("answer of a")
    recorded = timeline.record
    assert isinstance(timeline.store.renew(run.renewal), Conflict)
    assert timeline.record == recorded


def test_a_lease_that_has_ended_is_renewed_if_nobody_has_taken_over(timeline: Timeline) -> None:
    run = timeline.worker("a", renews=True).until(Run)
    assert run.renewal is not None
    timeline.pass_time(2 * LEASE)
    assert isinstance(timeline.store.renew(run.renewal), Applied)
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (INPROGRESS, owner("a"))
