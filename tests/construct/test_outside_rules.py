"""cdk-nag, the CDK's own rules and cfn-lint find nothing in the examples or in any store's stack.

Intended deviations are acknowledged: by the example, or by the construct where it causes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from aws_cdk import Acknowledgment, Annotations, App, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from cdk_idempotency.checks.model.tree import ConstructTree
from examples.durable.stack import DurableStack
from examples.legacy.stack import LegacyStack
from examples.payments.stack import PaymentsStack
from examples.worker.stack import WorkerStack
from kit.aws.local import ROOT
from kit.redis.apps import ADMIN, COMPLETE, acl_rotation, rotated_server
from kit.rules import ANNOTATIONS, CDK, NAG, Checked, checked
from kit.synth import function, stack, vpc

_ROLES: Final = "arn:<AWS::Partition>:iam::aws:policy/service-role"
LOGS: Final = f"AwsSolutions-IAM4[Policy::{_ROLES}/AWSLambdaBasicExecutionRole]"
NETWORK: Final = f"AwsSolutions-IAM4[Policy::{_ROLES}/AWSLambdaVPCAccessExecutionRole]"
CHECKPOINTS: Final = f"AwsSolutions-IAM4[Policy::{_ROLES}/AWSLambdaBasicDurableExecutionRolePolicy]"
EXECUTIONS: Final = "AwsSolutions-IAM5[Resource::<OrdersA9B65338.Arn>:*]"
OPEN_API: Final = "AwsSolutions-APIG4"
DEAD_LETTERS: Final = "AwsSolutions-SQS3"
ENDPOINT: Final = "AwsSolutions-EC23"
FLOW_LOGS: Final = "AwsSolutions-VPC7"
BUCKET_LOGS: Final = "AwsSolutions-S1"
PREFIX: Final = (
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<Responses8C79C6B1>/Stack/Payments/*]"
)
PUBLIC: Final = "F3002"

REDIS: Final = {
    "redis_host": "redis.example.com",
    "redis_port": "6379",
    "redis_user": "idempotency",
    "redis_secret": COMPLETE,
    "redis_admin_secret": ADMIN,
}


@dataclass(frozen=True)
class Subject:
    """An app, and exactly the findings of it that are acknowledged."""

    make: Callable[[App], object]
    acknowledged: set[str]
    context: Mapping[str, str] = field(default_factory=dict)


def _acknowledge(construct: Any, *ids: str) -> None:
    """Acknowledge findings about these tests' own resources."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"{NAG}::{each}", reason="it is a test's") for each in ids)
    )


def _attached(scope: Stack, **options: Any) -> lambda_.Function:
    attached = function(scope, runtime=lambda_.Runtime.PYTHON_3_14, **options)
    _acknowledge(attached, LOGS, NETWORK)
    return attached


def _home(scope: Stack) -> Any:
    home = vpc(scope)
    _acknowledge(home, FLOW_LOGS)
    return home


def _cache(app: App, rotation: RedisRotation | None) -> None:
    """Add a cache with a customer key, and a user with a password."""
    scope = stack(app)
    home = _home(scope)
    store = IdempotencyStore.elasticache_serverless(
        vpc=home,
        vpc_endpoints=True,
        encryption_key=kms.Key(scope, "Key", enable_key_rotation=True),
        credentials=RedisCredentials.secret(rotation=rotation),
    )
    Idempotency(scope, "Idempotency", store=store).attach(_attached(scope, vpc=home))


def _public_cache(app: App) -> None:
    scope = stack(app)
    store = IdempotencyStore.elasticache_serverless()
    Idempotency(scope, "Idempotency", store=store).attach(_attached(scope))


def _server(app: App) -> None:
    scope = stack(app)
    idempotency = rotated_server(scope, acl_rotation(scope, vpc=_home(scope)))
    idempotency.attach(_attached(scope))
    reason = "no other app uses it"
    Annotations.of(idempotency).acknowledge_warning("cdk-idempotency:namespace-prefix", reason)


def _table(app: App) -> None:
    scope = stack(app)
    key = kms.Key(scope, "Key", enable_key_rotation=True)
    store = IdempotencyStore.dynamodb(encryption_key=key)
    Idempotency(scope, "Idempotency", store=store).attach(_attached(scope))


def _bucket(app: App) -> lambda_.Function:
    scope = stack(app)
    bucket = s3.Bucket(scope, "Responses", enforce_ssl=True, encryption=s3.BucketEncryption.KMS)
    _acknowledge(bucket, BUCKET_LOGS, "AwsSolutions-KMS5")
    attached = _attached(scope)
    Idempotency(scope, "Idempotency", large_responses=bucket).attach(attached)
    return attached


