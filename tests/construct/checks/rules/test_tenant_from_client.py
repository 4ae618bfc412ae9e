"""A client does not choose its tenant."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_

from kit.checks import attached, findings
from kit.synth import function, stack

HEADER = "integration.request.header.X-Amz-Tenant-Id"


def _found(mapping: dict[str, str] | None) -> list[Any]:
    scope = stack()
    payments = function(scope, tenancy_config=lambda_.TenancyConfig.PER_TENANT)
    integration = apigateway.LambdaIntegration(payments, request_parameters=mapping)
    apigateway.RestApi(scope, "Api").root.add_method("POST", integration)
    return findings(attached(payments), "tenant-from-client")


@pytest.mark.parametrize("part", ["header.tenant", "querystring.tenant", "path.tenant"])
def test_a_tenant_that_the_client_sends_is_reported(part: str) -> None:
    [finding] = _found({HEADER: f"method.request.{part}"})
    assert finding.construct.node.path == "Stack/Api/Default/POST/Resource"
    assert f"takes the tenant of Stack/Payments from method.request.{part}" in finding.message


@pytest.mark.parametrize(
    "mapping",
    [
        {HEADER: "context.authorizer.tenant"},
        {HEADER: "stageVariables.tenant"},
        {"integration.request.header.X-Other": "method.request.header.tenant"},
        None,
    ],
)
def test_any_other_is_in_order(mapping: dict[str, str] | None) -> None:
    assert _found(mapping) == []


def test_the_header_s_name_has_no_case() -> None:
    assert len(_found({HEADER.lower(): "method.request.header.tenant"})) == 1
