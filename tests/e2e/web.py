"""The functions behind an HTTP API, a REST API and a function URL: one for each prop of `http`.

Their handler is untouched: `wrap_handler` makes it idempotent.
"""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency import HttpProfile, Idempotency

FUNCTIONS: dict[str, HttpProfile | None] = {
    "Ietf": HttpProfile.ietf(),
    "Stripe": HttpProfile.stripe(),
    "Accepted": HttpProfile.accepted(),
    "Header": HttpProfile.ietf(header="Request-Id"),
    "Optional": HttpProfile.ietf(required=False),
    "Pattern": HttpProfile.ietf(pattern="[0-9a-f]{32}"),
    "Methods": HttpProfile.ietf(methods=["PUT"]),
    "Statuses": HttpProfile.ietf(store_statuses=["5xx", 403]),
    "NotReplayed": HttpProfile.ietf(not_replayed=["X-Run"], replayed=["Set-Cookie"]),
    "Cors": HttpProfile.ietf(cors=["https://shop.example"]),
    "Guarded": HttpProfile.ietf(status_path="/guarded/status"),
    "Claim": HttpProfile.ietf(principal_claim="tenant"),
    "Off": None,
}
GUARDED = ("Guarded", "Claim")


def add_apis(
    stack: Stack, idempotency: Idempotency, function: Callable[[str, str], lambda_.Function]
) -> None:
    """Add the APIs; `function` makes a function from a name and a handler."""
    api = http.HttpApi(stack, "Api")
    guard = authorizers.HttpLambdaAuthorizer(
        "Guard",
        function("Guard", "web.authorize"),
        response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
    )
    functions = {name: function(name, "web.handler") for name in FUNCTIONS}
    for name, profile in FUNCTIONS.items():
        idempotency.attach(functions[name], wrap_handler=True, http=profile)
        api.add_routes(
            path=f"/{name}/{{order}}",
            methods=[http.HttpMethod.GET, http.HttpMethod.POST, http.HttpMethod.PUT],
            integration=integrations.HttpLambdaIntegration(name, functions[name]),
            authorizer=guard if name in GUARDED else None,
        )
    idempotency.add_status_route(api, function=functions["Accepted"])
    idempotency.add_status_route(api, function=functions["Guarded"], authorizer=guard)

    rest_api = rest.RestApi(stack, "RestApi", cloud_watch_role=False)
    rest_guard = rest.TokenAuthorizer(
        stack, "RestAuthorizer", handler=function("RestGuard", "web.authorize_token")
    )
    for name, authorizer in (("Ietf", None), ("Accepted", None), ("Guarded", rest_guard)):
        rest_api.root.resource_for_path(f"{name}/{{order}}").add_method(
            "POST", rest.LambdaIntegration(functions[name]), authorizer=authorizer
        )
    rest_api.root.resource_for_path("Signed/{order}").add_method(
        "POST",
        rest.LambdaIntegration(functions["Ietf"]),
        authorization_type=rest.AuthorizationType.IAM,
    )
    idempotency.add_status_route(rest_api, function=functions["Accepted"])

    open_url = functions["Ietf"].add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
    CfnOutput(stack, "ApiId", value=api.api_id)
    CfnOutput(stack, "RestApiId", value=rest_api.rest_api_id)
    CfnOutput(stack, "IetfUrl", value=open_url.url)
