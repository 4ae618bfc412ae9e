"""A durable function waits inside of `@durable_execution`."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_idempotency import Idempotency
from kit.checks import findings
from kit.synth import durable, function, stack

DURABLE = {"durable_config": durable()}


def _found(props: dict[str, Any], **options: Any) -> list[Any]:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    idempotency.attach(function(scope, **props), **options)
    return findings(idempotency, "durable-wait")


def test_a_wrapped_durable_function_that_is_to_wait_is_refused() -> None:
    [finding] = _found(DURABLE, wrap_handler=True, on_in_progress="wait")
    assert finding.severity == "error"
    assert finding.construct.node.path == "Stack/Payments"
    assert "put @idempotent below @durable_execution" in finding.message


@pytest.mark.parametrize(
    ("props", "options"),
    [
        (DURABLE, {"on_in_progress": "wait"}),
        (DURABLE, {"wrap_handler": True}),
        ({}, {"wrap_handler": True, "on_in_progress": "wait"}),
    ],
)
def test_any_other_is_in_order(props: dict[str, Any], options: dict[str, Any]) -> None:
    assert _found(props, **options) == []
