"""What functions and a Redis server say to one another is encrypted.

Without TLS whoever is on the way reads the records, and the password
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/encryption/).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.deployment import Deployment
from ..model.finding import Finding, warning
from ..model.servers import exposed


def check(deployment: Deployment) -> Iterator[Finding]:
    """See above."""
    settings = exposed(deployment)
    if settings is not None and not settings.tls:
        yield warning(
            "redis-tls",
            deployment.construct,
            "Functions and the Redis server speak in plain text (tls=False), so whoever is on the "
            "way reads the records, and the password. Turn TLS on at the server, and leave tls "
            "out.",
        )
