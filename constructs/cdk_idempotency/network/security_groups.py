"""Security group rules that let a function reach a cache and the endpoints of AWS services."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from ..errors import ConstructError


def check_in_vpc(function: lambda_.Function, vpc: ec2.IVpc) -> None:
    """Raise ConstructError unless the function is in the VPC, as far as that is known."""
    if not function.is_bound_to_vpc:
        raise ConstructError(
            function,
            f"it is in no VPC, and the cache is reached from inside {vpc.node.path} only: give "
            "the function vpc=..., or the cache a public endpoint (elasticache_serverless without "
            "vpc)",
        )
    for group in function.connections.security_groups:
        resource = group.node.default_child
        if isinstance(resource, ec2.CfnSecurityGroup) and resource.vpc_id != vpc.vpc_id:
            raise ConstructError(
                function,
                f"it is in another VPC, and the cache is reached from inside {vpc.node.path} only: "
                "pass the function's VPC to elasticache_serverless(vpc=...), or that one to the "
                "function",
            )


def allow_access(
    function: lambda_.Function, to: ec2.ISecurityGroup, ports: ec2.Port, description: str
) -> None:
    """Let the function, and nothing else, in. The rules are part of the function's stack."""
    for group in function.connections.security_groups:
        to.add_ingress_rule(group, ports, description, remote_rule=True)
    allow_egress(function, to, ports, description)


def allow_egress(
    function: lambda_.Function, to: ec2.IConnectable, ports: ec2.Port, description: str
) -> None:
    """Let a function out, where its security groups restrict it."""
    for group in function.connections.security_groups:
        for peer in to.connections.security_groups:
            if not group.allow_all_outbound:
                group.add_egress_rule(peer, ports, description)
