"""A process that is stopped between its claim and its handler's start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from kit.redis.servers import RedisServer
from kit.stands_still import EVENT, RAN
from lambda_idempotency import RedisStore, idempotent

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.admin() as admin:
        admin.flushall()
        yield admin


@contextmanager
def _stopped(server: RedisServer, *, lease: float, kind: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a stopped process that holds the lease."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kit.stands_still", str(server.plain_port), str(lease), kind],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PASSWORD": server.admin_password,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        yield process
    finally:
        process.kill()
        process.wait()


def _ending(process: subprocess.Popen[str]) -> str:
    """Resume the process, and return how its call ends."""
    process.send_signal(signal.SIGCONT)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return told.strip()


@KINDS
def test_a_process_that_goes_on_after_its_lease_does_not_run_beside_its_successor(
    server: RedisServer, client: redis.Redis, kind: str
) -> None:
    runs: list[Any] = []
    successor = idempotent(
        store=RedisStore(client),
        namespace="shop",
        name="handler",
        on_in_progress="wait",
        wait_timeout=30,
    )(lambda event, _: runs.append(event))
    with _stopped(server, lease=1, kind=kind) as process:
        successor(EVENT, None)
        assert runs == [EVENT]
        assert "Nothing ran; retry." in _ending(process)


@KINDS
def test_a_process_that_goes_on_within_its_lease_runs(
    server: RedisServer, client: redis.Redis, kind: str
) -> None:
    with _stopped(server, lease=60, kind=kind) as process:
        assert _ending(process) == RAN
