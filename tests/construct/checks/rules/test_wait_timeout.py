"""A duplicate waits for less time than its function may run."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration

from cdk_idempotency import Idempotency
from cdk_idempotency.inspection import resource_of
from kit.checks import attached, findings, problems
from kit.synth import durable, function, stack


def _attached(timeout: int | None = 10, **options: Any) -> Idempotency:
    limit: dict[str, Any] = {} if timeout is None else {"timeout": Duration.seconds(timeout)}
    return attached(function(stack(), **limit), **options)


def _waiting(seconds: int, timeout: int | None = 10) -> Idempotency:
    return _attached(timeout, on_in_progress="wait", wait_timeout=Duration.seconds(seconds))


@pytest.mark.parametrize(("seconds", "timeout"), [(10, 10), (11, 10), (3, None)])
def test_a_wait_as_long_as_the_function_is_reported(seconds: int, timeout: int | None) -> None:
    [finding] = findings(_waiting(seconds, timeout), "wait-timeout")
    assert finding.construct.node.path == "Stack/Payments"
    assert f"A duplicate waits up to {seconds} seconds (wait_timeout), and Lambda" in (
        finding.message
    )
    assert f"ends it after {3 if timeout is None else timeout}, so" in finding.message


@pytest.mark.parametrize(("seconds", "timeout"), [(9, 10), (2, None)])
def test_a_shorter_wait_is_in_order(seconds: int, timeout: int | None) -> None:
    assert problems(_waiting(seconds, timeout)) == {}


def test_a_wait_of_default_length_is_in_order() -> None:
    assert problems(_attached(on_in_progress="wait")) == {}


def test_a_function_that_does_not_wait_is_in_order() -> None:
    assert problems(_attached(wait_timeout=Duration.minutes(1))) == {}


def test_a_timeout_that_is_changed_later_counts() -> None:
    payments = function(stack(), timeout=Duration.seconds(60))
    wait = Duration.seconds(30)
    idempotency = attached(payments, on_in_progress="wait", wait_timeout=wait)
    resource_of(payments).timeout = 20
    assert len(findings(idempotency, "wait-timeout")) == 1


def test_a_timeout_that_only_the_deployment_knows_is_passed() -> None:
    scope = stack()
    payments = function(scope)
    wait = Duration.seconds(30)
    idempotency = attached(payments, on_in_progress="wait", wait_timeout=wait)
    resource_of(payments).timeout = CfnParameter(scope, "Timeout", type="Number").value_as_number
    assert problems(idempotency) == {}


@pytest.mark.parametrize(("seconds", "found"), [(3599, 0), (3600, 1)])
def test_a_durable_execution_may_wait_for_longer_than_an_invocation(
    seconds: int, found: int
) -> None:
    wait = Duration.seconds(seconds)
    payments = function(stack(), durable_config=durable())
    idempotency = attached(payments, on_in_progress="wait", wait_timeout=wait)
    assert len(findings(idempotency, "wait-timeout")) == found
