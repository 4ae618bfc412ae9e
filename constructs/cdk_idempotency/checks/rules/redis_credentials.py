"""Redis servers without authentication.

Fires when: `RedisCredentials.none()`, and the server is not on the loopback address.
What to do: Give the server a [user](redis.md#the-users-rights), and pass its credentials.

Whoever reaches such a server reads, changes and deletes all records
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/).
"""

from __future__ import annotations

from collections.abc import Iterator

from lambda_idempotency.contract.redis import NoCredentials

from ..model.deployment import Deployment
from ..model.servers import exposed_settings
from ..rule import Violation, warning


@warning
def check(deployment: Deployment) -> Iterator[Violation]:
    settings = exposed_settings(deployment)
    if settings is not None and isinstance(settings.credentials, NoCredentials):
        yield Violation(
            deployment.construct,
            "The Redis server asks nobody who he is (RedisCredentials.none()), so whoever reaches "
            "it reads records, and deletes them, and their requests run again. Give it a user of "
            "its own (docs/redis.md has the rights), and pass RedisCredentials.secret() or "
            "another.",
        )
