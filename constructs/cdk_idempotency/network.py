"""The way of a function to a cache, and to the AWS services that it asks for settings."""

from __future__ import annotations

import re
from typing import Final

import jsii
from aws_cdk import Annotations, Aspects, IAspect, Reference, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs import Construct, IConstruct

from .acknowledgements import acknowledge
from .errors import refusal
from .inspection import properties_of, resource_of

NAMES: Final = {
    "ssm": "SSM",
    "secretsmanager": "Secrets Manager",
    "elasticache": "the ElastiCache API",
}
"""The services whose endpoints a function may need, by the last part of the endpoint's name."""

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


def watch_routes(
    function: lambda_.Function, services: tuple[str, ...], vpc: ec2.IVpc | None = None
) -> None:
    """Warns at synth where the function's subnets have no route to a service."""
    if function.is_bound_to_vpc:
        Aspects.of(function).add(_Routes(function, services, vpc))


@jsii.implements(IAspect)
class _Routes:
    """Runs when every endpoint has been added."""

    def __init__(
        self, function: lambda_.Function, services: tuple[str, ...], vpc: ec2.IVpc | None
    ) -> None:
        self._function = function
        self._services = services
        self._vpc = vpc

    def visit(self, node: IConstruct) -> None:
        if node.node.path != self._function.node.path:
            return
        vpc = _home(self._function) if self._vpc is None else self._vpc
        if vpc is None or not _is_cut_off(self._function, vpc):
            return
        present = _endpoints(vpc)
        missing = [service for service in self._services if service not in present]
        if missing:
            Annotations.of(node).add_warning_v2(
                "cdk-idempotency:vpc-endpoints",
                _advice(missing, vpc, can_add=self._vpc is not None),
            )


def _advice(missing: list[str], vpc: ec2.IVpc, *, can_add: bool) -> str:
    if INTERNET in missing:
        return (
            "The function is in subnets without a route to the internet, where the cache's public "
            "endpoint is: choose subnets with a NAT gateway, or give the cache vpc=..."
        )
    services = " and ".join(NAMES[service] for service in missing)
    endpoints = ", ".join(f"com.amazonaws.<region>.{service}" for service in missing)
    hint = " (elasticache_serverless(vpc_endpoints=True) does)" if can_add else ""
    return (
        f"The function is in subnets without a route to {services}: add to {vpc.node.path} the "
        f"interface endpoints {endpoints}{hint}, or choose subnets with a NAT gateway."
    )


def _is_cut_off(function: lambda_.Function, vpc: ec2.IVpc) -> bool:
    """Whether a subnet of the function has no way out: it is isolated, or it is public, where a
    function has no address (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html)."""
    subnets = properties_of(resource_of(function))["vpcConfig"]["subnetIds"]
    if not isinstance(subnets, list):
        return False  # known at deployment only
    closed = {subnet.subnet_id for subnet in (*vpc.isolated_subnets, *vpc.public_subnets)}
    return any(subnet in closed for subnet in subnets)


def _home(function: lambda_.Function) -> ec2.Vpc | None:
    """The function's VPC, if it is a construct of this app."""
    for group in function.connections.security_groups:
        resource = group.node.default_child
        if isinstance(resource, ec2.CfnSecurityGroup) and resource.vpc_id is not None:
            token = Tokenization.reverse_string(resource.vpc_id).first_token
            if isinstance(token, Reference) and isinstance(token.target.node.scope, ec2.Vpc):
                return token.target.node.scope
    return None


def _endpoints(vpc: ec2.IVpc) -> dict[str, ec2.InterfaceVpcEndpoint]:
    """The interface endpoints of a VPC construct, by their services."""
    found = {}
    for child in vpc.node.children:
        resource = child.node.default_child
        if isinstance(child, ec2.InterfaceVpcEndpoint) and isinstance(resource, ec2.CfnVPCEndpoint):
            name = re.sub(r"\$\{Token\[.*?\]\}", "", str(resource.service_name))
            found[name.rpartition(".")[2]] = child
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
