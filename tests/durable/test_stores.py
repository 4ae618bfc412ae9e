"""Durable executions on each store: what happens to one that is suspended, and what others get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_durable_execution_sdk_python import InvocationError

from kit.durable import Executions
from lambda_idempotency import Store

Make = Callable[..., Executions]


class Shop:
    """A durable function that charges, waits for a callback and ships."""

    def __init__(self, order: str, place: Store, executions: Make, **options: Any) -> None:
        self.charges = self.shipments = 0
        self.dies = False
        self.event = {"order": order}
        self.pay = executions(self._handler, store=place, namespace="shop", **options)

    def _handler(self, _: Any, context: Any) -> Any:
        context.step(lambda _: self._charge(), name="charge")
        answer = context.create_callback(name="approve").result()
        if self.dies:
            self.dies = False
            raise InvocationError("died")
        context.step(lambda _: self._ship(), name="ship")
        return {"answer": answer}

    def _charge(self) -> None:
        self.charges += 1

    def _ship(self) -> None:
        self.shipments += 1

    def suspended(self) -> tuple[str, str]:
        arn = self.pay.start(self.event)
        return arn, self.pay.callback(arn)


@pytest.fixture
def shop(request: pytest.FixtureRequest, place: Store, executions: Make) -> Shop:
    return Shop(request.node.name, place, executions)


def test_duplicates_while_it_is_suspended_and_after_it(shop: Shop) -> None:
    arn, callback = shop.suspended()
    assert shop.pay.fail(shop.event).type.endswith(".InProgressError")
    shop.pay.answer(callback, "yes")
    assert shop.pay.result(arn) == shop.pay.run(shop.event)
    assert (shop.charges, shop.shipments) == (1, 1)


def test_a_crash_after_it_was_suspended(shop: Shop) -> None:
    arn, callback = shop.suspended()
    shop.dies = True
    shop.pay.answer(callback, "yes")
    assert shop.pay.result(arn) == shop.pay.run(shop.event)
    assert (shop.charges, shop.shipments) == (1, 1)


@pytest.mark.parametrize("end", ["stop", "time_out"])
def test_an_end_from_outside(shop: Shop, end: str) -> None:
    arn, _ = shop.suspended()
    getattr(shop.pay, end)(arn)
    again, callback = shop.suspended()
    shop.pay.answer(callback, "yes")
    assert shop.pay.result(again) == shop.pay.run(shop.event)
    assert (shop.charges, shop.shipments) == (2, 1)


def test_a_pause(shop: Shop) -> None:
    arn, callback = shop.suspended()
    shop.pay._runner.pause_execution(arn)
    shop.pay.answer(callback, "yes")
    assert shop.pay.fail(shop.event).type.endswith(".InProgressError")
    shop.pay._runner.resume_execution(arn)
    assert shop.pay.result(arn) == shop.pay.run(shop.event)
    assert (shop.charges, shop.shipments) == (1, 1)
