"""Executes the protocol's steps: here, and in `async_driver`, the protocol meets the world."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..clients.net import deadline, elapsed
from ..clients.net.elapsed import Moment
from ..metrics.reporting import report, timed
from ..protocol.machine import Protocol
from ..protocol.record import Reply, Store
from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    Emit,
    Failed,
    LeaseExpired,
    Outcome,
    PairResult,
    Raised,
    Read,
    Reconcile,
    Release,
    Returned,
    Run,
    SendClaim,
    Sleep,
    Step,
    StepResult,
)


def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Returned | None],
    remaining: Callable[[], int],
    finish: Callable[[Returned], Returned] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    moment: Callable[[], Moment] = elapsed.now,
) -> Outcome:
    """Runs a call to its outcome. `run` reconciles too; `remaining` tells the milliseconds left.
    `finish`, which never raises, does with a result what takes time before it is recorded."""
    token = deadline.start(remaining())
    lease = Lease(moment)
    reply: StepResult = None
    try:
        while True:
            step = protocol.send(reply)
            lease.note(step)
            reply = execute(
                step, key=key, store=store, run=run, remaining=remaining, sleep=sleep, lease=lease
            )
            if finish is not None and isinstance(reply, Returned) and reply.keep:
                reply = finish(reply)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
    finally:
        deadline.end(token)


def execute(
    step: Step,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Returned | None],
    remaining: Callable[[], int],
    sleep: Callable[[float], None],
    lease: Lease,
) -> StepResult:
    """Executes one step of a call, and returns what to tell its protocol."""
    if isinstance(step, (Run, Reconcile)):
        if lease.ended(step):
            return LeaseExpired()
        try:
            return run(step)
        except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
            return Raised(error)
    if isinstance(step, Sleep):
        sleep(step.milliseconds / 1000)
        return None
    if isinstance(step, Emit):
        report(step.metric, key)
        return None
    return ask_surely(store, step, remaining)


class Lease:
    """Whether the lease that was asked for last may have ended."""

    __slots__ = ("_asked", "_moment")
    _asked: Moment

    def __init__(self, moment: Callable[[], Moment]) -> None:
        self._moment = moment

    def note(self, step: Step | CompleteAndClaim) -> None:
        """To be told of each step before it is executed: some ask for a lease, or look at it."""
        if isinstance(step, (SendClaim, Read, CompleteAndClaim)):
            self._asked = self._moment()

    def ended(self, step: Run | Reconcile) -> bool:
        """Whether what the step calls would come too late: it says how long the lease lasts."""
        if step.lease is None:
            return False
        return elapsed.milliseconds(self._asked, self._moment()) > step.lease


def ask(store: Store, step: SendClaim | Complete | Release | Read) -> StepResult:
    """Sends one verb to the store."""
    if isinstance(step, SendClaim):
        return store.claim(step.claim, step.seen)
    if isinstance(step, Complete):
        return store.complete(step.completion)
    if isinstance(step, Release):
        return store.release(step.key, step.owner)
    return store.read(step.key)


def ask_surely(
    store: Store, step: SendClaim | Complete | Release | Read, remaining: Callable[[], int]
) -> StepResult:
    """Sends one verb to the store; whatever it raises is an answer too."""
    try:
        return timed(lambda: ask(store, step))
    except Exception as error:  # noqa: BLE001 - a bug in a store loses no result either
        return Failed(error, remaining())


def complete_and_claim(
    store: Store, step: CompleteAndClaim, remaining: Callable[[], int]
) -> PairResult:
    """Sends a completion and a claim, at once where the store can."""
    together = getattr(store, "together", None)
    if together is None:
        completed = ask_surely(store, Complete(step.completion), remaining)
        return PairResult(completed, ask_surely(store, SendClaim(step.claim), remaining))
    replies: tuple[Reply | Exception, Reply | Exception]
    try:
        replies = timed(lambda: together(step.completion, step.claim))
    except Exception as error:  # noqa: BLE001 - as in `ask_surely`
        replies = error, error
    return PairResult(*(Failed(r, remaining()) if isinstance(r, Exception) else r for r in replies))
