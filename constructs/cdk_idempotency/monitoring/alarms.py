"""Alarms for what must never happen, each with its section of the runbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions

from constructs import Construct

from ..errors import refusal
from .base import Danger, StoreMonitoring

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from .metrics import Monitored

RUNBOOK: Final = "docs/runbook.md"
"""Of this project, unless a team has a copy."""


def alarms_of(
    scope: Monitored, store: StoreMonitoring, topic: sns.ITopic, runbook: str | None
) -> dict[str, cloudwatch.Alarm]:
    """See `Monitored.alarms`."""
    if scope.node.try_find_child("Alarms") is not None:
        raise refusal(scope, "it has alarms already; call alarms() once")
    group = Construct(scope, "Alarms")
    action = actions.SnsAction(topic)
    alarms: dict[str, cloudwatch.Alarm] = {}
    for danger in (*_dangers(scope), *store.dangers):
        alarm = alarms[danger.name] = cloudwatch.Alarm(
            group,
            danger.name,
            metric=danger.metric,
            threshold=danger.threshold,
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=_description(danger, RUNBOOK if runbook is None else runbook),
        )
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
    return alarms


def _dangers(scope: Monitored) -> Iterator[Danger]:
    yield Danger(
        name="CompletionFailed",
        metric=scope.metric_completion_failed(),
        meaning="An effect happened and its record could not be written, so that a retry after "
        "the lease will repeat it.",
        first="Find the record in the log and settle it, then look at the store.",
    )
    yield Danger(
        name="LeaseLost",
        metric=scope.metric_lease_lost(),
        meaning="An attempt outlived its lease, and another one may have run beside it.",
        first="Find the record in the log, and out whether its effect happened twice.",
    )
    yield Danger(
        name="Parked",
        metric=scope.metric_parked(),
        meaning="Attempts of a request kept dying; it does not run again by itself.",
        first="Find out whether its effect happened, then delete the record to let it run.",
    )
    yield Danger(
        name="StoreError",
        metric=scope.metric_store_error(),
        meaning="The store could not be reached, or refused, and requests were turned away.",
        first="Read the error in the function's log: it names what to repair.",
    )


def _description(danger: Danger, runbook: str) -> str:
    return f"{danger.meaning} {danger.first} Runbook: {runbook}#{danger.name.lower()}"
