"""Durable executions: an attempt that outlives invocations, and others that ask for its fate."""

from __future__ import annotations

from typing import Any

import pytest

from kit.schedule import KEY, LEASE, Timeline, Worker, owner
from lambda_idempotency.protocol.executions import MARGIN_MS
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, PARKED, PARKED_FOR_MS
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    Fate,
    InProgress,
    Parked,
    Raised,
    Reconcile,
    Release,
    Renew,
    Replayed,
    Returned,
    Run,
    SendClaim,
    Unavailable,
)

HOUR = 3_600_000
SUSPENDED = Returned("pending", suspended=True)
DIED = pytest.mark.parametrize("state", ["died", "lost"])


def _execution(timeline: Timeline, name: str, **options: Any) -> Worker:
    """Return an invocation of the execution of this name."""
    defaults = {
        "execution": f"arn:{name}",
        "reenters": True,
        "lease_ms": HOUR,
        "time_left": LEASE,
        "resumed": False,
    }
    return timeline.worker(name, **{**defaults, **options})


def _suspended(timeline: Timeline, name: str = "a", **options: Any) -> None:
    """Let an execution claim the key, and be suspended."""
    _execution(timeline, name, returns=SUSPENDED, **options).finish()


# The own execution --------------------------------------------------------------------------------


def test_a_suspended_execution_leaves_its_claim_as_it_is(timeline: Timeline) -> None:
    a = _execution(timeline, "a", returns=SUSPENDED)
    a.finish()
    assert a.requests == [SendClaim]
    assert timeline.record is not None
    assert timeline.record.lease_end == timeline.now + HOUR


def test_one_that_ends_with_a_suspending_error_does_so_too(timeline: Timeline) -> None:
    a = _execution(timeline, "a")
    a.until(Run)
    a.send(Raised(KeyboardInterrupt(), suspended=True))
    a.finish()
    assert a.requests == [SendClaim]
    assert timeline.record is not None


