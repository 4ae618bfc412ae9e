"""`on_orphan`: whoever takes over a dead attempt may find out what it has done, under the fence."""

from __future__ import annotations

from kit.schedule import LEASE, Timeline
from lambda_idempotency.protocol.record import COMPLETED, PARKED
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    InProgress,
    Parked,
    Raised,
    Reconcile,
    Replayed,
    Returned,
    Run,
    SendClaim,
)

FOUND = Returned("found", '"found"')


def _die(timeline: Timeline, name: str = "a") -> None:
    worker = timeline.worker(name)
    worker.until(Run)
    worker.step()
    worker.crash()
    timeline.pass_time(LEASE)


def test_a_completed_orphan_does_not_run_again(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND)
    assert b.finish() == Executed("found")
    assert timeline.runs == [("a", 1)]
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.data) == (COMPLETED, '"found"')


def test_what_was_found_is_replayed_to_duplicates(timeline: Timeline) -> None:
    _die(timeline)
    timeline.worker("b", reconciles=True, reconciled=FOUND).finish()
    replayed = timeline.worker("c", reconciles=True).finish()
    assert isinstance(replayed, Replayed)
    assert replayed.record.data == '"found"'


def test_an_orphan_without_effect_runs_again(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=None)
    assert b.finish() == Executed("answer of b")
    assert timeline.runs == [("a", 1), ("b", 2)]
    assert timeline.reconciliations == [("b", 2)]


def test_reconciliation_is_counted_in_the_place_of_a_run(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND)
    b.finish()
    assert b.requests == [SendClaim, SendClaim, Complete]
    assert b.metrics == ["TakenOver", "Reconciled"]


def test_a_first_attempt_has_nothing_to_reconcile(timeline: Timeline) -> None:
    assert timeline.worker("a", reconciles=True).finish() == Executed("answer of a")
    assert timeline.reconciliations == []


def test_a_call_without_reconciliation_runs_again(timeline: Timeline) -> None:
    _die(timeline)
    timeline.worker("b", reconciled=FOUND).finish()
    assert timeline.reconciliations == []
    assert timeline.runs == [("a", 1), ("b", 2)]


def test_nobody_reconciles_without_the_fence(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND)
    c = timeline.worker("c", reconciles=True, reconciled=FOUND)
    b.until(Reconcile)
    c.finish()
    assert timeline.reconciliations == []  # b has the fence and has not asked yet
    b.finish()
    assert timeline.reconciliations == [("b", 2)]


def test_a_failed_reconciliation_is_raised_and_keeps_the_lease(timeline: Timeline) -> None:
    _die(timeline)
    error = RuntimeError()
    b = timeline.worker("b", reconciles=True, reconciled=Raised(error))
    assert b.finish() == Raised(error)
    assert (b.requests, b.metrics) == ([SendClaim, SendClaim], ["TakenOver"])
    assert isinstance(timeline.worker("c", reconciles=True).finish(), InProgress)


def test_after_a_failed_reconciliation_the_next_attempt_asks_again(timeline: Timeline) -> None:
    _die(timeline)
    timeline.worker("b", reconciles=True, reconciled=Raised(RuntimeError())).finish()
    timeline.pass_time(LEASE)
    c = timeline.worker("c", reconciles=True, reconciled=FOUND)
    assert c.finish() == Executed("found")
    assert timeline.reconciliations == [("b", 2), ("c", 3)]
    assert timeline.runs == [("a", 1)]


def test_too_many_attempts_are_parked_before_anybody_asks(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND, max_attempts=1)
    assert isinstance(b.finish(), Parked)
    assert timeline.reconciliations == []
    assert timeline.record is not None
    assert timeline.record.status == PARKED


def test_below_the_limit_reconciliation_comes_first(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND, max_attempts=2)
    assert b.finish() == Executed("found")


def test_a_reconciler_that_dies_is_an_orphan_itself(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND)
    b.until(Reconcile)
    b.crash()
    timeline.pass_time(LEASE)
    c = timeline.worker("c", reconciles=True, reconciled=FOUND)
    assert c.finish() == Executed("found")
    assert timeline.reconciliations == [("c", 3)]


def test_a_lost_reply_to_the_take_over_still_reconciles(timeline: Timeline) -> None:
    _die(timeline)
    b = timeline.worker("b", reconciles=True, reconciled=FOUND, fail_open=True)
    b.step()
    b.until(SendClaim)
    b.lose_reply()
    b.finish()
    assert timeline.reconciliations == [("b", 2)]
