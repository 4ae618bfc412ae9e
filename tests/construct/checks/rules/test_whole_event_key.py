"""A function behind HTTP whose whole event would be its key is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_targets as elb_targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration

from kit.checks import attached, findings
from kit.synth import function, stack


def _rest(scope: Stack, target: lambda_.IFunction) -> None:
    apigateway.LambdaRestApi(scope, "Api", handler=target)


def _http(scope: Stack, target: lambda_.IFunction) -> None:
    integration = HttpLambdaIntegration("Payments", target)
    apigatewayv2.HttpApi(scope, "Api").add_routes(path="/payments", integration=integration)


def _url(scope: Stack, target: lambda_.IFunction) -> None:
    target.add_function_url()


def _load_balancer(scope: Stack, target: lambda_.IFunction) -> None:
    elb.ApplicationTargetGroup(scope, "Group", targets=[elb_targets.LambdaTarget(target)])


def _raw_permission(scope: Stack, target: lambda_.IFunction) -> None:
    lambda_.CfnPermission(
        scope,
        "Permission",
        action="lambda:InvokeFunction",
        function_name=target.function_name,
        principal="apigateway.amazonaws.com",
    )


EACH = pytest.mark.parametrize("front", [_rest, _http, _url, _load_balancer, _raw_permission])


@EACH
def test_without_http_and_without_a_key_no_retry_is_recognized(front: Any) -> None:
    scope = stack()
    payments = function(scope)
    front(scope, payments)
    [finding] = findings(attached(payments, http=None), "whole-event-key")
    assert finding.construct.node.path == "Stack/Payments"
    assert "http=None and no key" in finding.message


@EACH
@pytest.mark.parametrize("props", [{}, {"http": None, "key": "body.order_id"}], ids=["http", "key"])
def test_with_one_of_them_a_retry_is_recognized(front: Any, props: dict[str, Any]) -> None:
    scope = stack()
    payments = function(scope)
    front(scope, payments)
    assert findings(attached(payments, **props), "whole-event-key") == []


def test_an_alias_behind_http_is_seen() -> None:
    scope = stack()
    payments = function(scope)
    _http(scope, lambda_.Alias(scope, "Live", alias_name="live", version=payments.current_version))
    assert len(findings(attached(payments, http=None), "whole-event-key")) == 1


def test_other_sources_redeliver_the_same_event() -> None:
    scope = stack()
    payments = function(scope)
    sns.Topic(scope, "Topic").add_subscription(subscriptions.LambdaSubscription(payments))
    assert findings(attached(payments, http=None), "whole-event-key") == []


def test_the_api_of_another_function_is_none_of_ours() -> None:
    scope = stack()
    _http(scope, function(scope, "Other"))
    assert findings(attached(function(scope), http=None), "whole-event-key") == []
