"""A function that may outlast its API is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Fn, Stack, Token
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration

from kit.checks import attached, findings
from kit.synth import app, durable, function, stack

SECONDS = Duration.seconds


def _rest(
    scope: Stack, target: lambda_.IFunction, timeout: int | None = None, **options: Any
) -> None:
    integration = apigateway.LambdaIntegration(
        target, timeout=None if timeout is None else SECONDS(timeout), **options
    )
    apigateway.RestApi(scope, "Rest").root.add_method("POST", integration)


def _http(scope: Stack, target: lambda_.IFunction, timeout: int | None = None) -> None:
    limit = None if timeout is None else SECONDS(timeout)
    integration = HttpLambdaIntegration("Payments", target, timeout=limit)
    apigatewayv2.HttpApi(scope, "Http").add_routes(path="/payments", integration=integration)


@pytest.mark.parametrize(
    ("api", "limit", "timeout", "found"),
    [
        (_rest, None, 29, 0),
        (_rest, None, 30, 1),
        (_rest, 10, 11, 1),
        (_rest, 120, 120, 0),  # with a raised quota
        (_http, None, 30, 0),
        (_http, None, 31, 1),
        (_http, 10, 10, 0),
        (_http, 10, 11, 1),
    ],
)
def test_a_function_ends_before_its_api_stops_waiting(
    api: Any, limit: int | None, timeout: int, found: int
) -> None:
    scope = stack()
    payments = function(scope, timeout=SECONDS(timeout))
    api(scope, payments, limit)
    assert len(findings(attached(payments), "api-timeout")) == found


def test_the_message_names_the_api_that_stops_first() -> None:
    scope = stack()
    payments = function(scope, timeout=SECONDS(60))
    _rest(scope, payments)
    _http(scope, payments, 5)
    [finding] = findings(attached(payments), "api-timeout")
    assert finding.construct.node.path == "Stack/Payments"
    assert finding.message.startswith("It may run for 1 minute, and Stack/Http/")
    assert "answers 504 after 5 seconds" in finding.message


def test_an_alias_behind_an_api_of_another_stack_is_seen() -> None:
    scope = app()
    payments = function(stack(scope), timeout=SECONDS(60))
    version = payments.current_version
    alias = lambda_.Alias(payments, "Live", alias_name="live", version=version)
    _rest(stack(scope, "Apis"), alias)
    idempotency = attached(payments)
    scope.synth()  # which makes exports of what crosses stacks
    assert len(findings(idempotency, "api-timeout")) == 1


def test_the_default_timeout_fits() -> None:
    scope = stack()
    payments = function(scope)
    _rest(scope, payments)
    assert findings(attached(payments), "api-timeout") == []


def test_a_streamed_response_may_take_longer() -> None:
    scope = stack()
    payments = function(scope, timeout=SECONDS(60))
    _rest(scope, payments, response_transfer_mode=apigateway.ResponseTransferMode.STREAM)
    assert findings(attached(payments), "api-timeout") == []


def test_an_integration_that_does_not_wait_is_none_of_ours() -> None:
    scope = stack()
    payments = function(scope, timeout=SECONDS(60))
    _rest(scope, payments, proxy=False)
    assert findings(attached(payments), "api-timeout") == []


def test_an_integration_without_a_function_is_none_of_ours() -> None:
    scope = stack()
    api = apigateway.RestApi(scope, "Rest")
    api.root.add_method("POST", apigateway.MockIntegration())
    payments = function(scope, timeout=SECONDS(60))
    assert findings(attached(payments), "api-timeout") == []


def test_a_function_url_waits_for_as_long_as_its_function_runs() -> None:
    payments = function(stack(), timeout=Duration.minutes(15))
    payments.add_function_url()
    assert findings(attached(payments), "api-timeout") == []


def test_a_limit_that_only_the_deployment_knows_is_none_of_ours() -> None:
    scope = stack()
    payments = function(scope, timeout=SECONDS(60))
    apigatewayv2.CfnIntegration(
        scope,
        "Integration",
        api_id="api",
        integration_type="AWS_PROXY",
        integration_uri=payments.function_arn,
        timeout_in_millis=Token.as_number(Fn.ref("Milliseconds")),
    )
    assert findings(attached(payments), "api-timeout") == []


@pytest.mark.parametrize(("seconds", "found"), [(29, 0), (30, 1)])
def test_an_api_waits_for_a_durable_execution(seconds: int, found: int) -> None:
    scope = stack()
    payments = function(scope, durable_config=durable(seconds))
    _rest(scope, payments)
    said = [each.message for each in findings(attached(payments), "api-timeout")]
    assert len(said) == found
    assert all("Let the API start the execution asynchronously" in message for message in said)
