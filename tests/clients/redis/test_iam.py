"""ElastiCache's IAM users: a signed token is the password; neither the token nor a connection
lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from kit.redis.access import NAMESPACE, Access, Clocks, ask
from kit.redis.proxy import RedisProxy
from kit.redis.servers import RedisServer
from lambda_idempotency.clients.aws.credentials import CredentialSource
from lambda_idempotency.clients.aws.services import SSM, elasticache_token
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Environment
from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.clients.redis.node import MAX_AGE_S
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.clients.redis.stored import TOKEN_SECONDS, credentials_of
from lambda_idempotency.contract.redis import IamCredentials, RedisSettings, access_string
from lambda_idempotency.errors import StoreError

RULES: Final = access_string([NAMESPACE], cluster=False)
IAM: Final = IamCredentials(cache="my-cache", user="iam-user", serverless=True)


def _token(access: Access) -> str:
    """Return a token that ElastiCache would accept at this moment."""
    environment = Environment.of(access.environment)
    return elasticache_token(
        cache="my-cache",
        user="iam-user",
        serverless=True,
        environment=environment,
        credentials=run(CredentialSource(environment).current(BLOCKING, Deadline(30))),
    ).reveal()


@pytest.fixture
def iam(
    access: Access, shared_server: RedisServer, redis_proxy: RedisProxy
) -> Callable[[], ParameterClient]:
    """Return a factory of clients that authenticate as an IAM user does."""
    access.publish(shared_server.settings(port=redis_proxy.port, credentials=IAM))
    return access.client


def test_the_signed_token_is_the_password_of_the_iam_user(
    iam: Callable[[], ParameterClient],
    access: Access,
    shared_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clocks(monkeypatch)
    shared_server.add_user("iam-user", _token(access), RULES)
    ask(iam())


def test_a_token_serves_new_connections_until_it_is_due(
    iam: Callable[[], ParameterClient],
    access: Access,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks = Clocks(monkeypatch)
    shared_server.add_user("iam-user", _token(access), RULES)
    client = iam()
    ask(client)
    clocks.advance(TOKEN_SECONDS - 1)
    redis_proxy.cut()
    ask(client)
    assert redis_proxy.connections == 2


def test_a_token_is_renewed_before_its_end(
    iam: Callable[[], ParameterClient],
    access: Access,
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert TOKEN_SECONDS < 15 * 60
    clocks = Clocks(monkeypatch)
    shared_server.add_user("iam-user", _token(access), RULES)
    client = iam()
    ask(client)
    clocks.advance(TOKEN_SECONDS)
    shared_server.add_user("iam-user", _token(access), RULES)  # no other is accepted anymore
    redis_proxy.cut()
    redis_proxy.forget()
    ask(client)
    assert redis_proxy.commands == ["AUTH", "HGETALL"]


def test_a_connection_is_replaced_before_elasticache_ends_it(
    iam: Callable[[], ParameterClient],
    shared_server: RedisServer,
    redis_proxy: RedisProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MAX_AGE_S < 12 * 3600
    clocks = Clocks(monkeypatch)
    shared_server.add_user("iam-user", "any", f"{RULES} nopass")
    client = iam()
    ask(client)
    for _ in range(int(MAX_AGE_S // 50) - 1):  # it is always in use
        clocks.advance(50)
        ask(client)
    assert redis_proxy.connections == 1
    clocks.advance(50)
    ask(client)
    assert redis_proxy.connections == 2


def test_a_role_without_credentials_is_named(access: Access) -> None:
    environment = Environment.of(
        {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": access.aws.endpoint}
    )
    ssm = SSM(environment=environment)
    settings = RedisSettings(host="cache", credentials=IAM)
    credentials = credentials_of(
        settings, environment=environment, ssm=ssm, url_suffix="amazonaws.com"
    )
    assert credentials is not None
    with pytest.raises(StoreError, match="No token for IAM user iam-user of cache my-cache: "):
        run(credentials.current(BLOCKING, Deadline(30)))