SUBJECTS: Final[dict[str, Subject]] = {
    "payments": Subject(lambda app: PaymentsStack(app, "Payments"), {LOGS, OPEN_API}),
    "payments on Redis": Subject(
        lambda app: PaymentsStack(app, "Payments"),
        {LOGS, OPEN_API},
        {**REDIS, "store": "redis"},
    ),
    "worker": Subject(lambda app: WorkerStack(app, "Worker"), {LOGS}, REDIS),
    "legacy": Subject(lambda app: LegacyStack(app, "Legacy"), {LOGS, DEAD_LETTERS}),
    "durable": Subject(lambda app: DurableStack(app, "Durable"), {CHECKPOINTS, EXECUTIONS}),
    "cache": Subject(
        lambda app: _cache(app, RedisRotation.elasticache()), {LOGS, NETWORK, ENDPOINT, FLOW_LOGS}
    ),
    "public cache": Subject(_public_cache, {LOGS, PUBLIC}),
    "server": Subject(_server, {LOGS, NETWORK, FLOW_LOGS}),
    "table": Subject(_table, {LOGS}),
    "bucket": Subject(_bucket, {LOGS, PREFIX, BUCKET_LOGS}),
}


@pytest.fixture(scope="module", params=list(SUBJECTS))
def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Subject, Checked]:
    """Return one of the apps, synthesized once."""
    subject = SUBJECTS[request.param]
    ca = tmp_path_factory.mktemp("redis") / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----")
    return subject, checked(subject.make, {**subject.context, "redis_ca": str(ca)})


@pytest.mark.parametrize("rules", [NAG, CDK, ANNOTATIONS])
def test_nothing_is_found_but_what_is_acknowledged(
    subject: tuple[Subject, Checked], rules: str
) -> None:
    _, found = subject
    assert found.open(rules) == set()
    assert not found.failed


def test_nothing_but_what_is_known_is_acknowledged(subject: tuple[Subject, Checked]) -> None:
    expected, found = subject
    assert {finding.id for finding in found.acknowledged} == expected.acknowledged
    stacks = {template.name.partition(".")[0] for template in found.templates}
    assert not stacks & {finding.acknowledged_at for finding in found.acknowledged}


def test_cfn_lint_finds_nothing(subject: tuple[Subject, Checked]) -> None:
    _, found = subject
    assert found.templates
    assert found.lint() == []


@pytest.mark.parametrize(
    "directory", ["", "examples/worker", "examples/legacy", "examples/durable"]
)
def test_the_cdk_s_rules_are_errors_in_each_example(directory: str) -> None:
    settings = json.loads((ROOT / directory / "cdk.json").read_text())
    assert settings["context"] == {"@aws-cdk/core:validateAgainstDefaultRules": True}


# Each rule can fail.


def test_an_example_that_takes_messages_in_clear_is_found() -> None:
    def worse(app: App) -> None:
        orders = WorkerStack(app, "Worker").node.find_child("Orders")
        assert orders.node.try_remove_child("Policy")

    found = checked(worse, REDIS)
    assert found.failed
    assert found.open(NAG) == {("AwsSolutions-SQS4", "Worker/Orders/Resource")}


def test_a_worker_that_does_not_say_which_records_failed_is_found() -> None:
    def worse(app: App) -> None:
        worker = WorkerStack(app, "Worker").node.find_child("Worker")
        [mapping] = ConstructTree(worker).resources(lambda_.CfnEventSourceMapping)
        mapping.function_response_types = None

    [(warning, _)] = checked(worse, REDIS).open(ANNOTATIONS)
    assert "cdk-idempotency:report-batch-item-failures" in warning


def test_a_cache_s_password_that_is_never_renewed_is_found() -> None:
    found = checked(lambda app: _cache(app, None))
    assert found.open(NAG) == {("AwsSolutions-SMG4", "Stack/Idempotency/Secret/Resource")}


def test_the_construct_acknowledges_no_grant_but_its_own() -> None:
    others = iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::others/*"])
    found = checked(lambda app: _bucket(app).add_to_role_policy(others))
    policy = "Stack/Payments/ServiceRole/DefaultPolicy/Resource"
    assert found.open(NAG) == {("AwsSolutions-IAM5[Resource::arn:aws:s3:::others/*]", policy)}


def test_what_aws_would_refuse_is_found_by_the_cdk_and_by_cfn_lint() -> None:
    found = checked(lambda app: sqs.CfnQueue(stack(app), "Queue", visibility_timeout=50_000))
    assert found.failed
    assert found.open(CDK) == {("F3034", "Stack/Queue")}
    assert len(found.lint()) == 1
