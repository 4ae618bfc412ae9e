"""Clients that users bring: no call waits for them past its deadline."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest

from kit.redis.servers import until
from lambda_idempotency import (
    DynamoDBStore,
    MemoryStore,
    RedisStore,
    StoreError,
    current,
    idempotent,
    idempotent_function,
)
from lambda_idempotency.clients.net import brought as brought_clients
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.clients.net.brought import MOST, Brought
from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.protocol.record import Absent, Reply
from lambda_idempotency.stores.base import Store
from lambda_idempotency.stores.bounded import BoundedStore
from lambda_idempotency.stores.cached import CachedStore


class Stuck:
    """A client, of boto3 or redis-py, whose requests do not end before the test does."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def put_item(self, **_: Any) -> Any:
        self.ended.wait()

    def execute_command(self, *_: Any, **__: Any) -> Any:
        self.ended.wait()


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    """Return a client that hangs until the test is over."""
    client = Stuck()
    yield client
    client.ended.set()


class StuckStore(Store):
    """A store that a user has written, and that hangs."""

    def __init__(self, stuck: Stuck) -> None:
        self._stuck = stuck

    @property
    def name(self) -> str:
        return "stuck"

    def claim(self, *_: Any) -> Reply:
        return self._hang()

    def complete(self, *_: Any) -> Reply:
        return self._hang()

    def release(self, *_: Any) -> Reply:
        return self._hang()

    def read(self, *_: Any) -> Reply:
        return self._hang()

    def _hang(self) -> Reply:
        self._stuck.ended.wait()
        return Absent(0)


STORES: Final[dict[str, Callable[[Stuck], Store]]] = {
    "boto3": lambda stuck: DynamoDBStore("table", client=stuck),
    "redis-py": RedisStore,
    "a store of the user's": StuckStore,
    "a store of the user's, cached": lambda stuck: CachedStore(BoundedStore(StuckStore(stuck)), 1),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, stuck: Stuck) -> Store:
    """Return a store on what a user has brought."""
    return STORES[request.param](stuck)


class Ending:
    """The context of an invocation that is about to end."""

    def get_remaining_time_in_millis(self) -> int:
        return 100


def test_a_users_client_that_hangs_is_left_behind(store: Store, stuck: Stuck) -> None:
    handler = idempotent(store=store, namespace="shop")(lambda event, context: "never")
    with pytest.raises(StoreError):
        handler({"id": 1}, Ending())
    assert not stuck.ended.is_set()


def test_it_is_left_behind_on_an_event_loop_too(store: Store, stuck: Stuck) -> None:
    async def handle(event: Any, context: Any) -> str:
        return "never"

    with pytest.raises(StoreError):
        idempotent(store=store, namespace="shop")(handle)({"id": 1}, Ending())
    assert not stuck.ended.is_set()


