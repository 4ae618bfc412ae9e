"""A server that has moved: the settings are read again, once a call, and followed."""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import pairwise
from typing import Any

import pytest

from kit.network.processes import free_port
from kit.network.proxy import LossyProxy
from kit.redis.access import VERBS, WRITES, Access, Load, ask, invocation
from kit.redis.binaries import VERSIONS, binary_of
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from kit.redis.spares import SpareClusters
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.contract.redis import RedisSettings
from lambda_idempotency.errors import StoreError
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

READ = "GetParameter"


class Moving:
    """A server and its published address; its user has the password that the secret has."""

    def __init__(self, access: Access, stack: ExitStack) -> None:
        self._access = access
        self._stack = stack
        self.server = self.start()
        self.publish()

    def start(self, **options: Any) -> RedisServer:
        """Start another server with the same user."""
        server = self._stack.enter_context(RedisServer(**options))
        self.credentials = self._access.add_user(server, "password")
        return server

    def publish(self, server: RedisServer | None = None, **overrides: Any) -> RedisSettings:
        """Publish the server's address."""
        chosen = self.server if server is None else server
        settings = chosen.settings(**{"credentials": self.credentials, **overrides})
        self._access.publish(settings)
        return settings


@pytest.fixture
def moving(access: Access, resources: ExitStack) -> Moving:
    return Moving(access, resources)


@pytest.fixture
def client(access: Access, moving: Moving, aws_proxy: LossyProxy) -> ParameterClient:
    """Return a client with a connection."""
    client = access.client()
    ask(client)
    aws_proxy.operations.clear()
    return client


def _failure(client: ParameterClient) -> str:
    with invocation(3), pytest.raises(StoreError) as raised:
        ask(client)
    return str(raised.value)


def test_settings_are_read_once_while_all_is_well(
    client: ParameterClient, moving: Moving, aws_proxy: LossyProxy
) -> None:
    moving.publish(port=free_port())
    for _ in range(5):
        ask(client)
    assert aws_proxy.operations == []


def test_a_server_that_has_moved_is_followed(
    client: ParameterClient, moving: Moving, aws_proxy: LossyProxy
) -> None:
    moving.publish(moving.start())
    moving.server.kill()
    ask(client)
    assert aws_proxy.operations.count(READ) == 1
    ask(client)
    assert aws_proxy.operations.count(READ) == 1


