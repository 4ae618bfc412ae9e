"""The way to a key: claim it, wait for it, take it over, or learn that another call decides the
answer.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from ..errors import StoreError
from . import executions
from .endings import HeldLease, differs, letting_go
from .record import COMPLETED, PARKED, Absent, Applied, Claim, Conflict, Record
from .steps import (
    NO_PROGRESS,
    Call,
    Emit,
    Failed,
    InProgress,
    Mismatch,
    Outcome,
    Parked,
    Progress,
    Read,
    Release,
    Renew,
    Replayed,
    SendClaim,
    Sleep,
    Step,
    StepResult,
    Unavailable,
)

POLL_PAUSES_MS: Final = (20, 40, 80, 160, 320, 640, 1000)
"""Milliseconds of pause between reads while another attempt runs. The last one repeats."""

CLAIMS_AT_ONCE: Final = 3
"""The claims that follow the first without a pause: an expired record is met, then a dead attempt,
then that one's late release."""

MOST_CLAIMS: Final = 9
"""The claims of a free record of which one must succeed."""

CONTRADICTION: Final = "The store contradicts itself"
"""The beginning of the error of a call that no claim ends."""


def acquire(call: Call) -> Generator[Step, StepResult, HeldLease | Outcome]:
    """Claim the key, or return why another call decides the answer."""
    step: SendClaim | Read = _claim(call)
    pauses = _poll_pauses(call.owner)
    deadline: int | None = None
    waited = claims = 0
    while True:
        reply = yield step
        if isinstance(reply, Failed):
            yield Emit("StoreError", reply.error, _attempt(step))
            return (yield from _unreachable(call, step, reply))
        if isinstance(reply, Applied):
            assert isinstance(step, SendClaim)
            if _takes_over(call, step):
                yield Emit("TakenOver")
            return _held(call, step.claim, call.lease_ms, step, step.claim.expires(reply.now))
        assert isinstance(reply, Conflict | Absent)
        now = reply.now
        found, verdict = yield from _judged(call, reply, step)
        if isinstance(verdict, InProgress):
            deadline = now + call.wait_ms if deadline is None else deadline
            if now >= deadline or waited >= call.wait_ms:  # the store's clock may be set back
                return verdict
            pause = min(next(pauses), verdict.record.lease_end - now, deadline - now)
            yield Sleep(pause)
            waited, claims = waited + pause, 0
            step = Read(call.key)
        elif verdict is not None:
            return verdict
        else:
            step, claims = _claim(call, seen=found), claims + 1
            if claims == MOST_CLAIMS:
                failed = Failed(_contradiction(call), 0)
                yield Emit("StoreError", failed.error, _attempt(step))
                return (yield from _unreachable(call, step, failed))
            if claims > CLAIMS_AT_ONCE:
                yield Sleep(next(pauses))


def _judged(
    call: Call, reply: Conflict | Absent, step: SendClaim | Read
) -> Generator[Step, StepResult, tuple[Record | None, HeldLease | Outcome | None]]:
    """Return the record that is there, and what it means for the call. None: take over."""
    if isinstance(reply, Absent):
        return None, None
    found, now = reply.record, reply.now
    verdict = verdict_of(call, found, now, step)
    if _is_held(verdict) and executions.is_others(call, found):
        examined = yield from executions.examine(call, found, now)
        if isinstance(examined, Record):
            return examined, None
        verdict = examined
    if isinstance(verdict, HeldLease):
        if _takes_over(call, step):
            yield Emit("TakenOver")
        if executions.is_short(call, verdict.lease_ms):
            verdict = yield from _prolonged(call, verdict)
    return found, verdict


def verdict_of(
    call: Call, found: Record, now: int, step: SendClaim | Read
) -> HeldLease | Outcome | None:
    """Return what an unexpired record means for the call. None: its attempt is dead, take over."""
    if found.owner == call.owner and found.leased(now):
        # The reply to an earlier send of this claim was lost, or an earlier invocation of the
        # same execution has sent it: it is ours.
        return _held(call, found, found.lease_end - now, step, found.expiration)
    if differs(call, found):
        return Mismatch(found)
    if found.status == COMPLETED:
        return Replayed(found)
    if found.status == PARKED:
        return Parked(found.key, found.attempt)
    return InProgress(found, now) if found.leased(now) else None


