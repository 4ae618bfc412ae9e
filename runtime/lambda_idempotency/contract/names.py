"""Names that both halves use: of metrics in CloudWatch, of attributes of a DynamoDB table, and of
their version."""

from __future__ import annotations

from typing import Final, get_args

from ..protocol.record import Metric

VERSION: Final = "0.1.0"
"""The version of both halves, as in pyproject.toml."""

METRIC_NAMESPACE: Final = "CdkIdempotency"
"""CloudWatch's namespace of the metrics."""

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)

PARTITION_KEY: Final = "id"
"""The only key of the table: there is no sort key."""

TTL_ATTRIBUTE: Final = "expiration"
"""Epoch seconds, after which DynamoDB deletes the record."""

ENCRYPTION_CONTEXT: Final = "cdk-idempotency:namespace"
"""The name of the namespace in KMS's encryption context, by which IAM fences data keys off."""
