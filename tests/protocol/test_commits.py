"""`commit_with`: the business's writes take effect with the record, under the fence, once."""

from __future__ import annotations

from typing import Any

from kit.schedule import KEY, LEASE, Timeline, Worker, owner
from lambda_idempotency.protocol.record import COMPLETED, WritesRefused
from lambda_idempotency.protocol.steps import (
    CommitFailed,
    Complete,
    Executed,
    LeaseLost,
    Raised,
    Release,
    Replayed,
    Returned,
    Run,
    SendClaim,
)


def _writer(timeline: Timeline, name: str, *, keep: bool = True, **options: Any) -> Worker:
    answer = f"answer of {name}"
    returns = Returned(answer, f'"{answer}"', keep=keep, writes=(f"write of {name}",))
    return timeline.worker(name, returns=returns, **options)


def test_the_writes_take_effect_with_the_answer(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    assert a.finish() == Executed("answer of a")
    assert a.requests == [SendClaim, Complete]
    assert timeline.store.committed == ["write of a"]
    assert timeline.record is not None
    assert timeline.record.status == COMPLETED


def test_a_replay_writes_nothing(timeline: Timeline) -> None:
    _writer(timeline, "a").finish()
    assert isinstance(_writer(timeline, "b").finish(), Replayed)
    assert timeline.store.committed == ["write of a"]


def test_a_handler_that_raises_writes_nothing(timeline: Timeline) -> None:
    error = RuntimeError()
    assert timeline.worker("a", raises=error).finish() == Raised(error)
    assert timeline.store.committed == []


def test_an_answer_that_is_not_kept_takes_its_writes_with_it(timeline: Timeline) -> None:
    assert _writer(timeline, "a", keep=False).finish() == Executed("answer of a")
    assert timeline.store.committed == []
    assert timeline.record is None


def test_a_lost_reply_is_recognised_by_the_own_record(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    a.lose_reply()
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]


def test_a_lost_request_is_sent_again(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    a.lose_request()
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]


def test_every_try_is_the_same(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    first = a.until(Complete)
    a.lose_request()
    timeline.pass_time(1500)
    second = a.until(Complete)
    assert first == second
    assert (
        first.completion.record(timeline.now).expiration
        == (timeline.now + LEASE) // 1000 + (first.completion.expires_after_ms // 1000) - 1
    )


def test_an_expired_lease_still_commits_while_nobody_has_taken_over(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]


def test_whoever_has_lost_the_lease_gets_the_recorded_answer_and_writes_nothing(
    timeline: Timeline,
) -> None:
    a, b = _writer(timeline, "a"), _writer(timeline, "b")
    a.until(Complete)
    timeline.pass_time(LEASE)
    b.finish()
    outcome = a.finish()
    assert isinstance(outcome, Replayed)
    assert outcome.record.data == '"answer of b"'
    assert timeline.store.committed == ["write of b"]
    assert "LeaseLost" in a.metrics


def test_whoever_has_lost_the_lease_to_a_running_attempt_gets_no_result(
    timeline: Timeline,
) -> None:
    a, b = _writer(timeline, "a"), _writer(timeline, "b")
    a.until(Complete)
    timeline.pass_time(LEASE)
    b.until(Complete)
    assert a.finish() == LeaseLost(KEY)
    assert timeline.store.committed == []
    b.finish()
    assert timeline.store.committed == ["write of b"]


def test_an_evicted_record_stops_the_writes(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    timeline.evict()
    assert a.finish() == LeaseLost(KEY)
    assert timeline.store.committed == []


def test_another_payload_s_answer_is_nobody_s_answer(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    b = _writer(timeline, "b", fingerprint=None)
    a.until(Complete)
    timeline.pass_time(LEASE)
    b.finish()
    mismatched = timeline.record
    assert mismatched is not None
    timeline.store.put(mismatched._replace(fingerprint="another"))
    assert a.finish() == LeaseLost(KEY)


def test_a_refused_write_frees_the_key(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    a.send(WritesRefused("write 1 of 1 failed", timeline.now))
    assert isinstance(a.pending, Release)
    assert a.finish() == CommitFailed(KEY, "write 1 of 1 failed", applied=False)
    assert timeline.record is None
    assert _writer(timeline, "b").finish() == Executed("answer of b")


def test_a_refused_try_does_not_undo_an_earlier_one_that_arrives_late(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    late = a.until(Complete)
    a.lose_request()
    a.until(Complete)
    a.send(WritesRefused("write 1 of 1 failed", timeline.now))
    timeline.store.complete(late.completion)
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]
    assert a.metrics == ["Executed"]


def test_a_refused_write_whose_key_cannot_be_freed_is_not_called_unapplied(
    timeline: Timeline,
) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    a.send(WritesRefused("write 1 of 1 failed", timeline.now))
    timeline.down = True
    assert a.finish() == CommitFailed(KEY, "write 1 of 1 failed", applied=None)


def test_an_unknown_outcome_keeps_the_lease_and_returns_no_result(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    timeline.down = True
    assert a.finish() == CommitFailed(KEY, "the store did not answer", applied=None)
    timeline.down = False
    assert "CompletionFailed" in a.metrics
    assert Release not in a.requests
    assert timeline.record is not None
    assert timeline.record.leased(timeline.now)


def _unclaimed(timeline: Timeline, name: str) -> Worker:
    """Return a worker whose claim was lost, and which runs anyway."""
    worker = _writer(timeline, name, fail_open=True)
    worker.lose_request()
    worker.until(Run)
    return worker


def test_an_attempt_without_a_claim_commits_over_nothing(timeline: Timeline) -> None:
    a = _unclaimed(timeline, "a")
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]
    assert timeline.record is not None
    assert (timeline.record.status, timeline.record.owner) == (COMPLETED, owner("a"))


def test_an_attempt_without_a_claim_sends_its_writes_once(timeline: Timeline) -> None:
    a = _unclaimed(timeline, "a")
    timeline.down = True
    assert a.finish() == CommitFailed(KEY, "the store did not answer", applied=None)
    assert a.requests.count(Complete) == 1


def test_of_two_attempts_without_a_claim_one_commits(timeline: Timeline) -> None:
    a, b = _unclaimed(timeline, "a"), _unclaimed(timeline, "b")
    a.finish()
    assert isinstance(b.finish(), Replayed)
    assert timeline.store.committed == ["write of a"]
    assert "LeaseLost" not in b.metrics


def test_an_attempt_without_a_claim_does_not_commit_beside_another(timeline: Timeline) -> None:
    a = _unclaimed(timeline, "a")
    b = _writer(timeline, "b")
    b.until(Complete)
    failed = a.finish()
    assert isinstance(failed, CommitFailed)
    assert failed.applied is False
    assert "LeaseLost" not in a.metrics  # nobody took a lease that it had
    assert b.finish() == Executed("answer of b")
    assert timeline.store.committed == ["write of b"]


def test_an_attempt_without_a_claim_does_not_commit_over_a_parked_record(
    timeline: Timeline,
) -> None:
    a = _unclaimed(timeline, "a")
    dead = timeline.worker("b")
    dead.until(Run)
    dead.crash()
    timeline.pass_time(LEASE)
    timeline.worker("c", max_attempts=1).finish()
    assert isinstance(a.finish(), CommitFailed)
    assert timeline.store.committed == []


def test_an_attempt_whose_claim_s_reply_was_lost_commits(timeline: Timeline) -> None:
    a = _writer(timeline, "a", fail_open=True)
    a.lose_reply()
    assert a.finish() == Executed("answer of a")
    assert timeline.store.committed == ["write of a"]


def test_a_parked_record_stops_the_writes(timeline: Timeline) -> None:
    a = _writer(timeline, "a")
    a.until(Complete)
    timeline.pass_time(LEASE)
    timeline.worker("b", max_attempts=1).finish()
    assert a.finish() == LeaseLost(KEY)
    assert timeline.store.committed == []


def test_a_commit_of_a_reconciled_attempt_is_its_own(timeline: Timeline) -> None:
    a = timeline.worker("a")
    a.until(Run)
    a.crash()
    timeline.pass_time(LEASE)
    b = timeline.worker(
        "b",
        reconciles=True,
        reconciled=Returned("found", '"found"', writes=("write of b",)),
    )
    assert b.finish() == Executed("found")
    assert timeline.store.committed == ["write of b"]
