"""Encrypted answers and steps on each real store, with the local KMS."""

from __future__ import annotations

from typing import Any, Final

import pytest

from lambda_idempotency import Conflict, KmsCipher, StoreError, current, idempotent
from lambda_idempotency.clients.aws.kms import KMS
from lambda_idempotency.testing.store_harness import StoreHarness, new_key

SECRET: Final = "4111111111111111"
ANSWER: Final = {"card": SECRET, "lines": ["of an order"] * 500}
REAL: Final = ("memory", "dynamodb", "dynamodb light", "redis 7", "redis acl")


class Order:
    """A handler with a step, which raises until it is told not to."""

    def __init__(self, harness: StoreHarness, key: str, kms: KMS) -> None:
        self.harness = harness
        self.kms = kms
        self.event = {"id": new_key()}
        self.key = key
        self.namespace = harness.key.partition("#")[0]
        self.raises = True
        self.charges = 0

    def cipher(self) -> KmsCipher:
        """Return a cipher that has no data key yet."""
        cipher = KmsCipher(self.key)
        cipher._client = self.kms
        return cipher

    def charge(self) -> dict[str, str]:
        self.charges += 1
        return {"card": SECRET}

    def call(self) -> Any:
        """Call the handler in a process that has no data key yet."""
        return self._decorated()(self.event, None)

    def record(self) -> str:
        """Return all that the store has."""
        reply = self.harness.store.read(self._decorated().record_id(self.event))
        assert isinstance(reply, Conflict)
        return repr(reply.record)

    def _decorated(self) -> Any:
        decorate = idempotent(
            store=self.harness.store,
            namespace=self.namespace,
            key="id",
            name="order",
            lease=60,
            cipher=self.cipher(),
        )
        return decorate(self.handler)

    def handler(self, event: Any, context: Any) -> Any:
        current().step("charge", self.charge)
        if self.raises:
            raise ZeroDivisionError
        return ANSWER


@pytest.fixture
def order(harness: StoreHarness, kms_key: str, kms: KMS) -> Order:
    return Order(harness, kms_key, kms)


@pytest.mark.parametrize("harness", REAL, indirect=True)
def test_answers_and_steps_come_back_and_the_store_has_nothing_of_them(order: Order) -> None:
    with pytest.raises(ZeroDivisionError):
        order.call()
    assert SECRET not in order.record()
    order.raises = False
    assert [order.call(), order.call()] == [ANSWER, ANSWER]
    assert order.charges == 1
    assert SECRET not in order.record()
    assert "of an order" not in order.record()


@pytest.mark.parametrize("harness", ["dynamodb light"], indirect=True)
def test_a_disabled_key_stops_calls_and_loses_nothing(order: Order, boto_kms: Any) -> None:
    order.key = str(boto_kms.create_key()["KeyMetadata"]["Arn"])
    order.raises = False
    order.call()
    boto_kms.disable_key(KeyId=order.key)
    with pytest.raises(StoreError, match="KMS gave no data key for the answer"):
        order.call()
    boto_kms.enable_key(KeyId=order.key)
    assert order.call() == ANSWER
    assert order.charges == 1
