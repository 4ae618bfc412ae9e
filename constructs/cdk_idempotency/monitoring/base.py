"""What a store adds to the dashboard and to the alarms, and how the alarms are described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from lambda_idempotency.contract import METRIC_NAMESPACE

PERIOD: Final = Duration.minutes(5)


class MetricProps(TypedDict, total=False):
    """Options of a metric; a prop that is left out has the metric's own default."""

    statistic: str
    """Such as `Sum` or `p99`. Default: `Sum`, and `p99` for the latency."""
    period: Duration
    """Default: 5 minutes."""
    label: str
    """Default: CloudWatch's choice."""
    color: str
    """As `#1f77b4`. Default: CloudWatch's choice."""


@dataclass(frozen=True, kw_only=True)
class Danger:
    """Something that must never happen, and what to tell whom it wakes."""

    name: str
    """Of the alarm in its construct; its section of the runbook has the same."""
    metric: cloudwatch.IMetric
    meaning: str
    first: str
    """What to do first."""
    threshold: float = 1


@dataclass(frozen=True, kw_only=True)
class StoreMonitoring:
    """How a store is watched."""

    name: str
    """Its dimension: what the runtime calls it."""
    pictures: tuple[cloudwatch.GraphWidget, ...] = ()
    dangers: tuple[Danger, ...] = ()


def metric_of(
    store: str, name: str, *, namespace: str | None = None, **props: Unpack[MetricProps]
) -> cloudwatch.Metric:
    """A metric that the runtime writes, of a store or of one namespace in it."""
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
    """One picture of a dashboard: a third of its width."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6, **options)
