"""The asyncio driver: the stores work in threads, and the event loop keeps running."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

import pytest

from kit.clocks import ManualClock
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.drivers.aio import drive
from lambda_idempotency.drivers.requests import ask
from lambda_idempotency.protocol.machine import Protocol, run_once
from lambda_idempotency.protocol.record import Claim, Completion
from lambda_idempotency.protocol.steps import (
    Call,
    Complete,
    Emit,
    Executed,
    Outcome,
    Read,
    Reconcile,
    Release,
    Returned,
    Run,
    SendClaim,
    StepResult,
    Unavailable,
)
from lambda_idempotency.stores.memory import MemoryStore

KEY: Final = "shop#1"
OWNER: Final = "a" * 32
CALL: Final = Call(key=KEY, owner=OWNER, lease_ms=30_000, expires_after_ms=60_000)
VERBS: Final[list[SendClaim | Complete | Release | Read]] = [
    SendClaim(Claim(key=KEY, owner=OWNER, lease_ms=1000, expires_after_ms=5000)),
    Complete(Completion(key=KEY, owner=OWNER, attempt=1, expires_after_ms=5000, data="1")),
    Release(KEY, OWNER),
    Read(KEY),
]
LAMP: Final[ContextVar[str]] = ContextVar("lamp", default="off")

verbs = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: type(verb).__name__)


class Observed(MemoryStore):
    """A store that first calls a function before each verb, in the verb's thread."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__(ManualClock())
        self._before = before

    def claim(self, *arguments: Any) -> Any:
        self._before()
        return super().claim(*arguments)

    def complete(self, *arguments: Any) -> Any:
        self._before()
        return super().complete(*arguments)

    def release(self, *arguments: Any) -> Any:
        self._before()
        return super().release(*arguments)

    def read(self, *arguments: Any) -> Any:
        self._before()
        return super().read(*arguments)


def one(step: SendClaim | Complete | Release | Read, answers: list[StepResult]) -> Protocol:
    answers.append((yield step))
    return Executed("the outcome")


async def returns_one(_: Run | Reconcile) -> Returned:
    return Returned(1, "1")


def driven(
    protocol: Protocol,
    store: MemoryStore,
    run: Callable[[Run | Reconcile], Awaitable[Returned]] = returns_one,
    remaining: Callable[[], int] = lambda: 10_000,
) -> Awaitable[Outcome]:
    return drive(protocol, key=KEY, store=store, run=run, remaining=remaining)


@verbs
def test_the_loop_goes_on_while_a_verb_waits_for_it(
    verb: SendClaim | Complete | Release | Read,
) -> None:
    went_on = threading.Event()

    def wait() -> None:
        assert went_on.wait(10), "the loop was blocked"

    async def main() -> list[StepResult]:
        answers: list[StepResult] = []
        asyncio.get_running_loop().call_later(0, went_on.set)
        await driven(one(verb, answers), Observed(wait))
        return answers

    [answer] = asyncio.run(main())
    assert type(answer) is type(ask(MemoryStore(ManualClock()), verb))


@verbs
def test_a_verb_is_sent_from_another_thread(verb: SendClaim | Complete | Release | Read) -> None:
    threads: list[int] = []
    store = Observed(lambda: threads.append(threading.get_ident()))

    async def main() -> None:
        await driven(one(verb, []), store)

    asyncio.run(main())
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


def test_the_handler_is_awaited_on_the_loop_that_the_call_came_from() -> None:
    async def main() -> bool:
        loops: list[asyncio.AbstractEventLoop] = []

        async def run(_: Run | Reconcile) -> Returned:
            loops.append(asyncio.get_running_loop())
            return Returned(1, "1")

        await driven(run_once(CALL), MemoryStore(ManualClock()), run)
        return loops == [asyncio.get_running_loop()]

    assert asyncio.run(main())


def test_a_store_sees_the_time_that_the_call_has_left() -> None:
    ends: list[float] = []
    store = Observed(lambda: ends.append(time.monotonic() + deadline.current(3600).left()))

    async def main() -> None:
        await driven(one(VERBS[0], []), store, remaining=lambda: 2000)

    asyncio.run(main())
    assert ends[0] <= time.monotonic() + 2


def test_the_caller_does_not_see_it() -> None:
    async def main() -> float:
        await driven(one(VERBS[0], []), MemoryStore(ManualClock()), remaining=lambda: 2000)
        return deadline.current(3600).left()

    assert asyncio.run(main()) > 2000


def test_a_store_sees_the_context_variables_of_the_caller() -> None:
    seen: list[str] = []

    async def main() -> None:
        LAMP.set("on")
        await driven(run_once(CALL), Observed(lambda: seen.append(LAMP.get())))

    asyncio.run(main())
    assert seen == ["on", "on"]


def test_what_the_handler_sets_its_caller_sees() -> None:
    async def run(_: Run | Reconcile) -> Returned:
        LAMP.set("on")
        return Returned(1, "1")

    async def main() -> str:
        await driven(run_once(CALL), MemoryStore(ManualClock()), run)
        return LAMP.get()

    assert asyncio.run(main()) == "on"


def test_a_pause_leaves_the_loop_to_others() -> None:
    async def main() -> Outcome:
        store = MemoryStore()
        other = Claim(key=KEY, owner="b" * 32, lease_ms=60_000, expires_after_ms=60_000)
        store.claim(other)
        asyncio.get_running_loop().call_later(0.01, store.release, KEY, "b" * 32)
        return await driven(run_once(CALL._replace(wait_ms=10_000)), store)

    assert asyncio.run(main()) == Executed(1)


# No more threads ----------------------------------------------------------------------------------


def no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def test_without_threads_a_call_that_has_not_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Outcome:
        no_more_threads(monkeypatch)
        return await driven(run_once(CALL), MemoryStore(ManualClock()))

    assert isinstance(asyncio.run(main()), Unavailable)


def test_without_threads_a_result_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_: Run | Reconcile) -> Returned:
        no_more_threads(monkeypatch)
        return Returned(1, "1")

    async def main() -> Outcome:
        return await driven(run_once(CALL), MemoryStore(ManualClock()), run)

    assert asyncio.run(main()) == Executed(1)


# Closed -------------------------------------------------------------------------------------------


class Suspended:
    """An awaitable that never ends."""

    def __await__(self) -> Any:
        yield


def test_a_call_that_is_closed_while_it_runs_ends_at_once() -> None:
    answers: list[StepResult] = []

    def protocol() -> Protocol:
        yield Emit("Executed")
        answers.append((yield Run(1)))
        return Executed(None)

    async def run(_: Run | Reconcile) -> Returned:
        await Suspended()
        raise AssertionError

    call = drive(protocol(), key=KEY, store=MemoryStore(), run=run, remaining=lambda: 10_000)
    call.send(None)
    call.close()
    assert answers == []
