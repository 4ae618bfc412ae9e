"""Keys that cannot encrypt the answers of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk import aws_kms as kms

from cdk_idempotency import Idempotency
from cdk_idempotency.functions import native
from kit.checks import findings
from kit.synth import function, stack


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_tags", lambda _: ["py3-none-any"])


def _found(scope: Stack, key: kms.IKey | None) -> list[str]:
    idempotency = Idempotency(scope, "Idempotency", response_key=key)
    idempotency.attach(function(scope))
    return [finding.message for finding in findings(idempotency, "response-key")]


@pytest.mark.parametrize(
    ("props", "why"),
    [
        ({"enabled": False}, "is disabled"),
        ({"key_spec": kms.KeySpec.RSA_2048}, "is no symmetric key that encrypts"),
        (
            {"key_spec": kms.KeySpec.HMAC_256, "key_usage": kms.KeyUsage.GENERATE_VERIFY_MAC},
            "is no symmetric key that encrypts",
        ),
    ],
    ids=["disabled", "asymmetric", "HMAC"],
)
def test_a_key_that_cannot_encrypt_is_an_error(props: dict[str, Any], why: str) -> None:
    scope = stack()
    [message] = _found(scope, kms.Key(scope, "Key", **props))
    assert f"response_key Stack/Key {why}" in message


@pytest.mark.parametrize(
    "alias",
    [
        lambda scope: kms.Key(scope, "Key").add_alias("alias/answers"),
        lambda scope: kms.Alias.from_alias_name(scope, "Key", "alias/answers"),
        lambda scope: kms.Key.from_key_arn(
            scope, "Key", "arn:aws:kms:eu-central-1:111122223333:alias/answers"
        ),
    ],
    ids=["own", "by its name", "by its ARN"],
)
def test_an_alias_is_an_error(alias: Callable[[Stack], kms.IKey]) -> None:
    scope = stack()
    [message] = _found(scope, alias(scope))
    assert "is an alias, and IAM grants no use of a key by its alias" in message


def test_a_symmetric_key_is_none() -> None:
    scope = stack()
    assert _found(scope, kms.Key(scope, "Key", enable_key_rotation=True)) == []


def test_without_a_key_there_is_nothing_to_say() -> None:
    assert _found(stack(), None) == []


@pytest.mark.parametrize(("region", "count"), [("eu-west-1", 1), ("eu-central-1", 0)])
def test_a_key_of_another_region_is_an_error(region: str, count: int) -> None:
    scope = stack(env=Environment(account="111122223333", region="eu-central-1"))
    key = kms.Key.from_key_arn(scope, "Key", f"arn:aws:kms:{region}:111122223333:key/1")
    found = _found(scope, key)
    assert [f"is in {region} and the function in eu-central-1" in each for each in found] == [
        True
    ] * count
