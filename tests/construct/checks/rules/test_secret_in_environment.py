"""Values in a function's environment that look like secrets are reported, but not repeated."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, SecretValue, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from kit.checks import attached, findings
from kit.synth import function, stack

ID = "secret-in-environment"


VALUE = "hunter2-and-more"

SECRETS = (
    "PASSWORD",
    "DB_PASSWORD",
    "dbPassword",
    "PASSPHRASE",
    "STRIPE_SECRET",
    "JWT_SECRET_KEY",
    "SIGNING_PRIVATE_KEY",
    "GITHUB_TOKEN",
    "OPENAI_API_KEY",
    "apiKey",
    "APIKEY",
)

NO_SECRETS = (
    "DB_PASSWORD_ARN",
    "DB_SECRET_NAME",
    "SECRET_ID",
    "API_KEY_PARAMETER",
    "TOKEN_URL",
    "TOKEN_TTL",
    "PASSWORD_MIN_LENGTH",
    "MAX_TOKENS",
    "PARTITION_KEY",
    "TOKENIZER",
    "SECRETARY",
)

REFERENCES = (
    "arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf",
    "/prod/Db/password",
    "prod/db/password",
    "https://auth.example.com/token",
    "True",
    "disabled",
    "8",
)

SHAPES = (
    ("AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE", "a private key"),
    ("redis://default:hunter2@cache.example.com:6379", "a URL with a password"),
    ("rediss://:hunter2@cache.example.com", "a URL with a password"),
    ("ghp_" + "a1B2" * 9, "a token of GitHub"),
    ("xoxb-123456789012-abcdef", "a token of Slack"),
    ("sk_" + "live_" + "a1B2" * 6, "a key of Stripe"),
)

NO_SHAPES = (
    "",
    "redis://cache.example.com:6379",
    "https://user@example.com:443/path?at=x:y@z",
    "redis://default:${PASSWORD}@cache.example.com",
    "-----BEGIN CERTIFICATE-----\nMIIE",
    "headers.authorization",
    "AKIA",
    "body.payment.token",
)


def _messages(environment: dict[str, str], scope: Stack | None = None) -> list[str]:
    payments = function(stack() if scope is None else scope, environment=environment)
    return [finding.message for finding in findings(attached(payments), ID)]


def test_names_of_secrets_are_reported_and_their_values_are_not_repeated() -> None:
    [message] = _messages(dict.fromkeys(SECRETS, VALUE))
    assert [name for name in SECRETS if f"{name} (by its name)" not in message] == []
    assert VALUE not in message


def test_names_of_something_about_a_secret_are_in_order() -> None:
    assert _messages(dict.fromkeys(NO_SECRETS, VALUE)) == []


def test_values_that_are_no_secret_are_in_order_under_any_name() -> None:
    assert _messages({f"S{number}_SECRET": each for number, each in enumerate(REFERENCES)}) == []


def test_values_in_the_shape_of_a_secret_are_reported_under_any_name() -> None:
    [message] = _messages({f"S{number}": value for number, (value, _) in enumerate(SHAPES)})
    for number, (value, what) in enumerate(SHAPES):
        assert f"S{number} ({what})" in message
        assert value not in message


def test_values_in_other_shapes_are_in_order() -> None:
    assert _messages({f"S{number}": value for number, value in enumerate(NO_SHAPES)}) == []


def test_a_secret_beside_what_only_the_deployment_knows_is_reported() -> None:
    scope = stack()
    url = f"redis://default:hunter2@{s3.Bucket(scope, 'Bucket').bucket_name}"
    [message] = _messages({"STORE": url}, scope)
    assert "hunter2" not in message


@pytest.mark.parametrize("kind", ["literal", "construct"])
def test_a_secret_that_the_deployment_puts_there_is_reported(kind: str) -> None:
    scope = stack()
    if kind == "construct":
        value = secretsmanager.Secret(scope, "Secret").secret_value
    else:
        value = SecretValue.secrets_manager("payments")
    payments = function(scope, environment={"SETTING": value.unsafe_unwrap()})
    [finding] = findings(attached(payments), ID)
    assert "SETTING (a reference to a secret)" in finding.message


def test_what_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    parameter = CfnParameter(scope, "Parameter", no_echo=True)
    secret = secretsmanager.Secret(scope, "Secret")
    environment = {"PASSWORD": parameter.value_as_string, "DB_SECRET": secret.secret_name}
    assert findings(attached(function(scope, environment=environment)), ID) == []


def test_one_finding_names_all_of_a_function() -> None:
    environment = {"DB_PASSWORD": "hunter2", "TABLE": "orders", "API_KEY": "hunter3"}
    [finding] = findings(attached(function(stack(), environment=environment)), ID)
    assert finding.construct.node.path == "Stack/Payments"
    assert "DB_PASSWORD (by its name), API_KEY (by its name)." in finding.message


def test_what_is_added_afterwards_counts() -> None:
    payments = function(stack())
    idempotency = attached(payments)
    payments.add_environment("DB_PASSWORD", "hunter2")
    assert len(findings(idempotency, ID)) == 1


def test_the_environment_of_another_function_is_none_of_ours() -> None:
    scope = stack()
    function(scope, "Other", environment={"PASSWORD": "hunter2"})
    assert findings(attached(function(scope)), ID) == []


def test_a_token_of_another_kind_is_no_secret() -> None:
    scope = stack()
    other = lambda_.CfnAlias(scope, "Alias", function_name="f", function_version="1", name="live")
    payments = function(scope, environment={"SETTING": other.ref})
    assert findings(attached(payments), ID) == []
