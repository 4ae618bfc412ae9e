"""Interface endpoints that `vpc_endpoints=True` adds to a VPC."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.checks import problems
from kit.synth import US, function, only, stack, template, vpc

EGRESS = "AWS::EC2::SecurityGroupEgress"
ENDPOINT = "AWS::EC2::VPCEndpoint"
SECRET = RedisCredentials.secret()
ROTATED = RedisCredentials.secret(rotation=RedisRotation.elasticache())


def _cache(scope: Stack, home: ec2.IVpc | None, **props: Any) -> Idempotency:
    store = IdempotencyStore.elasticache_serverless(vpc=home, **props)
    return Idempotency(scope, "Idempotency", store=store)


def _endpoints(found: Template) -> list[str]:
    """Return the services with an endpoint."""
    resources = found.find_resources(ENDPOINT).values()
    names = [resource["Properties"]["ServiceName"] for resource in resources]
    return sorted(name["Fn::Join"][1][-1].lstrip(".") for name in names)


def test_a_restricted_function_is_let_out_to_the_endpoints() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    _cache(scope, home, vpc_endpoints=True).attach(
        function(scope, vpc=home, allow_all_outbound=False)
    )
    rules = template(scope).find_resources(EGRESS).values()
    ports = sorted(rule["Properties"]["FromPort"] for rule in rules)
    assert ports == [443, 6379]


@pytest.mark.parametrize(
    ("credentials", "services"),
    [
        (None, ["ssm"]),
        (SECRET, ["secretsmanager", "ssm"]),
        (ROTATED, ["elasticache", "secretsmanager", "ssm"]),
    ],
)
def test_those_that_are_needed_are_added(
    credentials: RedisCredentials | None, services: list[str]
) -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    idempotency = _cache(scope, home, credentials=credentials, vpc_endpoints=True)
    idempotency.attach(function(scope, vpc=home))
    assert problems(idempotency) == {}
    found = template(scope)
    assert _endpoints(found) == services
    for endpoint in found.find_resources(ENDPOINT).values():
        assert endpoint["Properties"]["PrivateDnsEnabled"] is True
        assert len(endpoint["Properties"]["SubnetIds"]) == 2


def test_without_the_option_none_are_added() -> None:
    scope = stack()
    _cache(scope, vpc(scope, nat=False), credentials=ROTATED)
    template(scope).resource_count_is(ENDPOINT, 0)


def test_an_endpoint_that_the_vpc_has_is_used() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    home.add_interface_endpoint("Mine", service=ec2.InterfaceVpcEndpointAwsService.SSM)
    _cache(scope, home, credentials=SECRET, vpc_endpoints=True)
    assert _endpoints(template(scope)) == ["secretsmanager", "ssm"]


def test_two_constructs_share_the_endpoints_of_a_vpc() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    store = IdempotencyStore.elasticache_serverless(vpc=home, vpc_endpoints=True)
    Idempotency(scope, "One", store=store)
    Idempotency(scope, "Two", store=store)
    assert _endpoints(template(scope)) == ["ssm"]


def test_endpoints_admit_the_whole_vpc() -> None:
    scope = stack()
    home = vpc(scope, nat=False)
    _cache(scope, home, vpc_endpoints=True)
    groups = template(scope).find_resources("AWS::EC2::SecurityGroup")
    [endpoint] = [group for name, group in groups.items() if name.startswith("VpcIdem")]
    [rule] = endpoint["Properties"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["CidrIp"]["Fn::GetAtt"][1]) == (443, "CidrBlock")


def _imported(scope: Stack, **attributes: Any) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Imported",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a", "us-east-1b"],
        isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
        **attributes,
    )


def test_an_imported_vpc_gets_endpoints_too() -> None:
    scope = stack(env=US)
    home = _imported(scope, vpc_cidr_block="10.0.0.0/16")
    idempotency = _cache(scope, home, vpc_endpoints=True)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    idempotency.attach(function(scope, vpc=home, vpc_subnets=isolated))
    assert problems(idempotency) == {}
    endpoint = only(template(scope), ENDPOINT)
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.ssm"
    assert endpoint["VpcId"] == "vpc-0123456789abcdef0"
    assert endpoint["SubnetIds"] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]


def test_endpoints_in_a_vpc_of_unknown_addresses_are_refused() -> None:
    scope = stack()
    message = "[Stack/Idempotency] vpc_endpoints=True needs the address range of Stack/Impor"
    with pytest.raises(ValueError, match=re.escape(message)):
        _cache(scope, _imported(scope), vpc_endpoints=True)
