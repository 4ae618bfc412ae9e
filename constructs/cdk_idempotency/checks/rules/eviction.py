"""Caches that evict records.

Fires when: A cache of this app evicts records before they expire: a serverless cache with a maximum
(`data_storage_maximum`), a replication group or a cluster whose `maxmemory-policy` is not
`noeviction`, as by default.
What to do: Leave the maximum out, or set an alarm well below it; give the others a parameter group
with `noeviction`.

A request whose record was evicted runs again. A serverless cache evicts at its maximum
(https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.html), another one when it is full,
unless its `maxmemory-policy` is `noeviction` (https://docs.aws.amazon.com/AmazonElastiCache/latest/
dg/ParameterGroups.Engine.html). The runtime warns of servers that are not of this app.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aws_cdk import CfnResource

from ..model.deployment import Deployment
from ..model.servers import server_resources
from ..model.tree import ConstructTree
from ..rule import Violation, warning

if TYPE_CHECKING:
    from aws_cdk import aws_elasticache as elasticache

POLICY: Final = "maxmemory-policy"
DEFAULT: Final = "volatile-lru"
"""Of parameter groups: evicts what has an expiry, as records have."""


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    for resource in server_resources(deployment):
        advice = _advice(deployment.tree, resource)
        if advice is not None:
            yield Violation(deployment.construct, advice)


def _advice(tree: ConstructTree, cache: CfnResource) -> str | None:
    from aws_cdk import aws_elasticache as elasticache  # an app without Redis has no need

    if isinstance(cache, elasticache.CfnServerlessCache):
        limits = tree.properties(cache).get("cacheUsageLimits", {})
        maximum = limits.get("dataStorage", {}).get("maximum")
        if not isinstance(maximum, int | float):
            return None
        return (
            f"At {maximum} GB the cache evicts records before they expire, and their requests run "
            "again: leave the maximum out (data_storage_maximum), or set an alarm on "
            "BytesUsedForCache well below it."
        )
    if not isinstance(cache, elasticache.CfnCacheCluster | elasticache.CfnReplicationGroup):
        return None
    policy = _policy(tree, cache)
    if policy in (None, "noeviction"):
        return None
    return (
        f"When {cache.node.path} is full, it evicts records before they expire ({POLICY} is "
        f"{policy}), and their requests run again: give it a parameter group with {POLICY} "
        "noeviction."
    )


def _policy(
    tree: ConstructTree, cache: elasticache.CfnCacheCluster | elasticache.CfnReplicationGroup
) -> str | None:
    """Return the `maxmemory-policy`; None where it is not known."""
    from aws_cdk import aws_elasticache as elasticache

    group = cache.cache_parameter_group_name
    if group is None or group.startswith("default."):
        return DEFAULT
    for resource in tree.referenced(cache, group):
        if isinstance(resource, elasticache.CfnParameterGroup):
            found = tree.properties(resource).get("properties", {}).get(POLICY, DEFAULT)
            return found if isinstance(found, str) else None
    return None
