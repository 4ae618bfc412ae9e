"""A Redis server asks its clients who they are.

Otherwise whoever reaches it reads, changes and deletes all records
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/).
"""

from __future__ import annotations

from collections.abc import Iterator

from lambda_idempotency.redis_document import NoCredentials

from ..model.deployment import Deployment
from ..model.finding import Finding, warning
from ..model.servers import exposed


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    settings = exposed(deployment)
    if settings is not None and isinstance(settings.credentials, NoCredentials):
        yield warning(
            "redis-credentials",
            deployment.construct,
            "The Redis server asks nobody who he is (RedisCredentials.none()), so whoever reaches "
            "it reads records, and deletes them, and their requests run again. Give it a user of "
            "its own (docs/redis.md has the rights), and pass RedisCredentials.secret() or "
            "another.",
        )
