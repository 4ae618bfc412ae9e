"""The types of monitoring: alarms, and what a store adds to them and to the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from constructs import IConstruct
from lambda_idempotency.contract.names import METRIC_NAMESPACE
from lambda_idempotency.contract.rows import has_no

from ..accepted import check_type
from ..errors import ConstructError
from .options import Urgency

PERIOD: Final = Duration.minutes(5)

RUNBOOK: Final = "docs/runbook.md"
"""The runbook of this project, of which a team may have a copy."""


class MetricProps(TypedDict, total=False):
    """Options of a metric; a prop left out has the metric's own default."""

    statistic: str
    """A statistic, such as `Sum` or `p99`. Default: `Sum`, and `p99` for the latency."""
    period: Duration
    """The time of one data point. Default: 5 minutes."""
    label: str
    """The name in a graph. Default: CloudWatch's choice."""
    color: str
    """The color in a graph, such as `#1f77b4`. Default: CloudWatch's choice."""


def check_props(scope: IConstruct, props: Mapping[str, Any]) -> None:
    """Raise ConstructError for an option that metrics do not have, or of the wrong type."""
    if unknown := sorted(props.keys() - MetricProps.__annotations__.keys()):
        known = MetricProps.__annotations__
        raise ConstructError(scope, f"a metric {has_no('option', unknown[0], known)}")
    for name, value in props.items():
        if name == "period":
            check_type(scope, name, value, Duration, "a Duration")
        else:
            check_type(scope, name, value, str, "a text")


@dataclass(frozen=True, kw_only=True)
class AlarmSpec:
    """An alarm for something that must never happen, and what it tells the person on call."""

    name: str
    """The name of the alarm in its construct, and of its section in the runbook."""
    metric: cloudwatch.Metric
    meaning: str
    first_step: str
    threshold: float = 1
    urgency: Urgency = "page"
    twice: bool = False
    """True if it tells that an effect may happen twice: the alarm of all those is heard instead."""
    section: str | None = None
    """The section of the runbook, if its name is another."""

    def description(self, runbook: str) -> str:
        """Return the alarm's text, with a link to its section of the runbook."""
        section = self.name if self.section is None else self.section
        return f"{self.meaning} {self.first_step} Runbook: {runbook}#{section.lower()}"


@dataclass(frozen=True, kw_only=True)
class StoreMonitoring:
    """A store's name in metrics, and what it adds to dashboard and alarms."""

    name: str
    """The value of the dimension `store`: what the runtime calls it."""
    graphs: tuple[cloudwatch.GraphWidget, ...] = ()
    alarm_specs: tuple[AlarmSpec, ...] = ()


def rotation_failed(function: lambda_.IFunction) -> AlarmSpec:
    """Return the alarm of a function that rotates a password."""
    return AlarmSpec(
        name="RotationFailed",
        metric=function.metric_errors(statistic="Sum", period=PERIOD),
        meaning="The password of the Redis user could not be rotated; the one before still works.",
        first_step="Read the error in the rotation function's log: it names the step.",
        urgency="ticket",
    )


def store_metric(
    store: str, name: str, *, namespace: str | None = None, **props: Unpack[MetricProps]
) -> cloudwatch.Metric:
    """Return a metric that the runtime writes, of a store or of one namespace in it."""
    statistic = "p99" if name == "StoreLatency" else "Sum"
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=name,
        dimensions_map={"store": store} | ({} if namespace is None else {"namespace": namespace}),
        statistic=props.get("statistic", statistic),
        period=props.get("period", PERIOD),
        label=props.get("label"),
        color=props.get("color"),
    )


def graph(title: str, *metrics: cloudwatch.IMetric, **options: Any) -> cloudwatch.GraphWidget:
    """Return a graph that takes a third of the dashboard's width."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6, **options)
