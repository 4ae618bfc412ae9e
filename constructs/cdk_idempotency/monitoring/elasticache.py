"""Graphs and alarms of a serverless cache.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/serverless-metrics-events-redis.html
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticache as elasticache

from .base import PERIOD, AlarmSpec, StoreMonitoring, graph

_FULL = 0.8
"""The part of the cache's maximum at which it is time to act."""


def cache_monitoring(
    name: str, cache: elasticache.CfnServerlessCache, gigabytes: float | None
) -> StoreMonitoring:
    """Return the monitoring of the cache.

    `name` is the runtime's name for it; `gigabytes` is the maximum at which it evicts, if any.
    """

    def own(metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name=metric,
            dimensions_map={"ServerlessCacheName": cache.serverless_cache_name},
            statistic=statistic,
            period=PERIOD,
        )

    throttles, evictions = own("ThrottledCmds"), own("Evictions")
    size = own("BytesUsedForCache", "Maximum")
    alarm_specs = [
        AlarmSpec(
            name="Throttled",
            metric=throttles,
            meaning="ElastiCache throttles the cache of the records: requests wait, and fail when "
            "their time ends.",
            first_step="Look at its ECPUs: it scales within minutes, and doubles in about ten.",
            urgency="ticket",
        ),
        AlarmSpec(
            name="Evicted",
            metric=evictions,
            meaning="The cache has forgotten records before they expired, so that their requests "
            "run again.",
            first_step="Raise data_storage_maximum, or shorten expires_after.",
            twice=True,
        ),
    ]
    if gigabytes is not None:
        alarm_specs.append(
            AlarmSpec(
                name="AlmostFull",
                metric=size,
                threshold=_FULL * gigabytes * 1024**3,
                meaning=f"The cache holds {_FULL:.0%} of its maximum, at which it forgets records "
                "before they expire.",
                first_step="Raise data_storage_maximum, or shorten expires_after.",
                urgency="ticket",
            )
        )
    return StoreMonitoring(
        name=name,
        graphs=(
            graph("Cache: ECPUs", own("ElastiCacheProcessingUnits")),
            graph("Cache: bytes", size),
            graph("Cache: throttles, evictions", throttles, evictions),
        ),
        alarm_specs=tuple(alarm_specs),
    )
