"""Functions behind HTTP whose key is the whole event.

Fires when: A function behind API Gateway, a load balancer or a function URL has `http=None` and no
`key`: the whole event is the key, and no retry has the same event.
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
                f"It is behind {front[attached.name]} and has http=None and no key, so the whole "
                "event is the key, and no retry has the same event. Leave http out, or pass key= "
                "with what identifies a request, such as 'body.order_id'.",
            )


def _front(deployment: Deployment) -> dict[str, str]:
    """Return what stands before functions, by their paths."""
    front = {
        attached.name: "a function URL"
        for attached, _ in deployment.referring(lambda_.CfnUrl, lambda url: url.target_function_arn)
    }
    for attached, principal in deployment.permissions():
        if principal in GATEWAYS:
            front[attached.name] = GATEWAYS[principal]
    return front
