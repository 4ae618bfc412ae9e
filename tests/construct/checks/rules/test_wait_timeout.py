"""A wait that outlasts its function is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack

from cdk_idempotency import Idempotency
from cdk_idempotency.inspection import resource_of
from kit.synth import function, stack, warnings


def _attached(scope: Stack, timeout: int | None = 10, **options: Any) -> Stack:
    timing: dict[str, Any] = {} if timeout is None else {"timeout": Duration.seconds(timeout)}
    Idempotency(scope, "Idempotency").attach(function(scope, **timing), **options)
    return scope


def _waiting(scope: Stack, seconds: int, timeout: int | None = 10) -> Stack:
    wait = Duration.seconds(seconds)
    return _attached(scope, timeout, on_in_progress="wait", wait_timeout=wait)


@pytest.mark.parametrize(("seconds", "timeout"), [(10, 10), (11, 10), (3, None)])
def test_a_wait_as_long_as_the_function_is_warned_of(seconds: int, timeout: int | None) -> None:
    [warning] = warnings(_waiting(stack(), seconds, timeout), "/Stack/Payments")
    assert f"A duplicate waits up to {seconds} seconds (wait_timeout), and Lambda ends" in warning
    assert f"after {3 if timeout is None else timeout}, so that" in warning
    assert "[ack: cdk-idempotency:wait-timeout]" in warning


@pytest.mark.parametrize(("seconds", "timeout"), [(9, 10), (2, None)])
def test_a_shorter_wait_is_in_order(seconds: int, timeout: int | None) -> None:
    assert warnings(_waiting(stack(), seconds, timeout), "*") == []


def test_a_wait_of_default_length_is_in_order() -> None:
    assert warnings(_attached(stack(), on_in_progress="wait"), "*") == []


def test_who_does_not_wait_is_in_order() -> None:
    assert warnings(_attached(stack(), wait_timeout=Duration.minutes(1)), "*") == []


def test_a_timeout_that_is_changed_later_counts() -> None:
    scope = stack()
    attached = function(scope, timeout=Duration.seconds(60))
    wait = Duration.seconds(30)
    Idempotency(scope, "Idempotency", on_in_progress="wait", wait_timeout=wait).attach(attached)
    resource_of(attached).timeout = 20
    assert len(warnings(scope, "/Stack/Payments")) == 1


def test_a_timeout_that_is_known_at_deployment_only_is_passed() -> None:
    scope = stack()
    attached = function(scope)
    wait = Duration.seconds(30)
    Idempotency(scope, "Idempotency", on_in_progress="wait", wait_timeout=wait).attach(attached)
    resource_of(attached).timeout = CfnParameter(scope, "Timeout", type="Number").value_as_number
    assert warnings(scope, "*") == []
