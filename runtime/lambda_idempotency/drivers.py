"""Executes the protocol's steps: here, and in `async_driver`, the protocol meets the world."""

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
    finish: Callable[[Returned], Returned] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Runs a call to its outcome. `run` reconciles too; `remaining` tells the milliseconds left.
    `finish`, which never raises, does with a result what takes time before it is recorded."""
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
                if finish is not None and isinstance(reply, Returned) and reply.keep:
                    reply = finish(reply)
            elif isinstance(step, Sleep):
                sleep(step.milliseconds / 1000)
                reply = None
            elif isinstance(step, Emit):
                report(step.metric, key)
                reply = None
            else:
                reply = ask_surely(store, step, remaining)
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


def ask_surely(
    store: Store, step: Claim | Complete | Release | Read, remaining: Callable[[], int]
) -> Answer:
    """Sends one verb to the store; whatever it raises is an answer too."""
    try:
        return ask(store, step)
    except Exception as error:  # noqa: BLE001 - a bug in a store loses no result either
        return Failed(error, remaining())
