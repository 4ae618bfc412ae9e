"""The route on which an API tells the state of a request."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ..errors import ConstructError


def add_status_route(
    scope: IConstruct,
    api: Any,
    path: str,
    function: lambda_.IFunction,
    *,
    authorizer: Any,
    api_key_required: bool | None,
) -> None:
    """Add `GET path/{token}` to an API. Raise ConstructError saying what to do."""
    path = f"{path}/{{token}}"
    if _is_per_tenant(function):
        raise ConstructError(
            function,
            "Lambda refuses a request for a per-tenant function that names no tenant, and this "
            f"route would name none. Add GET {path} yourself, to a REST API, with the mapping of "
            "X-Amz-Tenant-Id that the function's other methods have",
        )
    if isinstance(api, http.HttpApi):
        if api_key_required is not None:
            raise ConstructError(
                scope, "api_key_required is for a REST API; HTTP APIs have no API keys"
            )
        api.add_routes(
            path=path,
            methods=[http.HttpMethod.GET],
            integration=integrations.HttpLambdaIntegration("IdempotencyStatus", function),
            authorizer=authorizer,
        )
    elif isinstance(api, rest.RestApi):
        by_type = isinstance(authorizer, rest.AuthorizationType)
        api.root.resource_for_path(path).add_method(
            "GET",
            rest.LambdaIntegration(function, allow_test_invoke=False),
            authorizer=None if by_type else authorizer,
            authorization_type=authorizer if by_type else None,
            api_key_required=api_key_required,
        )
    else:
        raise ConstructError(
            scope,
            f"api is a {type(api).__name__}; expected an HttpApi or RestApi of this app. To "
            f"another API add GET {path} yourself, as you did with the function's other routes",
        )


def _is_per_tenant(function: lambda_.IFunction) -> bool:
    attached = function.lambda_ if isinstance(function, lambda_.Alias) else function
    return isinstance(attached, lambda_.Function) and attached.tenancy_config is not None
