"""Sources of credentials, and the moments at which they are read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Final

import pytest

from kit.clocks import ManualClock
from kit.network.proxy import LossyProxy
from kit.network.tls import TlsFront, certificates
from kit.redis.access import NAMESPACE, USER, Access, Clocks, Publish, ask
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency import idempotent
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.renewing import RETRY_AFTER_S
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run
from lambda_idempotency.clients.redis.credentials import LoadedCredentials, Login
from lambda_idempotency.contract.redis import (
    Credentials,
    RedisSettings,
    SecretsManagerCredentials,
    SecureStringCredentials,
    access_string,
)
from lambda_idempotency.errors import ConfigurationError, StoreError
from lambda_idempotency.stores.redis import RedisStore

RULES: Final = access_string([NAMESPACE], cluster=False)

# Kinds --------------------------------------------------------------------------------------------


def _secret(access: Access, text: str) -> Credentials:
    return access.keep(text)


def _secure_string(access: Access, text: str) -> Credentials:
    with closing(access.aws.client("ssm")) as ssm:
        name = f"{access.parameter}/password"
        ssm.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)
    return SecureStringCredentials(name)


@pytest.mark.parametrize("keep", [_secret, _secure_string])
@pytest.mark.parametrize(
    ("secret", "username"),
    [
        ({"username": USER, "password": "pass word"}, None),
        ({"username": USER, "password": "pass word"}, "somebody else"),
        ({"password": "pass word"}, USER),
        ({"username": USER, "password": "pass word", "engine": "redis"}, None),
        ({"username": USER, "password": 'größe "\\ \U0001f600'}, None),
    ],
)
def test_a_secret_has_a_password_and_perhaps_the_users_name(
    access: Access,
    shared_server: RedisServer,
    keep: Callable[[Access, str], Credentials],
    secret: dict[str, str],
    username: str | None,
) -> None:
    shared_server.add_user(USER, secret["password"], RULES)
    credentials = keep(access, json.dumps(secret))
    access.publish(shared_server.settings(credentials=credentials, username=username))
    ask(access.client())


def test_a_secure_string_may_be_the_password_alone(
    access: Access, shared_server: RedisServer
) -> None:
    shared_server.add_user(USER, "password", RULES)
    credentials = _secure_string(access, "password")
    access.publish(shared_server.settings(credentials=credentials, username=USER))
    ask(access.client())


@pytest.mark.parametrize("keep", [_secret, _secure_string])
def test_without_a_name_it_is_the_default_users_password(
    access: Access, shared_server: RedisServer, keep: Callable[[Access, str], Credentials]
) -> None:
    credentials = keep(access, json.dumps({"password": shared_server.admin_password}))
    access.publish(shared_server.settings(credentials=credentials))
    assert access.client().execute_command("ACL", "WHOAMI") == b"default"


def test_a_server_that_asks_nobody_is_told_nothing(access: Access, server: RedisServer) -> None:
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "default", "nopass")
    with RedisProxy(server.port) as proxy:
        access.publish(server.settings(port=proxy.port))
        ask(access.client())
        assert proxy.commands == ["HGETALL"]


def test_upstash_is_a_user_behind_tls_whose_password_is_a_secure_string(
    access: Access, tmp_path: Path, shared_server: RedisServer
) -> None:
    files = certificates(tmp_path, "localhost")
    with TlsFront(shared_server.plain_port, files) as front:
        shared_server.add_user(USER, "password", RULES)
        settings = RedisSettings(
            host="localhost",
            port=front.port,
            username=USER,
            ca=files.ca.read_text(),
            credentials=_secure_string(access, "password"),
        )
        access.publish(settings)
        handler = idempotent(store=RedisStore(access.client()), namespace=NAMESPACE)(
            lambda event, context: event
        )
        assert handler({"order": "upstash"}, None) == {"order": "upstash"}


# Keeping them -------------------------------------------------------------------------------------


class Loads:
    """A counted source: each load gives another password, or fails on command."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    async def __call__(self, waits: Waits, deadline: Deadline) -> Login:
        self.count += 1
        if self.error is not None:
            raise self.error
        return _login(self.count)


