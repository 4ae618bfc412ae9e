"""The requests of drivers to a store: whatever it does, the protocol gets a result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from ..clients.net import deadline
from ..metrics.reporting import timed
from ..protocol.record import Reply
from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    Failed,
    PairResult,
    Read,
    Release,
    Renew,
    SendClaim,
    StepResult,
)
from ..stores.base import ReplyOrError, Store, about, attempted

Verb: TypeAlias = SendClaim | Renew | Complete | Release | Read
"""A step that is a request to the store."""


def ask(store: Store, step: Verb) -> Reply:
    """Send one verb to the store."""
    if isinstance(step, SendClaim):
        key, reply = step.claim.key, store.claim(step.claim, step.seen)
    elif isinstance(step, Renew):
        key, reply = step.claim.key, store.renew(step.claim)
    elif isinstance(step, Complete):
        key, reply = step.completion.key, store.complete(step.completion)
    elif isinstance(step, Release):
        key, reply = step.key, store.release(step.key, step.owner)
    else:
        key, reply = step.key, store.read(step.key)
    return about(key, reply, store)


def ask_surely(store: Store, step: Verb, remaining: Callable[[], int]) -> StepResult:
    """Send one verb to the store. An exception is a result, too."""
    try:
        if isinstance(step, Complete):
            with deadline.completion():
                return timed(lambda: ask(store, step))
        return timed(lambda: ask(store, step))
    except Exception as error:  # noqa: BLE001 - even a store's bug must not lose a result
        return Failed(error, remaining())


def complete_and_claim(
    store: Store, step: CompleteAndClaim, remaining: Callable[[], int]
) -> PairResult:
    """Send a completion and a claim, in one request if the store can."""
    try:
        with deadline.completion():
            completed, claimed = timed(
                lambda: store.complete_and_claim(step.completion, step.claim)
            )
    except Exception as error:  # noqa: BLE001 - as in `ask_surely`
        completed, claimed = error, error

    def result(key: str, reply: ReplyOrError) -> StepResult:
        if isinstance(reply, Exception):
            return Failed(reply, remaining())
        found = attempted(partial(about, key, reply, store))
        return Failed(found, remaining()) if isinstance(found, Exception) else found

    return PairResult(result(step.completion.key, completed), result(step.claim.key, claimed))
