"""Attempts that died: taken over with a higher count, or parked once there were too many."""

from __future__ import annotations

import pytest

from kit.schedule import KEY, LEASE, Timeline, owner
from lambda_idempotency.protocol.record import COMPLETED, PARKED, PARKED_FOR_MS, Record
from lambda_idempotency.protocol.steps import (
    Complete,
    Executed,
    InProgress,
    Parked,
    Replayed,
    Run,
    SendClaim,
)

DAY = 24 * 3600 * 1000


def _die(timeline: Timeline, name: str, *, max_attempts: int | None = None) -> None:
    """Crash a worker in its handler, and end its lease."""
    worker = timeline.worker(name, max_attempts=max_attempts)
    worker.until(Run)
    worker.step()
    worker.crash()
    timeline.pass_time(LEASE)


# Taking over --------------------------------------------------------------------------------------


def test_an_orphan_is_taken_over_as_the_next_attempt(timeline: Timeline) -> None:
    _die(timeline, "a")
    assert timeline.worker("b").finish() == Executed("answer of b")
    assert timeline.runs == [("a", 1), ("b", 2)]
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.attempt) == (COMPLETED, 2)


def test_a_take_over_takes_one_more_round_trip_and_is_counted(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b")
    b.finish()
    assert b.requests == [SendClaim, SendClaim, Complete]
    assert b.metrics == ["TakenOver", "Executed"]


def test_a_live_lease_is_not_taken_over(timeline: Timeline) -> None:
    timeline.worker("a").until(Run)
    timeline.pass_time(LEASE - 1000)
    assert isinstance(timeline.worker("b").finish(), InProgress)
    timeline.pass_time(1000)
    assert timeline.worker("c").finish() == Executed("answer of c")


def test_a_take_over_starts_a_lease_of_its_own(timeline: Timeline) -> None:
    _die(timeline, "a")
    timeline.worker("b").until(Run)
    assert timeline.record is not None
    assert timeline.record.owner == owner("b")
    assert timeline.record.lease_end == timeline.now + LEASE


def test_without_a_limit_attempts_go_on(timeline: Timeline) -> None:
    for name in "0123456789":
        _die(timeline, name)
    assert timeline.worker("a").finish() == Executed("answer of a")
    assert timeline.runs[-1] == ("a", 11)


# Parking ------------------------------------------------------------------------------------------


def test_with_one_attempt_the_first_orphan_is_parked(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    assert b.finish() == Parked(KEY, 1)
    assert (b.requests, b.metrics) == ([SendClaim, SendClaim, Complete], ["TakenOver", "Parked"])
    assert timeline.runs == [("a", 1)]


def test_with_one_attempt_the_first_call_runs(timeline: Timeline) -> None:
    assert timeline.worker("a", max_attempts=1).finish() == Executed("answer of a")


def test_with_three_attempts_the_third_runs(timeline: Timeline) -> None:
    _die(timeline, "a", max_attempts=3)
    _die(timeline, "b", max_attempts=3)
    assert timeline.worker("c", max_attempts=3).finish() == Executed("answer of c")
    assert timeline.runs[-1] == ("c", 3)


def test_with_three_attempts_the_third_orphan_is_parked(timeline: Timeline) -> None:
    for name in "abc":
        _die(timeline, name, max_attempts=3)
    assert timeline.worker("d", max_attempts=3).finish() == Parked(KEY, 3)
    assert [name for name, _ in timeline.runs] == ["a", "b", "c"]


def test_a_parked_record_tells_how_many_attempts_died(timeline: Timeline) -> None:
    _die(timeline, "a")
    timeline.worker("b", max_attempts=1, scope="alice").finish()
    assert timeline.record == Record(
        key=KEY,
        status=PARKED,
        owner=owner("b"),
        attempt=1,
        expiration=(timeline.now + PARKED_FOR_MS) // 1000,
        fingerprint="payload",
        scope="alice",
    )


@pytest.mark.parametrize("max_attempts", [None, 1, 3])
def test_a_parked_key_stays_parked(timeline: Timeline, max_attempts: int | None) -> None:
    _die(timeline, "a")
    timeline.worker("b", max_attempts=1).finish()
    c = timeline.worker("c", max_attempts=max_attempts)
    assert c.finish() == Parked(KEY, 1)
    assert (c.requests, c.metrics) == ([SendClaim], ["Parked"])
    assert timeline.runs == [("a", 1)]


def test_a_parked_record_is_kept_for_fourteen_days(timeline: Timeline) -> None:
    _die(timeline, "a")
    timeline.worker("b", max_attempts=1).finish()
    timeline.pass_time(14 * DAY - 1000)
    assert timeline.worker("c").finish() == Parked(KEY, 1)
    timeline.pass_time(1000)
    assert timeline.worker("d").finish() == Executed("answer of d")


def test_a_key_that_an_operator_deleted_runs_again(timeline: Timeline) -> None:
    _die(timeline, "a")
    timeline.worker("b", max_attempts=1).finish()
    timeline.evict()
    assert timeline.worker("c", max_attempts=1).finish() == Executed("answer of c")


def test_the_answer_of_a_late_finisher_frees_a_parked_key(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("b", max_attempts=1).finish()
    assert a.finish() == Executed("answer of a")
    assert a.metrics == ["Executed"]
    assert timeline.record is not None
    assert timeline.worker("c").finish() == Replayed(timeline.record)
    assert timeline.record.data == '"answer of a"'


def test_a_late_finisher_that_raises_frees_no_parked_key(timeline: Timeline) -> None:
    a = timeline.worker("a", raises=ValueError())
    a.until(Run)
    timeline.pass_time(LEASE)
    timeline.worker("b", max_attempts=1).finish()
    a.finish()
    assert timeline.worker("c").finish() == Parked(KEY, 1)


def test_parking_that_fails_still_runs_nothing(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    timeline.down = True
    assert b.finish() == Parked(KEY, 1)
    assert timeline.runs == [("a", 1)]


def test_parking_whose_reply_was_lost_is_done(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    b.lose_reply()
    assert b.finish() == Parked(KEY, 1)
    assert b.requests == [SendClaim, SendClaim, Complete, Complete]


def test_parking_never_creates_a_record(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    timeline.evict()
    b.finish()
    assert timeline.record is None


def test_parking_gives_way_to_a_successor_that_answered(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("c").finish()
    assert timeline.record is not None
    assert b.finish() == Replayed(timeline.record)


def test_parking_that_gave_way_to_an_answer_does_not_count_as_parked(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("c").finish()
    b.finish()
    assert "Parked" not in b.metrics


def test_parking_does_not_give_the_answer_to_another_payload(timeline: Timeline) -> None:
    _die(timeline, "a")
    b = timeline.worker("b", max_attempts=1)
    b.until(Complete)
    timeline.evict()
    timeline.worker("c", fingerprint="other payload").finish()
    assert not isinstance(b.finish(), Replayed)