def _login(number: int) -> Login:
    return Login("user", Secret(f"password {number}"))


def _get(credentials: LoadedCredentials) -> Login:
    """Return credentials for a new connection."""
    return run(credentials.current(BLOCKING, Deadline(30)))


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def credentials(loads: Loads, clock: ManualClock) -> LoadedCredentials:
    return LoadedCredentials(loads, place="secret shop", refresh_after=900, clock=clock)


def test_credentials_are_loaded_when_they_are_needed_and_kept(
    credentials: LoadedCredentials, loads: Loads, clock: ManualClock
) -> None:
    assert loads.count == 0
    first = _get(credentials)
    clock.advance(899)
    assert _get(credentials) is first
    assert loads.count == 1


def test_credentials_that_are_due_are_loaded_anew(
    credentials: LoadedCredentials, clock: ManualClock
) -> None:
    _get(credentials)
    clock.advance(900)
    assert _get(credentials) == _login(2)


def test_connections_that_there_are_need_no_new_ones(
    credentials: LoadedCredentials, loads: Loads, clock: ManualClock
) -> None:
    first = _get(credentials)
    clock.advance(10_000)
    assert credentials.known is first
    assert loads.count == 1


@pytest.mark.parametrize("error", [StoreError("down"), ConfigurationError("gone")])
def test_credentials_that_cannot_be_loaded_anew_serve_on(
    credentials: LoadedCredentials, loads: Loads, clock: ManualClock, error: Exception
) -> None:
    first = _get(credentials)
    clock.advance(900)
    loads.error = error
    assert _get(credentials) is first
    clock.advance(RETRY_AFTER_S - 1)
    assert _get(credentials) is first
    assert loads.count == 2
    clock.advance(1)
    loads.error = None
    assert _get(credentials) == _login(3)


def test_without_any_the_error_is_raised_each_time(
    credentials: LoadedCredentials, loads: Loads
) -> None:
    loads.error = StoreError("down")
    for _ in range(2):
        with pytest.raises(StoreError, match="down"):
            _get(credentials)
    assert loads.count == 2


def test_refused_credentials_are_loaded_anew(credentials: LoadedCredentials, loads: Loads) -> None:
    credentials.refused(_get(credentials))
    assert _get(credentials) == _login(2)


def test_refused_credentials_never_serve_again(
    credentials: LoadedCredentials, loads: Loads
) -> None:
    credentials.refused(_get(credentials))
    loads.error = StoreError("down")
    with pytest.raises(StoreError, match="down"):
        _get(credentials)


def test_a_late_refusal_of_old_credentials_leaves_the_new_ones(
    credentials: LoadedCredentials, loads: Loads
) -> None:
    first = _get(credentials)
    credentials.refused(first)
    second = _get(credentials)
    credentials.refused(first)
    assert _get(credentials) is second


@pytest.mark.parametrize("state", ["none", "due", "refused"])
def test_threads_load_once_together(
    credentials: LoadedCredentials, loads: Loads, clock: ManualClock, state: str
) -> None:
    threads = 16
    start = Barrier(threads)
    if state != "none":
        first = _get(credentials)
        clock.advance(900)
        loads.count = 0

    def get(_: int) -> Login:
        start.wait()
        if state == "refused":
            credentials.refused(first)
        return _get(credentials)

    with ThreadPoolExecutor(threads) as pool:
        found = set(pool.map(get, range(threads)))
    assert loads.count == 1
    assert found == {_login(1)}


def test_new_connections_alone_read_a_secret_that_is_due(
    publish: Publish,
    access: Access,
    redis_proxy: RedisProxy,
    aws_proxy: LossyProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks = Clocks(monkeypatch)
    credentials = SecretsManagerCredentials(access.secret, refresh_after=60)
    publish(port=redis_proxy.port, credentials=credentials)
    client = access.client()
    for _ in range(5):
        ask(client)
        clocks.advance(50)
    assert aws_proxy.operations.count("GetSecretValue") == 1
    redis_proxy.cut()
    ask(client)
    assert aws_proxy.operations.count("GetSecretValue") == 2
