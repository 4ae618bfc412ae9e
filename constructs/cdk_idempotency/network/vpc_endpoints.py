"""The way of a function to a cache, and to the AWS services that it asks."""

from __future__ import annotations

import json
import re
from typing import Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs import Construct

from ..acknowledgements import acknowledge
from ..errors import refusal

INTERNET: Final = "internet"
"""In place of a service: there is no interface endpoint for it."""


def check_inside(function: lambda_.Function, vpc: ec2.IVpc) -> None:
    """Raises ValueError unless the function is in the VPC, as far as that is known."""
    if not function.is_bound_to_vpc:
        raise refusal(
            function,
            f"it is in no VPC, and the cache is reached from inside {vpc.node.path} only: give "
            "the function vpc=..., or the cache a public endpoint (elasticache_serverless without "
            "vpc)",
        )
    for group in function.connections.security_groups:
        resource = group.node.default_child
        if isinstance(resource, ec2.CfnSecurityGroup) and resource.vpc_id != vpc.vpc_id:
            raise refusal(
                function,
                f"it is in another VPC, and the cache is reached from inside {vpc.node.path} only: "
                "pass the function's VPC to elasticache_serverless(vpc=...), or that one to the "
                "function",
            )


def open_way(
    function: lambda_.Function, to: ec2.ISecurityGroup, ports: ec2.Port, description: str
) -> None:
    """Lets the function, and nobody else, through. The rules are part of the function's stack."""
    for group in function.connections.security_groups:
        to.add_ingress_rule(group, ports, description, remote_rule=True)
    let_out(function, to, ports, description)


def let_out(
    function: lambda_.Function, to: ec2.IConnectable, ports: ec2.Port, description: str
) -> None:
    """Lets a function out whose security groups restrict it."""
    for group in function.connections.security_groups:
        for peer in to.connections.security_groups:
            if not group.allow_all_outbound:
                group.add_egress_rule(peer, ports, description)


def add_endpoints(
    scope: Construct, vpc: ec2.IVpc, services: tuple[str, ...]
) -> list[ec2.InterfaceVpcEndpoint]:
    """The VPC's interface endpoints for these services; those that it lacks are added to it."""
    if not services:
        return []
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:  # of an imported VPC
        raise refusal(
            scope,
            f"vpc_endpoints=True needs the address range of {vpc.node.path}; pass vpc_cidr_block="
            "... to Vpc.from_vpc_attributes(), or use Vpc.from_lookup()",
        ) from None
    present = _endpoints(vpc)
    return [present.get(service) or _endpoint(vpc, service) for service in services]


def service_of(endpoint: ec2.CfnVPCEndpoint) -> str:
    """The last part of its name, whose region may be known at deployment only."""
    name = json.dumps(endpoint.stack.resolve(endpoint.service_name))
    words: list[str] = re.findall(r"[a-z0-9-]+", name)
    return words[-1]


def _endpoints(vpc: ec2.IVpc) -> dict[str, ec2.InterfaceVpcEndpoint]:
    """The interface endpoints of a VPC construct, by their services."""
    found = {}
    for child in vpc.node.children:
        resource = child.node.default_child
        if isinstance(child, ec2.InterfaceVpcEndpoint) and isinstance(resource, ec2.CfnVPCEndpoint):
            found[service_of(resource)] = child
    return found


def _endpoint(vpc: ec2.IVpc, service: str) -> ec2.InterfaceVpcEndpoint:
    # Open to the whole VPC: it takes the service's name over for all that is in there.
    endpoint = vpc.add_interface_endpoint(
        f"Idempotency-{service}", service=ec2.InterfaceVpcEndpointAwsService(service)
    )
    acknowledge(
        endpoint,
        "AwsSolutions::AwsSolutions-EC23",
        "It admits the VPC's own addresses to port 443, and the rule cannot read which those are",
    )
    return endpoint
