"""The requests of `requests`, to a store that can wait on the event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ..clients.net import deadline
from ..clients.net.aio import AIO
from ..metrics.reporting import timed_async
from ..protocol.record import Reply
from ..protocol.steps import (
    Complete,
    CompleteAndClaim,
    PairResult,
    Read,
    Release,
    Renew,
    SendClaim,
    StepResult,
)
from ..stores.base import ReplyOrError, about
from ..stores.coroutines import CoroutineStore
from .requests import Verb, failed, key_of, pair_result


async def ask_surely_on_loop(
    store: CoroutineStore, step: Verb, remaining: Callable[[], int]
) -> StepResult:
    """Send one verb to the store, as `ask_surely` does."""
    try:
        if isinstance(step, Complete):
            with deadline.completion():
                reply = await timed_async(store.completing(step.completion, AIO))
        elif isinstance(step, Renew):  # what has happened is written down
            with deadline.completion():
                reply = await timed_async(store.renewing(step.claim, AIO))
        else:
            reply = await timed_async(_asking(store, step))
        return about(key_of(step), reply, store)
    except Exception as error:  # noqa: BLE001 - as in `ask_surely`
        return failed(error, remaining)


def _asking(store: CoroutineStore, step: SendClaim | Release | Read) -> Coroutine[Any, Any, Reply]:
    if isinstance(step, SendClaim):
        return store.claiming(step.claim, step.seen, AIO)
    if isinstance(step, Release):
        return store.releasing(step.key, step.owner, AIO)
    return store.reading(step.key, AIO)


async def complete_and_claim_on_loop(
    store: CoroutineStore, step: CompleteAndClaim, remaining: Callable[[], int]
) -> PairResult:
    """Send a completion and a claim, as `complete_and_claim` does."""
    replies: tuple[ReplyOrError, ReplyOrError]
    try:
        with deadline.completion():
            asking = store.completing_and_claiming(step.completion, step.claim, AIO)
            replies = await timed_async(asking)
    except Exception as error:  # noqa: BLE001 - as in `ask_surely`
        replies = error, error
    return pair_result(store, step, replies, remaining)
