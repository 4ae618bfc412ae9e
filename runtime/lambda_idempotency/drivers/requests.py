"""The requests of drivers to a store: whatever it does, the protocol gets a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Final, TypeAlias

from ..clients.net import deadline
from ..metrics.reporting import timed
from ..protocol.record import Conflict, Reply
from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    Failed,
    PairResult,
    Read,
    Release,
    Renew,
    SendClaim,
    Sleep,
    StepResult,
)
from ..stores.base import ReplyOrError, Store, about, attempted

Verb: TypeAlias = SendClaim | Renew | Complete | Release | Read
"""A step that is a request to the store."""

_WRITES_DOWN: Final = frozenset({Complete, Renew})
"""The types of those that write down what has happened."""


def ask(store: Store, step: Verb) -> Reply:
    """Send one verb to the store."""
    if isinstance(step, SendClaim):
        reply = store.claim(step.claim, step.seen)
    elif isinstance(step, Renew):
        reply = store.renew(step.claim)
    elif isinstance(step, Complete):
        reply = store.complete(step.completion)
    elif isinstance(step, Release):
        reply = store.release(step.key, step.owner)
    else:
        reply = store.read(step.key)
    return about(key_of(step), reply, store) if isinstance(reply, Conflict) else reply


def key_of(step: Verb) -> str:
    """Return the key of the record that a request is about."""
    if isinstance(step, SendClaim | Renew):
        return step.claim.key
    return step.completion.key if isinstance(step, Complete) else step.key


def failed(error: Exception, remaining: Callable[[], int]) -> Failed:
    """Return a failure of the store."""
    return Failed(error, deadline.without_reserve(remaining()))


def ask_surely(store: Store, step: Verb, remaining: Callable[[], int]) -> StepResult:
    """Send one verb to the store. An exception is a result, too."""
    try:
        if type(step) in _WRITES_DOWN:
            with deadline.completion():
                return timed(ask, store, step)
        return timed(ask, store, step)
    except Exception as error:  # noqa: BLE001 - even a store's bug must not lose a result
        return failed(error, remaining)


def ask_alone(
    store: Store,
    steps: Generator[Renew | Sleep, StepResult, StepResult],
    remaining: Callable[[], int],
    sleep: Callable[[float], None] = time.sleep,
) -> StepResult:
    """Execute the steps of one request, beside a call's protocol. Return its result."""
    result: StepResult = None
    token = deadline.start(remaining())
    try:
        while True:
            step = steps.send(result)
            if isinstance(step, Sleep):
                sleep(step.milliseconds / 1000)
                result = None
            else:
                result = ask_surely(store, step, remaining)
    except StopIteration as stop:
        ended: StepResult = stop.value
        return ended
    finally:
        deadline.end(token)


def complete_and_claim(
    store: Store, step: CompleteAndClaim, remaining: Callable[[], int]
) -> PairResult:
    """Send a completion and a claim, in one request if the store can."""
    replies: tuple[ReplyOrError, ReplyOrError]
    try:
        with deadline.completion():
            replies = timed(store.complete_and_claim, step.completion, step.claim)
    except Exception as error:  # noqa: BLE001 - as in `ask_surely`
        replies = error, error
    return pair_result(store, step, replies, remaining)


def pair_result(
    store: Store,
    step: CompleteAndClaim,
    replies: tuple[ReplyOrError, ReplyOrError],
    remaining: Callable[[], int],
) -> PairResult:
    """Return the replies to a completion and a claim as the result of a step."""

    def result(key: str, reply: ReplyOrError) -> StepResult:
        if not isinstance(reply, Exception):
            reply = attempted(partial(about, key, reply, store))
        return failed(reply, remaining) if isinstance(reply, Exception) else reply

    completed, claimed = replies
    return PairResult(result(step.completion.key, completed), result(step.claim.key, claimed))
