"""Durable executions, which outlive invocations: the fate of the one that holds a key. No I/O.

An execution that is suspended renews nothing, so its lease lasts to its own timeout, and its owner
is derived from its ARN: a later invocation finds its own claim, and goes on. A claim tells others
nothing of its execution's fate. They ask Lambda (`Examine`):

    running     in progress, also past the lease: a pause may have moved the timeout
    failed      free: its lease is given up on its behalf, and no death counts; a death, where it
                may not have reconciled the one before
    died        a death: its lease is ended on its behalf, and the next attempt takes over
    lost        the same where `on_orphan` can be asked; else the key is parked on its behalf
    succeeded   its answer is recorded on its behalf, and replayed
    unknown     what the lease says

Each write on its behalf is a write under its fence: owner and revision as they were seen. What the
dead execution still sends, or another duplicate does meanwhile, is a conflict, and one looks again.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeAlias

from .record import PARKED, PARKED_FOR_MS, Applied, Claim, Completion, Record
from .steps import (
    Call,
    Complete,
    Emit,
    Examine,
    Failed,
    Fate,
    InProgress,
    Parked,
    Renew,
    Replayed,
    Step,
    StepResult,
    Unavailable,
)

MARGIN_MS: Final = 60 * 1000
"""Milliseconds by which a lease outlasts its execution: Lambda notices a timeout a little later."""

_ENDED_MS: Final = -1
"""The lease of a dead execution: it has ended already. 0 would say that it gave up."""

Examined: TypeAlias = InProgress | Replayed | Parked | Unavailable | Record
"""What is known: an outcome, or the record to take over. If that has changed meanwhile, the claim
is refused, and shows the new one."""


def is_others(call: Call, found: Record) -> bool:
    """Tell whether another durable execution holds the record, whose fate can be asked for."""
    return (
        call.execution is not None
        and found.execution is not None
        and found.owner != call.owner
        and not found.given_up
    )


def is_short(call: Call, left_ms: int | None) -> bool:
    """Tell whether the own lease, of which so much is left, ends before the execution may."""
    if call.execution is None or left_ms is None:
        return False
    return left_ms < call.lease_ms - MARGIN_MS // 2


def examine(call: Call, found: Record, now: int) -> Generator[Step, StepResult, Examined]:
    """Find out what another execution's claim is worth."""
    assert found.execution is not None
    fate = yield Examine(found.execution)
    assert isinstance(fate, Fate)
    if fate.state == "running":
        return InProgress(found._replace(lease_end=_until(found, fate, now)), now)
    if fate.state == "unknown":
        yield Emit("LivenessUnknown")
        return InProgress(found, now) if found.leased(now) else found
    if fate.state == "succeeded":
        return (yield from _complete_for(call, found, fate))
    if fate.state == "lost" and not call.reconciles:
        return (yield from _park_for(found))
    # One that had taken over a dead attempt may have failed before it knew what that had done.
    failed = fate.state == "failed" and not (call.reconciles and found.attempt > 1)
    if not failed and not found.leased(now):
        return found
    return (yield from _end_for(found, call.expires_after_ms, failed=failed))


def _until(found: Record, fate: Fate, now: int) -> int:
    """Return when a running execution's claim ends, at the latest."""
    if fate.until is None:
        return max(found.lease_end, now + MARGIN_MS)
    return max(fate.until + MARGIN_MS, now + 1)


def _complete_for(call: Call, found: Record, fate: Fate) -> Generator[Step, StepResult, Examined]:
    """Record the answer of an execution that could not do so itself."""
    completion = _completion(found, call.expires_after_ms)._replace(
        data=fate.data, encoding=fate.encoding
    )
    reply = yield Complete(completion)
    if isinstance(reply, Applied):
        return Replayed(completion.record(reply.now))
    return (yield from _unwritten(reply, found))


def _park_for(found: Record) -> Generator[Step, StepResult, Examined]:
    """Park the key of an execution of which nobody knows how it ended. To claim it first would lose
    that: the next duplicate would meet a claim of which all is known."""
    reply = yield Complete(_completion(found, PARKED_FOR_MS)._replace(status=PARKED))
    if isinstance(reply, Applied):
        return Parked(found.key, found.attempt)
    return (yield from _unwritten(reply, found))


def _completion(found: Record, expires_after_ms: int) -> Completion:
    """Return the completion of another execution's attempt, under its fence."""
    return Completion(
        key=found.key,
        owner=found.owner,
        attempt=found.attempt,
        expires_after_ms=expires_after_ms,
        fingerprint=found.fingerprint,
        scope=found.scope,
        strict=True,
    )


def _end_for(
    found: Record, expires_after_ms: int, *, failed: bool
) -> Generator[Step, StepResult, Examined]:
    """End the lease of an execution that has ended. Return the record as it is then."""
    claim = Claim(
        key=found.key,
        owner=found.owner,
        lease_ms=0 if failed else _ENDED_MS,
        expires_after_ms=expires_after_ms,
        attempt=found.attempt,
        fingerprint=found.fingerprint,
        scope=found.scope,
        # Each end has a revision of its own: a take-over that saw the one never hits the other.
        revision=found.revision + 1 + failed,
        steps=found.steps,
        execution=found.execution,
    )
    reply = yield Renew(claim)
    if isinstance(reply, Applied):
        return claim.record(reply.now)
    return (yield from _unwritten(reply, found))


def _unwritten(reply: StepResult, found: Record) -> Generator[Step, StepResult, Examined]:
    """Return what is known where a write on behalf of an execution did not take effect."""
    if isinstance(reply, Failed):
        yield Emit("StoreError", reply.error)
        return Unavailable(reply.error)
    return found
