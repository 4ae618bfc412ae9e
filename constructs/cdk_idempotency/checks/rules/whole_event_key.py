"""Functions behind HTTP whose requests have no key.

Fires when: A function behind API Gateway, a load balancer or a function URL has `http=None` and no
`key`: every request is refused, since nothing of the whole event is the same in a retry.
What to do: Leave `http` out, or pass `key`.

An HTTP event holds the time and an id of its request
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html),
so no retry has the same one. A warning, as the function's code may name a key, or turn HTTP on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aws_cdk import aws_lambda as lambda_

from ..model.deployment import Deployment
from ..rule import Violation, warning

GATEWAYS: Final = {
    "apigateway.amazonaws.com": "API Gateway",
    "elasticloadbalancing.amazonaws.com": "a load balancer",
}
"""Services that invoke with HTTP events, by their principals."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    front = _front(deployment)
    for attached in deployment.attached:
        settings = attached.settings
        if attached.name in front and settings.http is None and settings.key is None:
            yield Violation(
                attached.function,
                f"It is behind {front[attached.name]} and has http=None and no key, so every "
                "request is refused: nothing of the whole event is the same in a retry. Leave http "
                "out, or pass key= with what identifies a request, such as 'body.order_id'.",
            )


def _front(deployment: Deployment) -> dict[str, str]:
    """Return the services in front of functions, by the functions' paths."""
    front = {
        attached.name: "a function URL"
        for attached, _ in deployment.referring(lambda_.CfnUrl, lambda url: url.target_function_arn)
    }
    for attached, principal in deployment.permissions():
        if principal in GATEWAYS:
            front[attached.name] = GATEWAYS[principal]
    return front
