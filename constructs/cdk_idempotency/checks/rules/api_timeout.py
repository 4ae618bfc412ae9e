"""Functions that outlast their API.

Fires when: A function's timeout, or a durable one's execution timeout, is above what its REST API
(29 s by default) or HTTP API (30 s by default) waits. The caller gets 504 while the request goes
on, and its retries find it in progress until it has ended.
What to do: Give the function a `timeout` within that, or let the API start durable executions
asynchronously, by a non-proxy integration. A REST API's can be raised, with a quota.

REST APIs wait 29 seconds, or as long as the integration says; more than 29 needs a raised quota.
HTTP APIs wait 30 seconds at most
(https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html). Function URLs wait for
as long as the function may run, and for load balancers AWS names no limit for functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aws_cdk import CfnResource
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2

from ..model.deployment import AttachedFunction, Deployment
from ..model.durations import in_words
from ..rule import Violation, warning

REST: Final = 29_000
HTTP: Final = 30_000
"""The time that an HTTP API waits, in milliseconds."""

PROXY: Final = "AWS_PROXY"
"""An integration that hands the HTTP request on, and waits for the function."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    # One violation per function, about the API that stops first.
    shortest: dict[str, tuple[float, AttachedFunction, CfnResource]] = {}
    for milliseconds, attached, integration in _limits(deployment):
        known = shortest.get(attached.name)
        if known is None or milliseconds < known[0]:
            shortest[attached.name] = (milliseconds, attached, integration)
    for milliseconds, attached, integration in shortest.values():
        timeout = deployment.duration(attached)
        if timeout is not None and timeout * 1000 > milliseconds:
            advice = "Pass the function a timeout within that."
            if attached.settings.execution_timeout is not None:
                advice = (
                    "Let the API start the execution asynchronously: a non-proxy integration "
                    "with X-Amz-Invocation-Type 'Event'."
                )
            yield Violation(
                attached.function,
                f"It may run for {in_words(timeout)}, and {integration.node.path} answers 504 "
                f"after {in_words(milliseconds / 1000)}, while the request goes on and its retries "
                f"find it in progress. {advice}",
            )


def _limits(deployment: Deployment) -> Iterator[tuple[float, AttachedFunction, CfnResource]]:
    """Yield the times that the APIs in front of functions wait, in milliseconds."""
    properties = deployment.tree.properties
    for attached, method in deployment.referring(apigateway.CfnMethod, _function_of):
        integration = properties(method)["integration"]
        if integration.get("type") == PROXY and integration.get("responseTransferMode") != "STREAM":
            yield from _known(integration, REST, attached, method)
    kind = apigatewayv2.CfnIntegration
    for attached, each in deployment.referring(kind, lambda each: each.integration_uri):
        if properties(each).get("integrationType") == PROXY:
            yield from _known(properties(each), HTTP, attached, each)


def _known(
    integration: dict[str, Any], default: float, attached: AttachedFunction, resource: CfnResource
) -> Iterator[tuple[float, AttachedFunction, CfnResource]]:
    milliseconds = integration.get("timeoutInMillis", default)
    if isinstance(milliseconds, int | float):
        yield milliseconds, attached, resource


def _function_of(method: apigateway.CfnMethod) -> Any:
    return getattr(method.integration, "uri", None)
