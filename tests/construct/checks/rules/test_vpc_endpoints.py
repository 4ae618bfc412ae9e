"""A function in a VPC without a route to a service that it calls is reported."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Annotations, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.checks import attached, findings, problems
from kit.synth import US, app, function, stack, vpc, warnings

RULE = "vpc-endpoints"
SECRET = RedisCredentials.secret()
DYNAMODB = ec2.GatewayVpcEndpointAwsService.DYNAMODB
S3 = ec2.GatewayVpcEndpointAwsService.S3
SSM = ec2.InterfaceVpcEndpointAwsService.SSM
PUBLIC = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)


def _attached(scope: Stack, home: ec2.IVpc, **props: Any) -> Idempotency:
    return attached(function(scope, vpc=home), **props)


def _with_cache(
    scope: Stack, home: ec2.IVpc, *, in_vpc: bool = True, subnets: Any = None, **props: Any
) -> Idempotency:
    """Return an `Idempotency` with a new cache, and a function in the VPC."""
    store = IdempotencyStore.elasticache_serverless(vpc=home if in_vpc else None, **props)
    public = {} if subnets is None else {"vpc_subnets": subnets, "allow_public_subnet": True}
    return attached(function(scope, vpc=home, **public), store=store)


# Records in a table -------------------------------------------------------------------------------


def test_an_isolated_function_is_told_which_endpoint_to_add() -> None:
    scope = stack()
    [finding] = problems(_attached(scope, vpc(scope, nat=False))).values()
    assert finding.id == f"cdk-idempotency:{RULE}"
    assert finding.construct.node.path == "Stack/Payments"
    message = finding.message
    assert "without a route to DynamoDB: add to Stack/Vpc the endpoints" in message
    assert "com.amazonaws.<region>.dynamodb (gateway), or choose subnets with a NAT" in message
    assert "elasticache_serverless" not in message


def test_a_function_outside_any_vpc_is_in_order() -> None:
    assert problems(attached(function(stack()))) == {}


def test_a_function_with_a_nat_gateway_is_in_order() -> None:
    scope = stack()
    assert problems(_attached(scope, vpc(scope))) == {}


def test_an_endpoint_that_is_added_later_counts() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    idempotency = _attached(scope, home)
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    assert problems(idempotency) == {}


def test_large_responses_need_a_route_to_s3() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    home.add_gateway_endpoint("DynamoDB", service=DYNAMODB)
    idempotency = _attached(scope, home, large_responses=s3.Bucket(scope, "Bucket"))
    [finding] = problems(idempotency).values()
    assert "without a route to S3: add to Stack/Vpc the endpoints" in finding.message
    assert "com.amazonaws.<region>.s3 (gateway)," in finding.message


def test_large_responses_with_a_route_to_s3_are_in_order() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    for name, service in (("DynamoDB", DYNAMODB), ("S3", S3)):
        home.add_gateway_endpoint(name, service=service)
    idempotency = _attached(scope, home, large_responses=s3.Bucket(scope, "Bucket"))
    assert problems(idempotency) == {}


def test_a_vpc_in_another_stack_is_named() -> None:
    root = app()
    home = vpc(stack(root, "Network"), nat=False)
    [finding] = problems(_attached(stack(root, "Functions"), home)).values()
    assert finding.construct.node.path == "Functions/Payments"
    assert "add to Network/Vpc" in finding.message


# Records in Redis ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "services", "endpoints"),
    [
        (None, "SSM", "com.amazonaws.<region>.ssm (interface)"),
        (
            SECRET,
            "SSM and Secrets Manager",
            "com.amazonaws.<region>.ssm (interface), com.amazonaws.<region>.secretsm",
        ),
    ],
)
def test_an_isolated_function_is_told_which_endpoints_a_cache_takes(
    credentials: RedisCredentials | None, services: str, endpoints: str
) -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    [finding] = problems(_with_cache(scope, home, credentials=credentials)).values()
    assert finding.construct.node.path == "Stack/Payments"
    assert f"without a route to {services}: add to Stack/Vpc" in finding.message
    assert f"the endpoints {endpoints}" in finding.message
    assert "elasticache_serverless(vpc_endpoints=True) adds those" in finding.message


def test_a_function_in_public_subnets_is_reported() -> None:
    scope = stack()
    assert list(problems(_with_cache(scope, vpc(scope), subnets=PUBLIC))) == [RULE]


def test_a_function_with_a_nat_gateway_reaches_what_a_cache_takes() -> None:
    scope = stack()
    assert problems(_with_cache(scope, vpc(scope))) == {}


def test_one_endpoint_of_two_is_not_enough() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    idempotency = _with_cache(scope, home, credentials=SECRET)
    home.add_interface_endpoint("Mine", service=SSM)
    [finding] = problems(idempotency).values()
    assert "without a route to Secrets Manager: add" in finding.message


def test_an_isolated_function_cannot_reach_a_public_endpoint() -> None:
    scope = stack()
    idempotency = _with_cache(scope, vpc(scope, nat=False), in_vpc=False)
    [finding] = findings(idempotency, RULE)
    assert "without a route to the internet, where the cache's public endpoint is" in (
        finding.message
    )


def test_a_function_with_a_nat_gateway_reaches_a_public_endpoint() -> None:
    scope = stack()
    assert problems(_with_cache(scope, vpc(scope), in_vpc=False)) == {}


@pytest.mark.parametrize("nat", [True, False])
def test_a_function_with_a_server_of_ones_own_is_reported_where_it_is_cut_off(*, nat: bool) -> None:
    scope = stack()
    store = IdempotencyStore.redis(host="10.0.0.1", credentials=RedisCredentials.none())
    found = findings(_attached(scope, vpc(scope, nat=nat), store=store), RULE)
    assert len(found) == (0 if nat else 1)
    assert not any("vpc_endpoints=True" in finding.message for finding in found)


def test_the_endpoints_of_an_imported_vpc_are_not_known() -> None:
    scope = stack(env=US)
    home = ec2.Vpc.from_vpc_attributes(
        scope,
        "Imported",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a"],
        isolated_subnet_ids=["subnet-0123456789abcdef0"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0"],
    )
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    store = IdempotencyStore.elasticache_serverless(vpc=home, vpc_subnets=isolated)
    payments = function(scope, vpc=home, vpc_subnets=isolated)
    assert problems(attached(payments, store=store)) == {}


def test_the_warning_is_acknowledged_on_the_function() -> None:
    scope = stack()
    _with_cache(scope, vpc(scope, nat=False))
    payments = scope.node.find_child("Payments")
    Annotations.of(payments).acknowledge_warning(f"cdk-idempotency:{RULE}", "transit gateway")
    assert warnings(scope, "*") == []
