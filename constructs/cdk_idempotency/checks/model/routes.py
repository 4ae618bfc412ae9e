"""The routes of functions out of their subnets, as far as they are made in this app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct

from ...inspection import owner_path
from ...network.vpc_endpoints import service_of
from .tree import ConstructTree


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet: the paths of its VPC and its route table."""

    vpc: str
    table: str


class Routes:
    """Routes by subnet. Imported subnets, VPCs and route tables are assumed to have all."""

    def __init__(self, tree: ConstructTree) -> None:
        self._tree = tree
        self._paths: dict[str, str | None] = {}

    def missing(self, function: lambda_.CfnFunction, services: tuple[str, ...]) -> dict[str, None]:
        """Return, in their order, the services that a subnet of the function has no route to."""
        found = [
            service
            for subnet in self._subnets(function)
            if subnet.table not in self._open
            for service in services
            if service not in self._endpoints[subnet.table] | self._endpoints[subnet.vpc]
        ]
        return dict.fromkeys(found)

    def vpc(self, function: lambda_.CfnFunction) -> str:
        """Return the path of the function's VPC, for messages."""
        return owner_path(next(self._subnets(function)).vpc)

    def _subnets(self, function: lambda_.CfnFunction) -> Iterator[Subnet]:
        config = self._tree.raw(function).get("vpcConfig")
        subnets = config.get("subnetIds") if isinstance(config, dict) else None
        for subnet in subnets if isinstance(subnets, list) else ():
            path = self._path(function, subnet)
            if path in self._known:
                yield self._known[path]

    def _path(self, owner: IConstruct, reference: Any) -> str | None:
        """Return the path of the resource that a property of `owner` refers to."""
        if not isinstance(reference, str):
            return None
        if reference not in self._paths:
            found = self._tree.referenced(owner, reference)
            self._paths[reference] = found[0].node.path if found else None
        return self._paths[reference]

    @cached_property
    def _known(self) -> dict[str, Subnet]:
        """The subnets by their paths. Those that name no route table are left out: theirs is the
        VPC's, which is not known."""
        vpcs = {
            subnet.node.path: self._path(subnet, subnet.vpc_id)
            for subnet in self._tree.resources(ec2.CfnSubnet)
        }
        found = {}
        for association in self._tree.resources(ec2.CfnSubnetRouteTableAssociation):
            subnet = self._path(association, association.subnet_id)
            table = self._path(association, association.route_table_id)
            vpc = None if subnet is None else vpcs.get(subnet)
            if subnet is not None and table is not None and vpc is not None:
                found[subnet] = Subnet(vpc=vpc, table=table)
        return found

    @cached_property
    def _open(self) -> set[str | None]:
        """The route tables that lead somewhere. An internet gateway is no route for a function,
        which has no public address (https://docs.aws.amazon.com/lambda/latest/dg/
        configuration-vpc-internet.html)."""
        gateways = {each.node.path for each in self._tree.resources(ec2.CfnInternetGateway)}
        return {
            self._path(route, route.route_table_id)
            for route in self._tree.resources(ec2.CfnRoute)
            if self._path(route, route.gateway_id) not in gateways
        }

    @cached_property
    def _endpoints(self) -> defaultdict[str | None, set[str]]:
        """The services with an endpoint: by the route table for gateways, by the VPC for others."""
        found: defaultdict[str | None, set[str]] = defaultdict(set)
        for endpoint in self._tree.resources(ec2.CfnVPCEndpoint):
            is_gateway = endpoint.vpc_endpoint_type in (None, "Gateway")
            tables = self._tree.raw(endpoint).get("routeTableIds", [])
            places = tables if is_gateway and isinstance(tables, list) else [endpoint.vpc_id]
            for place in places:
                found[self._path(endpoint, place)].add(service_of(endpoint))
        return found
