"""Async handlers: each is a synchronous callable, as Lambda calls it; all calls of
a thread share one event loop."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeAlias

import pytest

from lambda_idempotency import ConfigurationError, InProgressError, MemoryStore, current, idempotent
from lambda_idempotency.execution import registry
from lambda_idempotency.protocol.record import Completion, Reply

EVENT: Final[dict[str, Any]] = {"order_id": 7}
LAMP: Final[ContextVar[str]] = ContextVar("lamp", default="off")

Wrap: TypeAlias = Callable[[Callable[[Any, Any], Awaitable[Any]]], Callable[[Any, Any], Any]]


@pytest.fixture
def loops() -> list[asyncio.AbstractEventLoop]:
    """Return the loops that handlers ran on, one entry for each run."""
    return []


@pytest.fixture
def wrap(store: MemoryStore, loops: list[asyncio.AbstractEventLoop]) -> Wrap:
    """Return `@idempotent` for an async handler."""

    def decorate(handler: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Any]:
        async def observed(event: Any, context: Any) -> Any:
            loops.append(asyncio.get_running_loop())
            return await handler(event, context)

        return idempotent(store=store, name="handler")(observed)

    return decorate


def test_an_async_handler_becomes_a_synchronous_one(wrap: Wrap) -> None:
    async def handler(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        return "ran"

    assert wrap(handler)(EVENT, None) == "ran"


def test_the_wrapper_does_not_pass_for_an_async_function(wrap: Wrap) -> None:
    async def handler(event: Any, context: Any) -> None: ...

    wrapper = wrap(handler)
    assert not inspect.iscoroutinefunction(wrapper)
    assert not inspect.iscoroutinefunction(inspect.unwrap(wrapper))


def test_the_wrapper_keeps_the_name_of_an_async_handler(store: MemoryStore) -> None:
    @idempotent(store=store)
    async def pay(event: Any, context: Any) -> None: ...

    assert pay.__name__ == "pay"


def test_a_duplicate_of_an_async_call_gets_the_first_answer(wrap: Wrap) -> None:
    runs = []

    async def handler(event: Any, context: Any) -> int:
        runs.append(event)
        return len(runs)

    wrapped = wrap(handler)
    assert wrapped(EVENT, None) == wrapped(EVENT, None) == len(runs) == 1


def test_every_call_runs_on_the_same_event_loop(
    wrap: Wrap, loops: list[asyncio.AbstractEventLoop]
) -> None:
    async def handler(event: Any, context: Any) -> None: ...

    wrapped = wrap(handler)
    for number in range(3):
        wrapped({"order_id": number}, None)
    assert len(loops) == 3
    assert len(set(loops)) == 1


def test_what_one_call_opens_on_the_loop_the_next_one_can_use(wrap: Wrap) -> None:
    kept: list[asyncio.Future[str]] = []

    async def handler(event: Any, context: Any) -> Any:
        if not kept:
            kept.append(asyncio.get_running_loop().create_future())
            return "opened"
        kept[0].set_result("used")
        return await kept[0]

    wrapped = wrap(handler)
    assert [wrapped({"order_id": number}, None) for number in range(2)] == ["opened", "used"]


def test_the_running_attempt_is_known_inside_the_loop_and_its_tasks(wrap: Wrap) -> None:
    async def key() -> str:
        return current().key

    async def handler(event: Any, context: Any) -> bool:
        return await asyncio.create_task(key()) == current().key

    assert wrap(handler)(EVENT, None) is True


def test_after_an_async_call_there_is_no_running_attempt(wrap: Wrap) -> None:
    async def handler(event: Any, context: Any) -> None: ...

    wrap(handler)(EVENT, None)
    with pytest.raises(ConfigurationError):
        current()


def test_a_context_variable_of_the_caller_is_seen_and_left_alone(wrap: Wrap) -> None:
    async def handler(event: Any, context: Any) -> str:
        found = LAMP.get()
        LAMP.set("changed")
        return found

    token = LAMP.set("on")
    try:
        assert wrap(handler)(EVENT, None) == "on"
        assert LAMP.get() == "on"
    finally:
        LAMP.reset(token)


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError()], ids=repr)
def test_an_async_handler_that_raises_releases_its_key(wrap: Wrap, error: BaseException) -> None:
    errors = [error]

    async def handler(event: Any, context: Any) -> int:
        if errors:
            raise errors.pop()
        return current().attempt

    wrapped = wrap(handler)
    with pytest.raises(type(error)):
        wrapped(EVENT, None)
    assert wrapped(EVENT, None) == 1


def test_a_duplicate_of_a_running_async_call_is_told_to_come_back(
    store: MemoryStore, wrap: Wrap
) -> None:
    duplicate = idempotent(store=store, name="handler")(lambda event, context: "ran twice")
    registry.clear()  # as in another process

    async def handler(event: Any, context: Any) -> str:
        with pytest.raises(InProgressError):
            duplicate(event, context)
        return "ran"

    assert wrap(handler)(EVENT, None) == "ran"


def test_a_partial_of_an_async_handler_is_async_too(
    store: MemoryStore, loops: list[asyncio.AbstractEventLoop]
) -> None:
    async def handler(suffix: str, event: Any, context: Any) -> str:
        loops.append(asyncio.get_running_loop())
        return f"ran{suffix}"

    assert idempotent(store=store)(partial(handler, "!"))(EVENT, None) == "ran!"


def test_an_object_whose_call_is_async_is_async_too(
    store: MemoryStore, loops: list[asyncio.AbstractEventLoop]
) -> None:
    class Handler:
        async def __call__(self, event: Any, context: Any) -> str:
            loops.append(asyncio.get_running_loop())
            return "ran"

    assert idempotent(store=store)(Handler())(EVENT, None) == "ran"


def test_an_async_handler_is_awaited_where_the_layer_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, wrap: Wrap
) -> None:
    monkeypatch.setenv("IDEMPOTENCY_DISABLED", "true")

    async def handler(event: Any, context: Any) -> int:
        return current().attempt

    assert wrap(handler)(EVENT, None) == 1


def test_the_loop_goes_on_while_the_store_works() -> None:
    went_on = threading.Event()

    class Waiting(MemoryStore):
        def complete(self, completion: Completion) -> Reply:
            assert went_on.wait(10), "the loop was blocked"
            return super().complete(completion)

    @idempotent(store=Waiting())
    async def handler(event: Any, context: Any) -> str:
        asyncio.get_running_loop().call_later(0.01, went_on.set)
        return "ran"

    assert handler(EVENT, None) == "ran"


def test_an_interrupted_handler_releases_its_key(store: MemoryStore) -> None:
    first = [True]

    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> int:
        if first:
            first.clear()
            signal.raise_signal(signal.SIGINT)  # Ctrl-C
            await asyncio.sleep(60)
        return current().attempt

    with pytest.raises(KeyboardInterrupt):
        handler(EVENT, None)
    assert handler(EVENT, None) == 1


def test_threads_that_call_one_async_handler_have_a_loop_each(
    wrap: Wrap, loops: list[asyncio.AbstractEventLoop]
) -> None:
    @wrap
    async def handler(event: Any, context: Any) -> Any:
        if (order := event["order_id"]) == 2:
            return [order]
        next_one = pool.submit(handler, {"order_id": order + 1}, None)  # while this one runs
        return [order, *await asyncio.wrap_future(next_one)]

    with ThreadPoolExecutor(2) as pool:
        assert handler({"order_id": 0}, None) == [0, 1, 2]
    assert len(set(loops)) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_after_a_fork_child_and_parent_each_have_a_loop_that_works() -> None:
    program = """
