"""Executes the protocol's steps: the only place where the protocol meets the world."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import deadline
from .metrics import report
from .protocol import Protocol
from .record import Store
from .steps import (
    Answer,
    Claim,
    Complete,
    Emit,
    Failed,
    Outcome,
    Raised,
    Read,
    Reconcile,
    Release,
    Returned,
    Run,
    Sleep,
)


def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Callable[[Run | Reconcile], Returned | None],
    remaining: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Runs a call to its outcome. `run` reconciles too; `remaining` tells the milliseconds left."""
    token = deadline.start(remaining())
    reply: Answer = None
    try:
        while True:
            step = protocol.send(reply)
            if isinstance(step, (Run, Reconcile)):
                try:
                    reply = run(step)
                except BaseException as error:  # noqa: BLE001 - the protocol re-raises it
                    reply = Raised(error)
            elif isinstance(step, Sleep):
                sleep(step.milliseconds / 1000)
                reply = None
            elif isinstance(step, Emit):
                report(step.metric, key)
                reply = None
            else:
                try:
                    reply = ask(store, step)
                except Exception as error:  # noqa: BLE001 - a bug in a store loses no result either
                    reply = Failed(error, remaining())
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
    finally:
        deadline.end(token)


def ask(store: Store, step: Claim | Complete | Release | Read) -> Answer:
    """Sends one verb to the store."""
    if isinstance(step, Claim):
        return store.claim(step.claim, step.seen)
    if isinstance(step, Complete):
        return store.complete(step.completion)
    if isinstance(step, Release):
        return store.release(step.key, step.owner)
    return store.read(step.key)
