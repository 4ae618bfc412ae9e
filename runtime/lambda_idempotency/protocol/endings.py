"""The endings of an attempt: record its answer, commit its writes, or release its key."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from ..tuples import NamedTuple
from .record import COMPLETED, Absent, Applied, Claim, Completion, Conflict, Record, WritesRefused
from .steps import (
    NO_PROGRESS,
    Call,
    CommitFailed,
    Complete,
    Emit,
    Executed,
    Failed,
    LeaseLost,
    Outcome,
    Progress,
    Release,
    Renew,
    Replayed,
    Returned,
    Sleep,
    Step,
    StepResult,
)

RETRY_PAUSES_MS: Final = (50, 100, 200, 400, 800, 1600, 3200)
"""Milliseconds of pause between the tries to record an answer."""

_UNCLAIMED: Final = "the call ran without a lease (fail_open), and its key is another attempt's"


class HeldLease(NamedTuple):
    """The key is ours for this attempt, for `lease_ms` since we asked for it.

    `not_after` is the expiration of our claim. Both are None if the claim's fate is unknown.
    `progress` is what has been recorded so far, `uses_steps` that this attempt has used steps.
    """

    attempt: int
    not_after: int | None
    lease_ms: int | None
    progress: Progress = NO_PROGRESS
    after_death: bool = False
    """True if the attempt before this one died, and did not give up."""
    uses_steps: bool = False
    reentered: bool = False
    """True if an earlier invocation of the same owner had made the claim."""

    @property
    def keeps(self) -> bool:
        """True if the record outlives the attempt, however that ends: it has recovery points, or
        says that a step may have been interrupted."""
        resumes = self.attempt > 1 and not self.after_death
        interrupted = self.attempt > 1 and self.uses_steps
        return self.progress.steps is not None or resumes or interrupted


def record_answer(
    call: Call, held: HeldLease, ran: Returned
) -> Generator[Step, StepResult, Outcome]:
    """Record the answer, and return it whatever becomes of the record: the effect has happened."""
    completion = _completion(call, held, ran)
    reply = yield from send(completion)
    if isinstance(reply, Absent) and completion.may_create(reply.now):
        # Before, the store's clock was unconfirmed: it could not tell that the record has expired.
        reply = yield from send(completion)
    if isinstance(reply, Failed):
        yield Emit("CompletionFailed", reply.error, held.attempt)
    elif isinstance(reply, Absent):
        yield _lease_lost(held, reply)
    elif isinstance(reply, Conflict) and reply.record.owner != call.owner:
        yield _lease_lost(held, reply)
        if _answers(call, reply.record):
            return Replayed(reply.record, Executed(ran.result))
    # A conflict with our own COMPLETED: the reply to an earlier send was lost, and all is done.
    return Executed(ran.result)


def commit(call: Call, held: HeldLease, ran: Returned) -> Generator[Step, StepResult, Outcome]:
    """Write the user's items and the answer together, under the fence, or nothing. Never return the
    result without them."""
    claimed = held.not_after is not None
    completion = _completion(call, held, ran)._replace(
        # Without a claim (`fail_open`) the record must be absent, or ours. That is no fence for a
        # second try, which may come when the first one's record has expired.
        strict=claimed,
        writes=ran.writes,
        expiration=held.not_after,
    )
    reply = yield from send(completion) if claimed else _once(completion)
    if isinstance(reply, WritesRefused):
        freed = yield from release(call, held)
        if _is_done(call, freed):
            # An earlier try was still under way, and took effect after all.
            return Executed(ran.result)
        applied = None if isinstance(freed, Failed) else False
        return CommitFailed(call.key, reply.about, applied=applied)
    if isinstance(reply, Failed):
        # It may have taken effect, so keep the key until the lease ends.
        yield Emit("CompletionFailed", reply.error, held.attempt)
        return CommitFailed(call.key, "the store did not answer", applied=None)
    if isinstance(reply, Applied) or _is_done(call, reply):
        return Executed(ran.result)
    if claimed:
        yield _lease_lost(held, reply)
    if isinstance(reply, Conflict) and _answers(call, reply.record):
        return Replayed(reply.record)
    return LeaseLost(call.key) if claimed else CommitFailed(call.key, _UNCLAIMED, applied=False)


def release(call: Call, held: HeldLease) -> Generator[Step, StepResult, StepResult]:
    """Let go of the key, so that a retry can run at once: release it, or give up if that would
    forget something. One try: its lease's end frees it, too. Keep it to that end where nobody knows
    whether a step's writes were applied: another write might erase their recovery point."""
    if held.progress.uncertain:
        return None
    step = letting_go(call.claim_with(held.attempt, held.progress), held)
    reply = yield step
    if isinstance(step, Release) and _has_steps(call, reply):
        assert isinstance(reply, Conflict)
        found = Progress(reply.record.revision, reply.record.steps)
        reply = yield Renew(call.claim_with(held.attempt, found).given_up())
    if isinstance(reply, Failed):
        yield Emit("StoreError", reply.error, held.attempt)
    elif isinstance(reply, Conflict) and not _is_done(call, reply):
        yield _lease_lost(held, reply)
    return reply


def letting_go(claim: Claim, held: HeldLease) -> Release | Renew:
    """Return the step that lets go of the key that this claim holds."""
    return Renew(claim.given_up()) if held.keeps else Release(claim.key, claim.owner)


def send(completion: Completion) -> Generator[Step, StepResult, StepResult]:
    """Send a completion; repeat it while the store fails and there is time for pauses."""
    for pause in RETRY_PAUSES_MS:
        reply = yield Complete(completion)
        if not isinstance(reply, Failed) or reply.remaining_ms < pause:
            return reply
        yield Sleep(pause)
    return (yield Complete(completion))


def _lease_lost(held: HeldLease, reply: StepResult) -> Emit:
    why = "the record is gone"
    if isinstance(reply, Conflict):
        found = reply.record
        why = f"the record is attempt {found.attempt}'s, and {found.status}"
    return Emit("LeaseLost", why, held.attempt)


def _once(completion: Completion) -> Generator[Step, StepResult, StepResult]:
    return (yield Complete(completion))


def _completion(call: Call, held: HeldLease, ran: Returned) -> Completion:
    return call.completion(
        held.attempt, data=ran.data, encoding=ran.encoding, not_after=held.not_after
    )


def differs(call: Call, found: Record) -> bool:
    """Tell whether the payloads differ under one key. Without both fingerprints, they do not."""
    return None not in (call.fingerprint, found.fingerprint) and (
        call.fingerprint != found.fingerprint
    )


def _has_steps(call: Call, reply: StepResult) -> bool:
    """Tell whether a release was refused because the own record has recovery points."""
    return (
        isinstance(reply, Conflict)
        and reply.record.owner == call.owner
        and reply.record.steps is not None
    )


def _is_done(call: Call, reply: StepResult) -> bool:
    """Tell whether the call's own answer is recorded: then the reply to an earlier try was lost."""
    return isinstance(reply, Conflict) and (
        (reply.record.owner, reply.record.status) == (call.owner, COMPLETED)
    )


def _answers(call: Call, found: Record) -> bool:
    """Tell whether the record of an attempt that overtook us holds an answer to this request."""
    return found.status == COMPLETED and found.data is not None and not differs(call, found)
