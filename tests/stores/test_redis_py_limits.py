"""How long a request of a redis-py client can take, by its settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from kit.redis.servers import RedisServer
from lambda_idempotency import RedisStore
from lambda_idempotency.protocol.record import Absent
from lambda_idempotency.stores.redis_py_limits import ADDRESSES, ASKING, OPENING, longest_s

LIMITS: Final[dict[str, Any]] = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.25,
    "retry": Retry(NoBackoff(), 0),
    "protocol": 2,
}


def _longest(**settings: Any) -> float | None:
    return longest_s(redis.Redis(**{**LIMITS, **settings}))


def test_every_wait_of_a_request_is_counted() -> None:
    assert _longest() == ADDRESSES * 0.25 + (OPENING + ASKING) * 0.5
    assert _longest(socket_connect_timeout=None) == (ADDRESSES + OPENING + ASKING) * 0.5


def test_a_retry_repeats_the_request_and_each_try_to_connect() -> None:
    opening = ADDRESSES * 0.25 + OPENING * 0.5
    assert _longest(retry=Retry(NoBackoff(), 1)) == 2 * (2 * opening + ASKING * 0.5)


class _Client(redis.Redis):
    """A client with code of the user's."""


class _Credentials(redis.CredentialProvider):
    """Credentials that code of the user's loads."""

    def get_credentials(self) -> tuple[str]:
        return ("",)


UNLIMITED: Final[dict[str, Any]] = {
    "no timeout": lambda: redis.Redis(**{**LIMITS, "socket_timeout": None}),
    "retries without end": lambda: redis.Redis(**{**LIMITS, "retry": Retry(NoBackoff(), -1)}),
    "pauses": lambda: redis.Redis(**{**LIMITS, "retry": Retry(ConstantBackoff(1), 1)}),
    "health checks": lambda: redis.Redis(**LIMITS, health_check_interval=1),
    "times that the server makes longer": lambda: redis.Redis(**{**LIMITS, "protocol": 3}),
    "credentials that are loaded": lambda: redis.Redis(
        **LIMITS, credential_provider=_Credentials()
    ),
    "a derived class": lambda: _Client(**LIMITS),
    "a pool that waits": lambda: redis.Redis.from_pool(
        redis.BlockingConnectionPool(**LIMITS)  # type: ignore[no-untyped-call]
    ),
    "its defaults": redis.Redis,
    "something else": object,
}


@pytest.mark.parametrize("kind", UNLIMITED)
def test_a_request_has_no_known_limit_with(kind: str) -> None:
    assert longest_s(UNLIMITED[kind]()) is None


class _Watched(redis.connection.Connection):
    """A connection that notes the threads in which its commands are sent."""

    threads: Final[list[int]] = []

    def send_packed_command(self, *arguments: Any, **options: Any) -> Any:
        self.threads.append(threading.get_ident())
        return super().send_packed_command(*arguments, **options)  # type: ignore[no-untyped-call]


@pytest.fixture
def threads() -> Iterator[list[int]]:
    """Return the threads in which commands have been sent."""
    yield _Watched.threads
    _Watched.threads.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Yield a server."""
    with RedisServer() as server:
        yield server


@pytest.mark.parametrize(("limits", "is_direct"), [(LIMITS, True), ({}, False)])
def test_a_client_with_short_limits_is_asked_in_the_callers_thread(
    server: RedisServer, threads: list[int], limits: dict[str, Any], *, is_direct: bool
) -> None:
    client = redis.Redis(
        host=server.host, port=server.plain_port, password=server.admin_password, **limits
    )
    client.connection_pool.connection_class = _Watched
    store = RedisStore(client)
    store.read("shop#1")
    threads.clear()
    store.read("shop#1")
    assert (set(threads) == {threading.get_ident()}) is is_direct
    client.close()


def test_an_answer_that_a_signal_handler_leaves_unread_is_nobody_elses(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis.Redis(
        host=server.host, port=server.plain_port, password=server.admin_password, **LIMITS
    )
    store = RedisStore(client)
    store.read("shop#1")

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(client, "parse_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.read("shop#1")
    assert all(each._sock is None for each in client.connection_pool._available_connections)
    assert isinstance(store.read("shop#2"), Absent)
    client.close()
