"""Rotations that the server does not support.

Fires when: `RedisRotation.acl()` on an ElastiCache cache of this app, or any rotation on MemoryDB:
there is no `ACL SETUSER`.
What to do: `RedisRotation.elasticache(user_id=...)`; on MemoryDB none.

ElastiCache and MemoryDB have no ACL SETUSER; their users are changed by their APIs
(https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html,
https://docs.aws.amazon.com/memorydb/latest/devguide/restrictedcommands.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.servers import server_resources
from ..rule import Violation, error


@error
def check(deployment: Deployment) -> Iterator[Violation]:
    server = deployment.store.server
    if server is None or server.rotation is None:
        return
    from aws_cdk import aws_elasticache as elasticache  # an app without Redis has no need
    from aws_cdk import aws_memorydb as memorydb

    caches = (
        elasticache.CfnCacheCluster,
        elasticache.CfnReplicationGroup,
        elasticache.CfnServerlessCache,
    )
    strategy = server.rotation.props.strategy
    for resource in server_resources(deployment):
        if isinstance(resource, caches) and strategy == "acl":
            advice = "Pass RedisRotation.elasticache(user_id=...) instead."
        elif isinstance(resource, memorydb.CfnCluster):
            advice = "Leave rotation out: there is none for MemoryDB."
        else:
            continue
        yield Violation(
            deployment.construct,
            f"RedisRotation.{strategy}() cannot change the users of {resource.node.path}, which "
            f"its API alone does. {advice}",
        )
