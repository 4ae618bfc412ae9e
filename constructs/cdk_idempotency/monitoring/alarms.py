"""Alarms for what must never happen, each with its section of the runbook."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from constructs import Construct

from ..errors import ConstructError
from .base import RUNBOOK, AlarmSpec, StoreMonitoring
from .metrics import IdempotencyMetrics


def add_alarms(
    scope: IdempotencyMetrics, store: StoreMonitoring, topic: sns.ITopic, runbook: str | None
) -> dict[str, cloudwatch.Alarm]:
    """Add the alarms, and return them by their names; see `Idempotency.alarms`."""
    if scope.node.try_find_child("Alarms") is not None:
        raise ConstructError(scope, "it has alarms already; call alarms() once")
    group = Construct(scope, "Alarms")
    action = actions.SnsAction(topic)
    alarms: dict[str, cloudwatch.Alarm] = {}
    for spec in (*_specs(scope), *store.alarm_specs):
        alarm = alarms[spec.name] = cloudwatch.Alarm(
            group,
            spec.name,
            metric=spec.metric,
            threshold=spec.threshold,
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=spec.description(RUNBOOK if runbook is None else runbook),
        )
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
    return alarms


def _specs(scope: IdempotencyMetrics) -> Iterator[AlarmSpec]:
    """Yield the alarms of every store."""
    yield AlarmSpec(
        name="CompletionFailed",
        metric=scope.metric_completion_failed(),
        meaning="An effect happened and its record could not be written, so that a retry after "
        "the lease will repeat it.",
        first_step="Find the record in the log and settle it, then look at the store.",
    )
    yield AlarmSpec(
        name="LeaseLost",
        metric=scope.metric_lease_lost(),
        meaning="An attempt outlived its lease, and another one may have run beside it.",
        first_step="Find the record in the log, and out whether its effect happened twice.",
    )
    yield AlarmSpec(
        name="Parked",
        metric=scope.metric_parked(),
        meaning="Attempts of a request kept dying; it does not run again by itself.",
        first_step="Find out whether its effect happened, then delete the record to let it run.",
    )
    yield AlarmSpec(
        name="StoreError",
        metric=scope.metric_store_error(),
        meaning="The store could not be reached, or refused, and requests were turned away.",
        first_step="Read the error in the function's log: it names what to repair.",
    )
