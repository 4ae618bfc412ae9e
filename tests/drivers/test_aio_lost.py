"""A request whose end its call never learns: a signal handler has raised in the callback of asyncio
that would have told it. The call gives the request up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.drivers import aio
from lambda_idempotency.protocol.machine import Protocol, run_once
from lambda_idempotency.protocol.record import Claim, Completion
from lambda_idempotency.protocol.steps import (
    Call,
    Complete,
    CompleteAndClaim,
    Executed,
    Failed,
    PairResult,
    Read,
    Reconcile,
    Release,
    Renew,
    Returned,
    Run,
    SendClaim,
)
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.cached import CachedStore
from lambda_idempotency.stores.memory import MemoryStore

KEY: Final = "shop#1"
OWNER: Final = "a" * 32
CLAIM: Final = Claim(key=KEY, owner=OWNER, lease_ms=1000, expires_after_ms=5000)
COMPLETION: Final = Completion(key=KEY, owner=OWNER, attempt=1, expires_after_ms=5000, data="1")
CALL: Final = Call(key=KEY, owner=OWNER, lease_ms=30_000, expires_after_ms=60_000)
VERBS: Final = (
    *(SendClaim(CLAIM), Renew(CLAIM), Complete(COMPLETION), Release(KEY, OWNER), Read(KEY)),
    CompleteAndClaim(COMPLETION, CLAIM),
)


async def _wait(*_: object) -> None:
    await asyncio.get_running_loop().create_future()


_NEVER: Final[Any] = _wait


class OnLoop(CachedStore):
    """A store whose requests wait on the loop, and are never woken."""

    on_loop = True
    claiming = renewing = completing = releasing = reading = _NEVER
    completing_and_claiming = _NEVER

    def __init__(self) -> None:
        super().__init__(MemoryStore(), 1)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests be given up soon."""
    monkeypatch.setattr(deadline, "of_lost", lambda: Deadline(0.01))


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function from which on no thread's result is told."""

    def lose() -> None:
        monkeypatch.setattr(aio, "threaded", lambda _: asyncio.get_running_loop().create_future())

    return lose


async def _run(_: Run | Reconcile) -> Returned:
    return Returned("result", '"result"')


def _driven(protocol: Protocol, store: Store, **options: Any) -> Any:
    driven: Awaitable[Any] = aio.drive(
        protocol, key=KEY, store=store, remaining=lambda: 10_000, **{"run": _run, **options}
    )
    return asyncio.run(asyncio.wait_for(driven, 60))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: type(verb).__name__)
@pytest.mark.parametrize("kind", [MemoryStore, OnLoop], ids=["thread", "loop"])
def test_a_request_whose_end_is_lost_is_given_up(
    kind: Callable[[], Store], verb: Any, lost: Callable[[], None]
) -> None:
    lost()

    async def asked() -> Any:
        shield = aio.CancellationShield(kind(), lambda: 10_000, asyncio.sleep)
        ask = shield.complete_and_claim if isinstance(verb, CompleteAndClaim) else shield.ask
        return await asyncio.wait_for(ask(verb), 60)

    answer = asyncio.run(asked())
    for each in answer if isinstance(answer, PairResult) else (answer,):
        assert isinstance(each, Failed)
        assert isinstance(each.error, TimeoutError)
        assert each.remaining_ms == 0  # it is not repeated


def test_so_the_caller_gets_its_result(lost: Callable[[], None]) -> None:
    async def run(_: Run | Reconcile) -> Returned:
        lost()
        return Returned("result", '"result"')

    outcome = _driven(run_once(CALL), MemoryStore(), run=run)
    assert isinstance(outcome, Executed)
    assert outcome.result == "result"


def test_a_reply_that_came_while_the_process_was_frozen_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then both are due at once: the reply is to be read, and the request to be given up."""
    monkeypatch.setattr(deadline, "of_lost", lambda: Deadline(-60))
    timers: list[asyncio.TimerHandle] = []

    async def frozen() -> Any:
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def at_once_or_never(_: float, *call: Any) -> asyncio.TimerHandle:
            timers.append(call_later(60 if len(timers) % 2 else 0, *call))
            return timers[-1]

        monkeypatch.setattr(loop, "call_later", at_once_or_never)
        return await aio.drive(
            run_once(CALL), key=KEY, store=MemoryStore(), run=_run, remaining=lambda: 10_000
        )

    assert isinstance(asyncio.run(frozen()), Executed)
    assert len(timers) >= 2


@pytest.mark.parametrize("error", [SystemExit(1), RuntimeError()], ids=repr)
def test_a_finish_that_raises_loses_no_completion(error: BaseException) -> None:
    def finish(_: Returned) -> Returned:
        raise error

    store = MemoryStore()
    outcome = _driven(run_once(CALL), store, finish=finish)
    assert isinstance(outcome, Executed)
    assert [record.status for record in store.records().values()] == ["COMPLETED"]
