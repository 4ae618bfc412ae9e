"""What the construct makes has options, and can be reached."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials
from kit.redis.apps import acl_rotation, imported_secret, rotated_cache, rotated_server
from kit.synth import function, only, reference, stack, template, vpc


def test_the_rotation_function_takes_the_options_of_a_function() -> None:
    scope = stack()
    queue, key = sqs.Queue(scope, "Dead"), kms.Key(scope, "Key")
    group = logs.LogGroup(scope, "Logs", retention=logs.RetentionDays.ONE_YEAR)
    rotation = acl_rotation(
        scope,
        log_group=group,
        tracing=lambda_.Tracing.ACTIVE,
        dead_letter_queue=queue,
        reserved_concurrent_executions=1,
        environment_encryption=key,
    )
    rotated_server(scope, rotation)
    found = only(template(scope), "AWS::Lambda::Function")
    assert found["LoggingConfig"] == {"LogGroup": reference(group)}
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["DeadLetterConfig"] == {"TargetArn": reference(queue, "Arn")}
    assert found["ReservedConcurrentExecutions"] == 1
    assert found["KmsKeyArn"] == reference(key, "Arn")


def test_the_secret_that_is_made_takes_a_key() -> None:
    scope = stack()
    home, key = vpc(scope), kms.Key(scope, "Key")
    store = IdempotencyStore.elasticache_serverless(
        vpc=home, credentials=RedisCredentials.secret(encryption_key=key)
    )
    Idempotency(scope, "Idempotency", store=store).attach(function(scope, vpc=home))
    found = template(scope)
    assert only(found, "AWS::SecretsManager::Secret")["KmsKeyId"] == reference(key, "Arn")
    assert "kms:Decrypt" in str(found.find_resources("AWS::IAM::Policy"))


def test_a_secret_of_ones_own_has_its_key_already() -> None:
    scope = stack()
    credentials = RedisCredentials.secret(
        imported_secret(scope), encryption_key=kms.Key(scope, "Key")
    )
    store = IdempotencyStore.redis(host="redis.example.com", credentials=credentials)
    with pytest.raises(ValueError, match="your own has its key already"):
        Idempotency(scope, "Idempotency", store=store)


def test_the_new_table_is_added_to_a_backup_plan() -> None:
    scope = stack()
    plan = backup.BackupPlan.daily35_day_retention(scope, "Plan")
    idempotency = Idempotency(
        scope, "Idempotency", store=IdempotencyStore.dynamodb(backup_plan=plan)
    )
    selection = only(template(scope), "AWS::Backup::BackupSelection")["BackupSelection"]
    assert reference(idempotency.table)["Ref"] in str(selection["Resources"])


def test_an_existing_table_is_in_its_owners_hands() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Mine", "records")
    plan = backup.BackupPlan.daily35_day_retention(scope, "Plan")
    store = IdempotencyStore.dynamodb(table=table, backup_plan=plan)
    with pytest.raises(ValueError, match="backup_plan is for a new table"):
        Idempotency(scope, "Idempotency", store=store)


def test_a_cache_is_reached_with_all_that_belongs_to_it() -> None:
    scope = stack()
    idempotency = rotated_cache(scope, vpc(scope))
    assert idempotency.rotation_function is not None
    assert idempotency.rotation_function.node.path == "Stack/Idempotency/Rotation"
    assert idempotency.security_group is not None
    assert idempotency.security_group.node.path == "Stack/Idempotency/SecurityGroup"


def test_a_table_has_neither_rotation_nor_security_group() -> None:
    idempotency = Idempotency(stack(), "Idempotency")
    assert idempotency.rotation_function is None
    assert idempotency.security_group is None


@pytest.mark.parametrize(
    ("store", "kind"),
    [
        (None, dynamodb.CfnTable),
        (IdempotencyStore.elasticache_serverless(), elasticache.CfnServerlessCache),
    ],
)
def test_the_default_child_is_the_stores_resource(store: Any, kind: type) -> None:
    idempotency = Idempotency(stack(), "Idempotency", store=store)
    assert isinstance(idempotency.node.default_child, kind)


def test_a_store_that_exists_has_no_resource_here() -> None:
    scope = stack()
    table = dynamodb.Table.from_table_name(scope, "Mine", "records")
    store = IdempotencyStore.dynamodb(table=table)
    assert Idempotency(scope, "Idempotency", store=store).node.default_child is None
