"""Secrets: nothing shows them, whatever fails, with all locals of all frames looked at."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from typing import Any, Final

import pytest

from kit.aws.credentials import STATIC, credentials, current
from kit.aws.light import SSM, DynamoDB
from kit.aws.local import REGION
from kit.frames import shown
from kit.network.fault_server import LOST, SILENCE, FaultServer, Step, answer, failure, raw
from kit.network.processes import free_port
from lambda_idempotency import DynamoDBStore
from lambda_idempotency.clients.aws import credentials as module
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.aws.credentials import CredentialsError, CredentialSource
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Environment, Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, run
from lambda_idempotency.clients.redis.stored import credentials_of
from lambda_idempotency.contract.redis import IamCredentials, RedisSettings
from lambda_idempotency.errors import ConfigurationError, StoreError

SECRETS: Final = ("the-secret-key", "the-session-token", "the-authorization", "the-password")
VARIABLES: Final = {
    "AWS_REGION": REGION,
    **STATIC,
    "AWS_SESSION_TOKEN": "the-session-token",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the-authorization",
}


def _assert_secret(error: BaseException) -> None:
    text = shown(error)
    assert [secret for secret in SECRETS if secret in text] == []


# The values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__])
def test_a_secret_shows_nothing(show: Callable[[object], str]) -> None:
    assert "the-" not in show(Secret("the-password"))
    assert "the-" not in show([Secret(b"the-password")])
    assert "the-" not in show(Environment(VARIABLES))
    assert "the-" not in show(credentials("AKID", "the-secret-key", "the-session-token"))


@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy])
@pytest.mark.parametrize(
    "value",
    [Secret("the-password"), Environment(VARIABLES), credentials("AKID", "the-secret-key")],
    ids=["secret", "environment", "credentials"],
)
def test_a_secret_is_not_pickled_or_copied(take: Callable[[object], object], value: object) -> None:
    with pytest.raises(TypeError, match="is not pickled or copied"):
        take(value)


def test_a_secret_is_there_for_those_who_ask() -> None:
    assert Secret("the-password").reveal() == "the-password"
    assert Secret("a") == Secret("a") != Secret("b")
    environment = Environment(VARIABLES)
    assert environment.secret("AWS_SESSION_TOKEN") == Secret("the-session-token")
    assert environment.secret("AWS_CA_BUNDLE") is None
    assert dict(environment) == VARIABLES


# Requests that fail -------------------------------------------------------------------------------

_FAULTS: Final[dict[str, Step]] = {
    "refused": failure("AccessDeniedException"),
    "wrong signature": failure("InvalidSignatureException"),
    "expired": failure("ExpiredTokenException"),
    "lost": LOST,
    "silence": SILENCE,
    "garbage": raw(b"\x00\r\n\r\n", close=True),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_request_that_fails_shows_no_secret(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with FaultServer(otherwise=_FAULTS[fault]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        store = DynamoDBStore("records")
        token = deadline.start(100)
        try:
            with pytest.raises(StoreError) as raised:
                store.read("shop#1")
        finally:
            deadline.end(token)
            store._own_client().close()
    _assert_secret(raised.value)


def test_a_refused_connection_shows_no_secret() -> None:
    environment = {**VARIABLES, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    client = DynamoDB(environment=Environment(environment), sleep=lambda _: None)
    token = deadline.start(50)
    try:
        with pytest.raises(ServiceError, match="connection refused") as raised:
            client.get_item()
    finally:
        deadline.end(token)
    _assert_secret(raised.value)


class _Interrupt(BaseException):
    """What a signal's handler raises."""


@pytest.mark.parametrize("place", ["send", "receive"])
def test_an_interrupted_exchange_shows_no_secret(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt(*_: object) -> None:
        raise _Interrupt

    monkeypatch.setattr(f"lambda_idempotency.clients.net.connection.Connection.{place}", interrupt)
    with FaultServer() as server:
        environment = Environment({**VARIABLES, "AWS_ENDPOINT_URL": server.endpoint})
        with pytest.raises(_Interrupt) as raised:
            DynamoDB(environment=environment).get_item()
    _assert_secret(raised.value)


# Settings that are wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"AWS_ENDPOINT_URL": "http://user:the-password@localhost"},
        {"AWS_ENDPOINT_URL": "nonsense"},
        {"AWS_REGION": ""},
        {"HTTPS_PROXY": "ftp://user:the-password@proxy"},
        {"HTTPS_PROXY": "http://user:the-password@proxy:port"},
    ],
    ids=["password", "nonsense", "region", "proxy", "port"],
)
def test_a_wrong_setting_shows_no_secret(
    wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**VARIABLES, **wrong}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as raised:
        DynamoDBStore("records").read("shop#1")
    _assert_secret(raised.value)


# Credentials that cannot be fetched ---------------------------------------------------------------

_COMPLETE: Final = {
    "AccessKeyId": "AKID",
    "SecretAccessKey": "the-secret-key",
    "Token": "the-session-token",
}


@pytest.mark.parametrize(
    "fault",
    [answer(_COMPLETE), answer(_COMPLETE, status=403), LOST, answer(b'"the-secret-key')],
    ids=["incomplete", "403", "lost", "no JSON"],
)
def test_credentials_that_cannot_be_fetched_show_no_secret(
    fault: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIES", 1)
    with FaultServer(otherwise=fault) as server:
        environment = {
            **VARIABLES,
            "AWS_ACCESS_KEY_ID": "",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.endpoint}/role",
        }
        with pytest.raises(CredentialsError) as raised:
            current(CredentialSource(Environment(environment)))
    _assert_secret(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"AWS_SECRET_ACCESS_KEY": "the-secret-key"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://the-password@example.com"},
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the-authorization\r\n",
        },
    ],
    ids=["half", "password", "line break"],
)
def test_credentials_that_cannot_be_asked_for_show_no_secret(wrong: dict[str, str]) -> None:
    source = CredentialSource(Environment({**VARIABLES, "AWS_ACCESS_KEY_ID": "", **wrong}))
    with pytest.raises(CredentialsError) as raised:
        current(source)
    _assert_secret(raised.value)


def _read(environment: Environment) -> object:
    return DynamoDB(environment=environment).get_item()


def _token(environment: Environment) -> object:
    tokens = credentials_of(
        RedisSettings(host="cache", credentials=IamCredentials(cache="cache", user="user")),
        environment=environment,
        ssm=SSM(environment=environment),
        url_suffix="amazonaws.com",
    )
    assert tokens is not None
    return run(tokens.current(BLOCKING, Deadline(30)))


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("sign", [_read, _token], ids=["a request", "a token for ElastiCache"])
def test_credentials_that_cannot_be_sent_are_told_and_not_shown(
    sign: Callable[[Environment], object], name: str
) -> None:
    # The environment's bytes that are no UTF-8 are lone surrogates.
    broken = {**VARIABLES, name: f"{VARIABLES[name]}\udcff"}
    with pytest.raises((ServiceError, StoreError), match="cannot be sent") as raised:
        sign(Environment(broken))
    _assert_secret(raised.value)


# The walker ---------------------------------------------------------------------------------------


def _fails(**variables: Any) -> None:
    raise ValueError("wrong")


def test_a_secret_in_a_frame_is_found() -> None:
    with pytest.raises(ValueError, match="wrong") as raised:
        _fails(known=os.environ, password="the-password")
    assert "the-password" in shown(raised.value, package=__file__)
