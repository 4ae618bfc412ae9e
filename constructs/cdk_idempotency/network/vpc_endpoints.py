"""Interface endpoints of a VPC for the AWS services that functions call."""

from __future__ import annotations

import json
import re
from typing import Final

from aws_cdk import aws_ec2 as ec2

from constructs import Construct

from ..acknowledgments import acknowledge, acknowledge_in_packs
from ..errors import ConstructError

INTERNET: Final = "internet"
"""The internet in place of a service: there is no interface endpoint for it."""


def add_endpoints(
    scope: Construct, vpc: ec2.IVpc, services: tuple[str, ...]
) -> list[ec2.InterfaceVpcEndpoint]:
    """Return the VPC's interface endpoints for these services; add those that it lacks."""
    if not services:
        return []
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:  # of an imported VPC
        raise ConstructError(
            scope,
            f"vpc_endpoints=True needs the address range of {vpc.node.path}; pass vpc_cidr_block="
            "... to Vpc.from_vpc_attributes(), or use Vpc.from_lookup()",
        ) from None
    present = _endpoints(vpc)
    return [present.get(service) or _add_endpoint(vpc, service) for service in services]


def service_of(endpoint: ec2.CfnVPCEndpoint) -> str:
    """Return the last part of the endpoint's name, whose region may be known at deployment only."""
    name = json.dumps(endpoint.stack.resolve(endpoint.service_name))
    words: list[str] = re.findall(r"[a-z0-9-]+", name)
    return words[-1]


def _endpoints(vpc: ec2.IVpc) -> dict[str, ec2.InterfaceVpcEndpoint]:
    """Return the interface endpoints of a VPC construct, by their services."""
    found = {}
    for child in vpc.node.children:
        resource = child.node.default_child
        if isinstance(child, ec2.InterfaceVpcEndpoint) and isinstance(resource, ec2.CfnVPCEndpoint):
            found[service_of(resource)] = child
    return found


def _add_endpoint(vpc: ec2.IVpc, service: str) -> ec2.InterfaceVpcEndpoint:
    # Open to the whole VPC: its private DNS name serves everything in there.
    endpoint = vpc.add_interface_endpoint(
        f"Idempotency-{service}", service=ec2.InterfaceVpcEndpointAwsService(service)
    )
    reason = (
        "It admits the VPC's own addresses to port 443, and the rule cannot read which those are"
    )
    acknowledge(endpoint, "AwsSolutions::AwsSolutions-EC23", reason)
    for rule in ("EC2RestrictedCommonPorts", "EC2RestrictedSSH"):
        acknowledge_in_packs(endpoint, rule, reason)
    return endpoint
