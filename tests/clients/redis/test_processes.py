"""A fork's child and a signal handler beside a call: each uses connections of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from kit.network.tls import TlsFront, certificates
from kit.redis.access import PASSWORD, USER, Access, Publish, ask
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer

ROUNDS: Final = 100


def _connections(server: RedisServer) -> int:
    """Return the number of connections that a server has accepted."""
    with server.admin() as admin:
        return int(admin.info("stats")["total_connections_received"])


@pytest.mark.parametrize("tls", [False, True])
def test_however_often_it_forks_a_process_gets_no_wrong_answer(
    access: Access,
    publish: Publish,
    shared_server: RedisServer,
    resources: ExitStack,
    tmp_path: Path,
    *,
    tls: bool,
) -> None:
    publish()
    if tls:
        files = certificates(tmp_path, "127.0.0.1")
        front = resources.enter_context(TlsFront(shared_server.plain_port, files))
        publish(port=front.port, tls=True, ca=files.ca.read_text())
    before = _connections(shared_server)
    ran = subprocess.run(
        [sys.executable, "-m", "kit.forks", "Redis", str(ROUNDS), access.parameter],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **access.environment},
    )
    assert (ran.stdout, ran.stderr) == ("0\n", "")
    assert _connections(shared_server) - before > ROUNDS  # the parent's, and one for each child


def test_so_does_one_with_a_client_of_redis_py(access: Access, shared_server: RedisServer) -> None:
    access.add_user(shared_server, PASSWORD)
    url = f"redis://{USER}:{PASSWORD}@127.0.0.1:{shared_server.plain_port}"
    before = _connections(shared_server)
    ran = subprocess.run(
        [sys.executable, "-m", "kit.forks", "Redis, redis-py", str(ROUNDS), url],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.stdout, ran.stderr) == ("0\n", "")
    assert _connections(shared_server) - before > ROUNDS  # the parent's, and one for each child


def test_a_call_in_a_signal_handler_gets_its_own_answer(
    access: Access, publish: Publish, redis_proxy: RedisProxy
) -> None:
    publish(port=redis_proxy.port)
    client = access.client()
    ask(client)
    redis_proxy.forget()
    redis_proxy.hold_reply(1)
    heard: list[Any] = []

    def interrupt(*_: object) -> None:
        heard.append(client.execute_command("HGETALL", "shop#other"))
        redis_proxy.release()

    def signal_when_it_waits() -> None:
        redis_proxy.wait_arrived(1)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(signal_when_it_waits)
            ask(client)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [[]]
    assert redis_proxy.commands == ["HGETALL", "AUTH", "HGETALL"]
