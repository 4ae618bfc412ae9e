"""Executes the protocol's steps: the only place where the protocol meets the world."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from .protocol import (
    Answer,
    Claim,
    Complete,
    Emit,
    Failed,
    Outcome,
    Protocol,
    Raised,
    Read,
    Release,
    Returned,
    Run,
    Sleep,
)
from .record import Metric, Store

_LOG: Final = logging.getLogger("lambda_idempotency")
_WARN: Final[frozenset[Metric]] = frozenset(
    {"TakenOver", "LeaseLost", "CompletionFailed", "Parked", "StoreError"}
)


def drive(
    protocol: Protocol,
    *,
    key: str,
    store: Store,
    run: Callable[[Run], Returned],
    remaining: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Runs one call to its outcome. `remaining` tells the milliseconds that are left for it."""
    reply: Answer = None
    while True:
        try:
            step = protocol.send(reply)
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome
        if isinstance(step, Run):
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
                _LOG.debug("store failed: %s", type(error).__name__)
                reply = Failed(error, remaining())


def ask(store: Store, step: Claim | Complete | Release | Read) -> Answer:
    """Sends one verb to the store."""
    if isinstance(step, Claim):
        return store.claim(step.claim, step.seen)
    if isinstance(step, Complete):
        return store.complete(step.completion)
    if isinstance(step, Release):
        return store.release(step.key, step.owner)
    return store.read(step.key)


def report(metric: Metric, key: str | None) -> None:
    """Logs an event under the record's id: what on-call must see at WARNING, the rest at DEBUG."""
    _LOG.log(logging.WARNING if metric in _WARN else logging.DEBUG, "%s %s", metric, key)