import asyncio, os, sys
from lambda_idempotency import MemoryStore, idempotent

@idempotent(store=MemoryStore())
async def handler(event, context):
    return await asyncio.to_thread(lambda: event["order"])

assert handler({"order": 1}, None) == 1
child = os.fork()
if child == 0:
    assert handler({"order": 2}, None) == 2
    sys.exit()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert handler({"order": 3}, None) == 3
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_async_handler_called_inside_an_event_loop_says_what_to_do(wrap: Wrap) -> None:
    async def handler(event: Any, context: Any) -> None: ...

    wrapped = wrap(handler)

    async def main() -> None:
        wrapped(EVENT, None)

    with pytest.raises(ConfigurationError, match="inside an event loop"):
        asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError()], ids=repr)
def test_the_error_of_an_async_handler_is_the_very_one(wrap: Wrap, error: BaseException) -> None:
    async def handler(event: Any, context: Any) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        wrap(handler)(EVENT, None)
    assert raised.value is error or isinstance(error, asyncio.CancelledError)
    assert raised.value.__context__ is None


def test_an_async_handler_serves_http_on_its_loop(
    store: MemoryStore, wrap: Wrap, loops: list[asyncio.AbstractEventLoop]
) -> None:
    async def handler(event: Any, context: Any) -> Any:
        return {"statusCode": 201, "body": "made"}

    wrapped = wrap(handler)
    request = {
        "httpMethod": "POST",
        "resource": "/",
        "path": "/",
        "headers": {"Idempotency-Key": "one"},
        "body": "{}",
    }
    first, second = wrapped(request, None), wrapped(request, None)
    assert (first["body"], second["body"]) == ("made", "made")
    assert second["headers"]["Idempotency-Replayed"] == "true"
    assert len(loops) == 1


def test_an_async_handler_of_a_missing_key_runs_where_it_is_bypassed(store: MemoryStore) -> None:
    @idempotent(store=store, key="nothing", on_missing_key="bypass")
    async def handler(event: Any, context: Any) -> str:
        return current().key

    assert handler(EVENT, None) != handler(EVENT, None)


def test_an_async_handler_may_be_collected_while_another_loop_runs(store: MemoryStore) -> None:
    async def handler(event: Any, context: Any) -> None: ...

    wrapped = [idempotent(store=store)(handler)]
    wrapped[0](EVENT, None)

    async def main() -> None:
        wrapped.clear()
        gc.collect()

    asyncio.run(main())
    assert wrapped == []


def test_a_process_with_an_async_handler_ends_in_silence() -> None:
    program = """
import logging
from lambda_idempotency import MemoryStore, idempotent
logging.getLogger("asyncio").setLevel(logging.ERROR)  # on a slow machine it warns of slow callbacks
@idempotent(store=MemoryStore())
async def handler(event, context):
    return event
assert handler({"id": 1}, None) == {"id": 1}
"""
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, b"", b"")
