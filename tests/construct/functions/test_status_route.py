"""`add_status_route` adds a route to the existing function, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import HttpProfile, Idempotency
from kit.synth import function, only, stack, template


def _accepted(scope: Stack) -> tuple[Idempotency, lambda_.Function]:
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency", http=HttpProfile.accepted())
    idempotency.attach(payments)
    return idempotency, payments


def _http_api(scope: Stack, payments: lambda_.IFunction) -> http.HttpApi:
    api = http.HttpApi(scope, "Api")
    api.add_routes(
        path="/orders",
        methods=[http.HttpMethod.POST],
        integration=integrations.HttpLambdaIntegration("Orders", payments),
    )
    return api


def _rest_api(scope: Stack, payments: lambda_.IFunction) -> rest.RestApi:
    api = rest.RestApi(scope, "Api", cloud_watch_role=False)
    api.root.add_resource("orders").add_method("POST", rest.LambdaIntegration(payments))
    return api


def _counts(scope: Stack) -> dict[str, int]:
    found: dict[str, int] = {}
    for resource in template(scope).to_json()["Resources"].values():
        found[resource["Type"]] = found.get(resource["Type"], 0) + 1
    return found


def _added(build: Any) -> dict[str, int]:
    """Return the number of resources of each type that the route adds."""
    counts = []
    for with_route in (False, True):
        scope = stack()
        idempotency, payments = _accepted(scope)
        api = build(scope, payments)
        if with_route:
            idempotency.add_status_route(api, function=payments)
        counts.append(_counts(scope))
    before, after = counts
    return {kind: after[kind] - before.get(kind, 0) for kind in after}


def test_an_http_api_gets_a_route_and_the_right_to_call() -> None:
    added = {kind: count for kind, count in _added(_http_api).items() if count}
    assert added == {
        "AWS::ApiGatewayV2::Route": 1,
        "AWS::ApiGatewayV2::Integration": 1,
        "AWS::Lambda::Permission": 1,
    }


def test_a_rest_api_gets_a_resource_and_the_right_to_call() -> None:
    added = {kind: count for kind, count in _added(_rest_api).items() if count}
    assert added == {
        "AWS::ApiGateway::Resource": 2,
        "AWS::ApiGateway::Method": 1,
        "AWS::Lambda::Permission": 1,
    }


def _route(scope: Stack) -> dict[str, Any]:
    routes = template(scope).find_resources("AWS::ApiGatewayV2::Route").values()
    [route] = [route["Properties"] for route in routes if "GET" in route["Properties"]["RouteKey"]]
    found: dict[str, Any] = route
    return found


def _method(scope: Stack) -> dict[str, Any]:
    methods = template(scope).find_resources("AWS::ApiGateway::Method").values()
    [method] = [
        method["Properties"] for method in methods if method["Properties"]["HttpMethod"] == "GET"
    ]
    found: dict[str, Any] = method
    return found


def test_the_route_is_the_profiles_path() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    idempotency.add_status_route(_http_api(scope, payments), function=payments)
    assert _route(scope)["RouteKey"] == "GET /idempotency/{token}"
    assert _route(scope)["AuthorizationType"] == "NONE"


def test_the_route_is_the_path_that_is_given() -> None:
    scope = stack()
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency", http=HttpProfile.ietf(status_path="/a/status"))
    idempotency.attach(payments)
    idempotency.add_status_route(_http_api(scope, payments), function=payments)
    assert _route(scope)["RouteKey"] == "GET /a/status/{token}"


def test_an_http_apis_route_has_the_authorizer_that_is_given() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    idempotency.add_status_route(
        _http_api(scope, payments), function=payments, authorizer=authorizers.HttpIamAuthorizer()
    )
    assert _route(scope)["AuthorizationType"] == "AWS_IAM"


def test_a_rest_apis_route_has_the_authorizer_that_is_given() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    authorizer = rest.TokenAuthorizer(scope, "Authorizer", handler=function(scope, "Guard"))
    idempotency.add_status_route(
        _rest_api(scope, payments), function=payments, authorizer=authorizer
    )
    assert _method(scope)["AuthorizationType"] == "CUSTOM"
    assert "ApiKeyRequired" not in _method(scope)


def test_a_rest_apis_route_may_be_signed_or_need_a_key() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    idempotency.add_status_route(
        _rest_api(scope, payments),
        function=payments,
        authorizer=rest.AuthorizationType.IAM,
        api_key_required=True,
    )
    assert _method(scope)["AuthorizationType"] == "AWS_IAM"
    assert _method(scope)["ApiKeyRequired"] is True


def test_a_rest_apis_route_without_an_authorizer_is_open() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    idempotency.add_status_route(_rest_api(scope, payments), function=payments)
    assert _method(scope)["AuthorizationType"] == "NONE"


def test_the_route_may_lead_to_an_alias() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    alias = lambda_.Alias(scope, "Live", alias_name="live", version=payments.current_version)
    idempotency.add_status_route(_http_api(scope, alias), function=alias)
    integration = template(scope).find_resources("AWS::ApiGatewayV2::Integration")
    assert all("Live" in str(found["Properties"]) for found in integration.values())


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_a_function_that_is_not_attached_is_refused() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    with _refused("[Stack/Idempotency] Stack/Other is not attached here; attach it first"):
        idempotency.add_status_route(_http_api(scope, payments), function=function(scope, "Other"))


@pytest.mark.parametrize("profile", [HttpProfile.ietf(), HttpProfile.stripe(), None], ids=str)
def test_a_function_without_a_status_path_is_refused(profile: HttpProfile | None) -> None:
    scope = stack()
    payments = function(scope)
    idempotency = Idempotency(scope, "Idempotency", http=profile)
    idempotency.attach(payments)
    with _refused("[Stack/Idempotency] Stack/Payments has no status path; attach it with http="):
        idempotency.add_status_route(_http_api(scope, payments), function=payments)


def test_two_functions_on_one_api_need_two_paths() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    other = function(scope, "Other")
    idempotency.attach(other)
    api = _http_api(scope, payments)
    idempotency.add_status_route(api, function=payments)
    with _refused("[Stack/Idempotency] /idempotency of Stack/Api tells the state of Stack/Paym"):
        idempotency.add_status_route(api, function=other)


def test_two_functions_with_a_path_each_share_an_api() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    other = function(scope, "Other")
    idempotency.attach(other, http=HttpProfile.accepted(status_path="/other"))
    api = _http_api(scope, payments)
    for attached in (payments, other):
        idempotency.add_status_route(api, function=attached)
    template(scope).resource_count_is("AWS::ApiGatewayV2::Route", 3)


def test_an_imported_api_is_refused() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    api: Any = http.HttpApi.from_http_api_attributes(scope, "Imported", http_api_id="x")
    with _refused("expected an HttpApi or RestApi of this app. To another API add GET /idempot"):
        idempotency.add_status_route(api, function=payments)


def test_an_http_api_has_no_api_keys() -> None:
    scope = stack()
    idempotency, payments = _accepted(scope)
    with _refused("[Stack/Idempotency] api_key_required is for a REST API"):
        idempotency.add_status_route(
            _http_api(scope, payments), function=payments, api_key_required=True
        )
    assert only(template(scope), "AWS::ApiGatewayV2::Api")


@pytest.mark.parametrize("make", [_http_api, _rest_api])
@pytest.mark.parametrize("by_alias", [True, False])
def test_a_route_that_names_no_tenant_is_refused(make: Any, *, by_alias: bool) -> None:
    scope = stack()
    payments = function(scope, tenancy_config=lambda_.TenancyConfig.PER_TENANT)
    idempotency = Idempotency(scope, "Idempotency", http=HttpProfile.accepted())
    idempotency.attach(payments)
    live = lambda_.Alias(scope, "Live", alias_name="live", version=payments.current_version)
    target = live if by_alias else payments
    with _refused("this route would name none. Add GET /idempotency/{token} yourself"):
        idempotency.add_status_route(make(scope, payments), function=target)
