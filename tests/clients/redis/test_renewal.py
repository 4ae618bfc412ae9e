"""Passwords that change while calls run: they are read again, once, and no call fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import pytest

from kit.network.proxy import LossyProxy
from kit.redis.access import NAMESPACE, USER, VERBS, Access, Load, ask, set_passwords
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.redis import SecureStringCredentials, access_string
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.stores.redis import RedisStore
from lambda_idempotency.testing.store_harness import new_key

READ: Final = "GetSecretValue"
ROTATIONS: Final = 5


def _secret(password: str) -> dict[str, str]:
    return {"username": USER, "password": password}


@pytest.fixture
def client(
    access: Access, shared_server: RedisServer, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> Any:
    """Return a client with a connection, whose password is "old"."""
    credentials = access.add_user(shared_server, "old")
    access.publish(shared_server.settings(port=redis_proxy.port, credentials=credentials))
    client = access.client()
    ask(client)
    redis_proxy.forget()
    aws_proxy.operations.clear()
    return client


def test_a_connection_outlives_its_password(
    client: Any, shared_server: RedisServer, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> None:
    set_passwords(shared_server, "new")
    ask(client)
    assert redis_proxy.commands == ["HGETALL"]
    assert aws_proxy.operations == []


def test_a_refused_password_is_read_anew_and_the_command_sent_again(
    client: Any,
    access: Access,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    aws_proxy: LossyProxy,
) -> None:
    set_passwords(shared_server, "new")
    access.keep(_secret("new"))
    redis_proxy.cut()
    ask(client)
    assert redis_proxy.commands == ["AUTH", "AUTH", "HGETALL"]
    assert aws_proxy.operations == [READ]
    redis_proxy.cut()
    ask(client)
    assert aws_proxy.operations == [READ]


def test_it_is_read_anew_once_a_call(
    client: Any, shared_server: RedisServer, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> None:
    set_passwords(shared_server, "new")
    redis_proxy.cut()
    for calls in (1, 2, 3):
        with pytest.raises(StoreError, match="refuses the credentials from secret redis-"):
            ask(client)
        assert redis_proxy.commands == ["AUTH"] * 2 * calls
        assert aws_proxy.operations == [READ, "GetParameter"] * calls


def test_the_next_call_finds_a_secret_that_has_been_mended(
    client: Any, access: Access, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    set_passwords(shared_server, "new")
    redis_proxy.cut()
    with pytest.raises(StoreError):
        ask(client)
    access.keep(_secret("new"))
    ask(client)


def test_a_renamed_user_is_found(
    client: Any, access: Access, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    with shared_server.admin() as admin:
        admin.acl_deluser(USER)
    shared_server.add_user("successor", "other", access_string([NAMESPACE], cluster=False))
    access.keep({"username": "successor", "password": "other"})
    ask(client)


def test_a_secret_that_has_become_senseless_is_named(
    client: Any, access: Access, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    set_passwords(shared_server, "new")
    access.keep({"user": USER, "pass": "new"})
    redis_proxy.cut()
    with pytest.raises(ConfigurationError, match=f"secret {access.secret} lacks the field passw"):
        ask(client)


def test_a_secure_string_is_read_anew_too(
    access: Access, shared_server: RedisServer, redis_proxy: RedisProxy
) -> None:
    access.add_user(shared_server, "old")
    name = f"{access.parameter}/password"
    settings = shared_server.settings(
        port=redis_proxy.port, username=USER, credentials=SecureStringCredentials(name)
    )
    access.publish(settings)
    with closing(access.aws.client("ssm")) as ssm:
        ssm.put_parameter(Name=name, Value="old", Type="SecureString")
        client = access.client()
        ask(client)
        set_passwords(shared_server, "new")
        ssm.put_parameter(Name=name, Value="new", Type="SecureString", Overwrite=True)
    redis_proxy.cut()
    ask(client)


def test_a_renewal_is_told_at_info_without_the_password(
    client: Any,
    access: Access,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_passwords(shared_server, "new")
    access.keep(_secret("new"))
    redis_proxy.cut()
    with caplog.at_level("INFO", logger="lambda_idempotency"):
        ask(client)
    [line] = caplog.records
    cause = f"the credentials from secret {access.secret} were refused"
    assert vars(line)["idempotency_event"] == "CredentialRefresh"
    assert vars(line)["idempotency_cause"] == cause
    assert re.fullmatch(rf"CredentialRefresh \(\d+ ms left\): {cause}", line.getMessage())


# Under load ---------------------------------------------------------------------------------------


def _rotate(access: Access, server: RedisServer, number: int, cut: Callable[[], None]) -> None:
    """Rotate as the rotation function does: the server accepts both, then the secret has the new
    one.
    """
    old, new = f"password {number}", f"password {number + 1}"
    set_passwords(server, old, new)
    cut()
    access.keep(_secret(new))
    set_passwords(server, new)
    cut()


def test_no_thread_fails_while_passwords_rotate_and_each_is_read_once(
    access: Access, shared_server: RedisServer, redis_proxy: RedisProxy, aws_proxy: LossyProxy
) -> None:
    credentials = access.add_user(shared_server, "password 0")
    access.publish(shared_server.settings(port=redis_proxy.port, credentials=credentials))
    store = RedisStore(access.client())
    for verb in VERBS:
        VERBS[verb](store, new_key())
    load = Load(store)
    try:
        for number in range(ROTATIONS):
            load.wait()
            _rotate(access, shared_server, number, redis_proxy.cut)
            load.wait()
    finally:
        load.end()
    assert aws_proxy.operations.count(READ) == 1 + ROTATIONS


def test_no_thread_fails_while_the_server_ends_its_connections(
    access: Access, shared_server: RedisServer, aws_proxy: LossyProxy
) -> None:
    access.publish(shared_server.settings(credentials=access.add_user(shared_server, "password")))
    load = Load(RedisStore(access.client()))
    try:
        with shared_server.admin() as admin:
            for _ in range(20):
                load.wait()
                admin.execute_command("CLIENT", "KILL", "USER", USER)
    finally:
        load.end()
    assert aws_proxy.operations.count(READ) == 1
