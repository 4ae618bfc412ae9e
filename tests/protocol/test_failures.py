"""The store fails: before anything has run, while waiting, and after the effect has happened."""

from __future__ import annotations

import pytest

from kit.schedule import KEY, LEASE, OutageError, Timeline, Worker, owner
from lambda_idempotency.protocol.endings import RETRY_PAUSES_MS
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, Absent
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    InProgress,
    Parked,
    Read,
    Release,
    Replayed,
    Run,
    SendClaim,
    Sleep,
    Unavailable,
)

# The claim fails: fail closed ---------------------------------------------------------------------


def test_a_claim_that_fails_makes_the_call_unavailable(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.lose_request()
    outcome = a.finish()
    assert isinstance(outcome, Unavailable)
    assert isinstance(outcome.error, OutageError)
    assert timeline.runs == []


def test_a_claim_that_fails_is_followed_by_one_release(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.lose_request()
    a.finish()
    assert (a.requests, a.metrics) == ([SendClaim, Release], ["StoreError"])


def test_a_claim_that_succeeds_is_followed_by_no_release(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.finish()
    assert Release not in a.requests


def test_the_release_after_a_failed_claim_is_one_best_effort(timeline: Timeline) -> None:
    timeline.down = True
    a = timeline.worker("a")
    outcome = a.finish()
    assert isinstance(outcome, Unavailable)
    assert (a.requests, a.metrics, a.sleeps) == ([SendClaim, Release], ["StoreError"], [])


def test_a_claim_that_took_effect_is_released(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.lose_reply()
    a.finish()
    assert timeline.record is None
    assert timeline.worker("b").finish() == Executed("answer of b")


def test_a_claim_that_took_no_effect_releases_nobody_elses_key(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    held = timeline.record
    b = timeline.worker("b")
    b.lose_request()
    assert isinstance(b.finish(), Unavailable)
    assert timeline.record == held


def test_a_take_over_that_fails_leaves_the_orphan_to_the_next_call(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    b = timeline.worker("b")
    b.step()
    b.lose_request()
    assert isinstance(b.finish(), Unavailable)
    assert timeline.worker("c").finish() == Executed("answer of c")
    assert timeline.runs == [("c", 2)]


def test_a_take_over_of_unknown_outcome_does_not_forget_the_dead_attempt(
    timeline: Timeline,
) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    b = timeline.worker("b")
    b.step()
    b.lose_reply()
    assert isinstance(b.finish(), Unavailable)
    assert b.requests == [SendClaim, SendClaim]
    timeline.pass_time(LEASE)
    assert timeline.worker("c").finish() == Executed("answer of c")
    assert timeline.runs == [("c", 3)]


def test_a_take_over_of_unknown_outcome_does_not_undo_the_limit_of_attempts(
    timeline: Timeline,
) -> None:
    a = timeline.worker("a", max_attempts=1)
    a.until(Complete)
    timeline.pass_time(LEASE)
    b = timeline.worker("b", max_attempts=1)
    b.step()
    b.lose_reply()
    b.finish()
    assert isinstance(timeline.worker("c", max_attempts=1).finish(), InProgress)
    timeline.pass_time(LEASE)
    assert isinstance(timeline.worker("d", max_attempts=1).finish(), Parked)
    assert timeline.runs == [("a", 1)]


# The claim fails: fail open -----------------------------------------------------------------------


def test_failing_open_runs_although_the_claim_failed(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    a.lose_request()
    assert a.finish() == Executed("answer of a")
    assert timeline.runs == [("a", 1)]


def test_failing_open_counts_the_failure_and_the_run(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    a.lose_request()
    a.finish()
    assert (a.requests, a.metrics) == ([SendClaim, Complete], ["StoreError", "Executed"])


@pytest.mark.parametrize("effect", [True, False])
def test_failing_open_records_the_answer(timeline: Timeline, *, effect: bool) -> None:
    a = timeline.worker("a", fail_open=True)
    if effect:
        a.lose_reply()
    else:
        a.lose_request()
    a.finish()
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (COMPLETED, owner("a"))
    assert timeline.worker("b").finish() == Replayed(timeline.record)


def test_failing_open_outlives_a_store_that_stays_away(timeline: Timeline) -> None:
    timeline.down = True
    a = timeline.worker("a", fail_open=True)
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["StoreError", "Executed", "CompletionFailed"]


def test_an_answer_that_the_store_took_for_late_is_sent_again(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True)
    a.lose_request()
    a.until(Complete)
    a.send(Absent(timeline.now))
    assert isinstance(a.pending, Complete)
    assert a.finish() == Executed("answer of a")
    assert timeline.record is not None


def test_an_answer_that_is_late_is_not_sent_again(timeline: Timeline) -> None:
    a = timeline.worker("a", expires_after_ms=1000)
    a.until(Complete)
    timeline.pass_time(LEASE + 2000)
    assert a.finish() == Executed("answer of a")
    assert (a.requests, a.metrics) == ([SendClaim, Complete], ["Executed", "LeaseLost"])


def test_failing_open_takes_nobody_elses_key(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    held = timeline.record
    b = timeline.worker("b", fail_open=True)
    b.lose_request()
    assert b.finish() == Executed("answer of b")
    assert b.metrics == ["StoreError", "Executed", "LeaseLost"]
    assert timeline.record == held


def test_failing_open_does_not_run_where_the_store_answers(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    assert isinstance(timeline.worker("b", fail_open=True).finish(), Replayed)


def test_failing_open_releases_what_it_claimed_when_the_handler_raises(timeline: Timeline) -> None:
    a = timeline.worker("a", fail_open=True, raises=ValueError())
    a.lose_reply()
    a.finish()
    assert a.requests == [SendClaim, Release]
    assert timeline.record is None


def test_failing_open_does_not_go_past_the_limit_of_attempts(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)
    b = timeline.worker("b", fail_open=True, max_attempts=1)
    b.step()
    b.lose_request()
    assert b.finish() == Parked(KEY, 1)
    assert timeline.runs == []


# The look of a waiter fails -----------------------------------------------------------------------


@pytest.mark.parametrize("fail_open", [False, True])
def test_a_waiter_whose_look_fails_runs_nothing(timeline: Timeline, *, fail_open: bool) -> None:
    timeline.worker("a").until(Run)
    b = timeline.worker("b", wait_ms=5000, fail_open=fail_open)
    b.until(Read)
    b.lose_request()
    assert isinstance(b.finish(), Unavailable)
    assert timeline.runs == []


def test_a_waiter_whose_look_fails_releases_nothing(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    b = timeline.worker("b", wait_ms=5000)
    b.until(Read)
    b.lose_request()
    b.finish()
    assert (b.requests, b.metrics) == ([SendClaim, Read], ["StoreError"])


# The completion fails -----------------------------------------------------------------------------


def _returned(timeline: Timeline, *, time_left: int = 60_000) -> Worker:
    """Return a worker whose handler has returned and whose answer is not recorded yet."""
    a = timeline.worker("a", time_left=time_left)
    a.until(Complete)
    return a


def test_a_completion_that_fails_is_sent_again(timeline: Timeline) -> None:
    a = _returned(timeline)
    a.lose_request()
    assert a.finish() == Executed("answer of a")
    assert a.requests == [SendClaim, Complete, Complete]
    assert a.metrics == ["Executed"]
    assert timeline.record is not None
    assert timeline.record.status == COMPLETED


def test_a_completion_that_succeeds_is_sent_once(timeline: Timeline) -> None:
    a = _returned(timeline)
    a.finish()
    assert a.requests == [SendClaim, Complete]


def test_a_completion_is_sent_again_as_it_was(timeline: Timeline) -> None:
    a = _returned(timeline)
    first = a.pending
    a.lose_request()
    assert a.until(Complete) == first


def test_a_completion_whose_reply_was_lost_is_done(timeline: Timeline) -> None:
    a = _returned(timeline)
    a.lose_reply()
    recorded = timeline.record
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]
    assert timeline.record == recorded


def test_the_result_is_returned_although_it_cannot_be_recorded(timeline: Timeline) -> None:
    a = _returned(timeline)
    timeline.down = True
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed", "CompletionFailed"]


def test_a_key_whose_answer_cannot_be_recorded_is_not_released(timeline: Timeline) -> None:
    a = _returned(timeline, time_left=2000)
    timeline.down = True
    a.finish()
    assert Release not in a.requests
    assert timeline.record is not None
    assert timeline.record.status == INPROGRESS


def test_tries_to_record_an_answer_are_limited(timeline: Timeline) -> None:
    a = _returned(timeline, time_left=3_600_000)
    timeline.down = True
    a.finish()
    assert a.sleeps == list(RETRY_PAUSES_MS)
    assert a.requests == [SendClaim] + [Complete] * (len(RETRY_PAUSES_MS) + 1)


@pytest.mark.parametrize("time_left", [0, 49, 50, 400, 1000, 2500, 5000])
def test_no_pause_between_tries_to_record_an_answer_is_longer_than_the_time_for_it(
    timeline: Timeline, time_left: int
) -> None:
    a = _returned(timeline, time_left=time_left)
    timeline.down = True
    while a.outcome is None:
        if isinstance(a.pending, Sleep):
            assert timeline.now + a.pending.milliseconds <= a.ends_at
        a.step()
    assert a.metrics == ["Executed", "CompletionFailed"]


def test_without_time_the_answer_is_tried_once(timeline: Timeline) -> None:
    a = _returned(timeline, time_left=0)
    timeline.down = True
    a.finish()
    assert (a.requests, a.sleeps) == ([SendClaim, Complete], [])


def test_a_store_that_comes_back_in_time_records_the_answer(timeline: Timeline) -> None:
    a = _returned(timeline)
    timeline.down = True
    for _ in range(6):
        a.step()
    timeline.down = False
    a.finish()
    assert a.metrics == ["Executed"]
    assert timeline.record is not None
    assert timeline.record.data == '"answer of a"'
