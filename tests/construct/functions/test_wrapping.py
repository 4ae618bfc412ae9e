"""`wrap_handler=True` redirects the handler, and nothing else changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from kit.synth import function, only, stack, template, variables

WRAPPER = "lambda_idempotency.wrap.handler"


def _properties(**attach: Any) -> dict[str, Any]:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope), **attach)
    return only(template(scope), "AWS::Lambda::Function")


def test_the_handler_is_redirected_and_the_original_is_in_the_environment() -> None:
    found = _properties(wrap_handler=True)
    assert found["Handler"] == WRAPPER
    assert found["Environment"]["Variables"]["IDEMPOTENCY_HANDLER"] == "index.handler"


def test_without_wrap_handler_the_handler_stays() -> None:
    found = _properties()
    assert found["Handler"] == "index.handler"
    assert "IDEMPOTENCY_HANDLER" not in found["Environment"]["Variables"]


def test_nothing_but_handler_layer_and_environment_changes() -> None:
    scope = stack()
    function(scope)
    plain = only(template(scope), "AWS::Lambda::Function")
    wrapped = _properties(wrap_handler=True)
    changed = {name for name in {*plain, *wrapped} if plain.get(name) != wrapped.get(name)}
    assert changed == {"Handler", "Layers", "Environment"}


def test_a_handler_in_a_directory_is_kept_as_it_is_written() -> None:
    scope = stack()
    payments = function(scope, handler="orders/payments.handler")
    Idempotency(scope, "Idempotency").attach(payments, wrap_handler=True)
    assert variables(template(scope))["IDEMPOTENCY_HANDLER"] == "orders/payments.handler"


def test_the_current_version_and_an_alias_are_of_the_wrapped_function() -> None:
    def version(**attach: Any) -> str:
        scope = stack()
        payments = function(scope)
        Idempotency(scope, "Idempotency").attach(payments, **attach)
        lambda_.Alias(scope, "Live", alias_name="live", version=payments.current_version)
        found = template(scope)
        found.resource_count_is("AWS::Lambda::Alias", 1)
        [logical_id] = found.find_resources("AWS::Lambda::Version")
        return logical_id

    assert version(wrap_handler=True) == version(wrap_handler=True)
    assert version(wrap_handler=True) != version()


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_a_handler_that_is_a_token_is_refused() -> None:
    scope = stack()
    payments = function(scope, handler=CfnParameter(scope, "Handler").value_as_string)
    with _refused("[Stack/Payments] its handler is a CDK token, so it cannot be wrapped"):
        Idempotency(scope, "Idempotency").attach(payments, wrap_handler=True)


def test_a_handler_that_is_the_wrapper_is_refused() -> None:
    scope = stack()
    payments = function(scope, handler=WRAPPER)
    with _refused(f"[Stack/Payments] handler is '{WRAPPER}', the wrapper itself"):
        Idempotency(scope, "Idempotency").attach(payments, wrap_handler=True)
