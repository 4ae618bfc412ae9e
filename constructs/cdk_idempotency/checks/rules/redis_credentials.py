"""Redis servers without authentication.

Fires when: `RedisCredentials.none()`, and the server is not on the loopback address.
What to do: Give the server a [user](redis.md#the-users-rights), and pass its credentials.

Anyone who reaches such a server can read, change and delete all records
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
            "The Redis server authenticates nobody (RedisCredentials.none()), so anyone who "
            "reaches it can read records, or delete them so that their requests run again. Give "
            "it a user of its own (docs/redis.md has the rights), and pass "
            "RedisCredentials.secret() or another.",
        )
