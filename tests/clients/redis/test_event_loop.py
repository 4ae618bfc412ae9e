"""The client on an event loop: the same calls, and the loop goes on while they wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from kit.redis.access import NAMESPACE, USER, Access, Publish, ask, set_passwords
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency import RedisStore, idempotent_function
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.clients.redis.parameter import ParameterClient

ASKED = [("HGETALL", "shop#none")]


def test_a_first_call_on_a_loop_reads_settings_and_secret_and_connects(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    assert asyncio.run(client.ask(ASKED, AIO)) == [[]]
    assert redis_proxy.commands == ["AUTH", "HGETALL"]


def test_a_refused_password_is_renewed_on_a_loop(
    access: Access, publish: Publish, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    set_passwords(shared_server, "new")
    access.keep({"username": USER, "password": "new"})
    redis_proxy.cut()
    assert asyncio.run(client.ask(ASKED, AIO)) == [[]]


def test_the_loop_goes_on_while_a_call_waits(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    redis_proxy.forget()
    redis_proxy.hold_reply(1)

    async def others(client: ParameterClient) -> None:
        """Ask for more while the first waits, then let the first have its reply."""
        await asyncio.to_thread(redis_proxy.wait_arrived, 1)
        await client.ask(ASKED, AIO)
        redis_proxy.release()

    async def main() -> None:
        await asyncio.gather(client.ask(ASKED, AIO), others(client))

    asyncio.run(main())
    assert redis_proxy.commands == ["HGETALL", "AUTH", "HGETALL"]


def test_a_function_on_a_loop_claims_and_completes_without_the_loop_s_threads(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    store = RedisStore(access.client())

    @idempotent_function(store=store, namespace=NAMESPACE)
    async def charge(order: str) -> str:
        return order

    async def main(order: str) -> str:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_NoThreads())
        return await charge(order)

    for _ in range(2):
        assert asyncio.run(main("one")) == "one"
    assert redis_proxy.commands.count("EVALSHA") == 3


class _NoThreads(ThreadPoolExecutor):
    def submit(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError
