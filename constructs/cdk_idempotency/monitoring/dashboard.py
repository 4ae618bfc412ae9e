"""The dashboard for the person on call."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from lambda_idempotency.contract.names import METRIC_NAMESPACE

from ..errors import ConstructError
from .base import PERIOD, RUNBOOK, StoreMonitoring, graph
from .metrics import IdempotencyMetrics


def add_dashboard(
    scope: IdempotencyMetrics, store: StoreMonitoring, runbook: str | None
) -> cloudwatch.Dashboard:
    """Add the dashboard of `Idempotency.dashboard`."""
    if scope.node.try_find_child("Dashboard") is not None:
        raise ConstructError(scope, "it has a dashboard already; call dashboard() once")
    dashboard = cloudwatch.Dashboard(scope, "Dashboard")
    where = RUNBOOK if runbook is None else f"[runbook]({runbook})"
    dashboard.add_widgets(
        cloudwatch.TextWidget(
            markdown=f"# {scope.node.path}\nRecords in **{store.name}**. What to do: {where}.",
            width=24,
            height=2,
        )
    )
    dashboard.add_widgets(
        graph(
            "Requests",
            scope.metric_executed(),
            scope.metric_replayed(),
            scope.metric_in_progress(),
            scope.metric_mismatch(),
            scope.metric_missing_key(),
            stacked=True,
        ),
        graph(
            "Store latency, ms",
            scope.metric_store_latency(statistic="p50", label="p50"),
            scope.metric_store_latency(label="p99"),
        ),
        graph(
            "What must never happen",
            scope.metric_completion_failed(),
            scope.metric_lease_lost(),
            scope.metric_parked(),
            scope.metric_store_error(),
        ),
    )
    dashboard.add_widgets(
        graph(
            "Attempts that died",
            scope.metric_taken_over(),
            scope.metric_reconciled(),
        ),
        graph("Runs by function", _by_function(store, "Executed")),
        graph("Replays by function", _by_function(store, "Replayed")),
    )
    if store.graphs:
        dashboard.add_widgets(*store.graphs)
    return dashboard


def _by_function(store: StoreMonitoring, metric: str) -> cloudwatch.MathExpression:
    """Return a search for all functions, which finds those attached later too."""
    search = f'{{{METRIC_NAMESPACE},store,namespace}} store="{store.name}" MetricName="{metric}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', 'Sum', {int(PERIOD.to_seconds())})",
        label="",
        period=PERIOD,
        using_metrics={},
    )
