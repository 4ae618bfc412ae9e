"""The cache that `IdempotencyStore.elasticache_serverless()` provisions."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import CfnParameter, Size, Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.redis.apps import cache_in_vpc, public_cache, settings_of
from kit.synth import app, only, reference, stack, statements, template, variables

CACHE = "AWS::ElastiCache::ServerlessCache"
USER = "AWS::ElastiCache::User"
GROUP = "AWS::ElastiCache::UserGroup"
NAME = "stack-idempotency-6d7ee783"
"""Of the cache, the user and the group; its end follows from the construct's path."""


@cache
def _synthesized(**props: Any) -> Template:
    scope = stack()
    cache_in_vpc(scope, **props)
    return template(scope)


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(f"[Stack/Idempotency] {message}"))


def test_the_cache_is_valkey_in_the_vpcs_private_subnets() -> None:
    found = _synthesized()
    cache = only(found, CACHE)
    [group] = found.find_resources(GROUP)
    [security_group] = [
        name for name in found.find_resources("AWS::EC2::SecurityGroup") if name.startswith("Idem")
    ]
    subnets = [
        name for name in found.find_resources("AWS::EC2::Subnet") if name.startswith("VpcPrivate")
    ]
    assert cache == {
        "Engine": "valkey",
        "MajorEngineVersion": "9",
        "ServerlessCacheName": NAME,
        "Description": "cdk-idempotency: records",
        "UserGroupId": {"Ref": group},
        "SubnetIds": [{"Ref": name} for name in subnets],
        "SecurityGroupIds": [{"Fn::GetAtt": [security_group, "GroupId"]}],
    }


def test_without_a_vpc_the_endpoint_is_public() -> None:
    cache = only(public_cache(), CACHE)
    assert cache["ConnectionType"] == "public"
    assert int(cache["MajorEngineVersion"]) >= 9
    assert not {"SubnetIds", "SecurityGroupIds"} & cache.keys()


def test_in_a_vpc_the_endpoint_is_not_public() -> None:
    assert "ConnectionType" not in only(_synthesized(), CACHE)


def test_a_function_without_a_vpc_uses_the_public_endpoint() -> None:
    found = public_cache()
    found.resource_count_is("AWS::EC2::SecurityGroup", 0)
    assert variables(found)["IDEMPOTENCY_STORE"] == "redis"
    [parameter] = found.find_resources("AWS::SSM::Parameter")
    assert variables(found)["IDEMPOTENCY_PARAMETER"] == {"Ref": parameter}


def test_the_settings_lead_to_the_cache_by_the_cluster_protocol_and_iam() -> None:
    settings = settings_of(_synthesized())
    assert (settings.host, settings.port) == ("cache.example.com", 6379)
    assert (settings.tls, settings.cluster, settings.database) == (True, True, 0)
    assert settings.credentials._asdict() == {
        "cache": NAME,
        "user": NAME,
        "serverless": True,
    }


@pytest.mark.parametrize("path", ["A" * 60, "a-b--c-", "x" * 38 + "-y"], ids=len)
def test_names_are_such_as_elasticache_takes(path: str) -> None:
    scope = Stack(Stage(app(), "Production"), "Payments-Stack-1")
    store = IdempotencyStore.elasticache_serverless()
    Idempotency(scope, path, store=store)
    found = template(scope)
    names = {
        only(found, CACHE)["ServerlessCacheName"],
        only(found, USER)["UserId"],
        only(found, GROUP)["UserGroupId"],
    }
    [name] = names
    assert len(name) <= 40
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)


def test_nothing_evicts_records_by_default() -> None:
    assert "CacheUsageLimits" not in only(_synthesized(), CACHE)


def test_a_maximum_limits_the_cache() -> None:
    found = _synthesized(data_storage_maximum=Size.gibibytes(10))
    assert only(found, CACHE)["CacheUsageLimits"] == {"DataStorage": {"Maximum": 10, "Unit": "GB"}}


@pytest.mark.parametrize("gigabytes", [0, 5001])
def test_a_maximum_that_no_cache_has_is_refused(gigabytes: int) -> None:
    with _refused(f"data_storage_maximum is {gigabytes} GB; expected 1 to 5000 GB"):
        _synthesized(data_storage_maximum=Size.gibibytes(gigabytes))


def test_a_maximum_that_is_a_token_is_refused() -> None:
    scope = stack()
    size = Size.gibibytes(CfnParameter(scope, "Size", type="Number").value_as_number)
    with _refused("data_storage_maximum is a CDK token"):
        cache_in_vpc(scope, data_storage_maximum=size)


def test_a_customer_key_encrypts_the_cache_and_needs_no_grant() -> None:
    scope = stack()
    key = kms.Key(scope, "Key")
    cache_in_vpc(scope, encryption_key=key)
    found = template(scope)
    assert only(found, CACHE)["KmsKeyId"] == reference(key, "Arn")
    assert "kms" not in json.dumps(statements(found))


@pytest.mark.parametrize(
    "props", [{"vpc_subnets": ec2.SubnetSelection()}, {"vpc_endpoints": True}], ids=str
)
def test_props_of_a_vpc_without_one_are_refused(props: dict[str, Any]) -> None:
    with _refused("vpc is missing; vpc_subnets and vpc_endpoints are for a vpc"):
        public_cache(**props)
