"""Settings and secrets that lead nowhere: each error names them and says what to do, and quotes no
value.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any, Final

import pytest

from kit.network.fault_server import FaultServer, failure
from kit.network.processes import free_port
from kit.redis.access import PASSWORD, USER, Access, Publish, Refusal, ask
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.redis import (
    Credentials,
    IamCredentials,
    SecretsManagerCredentials,
    SecureStringCredentials,
)
from lambda_idempotency.errors import ConfigurationError, IdempotencyError, StoreError


def test_settings_that_are_in_order_lead_to_the_server(access: Access, publish: Publish) -> None:
    publish()
    ask(access.client())


# The parameter ------------------------------------------------------------------------------------


def test_a_missing_parameter_is_named(access: Access, refusal: Refusal) -> None:
    assert refusal(ConfigurationError) == (
        f"SSM parameter {access.parameter} does not exist in this account and region "
        "(ParameterNotFound)"
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (f'password="{PASSWORD}"', "the document is no JSON object"),
        (f'{{"host": "cache", "password": "{PASSWORD}"}}', "the unknown field password"),
        ({"host": "cache", "credentials": {"type": "vault"}}, "expected one of secretsmanager"),
        ({"host": "cache"}, "credentials is missing"),
    ],
)
def test_a_malformed_document_is_named(
    access: Access, document: dict[str, Any] | str, words: str, refusal: Refusal
) -> None:
    access.publish(document)
    message = refusal(ConfigurationError)
    assert f"SSM parameter {access.parameter} holds no settings of a Redis server" in message
    assert words in message


def test_a_parameter_that_is_mended_is_read_by_the_next_call(
    access: Access, publish: Publish
) -> None:
    client = access.client()
    access.publish("{}")
    with pytest.raises(ConfigurationError):
        ask(client)
    publish()
    ask(client)


# The services -------------------------------------------------------------------------------------

SERVICE_FAILURES: Final = [
    ("AccessDeniedException", ConfigurationError, "attach it with Idempotency.attach()"),
    ("ResourceNotFoundException", ConfigurationError, "does not exist in this account and region"),
    ("ParameterNotFound", ConfigurationError, "does not exist in this account and region"),
    ("DecryptionFailure", ConfigurationError, "its KMS key is disabled, or this function may not"),
    ("InvalidKeyId", ConfigurationError, "its KMS key is disabled, or this function may not"),
    ("InvalidRequestException", ConfigurationError, "is marked for deletion"),
    ("ValidationException", StoreError, "could not be read: ValidationException"),
    ("ThrottlingException", StoreError, "could not be read: ThrottlingException"),
]


def _aws_that_fails(code: str) -> FaultServer:
    return FaultServer(otherwise=failure(code, message=f"no, not for {PASSWORD}"))


@pytest.mark.parametrize(("code", "kind", "words"), SERVICE_FAILURES)
def test_a_parameter_that_may_not_be_read_is_named(
    access: Access, refusal: Refusal, code: str, kind: type[IdempotencyError], words: str
) -> None:
    with _aws_that_fails(code) as aws:
        access.environment["AWS_ENDPOINT_URL_SSM"] = aws.endpoint
        message = refusal(kind)
    assert message.startswith(f"SSM parameter {access.parameter} ")
    assert words in message


@pytest.fixture
def published(publish: Publish) -> None:
    """Publish valid settings."""
    publish()


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(("code", "kind", "words"), SERVICE_FAILURES)
def test_a_secret_that_may_not_be_read_is_named(
    access: Access, refusal: Refusal, code: str, kind: type[IdempotencyError], words: str
) -> None:
    with _aws_that_fails(code) as aws:
        access.environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = aws.endpoint
        message = refusal(kind)
    assert message.startswith(f"secret {access.secret} ")
    assert words in message


def test_an_unreachable_aws_is_named(access: Access, refusal: Refusal) -> None:
    access.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"
    message = refusal(StoreError)
    assert f"SSM parameter {access.parameter} could not be read: ConnectionFailed" in message
    assert "connection refused" in message


# The secret ---------------------------------------------------------------------------------------

BAD_SECRETS: Final[dict[str, tuple[str, str]]] = {
    "no JSON": (PASSWORD, 'is no JSON object; expected {"username": ..., "password": ...}'),
    "a list": (json.dumps([PASSWORD]), "is no JSON object"),
    "too deep": ("[" * 60_000, "is no JSON object"),
    "nothing in it": ("{}", "lacks the field password; expected a text"),
    "another field": (json.dumps({"pass": PASSWORD}), "lacks the field password"),
    "a number": (json.dumps({"password": 4111}), "lacks the field password"),
    "an empty password": (json.dumps({"password": ""}), "lacks the field password"),
    "half a character": (json.dumps({"password": f"\ud800{PASSWORD}"}), "lacks the field password"),
    "a user that is no text": (json.dumps({"username": 5, "password": PASSWORD}), "a username"),
    "a user without a name": (json.dumps({"username": "", "password": PASSWORD}), "a username"),
}


@pytest.mark.parametrize("kind", BAD_SECRETS)
def test_a_senseless_secret_is_named(
    access: Access, publish: Publish, kind: str, refusal: Refusal
) -> None:
    publish()
    secret, words = BAD_SECRETS[kind]
    access.keep(secret)
    message = refusal(ConfigurationError)
    assert message.startswith(f"secret {access.secret} ")
    assert words in message


def test_a_binary_secret_is_named(access: Access, publish: Publish, refusal: Refusal) -> None:
    publish()
    with closing(access.aws.client("secretsmanager")) as secrets:
        secrets.put_secret_value(SecretId=access.secret, SecretBinary=PASSWORD.encode())
    assert "binary secrets are not supported" in refusal(ConfigurationError)


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        (SecretsManagerCredentials("no-such-secret"), "secret no-such-secret"),
        (SecureStringCredentials("/no/such/parameter"), "SSM parameter /no/such/parameter"),
    ],
)
def test_a_missing_secret_is_named(
    access: Access, publish: Publish, credentials: Credentials, name: str, refusal: Refusal
) -> None:
    publish(credentials=credentials)
    message = refusal(ConfigurationError)
    assert message.startswith(f"{name} does not exist in this account and region")


def test_a_wrong_password_is_named_by_its_secret(
    access: Access, publish: Publish, refusal: Refusal
) -> None:
    publish()
    access.keep({"username": USER, "password": f"not {PASSWORD}"})
    message = refusal(StoreError)
    assert f"refuses the credentials from secret {access.secret}" in message
    assert access.parameter in message


def test_a_password_that_is_missing_in_the_settings_is_named(
    access: Access, shared_server: RedisServer, refusal: Refusal
) -> None:
    access.publish(shared_server.settings())
    message = refusal(StoreError)
    assert f"(SSM parameter {access.parameter}) asks for a password, and the settings name" in (
        message
    )


def test_an_iam_user_that_is_refused_is_named(
    access: Access, publish: Publish, refusal: Refusal
) -> None:
    publish(credentials=IamCredentials(cache="my-cache", user="stranger"))
    message = refusal(StoreError)
    assert "refuses the credentials from IAM user stranger of cache my-cache" in message