def test_a_server_that_is_silent_now_is_left_for_the_one_in_the_settings(
    client: ParameterClient, moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_idempotency.clients.redis.node.ATTEMPT_S", 0.2)
    moving.publish(moving.start())
    moving.server.pause()
    ask(client)


def test_a_change_of_the_user_alone_is_followed(
    client: ParameterClient, access: Access, moving: Moving
) -> None:
    moving.server.add_user("successor", "other", "on ~shop#* -@all +hgetall")
    with moving.server.admin() as admin:
        admin.acl_deluser("idempotency")
    other = Access(access.aws)
    moving.publish(credentials=other.keep({"username": "successor", "password": "other"}))
    ask(client)


def test_a_single_server_that_has_become_a_cluster_is_followed(
    access: Access, moving: Moving, resources: ExitStack, clusters: SpareClusters
) -> None:
    store = RedisStore(access.client())
    VERBS["read"](store, new_key())
    cluster = resources.enter_context(clusters.take())
    credentials = access.add_user(cluster, "password", cluster=True)
    access.publish(cluster.settings(credentials=credentials))
    moving.server.kill()
    for verb in VERBS:
        VERBS[verb](store, new_key())


@pytest.mark.usefixtures("clocks")
def test_an_unchanged_server_that_is_gone_is_named_after_one_look(
    client: ParameterClient, access: Access, moving: Moving, aws_proxy: LossyProxy
) -> None:
    moving.server.kill()
    message = _failure(client)
    assert f"Redis at 127.0.0.1:{moving.server.port} (SSM parameter {access.parameter})" in message
    assert "the connection was refused; does it listen there?" in message
    assert aws_proxy.operations == [READ]


@pytest.mark.usefixtures("clocks")
@pytest.mark.parametrize("change", ["delete", "spoil"])
def test_settings_that_cannot_be_read_anew_leave_the_old_ones(
    client: ParameterClient, access: Access, moving: Moving, change: str
) -> None:
    if change == "delete":
        with closing(access.aws.client("ssm")) as ssm:
            ssm.delete_parameter(Name=access.parameter)
    else:
        access.publish('{"host": 5}')
    moving.server.kill()
    assert "the connection was refused" in _failure(client)
    moving.server.start()
    access.add_user(moving.server, "password")
    ask(client)


@pytest.mark.usefixtures("clocks")
def test_a_server_that_comes_back_is_waited_for(access: Access, moving: Moving) -> None:
    waits: list[float] = []

    def come_back(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            moving.server.start()
            access.add_user(moving.server, "password")

    client = access.client(sleep=come_back)
    ask(client)
    moving.server.kill()
    ask(client)
    assert len(waits) == 3


# A primary that has become a replica --------------------------------------------------------------


class Demotion:
    """The server in the settings, which becomes a replica of another one on command."""

    def __init__(self, primary: RedisServer, other: RedisServer) -> None:
        self._primary = primary
        self._other = other

    def demote(self) -> None:
        """Make it a replica."""
        with self._primary.admin() as admin:
            admin.config_set("masterauth", self._other.admin_password)
            admin.execute_command("REPLICAOF", self._other.host, self._other.port)

    def promote(self) -> None:
        """Make it a primary again."""
        with self._primary.admin() as admin:
            admin.execute_command("REPLICAOF", "NO", "ONE")


@pytest.fixture(params=VERSIONS)
def demotion(request: pytest.FixtureRequest, moving: Moving) -> Demotion:
    """Return a demotion with a server of each version."""
    primary = moving.start(binary=binary_of(request.param))
    other = moving.start(binary=binary_of(request.param))
    moving.publish(primary)
    return Demotion(primary, other)


@pytest.mark.parametrize("verb", WRITES)
def test_the_settings_new_primary_is_followed(
    access: Access,
    moving: Moving,
    demotion: Demotion,
    aws_proxy: LossyProxy,
    verb: str,
) -> None:
    store = RedisStore(access.client())
    VERBS[verb](store, new_key())
    demotion.demote()
    moving.publish()
    aws_proxy.operations.clear()
    VERBS[verb](store, new_key())
    assert aws_proxy.operations.count(READ) == 1


@pytest.mark.usefixtures("clocks")
def test_a_promotion_is_waited_for(access: Access, demotion: Demotion) -> None:
    waits: list[float] = []

    def promote(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            demotion.promote()

    store = RedisStore(access.client(sleep=promote))
    VERBS["claim"](store, new_key())
    demotion.demote()
    VERBS["claim"](store, new_key())
    assert len(waits) == 2


@pytest.mark.usefixtures("clocks")
def test_a_replica_in_the_settings_is_named(access: Access, demotion: Demotion) -> None:
    demotion.demote()
    store = RedisStore(access.client())
    words = "it is a replica; the settings must name the primary"
    with invocation(3), pytest.raises(StoreError, match=words):
        VERBS["claim"](store, new_key())


# Under load ---------------------------------------------------------------------------------------


def test_no_thread_fails_while_the_server_moves(
    access: Access, moving: Moving, resources: ExitStack
) -> None:
    """To other ports only, so that no record is lost on the way."""
    proxies = [resources.enter_context(RedisProxy(moving.server.port)) for _ in range(3)]
    moving.publish(port=proxies[0].port)
    load = Load(RedisStore(access.client()))
    try:
        for old, new in pairwise(proxies):
            load.wait()
            moving.publish(port=new.port)
            old.__exit__(None, None, None)
            load.wait()
    finally:
        load.end()
    assert proxies[-1].connections > 0
