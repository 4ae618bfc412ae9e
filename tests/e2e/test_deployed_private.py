"""Encrypted answers of a deployed function, with IAM enforced."""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed

pytestmark = pytest.mark.xdist_group("deployed")


@pytest.fixture
def secret() -> str:
    return f"card {uuid4().hex}"


def _event(secret: str, **more: Any) -> dict[str, Any]:
    return {"id": uuid4().hex, "card": secret, "times": 1, **more}


def _encrypted(deployed: Deployed, answer: dict[str, Any]) -> bytes:
    """Return the encrypted data key that lies beside an answer."""
    data: bytes = deployed.record(answer["record"])["data"]["B"]
    return data[3 : 3 + int.from_bytes(data[1:3], "big")]


def test_a_duplicate_in_another_environment_gets_the_answer(
    deployed: Deployed, secret: str
) -> None:
    event = _event(secret)
    first = deployed.answer("Private", event)
    deployed.restart("Private")
    assert deployed.answer("Private", event) == first
    assert first["charged"]["card"] == secret


@pytest.mark.parametrize("times", [1, 2000], ids=["record", "object"])
def test_the_secret_is_nowhere_in_table_bucket_and_log(
    deployed: Deployed, secret: str, times: int
) -> None:
    event = _event(secret, times=times)
    log = deployed.log("Private", {**event, "raises": True})
    kept = deployed.everything("Private", "PrivateResponsesName")
    log += deployed.log("Private", event) + deployed.log("Private", event)
    kept += deployed.everything("Private", "PrivateResponsesName")
    answer = deployed.answer("Private", event)
    assert answer["lines"] == secret * times
    assert secret not in log
    assert secret.encode() not in kept
    assert answer["record"].encode() in kept  # it searches where the record is


def test_a_step_with_writes_needs_no_right_to_the_transaction(
    deployed: Deployed, secret: str
) -> None:
    event = _event(secret)
    assert deployed.invoke("Private", {**event, "raises": True}).error == "asked to"
    receipt = deployed.answer("Private", event)["charged"]["receipt"]
    assert receipt
    assert deployed.effects(event["id"]) == 1
    _, _, document = deployed.policy("Private")
    granted = {
        action
        for statement in document["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
        if action.startswith("dynamodb:")
    }
    assert granted == {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}


@pytest.mark.parametrize(
    ("namespace", "code"),
    [
        ("Private/Private", "AccessDeniedException"),
        ("Private/Stranger", "InvalidCiphertextException"),
    ],
)
def test_the_data_keys_of_another_function_are_out_of_reach(
    deployed: Deployed, secret: str, namespace: str, code: str
) -> None:
    encrypted = b64encode(_encrypted(deployed, deployed.answer("Private", _event(secret)))).decode()
    event = {"encrypted": encrypted, "namespace": namespace}
    assert deployed.answer("Stranger", event) == code


@pytest.fixture(params=["kms:GenerateDataKey", "kms:Decrypt"])
def without(request: pytest.FixtureRequest, deployed: Deployed) -> Iterator[str]:
    """Take one of the rights on the key away for a while."""
    role, name, document = deployed.policy("Private")
    reduced: dict[str, Any] = copy.deepcopy(document)
    for statement in reduced["Statement"]:
        if request.param in statement["Action"]:
            statement["Action"].remove(request.param)
    event = _event("answered before")
    deployed.answer("Private", event)
    deployed.put_policy(role, name, reduced)
    deployed.restart("Private")
    try:
        yield request.param
    finally:
        deployed.put_policy(role, name, document)
        deployed.restart("Private")


def test_each_right_on_the_key_is_needed(deployed: Deployed, secret: str, without: str) -> None:
    event = _event(secret)
    first = deployed.invoke("Private", event)
    if without == "kms:GenerateDataKey":
        assert "KMS gave no data key for the answer" in str(first.error)
        assert deployed.effects(event["id"]) == 0
    else:
        assert first.error is None
        deployed.restart("Private")
        again = deployed.invoke("Private", event)
        assert "is done, but KMS did not decrypt its answer" in str(again.error)
        assert deployed.effects(event["id"]) == 1


def test_without_the_key_nothing_runs_and_nothing_is_lost(deployed: Deployed, secret: str) -> None:
    answered, other = _event(secret), _event(secret)
    first = deployed.answer("Private", answered)
    deployed.enable_key("AnswersArn", enabled=False)
    deployed.restart("Private")
    try:
        results = [deployed.invoke("Private", event) for event in (answered, other)]
    finally:
        deployed.enable_key("AnswersArn", enabled=True)
        deployed.restart("Private")
    assert all("DisabledException" in str(result.error) for result in results)
    assert deployed.effects(other["id"]) == 0
    assert deployed.answer("Private", answered) == first
    assert deployed.effects(answered["id"]) == 1
