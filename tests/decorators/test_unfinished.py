"""What has not run yet is no result: recorded, it would be done forever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import pytest

from kit.batches import sqs
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    idempotent,
    idempotent_function,
    idempotent_records,
)


def generator(*_: Any) -> Any:
    yield "effect"


async def async_generator(*_: Any) -> Any:
    yield "effect"


async def coroutine(*_: Any) -> None: ...


class Later:
    """An awaitable that is no coroutine."""

    def __init__(self, *_: Any) -> None: ...

    def __await__(self) -> Iterator[Any]:
        yield "effect"


class Generates:
    def __call__(self, event: Any, context: Any) -> Any:
        yield "effect"


def lazy_map(*_: Any) -> Any:
    return map(str, [1])


def job(*_: Any) -> Any:
    return Future()


UNFINISHED: Final = [generator, async_generator, coroutine, Later, lazy_map, job]
GENERATORS: Final = [generator, async_generator, partial(generator), Generates()]


def _handler(store: MemoryStore, unfinished: Callable[..., Any]) -> Callable[[], Any]:
    handler = idempotent(store=store)(lambda event, context: unfinished(event))
    return lambda: handler({"id": 1}, None)


def _async_handler(store: MemoryStore, unfinished: Callable[..., Any]) -> Callable[[], Any]:
    @idempotent(store=store)
    async def handler(event: Any, context: Any) -> Any:
        return unfinished(event)

    return lambda: handler({"id": 1}, None)


def _function(store: MemoryStore, unfinished: Callable[..., Any]) -> Callable[[], Any]:
    @idempotent_function(store=store, name="charge")
    def charge(order: int) -> Any:
        return unfinished(order)

    return lambda: charge(1)


def _async_function(store: MemoryStore, unfinished: Callable[..., Any]) -> Callable[[], Any]:
    @idempotent_function(store=store, name="charge")
    async def charge(order: int) -> Any:
        return unfinished(order)

    return lambda: asyncio.run(charge(1))


@pytest.mark.parametrize("unfinished", UNFINISHED)
@pytest.mark.parametrize("call", [_handler, _async_handler, _function, _async_function])
def test_it_is_refused_and_frees_the_key(
    store: MemoryStore, call: Callable[..., Callable[[], Any]], unfinished: Callable[..., Any]
) -> None:
    called = call(store, unfinished)
    for _ in range(2):  # not in progress, and not recorded
        with pytest.raises(ConfigurationError, match="which nobody would run under its record"):
            called()
    assert store.records() == {}


@pytest.mark.parametrize("unfinished", UNFINISHED)
def test_in_a_batch_the_message_is_delivered_again(
    store: MemoryStore, unfinished: Callable[..., Any]
) -> None:
    handler = idempotent_records(store=store)(lambda record, context: unfinished(record))
    failed = handler({"Records": [sqs("1")]}, None)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failed] == ["1"]
    assert store.records() == {}


@pytest.mark.parametrize("function", GENERATORS)
@pytest.mark.parametrize("decorator", [idempotent, idempotent_records])
def test_a_generator_is_refused_where_it_is_decorated(
    store: MemoryStore, decorator: Any, function: Any
) -> None:
    with pytest.raises(ConfigurationError, match=rf"@{decorator.__name__}: applied to the gen"):
        decorator(store=store)(function)


def test_a_future_that_is_refused_is_cancelled(store: MemoryStore) -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    with pytest.raises(ConfigurationError, match="returned a Future"):
        _handler(store, lambda _: future)()
    assert future.cancelled()
    loop.close()


@pytest.mark.parametrize("result", [[1], (1,), "text", None, {"id": 1}], ids=repr)
def test_a_finished_result_is_returned(store: MemoryStore, result: Any) -> None:
    assert _handler(store, lambda _: result)() == result
