"""Durable functions: the execution timeout that the runtime is told, and the right to ask."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import Idempotency
from kit.synth import durable, function, only, stack, template, variables


def _attached(**props: Any) -> Stack:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope, **props))
    return scope


def test_the_runtime_is_told_how_long_an_execution_may_hold_a_key() -> None:
    found = variables(template(_attached(durable_config=durable(3600))))
    assert found["IDEMPOTENCY_EXECUTION_TIMEOUT"] == "3600"
    assert found["IDEMPOTENCY_TIMEOUT"] == "3"


def test_a_durable_function_may_ask_about_its_executions_and_no_others() -> None:
    found = template(_attached(durable_config=durable(60)))
    [(name, resource)] = found.find_resources("AWS::Lambda::Function").items()
    found.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": [
                    {
                        "Action": "lambda:GetDurableExecution",
                        "Effect": "Allow",
                        "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": [name, "Arn"]}, ":*"]]},
                    }
                ]
            }
        },
    )
    # The policy names the function: one that the function waits for would be circular.
    assert not [each for each in resource["DependsOn"] if "DurableExecutions" in each]


def test_a_durable_function_is_wrapped_as_any_other() -> None:
    scope = stack()
    payments = function(scope, durable_config=durable(60))
    Idempotency(scope, "Idempotency").attach(payments, wrap_handler=True)
    found = template(scope)
    properties = only(found, "AWS::Lambda::Function")
    assert properties["Handler"] == "lambda_idempotency.wrap.handler"
    assert properties["DurableConfig"] == {"ExecutionTimeout": 60}
    told = variables(found)
    assert told["IDEMPOTENCY_HANDLER"] == "index.handler"
    assert told["IDEMPOTENCY_EXECUTION_TIMEOUT"] == "60"
    assert "lambda:GetDurableExecution" in str(found.find_resources("AWS::IAM::Policy"))


def test_an_ordinary_function_is_told_nothing_and_may_not_ask() -> None:
    found = template(_attached())
    assert "IDEMPOTENCY_EXECUTION_TIMEOUT" not in variables(found)
    assert "GetDurableExecution" not in str(found.to_json())


def test_an_execution_timeout_that_is_a_token_is_refused() -> None:
    scope = stack()
    payments = function(scope, durable_config=durable(60))
    resource = payments.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    seconds = CfnParameter(scope, "Seconds", type="Number").value_as_number
    resource.durable_config = lambda_.CfnFunction.DurableConfigProperty(execution_timeout=seconds)
    with pytest.RaisesExc(ValueError, match=re.escape("durable configuration is a CDK token")):
        Idempotency(scope, "Idempotency").attach(payments)