def test_a_later_invocation_finds_its_own_claim_with_one_request(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.pass_time(LEASE)
    again = _execution(timeline, "a", resumed=True)
    again.finish()
    assert again.requests == [SendClaim, Complete]
    assert again.metrics == ["Resumed"]
    assert timeline.runs == [("a", 1), ("a", 1)]


def test_a_claim_whose_lease_has_ended_is_the_same_attempt(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.pass_time(HOUR)
    again = _execution(timeline, "a", resumed=True, max_attempts=1)
    assert isinstance(again.finish(), Executed)
    assert timeline.runs == [("a", 1), ("a", 1)]
    assert again.metrics == ["Resumed"]


def test_a_lease_that_is_too_short_is_renewed(timeline: Timeline) -> None:
    _suspended(timeline, lease_ms=LEASE)
    again = _execution(timeline, "a", returns=SUSPENDED)
    again.finish()
    assert again.requests == [SendClaim, Renew]
    assert timeline.record is not None
    assert timeline.record.lease_end == timeline.now + HOUR


def test_its_own_answer_is_replayed(timeline: Timeline) -> None:
    first = _execution(timeline, "a").finish()
    again = _execution(timeline, "a", resumed=True).finish()
    assert isinstance(first, Executed)
    assert isinstance(again, Replayed)
    assert timeline.runs == [("a", 1)]


def test_its_own_answer_that_is_not_recorded_is_made_again(timeline: Timeline) -> None:
    _execution(timeline, "a", returns=Returned("a", encoding="none")).finish()
    again = _execution(timeline, "a", resumed=True)
    assert again.finish() == Executed("answer of a")
    assert timeline.runs == [("a", 1), ("a", 1)]
    assert again.requests == [SendClaim]


def test_a_claim_whose_reply_is_lost_is_never_undone(timeline: Timeline) -> None:
    _suspended(timeline)
    again = _execution(timeline, "a", resumed=True)
    again.lose_reply()
    assert isinstance(again.finish(), Unavailable)
    assert timeline.record is not None
    assert timeline.record.owner == owner("a")


def test_an_execution_that_resumes_is_not_reconciled_again(timeline: Timeline) -> None:
    _suspended(timeline, "a")
    timeline.fates["arn:a"] = Fate("died")
    _suspended(timeline, "b", reconciles=True)
    _execution(timeline, "b", reconciles=True, resumed=True).finish()
    assert timeline.reconciliations == [("b", 2)]


def test_one_that_has_no_checkpoint_yet_is_reconciled_again(timeline: Timeline) -> None:
    _suspended(timeline, "a")
    timeline.fates["arn:a"] = Fate("died")
    _suspended(timeline, "b", reconciles=True)
    _execution(timeline, "b", reconciles=True, resumed=False).finish()
    assert timeline.reconciliations == [("b", 2), ("b", 2)]


# A step of an execution ---------------------------------------------------------------------------


def test_a_step_that_is_tried_again_goes_on_at_once(timeline: Timeline) -> None:
    dead = timeline.worker("a", reenters=True)
    dead.until(Run)
    again = timeline.worker("a", reenters=True)
    assert isinstance(again.finish(), Executed)
    assert again.requests == [SendClaim, Complete]


def test_a_step_that_is_tried_again_is_reconciled(timeline: Timeline) -> None:
    dead = timeline.worker("a", reenters=True, reconciles=True)
    dead.until(Run)
    again = timeline.worker("a", reenters=True, reconciles=True, reconciled=Returned("found"))
    assert again.finish() == Executed("found")
    assert timeline.runs == []


# Another execution --------------------------------------------------------------------------------


def test_a_running_execution_is_in_progress_until_its_own_timeout(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("running", until=timeline.now + 2 * HOUR)
    outcome = _execution(timeline, "b").finish()
    assert isinstance(outcome, InProgress)
    assert outcome.record.lease_end == timeline.now + 2 * HOUR + MARGIN_MS


def test_a_paused_execution_is_in_progress_past_its_lease(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("running")
    timeline.pass_time(HOUR + LEASE)
    outcome = _execution(timeline, "b").finish()
    assert isinstance(outcome, InProgress)
    assert outcome.record.lease_end > timeline.now


def test_a_failed_execution_frees_the_key_and_no_death_counts(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("failed")
    b = _execution(timeline, "b", max_attempts=1, reconciles=True)
    assert isinstance(b.finish(), Executed)
    assert timeline.runs == [("a", 1), ("b", 1)]
    assert timeline.reconciliations == []


def test_one_that_fails_after_a_death_is_asked_about_with_it(timeline: Timeline) -> None:
    _suspended(timeline, "a")
    timeline.fates["arn:a"] = Fate("died")
    b = _execution(timeline, "b", reconciles=True)
    b.until(Reconcile)
    b.send(Raised(OSError()))
    b.finish()
    timeline.fates["arn:b"] = Fate("failed")
    _execution(timeline, "c", reconciles=True).finish()
    assert timeline.reconciliations[-1] == ("c", 3)


def test_a_stopped_execution_is_a_death(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("died")
    b = _execution(timeline, "b", reconciles=True)
    assert isinstance(b.finish(), Executed)
    assert timeline.reconciliations == [("b", 2)]
    assert b.metrics == ["TakenOver", "Executed"]


def test_a_stopped_execution_counts_for_max_attempts(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("died")
    assert isinstance(_execution(timeline, "b", max_attempts=1).finish(), Parked)


def test_a_lost_execution_is_parked_if_nobody_is_asked(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("lost")
    assert isinstance(_execution(timeline, "b").finish(), Parked)
    assert timeline.record is not None
    assert timeline.record.status == PARKED
    assert timeline.runs == [("a", 1)]


def test_a_lost_execution_is_a_death_that_is_asked_about(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("lost")
    b = _execution(timeline, "b", reconciles=True, reconciled=Returned("found"))
    assert b.finish() == Executed("found")


def test_a_lost_execution_whose_lease_has_ended_is_parked_too(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.pass_time(HOUR)
    timeline.fates["arn:a"] = Fate("lost")
    assert isinstance(_execution(timeline, "b").finish(), Parked)


def test_a_lost_execution_is_parked_in_one_write_on_its_behalf(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("lost")
    b = _execution(timeline, "b")
    assert b.finish() == Parked(KEY, 1)
    assert b.requests == [SendClaim, Complete]
    assert b.metrics == ["Parked"]
    assert timeline.record is not None
    assert timeline.record.owner == owner("a")
    assert timeline.record.expiration == (timeline.now + PARKED_FOR_MS) // 1000


@pytest.mark.parametrize("lose", ["lose_request", "lose_reply"])
def test_a_lost_execution_that_could_not_be_parked_is_not_run_by_the_next(
    timeline: Timeline, lose: str
) -> None:
    _suspended(timeline)
    timeline.fates.update({"arn:a": Fate("lost"), "arn:b": Fate("failed")})
    b = _execution(timeline, "b")
    b.until(Complete)
    getattr(b, lose)()
    assert isinstance(b.finish(), Unavailable)
    assert isinstance(_execution(timeline, "c").finish(), Parked)
    assert timeline.runs == [("a", 1)]


def test_a_lost_execution_that_was_taken_over_meanwhile_is_not_parked(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("lost")
    b = _execution(timeline, "b")
    b.until(Complete)
    _suspended(timeline, "c", reconciles=True)
    timeline.fates["arn:c"] = Fate("running")
    assert isinstance(b.finish(), InProgress)


def test_the_answer_of_one_that_succeeded_is_recorded_and_replayed(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("succeeded", data='"paid"')
    outcome = _execution(timeline, "b").finish()
    assert isinstance(outcome, Replayed)
    assert timeline.record == outcome.record
    assert (outcome.record.status, outcome.record.data) == (COMPLETED, '"paid"')
    assert outcome.record.owner == owner("a")


def test_one_that_succeeded_and_cannot_be_read_never_runs_again(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("succeeded", encoding="none")
    outcome = _execution(timeline, "b").finish()
    assert isinstance(outcome, Replayed)
    assert outcome.record.data is None
    assert timeline.runs == [("a", 1)]


def test_an_unknown_fate_leaves_the_lease_to_decide(timeline: Timeline) -> None:
    _suspended(timeline)
    b = _execution(timeline, "b")
    assert isinstance(b.finish(), InProgress)
    assert b.metrics == ["LivenessUnknown", "InProgress"]
    timeline.pass_time(HOUR)
    assert isinstance(_execution(timeline, "b").finish(), Executed)


def test_a_call_that_is_no_execution_asks_nobody(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("failed")
    assert isinstance(timeline.worker("b").finish(), InProgress)


@pytest.mark.parametrize("state", ["failed", "died", "succeeded"])
def test_two_that_learn_a_fate_at_once_run_once(timeline: Timeline, state: Any) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate(state, data='"paid"')
    b, c = _execution(timeline, "b"), _execution(timeline, "c")
    kind = Complete if state == "succeeded" else Renew
    b.until(kind)
    c.until(kind)
    b.finish()
    c.finish()
    assert len(timeline.runs) == (1 if state == "succeeded" else 2)


@DIED
def test_a_dead_execution_that_lives_on_cannot_record_its_answer(
    timeline: Timeline, state: Any
) -> None:
    a = _execution(timeline, "a")
    a.until(Complete)
    timeline.fates["arn:a"] = Fate(state)
    b = _execution(timeline, "b", reconciles=True)
    b.until(Run)
    a.finish()
    assert timeline.record is not None
    assert (timeline.record.owner, timeline.record.status) == (owner("b"), INPROGRESS)


def test_a_store_that_fails_while_it_is_told_the_fate_runs_nothing(timeline: Timeline) -> None:
    _suspended(timeline)
    timeline.fates["arn:a"] = Fate("failed")
    b = _execution(timeline, "b")
    b.until(Renew)
    b.lose_request()
    assert isinstance(b.finish(), Unavailable)
    assert timeline.runs == [("a", 1)]


def test_an_execution_that_fails_releases_its_key(timeline: Timeline) -> None:
    a = _execution(timeline, "a", raises=ValueError())
    a.finish()
    assert a.requests == [SendClaim, Release]
    assert timeline.record is None
