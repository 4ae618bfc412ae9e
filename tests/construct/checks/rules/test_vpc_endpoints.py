"""Functions without a route to DynamoDB or S3 are warned of; Redis is in test_vpc_endpoints.py."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency
from cdk_idempotency.inspection import resource_of
from kit.synth import US, app, function, stack, vpc, warnings

DYNAMODB = ec2.GatewayVpcEndpointAwsService.DYNAMODB
S3 = ec2.GatewayVpcEndpointAwsService.S3


def _attached(scope: Stack, home: ec2.IVpc, **props: Any) -> lambda_.Function:
    attached = function(scope, vpc=home)
    Idempotency(scope, "Idempotency", **props).attach(attached)
    return attached


def _move(function: lambda_.Function, subnets: list[str], groups: list[str]) -> None:
    resource_of(function).vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        subnet_ids=subnets, security_group_ids=groups
    )


def test_an_isolated_function_is_warned_which_endpoint_to_add() -> None:
    scope = stack()
    _attached(scope, vpc(scope, nat=False))
    [warning] = warnings(scope, "/Stack/Payments")
    assert "without a route to DynamoDB: add to Stack/Vpc the endpoints" in warning
    assert "com.amazonaws.<region>.dynamodb (gateway), or choose subnets with a NAT" in warning
    assert "[ack: cdk-idempotency:vpc-endpoints]" in warning
    assert "elasticache_serverless" not in warning


def test_a_function_outside_any_vpc_is_in_order() -> None:
    scope = stack()
    Idempotency(scope, "Idempotency").attach(function(scope))
    assert warnings(scope, "*") == []


def test_a_function_with_a_nat_gateway_is_in_order() -> None:
    scope = stack()
    _attached(scope, vpc(scope))
    assert warnings(scope, "*") == []


@pytest.mark.parametrize("env", [None, US])
def test_a_function_with_a_gateway_endpoint_is_in_order(env: Any) -> None:
    scope = stack(env=env)
    home = vpc(scope, nat=False)
    _attached(scope, home)
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    assert warnings(scope, "*") == []


def test_a_function_with_an_interface_endpoint_is_in_order() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    _attached(scope, home)
    service = ec2.InterfaceVpcEndpointAwsService.DYNAMODB
    ec2.InterfaceVpcEndpoint(scope, "DynamoDB", vpc=home, service=service)
    assert warnings(scope, "*") == []


def test_an_endpoint_of_another_service_is_no_help() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    _attached(scope, home)
    home.add_gateway_endpoint("S3", service=S3)
    assert len(warnings(scope, "/Stack/Payments")) == 1


def test_an_endpoint_in_another_vpc_is_no_help() -> None:
    scope = stack()
    vpc(scope, "Other", nat=False).add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    _attached(scope, vpc(scope, nat=False))
    assert len(warnings(scope, "/Stack/Payments")) == 1


@pytest.mark.parametrize("subnet", ["Private", "Database"])
def test_a_gateway_is_for_the_subnets_that_it_was_given(subnet: str) -> None:
    scope = stack()
    isolated = ec2.SubnetType.PRIVATE_ISOLATED
    kinds = [
        ec2.SubnetConfiguration(name=name, subnet_type=isolated) for name in ("Private", "Database")
    ]
    home = ec2.Vpc(scope, "Vpc", nat_gateways=0, subnet_configuration=kinds)
    given = ec2.SubnetSelection(subnet_group_name="Private")
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB, subnets=[given])
    chosen = ec2.SubnetSelection(subnet_group_name=subnet)
    Idempotency(scope, "Idempotency").attach(function(scope, vpc=home, vpc_subnets=chosen))
    assert len(warnings(scope, "/Stack/Payments")) == (0 if subnet == "Private" else 1)


def test_a_route_of_ones_own_is_a_way() -> None:
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
    _attached(scope, home)
    assert warnings(scope, "*") == []


def test_large_responses_need_a_way_to_s3() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    _attached(scope, home, large_responses=s3.Bucket(scope, "Bucket"))
    [warning] = warnings(scope, "/Stack/Payments")
    assert "without a route to S3: add to Stack/Vpc the endpoints" in warning
    assert "com.amazonaws.<region>.s3 (gateway)," in warning


def test_large_responses_with_a_way_to_s3_are_in_order() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    for name, service in (("DynamoDB", DYNAMODB), ("S3", S3)):
        home.add_gateway_endpoint(name, service=service)
    _attached(scope, home, large_responses=s3.Bucket(scope, "Bucket"))
    assert warnings(scope, "*") == []


def test_a_vpc_in_another_stack_is_known() -> None:
    root = app()
    home = vpc(stack(root, "Network"), nat=False)
    scope = stack(root, "Functions")
    _attached(scope, home)
    [warning] = warnings(scope, "/Functions/Payments")
    assert "add to Network/Vpc" in warning


def test_an_endpoint_in_another_stack_is_known() -> None:
    root = app()
    network = stack(root, "Network")
    home = vpc(network, nat=False)
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    scope = stack(root, "Functions")
    _attached(scope, home)
    assert warnings(scope, "*") == []


def test_subnets_that_are_chosen_later_count() -> None:
    scope = stack()
    home = vpc(scope)
    attached = _attached(scope, home)
    public = [subnet.subnet_id for subnet in home.public_subnets]
    groups = [group.security_group_id for group in attached.connections.security_groups]
    _move(attached, public, groups)
    assert len(warnings(scope, "/Stack/Payments")) == 1


def test_subnets_that_are_known_at_deployment_only_are_passed() -> None:
    scope = stack()
    attached = _attached(scope, vpc(scope, nat=False))
    subnets = CfnParameter(scope, "Subnets", type="List<AWS::EC2::Subnet::Id>").value_as_list
    groups = [group.security_group_id for group in attached.connections.security_groups]
    _move(attached, subnets, groups)
    assert warnings(scope, "*") == []


@pytest.mark.parametrize("endpoint", [False, True])
def test_a_raw_vpc_is_known(*, endpoint: bool) -> None:
    scope = stack()
    home = ec2.CfnVPC(scope, "Vpc", cidr_block="10.0.0.0/16")
    subnet = ec2.CfnSubnet(scope, "Subnet", vpc_id=home.ref, cidr_block="10.0.0.0/24")
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
    attached = function(scope)
    Idempotency(scope, "Idempotency").attach(attached)
    group = ec2.CfnSecurityGroup(scope, "Group", group_description="g", vpc_id=home.ref)
    _move(attached, [subnet.ref], [group.attr_group_id])
    assert len(warnings(scope, "/Stack/Payments")) == (0 if endpoint else 1)


def test_a_subnet_with_its_vpcs_route_table_is_passed() -> None:
    scope = stack()
    home = ec2.CfnVPC(scope, "Vpc", cidr_block="10.0.0.0/16")
    subnet = ec2.CfnSubnet(scope, "Subnet", vpc_id=home.ref, cidr_block="10.0.0.0/24")
    attached = function(scope)
    Idempotency(scope, "Idempotency").attach(attached)
    group = ec2.CfnSecurityGroup(scope, "Group", group_description="g", vpc_id=home.ref)
    _move(attached, [subnet.ref], [group.attr_group_id])
    assert warnings(scope, "*") == []
