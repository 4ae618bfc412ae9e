"""Functions in a VPC without a route to the AWS services that they call.

Fires when: A subnet of the function has no route to a service that it calls: DynamoDB, S3 for
`large_responses`, KMS for `response_key`, SSM and Secrets Manager for Redis, the internet for a
cache with a public endpoint. Of VPCs, subnets and route tables that are imported nothing is known.
What to do: Add the endpoints that the warning names (those of DynamoDB and S3 cost nothing), or
choose subnets with a NAT gateway.

In a subnet without a NAT gateway a function reaches AWS by endpoints alone
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ...network.vpc_endpoints import INTERNET
from ..model.deployment import Deployment
from ..model.routes import Routes
from ..rule import Violation, warning

NAMES: Final = {
    "dynamodb": "DynamoDB",
    "elasticache": "the ElastiCache API",
    "kms": "KMS",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "ssm": "SSM",
}
"""Services by the last part of their endpoints' names."""

GATEWAYS: Final = ("dynamodb", "s3")
"""The services with an endpoint that costs nothing (https://docs.aws.amazon.com/vpc/latest/privatelink/
gateway-endpoints.html)."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    routes = deployment.tree.view(Routes)
    server = deployment.store.server
    for caller in deployment.callers():
        missing = routes.missing(caller.resource, caller.services)
        if missing:
            advice = _advice(missing, routes.vpc(caller.resource))
            if server is not None and server.vpc is not None:
                advice += " elasticache_serverless(vpc_endpoints=True) adds those of the cache."
            yield Violation(caller.function, advice)


def _advice(missing: Iterable[str], vpc: str) -> str:
    if INTERNET in missing:
        return (
            "The function is in subnets without a route to the internet, where the cache's public "
            "endpoint is: choose subnets with a NAT gateway, or give the cache vpc=..."
        )
    services = " and ".join(NAMES[service] for service in missing)
    endpoints = ", ".join(
        f"com.amazonaws.<region>.{service} ({'gateway' if service in GATEWAYS else 'interface'})"
        for service in missing
    )
    return (
        f"The function is in subnets without a route to {services}: add to {vpc} the endpoints "
        f"{endpoints}, or choose subnets with a NAT gateway."
    )
