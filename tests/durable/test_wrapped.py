"""A durable function that knows nothing of us, attached with `wrap_handler=True`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from kit.durable import Executions, real


@pytest.fixture
def pay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Executions]:
    """Yield the function, as Lambda loads it: by the wrapper's name, with what `attach` sets."""
    charges: list[int] = []

    def handler(event: Any, context: Any) -> Any:
        context.step(lambda _: charges.append(event["order"]), name="charge")
        return {"charges": len(charges)}

    def wrapped(durable: Any) -> Any:
        monkeypatch.setitem(sys.modules, "orders", ModuleType("orders"))
        sys.modules["orders"].handler = durable  # type: ignore[attr-defined]
        return import_module("lambda_idempotency.wrap").handler

    monkeypatch.setenv("IDEMPOTENCY_HANDLER", "orders.handler")
    monkeypatch.setenv("IDEMPOTENCY_STORE", "memory")
    monkeypatch.setenv("IDEMPOTENCY_KEY", "order")
    monkeypatch.setenv("IDEMPOTENCY_EXECUTION_TIMEOUT", "300")
    monkeypatch.delitem(sys.modules, "lambda_idempotency.wrap", raising=False)
    with Executions(real(handler, outer=wrapped)) as pay:
        yield pay


def test_its_duplicate_gets_the_first_answer(pay: Executions) -> None:
    assert [pay.run({"order": order}) for order in (7, 7, 8)] == [
        {"charges": 1},
        {"charges": 1},
        {"charges": 2},
    ]
