"""Routes of functions out of their subnets."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from cdk_idempotency.checks.model.routes import Routes
from cdk_idempotency.checks.model.tree import ConstructTree
from cdk_idempotency.inspection import resource_of
from kit.synth import US, app, function, stack, vpc

GATEWAYS = ec2.GatewayVpcEndpointAwsService
INTERFACES = ec2.InterfaceVpcEndpointAwsService


def _missing(function: lambda_.Function, *services: str) -> list[str]:
    """Return the services, DynamoDB by default, that the function has no route to."""
    routes = Routes(ConstructTree(function.node.root))
    return list(routes.missing(resource_of(function), services or ("dynamodb",)))


def _move(function: lambda_.Function, subnets: list[str], groups: list[str]) -> None:
    resource_of(function).vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        subnet_ids=subnets, security_group_ids=groups
    )


def test_an_isolated_function_has_no_route() -> None:
    scope = stack()
    assert _missing(function(scope, vpc=vpc(scope, nat=False))) == ["dynamodb"]


@pytest.mark.parametrize("env", [None, US])
def test_a_gateway_endpoint_is_a_route(env: Any) -> None:
    scope = stack(env=env)
    home = vpc(scope, nat=False)
    home.add_gateway_endpoint("DynamoDB", service=GATEWAYS.DYNAMODB)
    assert _missing(function(scope, vpc=home)) == []


def test_an_interface_endpoint_is_a_route() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    ec2.InterfaceVpcEndpoint(scope, "DynamoDB", vpc=home, service=INTERFACES.DYNAMODB)
    assert _missing(function(scope, vpc=home)) == []


def test_an_endpoint_of_another_service_is_no_route() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    home.add_gateway_endpoint("S3", service=GATEWAYS.S3)
    assert _missing(function(scope, vpc=home), "dynamodb", "s3") == ["dynamodb"]


def test_an_endpoint_of_a_similar_service_is_no_route() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    home.add_interface_endpoint("Mine", service=INTERFACES.SSM_MESSAGES)
    assert _missing(function(scope, vpc=home), "ssm") == ["ssm"]


def test_an_endpoint_in_another_vpc_is_no_route() -> None:
    scope = stack()
    vpc(scope, "Other", nat=False).add_gateway_endpoint("DynamoDB", service=GATEWAYS.DYNAMODB)
    assert _missing(function(scope, vpc=vpc(scope, nat=False))) == ["dynamodb"]


def test_a_gateway_is_for_the_subnets_that_it_was_given() -> None:
    scope = stack()
    isolated = ec2.SubnetType.PRIVATE_ISOLATED
    kinds = [
        ec2.SubnetConfiguration(name=name, subnet_type=isolated) for name in ("Private", "Database")
    ]
    home = ec2.Vpc(scope, "Vpc", nat_gateways=0, subnet_configuration=kinds)
    private, database = (ec2.SubnetSelection(subnet_group_name=kind.name) for kind in kinds)
    home.add_gateway_endpoint("DynamoDB", service=GATEWAYS.DYNAMODB, subnets=[private])
    assert _missing(function(scope, "One", vpc=home, vpc_subnets=private)) == []
    assert _missing(function(scope, "Two", vpc=home, vpc_subnets=database)) == ["dynamodb"]


def test_a_route_of_ones_own_is_one() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    for number, subnet in enumerate(home.isolated_subnets):
        ec2.CfnRoute(
            scope,
            f"Route{number}",
            route_table_id=subnet.route_table.route_table_id,
            destination_cidr_block="0.0.0.0/0",
            transit_gateway_id="tgw-0123456789abcdef0",
        )
    assert _missing(function(scope, vpc=home)) == []


def test_an_endpoint_in_another_stack_is_a_route() -> None:
    root = app()
    home = vpc(stack(root, "Network"), nat=False)
    home.add_gateway_endpoint("DynamoDB", service=GATEWAYS.DYNAMODB)
    assert _missing(function(stack(root, "Functions"), vpc=home)) == []


def test_subnets_that_are_chosen_later_count() -> None:
    scope = stack()
    home = vpc(scope)
    payments = function(scope, vpc=home)
    groups = [group.security_group_id for group in payments.connections.security_groups]
    _move(payments, [subnet.subnet_id for subnet in home.public_subnets], groups)
    assert _missing(payments) == ["dynamodb"]


def test_subnets_that_only_the_deployment_knows_are_taken_to_have_routes() -> None:
    scope = stack()
    payments = function(scope, vpc=vpc(scope, nat=False))
    subnets = CfnParameter(scope, "Subnets", type="List<AWS::EC2::Subnet::Id>").value_as_list
    groups = [group.security_group_id for group in payments.connections.security_groups]
    _move(payments, subnets, groups)
    assert _missing(payments) == []


def _raw(scope: Stack) -> tuple[ec2.CfnVPC, ec2.CfnSubnet, lambda_.Function]:
    """Return a raw VPC with a subnet, and a function in it."""
    home = ec2.CfnVPC(scope, "Vpc", cidr_block="10.0.0.0/16")
    subnet = ec2.CfnSubnet(scope, "Subnet", vpc_id=home.ref, cidr_block="10.0.0.0/24")
    group = ec2.CfnSecurityGroup(scope, "Group", group_description="g", vpc_id=home.ref)
    payments = function(scope)
    _move(payments, [subnet.ref], [group.attr_group_id])
    return home, subnet, payments


@pytest.mark.parametrize("endpoint", [False, True])
def test_a_raw_vpc_is_known(*, endpoint: bool) -> None:
    scope = stack()
    home, subnet, payments = _raw(scope)
    table = ec2.CfnRouteTable(scope, "Table", vpc_id=home.ref)
    ec2.CfnSubnetRouteTableAssociation(
        scope, "Association", subnet_id=subnet.ref, route_table_id=table.ref
    )
    if endpoint:
        ec2.CfnVPCEndpoint(
            scope,
            "Endpoint",
            vpc_id=home.ref,
            service_name=Fn.sub("com.amazonaws.${AWS::Region}.dynamodb"),
            route_table_ids=[table.ref],
        )
    assert _missing(payments) == ([] if endpoint else ["dynamodb"])


def test_a_subnet_with_its_vpcs_route_table_is_taken_to_have_routes() -> None:
    assert _missing(_raw(stack())[2]) == []
