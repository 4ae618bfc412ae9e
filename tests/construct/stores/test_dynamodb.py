"""The table that `IdempotencyStore.dynamodb()` provisions, or takes."""

from __future__ import annotations

from functools import cache

import pytest
from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cdk_idempotency import Idempotency, IdempotencyStore
from kit.synth import function, only, stack, template, variables

TABLE = "AWS::DynamoDB::Table"


@cache
def _default() -> Template:
    scope = stack()
    Idempotency(scope, "Idempotency")
    return template(scope)


def test_the_table_is_keyed_by_the_string_id_alone() -> None:
    table = only(_default(), TABLE)
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]


def test_ttl_is_on_expiration() -> None:
    assert only(_default(), TABLE)["TimeToLiveSpecification"] == {
        "AttributeName": "expiration",
        "Enabled": True,
    }


def test_the_table_is_billed_on_demand_and_recoverable() -> None:
    table = only(_default(), TABLE)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_table_outlives_its_stack() -> None:
    found = _default()
    assert only(found, TABLE)["DeletionProtectionEnabled"] is True
    found.has_resource(TABLE, {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})


def test_destroy_makes_the_table_a_throw_away() -> None:
    scope = stack()
    Idempotency(
        scope,
        "Idempotency",
        store=IdempotencyStore.dynamodb(removal_policy=RemovalPolicy.DESTROY),
    )
    found = template(scope)
    assert only(found, TABLE)["DeletionProtectionEnabled"] is False
    found.has_resource(TABLE, {"DeletionPolicy": "Delete"})


def test_without_a_customer_key_the_template_has_no_key() -> None:
    found = _default()
    assert "SSESpecification" not in only(found, TABLE)
    found.resource_count_is("AWS::KMS::Key", 0)


def test_a_customer_key_encrypts_the_table() -> None:
    scope = stack()
    key = kms.Key(scope, "Key")
    Idempotency(scope, "Idempotency", store=IdempotencyStore.dynamodb(encryption_key=key))
    specification = only(template(scope), TABLE)["SSESpecification"]
    assert specification["SSEType"] == "KMS"
    assert specification["KMSMasterKeyId"] == {"Fn::GetAtt": [_logical_id(key), "Arn"]}


def test_an_existing_table_is_used_and_none_is_made() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Existing", "records")
    idempotency = Idempotency(scope, "Idempotency", store=IdempotencyStore.dynamodb(table=table))
    idempotency.attach(function(scope))
    found = template(scope)
    found.resource_count_is(TABLE, 0)
    assert variables(found)["IDEMPOTENCY_TABLE"] == "records"


def test_an_existing_table_with_a_key_for_a_new_one_is_refused() -> None:
    scope = stack()
    store = IdempotencyStore.dynamodb(
        table=dynamodb.Table.from_table_name(scope, "Existing", "records"),
        encryption_key=kms.Key(scope, "Key"),
    )
    with pytest.raises(ValueError, match=r"\[Stack/Idempotency\] encryption_key is for a new"):
        Idempotency(scope, "Idempotency", store=store)


def test_a_store_is_an_immutable_value_that_two_constructs_can_use() -> None:
    scope = stack()
    store = IdempotencyStore.dynamodb()
    Idempotency(scope, "One", store=store)
    Idempotency(scope, "Two", store=store)
    template(scope).resource_count_is(TABLE, 2)


def _logical_id(key: kms.Key) -> str:
    resource = key.node.default_child
    assert isinstance(resource, kms.CfnKey)
    return str(key.stack.get_logical_id(resource))
