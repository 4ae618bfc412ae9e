"""The hook that sees a response before it is replayed."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import pytest

from kit.http_events import Http, rest, seen
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    Replay,
    ResponseUnavailableError,
    idempotent,
    idempotent_function,
)

RESPONSE: Final = {"charged": 5}


class Hook:
    """A hook that remembers its arguments, and returns or raises what it is given."""

    def __init__(self, gives: Any = None) -> None:
        self.calls: list[tuple[Any, Replay]] = []
        self._gives = gives

    def __call__(self, response: Any, replay: Replay) -> Any:
        self.calls.append((response, replay))
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives


def _handler(hook: Any, store: MemoryStore, runs: list[Any] | None = None, **options: Any) -> Any:
    @idempotent(on_replay=hook, store=store, **options)
    def handler(event: Any, context: Any) -> Any:
        if runs is not None:
            runs.append(event)
        return RESPONSE

    return handler


def test_a_first_call_is_no_replay(store: MemoryStore) -> None:
    hook = Hook()
    _handler(hook, store)({"id": 1}, None)
    assert hook.calls == []


def test_the_hook_sees_the_response_and_the_record(store: MemoryStore) -> None:
    hook = Hook()
    handler = _handler(hook, store, expires_after=60, namespace="shop")
    handler({"id": 1}, None)
    handler({"id": 1}, None)
    [(response, replay)] = hook.calls
    assert response == RESPONSE
    assert replay.key.startswith("shop#")
    assert replay.attempt == 1
    assert isinstance(replay.expiration, int)


def test_the_expiration_is_the_record_s() -> None:
    hook = Hook()
    handler = _handler(hook, MemoryStore(), expires_after=3600)
    handler({"id": 1}, None)
    handler({"id": 1}, None)
    assert 0 < hook.calls[0][1].expiration - time.time() <= 3601


def test_what_it_returns_is_replayed_instead(store: MemoryStore) -> None:
    handler = _handler(Hook({"charged": "before"}), store)
    assert handler({"id": 1}, None) == RESPONSE
    assert handler({"id": 1}, None) == {"charged": "before"}


@pytest.mark.parametrize("falsy", [0, "", [], {}, False])
def test_a_falsy_return_is_replayed_too(store: MemoryStore, falsy: Any) -> None:
    handler = _handler(Hook(falsy), store)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == falsy


def test_none_leaves_the_response_as_it_is(store: MemoryStore) -> None:
    handler = _handler(Hook(None), store)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == RESPONSE


def test_a_change_to_the_response_is_replayed_once(store: MemoryStore) -> None:
    def mark(response: Any, replay: Replay) -> None:
        response["marks"] = response.get("marks", 0) + 1

    handler = _handler(mark, store)
    handler({"id": 1}, None)
    assert handler({"id": 1}, None) == handler({"id": 1}, None) == {**RESPONSE, "marks": 1}


def test_what_it_raises_the_duplicate_gets_and_nothing_runs_again(store: MemoryStore) -> None:
    runs: list[Any] = []
    handler = _handler(Hook(ValueError("not again")), store, runs)
    handler({"id": 1}, None)
    for _ in range(2):
        with pytest.raises(ValueError, match="not again"):
            handler({"id": 1}, None)
    assert len(runs) == 1


@pytest.mark.parametrize("hook", ["log", 5, object()])
def test_what_cannot_be_called_is_refused(store: MemoryStore, hook: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_replay is .*; expected a function"):
        _handler(hook, store)


def test_an_async_hook_is_refused(store: MemoryStore) -> None:
    async def hook(response: Any, replay: Replay) -> None: ...

    with pytest.raises(ConfigurationError, match="on_replay is an async one"):
        _handler(hook, store)
    with pytest.raises(ConfigurationError, match=r"@idempotent_function: .*on_replay"):
        idempotent_function(on_replay=hook, store=store)(_add)


def _add(number: int) -> tuple[int, int]:
    return number, number + 1


# Functions ----------------------------------------------------------------------------------------


def test_a_function_s_hook_sees_the_result_of_the_annotated_type(store: MemoryStore) -> None:
    hook = Hook()
    add = idempotent_function(on_replay=hook, store=store)(_add)
    assert add(1) == add(1) == (1, 2)
    assert [response for response, _ in hook.calls] == [(1, 2)]


def test_an_async_function_has_the_hook_too(store: MemoryStore) -> None:
    @idempotent_function(on_replay=Hook(9), store=store)
    async def add(number: int) -> int:
        return number + 1

    async def twice() -> list[int]:
        return [await add(1), await add(1)]

    assert asyncio.run(twice()) == [2, 9]


# HTTP ---------------------------------------------------------------------------------------------


def _twice(hook: Any, store: MemoryStore) -> list[Any]:
    """Return the responses to a request and its duplicate."""

    @idempotent(on_replay=hook, store=store)
    def handler(event: Any, context: Any) -> Any:
        return {"statusCode": 201, "headers": {"x-made": "here"}, "body": "made"}

    return [seen("rest", handler(rest(Http()), None)) for _ in range(2)]


def test_an_http_hook_sees_the_response_and_leaves_it(store: MemoryStore) -> None:
    hook = Hook()
    first, second = _twice(hook, store)
    [(response, _)] = hook.calls
    assert (first.status, response["body"], second.body) == (201, "made", "made")


def test_an_http_replay_is_marked_whatever_the_hook_returns(store: MemoryStore) -> None:
    _, replay = _twice(Hook({"statusCode": 200, "body": "made before"}), store)
    assert (replay.status, replay.body) == (200, "made before")
    assert replay.headers["idempotency-replayed"] == "true"


def test_an_http_hook_may_withhold_the_response(store: MemoryStore) -> None:
    _, replay = _twice(Hook(ResponseUnavailableError("withdrawn")), store)
    assert replay.status == 410
