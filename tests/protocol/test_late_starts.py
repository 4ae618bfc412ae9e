"""A call that may no longer start: its lease may have ended on the way."""

from __future__ import annotations

from typing import Any

import pytest

from kit.schedule import LEASE, Timeline, Worker, owner
from lambda_idempotency.errors import StoreError
from lambda_idempotency.protocol.steps import (
    Executed,
    LeaseExpired,
    Progress,
    Read,
    Reconcile,
    Release,
    Run,
    SendClaim,
    Unavailable,
)


def _late(timeline: Timeline, worker: Worker, kind: type[Run | Reconcile] = Run) -> Unavailable:
    """Return the outcome of a worker that comes too late for its step."""
    worker.until(kind)
    timeline.pass_time(LEASE)
    worker.send(LeaseExpired())
    outcome = worker.finish()
    assert isinstance(outcome, Unavailable)
    return outcome


def _orphaned(timeline: Timeline) -> None:
    """Leave a first attempt that has died, and whose lease has ended."""
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)


def test_a_late_call_does_not_run(timeline: Timeline) -> None:
    a = timeline.worker("a")
    outcome = _late(timeline, a)
    assert (timeline.runs, a.metrics) == ([], ["Executed", "StoreError"])
    assert isinstance(outcome.error, StoreError)
    assert "Nothing ran; retry." in str(outcome.error)


def test_a_late_call_frees_its_key(timeline: Timeline) -> None:
    a = timeline.worker("a")
    _late(timeline, a)
    assert a.requests == [SendClaim, Release]
    assert timeline.record is None
    assert timeline.worker("b").finish() == Executed("answer of b")
    assert timeline.runs == [("b", 1)]


def test_a_late_call_leaves_its_successor_alone(timeline: Timeline) -> None:
    a, b = timeline.worker("a"), timeline.worker("b")
    a.until(Run)
    timeline.pass_time(LEASE)
    b.until(Run)
    _late(timeline, a)
    assert timeline.record is not None
    assert timeline.record.owner == owner("b")
    assert b.finish() == Executed("answer of b")


@pytest.mark.parametrize(("kind", "options"), [(Run, {}), (Reconcile, {"reconciles": True})])
def test_a_late_take_over_does_not_forget_the_dead_attempt(
    timeline: Timeline, kind: type[Run | Reconcile], options: dict[str, Any]
) -> None:
    _orphaned(timeline)
    b = timeline.worker("b", **options)
    _late(timeline, b, kind)
    assert Release not in b.requests
    assert b.metrics[-1] == "StoreError"
    assert "Reconciled" not in b.metrics
    timeline.worker("c").finish()
    assert timeline.runs == [("c", 3)]


def test_a_call_that_comes_late_from_its_question_does_not_run(timeline: Timeline) -> None:
    _orphaned(timeline)
    b = timeline.worker("b", reconciles=True)
    b.until(Reconcile)
    b.step()
    _late(timeline, b)
    assert timeline.reconciliations == [("b", 2)]
    assert timeline.runs == []


# How long there is to start -----------------------------------------------------------------------


def test_a_claimed_lease_lasts_as_long_as_it_was_asked_for(timeline: Timeline) -> None:
    assert timeline.worker("a").until(Run) == Run(1, LEASE)


def test_a_question_and_the_run_after_it_have_one_lease(timeline: Timeline) -> None:
    _orphaned(timeline)
    b = timeline.worker("b", reconciles=True)
    assert b.until(Reconcile) == Reconcile(2, LEASE)
    assert b.until(Run) == Run(2, LEASE, progress=Progress(2))


def test_of_a_lease_that_is_found_the_rest_is_left(timeline: Timeline) -> None:
    holder = timeline.worker("b")
    holder.until(Run)
    a = timeline.worker("a", wait_ms=LEASE)
    a.step()  # it is told to wait
    holder.send(LeaseExpired())
    holder.finish()
    timeline.worker("a").step()  # a copy of its claim lands
    timeline.pass_time(LEASE - 1000)
    a.until(Read)
    run = a.until(Run)
    assert run.lease_ms is not None
    assert 0 < run.lease_ms <= 1000


def test_a_call_that_failed_open_has_no_lease_to_be_late_for(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    timeline.down = True
    assert a.until(Run) == Run(1, None)
