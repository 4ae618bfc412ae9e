"""cdk-nag's packs for HIPAA, NIST and PCI, and for serverless apps, find nothing about what the
construct makes that its options cannot cure. AwsSolutions is in test_outside_rules.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from aws_cdk import App
from aws_cdk import aws_backup as backup
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from cdk_nag import (
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from cdk_idempotency import Idempotency, IdempotencyStore, RedisCredentials, RedisRotation
from kit.rules import checked
from kit.synth import function, stack, vpc

PACKS: Final = (
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)


def _cache(app: App, *, cured: bool) -> None:
    scope = stack(app)
    home, key = vpc(scope), kms.Key(scope, "Key", enable_key_rotation=True)
    options: dict[str, Any] = {
        "log_group": logs.LogGroup(scope, "Logs", encryption_key=key),
        "tracing": lambda_.Tracing.ACTIVE,
        "dead_letter_queue": sqs.Queue(scope, "Dead"),
        "reserved_concurrent_executions": 1,
    }
    rotation = RedisRotation.elasticache(**options if cured else {})
    store = IdempotencyStore.elasticache_serverless(
        vpc=home,
        vpc_endpoints=True,
        encryption_key=key,
        credentials=RedisCredentials.secret(
            rotation=rotation, encryption_key=key if cured else None
        ),
    )
    Idempotency(scope, "Idempotency", store=store).attach(function(scope, vpc=home))


def _table(app: App, *, cured: bool) -> None:
    scope = stack(app)
    plan = backup.BackupPlan.daily35_day_retention(scope, "Plan")
    store = IdempotencyStore.dynamodb(backup_plan=plan if cured else None)
    Idempotency(scope, "Idempotency", store=store).attach(function(scope))


def _found(make: Callable[..., None], *, cured: bool) -> set[str]:
    """Return the open findings about what the construct makes."""
    findings = checked(lambda app: make(app, cured=cured), None, *PACKS).findings
    return {
        f"{finding.id} {finding.construct}"
        for finding in findings
        if "/Idempotency" in finding.construct and finding.reason is None
    }


@pytest.mark.parametrize("make", [_cache, _table])
def test_nothing_is_found_that_options_cannot_cure(make: Callable[..., None]) -> None:
    assert _found(make, cured=True) == set()


@pytest.mark.parametrize(
    ("make", "about"),
    [(_cache, {"Rotation/Resource", "Secret/Resource"}), (_table, {"Table/Resource"})],
)
def test_without_the_options_it_is_found(make: Callable[..., None], about: set[str]) -> None:
    found = _found(make, cured=False)
    assert {name.partition("Stack/Idempotency/")[2] for name in found} == about
