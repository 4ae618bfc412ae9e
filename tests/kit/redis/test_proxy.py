"""The proxy that the tests of Redis use: its counts and its losses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from kit.network.tls import TlsFront, certificates
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer, connect, until


@pytest.fixture
def behind() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def proxy(behind: RedisServer) -> Iterator[RedisProxy]:
    with RedisProxy(behind.port) as proxy:
        yield proxy


@pytest.fixture
def user(behind: RedisServer, proxy: RedisProxy) -> Iterator[redis.Redis]:
    """Yield a client of the proxy that has connected."""
    with connect(proxy.port, password=behind.admin_password) as user:
        user.ping()
        yield user


@pytest.fixture
def admin(behind: RedisServer) -> Iterator[redis.Redis]:
    """Yield a client of the server itself."""
    with behind.admin() as admin:
        yield admin


def test_a_proxy_counts_what_passes(user: redis.Redis, proxy: RedisProxy) -> None:
    assert (proxy.commands, proxy.round_trips, proxy.connections) == (["AUTH", "PING"], 2, 1)
    proxy.forget()
    assert user.echo("words") == b"words"
    assert (proxy.commands, proxy.round_trips) == (["ECHO"], 1)
    assert proxy.bytes_sent == len("*2\r\n$4\r\nECHO\r\n$5\r\nwords\r\n")
    assert proxy.bytes_received == len("$5\r\nwords\r\n")


def test_a_pipeline_through_a_proxy_is_one_round_trip(user: redis.Redis, proxy: RedisProxy) -> None:
    proxy.forget()
    pipeline = user.pipeline(transaction=False)
    for size in (10, 5_000, 300_000, 10):
        pipeline.echo("x" * size)
    assert [len(reply) for reply in pipeline.execute()] == [10, 5_000, 300_000, 10]
    assert (proxy.commands, proxy.round_trips) == (["ECHO"] * 4, 1)


def test_a_lost_request_has_no_effect(
    user: redis.Redis, proxy: RedisProxy, admin: redis.Redis
) -> None:
    proxy.lose_request(3)
    with pytest.raises(redis.ConnectionError):
        user.incr("count")
    assert admin.get("count") is None
    assert user.incr("count") == 1
    assert proxy.commands == ["AUTH", "PING", "INCRBY", "AUTH", "INCRBY"]


def test_a_command_whose_reply_is_lost_takes_effect(
    user: redis.Redis, proxy: RedisProxy, admin: redis.Redis
) -> None:
    proxy.lose_reply(3)
    with pytest.raises(redis.ConnectionError):
        user.incr("count")
    assert admin.get("count") == b"1"
    assert user.incr("count") == 2


def test_a_held_command_takes_effect_once_it_is_released(
    user: redis.Redis, proxy: RedisProxy, admin: redis.Redis
) -> None:
    proxy.hold(3)
    with ThreadPoolExecutor() as pool:
        count = pool.submit(user.incr, "count")
        proxy.wait_arrived(3)
        assert admin.get("count") is None
        proxy.release(3)
        assert count.result() == 1


def test_a_held_reply_comes_once_it_is_released(
    user: redis.Redis, proxy: RedisProxy, admin: redis.Redis
) -> None:
    proxy.hold_reply(3)
    with ThreadPoolExecutor() as pool:
        count = pool.submit(user.incr, "count")
        until(lambda: admin.get("count") == b"1", "the command has taken effect")
        assert not count.done()
        proxy.release()
        assert count.result() == 1


def test_a_cut_ends_all_connections_and_what_is_held(
    user: redis.Redis, proxy: RedisProxy, admin: redis.Redis
) -> None:
    proxy.hold(3)
    with ThreadPoolExecutor() as pool:
        count = pool.submit(user.incr, "count")
        proxy.wait_arrived(3)
        proxy.cut()
        with pytest.raises(redis.ConnectionError):
            count.result()
    assert admin.get("count") is None
    assert user.incr("count") == 1
    assert proxy.connections == 2


def test_a_black_hole_answers_nothing_until_it_is_restored(
    behind: RedisServer, proxy: RedisProxy
) -> None:
    proxy.blackhole()
    with connect(proxy.port, password=behind.admin_password, socket_timeout=0.2) as user:
        with pytest.raises(redis.TimeoutError):
            user.ping()
        proxy.restore()
        assert user.ping()


def test_the_clients_of_a_proxy_notice_that_the_server_is_gone(
    user: redis.Redis, behind: RedisServer
) -> None:
    behind.kill()
    with pytest.raises(redis.ConnectionError):
        user.ping()


def test_a_proxy_may_have_a_tls_front(
    behind: RedisServer, proxy: RedisProxy, tmp_path: Path
) -> None:
    files = certificates(tmp_path, "127.0.0.1")
    options = {"ssl": True, "ssl_ca_certs": str(files.ca), "password": behind.admin_password}
    with TlsFront(proxy.port, files) as front, connect(front.port, **options) as user:
        assert user.ping()
    assert proxy.commands == ["AUTH", "PING"]
