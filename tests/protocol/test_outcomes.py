"""The outcome of one call while the store answers: run, replayed, refused, or raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from kit.schedule import EXPIRES_AFTER, KEY, LEASE, Timeline, answer_of, owner
from lambda_idempotency.protocol.record import COMPLETED, INPROGRESS, NO_BODY, Record
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    InProgress,
    Mismatch,
    Raised,
    Release,
    Replayed,
    Returned,
    Run,
    SendClaim,
)

# The first call -----------------------------------------------------------------------------------


def test_the_first_call_runs_and_returns_its_result(timeline: Timeline) -> None:
    assert timeline.worker("a").finish() == Executed("answer of a")
    assert timeline.runs == [("a", 1)]


def test_while_the_handler_runs_the_key_is_leased(timeline: Timeline) -> None:
    timeline.worker("a", scope="alice").until(Run)
    lease_end = timeline.now + LEASE
    assert timeline.record == Record(
        key=KEY,
        status=INPROGRESS,
        owner=owner("a"),
        attempt=1,
        expiration=(lease_end + EXPIRES_AFTER) // 1000,
        lease_end=lease_end,
        fingerprint="payload",
        scope="alice",
        revision=1,
    )


def test_the_answer_of_the_first_call_is_recorded(timeline: Timeline) -> None:
    timeline.worker("a", scope="alice").finish()
    assert timeline.record == Record(
        key=KEY,
        status=COMPLETED,
        owner=owner("a"),
        attempt=1,
        expiration=(timeline.now + EXPIRES_AFTER) // 1000,
        fingerprint="payload",
        data='"answer of a"',
        scope="alice",
    )


def test_the_answer_expires_counted_from_the_completion(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(20_000)
    a.finish()
    assert timeline.record is not None
    assert timeline.record.expiration == (timeline.now + EXPIRES_AFTER) // 1000


def test_the_first_call_takes_two_round_trips(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.finish()
    assert a.requests == [SendClaim, Complete]


def test_the_first_call_counts_as_executed(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.finish()
    assert a.metrics == ["Executed"]


def test_a_response_without_a_body_is_recorded_as_such(timeline: Timeline) -> None:
    result = object()
    a = timeline.worker("a", returns=Returned(result, encoding=NO_BODY))
    assert a.finish() == Executed(result)
    assert timeline.record is not None
    assert (timeline.record.data, timeline.record.encoding) == (None, NO_BODY)


def test_a_response_with_a_body_is_recorded_in_its_encoding(timeline: Timeline) -> None:
    timeline.worker("a", returns=Returned("long", b"\x78\x9c", "zlib")).finish()
    assert timeline.record is not None
    assert (timeline.record.data, timeline.record.encoding) == (b"\x78\x9c", "zlib")


# The handler raises -------------------------------------------------------------------------------

_RAISED = pytest.mark.parametrize("error", [ValueError("no stock"), KeyboardInterrupt()], ids=repr)


@_RAISED
def test_what_the_handler_raises_reaches_the_caller(
    timeline: Timeline, error: BaseException
) -> None:
    outcome = timeline.worker("a", raises=error).finish()
    assert isinstance(outcome, Raised)
    assert outcome.error is error


@_RAISED
def test_a_handler_that_raises_frees_the_key(timeline: Timeline, error: BaseException) -> None:
    a = timeline.worker("a", raises=error)
    a.finish()
    assert timeline.record is None
    assert (a.requests, a.metrics) == ([SendClaim, Release], ["Executed"])


@_RAISED
def test_a_release_that_fails_hides_no_error(timeline: Timeline, error: BaseException) -> None:
    a = timeline.worker("a", raises=error)
    a.until(Release)
    a.lose_request()
    assert a.finish() == Raised(error)
    assert a.metrics == ["Executed", "StoreError"]


def test_a_release_that_fails_is_not_repeated(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    a.lose_request()
    a.finish()
    assert a.requests == [SendClaim, Release]


def test_a_key_that_could_not_be_released_is_held_to_the_lease_end(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Release)
    a.lose_request()
    a.finish()
    timeline.pass_time(LEASE - 1000)
    assert isinstance(timeline.worker("b").finish(), InProgress)
    timeline.pass_time(1000)
    assert timeline.worker("c").finish() == Executed("answer of c")


def test_after_a_raise_the_next_call_runs_as_a_first_attempt(timeline: Timeline) -> None:
    timeline.worker("a", raises=ValueError()).finish()
    assert timeline.worker("b").finish() == Executed("answer of b")
    assert timeline.runs == [("a", 1), ("b", 1)]


def test_a_release_that_finds_nothing_is_fine(timeline: Timeline) -> None:
    error = ValueError()
    a = timeline.worker("a", raises=error)
    a.until(Release)
    timeline.store.release(KEY, owner("a"))
    assert a.finish() == Raised(error)
    assert a.metrics == ["Executed"]


def test_a_release_that_finds_a_successor_counts_as_a_lost_lease(timeline: Timeline) -> None:
    error = ValueError()
    a = timeline.worker("a", raises=error)
    a.until(Release)
    timeline.pass_time(LEASE)
    timeline.worker("b").finish()
    assert a.finish() == Raised(error)
    assert a.metrics == ["Executed", "LeaseLost"]
    assert timeline.record is not None
    assert timeline.record.owner == owner("b")


# A duplicate --------------------------------------------------------------------------------------


def test_a_duplicate_of_a_completed_call_is_given_its_record(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    assert timeline.record is not None
    assert timeline.worker("b").finish() == Replayed(timeline.record)
    assert timeline.runs == [("a", 1)]


def test_a_replay_takes_one_round_trip_and_counts_as_replayed(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    b = timeline.worker("b")
    b.finish()
    assert (b.requests, b.metrics) == ([SendClaim], ["Replayed"])


def test_a_replay_leaves_the_record_as_it_is(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    before = timeline.record
    timeline.pass_time(5000)
    timeline.worker("b").finish()
    assert timeline.record == before


def test_an_expired_answer_is_not_replayed(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    timeline.pass_time(EXPIRES_AFTER - 1000)
    assert isinstance(timeline.worker("b").finish(), Replayed)
    timeline.pass_time(1000)
    assert timeline.worker("c").finish() == Executed("answer of c")


def test_a_duplicate_of_a_running_call_is_in_progress(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(4000)
    assert timeline.record is not None
    assert timeline.worker("b").finish() == InProgress(timeline.record, timeline.now)
    assert timeline.runs == []


def test_in_progress_takes_one_round_trip_and_counts_as_in_progress(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    b = timeline.worker("b")
    b.finish()
    assert (b.requests, b.metrics, b.sleeps) == ([SendClaim], ["InProgress"], [])


def test_a_duplicate_does_not_disturb_the_running_call(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.worker("b").finish()
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]


def test_another_key_is_another_call(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    assert timeline.worker("b", key="shop#other").finish() == Executed("answer of b")


# Another payload under the same key ---------------------------------------------------------------

Occupy: TypeAlias = Callable[[Timeline], None]


def _in_progress(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)


def _completed(timeline: Timeline) -> None:
    timeline.worker("a").finish()


def _orphaned(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE)


def _parked(timeline: Timeline) -> None:
    _orphaned(timeline)
    timeline.worker("b", max_attempts=1).finish()


_OCCUPIED = pytest.mark.parametrize("occupy", [_in_progress, _completed, _orphaned, _parked])


@_OCCUPIED
def test_another_payload_is_a_mismatch(timeline: Timeline, occupy: Occupy) -> None:
    occupy(timeline)
    c = timeline.worker("c", fingerprint="other payload", wait_ms=5000)
    assert timeline.record is not None
    assert c.finish() == Mismatch(timeline.record)
    assert (c.requests, c.metrics) == ([SendClaim], ["Mismatch"])


@_OCCUPIED
def test_the_same_payload_is_no_mismatch(timeline: Timeline, occupy: Occupy) -> None:
    occupy(timeline)
    assert not isinstance(timeline.worker("c").finish(), Mismatch)


@pytest.mark.parametrize(
    ("first", "second"), [(None, "payload"), ("payload", None), (None, None)], ids=repr
)
def test_a_payload_without_a_fingerprint_is_never_a_mismatch(
    timeline: Timeline, first: str | None, second: str | None
) -> None:
    timeline.worker("a", fingerprint=first).finish()
    assert isinstance(timeline.worker("b", fingerprint=second).finish(), Replayed)


def test_a_mismatch_leaves_the_record_as_it_is(timeline: Timeline) -> None:
    timeline.worker("a").finish()
    before = timeline.record
    timeline.worker("b", fingerprint="other payload").finish()
    assert timeline.record == before


def test_once_a_key_is_released_another_payload_may_use_it(timeline: Timeline) -> None:
    timeline.worker("a", raises=ValueError()).finish()
    b = timeline.worker("b", fingerprint="other payload", returns=answer_of("b"))
    assert b.finish() == Executed("answer of b")


# An answer that is not kept -----------------------------------------------------------------------

_TEMPORARY = Returned("try again", '"try again"', keep=False)


def test_an_answer_that_is_not_kept_reaches_the_caller_and_frees_the_key(
    timeline: Timeline,
) -> None:
    a = timeline.worker("a", returns=_TEMPORARY)
    assert a.finish() == Executed("try again")
    assert timeline.record is None
    assert (a.requests, a.metrics) == ([SendClaim, Release], ["Executed"])


def test_after_an_answer_that_was_not_kept_the_next_call_runs_as_a_first_attempt(
    timeline: Timeline,
) -> None:
    timeline.worker("a", returns=_TEMPORARY).finish()
    assert timeline.worker("b").finish() == Executed("answer of b")
    assert timeline.runs == [("a", 1), ("b", 1)]


def test_an_answer_that_is_not_kept_reaches_the_caller_though_the_release_fails(
    timeline: Timeline,
) -> None:
    a = timeline.worker("a", returns=_TEMPORARY)
    a.until(Release)
    a.lose_request()
    assert a.finish() == Executed("try again")
    assert a.metrics == ["Executed", "StoreError"]


def test_an_answer_that_is_not_kept_leaves_a_successors_record_alone(timeline: Timeline) -> None:
    a = timeline.worker("a", returns=_TEMPORARY)
    a.until(Release)
    timeline.pass_time(LEASE)
    timeline.worker("b").finish()
    assert a.finish() == Executed("try again")
    assert a.metrics == ["Executed", "LeaseLost"]
    assert timeline.record is not None
    assert timeline.record.owner == owner("b")


def test_an_answer_is_kept_unless_told_otherwise(timeline: Timeline) -> None:
    timeline.worker("a", returns=Returned("last word", '"last word"')).finish()
    assert timeline.record is not None
    assert timeline.record.status == COMPLETED
