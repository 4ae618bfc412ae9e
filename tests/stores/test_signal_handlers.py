"""Idempotent calls in a signal handler, which interrupts an idempotent call of the same thread."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_idempotency import DynamoDBStore, MemoryStore, idempotent_function
from lambda_idempotency.clients.aws import services
from lambda_idempotency.clients.aws.s3 import S3
from lambda_idempotency.clients.net import elapsed
from lambda_idempotency.clients.net.elapsed import Moment
from lambda_idempotency.execution.definition import Definition
from lambda_idempotency.execution.registry import register
from lambda_idempotency.protocol.record import Claim, Conflict
from lambda_idempotency.response.offload import Objects
from lambda_idempotency.stores.cached import CachedStore


class Interrupted:
    """A clock whose next reading is interrupted by a signal, in the middle of a store's work."""

    def __init__(self) -> None:
        self.armed = False

    def __call__(self) -> float:
        self._interrupt()
        return time.time()

    def moment(self) -> Moment:
        self._interrupt()
        return elapsed.now()

    def _interrupt(self) -> None:
        if self.armed:
            self.armed = False
            signal.raise_signal(signal.SIGUSR1)


@pytest.fixture
def on_signal() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Return a function that sets what happens when the signal comes."""
    before = signal.getsignal(signal.SIGUSR1)

    def on_signal(act: Callable[[], object]) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: act())

    yield on_signal
    signal.signal(signal.SIGUSR1, before)


def test_a_call_in_a_signal_handler_takes_effect(
    on_signal: Callable[[Callable[[], object]], None],
) -> None:
    clock = Interrupted()
    charged: list[str] = []

    @idempotent_function(store=MemoryStore(clock), namespace="shop", name="charge")
    def charge(order: str) -> str:
        charged.append(order)
        return order

    on_signal(lambda: charge("in the handler"))
    clock.armed = True
    assert charge("interrupted") == "interrupted"
    assert sorted(charged) == ["in the handler", "interrupted"]


def test_of_a_claim_and_the_same_claim_in_a_signal_handler_one_succeeds(
    on_signal: Callable[[Callable[[], object]], None],
) -> None:
    clock = Interrupted()
    store = MemoryStore(clock)

    def claim(owner: str) -> Claim:
        return Claim("shop#1", owner, 1, 1_000, 2_000, None)

    replies = []
    on_signal(lambda: replies.append(store.claim(claim("handler"))))
    clock.armed = True
    replies.append(store.claim(claim("interrupted")))
    assert [type(reply).__name__ for reply in replies] == ["Applied", "Conflict"]
    assert isinstance(replies[1], Conflict)
    assert replies[1].record.owner == "handler"


def test_a_signal_handler_finds_what_the_cache_holds(
    on_signal: Callable[[Callable[[], object]], None],
) -> None:
    clock = Interrupted()
    store = CachedStore(MemoryStore(), 1, moment=clock.moment)
    charged: list[str] = []

    @idempotent_function(store=store, namespace="shop", name="charge")
    def charge(order: str) -> str:
        charged.append(order)
        return order

    charge("1")
    on_signal(lambda: charge("2"))
    clock.armed = True
    assert charge("1") == "1"
    assert charge("1") == "1"
    assert charged == ["1", "2"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("kind", "made_by"),
    [
        (services.DynamoDB, DynamoDBStore("records")._own_client),
        (S3, Objects("responses", above=1)._s3),
    ],
)
def test_a_client_is_made_though_a_signal_handler_needs_it_at_once(
    monkeypatch: pytest.MonkeyPatch,
    on_signal: Callable[[Callable[[], object]], None],
    kind: Any,
    made_by: Callable[[], object],
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    in_handler: list[object] = []
    on_signal(lambda: in_handler.append(made_by()))
    make = kind.__init__

    def interrupted(client: Any, *arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(kind, "__init__", make)
        signal.raise_signal(signal.SIGUSR1)
        make(client, *arguments, **options)

    monkeypatch.setattr(kind, "__init__", interrupted)
    assert made_by() is made_by()
    assert in_handler == [made_by()]


class _Interrupting(str):
    """A name; while it is looked up, a signal comes."""

    def __hash__(self) -> int:
        signal.raise_signal(signal.SIGUSR1)
        return super().__hash__()


@pytest.mark.timeout(30)
def test_a_function_is_decorated_in_a_signal_handler(
    on_signal: Callable[[Callable[[], object]], None],
) -> None:
    store = MemoryStore()
    on_signal(
        lambda: register(
            store, "shop", "charge", Definition.of(test_a_call_in_a_signal_handler_takes_effect)
        )
    )
    register(
        store,
        "shop",
        _Interrupting("refund"),
        Definition.of(test_a_signal_handler_finds_what_the_cache_holds),
    )
    register(store, "shop", "charge", Definition.of(test_a_call_in_a_signal_handler_takes_effect))
