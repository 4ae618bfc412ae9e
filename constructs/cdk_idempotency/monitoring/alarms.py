"""Alarms for what must never happen, each with its section of the runbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from constructs import Construct
from lambda_idempotency.contract.rows import has_no

from ..accepted import refused
from ..errors import ConstructError
from .base import RUNBOOK, AlarmSpec, StoreMonitoring
from .metrics import IdempotencyMetrics
from .options import AlarmOptions, check_options

Action: TypeAlias = sns.ITopic | cloudwatch.IAlarmAction
Actions: TypeAlias = Action | Sequence[Action]
"""What hears of an alarm: topics, and CloudWatch's other actions."""

TWICE: Final = "DoubleEffects"
"""The alarm that tells of each way to an effect that happens twice."""


def add_alarms(
    scope: IdempotencyMetrics,
    store: StoreMonitoring,
    *,
    page: Actions,
    ticket: Actions | None,
    namespace: str | None,
    options: Mapping[str, AlarmOptions] | None,
    runbook: str | None,
) -> dict[str, cloudwatch.AlarmBase]:
    """Add the alarms of `Idempotency.alarms`, and return them by name."""
    name = "Alarms" if namespace is None else f"Alarms-{namespace.replace('/', '-')}"
    if scope.node.try_find_child(name) is not None:
        of = "" if namespace is None else f" for {namespace}"
        raise ConstructError(scope, f"it has alarms{of} already; call alarms() once")
    specs = [*_specs(scope, namespace), *(store.alarm_specs if namespace is None else ())]
    options = {} if options is None else options
    check_options(scope, options)
    if unknown := sorted(options.keys() - {TWICE, *(spec.name for spec in specs)}):
        known = [spec.name for spec in specs]
        raise ConstructError(scope, f"options: it {has_no('alarm', unknown[0], known)}")
    heard = {"page": _actions(scope, "topic", page)}
    heard["ticket"] = heard["page"] if ticket is None else _actions(scope, "ticket", ticket)
    group = Construct(scope, name)
    where = RUNBOOK if runbook is None else runbook
    alarms: dict[str, cloudwatch.AlarmBase] = {}
    for spec in specs:
        alarms[spec.name] = _alarm(group, spec, options.get(spec.name, {}), where)
    twice = [alarms[spec.name] for spec in specs if spec.twice]
    alarms[TWICE] = cloudwatch.CompositeAlarm(
        group,
        TWICE,
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(cloudwatch.AlarmRule.from_alarm(each, cloudwatch.AlarmState.ALARM) for each in twice)
        ),
        alarm_description="An effect may happen twice, or has: the alarms behind this one say how. "
        "Look at them, and settle the records that the log names. "
        f"Runbook: {where}#{TWICE.lower()}",
    )
    urgencies = {spec.name: None if spec.twice else spec.urgency for spec in specs}
    for alarm, urgency in {**urgencies, TWICE: "page"}.items():
        told = options.get(alarm, {}).get("urgency", urgency)
        for action in heard.get(str(told), ()):
            alarms[alarm].add_alarm_action(action)
            alarms[alarm].add_ok_action(action)
    return alarms


def _alarm(
    group: Construct, spec: AlarmSpec, options: AlarmOptions, runbook: str
) -> cloudwatch.Alarm:
    metric = spec.metric
    if (period := options.get("period")) is not None:
        metric = metric.with_(period=period)
    return cloudwatch.Alarm(
        group,
        spec.name,
        metric=metric,
        threshold=options.get("threshold", spec.threshold),
        evaluation_periods=options.get("evaluation_periods", 1),
        datapoints_to_alarm=options.get("datapoints_to_alarm"),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=spec.description(runbook),
    )


def _actions(scope: Construct, prop: str, given: Any) -> list[cloudwatch.IAlarmAction]:
    found: list[cloudwatch.IAlarmAction] = []
    for each in given if isinstance(given, list | tuple) else [given]:
        if hasattr(each, "topic_arn"):
            found.append(actions.SnsAction(each))
        elif hasattr(each, "bind") and not isinstance(each, type):
            found.append(cast("Any", each))
        else:
            raise refused(scope, prop, each, "an sns.Topic, an alarm action, or a list of them")
    return found


def _specs(scope: IdempotencyMetrics, namespace: str | None) -> Iterator[AlarmSpec]:
    """Yield the alarms of every store."""
    yield AlarmSpec(
        name="CompletionFailed",
        metric=scope.metric_completion_failed(namespace=namespace),
        meaning="An effect happened and its record could not be written, so that a retry after "
        "the lease will repeat it.",
        first_step="Find the record in the log and settle it, then look at the store.",
        twice=True,
    )
    yield AlarmSpec(
        name="LeaseLost",
        metric=scope.metric_lease_lost(namespace=namespace),
        meaning="An attempt outlived its lease, and another may have run at the same time.",
        first_step="Find the record in the log, and check whether its effect happened twice.",
        twice=True,
    )
    yield AlarmSpec(
        name="Parked",
        metric=scope.metric_parked(namespace=namespace),
        meaning="Attempts of a request kept dying; it does not run again by itself.",
        first_step="Find out whether its effect happened. If not, run cdk-idempotency release.",
        urgency="ticket",
    )
    yield AlarmSpec(
        name="StoreError",
        metric=scope.metric_store_error(namespace=namespace),
        meaning="The store was unreachable or refused, and requests were turned away.",
        first_step="Read the error in the function's log: it names what to repair.",
    )
