"""The same clients on an event loop, which goes on meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.network.fault_server import SILENCE, FaultServer, Request, Step, answer
from kit.network.tls import certificates
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.typed import encoded
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.aio import AIO
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.waiting import READABLE, WRITABLE

ITEM: Final = {"Item": {"id": {"S": "shop#1"}}}


def _client(endpoint: str, **more: str) -> DynamoDB:
    return DynamoDB(environment=function_environment(endpoint, **more))


async def _get(client: DynamoDB) -> Any:
    return (await client.ask("get_item", "{}", AIO))["Item"]


def test_the_loop_goes_on_while_a_request_waits() -> None:
    went_on = threading.Event()

    def wait(_: Request) -> Step:
        assert went_on.wait(30), "the loop was blocked"
        return answer(ITEM)

    async def main() -> Any:
        asyncio.get_running_loop().call_later(0.01, went_on.set)
        return await _get(client)

    with FaultServer(wait) as server:
        client = _client(server.endpoint)
        assert asyncio.run(main()) == ITEM["Item"]
        client.close()


def test_many_tasks_and_loops_and_blocking_callers_share_the_connections() -> None:
    async def main() -> None:
        await asyncio.gather(*[_get(client) for _ in range(20)])

    with FaultServer(otherwise=answer(ITEM)) as server:
        client = _client(server.endpoint)
        client.get_item()
        asyncio.run(main())
        asyncio.run(main())
        client.get_item()
        assert server.opened <= 20
        assert server.requests[0].connection == 1
        client.close()


def test_tls_and_large_bodies_work_on_a_loop(tmp_path: Path) -> None:
    files = certificates(tmp_path, "127.0.0.1")
    text = "x" * 3_000_000

    async def main() -> Any:
        return await client.ask("put_item", encoded({"Item": {"data": {"S": text}}}), AIO)

    with FaultServer(lambda request: answer(request.body), tls=files) as server:
        client = _client(server.endpoint, AWS_CA_BUNDLE=str(files.ca))
        assert asyncio.run(main())["Item"] == {"data": {"S": text}}
        client.close()


def test_a_silent_server_is_waited_for_until_the_deadline() -> None:
    async def main() -> None:
        token = deadline.start(100)
        try:
            await _get(client)
        finally:
            deadline.end(token)

    with FaultServer(SILENCE) as server:
        client = _client(server.endpoint)
        with pytest.raises(ServiceError, match="timed out"):
            asyncio.run(main())


def test_a_task_that_is_cancelled_leaves_no_answer_to_the_next() -> None:
    async def main() -> Any:
        first = asyncio.create_task(_get(client))
        while not server.requests:
            await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await _get(client)

    with FaultServer(SILENCE, answer(ITEM)) as server:
        client = _client(server.endpoint)
        assert asyncio.run(main()) == ITEM["Item"]
        assert [request.connection for request in server.requests] == [1, 2]
        client.close()


@pytest.mark.parametrize("event", [READABLE, WRITABLE])
def test_a_wait_that_ends_leaves_nothing_in_the_loop(event: int) -> None:
    async def main() -> None:
        ours, peer = socket.socketpair()
        with ours, peer:
            ours.setblocking(False)
            peer.send(b"x")
            await AIO.ready(ours.fileno(), event, Deadline(30))
            loop = asyncio.get_running_loop()
            assert not loop.remove_reader(ours.fileno())
            assert not loop.remove_writer(ours.fileno())

    asyncio.run(main())


def test_a_wait_that_times_out_leaves_nothing_in_the_loop() -> None:
    async def main() -> None:
        ours, peer = socket.socketpair()
        with ours, peer:
            with pytest.raises(TimeoutError):
                await AIO.ready(ours.fileno(), READABLE, Deadline(0.01))
            assert not asyncio.get_running_loop().remove_reader(ours.fileno())

    asyncio.run(main())


def test_what_a_thread_raises_is_raised() -> None:
    def fail() -> None:
        raise ValueError("from the thread")

    with pytest.raises(ValueError, match="from the thread"):
        asyncio.run(AIO.in_thread(fail, Deadline(30)))
