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

from ...inspection import owner_path, properties_of, resource_of
from ...network.vpc_endpoints import service_of
from .tree import ConstructTree


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """The paths of its VPC and its route table."""

    vpc: str
    table: str


class Routes:
    """Routes by subnet. Subnets, VPCs and route tables that are imported are taken to have all."""

    def __init__(self, tree: ConstructTree) -> None:
        self._tree = tree
        self._paths: dict[str, str | None] = {}

    def missing(self, function: lambda_.Function, services: tuple[str, ...]) -> dict[str, None]:
        """Return the services that a subnet of the function has no route to, in their order."""
        found = [
            service
            for subnet in self._subnets(function)
            if subnet.table not in self._open
            for service in services
            if service not in self._endpoints[subnet.table] | self._endpoints[subnet.vpc]
        ]
        return dict.fromkeys(found)

    def vpc(self, function: lambda_.Function) -> str:
        """Return the path of the function's VPC, for messages."""
        return owner_path(next(self._subnets(function)).vpc)

    def _subnets(self, function: lambda_.Function) -> Iterator[Subnet]:
        resource = resource_of(function)
        config = properties_of(resource).get("vpcConfig")
        subnets = config.get("subnetIds") if isinstance(config, dict) else None
        for subnet in subnets if isinstance(subnets, list) else ():
            path = self._path(resource, subnet)
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
        """The subnets by their paths, without those that name no route table: theirs is the VPC's,
        which is not known."""
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
        """The services that have one: of a gateway by the route table, of others by the VPC."""
        found: defaultdict[str | None, set[str]] = defaultdict(set)
        for endpoint in self._tree.resources(ec2.CfnVPCEndpoint):
            is_gateway = endpoint.vpc_endpoint_type in (None, "Gateway")
            tables = properties_of(endpoint).get("routeTableIds", [])
            places = tables if is_gateway and isinstance(tables, list) else [endpoint.vpc_id]
            for place in places:
                found[self._path(endpoint, place)].add(service_of(endpoint))
        return found
