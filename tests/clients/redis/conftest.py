"""Fixtures of the runtime's way to Redis: servers, and proxies in front of them and of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kit.aws.local import LocalAws
from kit.network.proxy import LossyProxy
from kit.redis.access import PASSWORD, Access, Clocks, Publish, Refusal, invocation
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.errors import IdempotencyError
from lambda_idempotency.stores.redis import RedisStore


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RedisServer]:
    """Yield a server that no test spoils."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Yield a server for one test alone."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_proxy(shared_server: RedisServer) -> Iterator[RedisProxy]:
    """Yield a proxy in front of the shared server."""
    with RedisProxy(shared_server.plain_port) as proxy:
        yield proxy


@pytest.fixture
def aws_proxy(local_aws: LocalAws) -> Iterator[LossyProxy]:
    """Yield a proxy in front of the local AWS, which records the requests."""
    with LossyProxy(local_aws.port) as proxy:
        yield proxy


@pytest.fixture
def access(local_aws: LocalAws, aws_proxy: LossyProxy) -> Iterator[Access]:
    """Yield a parameter and a secret for one test alone, read through `aws_proxy`."""
    with Access(local_aws, aws_proxy.endpoint) as access:
        yield access


@pytest.fixture
def publish(access: Access, shared_server: RedisServer) -> Publish:
    """Return a function that publishes the shared server's settings, valid apart from its
    arguments.
    """

    def publish(**overrides: Any) -> None:
        credentials = access.add_user(shared_server, PASSWORD)
        access.publish(shared_server.settings(**{"credentials": credentials, **overrides}))

    return publish


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Return clocks on which time passes only in pauses."""
    return Clocks(monkeypatch)


@pytest.fixture
def refusal(access: Access, clocks: Clocks) -> Refusal:
    """Return a function that returns the error message of an invocation, checked to lack the
    password.
    """

    def refusal(kind: type[IdempotencyError], *, key: str = "shop#1") -> str:
        with invocation(3), pytest.raises(kind) as raised:
            RedisStore(access.client()).read(key)
        error: BaseException | None = raised.value
        while error is not None:
            assert PASSWORD not in f"{error!r} {error} {error.args}"
            assert error.__cause__ is not error
            error = error.__cause__ or error.__context__
        return str(raised.value)

    return refusal


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    """Yield a stack for the resources that the test opens."""
    with ExitStack() as stack:
        yield stack
