"""The metrics that attached functions write, for dashboards and alarms of your own."""

from __future__ import annotations

from abc import abstractmethod
from typing import Unpack

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from lambda_idempotency.contract.names import METRICS

from ..accepted import check_type
from ..errors import ConstructError
from .base import MetricProps, StoreMonitoring, check_props, store_metric


class IdempotencyMetrics(Construct):
    """Metrics of the records in one store."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - the field's name for it
        super().__init__(scope, id)
        self._asked_namespaces: set[str] = set()

    @abstractmethod
    def _monitoring(self) -> StoreMonitoring: ...

    def metric(
        self, name: str, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Return a metric by its name, as docs/monitoring.md lists them.

        `namespace` is that of one attached function. Default: all that use the store. Raises
        ValueError for an unknown name.
        """
        if name not in METRICS:
            raise ConstructError(self, f"{name} is no metric; the metrics are {', '.join(METRICS)}")
        check_props(self, props)
        if namespace is not None:
            check_type(self, "namespace", namespace, str, "the namespace of an attached function")
            self._asked_namespaces.add(namespace)
        return store_metric(self._monitoring().name, name, namespace=namespace, **props)

    def metric_executed(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count calls that ran."""
        return self.metric("Executed", namespace=namespace, **props)

    def metric_resumed(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count later invocations of durable executions, which went on."""
        return self.metric("Resumed", namespace=namespace, **props)

    def metric_replayed(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count duplicates that got the recorded answer."""
        return self.metric("Replayed", namespace=namespace, **props)

    def metric_in_progress(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count duplicates that met a running attempt, and gave up."""
        return self.metric("InProgress", namespace=namespace, **props)

    def metric_mismatch(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count keys that came again with another payload."""
        return self.metric("Mismatch", namespace=namespace, **props)

    def metric_missing_key(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count events without a usable key."""
        return self.metric("MissingKey", namespace=namespace, **props)

    def metric_taken_over(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count attempts that died, and after which the next one ran."""
        return self.metric("TakenOver", namespace=namespace, **props)

    def metric_lease_lost(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count attempts that outlived their lease."""
        return self.metric("LeaseLost", namespace=namespace, **props)

    def metric_completion_failed(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count effects whose answer could not be recorded."""
        return self.metric("CompletionFailed", namespace=namespace, **props)

    def metric_parked(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count requests that are parked, because their attempts kept dying."""
        return self.metric("Parked", namespace=namespace, **props)

    def metric_reconciled(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count dead attempts whose answer `on_orphan` found out."""
        return self.metric("Reconciled", namespace=namespace, **props)

    def metric_step_recorded(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count steps whose result was recorded."""
        return self.metric("StepRecorded", namespace=namespace, **props)

    def metric_step_replayed(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count steps that were not repeated, because an attempt before had recorded them."""
        return self.metric("StepReplayed", namespace=namespace, **props)

    def metric_step_unrecorded(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count steps whose recovery point the store did not confirm."""
        return self.metric("StepUnrecorded", namespace=namespace, **props)

    def metric_liveness_unknown(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count duplicates that could not learn what has become of a durable execution."""
        return self.metric("LivenessUnknown", namespace=namespace, **props)

    def metric_store_error(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count calls for which the store was unreachable, or refused."""
        return self.metric("StoreError", namespace=namespace, **props)

    def metric_store_latency(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Measure the milliseconds until the store answered a request, with its retries."""
        return self.metric("StoreLatency", namespace=namespace, **props)

    def metric_credential_refresh(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count passwords, tokens and AWS credentials that were fetched anew."""
        return self.metric("CredentialRefresh", namespace=namespace, **props)

    def metric_eviction_possible(
        self, *, namespace: str | None = None, **props: Unpack[MetricProps]
    ) -> cloudwatch.Metric:
        """Count environments that found a Redis server which forgets records when it is full."""
        return self.metric("EvictionPossible", namespace=namespace, **props)