def _on_a_loop(work: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await Brought().ask(work, AIO)

    return asyncio.run(main())


def _blocking(work: Callable[[], Any]) -> Any:
    return run(Brought().ask(work, BLOCKING))


@pytest.mark.parametrize("do", [_blocking, _on_a_loop])
def test_what_comes_in_time_is_returned_or_raised(do: Callable[[Callable[[], Any]], Any]) -> None:
    assert do(lambda: "found") == "found"
    with pytest.raises(KeyError, match="its own"):
        do(lambda: {"": 1}["its own"])


def test_one_thread_serves_one_request_after_another() -> None:
    brought = Brought()
    threads = {run(brought.ask(threading.get_ident, BLOCKING)) for _ in range(9)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_a_thread_that_does_not_answer_is_not_waited_for_by_the_next_request(stuck: Stuck) -> None:
    brought = Brought()
    token = deadline.start(50)
    with pytest.raises(TimeoutError):
        run(brought.ask(stuck.put_item, BLOCKING))
    deadline.end(token)
    assert run(brought.ask(lambda: "found", BLOCKING)) == "found"


def test_an_idle_thread_holds_nothing_of_the_last_request() -> None:
    class Answer:
        pass

    def failing(answer: Answer) -> None:
        raise ValueError(answer)

    brought, answers = Brought(), [Answer()]
    with pytest.raises(ValueError, match="Answer"):
        run(brought.ask(partial(failing, answers[0]), BLOCKING))
    assert run(brought.ask(lambda: answers[0], BLOCKING)) is answers[0]
    held = weakref.ref(answers[0])
    answers.clear()
    gc.collect()
    until(lambda: held() is None, "the thread is idle")


def test_past_the_deadline_nothing_is_begun() -> None:
    ran: list[int] = []
    token = deadline.start(-1)
    with pytest.raises(TimeoutError):
        run(Brought().ask(lambda: ran.append(1), BLOCKING))
    deadline.end(token)
    assert ran == []


def test_a_request_sees_what_its_call_sees() -> None:
    @idempotent_function(store=MemoryStore(), namespace="shop")
    def charge(order: str) -> bool:
        return bool(_blocking(current).key == current().key)

    assert charge("1")


def test_a_client_that_never_answers_does_not_take_one_thread_after_another(stuck: Stuck) -> None:
    brought, begun = Brought(), []

    def request() -> Any:
        begun.append(1)
        return stuck.put_item()

    token = deadline.start(1)
    for _ in range(MOST + 3):
        with pytest.raises(TimeoutError):
            run(brought.ask(request, BLOCKING))
        deadline.start(1)
    deadline.end(token)
    assert len(begun) <= MOST


def test_one_client_that_never_answers_disturbs_no_other(stuck: Stuck) -> None:
    silent, other = Brought(), Brought()
    silent._open.extend([None] * MOST)
    with pytest.raises(TimeoutError, match="unanswered"):
        run(silent.ask(lambda: "found", BLOCKING))
    assert run(other.ask(lambda: "found", BLOCKING)) == "found"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_forks_child_closes_the_clients_connections_before_it_asks() -> None:
    closed: list[int] = []
    brought = Brought(lambda: closed.append(1))
    assert run(brought.ask(lambda: len(closed), BLOCKING)) == 0
    child = os.fork()
    if child == 0:
        os._exit(run(brought.ask(lambda: len(closed), BLOCKING)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_no_thread_of_a_forks_child_asks_while_another_one_closes_them() -> None:
    done: list[str] = []

    def renew() -> None:
        if not done:  # meanwhile, another thread asks
            done.append("begun")
            assert run(brought.ask(lambda: done[-1], BLOCKING)) == "closed"
        done.append("closed")

    brought = Brought(renew)
    brought._process = 0  # as after a fork
    assert run(brought.ask(lambda: done, BLOCKING)) == ["begun", "closed", "closed"]


def _thread_of(brought: Brought) -> int:
    return run(brought.ask(threading.get_ident, BLOCKING))


def test_a_request_that_ends_in_time_needs_no_thread_once_the_client_has_answered() -> None:
    brought, mine = Brought(longest_s=60), threading.get_ident()
    assert _thread_of(brought) != mine, "it may have a name to resolve"
    assert _thread_of(brought) == mine


@pytest.mark.parametrize("longest", [1.0, math.inf])
def test_a_request_that_may_take_longer_than_the_call_works_in_a_thread(longest: float) -> None:
    brought = Brought(longest_s=longest)
    _thread_of(brought)
    token = deadline.start(900)
    assert _thread_of(brought) != threading.get_ident()
    deadline.end(token)


def test_a_client_that_has_not_answered_for_a_while_works_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(brought_clients, "OPEN_S", -1.0)
    brought = Brought(longest_s=60)
    _thread_of(brought)
    assert _thread_of(brought) != threading.get_ident()


def test_a_client_that_has_failed_works_in_a_thread() -> None:
    brought = Brought(longest_s=60)
    _thread_of(brought)

    def failing() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(brought.ask(failing, BLOCKING))
    assert _thread_of(brought) != threading.get_ident()


def test_a_request_that_a_signal_handler_cuts_short_closes_the_clients_connections() -> None:
    closed: list[int] = []
    brought = Brought(lambda: closed.append(1), longest_s=60)
    _thread_of(brought)

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert closed == []
    with pytest.raises(KeyboardInterrupt):
        run(brought.ask(interrupted, BLOCKING))
    assert closed == [1]


def test_a_request_beside_another_works_in_a_thread() -> None:
    brought = Brought(longest_s=60)
    _thread_of(brought)
    inner = run(brought.ask(lambda: _thread_of(brought), BLOCKING))  # as a signal handler's
    assert inner != threading.get_ident()


def test_on_an_event_loop_every_request_works_in_a_thread() -> None:
    async def main() -> list[int]:
        brought = Brought(longest_s=60)
        return [await brought.ask(threading.get_ident, AIO) for _ in range(2)]

    assert threading.get_ident() not in asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_forks_child_begins_in_a_thread() -> None:
    brought = Brought(longest_s=60)
    _thread_of(brought)
    child = os.fork()
    if child == 0:
        os._exit(_thread_of(brought) == threading.get_ident())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
