"""The idempotency protocol, without I/O.

`run_once` is a generator that yields steps and receives replies. It reads no clock, opens no
connection and draws no random numbers, so every interleaving of several workers can be replayed.

                 claim                    complete
    (absent) ──────────────► INPROGRESS ────────────► COMPLETED ──► (absent, when expired)
        ▲                      │   ▲  │
        └──────────────────────┘   └──┘  claim under the fence: the lease has ended (an orphan),
     release: it raised, or its       │  or was given up, because the record has recovery points
     answer is not kept               │
                                      └─────────────► PARKED: more than max_attempts have died

Four rules carry the guarantees:

1. Every write is conditional and puts the whole record, so the store alone decides who owns a key.
2. An orphan is taken over only while it still has the owner we saw. The first to complete or take
   over wins, and the other one learns it.
3. The user's code is not called once the lease may have ended. Drivers measure the lease from the
   moment they request it, because no reply tells how long it was under way.
4. Once the handler has returned, its result reaches the caller, whatever happens to the record.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeAlias

from ..errors import StoreError
from .acquiring import acquire, verdict_of
from .endings import HeldLease, commit, letting_go, record_answer, release, send
from .record import (
    NO_BODY,
    NOT_KEPT,
    PARKED,
    PARKED_FOR_MS,
    Claim,
    Conflict,
    Record,
)
from .steps import (
    Call,
    Emit,
    Executed,
    Failed,
    InProgress,
    LeaseExpired,
    Mismatch,
    Outcome,
    Parked,
    Raised,
    Read,
    Reconcile,
    Replayed,
    Returned,
    Run,
    Step,
    StepResult,
    Unavailable,
)

_EXECUTED: Final = Emit("Executed")  # of most calls, so it is not made anew

# The protocol -------------------------------------------------------------------------------------

Protocol: TypeAlias = Generator[Step, StepResult, Outcome]


def run_once(call: Call) -> Protocol:
    """Run the whole life of one call: claim, run, then complete or release."""
    held = yield from acquire(call)
    if not isinstance(held, HeldLease):
        yield from _count(held)
        if isinstance(held, Replayed) and _is_unrecorded(call, held.record):
            return (yield from _run_again(call, held.record))
        return held
    if _is_too_much(call, held):
        return (yield from _park(call, held))
    ran: StepResult = None
    if call.reconciles and held.after_death:
        ran = yield Reconcile(held.attempt, held.lease_ms, _renewal(call, held))
        if isinstance(ran, Raised):
            # The key keeps its lease: a release would erase the dead attempt to be reconciled.
            return ran
        if isinstance(ran, Returned):
            yield Emit("Reconciled")
    if ran is None:
        # Emit before the run, so that the log shows which attempt died. Late ones count, too.
        yield Emit("Resumed") if held.reentered else _EXECUTED
        ran = yield Run(held.attempt, held.lease_ms, _renewal(call, held), held.progress)
    if isinstance(ran, LeaseExpired):
        return (yield from _too_late(call, held))
    assert isinstance(ran, Returned | Raised)
    return (yield from _end(call, held, ran))


def _end(call: Call, held: HeldLease, ran: Returned | Raised) -> Protocol:
    """End the attempt, as its code has ended. A suspended one has not."""
    if ran.progress is not None:
        held = held._replace(progress=ran.progress, uses_steps=True)
    if isinstance(ran, Raised):
        if not ran.suspended:
            yield from release(call, held)
        return ran
    if ran.suspended:
        return Executed(ran.result)
    if not ran.keep:
        yield from release(call, held)
        return Executed(ran.result)
    if ran.renewed_at is not None:
        held = held._replace(not_after=call.claim(held.attempt).expires(ran.renewed_at))
    return (yield from (commit if ran.writes else record_answer)(call, held, ran))


def _is_too_much(call: Call, held: HeldLease) -> bool:
    """Tell whether an operator has to decide, because too many attempts have died."""
    return call.max_attempts is not None and held.attempt > call.max_attempts


def _run_again(call: Call, record: Record) -> Protocol:
    """Run code whose end is recorded without its answer, for that answer. Only a durable execution
    does: what it has done it does not do again. What `on_orphan` has found out is asked again."""
    yield Emit("Resumed")
    ran: StepResult = None
    if call.reconciles and record.attempt > 1:
        ran = yield Reconcile(record.attempt)
    if ran is None:
        ran = yield Run(record.attempt)
    if isinstance(ran, Raised):
        return ran
    assert isinstance(ran, Returned)
    return Executed(ran.result)


def run_unprotected() -> Protocol:
    """Run a call that has no record in a store."""
    ran = yield Run(1)
    if isinstance(ran, Raised):
        return ran
    assert isinstance(ran, Returned)
    return Executed(ran.result)


def _is_unrecorded(call: Call, found: Record) -> bool:
    """Tell whether the execution has ended in an earlier invocation, and its answer is not kept."""
    return (
        call.execution is not None
        and found.owner == call.owner
        and found.encoding in (NO_BODY, NOT_KEPT)
    )


def _park(call: Call, held: HeldLease) -> Protocol:
    """Park the key, because its attempts keep dying. We hold the fence, so none is running."""
    completion = call.completion(held.attempt - 1)._replace(
        expires_after_ms=PARKED_FOR_MS, status=PARKED, strict=True
    )
    reply = yield from send(completion)
    if isinstance(reply, Conflict) and reply.record.owner != call.owner:
        # Our own lease ended meanwhile. The new owner decides, unless it has died, too.
        verdict = verdict_of(call, reply.record, reply.now, Read(call.key))
        if verdict is not None and not isinstance(verdict, HeldLease):
            yield from _count(verdict)
            return verdict
    if isinstance(reply, Failed):
        yield Emit("StoreError", reply.error, held.attempt)
    else:
        yield Emit("Parked", attempt=held.attempt - 1)
    return Parked(call.key, held.attempt - 1)


def _too_late(call: Call, held: HeldLease) -> Protocol:
    why = StoreError(
        f"The lease of record {call.key} ended before the call could start: the store answered too "
        "late, or this process stood still. Nothing ran; retry."
    )
    yield Emit("StoreError", why, held.attempt)
    if not held.after_death and not call.reenters:
        yield letting_go(call.claim_with(held.attempt, held.progress), held)
    return Unavailable(why)


def _renewal(call: Call, held: HeldLease) -> Claim | None:
    """Return the claim that a heartbeat renews while the call runs, if it has a lease at all."""
    if not call.renews or held.lease_ms is None:
        return None
    return call.claim_with(held.attempt, held.progress)


def _count(outcome: Outcome) -> Generator[Step, StepResult, None]:
    if (metric := _METRICS.get(type(outcome))) is not None:
        yield metric


_METRICS: Final = {
    Replayed: Emit("Replayed"),
    InProgress: Emit("InProgress"),
    Mismatch: Emit("Mismatch"),
    Parked: Emit("Parked"),
}
