"""How an attempt ends: its answer is recorded, its writes are committed, or its key is released."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, NamedTuple

from .record import COMPLETED, Absent, Applied, Completion, Conflict, Record, WritesRefused
from .steps import (
    Call,
    CommitFailed,
    Complete,
    Emit,
    Executed,
    Failed,
    LeaseLost,
    Outcome,
    Release,
    Replayed,
    Returned,
    Sleep,
    Step,
    StepResult,
)

PAUSES: Final = (50, 100, 200, 400, 800, 1600, 3200)
"""Pauses between tries to record an answer, milliseconds."""

RESERVE: Final = 500
"""Milliseconds of the invocation that are never slept away: the result must still be returned."""


class HeldLease(NamedTuple):
    """We own the key for this attempt, for so many milliseconds since we asked; `not_after` is our
    claim's expiration. None where nothing is known of our claim."""

    attempt: int
    not_after: int | None
    lease: int | None


def record_answer(
    call: Call, held: HeldLease, ran: Returned
) -> Generator[Step, StepResult, Outcome]:
    """The effect has happened: record the answer, and return it whatever becomes of the record."""
    completion = _completion(call, held, ran)
    reply = yield from send(completion)
    if isinstance(reply, Absent) and completion.may_create(reply.now):
        # The store knew the time too little to tell that the record has expired; now it does.
        reply = yield from send(completion)
    if isinstance(reply, Failed):
        yield Emit("CompletionFailed")
    elif isinstance(reply, Absent):
        yield Emit("LeaseLost")
    elif isinstance(reply, Conflict) and reply.record.owner != call.owner:
        yield Emit("LeaseLost")
        if _answers(call, reply.record):
            return Replayed(reply.record)
    # A conflict with our own COMPLETED: the reply to an earlier send was lost, and it is done.
    return Executed(ran.result)


def commit(call: Call, held: HeldLease, ran: Returned) -> Generator[Step, StepResult, Outcome]:
    """The writes of the business and the answer take effect together, under the fence, or none
    does; the result is never returned without them."""
    completion = _completion(call, held, ran)._replace(
        strict=True, writes=ran.writes, expiration=held.not_after
    )
    reply = yield from send(completion)
    if isinstance(reply, WritesRefused):
        freed = yield from release(call)
        if _is_done(call, freed):
            # An earlier try was still under way, and has been applied after all.
            return Executed(ran.result)
        applied = None if isinstance(freed, Failed) else False
        return CommitFailed(call.key, reply.about, applied=applied)
    if isinstance(reply, Failed):
        # It may have taken effect: the key stays ours until the lease ends.
        yield Emit("CompletionFailed")
        return CommitFailed(call.key, "the store did not answer", applied=None)
    if isinstance(reply, Applied) or _is_done(call, reply):
        return Executed(ran.result)
    yield Emit("LeaseLost")
    if isinstance(reply, Conflict) and _answers(call, reply.record):
        return Replayed(reply.record)
    return LeaseLost(call.key)


def release(call: Call) -> Generator[Step, StepResult, StepResult]:
    """Let a retry run at once. One try: an unreleased key frees itself when the lease ends."""
    reply = yield Release(call.key, call.owner)
    if isinstance(reply, Failed):
        yield Emit("StoreError")
    elif isinstance(reply, Conflict) and not _is_done(call, reply):
        yield Emit("LeaseLost")
    return reply


def send(completion: Completion) -> Generator[Step, StepResult, StepResult]:
    """Sends a completion, again while the store fails and the invocation has time left."""
    for pause in PAUSES:
        reply = yield Complete(completion)
        if not isinstance(reply, Failed) or reply.remaining < pause + RESERVE:
            return reply
        yield Sleep(pause)
    return (yield Complete(completion))


def _completion(call: Call, held: HeldLease, ran: Returned) -> Completion:
    return Completion(
        key=call.key,
        owner=call.owner,
        attempt=held.attempt,
        expires_after=call.expires_after,
        fingerprint=call.fingerprint,
        data=ran.data,
        encoding=ran.encoding,
        scope=call.scope,
        not_after=held.not_after,
    )


def differs(call: Call, found: Record) -> bool:
    """Another payload under the same key; undecided where either has no fingerprint."""
    return None not in (call.fingerprint, found.fingerprint) and (
        call.fingerprint != found.fingerprint
    )


def _is_done(call: Call, reply: StepResult) -> bool:
    """Whether the call's own answer is recorded: the reply to an earlier try was lost."""
    return isinstance(reply, Conflict) and (
        (reply.record.owner, reply.record.status) == (call.owner, COMPLETED)
    )


def _answers(call: Call, found: Record) -> bool:
    """Whether a record that overtook us holds an answer to this very request."""
    return found.status == COMPLETED and found.data is not None and not differs(call, found)