def _unreachable(
    call: Call, step: SendClaim | Read, failed: Failed
) -> Generator[Step, StepResult, HeldLease | Unavailable]:
    """Run unprotected if `fail_open` is set and no other attempt is known to run. Else give up."""
    if isinstance(step, Read):
        return Unavailable(failed.error)
    if call.fail_open:
        return _held(call, step.claim, None, step, None)
    if (undoing := undo(step)) is not None:
        yield undoing
    return Unavailable(failed.error)


def _attempt(step: SendClaim | Read) -> int | None:
    """Return the attempt that a claim would begin."""
    return step.claim.attempt if isinstance(step, SendClaim) else None


def _contradiction(call: Call) -> StoreError:
    return StoreError(
        f"{CONTRADICTION} about record {call.key}: it is free to be claimed, and each claim of it "
        "is refused. Nothing ran. Another server than Amazon DynamoDB, Redis or Valkey may judge "
        "conditions differently; the tests of lambda_idempotency.testing show it."
    )


def undo(step: SendClaim) -> Release | Renew | None:
    """Return what lets go of a claim under which nothing has run, in case it took effect. None:
    keep the lease, because letting go would erase that the attempt before has died, or end that of
    an earlier invocation."""
    after_death = step.claim.attempt > 1 and not _resumes(step)
    if after_death or step.reenters:
        return None
    progress = Progress(step.claim.revision, step.claim.steps)
    held = HeldLease(step.claim.attempt, None, None, progress, after_death=after_death)
    return letting_go(step.claim, held)


def _held(
    call: Call,
    own: Record | Claim,
    lease_ms: int | None,
    step: SendClaim | Read,
    not_after: int | None,
) -> HeldLease:
    """Return the lease that the own record gives, which this step has found, or written as a
    claim. It expires at `not_after`."""
    reentered = call.reenters and (
        _renews_own(call, step) if isinstance(own, Claim) else _is_first(step)
    )
    # Of a step that is tried again, the try before has died. An execution is what it was.
    after_death = own.attempt > 1 or (reentered and call.execution is None)
    is_new = own.revision == 1 and own.steps is None
    return HeldLease(
        own.attempt,
        not_after,
        lease_ms,
        NO_PROGRESS if is_new else Progress(own.revision, own.steps),
        after_death=after_death and not _resumes(step) and not (reentered and call.resumed),
        reentered=reentered,
    )


def _is_first(step: SendClaim | Read) -> bool:
    """Tell whether a claim was sent over nothing: what it found is of an earlier invocation. What a
    take-over finds is its own."""
    return isinstance(step, SendClaim) and step.seen is None


def _renews_own(call: Call, step: SendClaim | Read) -> bool:
    """Tell whether a claim was sent over the own record, whose lease had ended."""
    return isinstance(step, SendClaim) and step.seen is not None and step.seen.owner == call.owner


def _resumes(step: SendClaim | Read) -> bool:
    return isinstance(step, SendClaim) and step.seen is not None and step.seen.given_up


def _is_held(verdict: HeldLease | Outcome | None) -> bool:
    """Tell whether a record is, or was, held by somebody else."""
    return verdict is None or isinstance(verdict, InProgress)


def _prolonged(call: Call, held: HeldLease) -> Generator[Step, StepResult, HeldLease]:
    """Renew the own lease, which would end before the execution does. A refusal is for the fence of
    the completion, a failure for the next invocation."""
    claim = call.claim_with(held.attempt, held.progress)
    reply = yield Renew(claim)
    if not isinstance(reply, Applied):
        return held
    return held._replace(not_after=claim.expires(reply.now), lease_ms=call.lease_ms)


def _claim(call: Call, *, seen: Record | None = None) -> SendClaim:
    if seen is None:
        return SendClaim(call.claim(1), None, call.reenters)
    died = seen.owner != call.owner and not seen.given_up
    progress = Progress(seen.revision + 1, seen.steps)
    return SendClaim(call.claim_with(seen.attempt + died, progress), seen, call.reenters)


def _takes_over(call: Call, step: SendClaim | Read) -> bool:
    """Tell whether the claim, if it took effect, took over the dead attempt of another call."""
    return (
        isinstance(step, SendClaim)
        and step.seen is not None
        and step.seen.owner != call.owner
        and not step.seen.given_up
    )


def _poll_pauses(owner: str) -> Iterator[int]:
    """Yield growing pauses, spread by the owner's random bits: waiters must not poll in step."""
    spread = 0.75 + int(owner[:4], 16) / 0x1FFFE
    for pause in POLL_PAUSES_MS:
        yield int(pause * spread)
    while True:
        yield int(POLL_PAUSES_MS[-1] * spread)
