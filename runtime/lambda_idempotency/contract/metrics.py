"""The names under which CloudWatch has the metrics: the runtime writes them, the construct asks."""

from __future__ import annotations

from typing import Final, get_args

from ..protocol.record import Metric

METRIC_NAMESPACE: Final = "CdkIdempotency"
"""CloudWatch's namespace of the metrics."""

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
