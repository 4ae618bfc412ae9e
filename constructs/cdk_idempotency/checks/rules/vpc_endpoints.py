"""Functions in a VPC have a way to the AWS services that they ask.

In a subnet without a NAT gateway that takes an endpoint
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ...network.vpc_endpoints import INTERNET
from ..model.deployment import Deployment
from ..model.finding import Finding, warning
from ..model.routes import Routes

NAMES: Final = {
    "dynamodb": "DynamoDB",
    "elasticache": "the ElastiCache API",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "ssm": "SSM",
}
"""By the last part of the endpoint's name."""

GATEWAYS: Final = ("dynamodb", "s3")
"""Those with an endpoint that costs nothing (https://docs.aws.amazon.com/vpc/latest/privatelink/
gateway-endpoints.html)."""


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    routes = deployment.tree.seen_as(Routes)
    server = deployment.store.server
    for caller in deployment.callers():
        missing = routes.missing(caller.function, caller.services)
        if missing:
            advice = _advice(missing, routes.vpc(caller.function))
            if server is not None and server.vpc is not None:
                advice += " elasticache_serverless(vpc_endpoints=True) adds those of the cache."
            yield warning("vpc-endpoints", caller.function, advice)


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
