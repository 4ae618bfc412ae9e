"""On Redis the server's clock decides, however wrong a worker's is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from kit.redis.servers import RedisServer
from lambda_idempotency import InProgressError, RedisStore, idempotent

MINUTES = pytest.mark.parametrize("wrong_by", [60.0, -60.0])


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with RedisServer() as server, server.admin() as admin:
        yield admin


def _set_clock(monkeypatch: pytest.MonkeyPatch, wrong_by: float) -> None:
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + wrong_by)


@MINUTES
def test_a_worker_whose_clock_is_wrong_takes_no_key_that_is_held(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, wrong_by: float
) -> None:
    store = RedisStore(client)
    refused: list[float] = []

    def other(event: Any, context: Any) -> None:
        _set_clock(monkeypatch, wrong_by)
        try:
            idempotent(store=store, namespace="shop", lease=30)(other)(event, context)
        except InProgressError as error:
            refused.append(error.retry_after)

    idempotent(store=store, namespace="shop", lease=30)(other)({"held": wrong_by}, None)
    [rest] = refused
    assert 0 < rest <= 30


@MINUTES
def test_a_worker_whose_clock_is_wrong_gets_the_recorded_answer(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, wrong_by: float
) -> None:
    runs: list[Any] = []
    handler = idempotent(store=RedisStore(client), namespace="shop", expires_after=30)(
        lambda event, context: runs.append(event)
    )
    handler({"recorded": wrong_by}, None)
    _set_clock(monkeypatch, wrong_by)
    handler({"recorded": wrong_by}, None)
    assert len(runs) == 1


@MINUTES
def test_an_answer_of_a_worker_whose_clock_is_wrong_lasts_as_long_as_any(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, wrong_by: float
) -> None:
    with monkeypatch.context() as patched:
        _set_clock(patched, wrong_by)
        key = f"clock{wrong_by}"
        idempotent(store=RedisStore(client), namespace=key, expires_after=30)(
            lambda event, context: None
        )({"id": 1}, None)
    [name] = client.keys(f"{key}#*")
    assert 25 < client.ttl(name) <= 31
