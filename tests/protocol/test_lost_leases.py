"""The handler has returned, and the key is no longer ours: the answer that each caller gets."""

from __future__ import annotations

import pytest

from kit.schedule import EXPIRES_AFTER, LEASE, Timeline, Worker, answer_of, owner
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, NO_BODY
from lambda_idempotency.protocol.steps import Complete, Executed, Replayed, Returned, Run


def _overtaken(
    timeline: Timeline, *, ran: Returned | None = None, fingerprint: str | None = "payload"
) -> Worker:
    """Return a worker about to record its answer where another has already recorded one."""
    a = timeline.worker("a")
    a.until(Complete)
    timeline.evict()
    timeline.worker("b", returns=ran, fingerprint=fingerprint).finish()
    return a


# A successor is still running ---------------------------------------------------------------------


def test_while_a_successor_runs_the_caller_gets_the_own_result(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("b").until(Run)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "LeaseLost"]


def test_a_lost_lease_leaves_the_successor_its_record(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    b = timeline.worker("b")
    b.until(Run)
    held = timeline.record
    a.finish()
    assert timeline.record == held
    assert b.finish() == Executed("answer of b")
    assert b.metrics == ["TakenOver", "Executed"]


def test_a_lease_that_ended_unnoticed_is_not_lost(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(10 * LEASE)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (COMPLETED, owner("a"))


# A successor has completed ------------------------------------------------------------------------


def test_once_a_successor_has_completed_the_caller_gets_its_answer(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("b").finish()
    recorded = timeline.record
    assert recorded is not None
    assert a.finish() == Replayed(recorded, own=Executed("answer of a"))
    assert a.metrics == ["Executed", "LeaseLost"]
    assert timeline.record == recorded


@pytest.mark.parametrize("encoding", [None, "zlib"])
def test_a_successors_answer_to_the_same_payload_is_given(
    timeline: Timeline, encoding: str | None
) -> None:
    a = _overtaken(timeline, ran=Returned("b", "b", encoding))
    assert isinstance(a.finish(), Replayed)


def test_a_successors_answer_to_another_payload_is_not_given(timeline: Timeline) -> None:
    a = _overtaken(timeline, fingerprint="other payload")
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "LeaseLost"]


def test_a_successors_answer_without_a_fingerprint_is_given(timeline: Timeline) -> None:
    a = _overtaken(timeline, fingerprint=None)
    assert isinstance(a.finish(), Replayed)


def test_a_successors_answer_without_a_body_is_not_given(timeline: Timeline) -> None:
    a = _overtaken(timeline, ran=Returned(object(), encoding=NO_BODY))
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "LeaseLost"]


# The record is gone -------------------------------------------------------------------------------


def test_an_answer_is_recorded_although_the_claim_was_evicted(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.evict()
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]
    assert timeline.record is not None
    assert timeline.record.data == '"answer of a"'


def test_an_answer_is_recorded_where_a_successor_released(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("b", raises=ValueError()).finish()
    assert a.finish() == Executed("answer of a")
    assert timeline.record is not None
    assert timeline.worker("c").finish() == Replayed(timeline.record)


def test_an_answer_is_recorded_up_to_the_claims_own_expiration(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.evict()
    timeline.pass_time(LEASE + EXPIRES_AFTER - 1000)
    a.finish()
    assert timeline.record is not None


@pytest.mark.parametrize("evicted", [True, False])
def test_an_answer_is_not_recorded_after_the_claims_own_expiration(
    timeline: Timeline, *, evicted: bool
) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    if evicted:
        timeline.evict()
    timeline.pass_time(LEASE + EXPIRES_AFTER)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "LeaseLost"]
    assert timeline.record is None


def test_a_late_answer_does_not_replace_a_new_generation(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE + EXPIRES_AFTER)
    b = timeline.worker("b", returns=answer_of("b"))
    b.until(Run)
    a.finish()
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (INPROGRESS, owner("b"))
    assert b.finish() == Executed("answer of b")
