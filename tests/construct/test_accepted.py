"""Values of the wrong type: a ValueError names the construct, the prop, the value, and what is
accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from cdk_idempotency import (
    HttpProfile,
    Idempotency,
    IdempotencyStore,
    RedisCredentials,
)
from kit.synth import function, stack

dynamo, redis = IdempotencyStore.dynamodb, IdempotencyStore.redis
cache = IdempotencyStore.elasticache_serverless
nobody = RedisCredentials.none


def _any(value: object) -> Any:
    """Return the value as one of any type."""
    return value


def _rotated() -> RedisCredentials:
    secret: Any = type("Secret", (), {"secret_full_arn": "arn"})()
    return RedisCredentials.secret(secret, rotation=_any("acl"))


def _stored(store: Any) -> Callable[[Stack], Any]:
    return lambda scope: Idempotency(scope, "Idempotency", store=store)


def _given(**props: Any) -> Callable[[Stack], Any]:
    return lambda scope: Idempotency(scope, "Idempotency", **props)


def _asked(call: Callable[[Idempotency], Any]) -> Callable[[Stack], Any]:
    return lambda scope: call(Idempotency(scope, "Idempotency"))


def _attached(**options: Any) -> Callable[[Stack], Any]:
    return lambda scope: Idempotency(scope, "Idempotency").attach(function(scope), **options)


def _a_table(scope: Stack) -> Any:
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    table: Any = dynamodb.Table(scope, "Table", partition_key=key)
    return Idempotency(scope, "Idempotency", store=table)


def _status_route(api: Any) -> Callable[[Stack], Any]:
    def add(scope: Stack) -> None:
        idempotency, payments = Idempotency(scope, "Idempotency"), function(scope)
        idempotency.attach(payments, http=HttpProfile.accepted())
        idempotency.add_status_route(api, function=payments)

    return add


WRONG: Final[dict[str, tuple[Callable[[Stack], Any], str]]] = {
    "a table as the store": (
        _a_table,
        "store is the Table Stack/Table; expected IdempotencyStore.dynamodb(), with table=...",
    ),
    "a function of the store": (
        _stored(dynamo),
        "store is the function dynamodb, not its result; expected IdempotencyStore",
    ),
    "the class of stores": (_stored(IdempotencyStore), "store is the class IdempotencyStore;"),
    "a text as the store": (_stored("memory"), "store is 'memory'; expected IdempotencyStore"),
    "a bucket's name": (_given(large_responses="b"), "large_responses is 'b'; expected a Bucket"),
    "a key's alias": (_given(response_key="a"), "response_key is 'a'; expected a KMS Key"),
    "a number as the prefix": (
        _given(namespace_prefix=5),
        "namespace_prefix is 5; expected a text",
    ),
    "a profile's name": (_given(http="ietf"), "http is 'ietf'; expected HttpProfile.ietf()"),
    "seconds": (_given(expires_after=5), "expires_after is 5; expected a Duration"),
    "a function's name": (
        _asked(lambda it: it.attach(_any("F"))),
        "function is 'F'; expected a lambda_.Function of this app",
    ),
    "no function": (
        _asked(lambda it: it.attach(_any(None))),
        "function is None; expected a lambda_",
    ),
    "the class of functions": (
        _asked(lambda it: it.attach(_any(lambda_.Function))),
        "function is the class Function; expected",
    ),
    "a number as the namespace": (_attached(namespace=5), "namespace is 5; expected a text"),
    "a text as a flag": (_attached(wrap_handler="yes"), "wrap_handler is 'yes'; expected True"),
    "a table's name": (_stored(dynamo(table=_any("t"))), "table is 't'; expected a Table or"),
    "a key's name": (
        _stored(dynamo(encryption_key=_any("k"))),
        "encryption_key is 'k'; expected a KMS Key",
    ),
    "a policy's name": (
        _stored(dynamo(removal_policy=_any("destroy"))),
        "removal_policy is 'destroy'; expected a RemovalPolicy",
    ),
    "a parameter that is a number": (
        _stored(redis(parameter=_any(5), credentials=nobody())),
        "parameter is 5; expected a StringParameter",
    ),
    "a secret's name": (
        _stored(redis(host="h", credentials=RedisCredentials.secret(_any("s")))),
        "secret is 's'; expected a Secret",
    ),
    "a rotation's name": (
        _stored(redis(host="h", credentials=_rotated())),
        "rotation is 'acl'; expected RedisRotation.acl(...)",
    ),
    "a VPC's id": (_stored(cache(vpc=_any("v"))), "vpc is 'v'; expected a Vpc"),
    "gigabytes": (
        _stored(cache(data_storage_maximum=_any(5))),
        "data_storage_maximum is 5; expected a Size",
    ),
    "a topic's name": (
        _asked(lambda it: it.alarms(_any("t"))),
        "topic is 't'; expected an sns.Topic",
    ),
    "a number as the runbook": (
        _asked(lambda it: it.dashboard(runbook=_any(5))),
        "runbook is 5; expected the URL of a page",
    ),
    "a role's name": (_asked(lambda it: it.grant_use(_any("r"))), "grantee is 'r'; expected"),
    "an API's id": (_status_route("api"), "api is 'api'; expected an HttpApi or RestApi"),
    "a period in seconds": (
        _asked(lambda it: it.metric_executed(period=_any(60))),
        "period is 60; expected a Duration",
    ),
    "an option that metrics do not have": (
        _asked(lambda it: it.metric("Executed", **_any({"statistics": "Sum"}))),
        "a metric has no option 'statistics'; did you mean 'statistic'?",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_named_with_what_is_accepted(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=rf"^\[Stack/\w+\] {re.escape(message)}"):
        make(stack())


def test_a_wrong_credential_is_not_shown() -> None:
    with pytest.raises(ValueError, match=r"credentials is a str; expected RedisCred") as raised:
        _stored(redis(host="h", credentials=_any("hunter2")))(stack())
    assert "hunter2" not in str(raised.value)


def test_right_values_of_each_kind_are_accepted() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Table", "records")
    idempotency = Idempotency(
        scope,
        "Idempotency",
        store=dynamo(table=table),
        large_responses=s3.Bucket.from_bucket_name(scope, "Bucket", "responses"),
        response_key=kms.Key.from_key_arn(scope, "Key", "arn:aws:kms:eu-west-1:111122223333:key/k"),
    )
    idempotency.grant_use(function(scope))
    idempotency.metric_executed(period=Duration.minutes(1), statistic="Average")
    idempotency.alarms(sns.Topic.from_topic_arn(scope, "Topic", "arn:aws:sns:eu-west-1:1:t"))
