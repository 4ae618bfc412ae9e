"""Waiting for another execution's answer: the duplicate is suspended meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from kit.durable import Executions
from lambda_idempotency import Store

Make = Callable[..., Executions]
ORDER = {"order": 7}

pytestmark = pytest.mark.parametrize("form", ["inside"], indirect=True)


def test_a_duplicate_waits_suspended_and_gets_the_answer(executions: Make, place: Store) -> None:
    runs: list[Any] = []
    waits = threading.Event()

    def handler(event: Any, context: Any) -> Any:
        runs.append(event)
        return context.create_callback(name="approve").result()

    pay = executions(handler, on_in_progress="wait", store=place, namespace="waits")
    first = pay.start(ORDER)
    callback = pay.callback(first)
    ask = pay.get_durable_execution

    def asked(arn: str, *, data: bool) -> Any:
        waits.set()
        pay.clock += 5
        return ask(arn, data=data)

    pay.get_durable_execution = asked  # type: ignore[method-assign]
    second = pay.start(ORDER)
    assert waits.wait(30)
    pay.answer(callback, "yes")
    assert pay.result(first) == pay.result(second)
    assert len(runs) == 2  # the first one, and as it resumes


def test_a_duplicate_that_has_waited_long_enough_fails(executions: Make) -> None:
    pay = executions(
        lambda _, context: context.create_callback(name="approve").result(),
        on_in_progress="wait",
        wait_timeout=3,
    )
    pay.callback(pay.start(ORDER))
    assert pay.fail(ORDER).type.endswith(".InProgressError")


def test_an_input_without_a_key_is_answered_as_without_the_wait(executions: Make) -> None:
    pay = executions(lambda *_: "paid", on_in_progress="wait", on_missing_key="bypass")
    assert pay.run({}) == "paid"


def test_the_first_operation_is_the_wait_always(executions: Make) -> None:
    pay = executions(
        lambda _, context: context.step(lambda _: 1, name="charge"), on_in_progress="wait"
    )
    arn = pay.start(ORDER)
    pay.result(arn)
    names = [
        event.name
        for event in pay._runner.get_execution_history(arn).events
        if event.name in ("idempotency", "charge")
    ]
    assert names[0] == "idempotency"
