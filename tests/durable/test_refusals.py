"""What does not go with durable executions, and what nobody knows: each is told, not recorded."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aws_durable_execution_sdk_python.execution import durable_execution

from kit.durable import Executions, real
from lambda_idempotency import (
    ConfigurationError,
    MemoryStore,
    current,
    idempotent,
    idempotent_function,
    idempotent_records,
)
from lambda_idempotency.execution.durable.forms import form_of

Make = Callable[..., Executions]
ORDER = {"order": 7}
CONFIGURATION = "lambda_idempotency.errors.ConfigurationError"


def _envelope(*operations: Any, **more: Any) -> dict[str, Any]:
    return {
        "DurableExecutionArn": "arn:aws:lambda:eu-west-1:1:function:pay:1/durable-execution/a/b",
        "CheckpointToken": "token",
        "InitialExecutionState": {"Operations": [*operations], "NextMarker": "", **more},
    }


def _execution(payload: str | None = '{"order": 7}') -> dict[str, Any]:
    details = {} if payload is None else {"InputPayload": payload}
    return {"Id": "b", "Type": "EXECUTION", "Status": "STARTED", "ExecutionDetails": details}


def _outside(answer: Any, store: MemoryStore, **options: Any) -> Any:
    options = {"execution_timeout": 60, "key": "order", **options}
    return idempotent(store=store, name="pay", **options)(lambda event, context: answer)


# Options and calls --------------------------------------------------------------------------------


def test_without_a_timeout_nothing_runs(executions: Make, records: MemoryStore) -> None:
    pay = executions(lambda *_: pytest.fail("it ran"), execution_timeout=None)
    arn = pay.start(ORDER)
    error = pay.error(arn)
    assert "execution_timeout is missing" in error.message
    assert records.records() == {}


def test_writes_and_recovery_points_are_those_of_the_sdk(executions: Make) -> None:
    def handler(event: Any, context: Any) -> Any:
        texts = []
        for refused in (
            lambda: current().commit_with([]),
            lambda: current().step("pay", lambda: None),
        ):
            with pytest.raises(ConfigurationError, match=r"context\.step") as raised:
                refused()
            texts.append(str(raised.value))
        return texts

    assert len(executions(handler).run(ORDER)) == 2


@pytest.mark.parametrize("form", ["outside"], indirect=True)
def test_the_outside_form_does_not_wait(executions: Make) -> None:
    pay = executions(lambda *_: None, on_in_progress="wait")
    assert "Put it below @durable_execution" in pay.error(pay.start(ORDER)).message


@pytest.mark.parametrize("form", ["inside"], indirect=True)
def test_a_function_refuses_a_durable_context(executions: Make) -> None:
    @idempotent_function(store=MemoryStore())
    def charge(order: int, context: Any) -> None:
        pytest.fail("it ran")

    pay = executions(lambda event, context: charge(event["order"], context=context))
    error = pay.fail(ORDER)
    assert error.type == CONFIGURATION
    assert "charge was given a durable context" in error.message


def _in_a_branch(pay: Any, event: Any, context: Any) -> Any:
    return context.map([event, event], lambda child, item, *_: pay(item, child)).throw_if_error()


def _in_the_body(pay: Any, event: Any, context: Any) -> Any:
    return pay(event, context)


@pytest.mark.parametrize("use", [_in_a_branch, _in_the_body])
@pytest.mark.parametrize("is_ours", [False, True])
def test_a_part_of_a_durable_function_is_refused(
    records: MemoryStore, use: Callable[[Any, Any, Any], Any], *, is_ours: bool
) -> None:
    runs: list[Any] = []

    def part(event: Any, context: Any) -> Any:
        runs.append(event)

    options: Any = {"key": "order", "store": records, "execution_timeout": 60}
    pay = idempotent(name="part", **options)(part)

    def handler(event: Any, context: Any) -> Any:
        return use(pay, event, context)

    whole = idempotent(name="whole", **options)(handler) if is_ours else handler
    with Executions(real(whole, outer=lambda durable: durable)) as executions:
        assert "applied to a part of a durable function" in executions.fail(ORDER).message
    assert (runs, records.records()) == ([], {})


def test_a_function_with_another_decorator_around_it_is_no_part(records: MemoryStore) -> None:
    options: Any = {"key": "order", "store": records, "execution_timeout": 60}
    pay = idempotent(name="pay", **options)(lambda event, _: event["order"])

    @functools.wraps(pay)
    def around(event: Any, context: Any) -> Any:
        return pay(event, context)

    with Executions(real(around, outer=lambda durable: durable)) as executions:
        assert [executions.run(ORDER), executions.run(ORDER)] == [7, 7]


def test_records_refuse_a_durable_function() -> None:
    handler = idempotent_records(store=MemoryStore())(lambda record, context: None)
    with pytest.raises(ConfigurationError, match="start an execution for each record"):
        handler(_envelope(_execution()), None)
    context = SimpleNamespace(execution_context=SimpleNamespace(durable_execution_arn="arn"))
    with pytest.raises(ConfigurationError, match="start an execution for each record"):
        handler({"Records": []}, context)


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("envelope", "said"),
    [
        (_envelope(), "has 0 operations and no EXECUTION operation"),
        (_envelope({"Type": "STEP"}), "has 1 operations and no EXECUTION"),
        (_envelope(_execution("{")), "its input is no JSON"),
        ({**_envelope(_execution()), "InitialExecutionState": None}, "no InitialExecutionState"),
        ({**_envelope(_execution()), "DurableExecutionArn": None}, "is a NoneType"),
    ],
)
def test_an_envelope_of_another_form_fails_the_invocation(
    records: MemoryStore, envelope: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        _outside({"Status": "SUCCEEDED", "Result": "1"}, records)(envelope, None)
    assert records.records() == {}


def test_an_input_that_is_missing_is_an_empty_object(records: MemoryStore) -> None:
    handler = _outside({"Status": "PENDING"}, records, key=lambda event: ["key", str(event)])
    assert handler(_envelope(_execution(None)), None) == {"Status": "PENDING"}
    assert handler.record_id(_envelope(_execution(None)), None) == handler.record_id({}, None)


@pytest.mark.parametrize("answer", [{"Status": "HALTED"}, {"statusCode": 200}, None, "x"])
def test_an_answer_of_another_form_is_not_recorded_and_keeps_the_key(
    records: MemoryStore, answer: Any
) -> None:
    with pytest.raises(ConfigurationError, match="known are SUCCEEDED, FAILED, PENDING"):
        _outside(answer, records)(_envelope(_execution()), None)
    assert [record.status for record in records.records().values()] == ["INPROGRESS"]


@pytest.mark.parametrize("form", ["inside"], indirect=True)
def test_another_major_version_of_the_sdk_is_named(
    executions: Make, records: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = sys.modules["aws_durable_execution_sdk_python"]
    monkeypatch.setattr(sdk, "__version__", "4.0.1")
    error = executions(lambda *_: pytest.fail("it ran")).fail(ORDER)
    assert "aws_durable_execution_sdk_python 4.0.1; known is" in error.message
    assert "major version 3" in error.message
    assert records.records() == {}


def test_an_arn_that_changes_is_refused(records: MemoryStore) -> None:
    function = idempotent(store=records, name="pay", execution_timeout=60)(lambda *_: None)

    @durable_execution
    def handler(event: Any, context: Any) -> Any:
        context.execution_context = SimpleNamespace(durable_execution_arn="another")
        return function(event, context)

    with Executions(handler) as pay:
        error = pay.fail(ORDER)
    assert "of two executions: another and" in error.message
    assert records.records() == {}


# What is none -------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [{}, ORDER, [], None, {"DurableExecutionArn": "a"}, "text", 7])
def test_another_event_is_no_durable_execution(event: Any) -> None:
    assert form_of(event, None) is None
    assert form_of(event, SimpleNamespace(aws_request_id="r")) is None


def test_a_mock_is_no_durable_context() -> None:
    from unittest.mock import MagicMock

    assert form_of(ORDER, MagicMock()) is None


def test_a_handler_that_gets_an_envelope_in_its_input_is_none() -> None:
    assert form_of({"body": json.dumps(_envelope())}, None) is None
