"""The network of a new cache in a VPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs import Construct

from .security_groups import allow_access, allow_egress, check_in_vpc
from .vpc_endpoints import add_endpoints

PORTS: Final = (6379, 6380)
"""The primaries' port, and the replicas', which clients meet in the answer to CLUSTER SLOTS
(https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/set-up.html)."""


@dataclass(frozen=True, kw_only=True)
class CacheNetwork:
    """Subnets, security group and endpoints of a cache; only connected functions are let in."""

    vpc: ec2.IVpc
    subnet_ids: list[str]
    security_group: ec2.SecurityGroup
    endpoints: list[ec2.InterfaceVpcEndpoint]
    """To which connected functions are let out."""

    @staticmethod
    def create(
        scope: Construct,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection | None,
        *,
        endpoints_for: tuple[str, ...],
    ) -> CacheNetwork:
        """Return a network in these subnets (None: the private ones), with endpoints for these
        services."""
        return CacheNetwork(
            vpc=vpc,
            subnet_ids=_subnet_ids(vpc, subnets),
            security_group=ec2.SecurityGroup(
                scope,
                "SecurityGroup",
                vpc=vpc,
                description="cdk-idempotency: the cache",
                allow_all_outbound=False,
            ),
            endpoints=add_endpoints(scope, vpc, endpoints_for),
        )

    def connect(self, function: lambda_.Function) -> None:
        """Let a function reach the cache. Raise ConstructError where it is in another network."""
        check_in_vpc(function, self.vpc)
        ports = ec2.Port.tcp_range(*PORTS)
        allow_access(function, self.security_group, ports, "cdk-idempotency: the cache")
        for endpoint in self.endpoints:
            allow_egress(function, endpoint, ec2.Port.HTTPS, "cdk-idempotency: AWS services")


def _subnet_ids(vpc: ec2.IVpc, subnets: ec2.SubnetSelection | None) -> list[str]:
    if subnets is None:
        return vpc.select_subnets(one_per_az=True).subnet_ids
    return vpc.select_subnets(
        availability_zones=subnets.availability_zones,
        one_per_az=subnets.one_per_az,
        subnet_filters=subnets.subnet_filters,
        subnet_group_name=subnets.subnet_group_name,
        subnets=subnets.subnets,
        subnet_type=subnets.subnet_type,
    ).subnet_ids
