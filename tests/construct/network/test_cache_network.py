"""The way of functions to a cache in a VPC."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations as Messages
from aws_cdk.assertions import Match

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.synth import app, function, only, stack, template, vpc

CACHE = "AWS::ElastiCache::ServerlessCache"
INGRESS = "AWS::EC2::SecurityGroupIngress"
EGRESS = "AWS::EC2::SecurityGroupEgress"


def _cache(scope: Stack, home: ec2.IVpc | None, **props: Any) -> Idempotency:
    store = IdempotencyStore.elasticache_serverless(vpc=home, **props)
    return Idempotency(scope, "Idempotency", store=store)


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


def test_attached_functions_reach_the_cache_and_nobody_else_does() -> None:
    scope = stack()
    home = vpc(scope)
    _cache(scope, home).attach(function(scope, vpc=home))
    function(scope, "Other", vpc=home)
    found = template(scope)
    [cache] = [
        name for name in found.find_resources("AWS::EC2::SecurityGroup") if name.startswith("Idem")
    ]
    [attached] = [
        name for name in found.find_resources("AWS::EC2::SecurityGroup") if name.startswith("Paym")
    ]
    assert only(found, INGRESS) == {
        "Description": "cdk-idempotency: the cache",
        "GroupId": {"Fn::GetAtt": [cache, "GroupId"]},
        "SourceSecurityGroupId": {"Fn::GetAtt": [attached, "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 6379,
        "ToPort": 6380,
    }
    rules = found.find_resources("AWS::EC2::SecurityGroup")[cache]["Properties"]
    assert "SecurityGroupIngress" not in rules
    assert [rule["CidrIp"] for rule in rules["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_a_function_with_free_egress_needs_no_rule_and_gets_no_warning() -> None:
    scope = stack()
    home = vpc(scope)
    _cache(scope, home).attach(function(scope, vpc=home))
    template(scope).resource_count_is(EGRESS, 0)
    assert Messages.from_stack(scope).find_warning("*", Match.any_value()) == []


def test_a_restricted_function_is_let_out_to_the_cache() -> None:
    scope = stack()
    home = vpc(scope)
    _cache(scope, home).attach(function(scope, vpc=home, allow_all_outbound=False))
    rule = only(template(scope), EGRESS)
    assert (rule["FromPort"], rule["ToPort"]) == (6379, 6380)


def test_a_function_in_another_stack_reaches_the_cache() -> None:
    root = app()
    home_stack, away = stack(root, "Home"), stack(root, "Away")
    home = vpc(home_stack)
    _cache(home_stack, home).attach(function(away, vpc=home))
    assert "Fn::ImportValue" in only(template(away), INGRESS)["GroupId"]
    template(home_stack).resource_count_is(INGRESS, 0)


def test_a_function_outside_any_vpc_is_refused() -> None:
    scope = stack()
    idempotency = _cache(scope, vpc(scope))
    with _refused("[Stack/Payments] it is in no VPC, and the cache is reached from inside Stack/"):
        idempotency.attach(function(scope))


def test_a_function_in_another_vpc_is_refused() -> None:
    scope = stack()
    idempotency = _cache(scope, vpc(scope))
    other = vpc(scope, "Other")
    with _refused("[Stack/Payments] it is in another VPC, and the cache is reached from inside"):
        idempotency.attach(function(scope, vpc=other))


def test_a_function_whose_vpc_is_not_known_is_accepted() -> None:
    scope = stack()
    home = vpc(scope)
    group = ec2.SecurityGroup.from_security_group_id(scope, "Group", "sg-0123456789abcdef0")
    _cache(scope, home).attach(function(scope, vpc=home, security_groups=[group]))
    assert only(template(scope), INGRESS)["SourceSecurityGroupId"] == "sg-0123456789abcdef0"


def test_a_refused_function_gets_no_way() -> None:
    scope = stack()
    idempotency = _cache(scope, vpc(scope))
    with pytest.raises(ValueError, match="it is in no VPC"):
        idempotency.attach(function(scope))
    found = template(scope)
    found.resource_count_is(INGRESS, 0)
    found.resource_count_is("AWS::Lambda::LayerVersion", 0)


def test_subnets_can_be_chosen() -> None:
    scope = stack()
    home = vpc(scope)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    _cache(scope, home, vpc_subnets=subnets)
    found = template(scope)
    chosen = [subnet["Ref"] for subnet in only(found, CACHE)["SubnetIds"]]
    assert len(chosen) == 2
    assert all(subnet.startswith("VpcPublic") for subnet in chosen)
